import errno
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Self

import pytest
import trio
from trio.testing import memory_stream_pair

from transport.endpoint import Endpoint
from transport.framing import Deframer, frame
from transport.pipeline import FIRST_PAUSE, FREE_LOSSES, WINDOW, Asked, Pipeline
from transport.slots import StreamLimits
from transport.stream_link import connect_stream

THERE = Endpoint("192.0.2.1", 53)
SECONDS = 5.0

Play = Callable[[trio.abc.Stream], Awaitable[None]]  # what one connection does at the server's end


@dataclass
class Asker:
    """Takes every reply whose body is the question's, and remembers in which order."""

    answered: list[bytes] = field(default_factory=list)
    given_up: dict[bytes, tuple[str, ...]] = field(default_factory=dict)
    changed: trio.Event = field(default_factory=trio.Event)

    def accept(self, asked: Asked, reply_untrusted: bytes, _now: float) -> bool:
        if reply_untrusted[2:] != asked.body.upper():
            return False
        self.answered.append(asked.body)
        return True

    def give_up(self, asked: Asked) -> None:
        self.given_up[asked.body] = asked.reasons

    def settled(self) -> None:
        self.changed.set()
        self.changed = trio.Event()

    async def wait_for(self, count: int) -> None:
        while len(self.answered) + len(self.given_up) < count:
            await self.changed.wait()


@dataclass
class Server:
    """Plays one script after the other, one for each connection; the last one again and again."""

    plays: list[Play | OSError]
    connections: int = 0
    nursery: trio.Nursery | None = None

    async def connect(self, endpoint: Endpoint) -> trio.abc.Stream:
        assert endpoint == THERE
        play = self.plays[min(self.connections, len(self.plays) - 1)]
        self.connections += 1
        if isinstance(play, OSError):
            raise play
        ours, theirs = memory_stream_pair()
        assert self.nursery is not None
        self.nursery.start_soon(self._play, play, theirs)
        return ours

    @staticmethod
    async def _play(play: Play, stream: trio.abc.Stream) -> None:
        try:
            async with stream:
                await play(stream)
        except trio.BrokenResourceError:
            pass


class messages:  # noqa: N801 - read as the function it would be, if generators were closed where they are left
    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.deframer = Deframer()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while True:
            for message in self.deframer:
                return message
            data = await self.stream.receive_some()
            if not data:
                raise StopAsyncIteration
            self.deframer.feed(data)


def reply_to(message: bytes) -> bytes:
    return frame(message[:2] + message[2:].upper())


async def answering(stream: trio.abc.Stream) -> None:
    async for message in messages(stream):
        await stream.send_all(reply_to(message))


def answering_only(count: int) -> Play:
    async def play(stream: trio.abc.Stream) -> None:
        left = count
        async for message in messages(stream):
            await stream.send_all(reply_to(message))
            left -= 1
            if left == 0:
                return

    return play


async def silent(stream: trio.abc.Stream) -> None:
    async for _ in messages(stream):
        pass


async def closing(stream: trio.abc.Stream) -> None:
    await stream.receive_some()


@asynccontextmanager
async def running(*plays: Play | OSError, tries: int = 3) -> AsyncGenerator[tuple[Pipeline[Asked], Asker, Server]]:
    asker, server = Asker(), Server(list(plays))
    with trio.fail_after(100):
        async with trio.open_nursery() as nursery:
            server.nursery = nursery
            pipeline: Pipeline[Asked] = Pipeline(THERE, asker, SECONDS, tries, server.connect)
            nursery.start_soon(pipeline.run)
            yield pipeline, asker, server
            nursery.cancel_scope.cancel()


def bodies(count: int) -> list[bytes]:
    return [b"question %d" % number for number in range(count)]


async def ask(pipeline: Pipeline[Asked], asker: Asker, questions: list[bytes]) -> None:
    for number, body in enumerate(questions):
        while not pipeline.room:
            await asker.wait_for(number - WINDOW + 1)
        pipeline.ask(Asked(body))
    await asker.wait_for(len(questions))


async def test_thousands_over_one_connection(autojump_clock: trio.testing.MockClock) -> None:
    async with running(answering) as (pipeline, asker, server):
        await ask(pipeline, asker, bodies(3_000))
        assert (asker.answered, asker.given_up, server.connections) == (bodies(3_000), {}, 1)
        assert pipeline.room == WINDOW
    assert autojump_clock.current_time() == 0


def test_the_window_is_within_what_a_server_of_ours_takes() -> None:
    assert StreamLimits().pipelined > WINDOW


async def test_never_more_in_flight_than_the_window(autojump_clock: trio.testing.MockClock) -> None:
    most = []

    async def in_rounds(stream: trio.abc.Stream) -> None:
        in_hand: list[bytes] = []

        async def gather() -> None:
            async for message in messages(stream):
                in_hand[len(in_hand) :] = [message]

        async with trio.open_nursery() as nursery:
            nursery.start_soon(gather)
            while True:
                await trio.sleep(1)
                most.append(len(in_hand))
                replies = b"".join(reply_to(message) for message in reversed(in_hand))
                in_hand.clear()
                await stream.send_all(replies)

    async with running(in_rounds) as (pipeline, asker, _):
        await ask(pipeline, asker, bodies(1_000))
        assert sorted(asker.answered) == sorted(bodies(1_000))
        assert asker.answered != bodies(1_000)  # out of order within a round
    assert max(most) == WINDOW
    assert autojump_clock.current_time() == -(-1_000 // WINDOW)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1_000])
async def test_replies_may_come_in_pieces(size: int, autojump_clock: trio.testing.MockClock) -> None:
    async def in_pieces(stream: trio.abc.Stream) -> None:
        async for message in messages(stream):
            octets = reply_to(message)
            for at in range(0, len(octets), size):
                await stream.send_all(octets[at : at + size])
                await trio.sleep(0.001)

    async with running(in_pieces) as (pipeline, asker, _):
        await ask(pipeline, asker, bodies(20))
        assert asker.answered == bodies(20)
    assert autojump_clock.current_time() < SECONDS


async def test_what_is_no_reply_is_passed_over(autojump_clock: trio.testing.MockClock) -> None:
    async def noisy(stream: trio.abc.Stream) -> None:
        async for message in messages(stream):
            other = bytes((message[0] ^ 1, message[1]))
            for junk in (b"x", message, other + message[2:].upper(), message[:2], message[:2] + b"JUNK"):
                await stream.send_all(frame(junk))
            await stream.send_all(reply_to(message) * 3)

    async with running(noisy) as (pipeline, asker, _):
        await ask(pipeline, asker, bodies(10))
        assert asker.answered == bodies(10)
    assert autojump_clock.current_time() == 0


async def test_a_lost_connection_is_made_again_and_the_rest_asked_again(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with running(answering_only(30), answering_only(200), answering) as (pipeline, asker, server):
        await ask(pipeline, asker, bodies(1_000))
        assert sorted(asker.answered) == sorted(bodies(1_000))
        assert (asker.given_up, server.connections) == ({}, 3)
    assert autojump_clock.current_time() == 0


async def test_a_connection_that_breaks_midway_in_a_message(autojump_clock: trio.testing.MockClock) -> None:
    async def torn(stream: trio.abc.Stream) -> None:
        async for message in messages(stream):
            await stream.send_all(reply_to(message) + b"\0\x40half")
            return

    async with running(torn, answering) as (pipeline, asker, server):
        await ask(pipeline, asker, bodies(3))
        assert sorted(asker.answered) == bodies(3)
        assert server.connections == 2
    assert autojump_clock.current_time() == 0


async def test_what_cannot_be_framed_ends_the_connection(autojump_clock: trio.testing.MockClock) -> None:
    async def misframing(stream: trio.abc.Stream) -> None:
        async for _ in messages(stream):
            await stream.send_all(b"\0\0")

    async with running(misframing, tries=1) as (pipeline, asker, _):
        await ask(pipeline, asker, [b"one"])
        assert asker.given_up == {b"one": ("message of 0 octets announced, 1 to 65535 are allowed",)}
    assert autojump_clock.current_time() == 0


async def test_a_server_that_closes_at_once_is_given_up(autojump_clock: trio.testing.MockClock) -> None:
    async with running(closing) as (pipeline, asker, server):
        await ask(pipeline, asker, bodies(2))
        reasons = ("the server closed the connection",) * 3
        assert asker.given_up == dict.fromkeys(bodies(2), reasons)
        assert server.connections == 3
    assert autojump_clock.current_time() == pytest.approx(3 * FIRST_PAUSE)


async def test_a_question_that_ends_every_connection_is_given_up_alone(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def fragile(stream: trio.abc.Stream) -> None:
        async for message in messages(stream):
            if message[2:] == b"poison":
                return
            await stream.send_all(reply_to(message))

    async with running(fragile) as (pipeline, asker, server):
        questions = [*bodies(50), b"poison", *bodies(2_000)[50:]]
        await ask(pipeline, asker, questions)
        assert list(asker.given_up) == [b"poison"]
        assert sorted(asker.answered) == sorted(bodies(2_000))
        assert server.connections <= FREE_LOSSES + 3 + 2
    assert autojump_clock.current_time() < 2


async def test_a_silent_server_ends_by_a_deadline(autojump_clock: trio.testing.MockClock) -> None:
    async with running(silent) as (pipeline, asker, server):
        await ask(pipeline, asker, bodies(5))
        assert asker.given_up == dict.fromkeys(bodies(5), ("timed out",) * 3)
        assert server.connections == 3
    assert autojump_clock.current_time() == pytest.approx(3 * SECONDS + FIRST_PAUSE * (1 + 2))


async def test_each_question_has_its_whole_time(autojump_clock: trio.testing.MockClock) -> None:
    async with running(silent) as (pipeline, asker, _):
        pipeline.ask(Asked(b"early"))
        await trio.sleep(4)
        pipeline.ask(Asked(b"late"))
        await asker.wait_for(2)
        assert asker.given_up == dict.fromkeys((b"early", b"late"), ("timed out",) * 3)
    assert autojump_clock.current_time() >= 4 + 3 * SECONDS


async def test_noise_does_not_put_the_deadline_off(autojump_clock: trio.testing.MockClock) -> None:
    async def noisy(stream: trio.abc.Stream) -> None:
        while True:
            await trio.sleep(0.7)
            await stream.send_all(frame(b"no question of ours"))

    async with running(noisy, tries=1) as (pipeline, asker, _):
        await ask(pipeline, asker, [b"one"])
        assert asker.given_up == {b"one": ("timed out",)}
    assert autojump_clock.current_time() == SECONDS


async def test_one_question_that_is_never_answered_costs_the_others_nothing(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def forgetful(stream: trio.abc.Stream) -> None:
        async for message in messages(stream):
            if message[2:] != b"lost":
                await trio.sleep(0.01)
                await stream.send_all(reply_to(message))

    async with running(forgetful) as (pipeline, asker, server):
        await ask(pipeline, asker, [b"lost", *bodies(2_000)])
        assert asker.given_up == {b"lost": ("timed out",) * 3}
        assert asker.answered == bodies(2_000)
        assert server.connections == 1
    assert autojump_clock.current_time() == pytest.approx(2_000 * 0.01, rel=0.1)


async def test_a_refused_connection_is_tried_again_after_a_pause(autojump_clock: trio.testing.MockClock) -> None:
    refused = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
    async with running(refused, answering) as (pipeline, asker, _):
        await ask(pipeline, asker, bodies(9))
        assert sorted(asker.answered) == bodies(9)
        assert autojump_clock.current_time() == FIRST_PAUSE
    async with running(refused) as (pipeline, asker, server):
        await ask(pipeline, asker, [b"one"])
        assert asker.given_up == {b"one": ("Connection refused",) * 3}
        assert server.connections == 3


async def test_a_connection_that_does_not_come_about_is_waited_for_as_long_as_a_reply(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def connect(_: Endpoint) -> trio.abc.Stream:
        await trio.sleep_forever()
        raise AssertionError

    asker = Asker()
    async with trio.open_nursery() as nursery:
        pipeline: Pipeline[Asked] = Pipeline(THERE, asker, SECONDS, 1, connect)
        nursery.start_soon(pipeline.run)
        await ask(pipeline, asker, [b"one"])
        nursery.cancel_scope.cancel()
    assert asker.given_up == {b"one": ("timed out",)}
    assert autojump_clock.current_time() == SECONDS


async def test_an_idle_connection_that_was_closed_costs_no_try(autojump_clock: trio.testing.MockClock) -> None:
    async with running(answering_only(2), answering, tries=1) as (pipeline, asker, server):
        await ask(pipeline, asker, bodies(2))
        await trio.sleep(60)
        pipeline.ask(Asked(b"later"))
        await asker.wait_for(3)
        assert asker.answered == [*bodies(2), b"later"]
        assert server.connections == 2
    assert autojump_clock.current_time() == 60


async def test_a_real_connection() -> None:
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(partial(trio.serve_tcp, answering, 0, host="127.0.0.1"))
            port = listeners[0].socket.getsockname()[1]
            asker = Asker()
            pipeline: Pipeline[Asked] = Pipeline(Endpoint("127.0.0.1", port), asker, SECONDS, 1)
            nursery.start_soon(pipeline.run)
            await ask(pipeline, asker, bodies(500))
            assert asker.answered == bodies(500)
            nursery.cancel_scope.cancel()


async def test_nobody_listens() -> None:
    with trio.socket.socket() as taken:
        await taken.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            await connect_stream(Endpoint("127.0.0.1", taken.getsockname()[1]))
