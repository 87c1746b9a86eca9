"""Who may begin a connection, what is said to the others, and what counts against an address."""

from collections.abc import Callable

import pytest
import trio
from aioquic.quic.packet import encode_quic_version_negotiation

from tests.transport.quic.wires import HERE, THERE, Raw, Stage, connected, elsewhere, first_flight, query, serving
from tests.virtual import virtual
from transport.endpoint import Endpoint
from transport.quic.doq import Code
from transport.quic.limits import QuicLimits
from transport.quic.retry import MOST

LIMITS = QuicLimits()
CROWD = LIMITS.unproven + 20


class _Counting:
    """Lets each address begin so many connections."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.counted: list[str] = []

    def __call__(self, host: str, _now: float, *, is_proven: bool = True) -> bool:
        may = self.counted.count(host) < self._most
        if is_proven:
            self.counted.append(host)
        return may


def _at(port: int) -> Endpoint:
    return Endpoint(HERE.host, port)


def _come_and_go(stage: Stage, source: Endpoint) -> None:
    """Begin, and end it without having heard a word: from whatever source one likes."""
    client = Raw(stage.wire, source)
    client.connection.connect(THERE, trio.current_time())
    client.step()
    client._inbox.clear()
    client.connection.close()
    client.step()


def _send_garbage(stage: Stage, source: Endpoint) -> None:
    """Send what looks like a first packet, and cannot be read."""
    [flight] = first_flight()
    stage.wire.send_to_server(flight[:100] + bytes([flight[100] ^ 1]) + flight[101:], source)


@virtual
async def test_an_address_has_its_share() -> None:
    async with serving(limits=QuicLimits(per_address=2)) as stage:
        for port in range(2):
            await connected(stage, Endpoint(HERE.host, 1_000 + port))
        third = Raw(stage.wire, Endpoint(HERE.host, 1_003))
        third.connection.connect(THERE, trio.current_time())
        await third.settle(0.1)
        assert not third.connection._handshake_complete
        assert stage.service.counts.refused == 1
        await connected(stage, elsewhere(1))


@virtual
async def test_when_all_slots_are_taken_a_client_gets_one_as_soon_as_there_is_one() -> None:
    async with serving(limits=QuicLimits(connections=1)) as stage:
        first = await connected(stage)
        second = Raw(stage.wire, elsewhere(1))
        second.connection.connect(THERE, trio.current_time())
        await second.settle(0.05)
        assert not second.connection._handshake_complete
        await second.settle(2)  # the first is idle, and all slots are taken: a fifth of a second
        await first.settle(0.1)
        assert first.code == Code.NO_ERROR
        assert second.connection._handshake_complete


@virtual
async def test_in_a_crowd_a_client_proves_its_address_first() -> None:
    async with serving() as stage:
        for number in range(CROWD):
            for datagram in first_flight():
                stage.wire.send_to_server(datagram, elsewhere(number))
        assert stage.service.counts.accepted == 32
        assert stage.service.counts.retried == CROWD - 32
        client = await connected(stage)
        assert client.connection._retry_count == 1
        client.ask(query(b"?"))
        await client.settle()
        assert client.ended


@virtual
async def test_who_is_spoken_for_by_others_is_sent_a_token_too() -> None:
    async with serving() as stage:
        for port in range(10):
            source = Endpoint(HERE.host, 1_000 + port)
            for datagram in first_flight():
                stage.wire.send_to_server(datagram, source)
        assert stage.service.counts.accepted == 4
        assert (await connected(stage)).connection._retry_count == 1
        assert (await connected(stage, elsewhere(1))).connection._retry_count == 0


@virtual
async def test_a_forged_source_gets_three_octets_for_one_at_most() -> None:
    async with serving() as stage:
        for number in range(CROWD):
            source = elsewhere(number)
            for datagram in first_flight():
                stage.wire.send_to_server(datagram, source)
        await trio.sleep(60)  # all that is sent again, and whatever ends it
        wire = stage.wire
        assert len(wire.to_server) == CROWD
        assert max(wire.to_client[source] / wire.to_server[source] for source in wire.to_server) <= 3
        assert stage.is_bare()


@virtual
async def test_who_never_goes_on_is_given_up_after_six_seconds_and_told_nothing() -> None:
    async with serving() as stage:
        [datagram] = first_flight()
        stage.wire.send_to_server(datagram, HERE)
        await trio.sleep(5.9)
        assert stage.server.connected == 1
        octets = stage.wire.to_client[HERE]
        await trio.sleep(0.2)
        assert stage.is_bare()
        assert stage.service.counts.impatient == 1
        assert stage.wire.to_client[HERE] == octets


@virtual
async def test_a_server_that_ends_says_so_to_no_forged_source_beyond_its_share() -> None:
    async with serving() as stage:
        [datagram] = first_flight()
        stage.wire.send_to_server(datagram, HERE)
        await trio.sleep(5)  # all that may be sent was sent, some of it again
        for last, endpoint in stage.server.give_up(trio.current_time()):
            stage.wire.to_client[endpoint] += len(last)
        assert stage.service.counts.unpaid == 1
        assert 3_000 < stage.wire.to_client[HERE] <= 3_600


@virtual
async def test_a_token_asked_for_in_another_s_name_is_a_twelfth_of_what_came() -> None:
    async with serving(limits=QuicLimits(unproven=0)) as stage:
        [datagram] = first_flight()
        stage.wire.send_to_server(datagram, HERE)
        assert 0 < stage.wire.to_client[HERE] <= 46 + MOST + 16
        assert stage.is_bare()


@virtual
async def test_a_token_is_of_no_use_from_elsewhere() -> None:
    async with serving(limits=QuicLimits(unproven=0)) as stage:
        client = Raw(stage.wire)
        client.connection.connect(THERE, trio.current_time())
        client.step()  # the first packet, and a token
        client.source = elsewhere(1)
        stage.wire.clients[client.source] = client._inbox.append
        await client.settle(0.1)
        assert not client.connection._handshake_complete
        assert stage.service.counts.accepted == 0


@virtual
async def test_another_version_is_told_which_is_spoken() -> None:
    async with serving() as stage:
        [datagram] = first_flight()
        said = bytearray(datagram)
        said[1:5] = b"\x1a\x2a\x3a\x4a"
        assert stage.server.receive_untrusted(bytes(said[:1_199]), HERE, trio.current_time()) == []
        replies = stage.server.receive_untrusted(bytes(said), HERE, trio.current_time())
        assert [reply[1:5] for reply in replies] == [bytes(4)]
        assert replies[0].endswith(b"\0\0\0\1")
        answer = encode_quic_version_negotiation(
            source_cid=bytes(8), destination_cid=bytes(8), supported_versions=[2] * 400
        )
        assert stage.server.receive_untrusted(answer, HERE, trio.current_time()) == []


@pytest.mark.parametrize("come", [_come_and_go, _send_garbage])
@virtual
async def test_going_away_gives_no_place_back(come: Callable[[Stage, Endpoint], None]) -> None:
    async with serving() as stage:
        for number in range(CROWD):
            come(stage, elsewhere(number))
        assert stage.server.connected == 0
        counts = stage.service.counts
        assert counts.accepted + counts.ignored == LIMITS.unproven
        assert counts.retried >= CROWD - LIMITS.unproven
        assert (await connected(stage)).connection._retry_count == 1
        await trio.sleep(LIMITS.handshake)
        assert (await connected(stage, _at(1))).connection._retry_count == 0


@virtual
async def test_shaking_hands_gives_a_place_back_at_once() -> None:
    async with serving() as stage:
        for port in range(3 * LIMITS.unproven_per_address):
            assert (await connected(stage, _at(1_000 + port))).connection._retry_count == 0


@virtual
async def test_who_shakes_hands_too_often_proves_its_address_and_is_refused() -> None:
    counting = _Counting(2)
    async with serving(admit=counting) as stage:
        for port in range(2):
            (await connected(stage, _at(1_000 + port))).connection.close()
        third = Raw(stage.wire, _at(1_002))
        third.connection.connect(THERE, trio.current_time())
        await third.settle(0.05)
        assert third.connection._retry_count == 1
        assert not third.connection._handshake_complete
        assert stage.service.counts.refused >= 1
        assert (await connected(stage, elsewhere(1))).connection._retry_count == 0


@virtual
async def test_what_is_begun_in_somebody_s_name_does_not_count_against_it() -> None:
    counting = _Counting(1)
    async with serving(admit=counting) as stage:
        for port in range(10):
            _come_and_go(stage, _at(1_000 + port))
        assert counting.counted == []
        client = await connected(stage)
        assert client.connection._retry_count == 1
        assert counting.counted == [HERE.host]
        client.ask(query(b"?"))
        await client.settle()
        assert client.ended


@virtual
async def test_who_closes_with_its_last_word_is_counted() -> None:
    counting = _Counting(1)
    async with serving(admit=counting) as stage:
        client = Raw(stage.wire)
        client.connection.connect(THERE, trio.current_time())
        client.step()
        now = trio.current_time()
        for datagram in client._inbox:
            client.connection.receive_datagram(datagram, THERE, now)
        last = client.connection.datagrams_to_send(now)
        client.connection.close()
        for datagram, _ in (*last, *client.connection.datagrams_to_send(now)):
            stage.server.receive_untrusted(datagram, HERE, now)
        stage.wire.flush()
        assert stage.server.connected == 0
        assert counting.counted == [HERE.host]
