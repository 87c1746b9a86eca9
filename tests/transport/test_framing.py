import pytest
from hypothesis import given
from hypothesis import strategies as st

from transport.framing import MAX_MESSAGE, Deframer, FramingError, frame, split

_messages = st.lists(st.binary(min_size=1, max_size=300), max_size=8)


@given(_messages, st.data())
def test_any_cut_of_the_stream_gives_the_same_messages(messages: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(frame(message) for message in messages)
    deframer, found = Deframer(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        deframer.feed(stream[:size])
        stream = stream[size:]
        found += list(deframer)
    assert found == messages
    assert not deframer.partial


@given(_messages, st.binary(max_size=5))
def test_splitting_takes_what_is_whole(messages: list[bytes], rest: bytes) -> None:
    rest = b"\x7f" + rest  # begins a message that is longer than it
    stream = b"".join(frame(message) for message in messages)
    assert split(stream) == (messages, len(stream))
    assert split(stream + rest) == (messages, len(stream))
    with pytest.raises(FramingError):
        split(stream + b"\0\0")


@given(_messages)
def test_one_octet_at_a_time(messages: list[bytes]) -> None:
    deframer, found = Deframer(), []
    for octet in b"".join(frame(message) for message in messages):
        deframer.feed(bytes([octet]))
        found += list(deframer)
    assert found == messages


@given(st.binary(max_size=400), st.integers(1, 40))
def test_any_octets_give_short_messages_or_one_error(octets: bytes, limit: int) -> None:
    deframer = Deframer(limit)
    deframer.feed(octets)
    given_out = 0
    try:
        for message in deframer:
            assert 0 < len(message) <= limit
            given_out += 2 + len(message)
    except FramingError:
        assert not 0 < int.from_bytes(octets[given_out : given_out + 2]) <= limit
    assert given_out <= len(octets)


def test_the_longest_message_makes_the_round_trip() -> None:
    deframer = Deframer()
    deframer.feed(frame(b"x" * MAX_MESSAGE))
    assert list(deframer) == [b"x" * MAX_MESSAGE]


@pytest.mark.parametrize("length", [0, MAX_MESSAGE + 1])
def test_a_message_that_no_stream_can_carry_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=f"message of {length} octets"):
        frame(b"x" * length)


@pytest.mark.parametrize("announced", [0, 11, 65_535])
def test_a_wrong_length_is_refused_at_once_and_for_good(announced: int) -> None:
    deframer = Deframer(limit=10)
    deframer.feed(frame(b"whole") + announced.to_bytes(2))
    assert next(deframer) == b"whole"
    for _ in range(2):
        with pytest.raises(FramingError, match=f"message of {announced} octets announced, 1 to 10"):
            next(deframer)
        deframer.feed(frame(b"more"))


def test_what_has_not_been_given_out_is_partial() -> None:
    deframer = Deframer()
    assert not deframer.partial
    deframer.feed(b"\0")
    assert list(deframer) == []
    assert deframer.partial
    deframer.feed(b"\1a")
    assert list(deframer) == [b"a"]
    assert not deframer.partial
