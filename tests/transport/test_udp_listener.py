"""Datagrams over loopback. A server is started with `serving`; each test gives up after 10 s."""

import errno
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any, ClassVar

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from resolver.front import Front
from tests.fast_paths import COOKIES, gated
from transport import udp_listener
from transport.batch import HAS_KERNEL_BATCH, SLOTS, KernelBatch, PortableBatch
from transport.clients import LimitSettings, NamedClient
from transport.clock import Clock
from transport.endpoint import Endpoint
from transport.fast_path import FastPath
from transport.handler import Caller, Handler, Later, Protocol, Verdict
from transport.later import MOST_EACH, LaterPool
from transport.releases import MOST
from transport.udp_listener import BATCHES, UdpListener, open_udp, serve_udp
from zonedata import names, wire
from zonedata.packets import TTLS_STAY, Packets

START = 1_700_000_000.0
NEEDS_KERNEL_BATCH = pytest.mark.skipif(not HAS_KERNEL_BATCH, reason="no recvmmsg here")
LOOPBACK = Endpoint("127.0.0.1", 0)


@pytest.fixture(
    autouse=True,
    params=[PortableBatch, pytest.param(KernelBatch, marks=NEEDS_KERNEL_BATCH)],
    ids=["calls", "batches"],
)
def batch_kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test runs over single calls and over batches."""
    monkeypatch.setattr(udp_listener, "open_batch", request.param)


def _echo(message: bytes, _caller: Caller, _now: float) -> Verdict:
    return message


def _later(work: Callable[[bytes], Any]) -> Handler:
    """A handler that works on what starts with "later", and echoes all else."""

    def handle(message: bytes, _caller: Caller, _now: float) -> Verdict:
        return Later(lambda: work(message)) if message.startswith(b"later") else message

    return handle


@asynccontextmanager
async def serving(
    handler: Handler,
    endpoint: Endpoint = LOOPBACK,
    pool: LaterPool | None = None,
    fast: FastPath | None = None,
) -> AsyncGenerator[tuple[UdpListener, trio.socket.SocketType]]:
    """Serve, and hand out the listener and a client's connected socket."""
    with trio.fail_after(10), open_udp(endpoint) as sock:
        async with (pool or LaterPool(8)).running() as later, trio.open_nursery() as nursery:
            clock = Clock.starting_at(START)
            listener: UdpListener = await nursery.start(serve_udp, sock, handler, clock, later, fast or FastPath())
            with trio.socket.socket(endpoint.family, socket.SOCK_DGRAM) as client:
                await client.connect(sock.getsockname())
                yield listener, client
            nursery.cancel_scope.cancel()


async def test_a_message_is_answered_and_the_caller_is_told(anywhere: Endpoint) -> None:
    seen: list[tuple[Caller, float]] = []

    def handle(message: bytes, caller: Caller, now: float) -> Verdict:
        seen.append((caller, now))
        return message[::-1]

    async with serving(handle, anywhere) as (listener, client):
        await client.send(b"question")
        assert await client.recv(100) == b"noitseuq"
        [(caller, now)] = seen
        assert caller == Caller(Endpoint(*client.getsockname()[:2]), Protocol.UDP)
        assert now == pytest.approx(START, abs=10)
        statistics = listener.statistics()
        assert (statistics.received, statistics.answered) == (1, 1)


async def test_silence_is_counted() -> None:
    async def work(_message: bytes) -> None:
        await trio.lowlevel.checkpoint()

    def handle(message: bytes, _caller: Caller, _now: float) -> Verdict:
        match message:
            case b"now":
                return None
            case b"later":
                return Later(lambda: work(message))
            case _:
                return message

    async with serving(handle) as (listener, client):
        for message in (b"now", b"later", b"loud"):
            await client.send(message)
        assert await client.recv(100) == b"loud"
        await wait_all_tasks_blocked()
        statistics = listener.statistics()
        assert (statistics.received, statistics.silent, statistics.answered) == (3, 2, 1)


async def test_a_batch_has_one_time_and_the_loop_goes_on() -> None:
    times: set[float] = set()

    def handle(message: bytes, _caller: Caller, now: float) -> Verdict:
        times.add(now)
        return message if message == b"last" else None

    async with serving(handle) as (listener, client):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
            flood.connect(client.getpeername())
            for _ in range(BATCHES * SLOTS):  # all of it waits in the kernel: nothing is awaited here
                flood.send(b"one of many")
        await client.send(b"last")
        assert await client.recv(100) == b"last"
        assert listener.statistics().received == BATCHES * SLOTS + 1
        assert len(times) <= BATCHES + 2  # one reading for each batch; sending may have let one more begin


async def test_too_long_datagrams_are_ignored() -> None:
    async with serving(_echo) as (listener, client):
        await client.send(b"x" * 4_097)
        await client.send(b"y" * 4_096)
        assert await client.recv(5_000) == b"y" * 4_096
        assert listener.statistics().oversized == 1


async def test_an_empty_datagram_is_a_message() -> None:
    async with serving(_echo) as (_listener, client):
        await client.send(b"")
        assert await client.recv(100) == b""


async def test_later_answers_overtake(lookup_pause: trio.Event) -> None:
    async def work(message: bytes) -> bytes:
        await lookup_pause.wait()
        return b"found " + message

    async with serving(_later(work)) as (_listener, client):
        await client.send(b"later")
        await client.send(b"quick")
        assert await client.recv(100) == b"quick"
        lookup_pause.set()
        assert await client.recv(100) == b"found later"


async def test_a_full_pool_drops_datagrams(lookup_pause: trio.Event) -> None:
    async def work(message: bytes) -> bytes:
        await lookup_pause.wait()
        return message

    pool = LaterPool(1)
    async with serving(_later(work), pool=pool) as (listener, client):
        for message in (b"later 1", b"later 2", b"quick"):
            await client.send(message)
        assert await client.recv(100) == b"quick"
        assert listener.statistics().dropped_full == 1
        assert pool.statistics().refused == 1
        lookup_pause.set()
        assert await client.recv(100) == b"later 1"


@pytest.mark.parametrize(("age", "dropped"), [(1.0, 0), (2.0, 1)])
async def test_an_answer_that_is_ready_too_late_is_dropped(
    leaping_clock: MockClock, lookup_pause: trio.Event, age: float, dropped: int
) -> None:
    async def work(message: bytes) -> bytes:
        await lookup_pause.wait()
        return message

    async with serving(_later(work)) as (listener, client):
        await client.send(b"later")
        await client.send(b"quick")
        assert await client.recv(100) == b"quick"
        leaping_clock.jump(age)
        lookup_pause.set()
        await wait_all_tasks_blocked()
        statistics = listener.statistics()
        assert (statistics.dropped_late, statistics.answered) == (dropped, 2 - dropped)


async def test_of_answers_that_were_held_so_many_leave_for_one_address_at_once(
    leaping_clock: MockClock, lookup_pause: trio.Event
) -> None:
    async def work(message: bytes) -> bytes:
        await lookup_pause.wait()
        return message

    async with serving(_later(work), pool=LaterPool(1_000)) as (listener, client):
        for n in range(2 * MOST_EACH):  # each twice, as by a client that does not wait
            await client.send(b"later %d" % (n % MOST_EACH))
        await client.send(b"quick")
        assert await client.recv(100) == b"quick"
        leaping_clock.jump(1.0)
        lookup_pause.set()
        await wait_all_tasks_blocked()
        statistics = listener.statistics()
        assert (statistics.dropped_burst, statistics.answered) == (2 * MOST_EACH - MOST, MOST + 1)


async def test_work_outlives_the_listener_for_a_grace(lookup_pause: trio.Event) -> None:
    async def work(message: bytes) -> bytes:
        await lookup_pause.wait()
        return message

    with trio.fail_after(10), open_udp(LOOPBACK) as sock:
        async with LaterPool(1).running() as pool:
            with trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                await client.connect(sock.getsockname())
                async with trio.open_nursery() as nursery:
                    await nursery.start(serve_udp, sock, _later(work), Clock(), pool)
                    await client.send(b"later")
                    await client.send(b"quick")
                    assert await client.recv(100) == b"quick"
                    nursery.cancel_scope.cancel()
                lookup_pause.set()
                assert await client.recv(100) == b"later"


class _FaultyBatch(PortableBatch):
    """Fails to receive a few times, and then works."""

    faults: ClassVar[list[int]] = []

    def receive(self) -> int:
        if self.faults:
            raise OSError(self.faults.pop(), "cannot receive")
        return super().receive()


async def test_errors_of_the_kernel_are_counted_and_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(udp_listener, "open_batch", _FaultyBatch)
    monkeypatch.setattr(_FaultyBatch, "faults", [errno.ECONNREFUSED, errno.EPERM, errno.ENETUNREACH])
    async with serving(_echo) as (listener, client):
        await client.send(b"0")
        assert await client.recv(100) == b"0"
        assert listener.statistics().receive_errors == 3


async def test_work_that_finds_no_room_is_dropped() -> None:
    def handle(message: bytes, _caller: Caller, _now: float) -> Verdict:
        return message if message == b"now" else Later(trio.sleep_forever, lambda: b"too much")

    async with serving(handle, pool=LaterPool(1)) as (listener, client):
        for message in (b"id1", b"id2", b"id3", b"now"):
            await client.send(message)
        assert await client.recv(10) == b"now"
        assert listener.statistics().dropped_full == 2


@pytest.mark.parametrize("said", [b"too much", None])
async def test_a_client_with_too_much_in_hand_is_told_so_if_there_is_something_to_say(said: bytes | None) -> None:
    """A slow MSP: hundreds of questions in one address's name wait for it, and a hundred are answered."""
    over = 5

    def handle(message: bytes, _caller: Caller, _now: float) -> Verdict:
        return message if message == b"now" else Later(trio.sleep_forever, lambda: said)

    pool = LaterPool(10 * MOST_EACH)
    async with serving(handle, pool=pool) as (listener, client):
        for number in range(MOST_EACH + over):
            await client.send(b"%4d" % number)
        await client.send(b"now")
        got = [await client.recv(10)]
        while got[-1] != b"now":
            got.append(await client.recv(10))
        assert got[:-1] == ([] if said is None else [said] * over)
        assert pool.statistics().running == MOST_EACH
        assert pool.statistics().crowded == over
        assert listener.statistics().dropped_full == (over if said is None else 0)


async def test_an_answer_longer_than_any_datagram_of_ours_is_an_error() -> None:
    async with serving(lambda message, _caller, _now: message * 5_000) as (listener, client):
        await client.send(b"x")
        await client.send(b"")
        assert await client.recv(10) == b""
        assert listener.statistics().send_errors == 1


async def test_the_fast_path_is_asked_first(anywhere: Endpoint) -> None:
    question = wire.query_wire(names.from_text("1.e164."), names.from_text("test."), wire.QType.CSI, 7)
    read = wire.read_query(question)
    assert isinstance(read, wire.Query)
    reply = wire.Reply(answer=[wire.record(wire.QType.CSI, 60, b"fast")]).to_wire(read, wire.MAX_UDP)
    packets = Packets()
    packets.put(question[2:], reply, START + 60, TTLS_STAY)
    own = NamedClient("own", (ip_network(anywhere.host),), rate=1)  # so that three pass at once: the burst, and one
    front = gated(Front(packets, COOKIES), _echo, LimitSettings(clients=(own,)))
    async with serving(_echo, anywhere, fast=front) as (listener, client):
        with socket.socket(anywhere.family, socket.SOCK_DGRAM) as burst:
            burst.connect(client.getpeername())
            for message in (b"slow 1", question, b"x" * 4_097, question, question, question):
                burst.send(message)
            burst.settimeout(10)
            replies = [await trio.to_thread.run_sync(burst.recv, 1_000) for _ in range(4)]
        assert sorted(replies) == sorted([b"slow 1", reply, reply, wire.cut_short(question) or b""])
        statistics = listener.statistics()
        assert (statistics.received, statistics.fast, statistics.answered, statistics.silent) == (5, 3, 4, 1)


def test_a_port_that_is_taken_is_an_error(anywhere: Endpoint) -> None:
    with open_udp(anywhere) as sock:
        taken = Endpoint(*sock.getsockname()[:2])
        with pytest.raises(OSError, match="in use"):
            open_udp(taken)


def test_ipv6_sockets_leave_ipv4_alone(anywhere: Endpoint) -> None:
    with open_udp(anywhere) as sock:
        assert not sock.getblocking()
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) >= 200_000
        if anywhere.family == socket.AF_INET6:
            assert sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1
