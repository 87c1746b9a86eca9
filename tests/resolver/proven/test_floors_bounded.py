"""Floors when there are too many, when there is no room, when they are damaged, and apart from the cache."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lmdb
import pytest

from resolver.proven import kept_floors, shared
from resolver.proven.floors import Mark, MemoryFloors, Rise, subject_of
from resolver.proven.kept_floors import KeptFloors
from resolver.proven.shared import MIN_SIZE, SharedProven
from tests.resolver.proven.barring import BOTH, PHONE, is_barred, put, said
from tests.resolver.proven.making import MEMORY, SHARED
from tests.zonedata.builders import NOW, key, number
from tests.zonedata.samples import TREE
from zonedata.kinds import Kind

# --- when there are too many ---------------------------------------------------------------------------


def rise(party_name: str, number_of: int, ends: float) -> Rise:
    principal = (party_name,) if party_name else ()
    return Rise(principal, b"%d" % number_of, Mark(key("old").public.key_id, Kind.GAP, False, 5, int(ends)))


def many_floors(sort: str, place: Path, most: int) -> Any:
    if sort == MEMORY:
        return MemoryFloors(most)
    kept = KeptFloors(place / "floors", TREE, MIN_SIZE, 16)
    kept._most = most
    return kept


def there(floors: Any, rises: list[Rise]) -> list[int]:
    """The numbers whose floors are there."""
    found = []
    for one in rises:
        if isinstance(floors, MemoryFloors):
            is_there = (one.principal, one.subject) in floors._marks.get(one.principal[:1], {})
        else:
            with floors._lmdb.begin() as read:
                is_there = read.get(floors._key(one.principal, one.subject), db=floors._floors) is not None
        if is_there:
            found.append(int(one.subject))
    return found


@pytest.mark.parametrize("sort", [MEMORY, SHARED])
def test_whoever_makes_many_loses_their_own_and_those_that_end_first(sort: str, tmp_path: Path) -> None:
    floors = many_floors(sort, tmp_path, 100)
    few = [rise("honest.example", n, NOW + 10 + n) for n in range(20)]
    root = [rise("", n, NOW + 10 + n) for n in range(60)]
    flood = [rise("flood.example", n, NOW + 1000 + n) for n in range(500)]
    floors.keep(few + root, NOW)
    for at in range(0, 500, 50):
        floors.keep(flood[at : at + 50], NOW)
    assert there(floors, few) == list(range(20))
    assert there(floors, root) == list(range(60))
    assert there(floors, flood) == list(range(480, 500))
    assert len(floors) == 100
    floors.close()


@pytest.mark.parametrize("sort", [MEMORY, SHARED])
def test_what_has_ended_is_swept(sort: str, tmp_path: Path) -> None:
    floors = many_floors(sort, tmp_path, 1000)
    floors.keep([rise(f"p{n % 3}.example", n, NOW + n) for n in range(1, 60)], NOW)
    floors.keep([rise("p1.example", 100, NOW + 500)], NOW + 30)
    assert len(floors) == 30
    floors.close()


def test_a_name_whose_floors_are_raised_over_and_over_is_one_name() -> None:
    floors = MemoryFloors(10)
    for n in range(5_000):
        floors.keep([rise("p.example", 1, NOW + n)], NOW)
    assert len(floors) == 1
    assert sum(map(len, floors._ends.values())) < 200


def test_a_full_disk_costs_floors_and_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_floors, "LEAST_OCTETS", 1 << 17)
    floors = KeptFloors(tmp_path / "floors", TREE, 1 << 19, 16)
    floors._most = 10**9
    for at in range(0, 20_000, 500):
        floors.keep([rise("p.example", n, NOW + 1000 + n) for n in range(at, at + 500)], NOW)
    assert 0 < len(floors) < 20_000
    floors.keep([rise("q.example", 1, NOW + 10)], NOW)
    assert there(floors, [rise("q.example", 1, 0)]) == [1]
    floors.close()


class Breaking:
    """A transaction that fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __call__(self, **_: bool) -> Any:
        raise self.error


def test_what_cannot_be_written_bars_in_this_process_and_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    floors = KeptFloors(tmp_path / "floors", TREE, MIN_SIZE, 16)
    early = [said(1, owner=number(f"+1{n}")) for n in range(3)]
    marked = Mark(key("old").public.key_id, Kind.ASSERTION, False, 5, int(NOW) + 10)
    with monkeypatch.context() as patch:
        patch.setattr(floors, "_lmdb", SimpleNamespace(begin=Breaking(lmdb.DiskError("no space left"))))
        for one in early:
            floors.keep([Rise(BOTH.principal, subject_of(one.statement), marked)], NOW)
        assert all(is_barred(floors, BOTH, one) for one in early)
    assert all(is_barred(floors, BOTH, one) for one in early)  # the file can be read, and has nothing of them
    assert not is_barred(floors, BOTH, said(5, owner=number("+10")))
    floors.close()
    assert floors.lost == 3
    told = [one.getMessage() for one in caplog.records]
    where = f'path="{tmp_path / "floors"}" reason="no space left"'
    assert told == [f"event=floors-not-written {where}", f"event=floors-not-read {where}"]


def test_damaged_floors_are_begun_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    floors = KeptFloors(tmp_path / "floors", TREE, MIN_SIZE, 16)
    floors.keep([rise("p.example", 1, NOW + 10)], NOW)
    floors.close()
    (tmp_path / "floors" / "data.mdb").write_bytes(b"damaged" * 2000)
    floors = KeptFloors(tmp_path / "floors", TREE, MIN_SIZE, 16)
    assert len(floors) == 0
    assert "event=floors-begun-anew " in caplog.text
    floors.close()


def test_floors_of_another_tree_do_not_count(tmp_path: Path) -> None:
    proven = SharedProven.open(tmp_path / "proven", TREE, MIN_SIZE)
    put(proven, BOTH, said(1), said(5))
    proven.close()
    proven = SharedProven.open(tmp_path / "proven", bytes(16), MIN_SIZE)
    assert not is_barred(proven, BOTH, said(1))
    proven.close()


def test_what_was_evicted_from_the_cache_is_still_barred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "MIN_SIZE", 1 << 20)
    proven = SharedProven.open(tmp_path / "proven", TREE, 1 << 20)
    put(proven, BOTH, said(1), said(5))
    proven.fill(((BOTH, said(1, owner=number(f"+1{n:09}"))) for n in range(12_000)), NOW)
    assert proven.said(BOTH, PHONE, NOW) == []
    assert is_barred(proven, BOTH, said(1))
    proven.close()
