"""Daemons that are asked over TLS: their configurations, and clients with plain sockets."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.certificates import write_certificate
from tests.fingerpost.daemons import APEX, PATIENCE
from tests.fingerpost.household import Household
from zonedata import replies, wire
from zonedata.names import Name
from zonedata.replies import Received
from zonedata.wire import QType

LISTEN_TLS = 'tcp = ["127.0.0.1#0"]\ntls = ["127.0.0.1#0"]'
SECTION = '\n[tls]\ncertificate = "tls.crt"\nkey = "tls.key"\n'


def with_tls(text: str, more: str = "") -> str:
    """Return a configuration that listens on TLS, too; `more` is added to its [tls]."""
    return text.replace('tcp = ["127.0.0.1#0"]', LISTEN_TLS) + SECTION + more


def encrypted_msp(house: Household, more: str = "", workers: int = 1) -> None:
    """Put an MSP here that answers over TLS, too."""
    house.msp()
    write_certificate(house.folder)
    text = (house.folder / "alpha.toml").read_text()
    house.write("alpha.toml", with_tls(text, more) + f"\n[process]\nworkers = {workers}\n")
    house.sound("sign", "alpha.toml")


def trusting(authority: Path = Path("tls.crt"), client: str = "") -> ssl.SSLContext:
    """Return what a client needs; with a certificate of its own, if it has one."""
    context = ssl.create_default_context(cafile=authority)
    context.set_alpn_protocols(["dot"])
    if client:
        context.load_cert_chain(f"{client}.crt", f"{client}.key")
    return context


@contextmanager
def encrypted(port: int, context: ssl.SSLContext, session: ssl.SSLSession | None = None) -> Iterator[ssl.SSLSocket]:
    """Connect to a port of this machine."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as sock,
        context.wrap_socket(sock, server_hostname="localhost", session=session) as secured,
    ):
        yield secured


def shown(port: int, protocol: str = "dot") -> bytes:
    """Return the certificate that is shown now, in DER, to a client that takes any."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([protocol])
    with encrypted(port, context) as sock:
        return sock.getpeercert(binary_form=True) or b""


def ask(sock: ssl.SSLSocket, name: Name, qtype: int = QType.CSI) -> Received:
    """Ask one question on a connection."""
    query = wire.query_wire(name, APEX, qtype, 4711, wire.FLAG_RD)
    sock.sendall(len(query).to_bytes(2) + query)
    reply = _received(sock, int.from_bytes(_received(sock, 2)))
    assert replies.answers(reply, query)
    return replies.read_reply(reply)


def _received(sock: ssl.SSLSocket, count: int) -> bytes:
    came = b""
    while len(came) < count:
        octets = sock.recv(count - len(came))
        assert octets, "closed"
        came += octets
    return came
