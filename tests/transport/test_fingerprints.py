"""Which pairs were seen: nothing is said to be there that is not, and what is forgotten is the oldest."""

import random

import pytest

from transport.fingerprints import SET_OCTETS, WAYS, Fingerprints

DAY = 20_000


def digests(count: int, seed: int = 1) -> list[bytes]:
    rng = random.Random(seed)
    return [rng.randbytes(16) for _ in range(count)]


def table_of(sets: int) -> Fingerprints:
    return Fingerprints(memoryview(bytearray(7 + sets * SET_OCTETS)), 7, sets * SET_OCTETS, 10)


def test_what_was_added_is_there_for_ten_days() -> None:
    table = table_of(64)
    ours, others = digests(100), digests(1_000, 2)
    for one in ours:
        table.add(one, DAY)
    assert all(table.has(one, DAY) and table.has(one, DAY + 9) for one in ours)
    assert table.has(ours[0], DAY - 1), "a clock goes back a little"
    assert not any(table.has(one, DAY + 10) for one in ours)
    assert not any(table.has(one, DAY) for one in others)
    table.add(ours[0], DAY + 10)
    assert table.has(ours[0], DAY + 19)


def test_a_full_set_gives_up_its_oldest() -> None:
    table = table_of(1)
    ours = digests(WAYS + 1)
    for number, one in enumerate(ours):
        table.add(one, DAY + number // 2)
    assert not table.has(ours[0], DAY + 8) or not table.has(ours[1], DAY + 8)
    assert sum(table.has(one, DAY + 8) for one in ours) == WAYS
    assert table.room == WAYS


@pytest.mark.parametrize(("fill", "most"), [(0.5, 0.002), (0.75, 0.03), (1.0, 0.11), (2.0, 0.51)])
def test_how_many_find_no_place(fill: float, most: float) -> None:
    table = table_of(1_000)
    ours = digests(int(fill * table.room))
    for one in ours:
        table.add(one, DAY)
    lost = sum(not table.has(one, DAY) for one in ours)
    assert lost / len(ours) <= most


def test_any_octets_are_sound() -> None:
    table = Fingerprints(memoryview(bytearray(random.Random(3).randbytes(8 * SET_OCTETS))), 0, 8 * SET_OCTETS, 10)
    for one in digests(1_000):
        table.has(one, DAY)
        table.add(one, DAY)
        assert table.has(one, DAY)
