"""One link over streams in memory, in virtual time."""

# ruff: noqa: ARG001 - a test has virtual time by asking for `autojump_clock`, and needs no more of it

import errno
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import (
    MemoryReceiveStream,
    MemorySendStream,
    MockClock,
    memory_stream_pair,
    wait_all_tasks_blocked,
)

from transport import stream_link
from transport.endpoint import Endpoint
from transport.errors import CrowdedError, UnreachableError
from transport.framing import Deframer, frame
from transport.stream_link import MAX_REPLIES, StreamLink

THERE = Endpoint("192.0.2.1", 53)
Connect = Callable[[], Awaitable[trio.abc.Stream]]


class Peer:
    """The other side of a link, done by hand."""

    def __init__(self) -> None:
        self.ours, self.stream = memory_stream_pair()
        self._deframer = Deframer()

    async def connect(self) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        return self.ours

    async def receive(self) -> bytes:
        for message in self._deframer:
            return message
        self._deframer.feed(await self.stream.receive_some(65_536))
        return await self.receive()

    async def reply(self, *messages: bytes) -> None:
        await self.stream.send_all(b"".join(frame(message) for message in messages))


@asynccontextmanager
async def linked(connect: Connect) -> AsyncGenerator[tuple[StreamLink, trio.Nursery]]:
    """Run a link; the nursery is for those who ask over it."""
    link = StreamLink(THERE, connect)
    async with trio.open_nursery() as running:
        running.start_soon(link.run)
        async with trio.open_nursery() as asking:
            yield link, asking
        running.cancel_scope.cancel()


def _any(_reply: bytes) -> bool:
    return True


async def _ask(link: StreamLink, message: bytes, replies: list[bytes]) -> None:
    replies.append(await link.exchange(message, _any))


async def _ask_in_vain(link: StreamLink, message: bytes, reasons: list[str]) -> None:
    with pytest.raises(UnreachableError) as caught:
        await link.exchange(message, _any)
    assert caught.value.endpoint == "192.0.2.1#53"
    reasons.append(caught.value.reason)


async def test_ids_are_rewritten_and_restored(autojump_clock: MockClock) -> None:
    peer, replies = Peer(), list[bytes]()
    async with linked(peer.connect) as (link, asking):
        for number in range(20):
            asking.start_soon(_ask, link, b"ID question %d" % number, replies)
        seen = [await peer.receive() for _ in range(20)]
        assert len({message[:2] for message in seen}) == 20
        for message in reversed(seen):
            await peer.reply(message.replace(b"question", b"reply"))
            await wait_all_tasks_blocked()
    numbers = [int(message.split()[-1]) for message in reversed(seen)]
    assert replies == [b"ID reply %d" % number for number in numbers]


async def test_replies_nobody_waits_for_are_ignored(autojump_clock: MockClock) -> None:
    peer, replies = Peer(), list[bytes]()
    async with linked(peer.connect) as (link, asking):
        asking.start_soon(_ask, link, b"ID?", replies)
        own = (await peer.receive())[:2]
        other = (int.from_bytes(own) ^ 1).to_bytes(2)
        await peer.reply(other + b"forged", b"x", own + b"true")
    assert replies == [b"IDtrue"]


async def test_replies_that_are_not_accepted_are_ignored(autojump_clock: MockClock) -> None:
    peer, replies = Peer(), list[bytes]()

    async def ask(link: StreamLink) -> None:
        replies.append(await link.exchange(b"ID?", lambda reply: reply == b"IDtrue"))

    async with linked(peer.connect) as (link, asking):
        asking.start_soon(ask, link)
        own = (await peer.receive())[:2]
        await peer.reply(own + b"false", own, own + b"true")
    assert replies == [b"IDtrue"]


async def test_a_flood_of_replies_is_cut_short(autojump_clock: MockClock) -> None:
    peer, looked_at = Peer(), list[bytes]()

    def accept(reply: bytes) -> bool:
        looked_at.append(reply)
        return False

    async with linked(peer.connect) as (link, asking):
        asking.start_soon(link.exchange, b"ID?", accept)
        own = (await peer.receive())[:2]
        await peer.reply(*[own + b"%d" % number for number in range(MAX_REPLIES + 10)])
        await wait_all_tasks_blocked()
        assert len(looked_at) in {MAX_REPLIES, MAX_REPLIES + 1}  # one may go straight to who waits
        asking.cancel_scope.cancel()


async def test_cancelling_one_exchange_disturbs_no_other(autojump_clock: MockClock) -> None:
    peer, replies = Peer(), list[bytes]()
    async with linked(peer.connect) as (link, asking):
        with trio.CancelScope() as impatience:
            asking.start_soon(_ask, link, b"A-?", replies)
            async with trio.open_nursery() as given_up:
                given_up.start_soon(link.exchange, b"B-?", _any)
                first, second = await peer.receive(), await peer.receive()
                impatience.cancel()
        await peer.reply(first[:2] + b"!", second[:2] + b"!")
        await wait_all_tasks_blocked()
        asking.start_soon(_ask, link, b"C-?", replies)
        third = await peer.receive()
        await peer.reply(third[:2] + b"!")
    assert sorted(replies) == [b"A-!", b"C-!"]


async def test_who_gives_up_before_the_link_is_up_sends_nothing(autojump_clock: MockClock) -> None:
    peer, replies = Peer(), list[bytes]()

    async def connect() -> trio.abc.Stream:
        await trio.sleep(2)
        return peer.ours

    async with linked(connect) as (link, asking):
        asking.start_soon(_ask, link, b"A-?", replies)
        with trio.move_on_after(1):
            await link.exchange(b"B-?", _any)
        message = await peer.receive()
        assert message[2:] == b"?"
        await peer.reply(message)
        with trio.move_on_after(1) as scope:
            await peer.receive()
        assert scope.cancelled_caught
    assert replies == [b"A-?"]


async def test_a_link_that_cannot_connect_says_why(autojump_clock: MockClock) -> None:
    async def connect() -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        raise ConnectionRefusedError(111, "Connection refused")

    reasons: list[str] = []
    async with linked(connect) as (link, asking):
        asking.start_soon(_ask_in_vain, link, b"A?", reasons)
        asking.start_soon(_ask_in_vain, link, b"B?", reasons)
        await wait_all_tasks_blocked()
        assert (link.connected, link.ended) == (False, True)
        asking.start_soon(_ask_in_vain, link, b"C?", reasons)
    assert reasons == ["cannot connect: [Errno 111] Connection refused"] * 3


async def test_want_of_room_here_is_told_from_nobody_being_there(autojump_clock: MockClock) -> None:
    async def connect() -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        raise OSError(errno.EMFILE, "Too many open files")

    async with linked(connect) as (link, _):
        for _ in range(2):
            with pytest.raises(CrowdedError, match="Too many open files"):
                await link.exchange(b"A?", _any)


async def test_a_link_that_does_not_connect_gives_up(autojump_clock: MockClock) -> None:
    reasons: list[str] = []

    async def connect() -> trio.abc.Stream:
        await trio.sleep_forever()
        raise AssertionError

    async with linked(connect) as (link, asking):
        asking.start_soon(_ask_in_vain, link, b"A?", reasons)
    assert reasons == ["no connection within 5 s"]


async def test_closing_tells_all_who_wait(autojump_clock: MockClock) -> None:
    peer, reasons = Peer(), list[str]()
    async with linked(peer.connect) as (link, asking):
        asking.start_soon(_ask_in_vain, link, b"A?", reasons)
        asking.start_soon(_ask_in_vain, link, b"B?", reasons)
        await peer.receive()
        await peer.stream.aclose()
    assert len(reasons) == 2
    assert set(reasons) <= {"closed by the other side", "the link broke"}


async def test_a_wrong_length_ends_the_link_after_the_replies_before_it(autojump_clock: MockClock) -> None:
    peer, replies, reasons = Peer(), list[bytes](), list[str]()
    async with linked(peer.connect) as (link, asking):
        asking.start_soon(_ask, link, b"A?", replies)
        first = await peer.receive()
        asking.start_soon(_ask_in_vain, link, b"B?", reasons)
        await peer.receive()
        await peer.stream.send_all(frame(first) + b"\0\0")
    assert replies == [b"A?"]
    assert reasons == ["message of 0 octets announced, 1 to 65535 are allowed"]


@pytest.mark.parametrize("way", ["send", "receive"])
async def test_a_link_that_breaks_says_so(autojump_clock: MockClock, way: str) -> None:
    async def fail() -> None:
        await trio.lowlevel.checkpoint()
        raise trio.BrokenResourceError

    async def connect() -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        return trio.StapledStream(
            MemorySendStream(send_all_hook=fail if way == "send" else None),
            MemoryReceiveStream(receive_some_hook=fail if way == "receive" else None),
        )

    reasons: list[str] = []
    async with linked(connect) as (link, asking):
        asking.start_soon(_ask_in_vain, link, b"A?", reasons)
    assert reasons == ["the link broke while sending" if way == "send" else "the link broke"]


async def test_an_idle_link_ends_ten_seconds_after_the_last_reply(autojump_clock: MockClock) -> None:
    peer, replies = Peer(), list[bytes]()
    async with linked(peer.connect) as (link, asking):
        await trio.sleep(7)
        asking.start_soon(_ask, link, b"A?", replies)
        message = await peer.receive()
        await trio.sleep(4)
        await peer.reply(message)
        await trio.sleep(9.9)
        assert not link.ended
        await peer.reply(b"nobody asked")  # wins no time
        await trio.sleep(0.2)
        assert link.ended
    assert replies == [b"A?"]


async def test_a_silent_link_ends_although_it_is_asked_again_and_again(autojump_clock: MockClock) -> None:
    peer, begun = Peer(), trio.current_time()
    async with linked(peer.connect) as (link, _asking):
        with pytest.raises(UnreachableError, match="nothing heard for 10 s"):
            await _ask_again_and_again(link)
        assert trio.current_time() - begun == pytest.approx(10)


async def _ask_again_and_again(link: StreamLink) -> None:
    while True:
        with trio.move_on_after(0.7):
            await link.exchange(b"A?", _any)


async def test_leaving_ends_the_link_and_tells_who_waits(autojump_clock: MockClock) -> None:
    peer, reasons = Peer(), list[str]()
    link = StreamLink(THERE, peer.connect)
    async with trio.open_nursery() as asking, trio.open_nursery() as running:
        running.start_soon(link.run)
        asking.start_soon(_ask_in_vain, link, b"A?", reasons)
        await peer.receive()
        running.cancel_scope.cancel()
    assert reasons == ["the dialer was closed"]


async def test_exchanges_in_flight_are_bounded(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_link, "MAX_IN_FLIGHT", 1)
    peer, reasons = Peer(), list[str]()
    async with linked(peer.connect) as (link, asking):
        asking.start_soon(link.exchange, b"A?", _any)
        await wait_all_tasks_blocked()
        await _ask_in_vain(link, b"B?", reasons)
        asking.cancel_scope.cancel()
    assert reasons == ["1 exchanges are in flight already"]


async def test_an_id_in_use_is_not_given_again(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([7, 7, 7, 8])
    monkeypatch.setattr("secrets.randbelow", lambda _: next(drawn))
    peer, replies = Peer(), list[bytes]()
    async with linked(peer.connect) as (link, asking):
        asking.start_soon(_ask, link, b"A-?", replies)
        asking.start_soon(_ask, link, b"B-?", replies)
        messages = [await peer.receive(), await peer.receive()]
        assert sorted(messages) == [b"\0\7?", b"\0\x08?"]
        await peer.reply(*messages)
    assert sorted(replies) == [b"A-?", b"B-?"]
