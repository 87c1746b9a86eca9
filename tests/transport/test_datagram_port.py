"""Which exchange a datagram is for: real sockets over loopback, where what was sent has arrived."""

import socket
from collections.abc import Callable

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from tests.transport.asking import Asker, Server, pooling, waiting
from transport import datagram_pool
from transport.datagram_pool import SPREAD, DatagramPool
from transport.datagram_port import LOOKS, MAX_EXCHANGES, DatagramPort
from transport.endpoint import Endpoint
from transport.errors import UnreachableError

MOST_LOOKS = 2 * (LOOKS + MAX_EXCHANGES)  # two turns of the reader fit between two of another task


@pytest.mark.usefixtures("one_port")
async def test_equal_questions_get_their_own_replies() -> None:
    async with pooling() as (pool, server, nursery):
        askers = await waiting(pool, server, nursery, 5)
        (port,) = {asker.port for asker in askers}
        for asker in reversed(askers):
            server.reply(asker.own + b"?", port)
    assert [asker.got for asker in askers] == [asker.own + b"?" for asker in askers]
    assert [asker.looks for asker in askers] == [1] * 5


@pytest.mark.usefixtures("one_port")
async def test_a_late_reply_or_a_second_one_is_no_guess() -> None:
    async with pooling() as (pool, server, nursery):
        first, second, third = await waiting(pool, server, nursery, 3)
        first.scope.cancel()
        for datagram in (first.own + b"?", second.own + b"?", second.own + b"?"):
            await wait_all_tasks_blocked()
            server.reply(datagram, first.port)
        await wait_all_tasks_blocked()
        assert (third.looks, third.got) == (0, None)
        (fourth,) = await waiting(pool, server, nursery, 1)  # with the id of the first
        assert fourth.port != first.port
        server.reply(third.own + b"?", third.port)
        server.reply(fourth.own + b"?", fourth.port)
    assert first.got is None
    assert third.got is not None


@pytest.mark.usefixtures("one_port")
async def test_a_guess_is_heard_by_all_it_might_be_for_and_gives_the_port_up() -> None:
    async with pooling() as (pool, server, nursery):
        alike = await waiting(pool, server, nursery, 3)
        other = Asker(pool, server.endpoint, b"\x01\0", b"another")
        nursery.start_soon(other.ask)
        await wait_all_tasks_blocked()
        assert server.receive()[1] == alike[0].port
        server.reply(b"\xff\xff?", alike[0].port)
        await wait_all_tasks_blocked()
        assert [asker.got for asker in alike] == [b"\xff\xff?"] * 3
        assert (other.looks, other.got) == (1, None)
        later = Asker(pool, server.endpoint, b"\x01\x01", b"?")
        nursery.start_soon(later.ask)
        await wait_all_tasks_blocked()
        fresh = server.receive()[1]
        assert fresh != alike[0].port
        server.reply(other.own + b"another", alike[0].port)
        server.reply(later.own + b"?", fresh)
    assert other.got == b"\x01\0another"
    assert later.got == b"\x01\x01?"


@pytest.mark.usefixtures("one_port")
async def test_an_unasked_datagram_closes_an_idle_port() -> None:
    async with pooling() as (pool, server, nursery):
        (asker,) = await waiting(pool, server, nursery, 1)
        server.reply(asker.own + b"?", asker.port)
        await wait_all_tasks_blocked()
        assert len(pool._idle) == 1
        server.reply(b"", asker.port)
        await wait_all_tasks_blocked()
        assert not pool._idle
        assert not pool._selector.get_map()


@pytest.mark.usefixtures("one_port")
async def test_a_flood_costs_bounded_work_a_turn_and_nothing_is_passed_over() -> None:
    """Two floods: wrong ids, which everybody must be offered, and the right one with the wrong question."""
    async with pooling() as (pool, server, nursery):
        askers = await waiting(pool, server, nursery, 20)
        for n in range(100):
            server.reply(b"\xff" + bytes((n,)) + b"noise", askers[0].port)
            server.reply(askers[0].own + b"noise", askers[0].port)
        for asker in askers:
            server.reply(asker.own + b"?", askers[0].port)
        assert 0 < await _most_looks_a_turn(askers) <= MOST_LOOKS
    assert sum(asker.looks for asker in askers) == 100 * 20 + 100 + 20
    assert {asker.got for asker in askers} == {asker.own + b"?" for asker in askers}


async def test_a_flood_at_many_ports_is_no_worse() -> None:
    async with pooling() as (pool, server, nursery):
        askers = await waiting(pool, server, nursery, SPREAD)
        assert len({asker.port for asker in askers}) == SPREAD
        for asker in askers:
            for _ in range(LOOKS):
                server.reply(asker.own + b"noise", asker.port)
            server.reply(asker.own + b"?", asker.port)
        assert 0 < await _most_looks_a_turn(askers) <= MOST_LOOKS


async def _most_looks_a_turn(askers: list[Asker]) -> int:
    """Wait until all have their replies, and say how much was looked at while this task waited for its turn."""
    seen, most = 0, 0
    while any(asker.got is None for asker in askers):
        await trio.lowlevel.checkpoint()
        looks = sum(asker.looks for asker in askers)
        seen, most = looks, max(most, looks - seen)
    return most


@pytest.mark.usefixtures("one_port")
async def test_an_accept_that_raises_ends_its_own_exchange_alone() -> None:
    def broken(_datagram: bytes) -> bool:
        raise ZeroDivisionError

    async with pooling() as (pool, server, nursery):
        (asker,) = await waiting(pool, server, nursery, 1)
        async with trio.open_nursery() as failing:
            failing.start_soon(_fail, pool, server.endpoint, broken)
            await wait_all_tasks_blocked()
            server.reply(*server.receive())
        server.reply(asker.own + b"?", asker.port)
    assert asker.got == asker.own + b"?"


async def _fail(pool: DatagramPool, endpoint: Endpoint, accept: Callable[[bytes], bool]) -> None:
    with pytest.raises(ZeroDivisionError):
        await pool.exchange(endpoint, b"\xee\xee", accept)


@pytest.mark.usefixtures("one_port")
async def test_a_refusal_ends_all_that_wait_on_the_port() -> None:
    async with pooling() as (pool, server, nursery):
        askers = await waiting(pool, server, nursery, 3)
        server.sock.close()
        last = Asker(pool, server.endpoint, b"\x01\0", b"?")
        nursery.start_soon(last.ask)
        await wait_all_tasks_blocked()
        assert [asker.failure for asker in (*askers, last)] == ["Connection refused"] * 4
        assert not pool._selector.get_map()


async def test_a_failure_has_its_cause() -> None:
    async with pooling() as (pool, server, _):
        server.sock.close()
        with pytest.raises(UnreachableError, match="refused") as caught:
            await pool.exchange(server.endpoint, b"ID", lambda _: True)
        assert isinstance(caught.value.__cause__, ConnectionRefusedError)


@pytest.mark.usefixtures("one_port")
async def test_what_became_of_an_earlier_message_does_not_end_a_later_one() -> None:
    """The kernel says it to whoever sends next; nobody reads in between here."""
    server, pool = Server(), DatagramPool()
    port = server.endpoint.port
    server.sock.close()
    first = Asker(pool, server.endpoint, b"\0\0", b"?")
    second = Asker(pool, server.endpoint, b"\0\1", b"?")
    with trio.fail_after(20), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as back:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(first.ask)
            await wait_all_tasks_blocked()
            back.bind(("127.0.0.1", port))
            nursery.start_soon(second.ask)
            await wait_all_tasks_blocked()
            assert first.failure == "Connection refused"
            nursery.start_soon(pool.run)
            message, address = back.recvfrom(100)
            back.sendto(message, address)
            await wait_all_tasks_blocked()
            assert second.got == b"\0\1?"
            nursery.cancel_scope.cancel()


def test_a_socket_that_cannot_be_connected_is_closed() -> None:
    with pytest.raises(OSError, match=r"denied|unreachable"):  # and nobody warns of a socket that was left open
        DatagramPort(Endpoint("255.255.255.255", 53), _unheard, _unheard)


def _unheard(_port: DatagramPort) -> None:
    raise AssertionError


QUESTIONS = st.sampled_from([b"?", b"!"])
IDS = st.integers(0, 5).map(lambda n: n.to_bytes(2))
STEPS = st.one_of(
    st.tuples(st.just("ask"), IDS, QUESTIONS, st.booleans()),
    st.tuples(st.just("arrive"), IDS, QUESTIONS, st.integers(0, 9)),
    st.tuples(st.just("give up"), st.integers(0, 9)),
)


@given(st.lists(STEPS, max_size=30))
def test_every_datagram_finds_whom_it_is_for(steps: list[tuple[object, ...]]) -> None:
    """Against a model that says it the long way; ports are told apart by what the server sees."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datagram_pool, "SPREAD", 1)
        trio.run(_play, steps)


async def _play(steps: list[tuple[object, ...]]) -> None:
    async with pooling() as (pool, server, nursery):
        askers: list[Asker] = []
        expected: list[bytes | None] = []
        for step in steps:
            match step:
                case ("ask", bytes() as own, bytes() as question, bool() as leaves):
                    asker = Asker(pool, server.endpoint, own, question, leaves)
                    nursery.start_soon(asker.ask)
                    await wait_all_tasks_blocked()
                    message, asker.port = server.receive()
                    assert message == own + question
                    assert not [a for a in askers if (a.port, a.own) == (asker.port, own)]
                    askers.append(asker)
                    expected.append(None)
                case ("arrive", bytes() as own, bytes() as question, int() as n) if askers:
                    port = askers[n % len(askers)].port
                    for at in _meant(askers, port, own, question):
                        expected[at] = expected[at] or own + question
                    server.reply(own + question, port)
                case ("give up", int() as n) if askers:
                    asker = askers[n % len(askers)]
                    asker.scope.cancel()
                case _:
                    pass
            await wait_all_tasks_blocked()
            assert [asker.got for asker in askers] == expected
            live = [a for a in askers if a.got is None and not a.scope.cancel_called]
            assert sum(key.data.in_flight for key in pool._selector.get_map().values()) == len(live)
        nursery.cancel_scope.cancel()


def _meant(askers: list[Asker], port: int, own: bytes, question: bytes) -> list[int]:
    """Say whose exchange a datagram ends."""
    here = [n for n, asker in enumerate(askers) if asker.port == port]
    if any(askers[n].own == own for n in here):
        here = [n for n in here if askers[n].own == own]
    else:
        here = [n for n in here if askers[n].leaves_on_guess]
    return [n for n in here if askers[n].question == question and not askers[n].scope.cancel_called]
