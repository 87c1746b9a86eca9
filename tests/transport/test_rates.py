"""Rates of addresses, in invented time."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transport.clients import (
    CHARGED,
    DROP,
    MAX_REMEMBERED,
    PASSES,
    SLIP,
    SMALL,
    UNLIMITED,
    Clients,
    LimitSettings,
    NamedClient,
    Quota,
)
from transport.rates import (
    BURST_SECONDS,
    DEBT_SECONDS,
    HANDSHAKE,
    NETWORK_FACTOR,
    SMALL_DEBT_SECONDS,
    SMALL_RATE,
    STREAM_FACTOR,
    Rates,
    shared_table,
)

NOW = 1_800_000_000.0
ALICE = ip_address("192.0.2.7").packed
NEIGHBOUR = ip_address("192.0.2.8").packed
ELSEWHERE = ip_address("198.51.100.1").packed
TABLE = shared_table()
LIMITED = (DROP, SLIP)


@pytest.fixture
def table() -> memoryview:
    return shared_table()


def rates_of(table: memoryview, rate: int = 10, *clients: NamedClient) -> Rates:
    return Rates(Clients(LimitSettings(rate, clients=clients)), table)


def _passed(rates: Rates, source: bytes, count: int, now: float = NOW) -> int:
    return sum(rates.verdict(source, now) not in LIMITED for _ in range(count))


def _proven(rates: Rates, source: bytes, count: int, now: float = NOW) -> int:
    return sum(rates.proven_verdict(source, now) not in LIMITED for _ in range(count))


def _at_a_pace(rates: Rates, source: bytes, rate: int, seconds: float, start: float = NOW) -> list[int]:
    return [rates.verdict(source, start + number / rate) for number in range(int(rate * seconds))]


def test_a_burst_passes_and_then_the_rate(table: memoryview) -> None:
    rates = rates_of(table)
    assert _passed(rates, ALICE, 10 * BURST_SECONDS + 1) == 10 * BURST_SECONDS + 1
    assert _passed(rates, ALICE, 1) == 0
    assert _passed(rates, ALICE, 9, NOW + 1) == 9
    assert _passed(rates, ELSEWHERE, 5, NOW + 1) == 5


def test_every_second_one_over_the_limit_is_told(table: memoryview) -> None:
    rates = rates_of(table, 1)
    while rates.verdict(ALICE, NOW) not in LIMITED:
        pass
    assert [rates.verdict(ALICE, NOW) for _ in range(4)] == [SLIP, DROP, SLIP, DROP]
    assert (rates.dropped, rates.slipped) == (3, 2)


@pytest.mark.parametrize(("times", "least", "most"), [(1, 1.0, 1.0), (2, 0.35, 0.5), (4, 0.1, 0.2), (10, 0, 0.03)])
def test_the_further_over_the_limit_the_less_passes(
    table: memoryview, times: int, least: float, most: float
) -> None:
    said = _at_a_pace(rates_of(table, 100), ALICE, 100 * times, 60)
    share = sum(one not in LIMITED for one in said) / len(said)
    assert least <= share <= most


def test_a_flood_is_forgiven_after_a_while(table: memoryview) -> None:
    rates = rates_of(table, 10)
    _passed(rates, ALICE, 100_000)
    assert _passed(rates, ALICE, 1, NOW + DEBT_SECONDS - BURST_SECONDS - 1) == 0
    assert _passed(rates, ALICE, 5, NOW + DEBT_SECONDS) == 5


def test_a_network_has_a_rate_of_its_own(table: memoryview) -> None:
    rates = rates_of(table, 1)
    per_address = BURST_SECONDS + 1
    passed = [_passed(rates, ip_address(f"192.0.2.{host}").packed, per_address) for host in range(256)]
    assert sum(passed) in range(NETWORK_FACTOR * BURST_SECONDS, NETWORK_FACTOR * BURST_SECONDS + 2)
    assert _passed(rates, ELSEWHERE, per_address) == per_address


def test_an_ipv6_site_counts_as_one_address(table: memoryview) -> None:
    rates = rates_of(table, 5)
    site = [ip_address(f"2001:db8:1:{net:x}::{host:x}").packed for net in range(4) for host in range(10)]
    assert sum(_passed(rates, source, 1) for source in site) == 5 * BURST_SECONDS + 1
    assert _passed(rates, ip_address("2001:db8:1:100::1").packed, 3) == 3


def test_a_busy_network_gets_short_replies_without_a_proof(table: memoryview) -> None:
    rates = rates_of(table, 1_000)
    assert set(_at_a_pace(rates, ALICE, SMALL_RATE - 1, 30)) == {CHARGED}
    said = _at_a_pace(rates, NEIGHBOUR, SMALL_RATE + 5, 30, NOW + 100)
    assert said[-1] == SMALL
    assert set(said) == {CHARGED, SMALL}
    after = NOW + 100 + 30
    assert rates.is_small(ALICE, after), "its neighbours, too"
    assert not rates.is_small(ELSEWHERE, after)
    assert rates.verdict(ELSEWHERE, after) == CHARGED
    assert rates.verdict(ALICE, after + SMALL_DEBT_SECONDS) == CHARGED


def test_pauses_between_bursts_do_not_bring_long_replies(table: memoryview) -> None:
    rates = rates_of(table, 1_000)
    long = sum(rates.verdict(ALICE, NOW + second) == CHARGED for second in range(60) for _ in range(5 * SMALL_RATE))
    assert long <= SMALL_RATE * BURST_SECONDS + 1, "the first of 6,000"


def test_who_proves_an_address_has_an_account_that_nobody_else_can_empty(table: memoryview) -> None:
    rates = rates_of(table, 100)
    _passed(rates, ALICE, 100_000)
    assert rates.is_small(ALICE, NOW)
    assert _proven(rates, ALICE, 1_000) == 100 * BURST_SECONDS + 1
    assert _proven(rates, ALICE, 1_000, NOW + 1) == 100, "what was over the limit is not held against it"
    assert _proven(rates, NEIGHBOUR, 1) == 1


def test_streams_have_more(table: memoryview) -> None:
    rates = rates_of(table, 10)
    anybody = Clients(LimitSettings(10)).anybody
    passed = sum(rates.passes_stream(ALICE, anybody, NOW) for _ in range(1_000))
    assert passed == 10 * STREAM_FACTOR * BURST_SECONDS + 1
    assert _passed(rates, ALICE, 1) == 1


def test_handshakes_are_few_and_counted_where_the_address_is_proven(table: memoryview) -> None:
    rates = rates_of(table, 30)
    clients = Clients(LimitSettings(30, clients=(NamedClient("a", (ip_network("192.0.2.8/32"),), rate=UNLIMITED),)))

    def passed(source: bytes, count: int, now: float = NOW, *, is_proven: bool = True) -> int:
        client = clients.of_source(source)
        return sum(rates.passes_handshake(source, client, now, is_proven=is_proven) for _ in range(count))

    a_second = 30 * STREAM_FACTOR // HANDSHAKE
    assert passed(ALICE, 1_000, is_proven=False) == 1_000, "nobody uses up what is another's"
    assert passed(ALICE, 1_000) == a_second * BURST_SECONDS + 1
    assert passed(ALICE, 1_000, is_proven=False) == 0
    assert passed(ALICE, 1_000, NOW + 1) == a_second
    assert passed(NEIGHBOUR, 1_000) == 1_000
    assert rates.passes_stream(ALICE, clients.anybody, NOW), "what is open goes on"


def test_named_clients_have_their_own_rate_and_the_longest_network_counts(table: memoryview) -> None:
    rates = rates_of(
        table,
        1,
        NamedClient("a", (ip_network("192.0.2.0/24"),), rate=3),
        NamedClient("b", (ip_network("192.0.2.8/32"), ip_network("2001:db8::/32")), rate=50),
        NamedClient("c", (ip_network("203.0.113.0/24"),), rate=UNLIMITED, quota=Quota(5, 5)),
    )
    assert _passed(rates, ALICE, 1000) == 3 * BURST_SECONDS + 1
    assert _passed(rates, NEIGHBOUR, 1000) == 50 * BURST_SECONDS + 1
    assert _passed(rates, ip_address("2001:db8::1").packed, 1000) == 50 * BURST_SECONDS + 1
    assert _passed(rates, ELSEWHERE, 1000) == BURST_SECONDS + 1
    assert rates.verdict(ALICE, NOW + 100) == PASSES, "nothing more is to be looked at"
    assert {rates.verdict(ip_address("203.0.113.1").packed, NOW) for _ in range(10_000)} == {CHARGED}
    assert not rates.is_small(NEIGHBOUR, NOW)


def test_what_is_remembered_of_named_clients_is_bounded(table: memoryview) -> None:
    rates = rates_of(table, 200, NamedClient("a", (ip_network("10.0.0.0/8"),), rate=3))
    for number in range(MAX_REMEMBERED + 10):
        rates.verdict((0x0A000000 + number).to_bytes(4, "big"), NOW)
    assert len(rates._known) <= MAX_REMEMBERED


def test_workers_share_a_table(table: memoryview) -> None:
    one, other = (rates_of(table) for _ in range(2))
    assert _passed(one, ALICE, 15) == 15
    assert _passed(other, ALICE, 10 * BURST_SECONDS + 1 - 15) == 10 * BURST_SECONDS + 1 - 15
    assert _passed(other, ALICE, 1) == 0


@given(st.lists(st.floats(0, 0.5), max_size=200), st.integers(1, 50), st.booleans())
def test_no_more_than_the_rate_passes_in_any_time(pauses: list[float], rate: int, is_proven: bool) -> None:
    TABLE[:] = memoryview(bytes(8 * len(TABLE))).cast("Q")
    rates = rates_of(TABLE, rate)
    now, times = NOW, []
    for pause in pauses:
        now += pause
        if (rates.proven_verdict if is_proven else rates.verdict)(ALICE, now) not in LIMITED:
            times.append(now)
    for first in range(len(times)):
        for last in range(first, len(times)):
            allowed = rate * (times[last] - times[first] + BURST_SECONDS) + 1.01
            assert last - first + 1 <= allowed


def test_a_clock_that_goes_back_locks_nobody_out_for_long(table: memoryview) -> None:
    rates = rates_of(table)
    assert _passed(rates, ALICE, 5, NOW) == 5
    assert _passed(rates, ALICE, 5, NOW - 1) == 5


@pytest.mark.parametrize("ahead", [60.0, 3_600.0, 1e9])
def test_a_worker_whose_clock_is_ahead_locks_nobody_out_at_the_others(table: memoryview, ahead: float) -> None:
    """One that was started after the machine had slept, for instance; it counts in the same table."""
    rates = rates_of(table, 10, NamedClient("a", (ip_network("198.51.100.0/24"),), rate=10))
    anybody = Clients(LimitSettings(10)).anybody
    burst = 10 * BURST_SECONDS + 1
    for _ in range(3):
        assert _proven(rates, ALICE, 5, NOW + ahead) == 5
        assert _passed(rates, ELSEWHERE, 5, NOW + ahead) == 5
        assert rates.passes_stream(ALICE, anybody, NOW + ahead)
        assert _proven(rates, ALICE, burst + 10, NOW) == burst
        assert _passed(rates, ELSEWHERE, burst + 10, NOW) == burst
        passed = sum(rates.passes_stream(ALICE, anybody, NOW) for _ in range(1_000))
        assert passed == 10 * STREAM_FACTOR * BURST_SECONDS + 1


def test_others_at_its_address_take_nothing_of_a_client_with_a_name(table: memoryview) -> None:
    clients = Clients(LimitSettings(10, clients=(NamedClient("a", (), "a.example", rate=10),)))
    rates, named = Rates(clients, table), clients.of_identity("a.example")
    assert named is not None
    while rates.passes_stream(ALICE, clients.anybody, NOW):
        pass
    passed = sum(rates.passes_stream(ALICE, named, NOW) for _ in range(1_000))
    assert passed == 10 * STREAM_FACTOR * BURST_SECONDS + 1
