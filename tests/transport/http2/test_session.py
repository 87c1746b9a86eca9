"""One connection over streams in memory, in virtual time."""

# ruff: noqa: ARG001 - a test has virtual time by asking for `autojump_clock`, and needs no more of it

import logging
from dataclasses import replace

import pytest
import trio
from h2.errors import ErrorCodes
from trio.testing import (
    MemoryReceiveStream,
    MemorySendStream,
    MockClock,
    lockstep_stream_pair,
    wait_all_tasks_blocked,
)

from tests.transport.http2.frames import HELLO, Asker, frame, goaways, headers, ping, reset, resets, settings
from tests.transport.http2.talking import CALLER, HTTP, TIMES, echo, sleeper, talking
from transport.entitlement import Entitled, entitled
from transport.handler import Caller
from transport.http2.frame_gate import PREFACE
from transport.http2.limits import Http2Limits
from transport.http2.messages import Answer, LaterResponse, Request, RequestHandler, Response
from transport.http2.session import Http2Counts
from transport.later import LaterPool
from transport.slots import StreamLimits
from transport.stream_session import StreamCounts

NO_ERROR, CALM = int(ErrorCodes.NO_ERROR), int(ErrorCodes.ENHANCE_YOUR_CALM)


async def test_the_handler_is_told_who_and_when(autojump_clock: MockClock) -> None:
    seen: list[tuple[Request, Caller, int]] = []

    def handle(request: Request, caller: Caller, now: float) -> Answer:
        seen.append((request, caller, round(now)))
        return Response(200, (), b"reply")

    async with talking(handle) as talk:
        await trio.sleep(2)
        (stream,) = await talk.ask(b"question")
        await talk.hear(1)
        assert talk.asker.bodies == {stream: b"reply"}
    length = (b"content-length", b"8")
    assert [(request.path, request.body, caller, now) for request, caller, now in seen] == [
        ("/", b"question", CALLER, 2)
    ]
    assert length not in seen[0][0].headers
    assert talk.counts == StreamCounts(received=1, answered=1)


async def test_work_is_counted_for_whoever_it_is_done_for(autojump_clock: MockClock) -> None:
    """A client who has proven a name in the request, not on the connection."""
    named = Caller(CALLER.endpoint, CALLER.protocol, "partner")
    ranked: list[Caller] = []

    def rank(caller: Caller) -> Entitled:
        ranked.append(caller)
        return entitled(caller)

    async def work() -> Response:
        return Response(200)

    def handle(request: Request, _caller: Caller, _now: float) -> Answer:
        return LaterResponse(work, caller=named if request.body == b"named" else None)

    async with talking(handle, pool=LaterPool(10, rank)) as talk:
        await talk.ask(b"named")
        await talk.hear(1)
        await talk.ask(b"nobody")
        await talk.hear(2)
    assert ranked == [named, CALLER]


async def test_a_hundred_in_hand_come_back_as_they_are_ready(autojump_clock: MockClock) -> None:
    async with talking(sleeper) as talk:
        streams = await talk.ask(*[b"%.2f" % (2 - number / 100) for number in range(100)])
        assert await talk.hear(100) == streams[::-1]
        assert talk.counts == StreamCounts(received=100, answered=100)


async def test_octet_by_octet_is_understood(autojump_clock: MockClock) -> None:
    async with talking() as talk:
        talk.asker.ask(b"one")
        talk.asker.ask(b"two")
        for octet in talk.asker.take():
            await talk.client.send_all(bytes([octet]))
            await trio.sleep(0.01)
        await talk.hear(2)
        assert sorted(talk.asker.bodies.values()) == [b"one", b"two"]


async def test_who_says_nothing_has_three_seconds(autojump_clock: MockClock) -> None:
    async with talking() as talk:
        assert await talk.wait_ended() == pytest.approx(3)
        assert talk.counts == StreamCounts(impatient=1)


async def test_ten_idle_seconds_begin_after_the_last_response(autojump_clock: MockClock) -> None:
    async with talking(sleeper) as talk:
        await talk.ask(b"25")
        await talk.hear(1)
        await trio.sleep(9)
        await talk.ask(b"0")
        await talk.hear(2)
        assert await talk.wait_ended() == pytest.approx(10.5)
        assert goaways(await talk.hear_all()) == [(3, NO_ERROR)]
        assert talk.counts == StreamCounts(received=2, answered=2, impatient=1)


async def test_patience_shrinks_while_waiting(autojump_clock: MockClock) -> None:
    times = StreamLimits(connections=10)
    async with talking(times=times) as talk:
        await talk.ask(b"hello")
        await talk.hear(1)
        await trio.sleep(0.5)
        for number in range(9):
            assert talk.service.slots.try_take(f"192.0.2.{number}")
        talk.session.hurry()
        assert await talk.wait_ended() == pytest.approx(0.2)


async def test_hurry_closes_nobody_who_is_being_served(autojump_clock: MockClock) -> None:
    times = StreamLimits(connections=2)
    async with talking(sleeper, times) as talk:
        await talk.ask(b"5")
        await wait_all_tasks_blocked()
        assert talk.service.slots.try_take("192.0.2.1")
        assert talk.service.slots.try_take("192.0.2.2")
        talk.session.hurry()
        await talk.hear(1)
        assert talk.asker.bodies == {1: b"5"}


async def test_finishing_answers_what_is_in_hand_and_takes_no_more(autojump_clock: MockClock) -> None:
    async with talking(sleeper) as talk:
        first, *_ = await talk.ask(b"2")
        await wait_all_tasks_blocked()
        talk.session.finish()
        await wait_all_tasks_blocked()
        await talk.client.send_all(headers(3))
        assert await talk.wait_ended() == pytest.approx(2.5)
        said = await talk.hear_all()
        assert goaways(said) == [(first, NO_ERROR)]
        assert resets(said) == [(3, int(ErrorCodes.REFUSED_STREAM))]
        assert talk.counts == StreamCounts(received=1, answered=1)
        assert talk.http == Http2Counts(streams_refused=1)


async def test_finishing_an_idle_one_takes_no_time_if_the_client_closes(autojump_clock: MockClock) -> None:
    async with talking() as talk:
        await talk.ask(b"hello")
        await talk.hear(1)
        talk.session.finish()
        await wait_all_tasks_blocked()
        await talk.client.aclose()
        assert await talk.wait_ended() == 0


async def test_who_closes_its_side_still_has_its_answers(autojump_clock: MockClock) -> None:
    async with talking(sleeper) as talk:
        await talk.ask(b"2", b"1")
        assert isinstance(talk.client, trio.StapledStream)
        await talk.client.send_eof()
        assert await talk.hear(2) == [3, 1]
        assert await talk.wait_ended() == pytest.approx(0)


async def test_who_closes_its_side_is_not_answered_for_ever(autojump_clock: MockClock) -> None:
    async with talking(sleeper) as talk:
        await talk.ask(b"1000")
        assert isinstance(talk.client, trio.StapledStream)
        await talk.client.send_eof()
        assert await talk.wait_ended() == pytest.approx(TIMES.stuck)


async def test_responses_nobody_waits_for_any_more_are_counted(autojump_clock: MockClock) -> None:
    async with talking(sleeper) as talk:
        await talk.ask(b"2")
        await wait_all_tasks_blocked()
        await talk.client.send_all(reset(1))
        await trio.sleep(3)
        assert talk.counts == StreamCounts(received=1, undelivered=1)
        await talk.ask(b"1", b"2")
        await wait_all_tasks_blocked()
        await talk.client.aclose()
        await trio.sleep(9)
        assert talk.counts.undelivered >= 2


async def test_a_flood_of_resets_is_told_to_calm_down(autojump_clock: MockClock) -> None:
    async with talking() as talk:
        await talk.client.send_all(HELLO + b"".join(headers(n) + reset(n) for n in range(1, 1_001, 2)))
        assert goaways(await talk.hear_all())[0][1] == CALM
        assert talk.http == Http2Counts(flooded=1)
        assert await talk.wait_ended() == pytest.approx(0, abs=1)


@pytest.mark.parametrize("flood", [ping(), frame(0xFA, 0, 0, b"?"), frame(2, 0, 1, bytes(5)), frame(0, 0, 1)])
async def test_floods_of_frames_that_ask_for_nothing_end_it(autojump_clock: MockClock, flood: bytes) -> None:
    async with talking() as talk:
        await talk.client.send_all(HELLO + flood * 500)
        assert goaways(await talk.hear_all())[0][1] == CALM
        assert talk.http == Http2Counts(flooded=1)


async def test_what_is_not_http2_is_closed_at_once(autojump_clock: MockClock) -> None:
    async with talking() as talk:
        await talk.client.send_all(b"GET / HTTP/1.1\r\n\r\n")
        assert await talk.wait_ended() == pytest.approx(0, abs=0.6)
        assert talk.counts == StreamCounts(misframed=1)


async def test_who_never_reads_is_closed(autojump_clock: MockClock) -> None:
    async with talking(lambda *_: Response(200, (), bytes(10_000)), pair=lockstep_stream_pair) as talk:
        talk.asker.ask()
        await talk.client.send_all(talk.asker.take())
        assert await talk.wait_ended() == pytest.approx(TIMES.stuck)
        assert talk.counts.unread == 1


async def test_who_opens_no_window_is_closed(autojump_clock: MockClock) -> None:
    async with talking(lambda *_: Response(200, (), bytes(10_000))) as talk:
        await talk.client.send_all(PREFACE + settings((4, 0)) + b"".join(headers(n) for n in range(1, 101, 2)))
        assert await talk.wait_ended() == pytest.approx(TIMES.stuck, abs=0.6)
        assert goaways(await talk.hear_all()) == [(99, CALM)]
        assert talk.counts.unread == 1
        assert talk.counts.received == 7  # those for which there was room


async def test_who_floods_without_reading_is_read_no_further(autojump_clock: MockClock) -> None:
    read = 0

    async def never() -> None:
        await trio.sleep_forever()

    async def feed() -> None:
        nonlocal read
        await trio.lowlevel.checkpoint()
        incoming.put_data(headers(2 * read + 1) if read else HELLO + headers(1))
        read += 1

    incoming = MemoryReceiveStream(receive_some_hook=feed)
    server = trio.StapledStream(MemorySendStream(send_all_hook=never), incoming)
    async with talking(
        lambda *_: Response(200, (), bytes(1_000)), pair=lambda: (lockstep_stream_pair()[0], server)
    ) as talk:
        assert await talk.wait_ended() == pytest.approx(TIMES.stuck)
        assert read < 200
        assert talk.counts.unread == 1


async def test_a_full_pool_delays_requests_and_not_the_opening_of_windows(autojump_clock: MockClock) -> None:
    async with talking(sleeper, pool=LaterPool(1)) as talk:
        streams = await talk.ask(b"1", b"2", b"1")
        assert await talk.hear(3) == streams
        assert trio.current_time() == pytest.approx(4)


async def test_large_responses_arrive_as_their_windows_open(autojump_clock: MockClock) -> None:
    body = bytes(range(256)) * 255
    async with talking(lambda *_: Response(200, (), body)) as talk:
        await talk.ask(*[b""] * 20)
        await talk.hear(20)
        assert list(talk.asker.bodies.values()) == [body] * 20
        assert talk.counts == StreamCounts(received=20, answered=20)


@pytest.mark.parametrize("way", ["send", "receive"])
async def test_a_stream_that_breaks_is_counted(autojump_clock: MockClock, way: str) -> None:
    async def fail() -> None:
        await trio.lowlevel.checkpoint()
        raise trio.BrokenResourceError

    server = trio.StapledStream(
        MemorySendStream(send_all_hook=fail if way == "send" else None),
        MemoryReceiveStream(receive_some_hook=fail if way == "receive" else None),
    )
    async with talking(pair=lambda: (lockstep_stream_pair()[0], server)) as talk:
        await talk.wait_ended()
        assert talk.counts == StreamCounts(broken=1)


async def test_a_client_that_is_cut_off_is_not_waited_for(autojump_clock: MockClock) -> None:
    asker, fed = Asker(), 0
    asker.ask(b"1000")

    async def feed() -> None:
        nonlocal fed
        await trio.lowlevel.checkpoint()
        fed += 1
        if fed > 1:
            raise trio.BrokenResourceError
        incoming.put_data(asker.take())

    incoming = MemoryReceiveStream(receive_some_hook=feed)
    server = trio.StapledStream(MemorySendStream(), incoming)
    async with talking(sleeper, pair=lambda: (lockstep_stream_pair()[0], server)) as talk:
        assert await talk.wait_ended() < TIMES.stuck
        assert talk.counts.broken == 1


def _broken(_request: Request, _caller: Caller, _now: float) -> Answer:
    raise RuntimeError("a bug")


def _broken_later(_request: Request, _caller: Caller, _now: float) -> Answer:
    async def work() -> Response:
        await trio.sleep(1)
        raise RuntimeError("a bug")

    return LaterResponse(work)


@pytest.mark.parametrize("handler", [_broken, _broken_later])
async def test_a_bug_costs_one_request(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, handler: object
) -> None:
    def handle(request: Request, caller: Caller, now: float) -> Answer:
        if request.body:
            return echo(request, caller, now)
        return (_broken if handler is _broken else _broken_later)(request, caller, now)

    async with talking(handle) as talk:
        await talk.ask(b"", b"fine")
        await talk.hear(2)
        assert talk.asker.statuses == {1: 500, 3: 200}
    assert [record.message for record in caplog.records if record.levelno == logging.ERROR] == [
        "event=internal-error part=http2"
    ]


async def test_a_response_that_cannot_be_sent_costs_one_connection(autojump_clock: MockClock) -> None:
    async with talking(lambda *_: Response(200, ((b":status", b"200"),))) as talk:
        await talk.ask(b"")
        await talk.wait_ended()
        assert talk.http == Http2Counts(faulty=1)


@pytest.mark.parametrize("where", ["receive", "expire"])
async def test_a_bug_in_the_core_costs_one_connection(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    def trip(*_args: object) -> None:
        raise RuntimeError("a bug")

    async with talking() as talk:
        monkeypatch.setattr(talk.session._core, where, trip)
        if where == "receive":
            await talk.ask(b"")
        await talk.wait_ended()
        assert talk.http == Http2Counts(faulty=1)
    assert "event=internal-error part=http2" in caplog.text


async def test_a_bug_in_replying_costs_one_connection(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with talking(sleeper) as talk:
        monkeypatch.setattr(talk.session._core, "reply", _broken)
        await talk.ask(b"1")
        await talk.wait_ended()
        assert talk.http == Http2Counts(faulty=1)
        assert talk.counts.undelivered == 1
    assert "event=internal-error part=http2" in caplog.text


def _with_a_last_word(request: Request, caller: Caller, now: float) -> Answer:
    later = sleeper(request, caller, now)
    assert isinstance(later, LaterResponse)
    return replace(later, cut_short=lambda: Response(418))


@pytest.mark.parametrize(("handler", "status"), [(sleeper, 503), (_with_a_last_word, 418)])
async def test_work_that_is_cancelled_is_answered_all_the_same(
    autojump_clock: MockClock, handler: RequestHandler, status: int
) -> None:
    pool = LaterPool(10)
    async with trio.open_nursery() as nursery:
        client_may_go = trio.Event()

        async def talk_over() -> None:
            async with talking(handler, pool=pool) as talk:
                await talk.ask(b"1000")
                await wait_all_tasks_blocked()
                assert pool._nursery is not None
                pool._nursery.cancel_scope.cancel()
                await talk.hear(1)
                assert talk.asker.statuses == {1: status}
                client_may_go.set()

        nursery.start_soon(talk_over)
        await client_may_go.wait()


async def test_a_connection_ends_after_its_streams_and_none_is_lost(autojump_clock: MockClock) -> None:
    async with talking(http=Http2Limits(streams_in_all=5)) as talk:
        streams = await talk.ask(*[b"%d" % number for number in range(7)])
        assert len(await talk.hear(5)) == 5
        assert set(talk.asker.bodies) == set(streams[:5])
        said = await talk.hear_all()
        assert goaways(said) == [(streams[4], NO_ERROR)]
        assert [stream for stream, _ in resets(said)] == streams[5:]
        assert talk.counts == StreamCounts(received=5, answered=5)


def test_the_limits_are_those_of_the_page() -> None:
    assert (HTTP.streams, HTTP.headers, HTTP.frames.block) == (100, 8_192, 8_192)
    assert (HTTP.resets, HTTP.reset_seconds) == (200, 10)
