"""One connection of a server without any stream, with time by hand; h2 or frames done by hand on the other side."""

import pytest
from h2.errors import ErrorCodes
from hypothesis import given
from hypothesis import strategies as st

from tests.transport.http2.frames import (
    HELLO,
    POST,
    Asker,
    Served,
    anything,
    continuation,
    data,
    fields,
    frame,
    goaways,
    headers,
    ping,
    post,
    reset,
    resets,
    settings,
    split,
    window,
)
from transport.http2.frame_gate import DATA, END_HEADERS, HEADERS, PREFACE
from transport.http2.limits import Http2Limits
from transport.http2.messages import Request, Response, plain
from transport.http2.server_connection import Ending, ServerConnection
from transport.slots import StreamLimits

CALM, REFUSED = int(ErrorCodes.ENHANCE_YOUR_CALM), int(ErrorCodes.REFUSED_STREAM)
TIMES = StreamLimits()


def test_a_request_is_given_out_whole_and_its_response_sent() -> None:
    served = Served()
    stream = served.asker.ask(b"body", b"/path?query", (b"x-word", b"one"))
    served.move()
    assert served.requests() == {stream: Request("POST", "/path", "query", ((b"x-word", b"one"),), b"body")}
    assert served.core.is_answering
    assert served.reply(stream)
    served.move()
    assert served.asker.statuses == {stream: 200}
    assert served.asker.headers == {stream: {b"content-type": b"text/plain", b"content-length": b"5"}}
    assert served.asker.bodies == {stream: b"reply"}
    assert served.asker.done == {stream}
    assert (served.core.answered, served.core.is_answering, served.core.ending) == (1, False, None)


def _conversation() -> bytes:
    asker = Asker()
    asker.ask()
    asker.ask(b"first", b"/a")
    asker.ask(b"x" * 300, b"/b", (b"x-long", b"y" * 300))
    return asker.take() + post(7, 0) + continuation(7, b"", END_HEADERS) + data(7, b"", 0) + data(7, b"last")


def test_wherever_what_comes_is_cut_it_means_the_same() -> None:
    octets, wanted = _conversation(), None
    for cut in range(len(octets)):
        served = Served()
        served.feed(octets[:cut])
        served.feed(octets[cut:])
        requests = served.requests()
        wanted = wanted or requests
        assert requests == wanted
        assert [request.body for request in requests.values()] == [b"", b"first", b"x" * 300, b"last"]
    served = Served()
    for octet in octets:
        served.feed(bytes([octet]))
    assert served.requests() == wanted


def test_fields_after_the_body_end_a_request_and_mean_nothing() -> None:
    served = Served()
    served.feed(HELLO + post(1) + data(1, b"body", 0) + frame(HEADERS, END_HEADERS | 1, 1, fields((b"x", b"y"))))
    (request,) = served.requests().values()
    assert (request.body, request.header(b"x")) == (b"body", b"")


def test_responses_go_out_in_any_order() -> None:
    served = Served()
    streams = [served.asker.ask() for _ in range(100)]
    served.move()
    assert list(served.requests()) == streams
    for stream in reversed(streams):
        served.reply(stream, b"%d" % stream)
    served.move()
    assert served.asker.bodies == {stream: b"%d" % stream for stream in streams}


def test_a_response_to_head_has_the_length_and_not_the_body() -> None:
    served = Served()
    stream = served.asker.ask(method=b"HEAD")
    served.move()
    served.requests()
    served.reply(stream, b"reply")
    served.move()
    assert (served.asker.headers[stream][b"content-length"], served.asker.bodies[stream]) == (b"5", b"")
    assert served.asker.done == {stream}


def test_what_is_not_admitted_is_answered_before_its_body_has_come() -> None:
    served = Served(admit=lambda head: plain(404, "no") if head.path == "/no" else 10)
    refused = served.asker.ask(b"begun", b"/no", ends=False)
    taken = served.asker.ask(b"0123456789")
    served.move()
    assert (served.asker.statuses[refused], served.asker.bodies[refused]) == (404, b"no\n")
    assert list(served.requests()) == [taken]
    assert served.asker.resets == {}  # it may still be writing, and read only then
    served.expire()
    served.move()
    assert served.asker.resets == {refused: int(ErrorCodes.NO_ERROR)}


def test_a_body_may_be_so_long_and_others_are_not_disturbed() -> None:
    served = Served(admit=lambda _: 10)
    long, right = served.asker.ask(b"x" * 11, ends=False), served.asker.ask(b"x" * 10)
    whole_but_long = served.asker.ask(b"x" * 11)
    served.move()
    assert served.asker.statuses == {long: 413, whole_but_long: 413}
    assert list(served.requests()) == [right]
    served.feed(data(long, b"more of it", 0))
    assert served.core.is_answering
    served.reply(right)
    served.feed(data(long, b"the rest of it"))
    assert not served.core.is_answering
    assert resets(served.said()) == []


def test_a_body_that_is_too_long_and_taken_back_at_once_is_no_fault_of_ours() -> None:
    served = Served(admit=lambda _: 10)
    served.feed(HELLO + post(1))
    served.feed(data(1, b"x" * 11, 0) + reset(1))
    assert served.core.ending is None
    assert not served.core.is_answering
    served.feed(post(3) + data(3, b"right"))
    assert list(served.requests()) == [3]


def test_bodies_that_are_not_whole_hold_the_clients_window_and_no_more() -> None:
    served = Served(admit=lambda _: 20_000)
    streams = [served.asker.ask(b"x" * 16_000, ends=False) for _ in range(4)]
    served.move()
    assert served.asker.h2.outbound_flow_control_window == 65_535 - 64_000
    for stream in streams:
        served.asker.h2.end_stream(stream)
    served.move()
    assert served.asker.h2.outbound_flow_control_window > 65_535 - 33_000  # h2 gives back by halves
    assert [len(request.body) for request in served.requests().values()] == [16_000] * 4


def test_windows_of_the_client_are_kept_to() -> None:
    served = Served()
    served.asker.gives_back = False
    served.feed(PREFACE + settings((4, 10)) + headers(1) + headers(3))
    for stream in served.requests():
        served.reply(stream, b"0123456789abcdef")
    sent = [(stream, payload) for kind, _, stream, payload in split(served.said()) if kind == DATA]
    assert sent == [(1, b"0123456789"), (3, b"0123456789")]
    assert served.core.answered == 0
    served.feed(window(3, 3))
    served.feed(settings((4, 12)))
    sent = [(stream, payload) for kind, _, stream, payload in split(served.said()) if kind == DATA]
    assert sent == [(3, b"abc"), (1, b"ab"), (3, b"de")]
    served.feed(window(3, 100) + window(1, 100))
    assert (served.core.answered, served.core.is_answering) == (2, False)


def test_who_opens_no_window_is_closed_after_a_while() -> None:
    served = Served()
    served.feed(PREFACE + settings((4, 0)) + headers(1))
    served.now = 1
    assert list(served.requests()) == [1]
    served.reply(1)
    assert served.deadline() == 1 + TIMES.stuck
    served.feed(ping())  # wins no time
    served.expire()
    assert served.core.ending is Ending.UNREAD
    assert goaways(served.said()) == [(1, CALM)]


def test_a_response_that_finds_no_room_is_reset_and_no_request_is_begun_at_half_of_it() -> None:
    served = Served(Http2Limits(queued=10_000))
    served.feed(PREFACE + settings((4, 0)) + headers(1) + headers(3) + headers(5))
    streams = list(served.requests())
    assert served.core.has_room
    assert served.reply(streams[0], bytes(5_000))
    assert not served.core.has_room
    assert served.reply(streams[1], bytes(5_000))
    assert not served.reply(streams[2], b"")
    assert resets(served.said()) == [(5, CALM)]
    assert served.core.ending is None


def test_no_more_are_open_than_allowed() -> None:
    served = Served(Http2Limits(streams=3))
    served.feed(HELLO + headers(1) + headers(3) + headers(5))
    assert served.core.ending is None
    served.feed(headers(7))
    assert served.core.ending is Ending.MISFRAMED  # h2's own count: nobody who has our SETTINGS does this


def test_streams_that_were_reset_count_until_their_work_has_ended() -> None:
    served = Served(Http2Limits(streams=3))
    served.feed(HELLO + headers(1) + headers(3) + headers(5))
    running = list(served.requests())
    served.feed(reset(1) + reset(3) + reset(5))
    served.feed(headers(7) + headers(9))
    assert resets(served.said()) == [(7, REFUSED), (9, REFUSED)]
    assert served.core.refused == 2
    assert served.requests() == {}
    assert not served.reply(running[0])
    served.feed(headers(11) + headers(13))
    assert list(served.requests()) == [11]
    assert resets(served.said()) == [(13, REFUSED)]


def test_a_stream_that_is_reset_before_it_is_begun_costs_nothing() -> None:
    served = Served(Http2Limits(streams=3))
    for stream in range(1, 301, 6):
        served.feed((HELLO if stream == 1 else b"") + headers(stream) + reset(stream) + headers(stream + 2))
        served.feed(reset(stream + 2))
        assert served.requests() == {}
    assert served.core.refused == 0
    assert served.core.ending is None


def test_what_is_refused_may_have_been_reset_already() -> None:
    served = Served(admit=lambda _: plain(404, "no"))
    served.feed(HELLO + headers(1) + reset(1) + headers(3))
    assert served.core.ending is None
    assert [stream for kind, _, stream, _ in split(served.said()) if kind == HEADERS] == [3]


def test_too_many_resets_end_it() -> None:
    served = Served()
    served.feed(HELLO)
    for number in range(200):
        served.feed(headers(2 * number + 1) + reset(2 * number + 1))
    assert served.core.ending is None
    served.now = 9.9
    served.feed(headers(401) + reset(401))
    assert served.core.ending is Ending.FLOODED
    assert goaways(served.said()) == [(401, CALM)]
    served.feed(headers(403))  # is not looked at
    assert served.requests() == {}


def test_resets_are_forgotten_after_a_while() -> None:
    served = Served()
    served.feed(HELLO)
    for number in range(400):
        served.now = number / 19.9
        served.feed(headers(2 * number + 1) + reset(2 * number + 1))
    assert served.core.ending is None


@pytest.mark.parametrize("way", ["window", "data after the end"])
def test_resets_that_we_are_made_to_send_count_alike(way: str) -> None:
    served = Served(admit=lambda _: 4)
    served.feed(HELLO)
    count = 0
    while served.core.ending is None:
        count += 1
        stream = 2 * count - 1
        if way == "window":  # beyond what a window may be (RFC 9113 section 6.9.1)
            served.feed(headers(stream) + window(stream, 2**31 - 1))
        else:
            served.feed(headers(stream) + data(stream, b"?"))
        list(served.requests())
        assert count < 300
    assert served.core.ending is Ending.FLOODED
    assert count == 201


def test_after_so_many_streams_the_client_is_sent_elsewhere_and_those_open_are_answered() -> None:
    served = Served(Http2Limits(streams_in_all=3))
    served.feed(HELLO + headers(1) + headers(3) + headers(5) + headers(7))
    assert list(served.requests()) == [1, 3, 5]
    said = served.said()
    assert goaways(said) == [(5, int(ErrorCodes.NO_ERROR))]
    assert resets(said) == [(7, REFUSED)]
    for stream in (1, 3, 5):
        assert served.reply(stream)
    assert served.core.ending is None
    assert served.deadline() == pytest.approx(served.now + 0.5)
    served.expire()
    assert served.core.ending is Ending.PARTED


def test_a_client_that_says_goodbye_is_still_answered() -> None:
    served = Served()
    served.asker.ask()
    served.move()
    assert list(served.requests()) == [1]
    served.feed(frame(7, 0, 0, bytes(8)))
    assert served.core.ending is None
    assert served.reply(1)
    said = served.said()
    assert goaways(said) == [(1, int(ErrorCodes.NO_ERROR))]
    served.asker.receive(said)
    assert served.asker.bodies == {1: b"reply"}
    served.expire()
    assert served.core.ending is Ending.PARTED


@pytest.mark.parametrize(
    "octets",
    [
        b"GET / HTTP/1.1\r\nHost: here\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(30),
        HELLO + frame(HEADERS, END_HEADERS, 2, fields(*POST)),
        HELLO + frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff"),
        HELLO + frame(HEADERS, END_HEADERS, 1, fields((b"x", b"y"))),
        HELLO + frame(HEADERS, END_HEADERS, 1, fields(*POST, (b"Upper", b"y"))),
        HELLO + frame(HEADERS, END_HEADERS, 1, fields(*POST, (b"x", b"a\nb"))),
        HELLO + data(1, b"?"),
        HELLO + data(0, b"?"),
        HELLO + window(1, 1),
        HELLO + window(0, 0),
        HELLO + window(0, 2**31 - 1),
        HELLO + continuation(1, b""),
        HELLO + settings((4, 2**31)),
        HELLO + frame(5, END_HEADERS, 1, bytes(4)),
        HELLO + post(1) + data(1, b"12345", 0)[:-5] + b"1",
    ],
)
def test_what_is_not_http2_as_it_should_be_ends_it(octets: bytes) -> None:
    served = Served()
    served.feed(octets)
    if served.core.ending is None:  # cut short
        served.expire()
    assert served.core.ending in {Ending.MISFRAMED, Ending.IMPATIENT, Ending.FLOODED}
    assert served.requests() == {}


def test_a_response_that_cannot_be_sent_costs_its_connection() -> None:
    served = Served()
    served.feed(HELLO + headers(1) + headers(3))
    served.requests()
    served.core.reply(1, Response(200, ((b":status", b"200"),)), 0)
    assert served.core.ending is Ending.FAULTY
    assert not served.reply(3)


def test_a_refusal_that_cannot_be_sent_costs_its_connection() -> None:
    served = Served(admit=lambda _: Response(404, ((b":status", b"404"),)))
    served.feed(HELLO + headers(1))
    assert served.core.ending is Ending.FAULTY


pieces = st.one_of(
    st.binary(max_size=30),
    st.builds(frame, st.integers(0, 11), st.integers(0, 255), st.integers(0, 9), st.binary(max_size=20)),
    st.builds(headers, st.sampled_from([1, 3, 5, 7])),
    st.builds(data, st.sampled_from([1, 3, 5, 7]), st.binary(max_size=9), st.sampled_from([0, 1])),
    st.builds(reset, st.sampled_from([1, 3, 5, 7])),
    st.builds(window, st.sampled_from([0, 1, 3]), st.sampled_from([1, 65_535, 2**31 - 1])),
    st.builds(post, st.sampled_from([1, 3, 5, 7])),
    st.builds(lambda code, value: settings((code, value)), st.integers(0, 9), st.integers(0, 2**32 - 1)),
)


@given(st.lists(pieces, max_size=12), st.booleans())
def test_octets_of_any_kind_never_raise(parts: list[bytes], is_replying: bool) -> None:
    served = Served()
    served.feed(HELLO)
    for part in parts:
        served.feed(part)
        for stream in served.requests():
            if is_replying:
                served.reply(stream)
    served.said()
    assert served.core.deadline(lambda usual: usual) is not None
    assert served.core._exchanges.count <= 100
    served.core.close()
    assert served.core.ending is not None
    assert not served.core.is_answering


def test_nothing_is_asked_of_a_connection_that_is_over() -> None:
    core = ServerConnection(Http2Limits(), TIMES, anything, 0)
    core.take()
    core.fail()
    core.fail()
    core.leave(0)
    assert core.ending is Ending.FAULTY
    assert [code for _, code in goaways(core.take())] == [int(ErrorCodes.INTERNAL_ERROR)]
    core.expire(100, lambda usual: usual)
    assert core.take() == b""
