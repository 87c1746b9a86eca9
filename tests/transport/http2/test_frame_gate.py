"""Frames by their headers alone."""

import pytest
from h2.errors import ErrorCodes
from hypothesis import given
from hypothesis import strategies as st

from tests.transport.http2.frames import (
    HELLO,
    PING,
    PRIORITY,
    continuation,
    data,
    fields,
    frame,
    headers,
    ping,
    reset,
    settings,
    window,
)
from transport.http2.frame_gate import (
    DATA,
    END_HEADERS,
    GOAWAY,
    HEADERS,
    PREFACE,
    FrameError,
    FrameGate,
    goaway,
    resets_in,
)
from transport.http2.limits import FrameLimits

LIMITS = FrameLimits()
TALK = HELLO + ping() + headers(1) + frame(HEADERS, 0, 3, fields((b"a", b"b"))) + continuation(3, b"", END_HEADERS)


def _gate(limits: FrameLimits = LIMITS, *, serves: bool = True) -> FrameGate:
    return FrameGate(limits, serves=serves)


def test_what_is_allowed_goes_through_as_it_is_however_it_is_cut() -> None:
    for cut in range(len(TALK) + 1):
        gate = _gate()
        assert gate.feed(TALK[:cut]) + gate.feed(TALK[cut:]) == TALK
        assert not gate.partial
        assert gate.units == 4
    gate = _gate()
    assert b"".join(gate.feed(bytes([octet])) for octet in TALK) == TALK


def test_it_tells_what_has_begun_and_not_ended() -> None:
    gate, whole = _gate(), {0, len(PREFACE)}
    at = len(PREFACE)
    for part in (settings(), ping(), headers(1)):
        at += len(part)
        whole.add(at)
    whole.add(len(TALK))  # the header block in two frames is one
    for cut in range(1, len(TALK) + 1):
        gate.feed(TALK[cut - 1 : cut])
        assert gate.partial == (cut not in whole), cut


def test_a_frame_that_is_too_long_is_refused_by_its_announcement() -> None:
    gate = _gate()
    gate.feed(HELLO)
    gate.feed(data(1, bytes(16_384)))
    with pytest.raises(FrameError) as caught:
        gate.feed((16_385).to_bytes(3) + bytes([DATA, 0]) + bytes(4))
    assert caught.value.code is ErrorCodes.FRAME_SIZE_ERROR


@pytest.mark.parametrize("pieces", [1, 2, 8])
def test_a_header_block_may_have_so_many_octets_however_it_is_cut(pieces: int) -> None:
    size = LIMITS.block // pieces
    middle = continuation(1, bytes(size)) * (pieces - 2)
    block = frame(HEADERS, END_HEADERS if pieces == 1 else 0, 1, bytes(size)) + middle
    if pieces > 1:
        block += continuation(1, bytes(size), END_HEADERS)
    _gate().feed(HELLO + block + ping())
    with pytest.raises(FrameError) as caught:
        _gate().feed(
            HELLO
            + frame(HEADERS, 0, 1, bytes(size))
            + middle
            + continuation(1, bytes(size))
            + continuation(1, b"x")
        )
    assert caught.value.code is ErrorCodes.ENHANCE_YOUR_CALM


def test_nothing_may_stand_within_a_header_block() -> None:
    with pytest.raises(FrameError, match="within a header block"):
        _gate().feed(HELLO + headers(1, flags=0) + ping())


@pytest.mark.parametrize(
    "spare",
    [ping(), window(0, 1), frame(PRIORITY, 0, 1, bytes(5)), data(1, b"", 0), frame(0xFA)],
    ids=["ping", "window", "priority", "empty data", "unknown"],
)
def test_frames_that_ask_for_nothing_are_counted_and_requests_make_up_for_them(spare: bytes) -> None:
    limits = FrameLimits(spare=20, spare_for_one=10, spare_at_most=25)
    with pytest.raises(FrameError) as caught:
        _gate(limits).feed(HELLO + spare * 20)
    assert caught.value.code is ErrorCodes.ENHANCE_YOUR_CALM
    gate = _gate(limits)
    gate.feed(HELLO)
    for stream in range(1, 99, 2):
        gate.feed(spare * 5 + headers(stream))
    with pytest.raises(FrameError):
        gate.feed(spare * 26)


def test_settings_have_a_limit_of_their_own() -> None:
    _gate().feed(PREFACE + settings() * LIMITS.settings)
    with pytest.raises(FrameError):
        _gate().feed(PREFACE + settings() * (LIMITS.settings + 1))
    _gate().feed(PREFACE + settings(*[(code, 1) for code in range(100, 132)]))
    with pytest.raises(FrameError):
        _gate().feed(PREFACE + settings(*[(code, 1) for code in range(100, 133)]))


def test_resets_are_counted_and_let_through() -> None:
    gate = _gate()
    assert gate.feed(HELLO + headers(1) + reset(1) * 3).endswith(reset(1) * 3)
    assert gate.resets == 3


def test_a_goaway_is_read_and_kept_back_and_the_least_stream_counts() -> None:
    gate = _gate(serves=False)
    first, second = goaway(7, ErrorCodes.NO_ERROR), frame(GOAWAY, 0, 0, (5).to_bytes(4) + bytes(4) + b"bye" * 400)
    for octet in first:
        assert gate.feed(bytes([octet])) == b""
    assert gate.last_stream == 7
    assert gate.feed(second + ping() + goaway(9, ErrorCodes.NO_ERROR)) == ping()
    assert gate.last_stream == 5
    with pytest.raises(FrameError):
        gate.feed(frame(GOAWAY, 0, 0, bytes(7)))


def test_a_client_makes_up_for_the_frames_of_responses_itself() -> None:
    limits = FrameLimits(spare=3, spare_for_one=2)
    gate = _gate(limits, serves=False)
    gate.feed(headers(1) + headers(3) + headers(5))
    gate.make_up()
    gate.feed(headers(7) + headers(9))
    with pytest.raises(FrameError):
        gate.feed(headers(11))


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_octets_of_any_kind_come_to_nothing_worse_than_the_error(pieces: list[bytes]) -> None:
    gate, given_on = _gate(), b""
    try:
        for piece in pieces:
            given_on += gate.feed(piece)
    except FrameError:
        return
    assert b"".join(pieces).startswith(given_on) or gate.last_stream is not None or gate.partial


@given(st.lists(st.tuples(st.integers(0, 12), st.binary(max_size=30)), max_size=20))
def test_resets_among_whole_frames_are_found(parts: list[tuple[int, bytes]]) -> None:
    octets = b"".join(frame(kind, 0, 1, payload) for kind, payload in parts)
    assert resets_in(octets) == sum(kind == 3 for kind, _ in parts)


def test_a_ping_is_what_the_tests_take_it_for() -> None:
    assert ping()[3] == PING
