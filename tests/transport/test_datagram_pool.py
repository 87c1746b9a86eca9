"""Which port an exchange leaves from, and how long a port lives; real sockets over loopback."""

import math
import resource
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.transport.asking import Asker, Server, pooling, waiting
from transport.datagram_pool import MOST_PORTS, SPREAD, TICK, DatagramPool, share_of_descriptors
from transport.datagram_port import MAX_EXCHANGES
from transport.errors import CrowdedError, UnreachableError


def descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


async def echo(server: Server, *, ports: list[int] | None = None) -> None:
    """Answer everything with itself, noting whence it came."""
    while True:
        await trio.lowlevel.wait_readable(server.sock)
        while True:
            try:
                message, port = server.receive()
            except BlockingIOError:
                break
            if ports is not None:
                ports.append(port)
            server.reply(message, port)


async def ask_in_turn(pool: DatagramPool, server: Server, count: int) -> None:
    for n in range(count):
        message = n.to_bytes(2) + b"?"
        assert await pool.exchange(server.endpoint, message, message.__eq__) == message


async def test_ports_are_fresh_and_chosen_at_random() -> None:
    """Some 10,000 exchanges: no port takes too many, each of those open is as likely as another.

    The bounds are six standard deviations away, or a chance of one in a million.
    """
    count, ports = 10_000, list[int]()
    async with pooling() as (pool, server, nursery):
        nursery.start_soon(lambda: echo(server, ports=ports))
        await ask_in_turn(pool, server, count)
        nursery.cancel_scope.cancel()
    taken = Counter(ports)
    assert len(ports) == count
    opened = count / MAX_EXCHANGES
    assert 0.95 * opened < len(taken) < opened + SPREAD + 200  # fewer when the kernel picks one twice, more by age
    assert max(taken.values()) <= 3 * MAX_EXCHANGES  # picked again by the kernel, and again
    same = sum(first == second for first, second in pairwise(ports))
    assert 1_000 < same < 1_400  # an eighth, less the thirty-second of all that meet a fresh one
    low, width = min(taken), (max(taken) + 1 - min(taken)) / 8
    assert 8 * width > 10_000
    parts = Counter(int((port - low) / width) for port in taken)
    even = len(taken) / 8
    assert sum((parts[n] - even) ** 2 / even for n in range(8)) < 40  # chi-square, 7 degrees of freedom


async def test_an_endpoint_asked_seldom_meets_fresh_ports(leaping_clock: MockClock) -> None:
    ports: list[int] = []
    async with pooling() as (pool, server, nursery):
        nursery.start_soon(lambda: echo(server, ports=ports))
        before = descriptors()
        for _ in range(3):
            await ask_in_turn(pool, server, SPREAD)
            assert descriptors() == before + SPREAD
            for _ in range(2):
                leaping_clock.jump(TICK)
                await wait_all_tasks_blocked()
            assert descriptors() == before
        assert not pool._taking
        assert not pool._idle
        nursery.cancel_scope.cancel()
    assert len(ports) == 3 * SPREAD
    assert len(set(ports)) >= 3 * SPREAD - 1  # the kernel may pick one twice


@pytest.mark.usefixtures("one_port")
async def test_a_port_that_is_waited_on_outlives_its_retirement(leaping_clock: MockClock) -> None:
    async with pooling() as (pool, server, nursery):
        (first,) = await waiting(pool, server, nursery, 1)
        for _ in range(3):
            leaping_clock.jump(TICK)
            await wait_all_tasks_blocked()
        second = Asker(pool, server.endpoint, b"\1\1", b"?")
        nursery.start_soon(second.ask)
        await wait_all_tasks_blocked()
        message, fresh = server.receive()
        assert fresh != first.port
        before = descriptors()
        server.reply(first.own + b"?", first.port)
        await wait_all_tasks_blocked()
        assert descriptors() == before - 1
        server.reply(message, fresh)
    assert first.got is not None
    assert second.got is not None


async def test_each_exchange_ends_in_time_whatever_the_order(leaping_clock: MockClock) -> None:
    """The second is due before the first; the third is answered, and the fourth waits for ever."""
    ended: dict[bytes, bytes | None] = {}
    async with pooling() as (pool, server, nursery):
        start = trio.current_time()

        async def ask(message: bytes, deadline: float) -> None:
            ended[message] = await pool.exchange(server.endpoint, message, message.__eq__, deadline)

        ports = {}
        for message, seconds in ((b"\0\1?", 0.5), (b"\0\2?", 0.2), (b"\0\3?", 0.3), (b"\0\4?", math.inf)):
            nursery.start_soon(ask, message, start + seconds)
            await wait_all_tasks_blocked()
            ports[message] = server.receive()[1]
        server.reply(b"\0\3?", ports[b"\0\3?"])
        await wait_all_tasks_blocked()
        assert ended == {b"\0\3?": b"\0\3?"}
        leaping_clock.jump(0.19)
        await wait_all_tasks_blocked()
        assert b"\0\2?" not in ended
        leaping_clock.jump(0.02)
        await wait_all_tasks_blocked()
        assert ended == {b"\0\3?": b"\0\3?", b"\0\2?": None}
        server.reply(b"\0\2?", ports[b"\0\2?"])  # too late, and nobody's
        leaping_clock.jump(0.3)
        await wait_all_tasks_blocked()
        assert ended == {b"\0\3?": b"\0\3?", b"\0\2?": None, b"\0\1?": None}
        assert sum(port.in_flight for port in pool._taking[server.endpoint]) == 1
        nursery.cancel_scope.cancel()


@pytest.mark.usefixtures("one_port")
async def test_a_port_takes_so_many_exchanges_and_no_more() -> None:
    async with pooling() as (pool, server, nursery):
        askers = await waiting(pool, server, nursery, MAX_EXCHANGES + 1)
        assert len({asker.port for asker in askers[:-1]}) == 1
        assert askers[-1].port != askers[0].port
        before = descriptors()
        for asker in askers[:-1]:
            server.reply(asker.own + b"?", asker.port)
        await wait_all_tasks_blocked()
        assert descriptors() == before - 1
        nursery.cancel_scope.cancel()


@pytest.mark.usefixtures("one_port")
async def test_an_id_that_was_asked_with_takes_another_port() -> None:
    async with pooling() as (pool, server, nursery):
        askers = (*await waiting(pool, server, nursery, 1), *await waiting(pool, server, nursery, 1))
        assert len({asker.port for asker in askers}) == 2
        for asker in askers:
            server.reply(b"\0\0?", asker.port)
    assert [asker.looks for asker in askers] == [1, 1]


@pytest.mark.usefixtures("one_port")
async def test_whoever_gives_up_leaves_nothing_behind() -> None:
    async with pooling() as (pool, server, nursery):
        askers = await waiting(pool, server, nursery, 5)
        for asker in askers[1:]:
            asker.scope.cancel()
        await wait_all_tasks_blocked()
        assert [key.data.in_flight for key in pool._selector.get_map().values()] == [1]
        askers[0].scope.cancel()
        await wait_all_tasks_blocked()
        assert len(pool._idle) == 1
        with trio.CancelScope() as scope:  # before it has even begun to wait
            scope.cancel()
            await pool.exchange(server.endpoint, b"\1\1?", lambda _: True)
        assert scope.cancelled_caught
        assert len(pool._idle) == 1


async def test_at_the_bound_the_longest_idle_is_closed() -> None:
    async with pooling(most=2) as (pool, server, nursery), pooling() as (_, another, _), pooling() as (_, third, _):
        before = descriptors()
        for peer in (server, another, third):
            (asker,) = await waiting(pool, peer, nursery, 1)
            peer.reply(asker.own + b"?", asker.port)
            await wait_all_tasks_blocked()
        assert set(pool._taking) == {another.endpoint, third.endpoint}
        assert descriptors() == before + 2


@pytest.mark.usefixtures("one_port")
async def test_a_port_that_is_waited_on_again_is_not_idle() -> None:
    async with pooling(most=1) as (pool, server, nursery), pooling() as (_, another, _):
        (asker,) = await waiting(pool, server, nursery, 1)
        server.reply(asker.own + b"?", asker.port)
        await wait_all_tasks_blocked()
        again = Asker(pool, server.endpoint, b"\1\1", b"?")
        nursery.start_soon(again.ask)
        await wait_all_tasks_blocked()
        with pytest.raises(UnreachableError, match="on 1 sockets already"):
            await pool.exchange(another.endpoint, b"ID", lambda _: True)
        nursery.cancel_scope.cancel()


async def test_what_cannot_be_sent_leaves_no_socket() -> None:
    async with pooling() as (pool, server, _):
        before = descriptors()
        with pytest.raises(UnreachableError, match="too long"):
            await pool.exchange(server.endpoint, bytes(70_000), lambda _: True)
        assert descriptors() == before


async def test_at_the_bound_ports_are_shared_and_else_the_exchange_fails() -> None:
    async with pooling(most=2) as (pool, server, nursery), pooling() as (_, another, _):
        askers = await waiting(pool, server, nursery, 6)
        assert len({asker.port for asker in askers}) == 2
        with pytest.raises(CrowdedError, match="on 2 sockets already"):
            await pool.exchange(another.endpoint, b"ID", lambda _: True)
        for asker in askers:
            server.reply(asker.own + b"?", asker.port)
        await wait_all_tasks_blocked()
        (asker,) = await waiting(pool, another, nursery, 1)
        nursery.cancel_scope.cancel()


@contextmanager
def no_descriptors_left() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_process_without_descriptors_reaches_nobody() -> None:
    async with pooling() as (pool, server, _):
        with no_descriptors_left(), pytest.raises(CrowdedError, match="open files"):
            await pool.exchange(server.endpoint, b"ID", lambda _: True)
        assert not pool._taking


async def test_half_of_the_descriptors_are_left_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    for soft, share in ((1_024, 512), (resource.RLIM_INFINITY, MOST_PORTS), (1 << 30, MOST_PORTS)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, soft=soft: (soft, soft))
        assert share_of_descriptors() == share


async def test_whoever_waits_at_the_end_is_told() -> None:
    before = descriptors()
    server = Server()
    with trio.fail_after(20), server.sock:
        pool = DatagramPool()
        async with trio.open_nursery() as asking, trio.open_nursery() as running:
            running.start_soon(pool.run)
            askers = await waiting(pool, server, asking, 3)
            running.cancel_scope.cancel()
    assert [asker.failure for asker in askers] == ["the dialer was closed"] * 3
    assert descriptors() == before
