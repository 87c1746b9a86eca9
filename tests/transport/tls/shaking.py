"""Handshakes over streams in memory, and what both sides need for them."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.x509.oid import NameOID
from trio.testing import MemoryReceiveStream, MemorySendStream, memory_stream_pair

from tests.certificates import write_certificate
from transport.tls.credentials import Credentials, read_chain, read_key
from transport.tls.server import ServerTls
from transport.tls.stream import Alpn, Secured

MemoryStream = trio.StapledStream[MemorySendStream, MemoryReceiveStream]


def credentials(place: Path, *names: str, stem: str = "tls") -> Credentials:
    """Make a certificate and its key, and read them."""
    certificate, key = write_certificate(place, *names, stem=stem)
    return read_key(key, read_chain(certificate))


def issue(place: Path, stem: str, issuer: str) -> None:
    """Make a certificate that the key of another one signs, and that may sign others."""
    _, own = write_certificate(place, stem=stem)
    name, above = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (stem, issuer))
    key, signer = (
        serialization.load_pem_private_key(file.read_bytes(), None) for file in (own, place / f"{issuer}.key")
    )
    assert isinstance(key, EllipticCurvePrivateKey)
    assert isinstance(signer, EllipticCurvePrivateKey)
    begin = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(above, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(begin - timedelta(hours=1))
        .not_valid_after(begin + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(signer, hashes.SHA256())
    )
    (place / f"{stem}.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))


def der_of(place: Path, stem: str) -> bytes:
    """Return a certificate that was made before."""
    return read_chain(place / f"{stem}.crt").certificates[0]


def trusting(*alpn: str, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    """Return what a client needs that believes everybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = newest
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


@dataclass
class Shaken:
    """Both ends of a stream after the handshake; each is closed with the other."""

    client: trio.SSLStream[MemoryStream]
    secured: Secured

    async def carry(self, message: bytes = b"message") -> bytes:
        """Send a message to the server, and one back; return what came of both."""
        await self.client.send_all(message)
        there = await self.secured.stream.receive_some(100)
        await self.secured.stream.send_all(b"reply")
        return bytes(there) + b" " + bytes(await self.client.receive_some(100))

    async def close(self) -> None:
        await self.client.aclose()
        await self.secured.stream.aclose()

    def shown(self) -> bytes:
        """Return the certificate that the server has shown, in DER."""
        der = self.client.getpeercert(binary_form=True)
        assert isinstance(der, bytes)
        return der


async def shake(
    server: ServerTls,
    context: ssl.SSLContext,
    alpn: Alpn = Alpn.DOT,
    session: ssl.SSLSession | None = None,
) -> Shaken:
    """Connect a client to a server; raises as `ServerTls.handshake` does."""
    ours, theirs = memory_stream_pair()
    client = trio.SSLStream(ours, context)
    if session is not None:
        client.session = session
    found: list[Secured | trio.BrokenResourceError] = []

    async def serve() -> None:
        try:
            found.append(await server.handshake(theirs, alpn))
        except trio.BrokenResourceError as error:
            found.append(error)
            await theirs.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        try:
            await client.do_handshake()
        except trio.BrokenResourceError:
            await ours.aclose()
    (outcome,) = found
    if isinstance(outcome, trio.BrokenResourceError):
        raise outcome
    return Shaken(client, outcome)


async def ticket(shaken: Shaken) -> ssl.SSLSession:
    """Use a connection once, close it, and return that with which to resume it."""
    await shaken.carry()
    session = shaken.client.session
    assert isinstance(session, ssl.SSLSession)
    await shaken.close()
    return session
