from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.proven.pages import STALE, TURNS, Clock, Environment, PagesTable

SIZE = 2**23


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[Environment]:
    made = Environment(str(tmp_path), SIZE, 10)
    yield made
    made.close()


@given(st.integers(0, 2**60), st.integers(0, 2**60), st.integers(0, 1), st.binary(max_size=100))
def test_the_clock_is_kept(turn: int, written: int, table: int, hand: bytes) -> None:
    clock = Clock(turn, written, table, hand)
    assert Clock.from_octets(clock.to_octets()) == clock


def test_a_turn_is_an_eighth_of_the_bound() -> None:
    clock = Clock()
    for _ in range(10_000):
        clock.count(184, 10_000 * 200)
    assert TURNS <= clock.turn <= 2 * TURNS
    assert clock.age((clock.turn - 3) & 255) == 3


def value(until: int, octets: int = 200) -> bytes:
    return until.to_bytes(5, "big") + bytes(6) + octets.to_bytes(2, "big") + bytes(octets)


def test_it_is_a_table(environment: Environment) -> None:
    ordered = [b"12345678" + at for at in (b"a", b"c", b"e")]
    with environment.begin(write=True) as transaction:
        table = PagesTable(environment, transaction)
        for key in (*ordered, b"12345678", b"87654321"):
            table.put(key, key)
    with environment.begin() as transaction:
        table = PagesTable(environment, transaction)
        assert table.get(b"12345678") == b"12345678"
        assert table.get(b"12345678b") is None
        for key, found in ((b"12345678c", ordered[1]), (b"12345678d", ordered[1]), (b"2", ordered[2])):
            assert table.at_or_before(key) == (found, found)
        assert table.at_or_before(b"12345678") is None
        assert [key for key, _ in table.between(ordered[0], ordered[2])] == [ordered[1]]
        assert [key for key, _ in table.between(b"1", b"2")] == ordered
        assert list(table.between(b"2", b"3")) == []
        assert table.stale == []
    with environment.begin(write=True) as transaction:
        table = PagesTable(environment, transaction)
        table.delete(b"12345678")
        table.delete(b"no such ")
        assert table.get(b"12345678") is None


def test_what_is_looked_up_gets_a_new_stamp_when_its_own_is_old(environment: Environment) -> None:
    with environment.begin(write=True) as transaction:
        table = PagesTable(environment, transaction)
        table.put(b"12345678", b"x")
        table.clock.turn += STALE - 1
        assert table.get(b"12345678") == b"x"
        assert table.stale == []
        table.clock.turn += 1
        assert table.get(b"12345678") == b"x"
        assert table.stale == [b"12345678"]
        for key in (*table.stale, b"no such "):
            table.restamp(key)
        table.stale.clear()
        assert table.get(b"12345678") == b"x"
        assert table.stale == []


@pytest.mark.parametrize("width", [8, 20])
def test_the_hand_takes_what_has_ended_wherever_it_lies(environment: Environment, width: int) -> None:
    with environment.begin(write=True) as transaction:
        table = PagesTable(environment, transaction)
        for n in range(1000):
            table.put(f"{n * 7919 % 1000:0{width}}".encode(), value(50 if n % 2 else 150))
        environment.bound = 0
        evicted = sum(table.evict(100, 100.0) for _ in range(20))
        left, _ = environment.used(transaction)
        assert evicted == 1000 - left
        assert left == 500
        assert all(table.get(f"{n * 7919 % 1000:0{width}}".encode()) is None for n in range(1, 1000, 2))


def test_past_the_second_bound_it_takes_what_it_meets(environment: Environment) -> None:
    with environment.begin(write=True) as transaction:
        table = PagesTable(environment, transaction)
        for n in range(1000):
            table.put(b"%08d" % n, value(150))
        _, used = environment.used(transaction)
        environment.bound = used // 2
        assert table.evict(1, 100.0) == 0, "all is young, and the second bound is not reached"
        environment.hard = used // 2
        assert sum(table.evict(10, 100.0) for _ in range(20)) > 300
        assert environment.used(transaction)[1] <= used // 2
        assert table.clear_some(100.0, 2) > 100


def test_an_empty_store_has_nothing_to_take(environment: Environment) -> None:
    with environment.begin(write=True) as transaction:
        table = PagesTable(environment, transaction)
        environment.bound = environment.hard = -1
        assert table.evict(1000, 100.0) == 0
        assert table.clear_some(100.0, 1) == 0
