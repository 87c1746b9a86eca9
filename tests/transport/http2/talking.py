"""A session over a stream in memory, and h2 as its client."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import trio
from trio.testing import memory_stream_pair

from tests.transport.http2.frames import Asker
from transport.clock import Clock
from transport.endpoint import Endpoint
from transport.handler import Caller, Protocol
from transport.http2.limits import Http2Limits
from transport.http2.messages import Answer, LaterResponse, Request, RequestHandler, Response
from transport.http2.routes import Route, Routes
from transport.http2.session import Http2Counts, Http2Service, Http2Session
from transport.later import LaterPool
from transport.slots import Slots, StreamLimits
from transport.stream_session import StreamCounts

CALLER = Caller(Endpoint("192.0.2.1", 40_000), Protocol.HTTPS)
TIMES = StreamLimits()
HTTP = Http2Limits()

Pair = Callable[[], tuple[trio.abc.Stream, trio.abc.Stream]]


def echo(request: Request, _caller: Caller, _now: float) -> Answer:
    """Answer with the body of the request."""
    return Response(200, (), request.body)


def sleeper(request: Request, _caller: Caller, _now: float) -> Answer:
    """Answer after as many seconds as the body says."""

    async def work() -> Response:
        await trio.sleep(float(request.body))
        return Response(200, (), request.body)

    return LaterResponse(work)


@dataclass
class Talk:
    """A client's end, and what the test looks at behind the other."""

    client: trio.abc.Stream
    server: trio.abc.Stream
    session: Http2Session
    service: Http2Service
    ended: trio.Event
    asker: Asker = field(default_factory=Asker)
    heard: bytearray = field(default_factory=bytearray)

    @property
    def counts(self) -> StreamCounts:
        return self.service.counts

    @property
    def http(self) -> Http2Counts:
        return self.service.http_counts

    async def ask(self, *bodies: bytes) -> list[int]:
        """Send requests, and return their streams."""
        streams = [self.asker.ask(body) for body in bodies]
        await self.flush()
        return streams

    async def flush(self) -> None:
        if octets := self.asker.take():
            with suppress(
                trio.ClosedResourceError, trio.BrokenResourceError
            ):  # the test, or the server, has closed
                await self.client.send_all(octets)

    async def hear(self, count: int) -> list[int]:
        """Read until so many responses are whole, or the server closes; return their streams as they became so."""
        order: list[int] = []
        while len(self.asker.done) < count and (octets := await self.client.receive_some(10_000)):
            self.heard += octets
            before = set(self.asker.done)
            self.asker.receive(bytes(octets))
            order += sorted(self.asker.done - before)
            await self.flush()
        return order

    async def hear_all(self) -> bytes:
        """Read until the server closes; return the octets."""
        try:
            while octets := await self.client.receive_some(10_000):
                self.heard += octets
        except trio.BrokenResourceError:
            pass
        return bytes(self.heard)

    async def wait_ended(self) -> float:
        """Return how many virtual seconds it took until the session ended."""
        begun = trio.current_time()
        await self.ended.wait()
        return trio.current_time() - begun


@asynccontextmanager
async def talking(
    handler: RequestHandler = echo,
    times: StreamLimits = TIMES,
    http: Http2Limits = HTTP,
    pool: LaterPool | None = None,
    pair: Pair = memory_stream_pair,
) -> AsyncGenerator[Talk]:
    client, server = pair()
    async with (pool or LaterPool(1_000)).running() as later:
        routes = Routes({"/": Route(handler, ("GET", "HEAD", "POST"), 4_096)})
        service = Http2Service(routes, Clock.starting_at(0), later, times, Slots(times), http=http)
        session = Http2Session(server, CALLER, service)
        talk = Talk(client, server, session, service, trio.Event())

        async def run() -> None:
            await session.run()
            talk.ended.set()
            await trio.aclose_forcefully(server)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(run)
            yield talk
            nursery.cancel_scope.cancel()
