"""Counts in shared cells: never too low, rarely too high, and forgotten by day."""

import random
from collections import Counter
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transport.sketch import ROWS, Sketch

DAY = 20_000


def digest(account: object) -> bytes:
    return sha256(repr(account).encode()).digest()


def sketch_of(octets: int = 1 << 16, days: int = 10) -> Sketch:
    return Sketch(memoryview(bytearray(octets + 100)), 100, octets, days)


def test_what_is_counted_is_there_until_its_day_is_over() -> None:
    sketch = sketch_of()
    for _ in range(3):
        sketch.add(digest("a"), DAY)
    sketch.add(digest("a"), DAY + 4)
    assert sketch.counts(digest("a"), DAY + 4) == (1, 4)
    assert sketch.counts(digest("a"), DAY + 9) == (0, 4)
    assert sketch.counts(digest("a"), DAY + 10) == (0, 1)
    assert sketch.counts(digest("a"), DAY + 14) == (0, 0)
    assert sketch.counts(digest("b"), DAY) == (0, 0)


def test_it_says_after_how_many_days_there_is_less() -> None:
    sketch = sketch_of()
    for day, count in ((0, 5), (3, 2), (9, 1)):
        for _ in range(count):
            sketch.add(digest("a"), DAY + day)
    assert [sketch.days_until(digest("a"), DAY + 9, most) for most in (9, 8, 4, 3, 1)] == [0, 1, 1, 4, 10]


def test_a_clock_that_goes_back_loses_nothing_and_octets_of_no_sense_are_passed_over() -> None:
    table = memoryview(bytearray(1 << 12))
    sketch = Sketch(table, 0, len(table), 10)
    sketch.add(digest("a"), DAY + 1)
    sketch.add(digest("a"), DAY)
    assert sketch.counts(digest("a"), DAY + 1) == (1, 2)
    table[:] = b"\xff" * len(table)
    assert sketch.counts(digest("a"), DAY) == (0, 0)
    sketch.add(digest("a"), DAY)
    assert sketch.counts(digest("a"), DAY) == (1, 1)


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.integers(1, 400))
def test_no_count_is_ever_too_low(seed: int, accounts: int) -> None:
    rng = random.Random(seed)
    sketch = sketch_of(4_000)  # so few cells that they all meet
    days: list[Counter[int]] = [Counter() for _ in range(30)]
    for day in range(30):
        for _ in range(rng.randrange(100)):
            account = rng.randrange(accounts)
            days[day][account] += 1
            sketch.add(digest(account), DAY + day)
    total = sum(days[-10:], Counter())
    for account in range(accounts):
        today, ten_days = sketch.counts(digest(account), DAY + 29)
        assert today >= days[-1][account]
        assert ten_days >= total[account]


@pytest.mark.parametrize(("part", "most"), [(0.05, 0.001), (0.14, 0.003), (0.3, 0.03)])
def test_how_often_somebody_is_taken_for_spent(part: float, most: float) -> None:
    """Of those who asked nothing, while so many accounts for each cell of a row have used up their budgets."""
    octets = 4_000 * ROWS * 44
    sketch = sketch_of(octets)
    for account in range(int(part * sketch.width)):
        for _ in range(3):
            sketch.add(digest(("spent", account)), DAY)
    asked = 4_000
    mistaken = sum(sketch.counts(digest(("honest", one)), DAY)[0] >= 3 for one in range(asked))
    assert mistaken / asked <= most
