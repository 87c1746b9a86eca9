"""Codes on their way: to a mail server, a command, a gateway; and what the log says when they do not arrive."""

import json
import os
import re
import select
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, TCPServer
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any, cast

import pytest
import trio
from aiosmtpd.smtp import AuthResult, LoginPassword
from trio.testing import wait_all_tasks_blocked

from fingerpost import delivery, login
from fingerpost.configuration import Configuration
from fingerpost.delivery import Deliverer
from fingerpost.line import Line
from fingerpost.validator_sections import MAX_SECONDS, MailPart, MailSecurity, NumbersPart
from root.validator.desk import Delivery
from tests.fingerpost.daemons import PATIENCE
from tests.fingerpost.household import Household
from tests.fingerpost.validators import (
    MAIL,
    NUMBERS,
    caller,
    failing,
    free_port,
    mail_server,
    server_context,
    validating,
    validator,
)
from transport.http_listener import HttpLimits
from zonedata import identifiers

ALICE = "alice@example.com"
NUMBER = "+14155550123"
VOUCHES = r"http://127\.0\.0\.1:\d+/: vouches for this key, which holds it since \S+Z, until \S+Z"


def test_a_mail_server_that_refuses(house: Household) -> None:
    with mail_server() as (mailbox, port):
        mailbox.refuses = True
        validator(house, MAIL.format(port=port))
        with validating() as vera:
            failing(house, ALICE, vera.url)
            assert 'event=undelivered scheme=mail reason="the mail server refused with 550"' in vera.log
            assert ALICE not in vera.log
            assert "no such person" not in vera.log, "what a server says may repeat anything"


async def test_a_mail_has_the_headers_that_mails_need() -> None:
    """Date and From must be there, Message-ID should (RFC 5322 section 3.6); filters count what lacks them."""
    with mail_server() as (mailbox, port):
        vera = deliverer(port)
        assert await vera.deliver(delivery_to(ALICE))
        assert await vera.deliver(delivery_to(ALICE))
    first, second = mailbox.messages
    assert abs((first["Date"].datetime - datetime.now(UTC)).total_seconds()) < PATIENCE
    assert (first["From"], first["To"]) == ("codes@vera.example", ALICE)
    assert re.fullmatch(r"<[^<>@ ]+@vera\.example>", first["Message-ID"])
    assert first["Message-ID"] != second["Message-ID"]


async def test_a_mail_that_was_taken_is_delivered_however_its_server_parts() -> None:
    with mail_server() as (mailbox, port):
        mailbox.parts_badly = True
        assert await deliverer(port).deliver(delivery_to(ALICE))


def test_a_mail_server_that_is_not_there(house: Household) -> None:
    validator(house, MAIL.format(port=free_port()))
    with validating() as vera:
        failing(house, ALICE, vera.url)
        assert 'reason="the mail server is not there: Connection refused"' in vera.log


def test_a_mail_server_that_offers_no_tls_gets_nothing_where_it_is_required(house: Household) -> None:
    with mail_server() as (mailbox, port):
        validator(house, MAIL.format(port=port).replace("never", "required"))
        with validating() as vera:
            failing(house, ALICE, vera.url)
        assert mailbox.mails == []


def test_tls_that_is_offered_is_taken_with_any_certificate(house: Household) -> None:
    options = {"tls_context": server_context(house), "require_starttls": True}
    with mail_server(**options) as (mailbox, port):
        validator(house, MAIL.format(port=port).replace("never", "offered"))
        house.sound("recipient", "create", "recipient.pem")
        with validating() as vera:
            house.sound("recipient", "claim", ALICE, "--validator", vera.url)
            house.sound("recipient", "confirm", mailbox.code())


def test_mail_in_tls_with_a_login(house: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    logins: list[tuple[bytes, bytes]] = []
    context = server_context(house)
    options = {"tls_context": context, "require_starttls": True, "auth_required": True}
    with mail_server(**options, authenticator=authenticator(logins)) as (mailbox, port):
        house.write("login", "vera\nsesame\n").chmod(0o600)
        validator(house, MAIL.format(port=port).replace('"never"', '"required"\nlogin = "login"'))
        with validating() as vera:
            failing(house, "bob@example.com", vera.url)
            assert "SSLCertVerificationError" in vera.log
        assert (logins, mailbox.mails) == ([], [])
        monkeypatch.setenv("SSL_CERT_FILE", str(house.folder / "mail.pem"))
        with validating() as vera:
            house.sound("recipient", "claim", ALICE, "--validator", vera.url)
            house.sound("recipient", "confirm", mailbox.code(), "--csi", ALICE)
        assert logins == [(b"vera", b"sesame")]


def authenticator(logins: list[tuple[bytes, bytes]]) -> Callable[..., AuthResult]:
    """Let everybody in, and write them down."""

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, given: LoginPassword) -> AuthResult:
        del server, session, envelope, mechanism
        logins.append((given.login, given.password))
        return AuthResult(success=True)

    return authenticate


async def test_a_password_that_cannot_be_sent_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(login, "read", lambda _: ("vera", "s\u00e9same"))
    options = {"auth_require_tls": False, "authenticator": authenticator([])}
    with mail_server(**options) as (_, port):
        assert not await deliverer(port, logs_in=True).deliver(delivery_to(ALICE))
    assert 'reason="the mail or the login holds what cannot be sent"' in caplog.text
    assert "same" not in caplog.text


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 3", "the command ended with status 3"),
        ("sleep 60", "it took more than 1 s"),
        (None, "the command cannot be run: No such file or directory"),
    ],
)
def test_a_command_that_fails(house: Household, script: str | None, reason: str) -> None:
    caller(house)
    validator(house, NUMBERS + "seconds = 1\n")
    with validating() as vera:
        if script is None:
            Path("call.sh").unlink()
        else:
            house.write("call.sh", f"#!/bin/sh\n{script}\n")
        failing(house, NUMBER, vera.url)
        assert f'event=undelivered scheme=e164 reason="{reason}"' in vera.log
        assert NUMBER not in vera.log


def test_a_command_is_killed_with_all_that_it_started(house: Household) -> None:
    caller(house)
    os.mkfifo("alive")  # its other end is held by whatever the command starts; when the last has gone, it hangs up
    house.write("call.sh", "#!/bin/sh\nexec 3>alive\necho begun >&3\nsleep 60\n")
    validator(house, NUMBERS + "seconds = 1\n")
    alive = os.open("alive", os.O_RDONLY | os.O_NONBLOCK)
    try:
        with validating() as vera:
            failing(house, NUMBER, vera.url)
            assert os.read(alive, 100) == b"begun\n"
            poll = select.poll()
            poll.register(alive, 0)
            assert poll.poll(PATIENCE * 1_000) == [(alive, select.POLLHUP)]
    finally:
        os.close(alive)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_codes_are_posted_to_a_gateway(house: Household, scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    posted: list[tuple[str, dict[str, str]]] = []
    statuses = [204, 500]

    class Gateway(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.append((self.path, json.loads(body)))
            self.send_response(statuses.pop(0))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Gateway) as server:
        if scheme == "https":
            server.socket = server_context(house).wrap_socket(server.socket, server_side=True)
            monkeypatch.setenv("SSL_CERT_FILE", str(house.folder / "mail.pem"))
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"{scheme}://127.0.0.1:{server.server_port}/send"
            validator(house, f'\n[numbers]\nurl = "{url}"\n')
            house.sound("recipient", "create", "recipient.pem")
            with validating() as vera:
                house.sound("recipient", "claim", NUMBER, "--validator", vera.url)
                ((path, said),) = posted
                assert (path, said["number"]) == ("/send", NUMBER)
                house.sound("recipient", "confirm", said["code"])
                failing(house, NUMBER, vera.url)
                assert 'reason="the gateway refused with 500"' in vera.log
        finally:
            server.shutdown()
            thread.join()


# --- many at a time, and slow ones ----------------------------------------------------------------------------


def delivery_to(csi: str) -> Delivery:
    return Delivery(identifiers.parse(csi), "12345678")


def deliverer(
    port: int, *command: str, seconds: int = 50, url: str | None = None, logs_in: bool = False
) -> Deliverer:
    """Mails go to a port of this machine."""
    file = Path("login") if logs_in else None
    mail = MailPart(("127.0.0.1", port), "codes@vera.example", MailSecurity.NEVER, file, seconds)
    ways = SimpleNamespace(mail=mail, numbers=NumbersPart(command, url, "sms", seconds))
    return Deliverer(cast("Configuration", ways), "vera.example")


async def test_commands_that_hang_hold_up_no_mail(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(delivery, "CONCURRENT", 1)
    with mail_server() as (mailbox, port), trio.fail_after(PATIENCE):
        vera = deliverer(port, "sleep", "60")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(vera.deliver, delivery_to(NUMBER))
            await wait_all_tasks_blocked()
            assert await vera.deliver(delivery_to(ALICE))
            assert len(mailbox.mails) == 1
            monkeypatch.setattr(delivery, "WAIT_SECONDS", 0.01)
            assert not await vera.deliver(delivery_to(NUMBER))
            nursery.cancel_scope.cancel()
    assert 'event=undelivered scheme=e164 reason="too many deliveries are under way"' in caplog.text


def test_waiting_and_delivering_together_are_within_the_time_for_an_answer() -> None:
    assert HttpLimits().answering > delivery.WAIT_SECONDS + MAX_SECONDS


@pytest.mark.parametrize("way", ["mail", "gateway"])
async def test_a_server_that_drips_keeps_no_thread(way: str, caplog: pytest.LogCaptureFixture) -> None:
    """Each read comes in time, and the reply never ends."""
    has_gone = Event()

    class Dripping(BaseRequestHandler):
        def handle(self) -> None:
            drop = b"220-wait\r\n" if way == "mail" else b"HTTP/1.1 100 Continue\r\n\r\n"
            with suppress(OSError):
                while not has_gone.wait(0.01):
                    self.request.sendall(drop)
            has_gone.set()

    with TCPServer(("127.0.0.1", 0), Dripping) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            port = server.server_address[1]
            vera = deliverer(port, seconds=1, url=f"http://127.0.0.1:{port}/")
            assert not await vera.deliver(delivery_to(ALICE if way == "mail" else NUMBER))
            assert has_gone.wait(PATIENCE)
        finally:
            has_gone.set()
            server.shutdown()
            thread.join()
    assert 'reason="it took more than 1 s"' in caplog.text


def test_a_line_that_was_cut_leads_nowhere() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        line = Line()
        line.cut()
        with pytest.raises(TimeoutError):
            line.connect("127.0.0.1", server.getsockname()[1], PATIENCE)
