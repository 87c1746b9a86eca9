"""What one connection of a server may take, of time and of memory, without any stream."""

import pytest
from h2.errors import ErrorCodes

from tests.transport.http2.frames import (
    HELLO,
    POST,
    Served,
    continuation,
    data,
    fields,
    frame,
    goaways,
    headers,
    ping,
    post,
    resets,
    settings,
    split,
    window,
)
from transport.http2.frame_gate import END_HEADERS, HEADERS, PREFACE
from transport.http2.limits import MAX_CLOSED, MAX_TABLE, Http2Limits
from transport.http2.messages import Response
from transport.http2.server_connection import Ending
from transport.slots import StreamLimits

CALM = int(ErrorCodes.ENHANCE_YOUR_CALM)
TIMES = StreamLimits()


def test_time_runs_out_for_who_says_nothing() -> None:
    served = Served()
    assert served.deadline() == TIMES.first_octet
    served.expire()
    assert served.core.ending is Ending.IMPATIENT


@pytest.mark.parametrize("begun", [PREFACE[:5], HELLO + headers(1)[:12], HELLO + headers(1, flags=1)])
def test_time_runs_out_for_what_has_begun_to_come(begun: bytes) -> None:
    served = Served()
    served.feed(begun[:3])
    served.now = 1
    served.feed(begun[3:])
    assert served.deadline() == (0 if begun == PREFACE[:5] else 1) + TIMES.whole_message
    served.expire()
    assert served.core.ending is Ending.IMPATIENT


def test_pieces_of_one_frame_win_no_time() -> None:
    served = Served()
    served.feed(HELLO)
    for octet in data(1, bytes(10))[:-1]:
        served.now += 0.1
        served.feed(bytes([octet]))
    assert served.deadline() == pytest.approx(0.1 + TIMES.whole_message)


def test_a_body_that_does_not_come_is_given_up_and_others_go_on() -> None:
    served = Served()
    served.feed(HELLO + post(1))
    served.now = 1
    served.feed(post(3) + data(1, b"x", 0) + headers(5))
    assert list(served.requests()) == [5]
    served.expire()
    assert served.now == TIMES.whole_message
    assert [stream for kind, _, stream, _ in split(served.said()) if kind == HEADERS] == [1]
    assert served.deadline() == 1 + TIMES.whole_message
    served.feed(data(3, b"whole"))
    assert list(served.requests()) == [3]
    assert served.deadline() == 2 * TIMES.whole_message
    served.expire()
    assert resets(served.said()) == [(1, 0)]
    assert served.deadline() == float("inf")  # the work takes what it takes


def test_who_is_idle_is_told_to_leave_and_then_closed() -> None:
    served = Served()
    served.asker.ask()
    served.move()
    served.requests()
    served.now = 20
    served.reply(1)
    assert served.deadline() == 20 + TIMES.idle
    served.now = 29
    served.feed(ping() + window(0, 1) + settings())
    assert served.deadline() == 20 + TIMES.idle
    served.said()
    served.expire()
    assert served.core.ending is None
    assert goaways(served.said()) == [(1, int(ErrorCodes.NO_ERROR))]
    served.expire()
    assert served.now == 30.5
    assert served.core.ending is Ending.IMPATIENT


def test_what_memory_a_table_takes_is_ours_to_say() -> None:
    served = Served()
    served.feed(PREFACE + settings((1, 2**32 - 1)))
    for stream in range(1, 601, 2):
        served.feed(headers(stream))
        served.requests()
        served.core.reply(stream, Response(200, ((b"x-%d" % stream, b"y" * 100),)), served.now)
        served.said()
    assert served.core._h2.encoder.header_table_size == MAX_TABLE
    assert len(served.core._h2.encoder.header_table.dynamic_entries) <= MAX_TABLE // 132


def test_what_is_remembered_of_streams_is_bounded() -> None:
    served = Served(Http2Limits(streams_in_all=10_000))
    served.feed(HELLO)
    for stream in range(1, 6_001, 2):
        served.feed(headers(stream))
        served.requests()
        served.reply(stream)
        served.said()
    assert len(served.core._h2._closed_streams) == MAX_CLOSED
    assert len(served.core._h2.streams) == 1


def _bomb(fields_in_all: int) -> bytes:
    """Return a request with one long field of which the table holds the text, and its index many times."""
    entry = b"\x40\x01x" + b"\x7f\xa1\x1e" + b"y" * 4_000  # literal with indexing; 127 + 33 + (30 << 7) = 4,000
    return frame(HEADERS, END_HEADERS | 1, 1, fields(*POST[:4]) + entry + b"\xbe" * fields_in_all)


def test_a_few_octets_that_stand_for_many_end_it() -> None:
    served = Served()
    served.feed(HELLO + _bomb(0))
    assert list(served.requests()) == [1]
    served = Served()
    served.feed(HELLO + _bomb(2))
    assert served.core.ending is Ending.FLOODED
    assert goaways(served.said())[0][1] == CALM


def test_header_blocks_without_end_end_it() -> None:
    served = Served()
    served.feed(HELLO + headers(1, flags=0))
    for _ in range(10):
        served.feed(continuation(1, bytes(1_000)))
    assert served.core.ending is Ending.FLOODED


def test_settings_cannot_fill_our_memory() -> None:
    served = Served()
    served.feed(PREFACE)
    for first in range(0, 65_536, 32):
        served.feed(settings(*[(code, 1) for code in range(first + 10, first + 42) if code < 65_536]))
        if served.core.ending is not None:
            break
    assert served.core.ending is Ending.FLOODED
    assert len(served.core._h2.remote_settings) < 600
