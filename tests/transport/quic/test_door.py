"""Who may begin a connection: places for those whose address nothing proves, and what counts against an address."""

from collections.abc import Callable

import pytest
import trio

from tests.transport.quic.wires import HERE, THERE, Raw, Stage, connected, elsewhere, first_flight, query, serving
from tests.virtual import virtual
from transport.endpoint import Endpoint
from transport.quic.limits import QuicLimits

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
