"""Codes on their way: to a mail server, a command, a gateway; and what the log says when they do not arrive."""

import json
import os
import select
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword

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


def test_mail_in_tls_with_a_login(house: Household) -> None:
    context = server_context(house)
    logins = []

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, given: LoginPassword) -> AuthResult:
        del server, session, envelope, mechanism
        logins.append((given.login, given.password))
        return AuthResult(success=True)

    options = {
        "tls_context": context,
        "require_starttls": True,
        "authenticator": authenticate,
        "auth_required": True,
    }
    with mail_server(**options) as (mailbox, port):
        text = MAIL.format(port=port).replace('"never"', '"offered"\nlogin = "login"')
        house.write("login", "vera\nsesame\n").chmod(0o600)
        validator(house, text)
        house.sound("recipient", "create", "recipient.pem")
        with validating() as vera:
            house.sound("recipient", "claim", ALICE, "--validator", vera.url)
            house.sound("recipient", "confirm", mailbox.code())
        assert logins == [(b"vera", b"sesame")]
        house.write("vera.toml", Path("vera.toml").read_text().replace("offered", "required"))
        with validating() as vera:
            failing(house, "bob@example.com", vera.url)
            assert "SSLCertVerificationError" in vera.log
        assert len(mailbox.mails) == 1


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 3", "the command ended with status 3"),
        ("sleep 60", "the command was still running after 1 s"),
        (None, "the command cannot be run: No such file or directory"),
    ],
)
def test_a_command_that_fails(house: Household, script: str | None, reason: str) -> None:
    caller(house)
    if script is None:
        Path("call.sh").unlink()
    else:
        house.write("call.sh", f"#!/bin/sh\n{script}\n")
    validator(house, NUMBERS + "seconds = 1\n")
    with validating() as vera:
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


def test_codes_are_posted_to_a_gateway(house: Household) -> None:
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
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}/send"
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
