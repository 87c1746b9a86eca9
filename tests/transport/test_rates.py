"""Rates of addresses, in invented time."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transport.rates import (
    BURST_SECONDS,
    DROP,
    MAX_REMEMBERED,
    NETWORK_FACTOR,
    PASSES,
    SLIP,
    NamedClient,
    Rates,
    RateSettings,
    shared_table,
)

NOW = 1_800_000_000.0
ALICE = ip_address("192.0.2.7").packed
NEIGHBOUR = ip_address("192.0.2.8").packed
ELSEWHERE = ip_address("198.51.100.1").packed
TABLE = shared_table()


@pytest.fixture
def table() -> memoryview:
    return shared_table()


def _passed(rates: Rates, source: bytes, count: int, now: float = NOW) -> int:
    return sum(rates.verdict(source, now) == PASSES for _ in range(count))


def test_a_burst_passes_and_then_the_rate(table: memoryview) -> None:
    rates = Rates(RateSettings(rate=10), table)
    assert _passed(rates, ALICE, 100) == 10 * BURST_SECONDS + 1
    assert _passed(rates, ALICE, 100, NOW + 1) == 10
    assert _passed(rates, ALICE, 100, NOW + 1.1) == 1
    assert _passed(rates, ELSEWHERE, 5, NOW + 1) == 5


def test_every_second_one_over_the_limit_is_told(table: memoryview) -> None:
    rates = Rates(RateSettings(rate=1), table)
    while rates.verdict(ALICE, NOW) == PASSES:
        pass
    assert [rates.verdict(ALICE, NOW) for _ in range(4)] == [SLIP, DROP, SLIP, DROP]
    assert (rates.dropped, rates.slipped) == (3, 2)


def test_a_network_has_a_rate_of_its_own(table: memoryview) -> None:
    rates = Rates(RateSettings(rate=1), table)
    per_address = BURST_SECONDS + 1
    passed = [_passed(rates, ip_address(f"192.0.2.{host}").packed, per_address) for host in range(256)]
    assert sum(passed) in range(NETWORK_FACTOR * BURST_SECONDS, NETWORK_FACTOR * BURST_SECONDS + 2)
    assert _passed(rates, ELSEWHERE, per_address) == per_address


def test_an_ipv6_site_counts_as_one_address(table: memoryview) -> None:
    rates = Rates(RateSettings(rate=5), table)
    site = [ip_address(f"2001:db8:1:{net:x}::{host:x}").packed for net in range(4) for host in range(10)]
    assert sum(_passed(rates, source, 1) for source in site) == 5 * BURST_SECONDS + 1
    assert _passed(rates, ip_address("2001:db8:1:100::1").packed, 3) == 3


def test_named_clients_have_their_own_rate_and_the_longest_network_counts(table: memoryview) -> None:
    clients = (
        NamedClient(ip_network("192.0.2.0/24"), 3),
        NamedClient(ip_network("192.0.2.8/32"), 50),
        NamedClient(ip_network("2001:db8::/32"), 7),
    )
    rates = Rates(RateSettings(rate=1, clients=clients), table)
    assert _passed(rates, ALICE, 1000) == 3 * BURST_SECONDS + 1
    assert _passed(rates, NEIGHBOUR, 1000) == 50 * BURST_SECONDS + 1
    assert _passed(rates, ip_address("2001:db8::1").packed, 1000) == 7 * BURST_SECONDS + 1
    assert _passed(rates, ELSEWHERE, 1000) == BURST_SECONDS + 1


def test_what_is_remembered_of_named_clients_is_bounded(table: memoryview) -> None:
    rates = Rates(RateSettings(clients=(NamedClient(ip_network("10.0.0.0/8"), 3),)), table)
    for number in range(MAX_REMEMBERED + 10):
        rates.verdict((0x0A000000 + number).to_bytes(4, "big"), NOW)
    assert len(rates._paces) <= MAX_REMEMBERED


def test_workers_share_a_table(table: memoryview) -> None:
    one, other = (Rates(RateSettings(rate=10), table) for _ in range(2))
    assert _passed(one, ALICE, 15) == 15
    assert _passed(other, ALICE, 15) == 10 * BURST_SECONDS + 1 - 15


@given(st.lists(st.floats(0, 0.5), max_size=200), st.integers(1, 50))
def test_no_more_than_the_rate_passes_in_any_time(pauses: list[float], rate: int) -> None:
    TABLE[:] = memoryview(bytes(8 * len(TABLE))).cast("Q")
    rates = Rates(RateSettings(rate=rate), TABLE)
    now, times = NOW, []
    for pause in pauses:
        now += pause
        if rates.verdict(ALICE, now) == PASSES:
            times.append(now)
    for first in range(len(times)):
        for last in range(first, len(times)):
            allowed = rate * (times[last] - times[first] + BURST_SECONDS) + 1.01
            assert last - first + 1 <= allowed


def test_a_clock_that_goes_back_locks_nobody_out_for_long(table: memoryview) -> None:
    rates = Rates(RateSettings(rate=10), table)
    assert _passed(rates, ALICE, 5, NOW) == 5
    assert _passed(rates, ALICE, 5, NOW - 1) == 5
