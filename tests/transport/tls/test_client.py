"""Connecting to somebody who has to prove who they are; the streams below are in memory."""

import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from trio.testing import MockClock, memory_stream_pair

from tests.certificates import write_certificate
from tests.transport.tls.shaking import credentials
from transport.endpoint import Endpoint
from transport.errors import UnprovenError, UnreachableError
from transport.proof import Certified, Pinned, Proof, Unproven
from transport.tls import client as client_module
from transport.tls.client import TRY, ClientTls
from transport.tls.credentials import Credentials, read_chain, read_key
from transport.tls.server import ServerTls
from transport.tls.stream import Alpn, Secured

HERE = Endpoint("192.0.2.1", 853)
OTHER_PIN = Pinned(bytes(32))


class Server:
    """Takes connections in memory, echoes, and remembers what came."""

    def __init__(self, tls: ServerTls, nursery: trio.Nursery, alpn: Alpn = Alpn.DOT) -> None:
        self.tls = tls
        self.came = bytearray()
        self.handshakes: list[Secured] = []
        self.names: list[str | None] = []
        self._nursery = nursery
        self._alpn = alpn
        for context in tls._contexts.values():
            context.sni_callback = lambda _sock, name, _context: self.names.append(name)

    async def connect(self, _endpoint: Endpoint) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        ours, theirs = memory_stream_pair()
        self._nursery.start_soon(self._serve, theirs)
        return ours

    async def _serve(self, stream: trio.abc.Stream) -> None:
        try:
            secured = await self.tls.handshake(stream, self._alpn)
        except trio.BrokenResourceError:
            await trio.aclose_forcefully(stream)
            return
        self.handshakes.append(secured)
        while data := await secured.stream.receive_some(100):
            self.came += data
            await secured.stream.send_all(data)
        await secured.stream.aclose()


@asynccontextmanager
async def running(
    place: Path, *names: str, alpn: Alpn = Alpn.DOT
) -> AsyncGenerator[tuple[ClientTls, Server, bytes]]:
    """Run a server; with it come a client and the server's pin."""
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            shown = credentials(place, *names)
            server = Server(ServerTls(shown), nursery, alpn)
            yield ClientTls(server.connect), server, shown.chain.pin


async def ask(client: ClientTls, proof: Proof, alpn: Alpn = Alpn.DOT, endpoint: Endpoint = HERE) -> bytes:
    stream = await client.connect(endpoint, proof, alpn)
    await stream.send_all(b"question")
    reply = await stream.receive_some(100)
    await trio.aclose_forcefully(stream)
    return bytes(reply)


@pytest.mark.parametrize("alpn", list(Alpn))
async def test_a_pin_proves_whoever_has_its_key(tmp_path: Path, alpn: Alpn) -> None:
    async with running(tmp_path, alpn=alpn) as (client, server, pin):
        assert await ask(client, Pinned(pin), alpn) == b"question"
        assert server.names == [None]


async def test_another_key_is_sent_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as (client, server, pin):
        with pytest.raises(UnprovenError) as caught:
            await client.connect(HERE, OTHER_PIN)
        assert caught.value.reason == f"has another key (pin {pin.hex()}) than {bytes(32).hex()}"
        assert isinstance(caught.value, UnreachableError)
        assert await ask(client, Pinned(pin)) == b"question"
        assert server.came == b"question"


async def test_a_renewed_certificate_of_the_same_key_has_the_same_pin(tmp_path: Path) -> None:
    async with running(tmp_path, "one.example") as (client, server, pin):
        server.tls.take(_renewed(tmp_path))
        assert await ask(client, Pinned(pin)) == b"question"


def _renewed(place: Path) -> Credentials:
    """Sign another certificate with the key that is there."""
    key = serialization.load_pem_private_key((place / "tls.key").read_bytes(), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "two.example")])
    begin = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    dated = builder.serial_number(7).not_valid_before(begin).not_valid_after(begin + timedelta(days=1))
    made = dated.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    (place / "tls.crt").write_bytes(made)
    return read_key(place / "tls.key", read_chain(place / "tls.crt"))


@pytest.mark.parametrize("name", ["resolver.example", "192.0.2.1", "2001:db8::1"])
async def test_a_certificate_proves_a_name(tmp_path: Path, name: str) -> None:
    async with running(tmp_path, name) as (client, server, _):
        assert await ask(client, Certified(name, tmp_path / "tls.crt")) == b"question"
        assert server.names == [name if name.endswith(".example") else None]


@pytest.mark.parametrize("name", ["other.example", "192.0.2.2", "sub.resolver.example"])
async def test_a_certificate_for_another_name_proves_nothing(tmp_path: Path, name: str) -> None:
    async with running(tmp_path, "resolver.example", "192.0.2.1") as (client, server, _):
        with pytest.raises(UnprovenError, match=r"its certificate is not taken: .*mismatch"):
            await client.connect(HERE, Certified(name, tmp_path / "tls.crt"))
        assert not server.came


async def test_a_certificate_of_nobody_we_trust_proves_nothing(tmp_path: Path) -> None:
    write_certificate(tmp_path, "resolver.example", stem="other")
    async with running(tmp_path, "resolver.example") as (client, server, _):
        for authorities in (None, tmp_path / "other.crt"):
            with pytest.raises(UnprovenError, match="its certificate is not taken: self-signed certificate"):
                await client.connect(HERE, Certified("resolver.example", authorities))
        assert not server.came


@pytest.mark.parametrize("content", [None, "", "no certificate"])
async def test_authorities_that_cannot_be_read_prove_nobody(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "authorities.pem"
    if content is not None:
        file.write_text(content)
    async with running(tmp_path, "resolver.example") as (client, server, _):
        with pytest.raises(UnprovenError, match=r"authorities\.pem: certificates of authorities cannot be read: "):
            await client.connect(HERE, Certified("resolver.example", file))
        assert not server.handshakes


@pytest.mark.parametrize("host", ["", ".example", "a\0b", "x" * 70 + "\N{SNOWMAN}"])
async def test_what_is_no_host_proves_nobody(tmp_path: Path, host: str) -> None:
    async with running(tmp_path) as (client, _, _):
        with pytest.raises(UnprovenError, match="cannot stand in a certificate"):
            await client.connect(HERE, Certified(host, tmp_path / "tls.crt"))


async def test_who_asks_for_no_proof_gets_none(tmp_path: Path) -> None:
    async with running(tmp_path) as (client, server, _):
        assert await ask(client, Unproven()) == b"question"
        assert server.names == [None]


# --- resuming --------------------------------------------------------------------------------------------------


async def test_a_connection_is_resumed_with_whoever_proved_the_same(tmp_path: Path) -> None:
    async with running(tmp_path, "resolver.example") as (client, server, pin):
        proofs: list[Proof] = [Pinned(pin), Certified("resolver.example", tmp_path / "tls.crt"), Unproven()]
        for proof in proofs:
            for _ in range(3):
                assert await ask(client, proof) == b"question"
        assert [one.is_resumed for one in server.handshakes] == [False, True, True] * 3


async def test_a_pin_is_looked_at_also_when_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(tmp_path) as (client, server, pin):
        await ask(client, Pinned(pin))
        looks: list[bytes] = []
        checked = client_module._check_pin

        def look(endpoint: Endpoint, pin: bytes, shown: bytes | None) -> None:
            looks.append(shown or b"")
            checked(endpoint, pin, shown)

        monkeypatch.setattr(client_module, "_check_pin", look)
        await ask(client, Pinned(pin))
        assert server.handshakes[1].is_resumed
        assert looks == list(read_chain(tmp_path / "tls.crt").certificates)


async def test_a_ticket_is_used_once(tmp_path: Path) -> None:
    async with running(tmp_path) as (client, server, pin):
        await ask(client, Pinned(pin))
        await trio.aclose_forcefully(await client.connect(HERE, Pinned(pin)))  # brings no new ticket
        await ask(client, Pinned(pin))
        assert [one.is_resumed for one in server.handshakes] == [False, True, False]


async def test_a_server_that_forgot_its_tickets_is_asked_anew(tmp_path: Path) -> None:
    async with running(tmp_path) as (client, server, pin):
        await ask(client, Pinned(pin))
        server.tls = ServerTls(credentials(tmp_path, stem="tls2"))
        with pytest.raises(UnprovenError):
            await client.connect(HERE, Pinned(pin))
        assert await ask(client, Unproven()) == b"question"


async def test_tickets_and_contexts_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "MAX_SESSIONS", 2)
    monkeypatch.setattr(client_module, "MAX_CONTEXTS", 3)
    async with running(tmp_path, "resolver.example") as (client, _, pin):
        for last in range(5):
            await ask(client, Pinned(pin), endpoint=Endpoint("192.0.2.1", 850 + last))
        assert [endpoint.port for endpoint, _, _ in client._sessions] == [853, 854]
        open_one = await client.connect(HERE, Unproven())
        await open_one.send_all(b"x")
        await open_one.receive_some(1)
        for last in range(3):
            (tmp_path / f"{last}.crt").write_bytes((tmp_path / "tls.crt").read_bytes())
            await ask(client, Certified("resolver.example", tmp_path / f"{last}.crt"))
        assert len(client._contexts) == 1
        await open_one.aclose()  # leaves a ticket of a context that is gone
        assert await ask(client, Unproven()) == b"question"


# --- nobody to talk to -----------------------------------------------------------------------------------------


async def _refused(connect: client_module.Connect, match: str) -> None:
    with trio.fail_after(10), pytest.raises(OSError, match=match) as caught:
        await ClientTls(connect).connect(HERE, Unproven())
    assert not isinstance(caught.value, UnreachableError)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"", "closed by the other side while TLS was being agreed on"),
        (b"\x15\x03\x03\x00\x02\x02\x28", "TLS 1.3 could not be agreed on: "),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "TLS 1.3 could not be agreed on: WRONG_VERSION_NUMBER"),
    ],
)
async def test_who_speaks_no_tls_is_not_reached(reply: bytes, reason: str) -> None:
    async def connect(_: Endpoint) -> trio.abc.Stream:
        ours, theirs = memory_stream_pair()
        await theirs.send_all(reply)
        await theirs.send_eof()
        return ours

    await _refused(connect, reason)


async def test_who_speaks_an_older_version_is_not_reached(tmp_path: Path) -> None:
    write_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with trio.open_nursery() as nursery:

        async def serve(stream: trio.abc.Stream) -> None:
            with pytest.raises(trio.BrokenResourceError):
                await trio.SSLStream(stream, context, server_side=True).do_handshake()
            await stream.aclose()

        async def connect(_: Endpoint) -> trio.abc.Stream:
            await trio.lowlevel.checkpoint()
            ours, theirs = memory_stream_pair()
            nursery.start_soon(serve, theirs)
            return ours

        await _refused(connect, "closed by the other side")


async def test_who_speaks_something_else_over_tls_is_not_taken_for_http(tmp_path: Path) -> None:
    async with running(tmp_path) as (client, server, _):
        with pytest.raises(ConnectionError, match="speaks TLS, but not h2"):
            await client.connect(HERE, Unproven(), Alpn.H2)
        assert not server.came


async def test_a_connection_that_breaks_is_one_that_breaks() -> None:
    async def fail() -> None:
        await trio.lowlevel.checkpoint()
        raise trio.BrokenResourceError

    async def connect(_: Endpoint) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        return trio.StapledStream(
            trio.testing.MemorySendStream(), trio.testing.MemoryReceiveStream(receive_some_hook=fail)
        )

    with pytest.raises(trio.BrokenResourceError):
        await ClientTls(connect).connect(HERE, Unproven())


@pytest.mark.parametrize("shown", [None, b"", b"no certificate"])
def test_what_is_no_certificate_has_no_pin(shown: bytes | None) -> None:
    with pytest.raises(UnprovenError):
        client_module._check_pin(HERE, bytes(32), shown)


async def test_of_several_addresses_the_first_is_taken_at_which_somebody_is(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    del autojump_clock
    tried: list[str] = []
    async with running(tmp_path, "msp.example") as (_, server, pin):

        async def connect(endpoint: Endpoint) -> trio.abc.Stream:
            tried.append(endpoint.host)
            if endpoint.host == "192.0.2.2":
                await trio.sleep_forever()
            if endpoint.host == "192.0.2.3":
                return await server.connect(endpoint)
            raise ConnectionRefusedError(endpoint.host)

        client = ClientTls(connect)
        hosts = [Endpoint(f"192.0.2.{number}", 443) for number in (1, 2, 3, 4)]
        stream = await client.connect_any(hosts, Pinned(pin), Alpn.DOT)
        await trio.aclose_forcefully(stream)
        assert tried == ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
        assert trio.current_time() == TRY
        with pytest.raises(UnprovenError):
            await client.connect_any(hosts[2:3], OTHER_PIN, Alpn.DOT)
        with pytest.raises(ConnectionRefusedError, match=r"192\.0\.2\.4"):
            await client.connect_any(hosts[2:], OTHER_PIN, Alpn.DOT)
