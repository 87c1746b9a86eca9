"""One connection of a client over streams in memory, in virtual time."""

# ruff: noqa: ARG001 - a test has virtual time by asking for `autojump_clock`, and needs no more of it

from collections.abc import Callable
from functools import partial

import pytest
import trio
from h2.errors import ErrorCodes
from trio.testing import MemoryReceiveStream, MemorySendStream, MockClock, wait_all_tasks_blocked

from tests.transport.http2.frames import continuation, data, fields, frame, ping, reset, settings
from tests.transport.http2.hosts import Host, asking
from transport.errors import UnreachableError
from transport.http2.client import Http2Client, UntouchedError
from transport.http2.frame_gate import END_HEADERS, HEADERS, goaway
from transport.http2.limits import ClientLimits
from transport.http2.messages import Request, Response

GET = Request("GET", "/a", "b=c", ((b"x-word", b"one"),))
POST = Request("POST", "/a", body=b"question")


async def _ask(client: Http2Client, request: Request, responses: list[Response]) -> None:
    responses.append(await client.request(request))


async def _ask_in_vain(
    client: Http2Client, reasons: list[str], kind: type[UnreachableError] = UnreachableError, most: int = 100
) -> None:
    with pytest.raises(UnreachableError) as caught:
        await client.request(POST, most)
    assert type(caught.value) is kind
    assert caught.value.endpoint == "192.0.2.1#443"
    reasons.append(caught.value.reason)


async def test_a_request_goes_out_and_its_response_comes_back(autojump_clock: MockClock) -> None:
    host, responses = Host(), list[Response]()
    async with asking(host) as (client, nursery):
        nursery.start_soon(_ask, client, GET, responses)
        stream = await host.next_request()
        assert host.heads[stream] == {
            b":method": b"GET",
            b":scheme": b"https",
            b":authority": b"host.example",
            b":path": b"/a?b=c",
            b"x-word": b"one",
        }
        await host.reply(stream, b"answer", 203, (b"y", b"z"))
        nursery.start_soon(_ask, client, POST, responses)
        stream = await host.next_request()
        assert (host.bodies[stream], host.heads[stream][b"content-length"]) == (b"question", b"8")
        await host.reply(stream)
    assert responses == [Response(203, ((b"y", b"z"),), b"answer"), Response(200)]


async def test_many_are_in_flight_and_come_back_in_any_order(autojump_clock: MockClock) -> None:
    host, answers = Host(), dict[bytes, bytes]()

    async def ask(client: Http2Client, word: bytes) -> None:
        answers[word] = (await client.request(Request("POST", "/", body=word))).body

    async with asking(host) as (client, nursery):
        words = [b"%d" % number for number in range(100)]
        for word in words:
            nursery.start_soon(ask, client, word)
        streams = [await host.next_request() for _ in words]
        for stream in reversed(streams):
            await host.reply(stream, host.bodies[stream] * 2)
    assert answers == {word: word * 2 for word in words}


async def test_what_the_server_does_not_take_at_a_time_waits_for_its_turn(autojump_clock: MockClock) -> None:
    host, responses = Host(streams=2), list[Response]()
    async with asking(host) as (client, nursery):
        nursery.start_soon(_ask, client, POST, responses)
        await host.reply(await host.next_request())  # by now it has heard the settings
        await wait_all_tasks_blocked()
        for _ in range(5):
            nursery.start_soon(_ask, client, POST, responses)
        for left in (2, 2, 2, 2, 1):
            await wait_all_tasks_blocked()
            while len(host.whole) < left:
                await host.hear()
            with trio.move_on_after(1):
                await host.hear()
            assert len(host.whole) == left
            await host.reply(host.whole.pop(0))
    assert len(responses) == 6


async def test_turns_come_in_the_order_of_asking(autojump_clock: MockClock) -> None:
    host = Host()
    async with asking(host, ClientLimits(streams=2)) as (client, nursery):
        for number in range(20):
            nursery.start_soon(client.request, Request("POST", "/", body=b"%d" % number))
            await wait_all_tasks_blocked()
        seen = []
        for _ in range(10):
            pair = [await host.next_request(), await host.next_request()]
            seen += sorted(int(host.bodies[stream]) for stream in pair)  # those of one turn are called together
            for stream in pair:
                await host.reply(stream)
    assert seen == list(range(20))


async def test_those_who_wait_for_their_turn_are_bounded(autojump_clock: MockClock) -> None:
    reasons: list[str] = []
    async with asking(Host(), ClientLimits(streams=1, waiting=1)) as (client, nursery):
        nursery.start_soon(client.request, POST)
        await wait_all_tasks_blocked()
        nursery.start_soon(client.request, POST)
        await wait_all_tasks_blocked()
        await _ask_in_vain(client, reasons)
        nursery.cancel_scope.cancel()
    assert reasons == ["1 requests are waiting already"]


async def test_who_gives_up_disturbs_nobody_and_the_server_is_told(autojump_clock: MockClock) -> None:
    host, responses, reasons = Host(), list[Response](), list[str]()
    async with asking(host) as (client, nursery):
        nursery.start_soon(_ask, client, POST, responses)

        async def give_up() -> None:
            with pytest.raises(UnreachableError) as caught:
                await client.request(POST, deadline=trio.current_time() + 1)
            reasons.append(caught.value.reason)

        nursery.start_soon(give_up)
        first, second = await host.next_request(), await host.next_request()
        given_up = await host.hear_reset()
        await host.reply(first if given_up == second else second, b"answer")
    assert reasons == ["no response in time"]
    assert responses == [Response(200, (), b"answer")]


async def test_an_answer_to_what_was_given_up_is_let_pass(autojump_clock: MockClock) -> None:
    host, responses = Host(), list[Response]()
    async with asking(host) as (client, nursery):
        with trio.move_on_after(1):
            await client.request(POST)
        await host.next_request()
        await host.say(frame(HEADERS, END_HEADERS, 1, fields((b":status", b"200"))) + data(1, b"late" * 4_000))
        nursery.start_soon(_ask, client, POST, responses)
        await host.reply(await host.next_request(), b"answer")
    assert responses == [Response(200, (), b"answer")]


async def test_large_requests_and_responses_go_as_their_windows_open(autojump_clock: MockClock) -> None:
    host, responses = Host(), list[Response]()
    async with asking(host) as (client, nursery):
        nursery.start_soon(_ask, client, Request("POST", "/", body=b"x" * 200_000), responses)
        stream = await host.next_request()
        assert host.bodies[stream] == b"x" * 200_000
        await host.reply(stream, b"y" * 65_535)
    assert responses[0].body == b"y" * 65_535


async def test_a_response_that_is_too_long_is_cut_off(autojump_clock: MockClock) -> None:
    host, reasons = Host(), list[str]()
    async with asking(host) as (client, nursery):
        nursery.start_soon(_ask_in_vain, client, reasons)
        stream = await host.next_request()
        host.h2.send_headers(stream, [(b":status", b"200")])
        host.h2.send_data(stream, bytes(101))
        await host.flush()
        assert await host.hear_reset() == stream
    assert reasons == ["more than 100 octets"]


async def test_a_response_before_the_request_is_whole_is_taken(autojump_clock: MockClock) -> None:
    host, responses = Host(), list[Response]()
    async with asking(host) as (client, nursery):
        nursery.start_soon(_ask, client, Request("POST", "/", body=bytes(10_000_000)), responses)
        while not host.heads:
            await host.hear()
        await host.reply(1, b"too much", 413)
        assert await host.hear_reset() == 1
    assert responses == [Response(413, (), b"too much")]


@pytest.mark.parametrize(
    ("code", "kind"), [(ErrorCodes.REFUSED_STREAM, UntouchedError), (ErrorCodes.INTERNAL_ERROR, UnreachableError)]
)
async def test_a_reset_says_whether_the_request_was_looked_at(
    autojump_clock: MockClock, code: ErrorCodes, kind: type[UnreachableError]
) -> None:
    host, reasons = Host(), list[str]()
    async with asking(host) as (client, nursery):
        nursery.start_soon(_ask_in_vain, client, reasons, kind)
        host.h2.reset_stream(await host.next_request(), code)
        await host.flush()
    assert reasons == [f"reset ({code.name})"]


async def test_after_a_goaway_what_was_taken_is_answered_and_nothing_more_is_sent(
    autojump_clock: MockClock,
) -> None:
    host, responses, reasons = Host(), list[Response](), list[str]()
    async with asking(host) as (client, nursery):
        nursery.start_soon(_ask, client, POST, responses)
        first = await host.next_request()
        nursery.start_soon(_ask_in_vain, client, reasons, UntouchedError)
        await host.next_request()
        await host.say(goaway(first, ErrorCodes.NO_ERROR))
        await wait_all_tasks_blocked()
        assert reasons == ["going away"]
        assert client.is_leaving
        assert not client.ended
        await _ask_in_vain(client, reasons, UntouchedError)
        await host.reply(first, b"answer")
        await wait_all_tasks_blocked()
        assert client.ended
    assert responses == [Response(200, (), b"answer")]


@pytest.mark.parametrize(
    "octets",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        frame(HEADERS, END_HEADERS, 2, fields((b":status", b"200"))),
        frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff"),
        frame(HEADERS, END_HEADERS, 1, fields((b"x", b"y"))),
        frame(5, END_HEADERS, 1, (2).to_bytes(4) + fields((b":status", b"200"))),
        data(1, b"before its headers"),
        frame(HEADERS, 0, 1, bytes(4_000)) + continuation(1, bytes(5_000)),
        (1 << 20).to_bytes(3) + bytes(6),
        ping() * 2_000,
        settings() * 200,
    ],
)
async def test_what_is_not_http2_ends_the_connection(autojump_clock: MockClock, octets: bytes) -> None:
    host, reasons = Host(), list[str]()
    async with asking(host) as (client, nursery):
        nursery.start_soon(_ask_in_vain, client, reasons)
        await host.next_request()
        await host.say(octets)
    assert reasons[0].startswith("not HTTP/2 as it is spoken here")


async def test_a_status_that_is_none_fails_the_request(autojump_clock: MockClock) -> None:
    host, reasons = Host(), list[str]()
    async with asking(host) as (client, nursery):
        nursery.start_soon(_ask_in_vain, client, reasons)
        await host.next_request()
        await host.say(frame(HEADERS, END_HEADERS, 1, fields((b":status", b"2x0"))))
    assert reasons == ["no status"]


async def test_what_comes_before_the_response_is_passed_over(autojump_clock: MockClock) -> None:
    host, responses = Host(), list[Response]()
    async with asking(host) as (client, nursery):
        nursery.start_soon(_ask, client, POST, responses)
        stream = await host.next_request()
        host.h2.send_headers(stream, [(b":status", b"103")])
        await host.reply(stream, b"answer")
    assert responses == [Response(200, (), b"answer")]


async def test_a_connection_that_cannot_be_made_says_why(autojump_clock: MockClock) -> None:
    async def refuse() -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        raise ConnectionRefusedError(111, "Connection refused")

    async def hang() -> trio.abc.Stream:
        await trio.sleep_forever()
        raise AssertionError

    for connect, reason in (
        (refuse, "cannot connect: [Errno 111] Connection refused"),
        (hang, "no connection within 5 s"),
    ):
        reasons: list[str] = []
        client = Http2Client("192.0.2.1#443", "host.example", connect)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.run)
            nursery.start_soon(_ask_in_vain, client, reasons, UntouchedError)
        assert (client.connected, client.ended) == (False, True)
        await _ask_in_vain(client, reasons, UntouchedError)
        assert reasons == [reason] * 2


async def test_a_server_that_closes_tells_all_who_wait(autojump_clock: MockClock) -> None:
    host, reasons = Host(), list[str]()
    async with asking(host) as (client, nursery):
        nursery.start_soon(_ask_in_vain, client, reasons)
        nursery.start_soon(_ask_in_vain, client, reasons)
        await host.next_request()
        await host.stream.aclose()
    assert len(reasons) == 2
    assert set(reasons) <= {
        "closed by the other side",
        "the connection broke",
        "the connection broke while sending",
    }


@pytest.mark.parametrize("way", ["send", "receive"])
async def test_a_connection_that_breaks_says_so(autojump_clock: MockClock, way: str) -> None:
    async def fail() -> None:
        await trio.sleep(1)
        raise trio.BrokenResourceError

    async def connect() -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        return trio.StapledStream(
            MemorySendStream(send_all_hook=fail if way == "send" else None),
            MemoryReceiveStream(receive_some_hook=fail if way == "receive" else None),
        )

    reasons: list[str] = []
    client = Http2Client("192.0.2.1#443", "host.example", connect)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.run)
        await wait_all_tasks_blocked()
        nursery.start_soon(_ask_in_vain, client, reasons)
    assert reasons == ["the connection broke while sending" if way == "send" else "the connection broke"]


async def test_an_idle_connection_ends_ten_seconds_after_the_last_response(autojump_clock: MockClock) -> None:
    host, responses = Host(), list[Response]()
    async with asking(host) as (client, nursery):
        await trio.sleep(7)
        nursery.start_soon(_ask, client, POST, responses)
        stream = await host.next_request()
        await trio.sleep(4)
        await host.reply(stream)
        await trio.sleep(9.9)
        assert not client.ended
        await host.say(ping())  # wins no time
        await trio.sleep(0.2)
        assert client.ended


async def test_a_silent_server_is_given_up_although_it_is_asked_again_and_again(autojump_clock: MockClock) -> None:
    host, begun = Host(), trio.current_time()
    async with asking(host) as (client, _nursery):
        with pytest.raises(UnreachableError, match="nothing heard for 10 s"):
            await _ask_again_and_again(client)
        assert trio.current_time() - begun == pytest.approx(10)


async def _ask_again_and_again(client: Http2Client) -> None:
    while True:
        with trio.move_on_after(0.7):
            await client.request(POST)


async def test_leaving_tells_who_waits(autojump_clock: MockClock) -> None:
    host, reasons = Host(), list[str]()
    client = Http2Client("192.0.2.1#443", "host.example", host.connect)
    async with trio.open_nursery() as nursery, trio.open_nursery() as running:
        running.start_soon(client.run)
        nursery.start_soon(_ask_in_vain, client, reasons)
        await host.next_request()
        running.cancel_scope.cancel()
    assert reasons == ["the connection was closed"]


@pytest.mark.parametrize("cut", range(0, 60, 3))
async def test_wherever_a_response_is_cut_it_means_the_same(autojump_clock: MockClock, cut: int) -> None:
    host, responses = Host(), list[Response]()
    send: Callable[[], object]
    async with asking(host) as (client, nursery):
        nursery.start_soon(_ask, client, POST, responses)
        stream = await host.next_request()
        host.h2.send_headers(stream, [(b":status", b"200"), (b"x", b"y")])
        host.h2.send_data(stream, b"answer", end_stream=True)
        octets = host.h2.data_to_send()
        for part in (octets[:cut], octets[cut:]):
            if part:
                send = partial(host.stream.send_all, part)
                nursery.start_soon(send)
                await wait_all_tasks_blocked()
    assert responses == [Response(200, ((b"x", b"y"),), b"answer")]


async def test_resets_of_streams_that_are_over_are_let_pass(autojump_clock: MockClock) -> None:
    host, responses = Host(), list[Response]()
    async with asking(host) as (client, nursery):
        for _ in range(2):
            nursery.start_soon(_ask, client, POST, responses)
            stream = await host.next_request()
            await host.reply(stream)
            await host.say(reset(stream))
            await wait_all_tasks_blocked()
    assert responses == [Response(200)] * 2
