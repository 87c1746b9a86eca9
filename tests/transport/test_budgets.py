"""Budgets of distinct identifiers, in invented days: who reads a directory out, and who only looks up friends."""

import random
from ipaddress import ip_address, ip_network

import pytest

from transport.budgets import (
    DAY,
    DEFAULT_SIZE,
    HEADER_OCTETS,
    KEY_OCTETS,
    NETWORK_FACTOR,
    Budgets,
    initialised,
    is_usable,
    octets_of,
)
from transport.clients import (
    DISTINCT_DAY,
    DISTINCT_TEN_DAYS,
    UNLIMITED,
    Client,
    Clients,
    LimitSettings,
    NamedClient,
    Quota,
)

START = 1_800_000_000.0 // DAY * DAY  # midnight
ANYBODY = Clients(LimitSettings()).anybody


def table_of(mib: int = 1) -> memoryview:
    table = memoryview(bytearray(octets_of(mib)))
    initialised(table, b"k" * KEY_OCTETS)
    return table


def small(day: int, ten_days: int) -> Client:
    return Client("", 200, Quota(day, ten_days))


def address(text: str) -> bytes:
    return ip_address(text).packed


def ask(
    budgets: Budgets,
    source: bytes,
    what: object,
    now: float = START,
    client: Client = ANYBODY,
    *,
    proven: bool = True,
) -> int:
    return budgets.charge(client, source, repr(what).encode(), now, is_proven=proven)


ALICE, NEIGHBOUR = address("192.0.2.7"), address("192.0.2.8")


def test_new_ones_are_counted_and_others_not() -> None:
    budgets, client = Budgets(table_of()), small(3, 5)
    assert [ask(budgets, ALICE, what, client=client) for what in "abcabcabc"] == [0] * 9
    assert ask(budgets, ALICE, "d", START + 1_000, client) == DAY - 1_000
    assert ask(budgets, ALICE, "a", START + 1_000, client) == 0, "what was asked before is answered"
    assert budgets.charged == 3
    assert ask(budgets, NEIGHBOUR, "d", client=client) == 0


def test_ten_days_have_a_budget_of_their_own_and_it_is_said_when_there_is_some_again() -> None:
    budgets, client = Budgets(table_of()), small(3, 5)
    for day, what in enumerate(["ab", "cd", "e"]):
        assert not any(ask(budgets, ALICE, one, START + day * DAY, client) for one in what)
    wait = ask(budgets, ALICE, "f", START + 2 * DAY, client)
    assert wait == 8 * DAY
    assert ask(budgets, ALICE, "f", START + 2 * DAY + wait - 1, client) == 1
    assert ask(budgets, ALICE, "f", START + 2 * DAY + wait, client) == 0


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8:1:200::1", "2001:db8:1:2ff::9", True),
        ("2001:db8:1:200::1", "2001:db8:1:300::1", False),
        ("192.0.2.7", "192.0.2.8", False),
    ],
)
def test_an_ipv6_site_is_one_client(one: str, other: str, is_same: bool) -> None:
    budgets, client = Budgets(table_of()), small(1, 1)
    assert ask(budgets, address(one), "a", client=client) == 0
    assert bool(ask(budgets, address(other), "b", client=client)) == is_same


def test_a_network_has_eight_times_as_much() -> None:
    budgets, client = Budgets(table_of()), small(10, 100)
    given = [
        sum(not ask(budgets, address(f"192.0.2.{host}"), (host, n), client=client) for n in range(20))
        for host in range(20)
    ]
    assert given == [10] * NETWORK_FACTOR + [0] * (20 - NETWORK_FACTOR)
    assert ask(budgets, address("192.0.3.1"), "a", client=client) == 0


def test_a_named_client_has_one_budget_wherever_it_asks_from() -> None:
    named = Clients(
        LimitSettings(
            clients=(NamedClient("big", (ip_network("192.0.2.0/24"),), "big.example", quota=Quota(5, 50)),)
        )
    )
    client = named.of_identity("big.example")
    assert client is not None
    assert client is named.of_source(ALICE)
    assert named.of_identity("") is None
    assert named.of_identity("another") is None
    budgets = Budgets(table_of())
    assert sum(not ask(budgets, address(f"192.0.2.{n}"), n, client=client) for n in range(20)) == 5
    assert ask(budgets, ALICE, "x") == 0, "the address itself has its own, where nobody is named"


def test_unlimited_is_unlimited() -> None:
    budgets = Budgets(table_of())
    for quota in (Quota(UNLIMITED, UNLIMITED), Quota(UNLIMITED, 10**6), Quota(10**6, UNLIMITED)):
        assert not any(ask(budgets, ALICE, (quota, n), client=Client("", 200, quota)) for n in range(500))
    assert ask(budgets, ALICE, "x", client=small(UNLIMITED, 10)) > 0


# --- addresses that nothing proves ------------------------------------------------------------


def test_a_forger_takes_a_tenth_of_a_budget_at_most() -> None:
    budgets, client = Budgets(table_of()), small(100, 1_000)
    forged = [ask(budgets, ALICE, ("forged", n), client=client, proven=False) for n in range(1_000)]
    assert forged.count(0) == 10
    assert [ask(budgets, ALICE, ("own", n), client=client) for n in range(95)].count(0) == 90


def test_what_was_asked_with_a_proof_is_answered_without_one() -> None:
    budgets, client = Budgets(table_of()), small(100, 1_000)
    assert not any(ask(budgets, ALICE, n, client=client) for n in range(50))
    assert not any(ask(budgets, ALICE, n, client=client, proven=False) for n in range(50))
    told = [ask(budgets, ALICE, "again and again", client=client, proven=False) > 0 for _ in range(50)]
    assert told[-1], "counted each time, since what proves nothing leaves no fingerprint"
    assert ask(budgets, ALICE, 7, client=client, proven=False) == 0


@pytest.mark.parametrize("first", [True, False])
def test_both_ways_together_give_no_more_than_one_budget(first: bool) -> None:
    budgets, client = Budgets(table_of()), small(100, 1_000)
    given = sum(
        not ask(budgets, ALICE, (w, n), client=client, proven=w) for w in (first, not first) for n in range(200)
    )
    assert given == 100


def test_invented_sources_refuse_nobody_who_proves_an_address() -> None:
    """As many as have used up every cell for unproven ones."""
    budgets, client = Budgets(table_of()), small(50, 500)
    rng = random.Random(1)
    for _ in range(60_000):
        ask(budgets, rng.randbytes(4), rng.random(), client=client, proven=False)
    honest = [address(f"10.{n}.0.1") for n in range(100)]
    assert not any(ask(budgets, source, (source, n), client=client) for source in honest for n in range(40))
    late = sum(ask(budgets, source, "new", client=client, proven=False) > 0 for source in honest)
    assert late > 90, "those without a proof are told to bring one, by now nearly all"


# --- a directory read out ------------------------------------------------------------


def test_one_who_reads_out_beside_a_hundred_who_look_up_friends() -> None:
    budgets = Budgets(table_of(DEFAULT_SIZE))
    honest = {address(f"10.{n // 4}.{n % 4}.1"): [("friend", n, m) for m in range(500)] for n in range(100)}
    attacker = address("203.0.113.9")
    refused, by_day = 0, []
    for day in range(10):
        now = START + day * DAY
        got = 0
        for number in range(DISTINCT_DAY + 500):
            got += not ask(budgets, attacker, ("victim", day, number), now + 8 * number)
            got += not ask(budgets, attacker, ("unproven", day, number), now + 8 * number, proven=False)
        by_day.append(got)
        for source, friends in honest.items():
            refused += sum(ask(budgets, source, friend, now + 50_000) > 0 for friend in friends)
    assert refused == 0
    assert max(by_day) <= DISTINCT_DAY
    assert sum(by_day) <= DISTINCT_TEN_DAYS
    assert sum(by_day) > DISTINCT_TEN_DAYS * 0.9, "and nothing of the budget is lost"


def test_many_addresses_start_nobodys_count_anew() -> None:
    """An attacker with a quarter of a million proven addresses, far more than the table has room for."""
    budgets, client = Budgets(table_of()), small(20, 200)
    target = address("203.0.113.9")
    assert sum(not ask(budgets, target, n, client=client) for n in range(50)) == 20
    rng = random.Random(2)
    for n in range(60_000):
        ask(budgets, rng.randbytes(16), n, client=client)
        if not n % 5_000:
            assert ask(budgets, target, ("more", n), client=client) > 0


def test_a_washed_out_memory_counts_again_and_refuses_nobody_who_keeps_far_below() -> None:
    """Every fingerprint is pushed out each day by others; friends are looked up daily all the same."""
    budgets, client = Budgets(table_of()), small(200, 2_000)
    friends = {address(f"10.{n}.0.1"): [(n, m) for m in range(50)] for n in range(20)}
    rng = random.Random(3)
    for day in range(10):
        now = START + day * DAY
        for _ in range(80_000):
            budgets.known.add(rng.randbytes(16), int(now) // DAY)
        for source, names in friends.items():
            assert not any(ask(budgets, source, name, now, client) for name in names)
    assert budgets.charged > 5_000


# --- the table ------------------------------------------------------------


def test_a_table_lives_on_and_is_one_for_all() -> None:
    table, client = table_of(), small(2, 10)
    one, other = Budgets(table), Budgets(table)
    assert [ask(one, ALICE, "a", client=client), ask(other, ALICE, "b", client=client)] == [0, 0]
    assert ask(one, ALICE, "c", client=client) > 0
    assert ask(other, ALICE, "a", client=client) == 0
    kept = Budgets(memoryview(bytearray(table)))
    assert ask(kept, ALICE, "c", client=client) > 0
    assert ask(kept, ALICE, "b", client=client) == 0


def test_what_is_no_table_is_known_by_its_head() -> None:
    table = table_of()
    assert is_usable(table)
    assert not is_usable(table[: len(table) // 2])
    assert not is_usable(table[:100])
    assert not is_usable(memoryview(bytes(octets_of(1))))
    table[3] ^= 1
    assert not is_usable(table)


def test_it_takes_the_room_that_was_given() -> None:
    budgets = Budgets(memoryview(bytearray(octets_of(DEFAULT_SIZE))))
    assert budgets.known.room > 4_000_000
    assert budgets.clients.width > 70_000
    assert budgets.networks.width > 23_000
    assert budgets.unproven.width > 250_000
    assert HEADER_OCTETS >= KEY_OCTETS
