"""One connection over streams in memory, in virtual time."""

# ruff: noqa: ARG001 - a test has virtual time by asking for `autojump_clock`, and needs no more of it

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import trio
from trio.testing import (
    MemoryReceiveStream,
    MemorySendStream,
    MockClock,
    lockstep_stream_pair,
    memory_stream_pair,
    wait_all_tasks_blocked,
)

from transport.clock import Clock
from transport.endpoint import Endpoint
from transport.framing import Deframer, frame
from transport.handler import Caller, Handler, Later, Protocol, Verdict
from transport.later import LaterPool
from transport.slots import Slots, StreamLimits
from transport.stream_session import StreamCounts, StreamService, StreamSession

CALLER = Caller(Endpoint("192.0.2.1", 40_000), Protocol.TCP)
LIMITS = StreamLimits()

Pair = Callable[[], tuple[trio.abc.Stream, trio.abc.Stream]]


@dataclass
class Talk:
    """A client's end, and what the test looks at behind the other."""

    client: trio.abc.Stream
    server: trio.abc.Stream
    session: StreamSession
    service: StreamService
    ended: trio.Event

    @property
    def counts(self) -> StreamCounts:
        return self.service.counts

    async def send(self, *messages: bytes) -> None:
        await self.client.send_all(b"".join(frame(message) for message in messages))

    async def receive(self, count: int) -> list[bytes]:
        """Return so many replies, or fewer when the server closes."""
        deframer, replies = Deframer(), list[bytes]()
        while len(replies) < count and (data := await self.client.receive_some(1_000)):
            deframer.feed(data)
            replies += list(deframer)
        return replies

    async def wait_ended(self) -> float:
        """Return how many virtual seconds it took until the session ended."""
        begun = trio.current_time()
        await self.ended.wait()
        return trio.current_time() - begun


@asynccontextmanager
async def talking(
    handler: Handler,
    limits: StreamLimits = LIMITS,
    pool: LaterPool | None = None,
    pair: Pair = memory_stream_pair,
) -> AsyncGenerator[Talk]:
    client, server = pair()
    async with (pool or LaterPool(1_000)).running() as later:
        service = StreamService(handler, Clock.starting_at(0), later, limits, Slots(limits))
        session = StreamSession(server, CALLER, service)
        talk = Talk(client, server, session, service, trio.Event())

        async def run() -> None:
            await session.run()
            talk.ended.set()
            await trio.aclose_forcefully(server)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(run)
            yield talk
            nursery.cancel_scope.cancel()


def _echo(message: bytes, _caller: Caller, _now: float) -> Verdict:
    return message


def _sleeper(message: bytes, _caller: Caller, _now: float) -> Verdict:
    """Answer after as many seconds as the message says."""

    async def work() -> bytes:
        await trio.sleep(float(message))
        return message

    return Later(work)


async def test_the_handler_is_told_who_and_when(autojump_clock: MockClock) -> None:
    seen: list[tuple[bytes, Caller, int]] = []

    def handle(message: bytes, caller: Caller, now: float) -> Verdict:
        seen.append((message, caller, round(now)))
        return b"reply"

    async with talking(handle) as talk:
        await trio.sleep(2)
        await talk.send(b"question")
        assert await talk.receive(1) == [b"reply"]
    assert seen == [(b"question", CALLER, 2)]
    assert talk.counts == StreamCounts(received=1, answered=1)


async def test_a_hundred_in_hand_come_back_as_they_are_ready(autojump_clock: MockClock) -> None:
    async with talking(_sleeper) as talk:
        waits = [b"%.2f" % (2 - number / 100) for number in range(100)]
        await talk.send(*waits)
        assert await talk.receive(100) == waits[::-1]
        assert talk.counts == StreamCounts(received=100, answered=100)


async def test_quick_replies_overtake_slow_ones(autojump_clock: MockClock) -> None:
    async with talking(_sleeper) as talk:
        await talk.send(b"3", b"0.5", b"1")
        assert await talk.receive(3) == [b"0.5", b"1", b"3"]


async def test_octet_by_octet_is_understood(autojump_clock: MockClock) -> None:
    async with talking(_echo) as talk:
        for octet in frame(b"one") + frame(b"two"):
            await talk.client.send_all(bytes([octet]))
            await trio.sleep(0.1)
        assert await talk.receive(2) == [b"one", b"two"]


async def test_octets_of_one_message_win_no_time(autojump_clock: MockClock) -> None:
    async with talking(_echo) as talk:

        async def dribble() -> None:
            for octet in frame(b"x" * 500):
                await talk.client.send_all(bytes([octet]))
                await trio.sleep(0.3)

        begun = trio.current_time()
        with pytest.raises(trio.BrokenResourceError):
            await dribble()
        assert trio.current_time() - begun == pytest.approx(2.1)  # noticed with the octet after
        assert talk.counts == StreamCounts(impatient=1)


async def test_the_time_for_a_message_begins_with_its_own_first_octet(autojump_clock: MockClock) -> None:
    async with talking(_echo) as talk:
        await talk.client.send_all(b"\0")
        await trio.sleep(1.5)
        await talk.client.send_all(b"\1a\0")
        assert await talk.receive(1) == [b"a"]
        assert await talk.wait_ended() == pytest.approx(2)


async def test_who_says_nothing_has_three_seconds(autojump_clock: MockClock) -> None:
    async with talking(_echo) as talk:
        assert await talk.wait_ended() == pytest.approx(3)
        assert talk.counts == StreamCounts(impatient=1)


async def test_ten_idle_seconds_begin_after_the_last_reply(autojump_clock: MockClock) -> None:
    async with talking(_sleeper) as talk:
        await talk.send(b"25")
        assert await talk.receive(1) == [b"25"]
        await trio.sleep(9)
        await talk.send(b"0")
        assert await talk.receive(1) == [b"0"]
        assert await talk.wait_ended() == pytest.approx(10)


async def test_silence_of_the_handler_leaves_the_connection_idle(autojump_clock: MockClock) -> None:
    async def work() -> None:
        await trio.sleep(4)

    async with talking(lambda message, *_: Later(work) if message == b"later" else None) as talk:
        await talk.send(b"now", b"later")
        assert await talk.wait_ended() == pytest.approx(14)
        assert talk.counts == StreamCounts(received=2, silent=2, impatient=1)


async def test_patience_shrinks_while_waiting(autojump_clock: MockClock) -> None:
    limits = StreamLimits(connections=10)
    async with talking(_echo, limits) as talk:
        await talk.send(b"hello")
        await talk.receive(1)
        await trio.sleep(0.5)
        for number in range(6):
            assert talk.service.slots.try_take(f"192.0.2.{number}")
        talk.session.hurry()
        assert await talk.wait_ended() == pytest.approx(0.5)


async def test_under_load_a_newcomer_must_be_quick(autojump_clock: MockClock) -> None:
    limits = StreamLimits(connections=10)
    async with talking(_echo, limits) as talk:
        for number in range(9):
            assert talk.service.slots.try_take(f"192.0.2.{number}")
        talk.session.hurry()
        assert await talk.wait_ended() == pytest.approx(0.2)


async def test_hurry_closes_nobody_who_is_being_served(autojump_clock: MockClock) -> None:
    limits = StreamLimits(connections=2, whole_message=4)
    async with talking(_sleeper, limits) as talk:
        await talk.send(b"5")
        await wait_all_tasks_blocked()
        assert talk.service.slots.try_take("192.0.2.1")
        assert talk.service.slots.try_take("192.0.2.2")
        talk.session.hurry()
        assert await talk.receive(1) == [b"5"]


async def test_a_reply_wins_no_time_for_an_unfinished_message(autojump_clock: MockClock) -> None:
    async with talking(_sleeper) as talk:
        await talk.client.send_all(frame(b"1.5") + b"\0")
        assert await talk.wait_ended() == pytest.approx(2)
        assert talk.counts == StreamCounts(received=1, answered=1, impatient=1)


@pytest.mark.parametrize("announced", [0, 1_025, 65_535])
async def test_a_wrong_length_closes_before_its_octets_come(autojump_clock: MockClock, announced: int) -> None:
    async with talking(_echo) as talk:
        await talk.client.send_all(frame(b"fine") + announced.to_bytes(2))
        assert await talk.wait_ended() == 0
        assert talk.counts.received == 1
        assert talk.counts.misframed == 1


async def test_who_closes_its_half_still_gets_its_replies(autojump_clock: MockClock) -> None:
    client, server = memory_stream_pair()
    async with talking(_sleeper, pair=lambda: (client, server)) as talk:
        await talk.send(b"1", b"3")
        await client.send_stream.aclose()
        assert await talk.receive(3) == [b"1", b"3"]
        assert talk.ended.is_set()


async def test_after_the_end_replies_are_not_waited_for_too_long(autojump_clock: MockClock) -> None:
    client, server = memory_stream_pair()
    async with talking(_sleeper, pair=lambda: (client, server)) as talk:
        await talk.send(b"0.5", b"8")
        await client.send_stream.aclose()
        assert await talk.wait_ended() == pytest.approx(5)
        await trio.sleep(5)
        assert talk.counts == StreamCounts(received=2, answered=1, undelivered=1)


async def test_a_client_that_leaves_disturbs_no_work(autojump_clock: MockClock) -> None:
    async with talking(_sleeper) as talk:
        await talk.send(b"1", b"2")
        await wait_all_tasks_blocked()
        await talk.client.aclose()
        await trio.sleep(3)
        assert talk.counts == StreamCounts(received=2, broken=1, undelivered=1)


async def test_finish_ends_an_idle_connection_at_once(autojump_clock: MockClock) -> None:
    async with talking(_echo) as talk:
        await talk.send(b"hello")
        await talk.receive(1)
        talk.session.finish()
        assert await talk.wait_ended() == 0
        assert talk.counts == StreamCounts(received=1, answered=1)


async def test_finish_waits_for_what_is_in_hand(autojump_clock: MockClock) -> None:
    async with talking(_sleeper) as talk:
        await talk.send(b"2")
        await wait_all_tasks_blocked()
        talk.session.finish()
        await talk.send(b"1")
        assert await talk.receive(2) == [b"2"]


async def test_finish_does_not_wait_for_cancelled_work(autojump_clock: MockClock) -> None:
    with trio.CancelScope() as everything:
        async with talking(_sleeper) as talk:
            await talk.send(b"50")
            await wait_all_tasks_blocked()
            everything.cancel()
            await trio.lowlevel.checkpoint()
    assert everything.cancelled_caught
    assert talk.counts == StreamCounts(received=1, silent=1)


async def test_too_many_in_hand_are_not_read(autojump_clock: MockClock) -> None:
    async with talking(_sleeper, StreamLimits(pipelined=3)) as talk:
        await talk.send(b"3", b"1", b"2", b"2.5", b"0")
        await wait_all_tasks_blocked()
        assert talk.counts.received == 3
        assert await talk.receive(1) == [b"1"]
        await wait_all_tasks_blocked()
        assert talk.counts.received == 4
        assert await talk.receive(4) == [b"2", b"0", b"3", b"2.5"]


async def test_a_full_pool_is_waited_for(autojump_clock: MockClock, lookup_pause: trio.Event) -> None:
    pool = LaterPool(1)
    async with talking(_sleeper, pool=pool) as talk:
        assert pool.try_start(lookup_pause.wait)
        await talk.send(b"1", b"2")
        await trio.sleep(60)
        assert talk.counts.received == 1
        lookup_pause.set()
        assert await talk.receive(2) == [b"1", b"2"]


async def test_a_client_that_never_reads_is_closed_when_the_write_is_stuck(autojump_clock: MockClock) -> None:
    async with talking(lambda *_: b"x" * 1_000, pair=lockstep_stream_pair) as talk:

        async def ask_on() -> None:
            while True:
                await talk.send(b"again")

        begun = trio.current_time()
        with pytest.raises(trio.BrokenResourceError):
            await ask_on()
        assert trio.current_time() - begun == pytest.approx(5)
        assert talk.counts.unread == 1
        assert talk.counts.answered == 0
        assert talk.counts.received <= 35  # half a queue, and what was read with the first


async def test_a_client_that_reads_slowly_is_served_in_full(autojump_clock: MockClock) -> None:
    async with talking(lambda *_: b"x" * 1_000) as talk, trio.open_nursery() as nursery:

        async def ask() -> None:
            for _ in range(500):
                await talk.send(b"again")

        nursery.start_soon(ask)
        assert len(await talk.receive(500)) == 500


async def test_replies_that_pile_up_close_the_connection(
    autojump_clock: MockClock, lookup_pause: trio.Event
) -> None:
    def handle(message: bytes, _caller: Caller, _now: float) -> Verdict:
        async def work() -> bytes:
            await lookup_pause.wait()
            return b"x" * 10_000

        return Later(work) if message == b"later" else message

    async with talking(handle, pair=lockstep_stream_pair) as talk:
        await talk.send(b"now", *[b"later"] * 20)
        await wait_all_tasks_blocked()  # the writer is at "now", which nobody reads
        lookup_pause.set()
        assert await talk.wait_ended() == 0
        assert talk.counts == StreamCounts(received=21, unread=1, undelivered=13)


async def test_many_replies_at_once_do_not_pile_up(autojump_clock: MockClock, lookup_pause: trio.Event) -> None:
    def handle(_message: bytes, _caller: Caller, _now: float) -> Verdict:
        async def work() -> bytes:
            await lookup_pause.wait()
            return b"x" * 10_000

        return Later(work)

    async with talking(handle) as talk:
        await talk.send(*[b"later"] * 20)
        await wait_all_tasks_blocked()
        lookup_pause.set()
        assert len(await talk.receive(20)) == 20


@pytest.mark.parametrize("length", [0, 65_536])
async def test_what_no_stream_can_carry_is_dropped(autojump_clock: MockClock, length: int) -> None:
    async with talking(lambda message, *_: b"x" * length if message == b"bug" else message) as talk:
        await talk.send(b"bug", b"fine")
        assert await talk.receive(1) == [b"fine"]
        assert talk.counts == StreamCounts(received=2, unsendable=1, answered=1)


async def test_a_write_that_fails_ends_the_connection(autojump_clock: MockClock) -> None:
    async def fail() -> None:
        await trio.lowlevel.checkpoint()
        raise trio.BrokenResourceError

    incoming = MemoryReceiveStream()
    broken = trio.StapledStream(MemorySendStream(send_all_hook=fail), incoming)
    client = memory_stream_pair()[0]
    async with talking(_echo, pair=lambda: (client, broken)) as talk:
        incoming.put_data(frame(b"hello"))
        assert await talk.wait_ended() == 0
        assert talk.counts == StreamCounts(received=1, broken=1)


async def test_a_read_that_fails_ends_the_connection(autojump_clock: MockClock) -> None:
    async def fail() -> None:
        await trio.lowlevel.checkpoint()
        raise trio.BrokenResourceError

    client = memory_stream_pair()[0]
    broken = trio.StapledStream(MemorySendStream(), MemoryReceiveStream(receive_some_hook=fail))
    async with talking(_echo, pair=lambda: (client, broken)) as talk:
        assert await talk.wait_ended() == 0
        assert talk.counts == StreamCounts(broken=1)
