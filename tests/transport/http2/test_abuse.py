"""Many connections that mean no good, in memory and in virtual time, while others are being served."""

# ruff: noqa: ARG001 - a test has virtual time by asking for `autojump_clock`, and needs no more of it

import gc
import tracemalloc
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager, suppress

import pytest
import trio
from trio.testing import MockClock, memory_stream_pair

from tests.transport.http2.frames import (
    HELLO,
    Asker,
    continuation,
    data,
    frame,
    headers,
    ping,
    reset,
    settings,
    window,
)
from tests.transport.http2.talking import CALLER, TIMES, echo, sleeper
from transport.clock import Clock
from transport.endpoint import Endpoint
from transport.handler import Caller, Protocol
from transport.http2.frame_gate import PREFACE
from transport.http2.messages import Answer, Request
from transport.http2.routes import Route, Routes
from transport.http2.session import Http2Service, Http2Session
from transport.later import LaterPool
from transport.slots import Slots

HONEST = Caller(Endpoint("192.0.2.2", 40_000), Protocol.HTTPS)  # another client: one has a share of what runs
SECONDS = 10
MEMORY = 10_000_000  # octets that an attack may cost at any time
MIB = 1 << 20


def _answer(request: Request, caller: Caller, now: float) -> Answer:
    return sleeper(request, caller, now) if request.body else echo(request, caller, now)


class Place:
    """A server to which anybody can connect."""

    def __init__(self, nursery: trio.Nursery, later: LaterPool) -> None:
        routes = Routes({"/": Route(_answer, ("GET", "POST"), 4_096)})
        self.service = Http2Service(routes, Clock.starting_at(0), later, TIMES, Slots(TIMES))
        self._nursery = nursery
        self.served = 0
        self.connected = 0

    def connect(self, caller: Caller = CALLER) -> trio.abc.Stream:
        client, server = memory_stream_pair()
        self._nursery.start_soon(self._converse, server, caller)
        return client

    async def _converse(self, stream: trio.abc.Stream, caller: Caller) -> None:
        self.connected += 1
        await Http2Session(stream, caller, self.service).run()
        self.connected -= 1
        await trio.aclose_forcefully(stream)

    async def be_served(self) -> None:
        """Ask twice a second, always over a new connection; each answer is there within a second."""
        while True:
            async with self.connect(HONEST) as client:
                asker = Asker()
                asker.ask(b"0.1")
                await client.send_all(asker.take())
                with trio.fail_after(1):
                    while not asker.done:
                        asker.receive(bytes(await client.receive_some(10_000)))
            self.served += 1
            await trio.sleep(0.5)


@asynccontextmanager
async def place() -> AsyncGenerator[Place]:
    async with LaterPool(1_000).running() as later, trio.open_nursery() as nursery:
        yield Place(nursery, later)
        nursery.cancel_scope.cancel()


@pytest.fixture
def traced() -> Iterator[Callable[[], tuple[int, int]]]:
    """Tell how many octets are in use more than at first, now and at most."""
    gc.collect()
    tracemalloc.start()
    base, _ = tracemalloc.get_traced_memory()

    def read() -> tuple[int, int]:
        gc.collect()
        now, peak = tracemalloc.get_traced_memory()
        return now - base, peak - base

    yield read
    tracemalloc.stop()


async def _pour(client: trio.abc.Stream, octets: bytes) -> None:
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        await client.send_all(octets)


def _rapid(first: int, count: int) -> bytes:
    return b"".join(headers(n) + reset(n) for n in range(first, first + 2 * count, 2))


async def test_a_hundred_thousand_resets_in_ten_seconds(
    autojump_clock: MockClock, traced: Callable[[], tuple[int, int]]
) -> None:
    async with place() as here, trio.open_nursery() as nursery:
        nursery.start_soon(here.be_served)
        await trio.sleep(1)
        rapid = _rapid(1, 1_000)
        for _ in range(100):
            async with here.connect() as client:
                await _pour(client, HELLO + rapid)
                await trio.sleep(SECONDS / 100)
        nursery.cancel_scope.cancel()
        now, peak = traced()
        assert here.served >= SECONDS
        assert here.service.http_counts.flooded == 100
        assert peak < MEMORY
        await trio.sleep(12)
        assert here.connected == 0
        now, _ = traced()
        assert now < MIB


async def test_work_that_goes_on_after_resets_is_bounded(
    autojump_clock: MockClock, traced: Callable[[], tuple[int, int]]
) -> None:
    """The client gives each request up as soon as it runs, and asks the next: what runs stays within the limit."""
    async with place() as here, trio.open_nursery() as nursery:
        nursery.start_soon(here.be_served)
        most = 0
        for _ in range(5):
            async with here.connect() as client:
                await _pour(client, HELLO)
                asker = Asker()
                asker.take()
                for _ in range(15):
                    streams = [asker.ask(b"3") for _ in range(20)]
                    await _pour(client, asker.take())
                    await trio.sleep(0.01)
                    await _pour(client, b"".join(reset(stream) for stream in streams))
                    for stream in streams:
                        asker.h2.reset_stream(stream)
                    asker.take()
                    most = max(most, here.service.later.statistics().running)
            await trio.sleep(3)
        nursery.cancel_scope.cancel()
        assert most <= 101
        assert here.service.http_counts.streams_refused > 0
        assert traced()[1] < MEMORY


FLOODS = {
    "continuation": PREFACE + settings() + headers(1, flags=0) + continuation(1, bytes(100)) * 10_000,
    "empty continuation": HELLO + headers(1, flags=0) + continuation(1, b"") * 10_000,
    "ping": HELLO + ping() * 100_000,
    "settings": PREFACE + settings(*[(code, 1) for code in range(200, 232)]) * 5_000,
    "window": HELLO + headers(1) + window(0, 1) * 100_000,
    "empty data": HELLO + frame(1, 4, 1, headers(1)[9:]) + data(1, b"", 0) * 100_000,
    "priority": HELLO + frame(2, 0, 3, bytes(5)) * 100_000,
    "long frame": HELLO + (1 << 24).to_bytes(4)[1:] + b"\xff\xff\xff" * 500_000,
    "bomb": HELLO + frame(1, 5, 1, b"\x40\x01x\x7f\x81\x1e" + b"y" * 3_968 + b"\xbe" * 4_000),
    "half a frame": HELLO + headers(1)[:-1],
    "garbage": bytes(range(256)) * 4_000,
}


@pytest.mark.parametrize("kind", FLOODS)
async def test_a_flood_costs_little_and_others_are_served(
    autojump_clock: MockClock, traced: Callable[[], tuple[int, int]], kind: str
) -> None:
    async with place() as here, trio.open_nursery() as nursery:
        nursery.start_soon(here.be_served)
        flood = FLOODS[kind]
        base = traced()[0]
        for _ in range(20):
            client = here.connect()
            nursery.start_soon(_pour, client, flood)
        await trio.sleep(4)
        assert here.connected <= 1  # whoever is being served
        assert here.served >= 6
        service = here.service
        assert service.http_counts.flooded + service.counts.misframed + service.counts.impatient == 20
        nursery.cancel_scope.cancel()
        peak = traced()[1] - base
        assert peak - 20 * len(flood) < MEMORY  # in memory, what was poured lies with us and not with a kernel


async def test_a_hundred_who_read_nothing_are_gone_after_a_while(
    autojump_clock: MockClock, traced: Callable[[], tuple[int, int]]
) -> None:
    async with place() as here, trio.open_nursery() as nursery:
        nursery.start_soon(here.be_served)
        asking = PREFACE + settings((4, 0))
        for number in range(10):
            asking += frame(1, 4, 2 * number + 1, headers(1)[9:].replace(b"GET", b"PUT")) + data(
                2 * number + 1, b""
            )
        for _ in range(100):
            nursery.start_soon(_pour, here.connect(), asking)
        await trio.sleep(7)
        assert here.connected <= 1
        assert here.served >= 12
        assert here.service.counts.unread == 100
        nursery.cancel_scope.cancel()
