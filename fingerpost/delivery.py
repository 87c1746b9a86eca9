"""How a code reaches a CSI: a mail by SMTP, or a command or a posting that sends a short message or calls.

What fails is logged in words of ours, for what servers and programs say may repeat the address or the code.
"""

import http.client
import json
import logging
import os
import signal
import smtplib
import socket
import ssl
import subprocess
from collections.abc import Callable
from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import localtime, make_msgid
from functools import partial
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import trio

from fingerpost import httpurl, login
from fingerpost.configuration import Configuration
from fingerpost.line import Line
from fingerpost.logfmt import quoted
from fingerpost.validator_sections import MailPart, MailSecurity, NumbersPart
from root.validator.codes import CODE_SECONDS
from root.validator.desk import Delivery
from zonedata.errors import MalformedError, UntrustedError

MAIL_METHOD = "email"
CONCURRENT = 20  # deliveries to each scheme at a time; servers and gateways have bounds of their own
WAIT_SECONDS = 5.0  # for a turn; with the delivery itself it is to be less than what the HTTP listener waits for us
MAX_REPLY = 4_096  # octets of a gateway's reply that are read, and thrown away
_TEXT = """\
Your code is {code}

It proves to {validator} that {csi} is yours. It counts for {minutes} minutes, and only where
it was asked for. If that was not you, do nothing, and give the code to nobody.
"""

log = logging.getLogger(__name__)


class UndeliveredError(Exception):
    """A code did not reach anybody. Its text is fit for the log: no address, no number, no code."""


class Deliverer:
    """All the ways that a configuration has.

    Args:
        configuration: With [mail] or [numbers] or both.
        validator: Whose codes these are.
    """

    def __init__(self, configuration: Configuration, validator: str) -> None:
        self._validator = validator
        self._mail, self._numbers = configuration.mail, configuration.numbers
        self._places = {scheme: trio.CapacityLimiter(CONCURRENT) for scheme in self.methods}

    @property
    def methods(self) -> dict[str, str]:
        """For each scheme that codes can be delivered to, the word for it in a VALIDATION."""
        methods = {}
        if self._mail is not None:
            methods["mail"] = MAIL_METHOD
        if self._numbers is not None:
            methods["e164"] = self._numbers.method
        return methods

    async def deliver(self, delivery: Delivery) -> bool:
        """Deliver a code; False, and a line in the log, when that failed."""
        try:
            if delivery.csi.scheme == "mail":
                assert self._mail is not None, "claims of other schemes are refused"
                work = partial(_send_mail, self._mail, self._validator, delivery)
                await self._blocking("mail", work, self._mail.seconds)
            else:
                assert self._numbers is not None, "claims of other schemes are refused"
                await self._call(self._numbers, delivery)
        except UndeliveredError as error:
            log.warning("event=undelivered scheme=%s reason=%s", delivery.csi.scheme, quoted(error))
            return False
        log.info("event=delivered scheme=%s", delivery.csi.scheme)
        return True

    async def _call(self, numbers: NumbersPart, delivery: Delivery) -> None:
        if numbers.url is not None:
            work = partial(_post, numbers.url, numbers.seconds, delivery)
            await self._blocking("e164", work, numbers.seconds)
            return
        variables = {"FINGERPOST_NUMBER": delivery.csi.text, "FINGERPOST_CODE": delivery.code}
        environment = {**os.environ, **variables, "FINGERPOST_VALIDATOR": self._validator}
        with _Turn(numbers.seconds) as turn:
            async with self._places["e164"]:
                turn.begin()
                try:
                    ended = await trio.run_process(
                        list(numbers.command),
                        env=environment,
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                        check=False,
                        start_new_session=True,
                        deliver_cancel=_kill,
                    )
                except OSError as error:
                    raise UndeliveredError(f"the command cannot be run: {error.strerror}") from error
            if ended.returncode:
                raise UndeliveredError(f"the command ended with status {ended.returncode}")

    async def _blocking(self, scheme: str, work: Callable[[Line], None], seconds: int) -> None:
        """Do it in a thread; when it takes too long its line is cut, and its place is free once it has ended."""
        line = Line()
        with _Turn(seconds) as turn:

            def begin() -> None:
                trio.from_thread.run_sync(turn.begin)
                work(line)

            try:
                await trio.to_thread.run_sync(begin, abandon_on_cancel=True, limiter=self._places[scheme])
            finally:
                line.cut()


class _Turn:
    """How long a delivery may take: first to begin, then to end.

    Raises:
        UndeliveredError: At its end, when it has taken too long.
    """

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._has_begun = False
        self._scope = trio.CancelScope(deadline=trio.current_time() + WAIT_SECONDS)

    def begin(self) -> None:
        """It has a place: from now on it counts how long it takes itself."""
        self._has_begun = True
        self._scope.deadline = trio.current_time() + self._seconds

    def __enter__(self) -> Self:
        self._scope.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        is_done = self._scope.__exit__(kind, error, trace)
        if self._scope.cancelled_caught:
            why = f"it took more than {self._seconds} s" if self._has_begun else "too many deliveries are under way"
            raise UndeliveredError(why)
        return is_done


async def _kill(process: trio.Process) -> None:
    """Kill a command with all that it has started: what lives on would keep number and code in its environment."""
    with suppress(ProcessLookupError):  # they have all ended meanwhile
        os.killpg(process.pid, signal.SIGKILL)


class _MailServer(smtplib.SMTP):
    """A conversation whose connection can be cut."""

    def __init__(self, line: Line, host: str, port: int, seconds: int) -> None:
        self._line = line
        super().__init__(host, port, timeout=seconds)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """Connect: where SMTP_SSL and LMTP have their own way, too."""
        return self._line.connect(host, port, timeout)


def _send_mail(mail: MailPart, validator: str, delivery: Delivery, line: Line) -> None:
    """Have one conversation with the mail server.

    The mail goes to the address in its canonical form, which is what is vouched for: a server that tells Alice from
    alice would else let one of them claim the other's.
    """
    message = EmailMessage()
    message["From"] = Address("", addr_spec=mail.sender)
    message["To"] = delivery.csi.text
    message["Date"] = localtime()
    message["Message-ID"] = make_msgid(domain=validator)
    message["Subject"] = f"Your code for {validator}"
    message["Auto-Submitted"] = "auto-generated"
    text = _TEXT.format(code=delivery.code, validator=validator, csi=delivery.csi.text, minutes=CODE_SECONDS // 60)
    message.set_content(text)
    host, port = mail.server
    is_accepted = False
    try:
        with _MailServer(line, host, port, mail.seconds) as server:
            server.ehlo()
            if mail.tls is MailSecurity.REQUIRED or (
                mail.tls is MailSecurity.OFFERED and server.has_extn("starttls")
            ):
                server.starttls(context=_context(mail.tls))
                server.ehlo()
            if mail.login is not None:
                server.login(*login.read(mail.login))
            server.send_message(message, mail.sender, [delivery.csi.text])
            is_accepted = True
    except smtplib.SMTPResponseException as error:
        if is_accepted:
            return  # it took the mail, and then did not know how to part
        raise UndeliveredError(f"the mail server refused with {error.smtp_code}") from error
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted({code for code, _ in error.recipients.values()})
        raise UndeliveredError(f"the mail server refused the recipient with {codes[0]}") from error
    except (smtplib.SMTPException, ssl.SSLError) as error:
        raise UndeliveredError(f"the conversation with the mail server failed: {type(error).__name__}") from error
    except OSError as error:
        raise UndeliveredError(f"the mail server is not there: {error.strerror or type(error).__name__}") from error
    except (MalformedError, UntrustedError) as error:
        raise UndeliveredError(f"the login: {mail.login}: {error}") from error
    except ValueError as error:  # its text may have a part of what was to be sent
        raise UndeliveredError("the mail or the login holds what cannot be sent") from error


def _context(security: MailSecurity) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if security is MailSecurity.OFFERED:  # whoever could forge a certificate could take the offer away as well
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _post(url: str, seconds: int, delivery: Delivery, line: Line) -> None:
    parts = urlsplit(url)
    is_secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if is_secure else http.client.HTTPConnection
    assert parts.hostname is not None, "the configuration was checked"
    connection = kind(parts.hostname, parts.port)
    body = json.dumps({"number": delivery.csi.text, "code": delivery.code})
    try:
        sock = line.connect(connection.host, connection.port, seconds)
        if is_secure:
            sock = ssl.create_default_context().wrap_socket(sock, server_hostname=parts.hostname)
        connection.sock = sock
        connection.request("POST", parts.path or "/", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read(MAX_REPLY)
    except (http.client.HTTPException, OSError, UnicodeError) as error:
        raise UndeliveredError(f"the gateway is not there: {httpurl.reason_of(error)}") from error
    finally:
        connection.close()
    if not 200 <= response.status < 300:
        raise UndeliveredError(f"the gateway refused with {response.status}")
