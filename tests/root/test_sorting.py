import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from root import sorting
from root.sorting import in_order, order_of
from zonedata import identifiers
from zonedata.errors import Fault
from zonedata.mappings import BlockMapping, Mapping

SOURCE = Path("people.ndjson")


def _ignore(_: Fault) -> None:
    pass


def person(line: int, digits: str) -> Mapping:
    return Mapping(line, identifiers.node_from_text("+" + digits), f"mimi://a.example/u/{line}", ("mls",))


def block(line: int, digits: str) -> BlockMapping:
    return BlockMapping(
        line, identifiers.node_from_text("+" + digits), "mimi://a.example/u/{number}", (11,), ("1",)
    )


@st.composite
def mappings(draw: st.DrawFn) -> list[Mapping | BlockMapping]:
    digits = draw(st.lists(st.tuples(st.booleans(), st.text("012", min_size=1, max_size=4)), max_size=30))
    return [(person if one else block)(line, text) for line, (one, text) in enumerate(digits, 1)]


@given(mappings(), st.integers(1, 8))
def test_small_runs_give_what_sorting_in_memory_gives(given_: list[Mapping | BlockMapping], run: int) -> None:
    faults: list[Fault] = []
    ordered = list(in_order(iter(given_), SOURCE, faults.append, run))
    first: dict[sorting.Order, Mapping | BlockMapping] = {}
    for mapping in given_:
        first.setdefault(order_of(mapping), mapping)
    assert ordered == [first[order] for order in sorted(first)]
    told = sorted((fault.line, fault.field, fault.reason) for fault in faults)
    repeated = [m for m in given_ if first[order_of(m)] is not m]
    assert told == sorted(
        (
            mapping.line,
            "csi" if isinstance(mapping, Mapping) else "block",
            f"said before, on line {first[order_of(mapping)].line}; one line a name",
        )
        for mapping in repeated
    )
    assert all(fault.where == SOURCE for fault in faults)


def test_blocks_come_first_and_each_kind_in_canonical_order() -> None:
    given_: list[Mapping | BlockMapping] = [person(1, "1"), block(2, "12"), person(3, "01"), block(4, "1")]
    assert [mapping.line for mapping in in_order(given_, SOURCE, _ignore)] == [4, 2, 3, 1]


def test_the_same_name_as_block_and_as_person_is_no_repetition() -> None:
    faults: list[Fault] = []
    assert len(list(in_order([person(1, "12"), block(2, "12")], SOURCE, faults.append))) == 2
    assert faults == []


def test_no_more_than_a_run_is_held_and_nothing_is_left_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    rng = random.Random(7)
    given_ = [person(line, str(rng.randrange(10**9, 10**10))) for line in range(1_000)]
    ordered = in_order(iter(given_), SOURCE, _ignore, run=64)
    first = next(ordered)
    [place] = tmp_path.iterdir()
    assert len(list(place.iterdir())) == 1_000 // 64
    assert [first, *ordered] == sorted(given_, key=order_of)
    assert list(tmp_path.iterdir()) == []


def test_giving_up_half_way_cleans_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def broken() -> Iterator[Mapping]:
        yield person(1, "1")
        yield person(2, "2")
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        list(in_order(broken(), SOURCE, _ignore, run=1))
    assert list(tmp_path.iterdir()) == []
    ordered = in_order([person(1, "1"), person(2, "2"), person(3, "3")], SOURCE, _ignore, run=1)
    next(ordered)
    ordered.close()  # type: ignore[attr-defined]  # a generator
    assert list(tmp_path.iterdir()) == []
