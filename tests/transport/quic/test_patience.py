"""How long a connection may last, and what is waited for, in virtual time."""

import trio

from tests.transport.quic.wires import connected, elsewhere, query, serving
from tests.virtual import virtual
from transport.framing import frame
from transport.handler import Later
from transport.quic.doq import Code
from transport.quic.limits import QuicLimits


@virtual
async def test_a_query_that_is_not_finished_in_time_ends_the_connection() -> None:
    async with serving() as stage:
        client = await connected(stage)
        stream = client.put(frame(query(b"slow"))[:5], is_end=False)
        for _ in range(18):  # an octet now and then wins no time
            await client.settle(0.1)
            client.put(b"", stream, is_end=False)
        assert client.code is None
        await client.settle(0.3)
        assert client.code == Code.EXCESSIVE_LOAD
        assert stage.service.counts.impatient == 1


@virtual
async def test_a_query_whose_stream_is_left_open_is_not_answered() -> None:
    async with serving() as stage:
        client = await connected(stage)
        client.ask(query(b"?"), is_end=False)
        await client.settle(1)
        assert stage.service.counts.received == 0
        await client.settle(1.2)
        assert client.code == Code.EXCESSIVE_LOAD


@virtual
async def test_an_idle_connection_is_closed() -> None:
    async with serving() as stage:
        client = await connected(stage)
        await client.settle(4)
        client.ask(query(b"?"))
        for _ in range(9):  # packets alone win no time
            await client.settle(1)
            client.connection.send_ping(1)
        assert client.code is None
        await client.settle(1.5)
        assert client.code == Code.NO_ERROR
        assert stage.is_bare()


@virtual
async def test_work_that_takes_long_is_waited_for() -> None:
    async def work() -> bytes:
        await trio.sleep(8)
        return query(b"at last")

    async with serving(lambda _message, _caller, _now: Later(work)) as stage:
        client = await connected(stage)
        client.ask(query(b"?"))
        for _ in range(9):
            await client.settle(1)
            client.connection.send_ping(1)
        assert client.replies == {0: frame(query(b"at last"))}


@virtual
async def test_who_acknowledges_nothing_is_closed() -> None:
    limits = QuicLimits(queued=40_000)
    async with serving(limits=limits) as stage:
        client = await connected(stage)
        client.ask(query(b"huge"))
        client.step()
        await trio.sleep(5.5)
        assert stage.service.counts.unread == 1
        assert stage.server.connected == 0


@virtual
async def test_replies_for_a_client_that_does_not_read_are_bounded() -> None:
    limits = QuicLimits(queued=100_000)
    async with serving(limits=limits) as stage:
        client = await connected(stage)
        client.connection._local_max_stream_data_bidi_local = 0
        for _ in range(20):
            client.ask(query(b"huge"))
        client.step()
        await trio.sleep(1)
        assert 2 <= stage.service.counts.answered <= 3  # the others wait, as queries


@virtual
async def test_patience_shrinks_with_load() -> None:
    limits = QuicLimits(connections=10, per_address=10)
    async with serving(limits=limits) as stage:
        first = await connected(stage)
        for number in range(8):
            await connected(stage, elsewhere(number))
        assert stage.server.connected == 9
        await trio.sleep(0.25)  # four fifths were taken: a fifth of a second is all, also for those who came before
        assert stage.server.connected <= 8
        await first.settle()
        assert first.code == Code.NO_ERROR
