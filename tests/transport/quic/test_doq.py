"""What is on one stream."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transport.framing import frame
from transport.quic.doq import BreachError, Code, QueryStream


def _fed(*pieces: bytes, limit: int = 100) -> bytes | None:
    stream = QueryStream(limit, 0.0)
    for piece in pieces[:-1]:
        assert stream.feed(piece, is_end=False) is None
    return stream.feed(pieces[-1], is_end=True)


def test_codes_are_those_of_the_rfc() -> None:
    assert [code.value for code in Code] == [0, 1, 2, 3, 4, 5]


@given(st.binary(max_size=98), st.lists(st.integers(0, 102), max_size=4))
def test_a_query_is_given_once_it_is_whole_however_it_was_cut(body: bytes, cuts: list[int]) -> None:
    octets = frame(b"\0\0" + body)
    at = [0, *sorted(min(cut, len(octets)) for cut in cuts), len(octets)]
    assert _fed(*[octets[a:b] for a, b in pairwise(at)]) == b"\0\0" + body


def test_a_query_waits_for_the_end_of_its_stream() -> None:
    stream = QueryStream(100, 0.0)
    assert stream.feed(frame(b"\0\0?"), is_end=False) is None
    assert stream.feed(b"", is_end=True) == b"\0\0?"


@pytest.mark.parametrize(
    ("octets", "what"),
    [
        (b"\0\0", "0 octets announced"),
        (b"\0\1\0", "1 octets announced"),
        (b"\0\x65" + bytes(101), "101 octets announced"),
        (frame(b"\0\0?") + b"\0", "more than one message"),
        (frame(b"\0\0?") + frame(b"\0\0!"), "more than one message"),
        (frame(b"\0\1?"), "id of a message is not 0"),
        (frame(b"\1\0?"), "id of a message is not 0"),
        (b"", "ended within"),
        (b"\0", "ended within"),
        (frame(b"\0\0?")[:-1], "ended within"),
    ],
)
def test_what_is_no_query_is_a_breach(octets: bytes, what: str) -> None:
    with pytest.raises(BreachError, match=what):
        _fed(octets)


def test_a_length_that_cannot_be_is_refused_before_anything_is_gathered_for_it() -> None:
    with pytest.raises(BreachError):
        QueryStream(100, 0.0).feed(b"\xff\xff", is_end=False)


@given(st.lists(st.tuples(st.binary(max_size=40), st.booleans()), max_size=6))
def test_nothing_but_the_documented_error_is_raised(pieces: list[tuple[bytes, bool]]) -> None:
    stream = QueryStream(20, 0.0)
    for piece, is_end in pieces:
        try:
            message = stream.feed(piece, is_end)
        except BreachError:
            return
        assert message is None or (2 <= len(message) <= 20 and message[:2] == b"\0\0")
