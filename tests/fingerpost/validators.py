"""A validator in a folder, its daemon, and a mail server that keeps what it is sent."""

import asyncio
import logging
import re
import ssl
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.fingerpost.daemons import WebDaemon, running_web
from tests.fingerpost.household import Household
from tests.loopback import open_pair

VALIDATOR = """\
[listen]
udp = ["127.0.0.1#0"]
tcp = ["127.0.0.1#0"]

[authority]
name = "vera.example"
store = "vera.store"
roles = ["validator"]
deny_key = "vera-deny.pem"
register = "vera.register"

[sign]
key = "validate.pem"
listings = []
nodes = ["+1415", "@example.com"]

[validate]
http = ["127.0.0.1#0"]
key = "validate.pem"
"""
MAIL = """
[mail]
server = "127.0.0.1#{port}"
sender = "codes@vera.example"
tls = "never"
"""
NUMBERS = """
[numbers]
command = ["./call.sh"]
method = "voice"
"""


class Mailbox:
    """What an SMTP server was sent; a handler of aiosmtpd."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], str]] = []
        self.messages: list[EmailMessage] = []
        self.refuses = False
        self.parts_badly = False

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        del server, session
        if self.refuses:
            return "550 no such person: " + " ".join(envelope.rcpt_tos)
        message = message_from_bytes(envelope.content, _class=EmailMessage, policy=default)
        self.messages.append(message)
        self.mails.append((envelope.rcpt_tos, message.get_content()))
        return "250 OK"

    async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        del server, session, envelope
        return "421 something else" if self.parts_badly else "221 Bye"

    def code(self) -> str:
        """Return the code in the newest mail."""
        found = re.search(r"^Your code is (\d{8})\r?$", self.mails[-1][1], re.MULTILINE)
        assert found, self.mails
        return found[1]


class _OnAnyPort(Controller):
    """It knocks at its own door to see whether it is open, and so must know where that is."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # it has no types


@contextmanager
def mail_server(**options: Any) -> Generator[tuple[Mailbox, int]]:
    """Run one; with its port."""
    mailbox = Mailbox()
    controller = _OnAnyPort(mailbox, hostname="127.0.0.1", port=0, **options)
    told = logging.getLogger("mail.log")  # of aiosmtpd; the commands' log goes where they print
    told.disabled = True
    controller.start()
    try:
        yield mailbox, controller.port
    finally:
        controller.stop()
        told.disabled = False


def validator(house: Household, *ways: str) -> None:
    """Put a validator here: vera.toml and all that it names."""
    for name in ("vera-deny.pem", "validate.pem"):
        house.key(name)
    house.write("vera.toml", VALIDATOR + "".join(ways))
    house.sound("sign", "vera.toml")


def validating(config: str = "vera.toml") -> AbstractContextManager[WebDaemon]:
    """Run one from the current folder."""
    return running_web(config, "validate")


def server_context(house: Household) -> ssl.SSLContext:
    """A certificate that nobody has signed but its own key; with it in mail.pem, which may be trusted."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.example")])
    begun = datetime.now(UTC) - timedelta(hours=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(begun)
        .not_valid_after(begun + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(private, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    pem = private.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = house.write("mail.pem", (pem + certificate.public_bytes(encoding)).decode())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def caller(house: Household, status: int = 0) -> Path:
    """Put a command here that writes down whom it was to call with what."""
    path = house.write("call.sh", f'#!/bin/sh\necho "$FINGERPOST_NUMBER $FINGERPOST_CODE" >>calls; exit {status}\n')
    path.chmod(0o700)
    return house.folder / "calls"


def free_port() -> int:
    """Return a port that is free for UDP and TCP alike: a resolver finds the root's two doors by one number."""
    datagrams, streams = open_pair()
    with datagrams, streams:
        return int(streams.getsockname()[1])


def failing(house: Household, csi: str, url: str) -> None:
    """Claim, and be told that the code did not come."""
    if not Path("recipient.pem").exists():
        house.sound("recipient", "create", "recipient.pem")
    outcome = house.run("recipient", "claim", csi, "--validator", url)
    assert outcome.status == 1
    assert outcome.err == f"{url}: refused: the code could not be delivered; try again later\n"
