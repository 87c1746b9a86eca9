"""One connection of a client without any stream."""

from h2.errors import ErrorCodes
from hypothesis import given
from hypothesis import strategies as st

from tests.transport.http2.frames import GET, data, fields, frame, headers, reset, settings, window
from transport.http2.client_connection import ClientConnection, Failure
from transport.http2.frame_gate import END_HEADERS, END_STREAM, HEADERS, PREFACE, goaway
from transport.http2.limits import MAX_TABLE, ClientLimits
from transport.http2.messages import Request, Response

POST = Request("POST", "/", body=b"question")
OK = fields((b":status", b"200"))


def _core() -> ClientConnection:
    core = ClientConnection("host.example", ClientLimits())
    core.receive(settings())
    return core


def test_it_begins_as_a_client_must() -> None:
    assert ClientConnection("host.example", ClientLimits()).take().startswith(PREFACE)


def test_nothing_is_pushed_to_us() -> None:
    core = _core()
    stream = core.send(POST, 10)
    assert core.receive(frame(5, END_HEADERS, stream, (2).to_bytes(4) + fields(*GET)))[0][0] == stream
    assert core.reason


def test_a_response_may_be_cut_finely_and_not_without_end() -> None:
    core = _core()
    for _ in range(20):
        stream = core.send(POST, 1_000)
        core.receive(frame(HEADERS, END_HEADERS, stream, OK) + data(stream, b"x", 0) * 150)
        assert core.receive(data(stream, b"x")) == [(stream, Response(200, (), b"x" * 151))]
    stream = core.send(POST, 1_000)
    core.receive(frame(HEADERS, END_HEADERS, stream, OK) + data(stream, b"", 0) * 5_000)
    assert core.reason


def test_what_memory_a_table_takes_is_ours_to_say() -> None:
    core = _core()
    core.receive(settings((1, 2**32 - 1)))
    for number in range(50):
        core.send(Request("GET", "/", "", ((b"x-%d" % number, b"y" * 200),)), 10)
    assert core._h2.encoder.header_table_size == MAX_TABLE


def test_a_server_that_allows_none_at_a_time_has_no_room() -> None:
    core = _core()
    assert core.room == 100
    core.receive(settings((3, 0)))
    assert core.room == 0
    core.receive(settings((3, 1_000)))
    for _ in range(100):
        core.send(POST, 10)
    assert core.room == 0


def test_streams_come_to_an_end() -> None:
    core = _core()
    core._h2.highest_outbound_stream_id = 2**31 - 3
    assert not core.is_leaving
    core.send(POST, 10)
    assert core.is_leaving


def test_a_goaway_names_what_was_not_looked_at() -> None:
    core = _core()
    streams = [core.send(POST, 10) for _ in range(3)]
    outcomes = core.receive(goaway(streams[0], ErrorCodes.NO_ERROR))
    assert outcomes == [(stream, Failure("going away", is_untouched=True)) for stream in streams[1:]]
    assert core.is_busy
    assert core.is_leaving
    response = frame(HEADERS, END_HEADERS | END_STREAM, streams[0], OK)
    assert core.receive(response) == [(streams[0], Response(200))]


pieces = st.one_of(
    st.binary(max_size=30),
    st.builds(frame, st.integers(0, 11), st.integers(0, 255), st.integers(0, 9), st.binary(max_size=20)),
    st.builds(lambda stream, flags: frame(HEADERS, flags, stream, OK), st.integers(0, 5), st.sampled_from([4, 5])),
    st.builds(headers, st.sampled_from([1, 2, 3])),
    st.builds(data, st.sampled_from([1, 3]), st.binary(max_size=20), st.sampled_from([0, 1])),
    st.builds(reset, st.sampled_from([1, 3, 5])),
    st.builds(window, st.sampled_from([0, 1, 3]), st.sampled_from([1, 2**31 - 1])),
    st.builds(lambda code, value: settings((code, value)), st.integers(0, 9), st.integers(0, 2**32 - 1)),
    st.builds(lambda last: goaway(last, ErrorCodes.NO_ERROR), st.integers(0, 9)),
)


@given(st.lists(pieces, max_size=12))
def test_octets_of_any_kind_never_raise_and_each_request_has_one_outcome(parts: list[bytes]) -> None:
    core = _core()
    streams = {core.send(POST, 10) for _ in range(2)}
    outcomes = [outcome for part in parts for outcome in core.receive(part)]
    core.take()
    outcomes += core.end("over")
    assert sorted(stream for stream, _ in outcomes) == sorted(streams)
