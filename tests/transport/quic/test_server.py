"""Connections of clients that keep to the rules, and of some that do not, in memory and virtual time."""

import os

import pytest
import trio
from aioquic.quic.packet import encode_quic_version_negotiation

from tests.transport.quic.wires import (
    HERE,
    NOW,
    STEP,
    Raw,
    connected,
    elsewhere,
    first_flight,
    query,
    serving,
)
from tests.virtual import virtual
from transport.endpoint import Endpoint
from transport.framing import frame
from transport.handler import Caller, Later, Protocol, Verdict
from transport.quic.doq import Code
from transport.quic.limits import QuicLimits


@virtual
async def test_each_query_is_answered_on_its_own_stream_in_any_order() -> None:
    async with serving() as stage:
        client = await connected(stage)
        slow, quick = client.ask(query(b"later")), client.ask(query(b"now"))
        await client.settle()
        assert client.ended == {quick}
        await client.settle(1)
        assert client.ended == {slow, quick}
        assert client.replies == {slow: frame(query(b"later")), quick: frame(query(b"now"))}
        counts = stage.service.counts
        assert (counts.accepted, counts.received, counts.answered) == (1, 2, 2)


@virtual
async def test_the_handler_is_told_who_asks_and_when() -> None:
    told: list[tuple[Caller, float]] = []

    def handler(message: bytes, caller: Caller, now: float) -> Verdict:
        told.append((caller, now))
        return message

    async with serving(handler) as stage:
        client = await connected(stage)
        client.ask(query(b"?"))
        await client.settle()
    [(caller, now)] = told
    assert caller == Caller(HERE, Protocol.QUIC)
    assert caller.protocol.is_encrypted
    assert NOW < now < NOW + 1


@virtual
async def test_no_datagram_could_be_fragmented() -> None:
    async with serving() as stage:
        client = await connected(stage)
        client.ask(query(b"huge"))
        await client.settle(1)
        assert len(client.replies[0]) > 60_000
        assert max(stage.wire.sizes) == 1_200


@virtual
async def test_a_query_that_deserves_no_answer_has_its_stream_reset() -> None:
    async with serving() as stage:
        client = await connected(stage)
        stream = client.ask(query(b"silent"))
        after = client.ask(query(b"still there"))
        await client.settle()
        assert client.resets == {stream: Code.UNSPECIFIED_ERROR}
        assert after in client.ended
        assert stage.service.counts.silent == 1


@virtual
async def test_a_reply_that_no_stream_carries_has_its_stream_reset() -> None:
    async with serving(lambda _message, _caller, _now: bytes(65_536)) as stage:
        client = await connected(stage)
        stream = client.ask(query(b"?"))
        await client.settle()
        assert client.resets == {stream: Code.INTERNAL_ERROR}
        assert stage.service.counts.unsendable == 1


@pytest.mark.parametrize(
    "octets",
    [
        frame(b"\0\1?"),
        frame(b"\0\0?") + frame(b"\0\0!"),
        frame(b"\0\0?")[:-1],
        b"\xff\xff" + bytes(500),
        b"\0\0",
        b"",
    ],
    ids=["id not 0", "two messages", "cut short", "too long", "empty", "nothing"],
)
@virtual
async def test_what_is_no_query_ends_the_connection(octets: bytes) -> None:
    async with serving() as stage:
        client = await connected(stage)
        client.put(octets)
        await client.settle()
        assert client.code == Code.PROTOCOL_ERROR
        assert stage.service.counts.misframed == 1
        assert stage.service.counts.received == 0
        other = await connected(stage, elsewhere(1))
        other.ask(query(b"?"))
        await other.settle()
        assert other.ended


@virtual
async def test_who_speaks_something_else_is_not_let_in() -> None:
    async with serving() as stage:
        client = Raw(stage.wire, alpn="h3")
        await client.connect()
        assert client.code is not None
        assert client.code > 0x100  # an alert of TLS
        assert stage.server.connected == 0


@virtual
async def test_a_stream_of_one_direction_is_refused() -> None:
    async with serving() as stage:
        client = await connected(stage)
        client.connection._remote_max_streams_uni = 10
        client.connection.send_stream_data(
            client.connection.get_next_available_stream_id(is_unidirectional=True), b"?"
        )
        await client.settle()
        assert client.code == 0x4  # STREAM_LIMIT_ERROR (RFC 9000 section 20.1)


@virtual
async def test_more_than_is_put_up_with_of_replies_ends_the_connection() -> None:
    async def work() -> bytes:
        await trio.sleep(1)
        return bytes(60_000)

    async with serving(lambda _message, _caller, _now: Later(work), limits=QuicLimits(queued=50_000)) as stage:
        client = await connected(stage)
        client.connection._local_max_stream_data_bidi_local = 0  # reads none of them
        for _ in range(10):
            client.ask(query(b"?"))
        await client.settle(1.5)
        assert client.code == Code.EXCESSIVE_LOAD
        assert (stage.service.counts.unread, stage.service.counts.answered) == (1, 2)


@virtual
async def test_a_connection_stays_where_it_began() -> None:
    async with serving() as stage:
        client = await connected(stage)
        client.source = elsewhere(1)
        client.ask(query(b"?"))
        await client.settle()
        assert not client.ended
        assert stage.service.counts.strayed > 0
        assert stage.wire.to_client[client.source] == 0
        client.source = HERE
        await client.settle(2)
        assert client.ended


# --- garbage -----------------------------------------------------------------------------------------------------


@virtual
async def test_garbage_begins_nothing_and_is_answered_by_nothing() -> None:
    async with serving() as stage:
        [flight] = first_flight()
        garbage = [b"", b"\0", b"\x40" + bytes(20), b"\xc0", bytes([0xC0, 0, 0, 0, 1, 21]) + bytes(1_200)]
        garbage += [flight[:length] for length in range(0, 1_200, 7)]
        garbage += [
            flight[:30] + bytes(1_170),
            flight[:100] + bytes([flight[100] ^ 1]) + flight[101:],
            bytes([flight[0] ^ 0x30]) + flight[1:],
        ]
        garbage += [os.urandom(1_200) for _ in range(200)]
        garbage += [flight[:6] + os.urandom(1_194) for _ in range(200)]
        garbage.append(
            encode_quic_version_negotiation(source_cid=bytes(8), destination_cid=bytes(8), supported_versions=[1])
        )
        for datagram in garbage:
            stage.wire.send_to_server(datagram, HERE)
        assert stage.is_bare()
        assert stage.service.counts.failed == 0
        octets = stage.wire.to_client[HERE]
        assert octets <= 3 * stage.wire.to_server[HERE]
        client = await connected(stage)
        client.ask(query(b"?"))
        await client.settle()
        assert client.ended


@virtual
async def test_garbage_for_a_connection_does_not_end_it() -> None:
    async with serving() as stage:
        client = await connected(stage)
        own = client.connection._peer_cid.cid
        for size in (0, 1, 20, 1_200, 4_000):
            for first in (b"\x40", b"\x5f"):
                stage.wire.send_to_server(first + own + os.urandom(size), HERE)
        client.ask(query(b"?"))
        await client.settle()
        assert client.ended
        assert client.code is None


@pytest.mark.parametrize("where", ["receive_datagram", "datagrams_to_send", "handle_timer"])
@virtual
async def test_what_the_library_trips_over_costs_one_connection(
    caplog: pytest.LogCaptureFixture, where: str
) -> None:
    async with serving() as stage:
        client, other = await connected(stage), await connected(stage, elsewhere(1))
        [session] = {one for one in stage.server.directory.values() if one.caller.endpoint == HERE}

        def trip(*_args: object) -> None:
            raise AssertionError("as for a frame that nobody expected")

        vars(session._connection)[where] = trip
        client.ask(query(b"later"))
        await client.settle(1.5)
        assert stage.server.connected == 1
        assert stage.service.counts.failed == 1
        assert len([record for record in caplog.records if record.exc_info]) == 1
        other.ask(query(b"?"))
        await other.settle()
        assert other.ended


# --- taking back, ending -----------------------------------------------------------------------------------------


@virtual
async def test_who_takes_a_query_back_gets_no_reply() -> None:
    async with serving() as stage:
        client = await connected(stage)
        stream, other = client.ask(query(b"later")), client.ask(query(b"later too"))
        await client.settle()
        client.connection.stop_stream(stream, Code.REQUEST_CANCELLED)
        await client.settle(2)
        assert stream not in client.ended
        assert other in client.ended
        counts = stage.service.counts
        assert (counts.cancelled, counts.undelivered, counts.answered) == (1, 1, 1)


@virtual
async def test_half_a_query_can_be_taken_back() -> None:
    async with serving() as stage:
        client = await connected(stage)
        stream = client.put(b"\0\x09\0\0half", is_end=False)
        await client.settle()
        client.connection.reset_stream(stream, Code.REQUEST_CANCELLED)
        await client.settle(3)
        assert client.code is None
        assert client.resets == {stream: Code.REQUEST_CANCELLED}


@virtual
async def test_who_takes_back_hundreds_is_closed() -> None:
    async with serving() as stage:
        client = await connected(stage)
        taken = 0
        while client.code is None and taken < 1_000:
            for _ in range(20):
                stream = client.put(b"\0\x09\0\0half", is_end=False)
                client.connection.reset_stream(stream, Code.REQUEST_CANCELLED)
                taken += 1
            await client.settle(0.05)
        assert client.code == Code.EXCESSIVE_LOAD
        assert 200 < taken <= 240
        assert stage.service.counts.excessive == 1


@virtual
async def test_a_few_taken_back_now_and_then_are_nothing() -> None:
    async with serving() as stage:
        client = await connected(stage)
        for _ in range(40):
            for _ in range(10):
                stream = client.put(b"\0\x09\0\0half", is_end=False)
                client.connection.reset_stream(stream, Code.REQUEST_CANCELLED)
            client.ask(query(b"?"))
            await client.settle(0.6)
        assert client.code is None
        assert len(client.ended) == 40


@virtual
async def test_a_server_that_ends_answers_what_is_in_hand() -> None:
    async with serving() as stage:
        client = await connected(stage)
        stream = client.ask(query(b"later"))
        await client.settle()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stage.server.finish)
            await client.settle(0.1)
            late = client.ask(query(b"too late"))
            await client.settle(1.5)
        assert stream in client.ended
        assert late not in client.ended
        assert client.code == Code.NO_ERROR
        [datagram] = first_flight()
        assert stage.server.receive_untrusted(datagram, elsewhere(1), trio.current_time()) == []
        assert stage.server.connected == 0


@virtual
async def test_work_waits_for_a_place_and_ends_with_its_connection() -> None:
    begun = list[Endpoint]()

    def handler(message: bytes, caller: Caller, _now: float) -> Verdict:
        async def work() -> bytes:
            begun.append(caller.endpoint)
            await trio.sleep(1)
            return message

        return Later(work)

    async with serving(handler, jobs=1) as stage:
        client, other = await connected(stage), await connected(stage, elsewhere(1))
        for _ in range(3):
            client.ask(query(b"later"))
        await client.settle(STEP)
        other.ask(query(b"later"))
        await other.settle(STEP)
        await client.settle(1.5)
        assert len(client.ended) == 1  # one at a time
        assert begun == [HERE, HERE]
        client.connection.close()
        await client.settle(0.1)
        await other.settle(1.5)
        assert len(other.ended) == 1
        assert stage.server.connected == 1
        assert begun == [HERE, HERE, elsewhere(1)]


@virtual
async def test_nothing_is_left_of_many_connections() -> None:
    async with serving() as stage:
        for number in range(40):
            client = await connected(stage, elsewhere(number))
            client.ask(query(b"?"))
            await client.settle()
            assert client.ended
            if number % 2:
                client.connection.close()
                await client.settle()
        assert stage.server.connected == 20
        await trio.sleep(11)
        assert stage.is_bare()
