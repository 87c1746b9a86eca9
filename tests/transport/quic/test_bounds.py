"""What aioquic would let a client have us keep, and what we let it."""

import gc
import tracemalloc
import weakref
from typing import Any

import pytest
import trio
from aioquic.quic.stream import QuicStream
from aioquic.tls import Epoch

from tests.transport.quic.wires import HERE, STEP, THERE, Raw, Stage, connected, first_flight, query, serving
from tests.virtual import virtual
from transport.endpoint import Endpoint
from transport.quic.bounds import MAX_UNACKNOWLEDGED
from transport.quic.doq import Code
from transport.quic.limits import QuicLimits


def _session(stage: Stage) -> Any:
    [session] = set(stage.server.directory.values())
    return session


@virtual
async def test_a_client_has_a_hundred_streams_at_a_time_however_many_it_had() -> None:
    async with serving() as stage:
        client = await connected(stage)
        for _ in range(30):
            for _ in range(50):
                client.ask(query(b"?"))
            await client.settle()
        assert len(client.ended) == 1_500
        assert client.connection._remote_max_streams_bidi <= 1_500 + 100
        session = _session(stage)
        assert len(session._streams._unacknowledged) <= 1
        for _ in range(150):
            client.ask(query(b"later"))
        await client.settle()
        assert 50 <= len(list(session._bounds.live)) <= 100
        await client.settle(4)
        assert len(client.ended) == 1_650


@virtual
async def test_octets_that_others_are_missing_before_are_bounded() -> None:
    async with serving(limits=QuicLimits(window=10_000)) as stage:
        client = await connected(stage)
        for _ in range(60):
            stream = client.put(b"\0\xff" + bytes(400), is_end=False)
            client.connection._streams[stream].sender._pending.subtract(0, 1)  # never sends the first octet
        await client.settle(0.5)
        kept = sum(len(stream.receiver._buffer) for stream in _session(stage)._connection._streams.values())
        assert 5_000 < kept <= 10_000
        await client.settle(2)
        assert client.code == Code.EXCESSIVE_LOAD


@virtual
async def test_more_than_a_query_on_one_stream_is_too_much_in_whatever_order() -> None:
    async with serving() as stage:
        client = await connected(stage)
        stream = client.put(bytes(1_100), is_end=False)
        client.connection._streams[stream].sender._pending.subtract(0, 1)
        await client.settle()
        assert client.code == Code.EXCESSIVE_LOAD
        assert stage.service.counts.excessive == 1


@virtual
async def test_streams_that_nothing_is_said_on_end_the_connection() -> None:
    async with serving() as stage:
        client = await connected(stage)
        for _ in range(10):
            stream = client.connection.get_next_available_stream_id()
            client.connection._get_or_create_stream_for_send(stream).max_stream_data_local_sent = 0
        client.connection.send_ping(1)
        await client.settle()
        assert len(list(_session(stage)._bounds.live)) == 10
        client.ask(query(b"?"))
        await client.settle(1.9)
        assert client.code is None
        assert client.ended
        await client.settle(0.3)
        assert client.code == Code.EXCESSIVE_LOAD


@virtual
async def test_windows_move_on_with_octets_that_were_used() -> None:
    async with serving(limits=QuicLimits(window=10_000)) as stage:
        client = await connected(stage)
        for _ in range(60):
            client.ask(query(bytes(900)))
            await client.settle()
        assert len(client.ended) == 60
        assert client.connection._remote_max_data <= 60 * 904 + 10_000


@virtual
async def test_a_handshake_that_announces_megabytes_is_cut_short() -> None:
    async with serving() as stage:
        client = Raw(stage.wire)
        client.connection.connect(HERE, trio.current_time())
        long = QuicStream()
        long.sender.write(b"\x01\xff\xff\xff" + bytes(40_000))
        client.connection._crypto_streams[Epoch.INITIAL] = long
        client.connection._loss._cc.congestion_window = 100_000
        client.step()
        assert stage.wire.to_server[HERE] > 16_384
        assert stage.server.connected == 0
        assert stage.service.counts.excessive >= 1


@virtual
async def test_a_handshake_in_single_octets_is_cut_short() -> None:
    """Each piece is compared with all that wait before it."""
    async with serving() as stage:
        client = Raw(stage.wire)
        client.connection.connect(HERE, trio.current_time())
        sparse = QuicStream()
        sparse.sender.write(bytes(400))
        for octet in range(0, 400, 2):
            sparse.sender._pending.subtract(octet, octet + 1)
        client.connection._crypto_streams[Epoch.INITIAL] = sparse
        client.connection._loss._cc.congestion_window = 100_000
        client.step()
        assert stage.service.counts.excessive >= 1


@virtual
async def test_a_handshake_in_a_few_pieces_that_are_out_of_order_is_understood() -> None:
    async with serving() as stage:
        client = Raw(stage.wire)
        client.connection.connect(THERE, trio.current_time())
        sender = client.connection._crypto_streams[Epoch.INITIAL].sender
        end = sender._buffer_stop
        for octet in range(0, end, 10):
            sender._pending.subtract(octet, octet + 1)
        client.step()
        assert stage.server.connected == 1
        for octet in range(0, end, 10):
            sender._pending.add(octet, octet + 1)
        sender.buffer_is_empty = False
        await client.settle(0.5)
        client.ask(query(b"?"))
        await client.settle()
        assert client.ended


@virtual
async def test_a_hole_in_a_handshake_is_not_filled_with_half_a_megabyte() -> None:
    async with serving() as stage:
        client = Raw(stage.wire)
        client.connection.connect(HERE, trio.current_time())
        far = QuicStream()
        far.sender.write(bytes(100_000))
        far.sender._pending.subtract(0, 99_000)
        client.connection._crypto_streams[Epoch.INITIAL] = far
        client.step()
        assert stage.wire.to_server[HERE] >= 1_200
        assert stage.server.connected == 0
        assert stage.wire.to_client[HERE] <= 3 * stage.wire.to_server[HERE]


@virtual
async def test_packets_that_are_never_acknowledged_are_bounded() -> None:
    async with serving() as stage:
        client = await connected(stage)
        client.connection._write_ack_frame = lambda **_: None
        for count in range(MAX_UNACKNOWLEDGED + 20):
            client.connection.send_ping(count)
            client.step()
            await trio.sleep(2 * STEP)
        assert stage.service.counts.excessive == 1
        assert stage.server.connected == 0


@virtual
async def test_a_change_of_connection_id_now_and_then_is_served() -> None:
    async with serving() as stage:
        client = await connected(stage)
        for _ in range(5):
            client.connection.change_connection_id()
            client.ask(query(b"?"))
            await client.settle()
        assert len(client.ended) == 5
        assert stage.server.connected == 1


@virtual
async def test_key_updates_are_bounded() -> None:
    async with serving() as stage:
        client = await connected(stage)
        updates = 0
        while client.code is None and updates < 200:
            client.connection.request_key_update()
            client.ask(query(b"?"))
            await client.settle()
            updates += 1
        assert client.code == Code.EXCESSIVE_LOAD
        assert 30 < updates < 40
        assert len(client.ended) >= 30  # and as many as that are honest


@virtual
async def test_what_a_connection_held_is_given_back_without_the_collector() -> None:
    async with serving() as stage:
        client = await connected(stage)
        session = _session(stage)
        kept = [weakref.ref(session._connection.tls), weakref.ref(session._connection._loss)]
        gc.collect()
        gc.disable()
        try:
            client.connection.close()
            client.step()
            assert stage.server.connected == 0
            assert [one() for one in kept] == [None, None]
        finally:
            gc.enable()


@pytest.mark.parametrize("octets", [0, 1, 300])
@virtual
async def test_a_first_flight_in_pieces_that_do_not_fit_begins_nothing(octets: int) -> None:
    async with serving() as stage:
        [datagram] = first_flight()
        stage.wire.send_to_server(datagram[:octets] + bytes(1_200 - octets), HERE)
        assert stage.is_bare()


@virtual
async def test_streams_passed_over_end_the_connection() -> None:
    async with serving() as stage:
        client = await connected(stage)
        client.connection._local_next_stream_id_bidi = 40  # to open one is to open all below it
        client.ask(query(b"?"))
        await client.settle(1.9)
        assert client.ended == {40}
        await client.settle(0.3)
        assert client.code == Code.EXCESSIVE_LOAD


@virtual
async def test_memory_is_what_it_was_after_a_flood_from_forged_sources() -> None:
    """Half of them keep a connection until it is given up; the others cost a token each."""
    async with serving(limits=QuicLimits(unproven=100)) as stage:

        async def flood() -> None:
            for number in range(200):
                for datagram in first_flight():
                    stage.wire.send_to_server(datagram, Endpoint("198.51.100.1", 1_000 + number))
                    stage.wire.send_to_server(datagram, Endpoint(f"198.51.101.{number}", 1_000))
            assert stage.server.connected == 100
            stage.wire.to_server.clear()
            stage.wire.to_client.clear()
            stage.wire.sizes.clear()
            await trio.sleep(30)
            assert stage.is_bare()

        tracemalloc.start()
        try:
            await flood()  # what is made once is made
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
            await flood()
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        assert grown < 100_000
