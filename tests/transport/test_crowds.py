"""More slow connections than there are slots, over whatever streams: whoever is new is answered within a second."""

import resource
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from tests.transport.http2.frames import Asker
from tests.transport.streams import LIMITS, LOOPBACK, Server, echo, listening, receive
from tests.transport.tls.shaking import credentials, trusting
from transport.clock import Clock
from transport.framing import frame
from transport.handler import Caller
from transport.http2.listener import serve_https
from transport.http2.messages import Answer, Request, Response
from transport.http2.routes import Route, Routes
from transport.later import LaterPool
from transport.tcp_listener import open_tcp
from transport.tls.server import ServerTls
from transport.tls.stream import Alpn

SOON = 1.0  # seconds
CROWD = LIMITS.connections + 200
DESCRIPTORS = 2 * CROWD + 500  # both ends are ours here
BEGUN = {"tcp": b"\0\x0chalf", "tls": b"\x16\x03\x01\x02\0\x01", "https": b"\x16\x03\x01\x02\0\x01"}


@pytest.fixture
def descriptors() -> Iterator[None]:
    """As many as the crowd takes, where the system lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < DESCRIPTORS:
        pytest.skip(f"this takes {DESCRIPTORS} descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, DESCRIPTORS), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _same(request: Request, _caller: Caller, _now: float) -> Answer:
    return Response(200, (), request.body)


@asynccontextmanager
async def _serving(kind: str, place: Path) -> AsyncGenerator[Server]:
    if kind == "tcp":
        async with listening(echo) as (server, _):
            yield server
    elif kind == "tls":
        async with listening(echo, secure=ServerTls(credentials(place)).handshake) as (server, _):
            yield server
    else:
        secure = partial(ServerTls(credentials(place)).handshake, alpn=Alpn.H2)
        routes = Routes({"/": Route(_same, ("POST",), 100)})
        with trio.fail_after(30), open_tcp(LOOPBACK) as sock:
            async with LaterPool(200).running(grace=0) as later, trio.open_nursery() as nursery:
                serve = partial(serve_https, sock, routes, Clock(), later, limits=LIMITS, secure=secure)
                server = Server(sock, await nursery.start(serve))
                yield server
                server.close_clients()
                nursery.cancel_scope.cancel()


async def _ask_over_tcp(stream: trio.abc.Stream) -> None:
    await stream.send_all(frame(b"hello"))
    assert await receive(stream, 1) == [b"hello"]


async def _ask_over_tls(stream: trio.SocketStream) -> None:
    await _ask_over_tcp(trio.SSLStream(stream, trusting("dot")))


async def _ask_over_https(stream: trio.SocketStream) -> None:
    encrypted, asker = trio.SSLStream(stream, trusting("h2")), Asker()
    asker.ask(b"hello")
    while not asker.done:
        if octets := asker.take():
            await encrypted.send_all(octets)
        asker.receive(bytes(await encrypted.receive_some(10_000)))
    assert list(asker.bodies.values()) == [b"hello"]


ASKING: dict[str, Callable[[trio.SocketStream], Awaitable[None]]] = {
    "tcp": _ask_over_tcp,
    "tls": _ask_over_tls,
    "https": _ask_over_https,
}


@pytest.mark.usefixtures("descriptors")
@pytest.mark.parametrize("kind", ASKING)
async def test_whoever_is_new_is_answered(tmp_path: Path, kind: str) -> None:
    async with _serving(kind, tmp_path) as server:
        for number in range(CROWD):
            slow = await server.connect(f"127.0.3.{1 + number // LIMITS.per_address}")
            await slow.send_all(BEGUN[kind])
        for _ in range(5):
            with trio.fail_after(SOON):
                await ASKING[kind](await server.connect("127.0.1.1"))
        assert server.counts.refused == 0
        assert server.counts.handshakes_slow + server.counts.impatient >= CROWD - LIMITS.connections
