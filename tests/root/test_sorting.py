import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from root import sorting
from root.sorting import in_order, order_of
from zonedata import identifiers
from zonedata.errors import Fault
from zonedata.listings import BlockListing, Listing

SOURCE = Path("people.ndjson")


def _ignore(_: Fault) -> None:
    pass


def person(line: int, digits: str) -> Listing:
    return Listing(line, identifiers.node_from_text("+" + digits), f"mimi://a.example/u/{line}", ("mls",))


def block(line: int, digits: str) -> BlockListing:
    return BlockListing(
        line, identifiers.node_from_text("+" + digits), "mimi://a.example/u/{number}", (11,), ("1",)
    )


@st.composite
def listings(draw: st.DrawFn) -> list[Listing | BlockListing]:
    digits = draw(st.lists(st.tuples(st.booleans(), st.text("012", min_size=1, max_size=4)), max_size=30))
    return [(person if one else block)(line, text) for line, (one, text) in enumerate(digits, 1)]


@pytest.fixture(autouse=True, params=[1, 2, 1_000])
def chunk(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorting, "CHUNK", request.param)
        yield


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # which sets the same for every example
@given(listings(), st.integers(1, 8))
def test_small_runs_give_what_sorting_in_memory_gives(given_: list[Listing | BlockListing], run: int) -> None:
    faults: list[Fault] = []
    ordered = list(in_order([(SOURCE, iter(given_))], faults.append, run))
    first: dict[sorting.Order, Listing | BlockListing] = {}
    for listing in given_:
        first.setdefault(order_of(listing), listing)
    assert ordered == [first[order] for order in sorted(first)]
    told = sorted((fault.line, fault.field, fault.reason) for fault in faults)
    repeated = [m for m in given_ if first[order_of(m)] is not m]
    assert told == sorted(
        (
            listing.line,
            "csi" if isinstance(listing, Listing) else "block",
            f"said before, on line {first[order_of(listing)].line}; one line a name",
        )
        for listing in repeated
    )
    assert all(fault.where == SOURCE for fault in faults)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # which sets the same for every example
@given(st.lists(listings(), max_size=4), st.integers(1, 8))
def test_of_several_sources_the_first_that_says_a_name_is_kept(
    given_: list[list[Listing | BlockListing]], run: int
) -> None:
    faults: list[Fault] = []
    sources = [(Path(str(n)), said) for n, said in enumerate(given_)]
    ordered = list(in_order(sources, faults.append, run))
    kept: dict[sorting.Order, tuple[Path, int]] = {}
    expected, told = [], []
    for path, said in sources:
        firsts: dict[sorting.Order, int] = {}
        for listing in said:
            order = order_of(listing)
            if order in firsts:
                told.append((path, listing.line, f"said before, on line {firsts[order]}; one line a name"))
                continue
            firsts[order] = listing.line
            if order in kept:
                where, line = kept[order]
                told.append((path, listing.line, f"said before, in {where} on line {line}; one line a name"))
            else:
                kept[order] = path, listing.line
                expected.append(listing)
    assert ordered == sorted(expected, key=order_of)
    assert sorted((fault.where, fault.line, fault.reason) for fault in faults) == sorted(told)


def test_a_name_said_again_and_again_is_reported_against_the_first_of_its_own_source() -> None:
    faults: list[Fault] = []
    sources = [(Path("a"), [person(n, "1") for n in (1, 2, 3)]), (Path("b"), [person(n, "1") for n in (1, 2)])]
    assert [listing.line for listing in in_order(sources, faults.append, run=2)] == [1]
    assert [(fault.where.name, fault.line, fault.reason) for fault in faults] == [
        ("a", 2, "said before, on line 1; one line a name"),
        ("a", 3, "said before, on line 1; one line a name"),
        ("b", 1, "said before, in a on line 1; one line a name"),
        ("b", 2, "said before, on line 1; one line a name"),
    ]


def test_blocks_come_first_and_each_kind_in_canonical_order() -> None:
    given_: list[Listing | BlockListing] = [person(1, "1"), block(2, "12"), person(3, "01"), block(4, "1")]
    assert [listing.line for listing in in_order([(SOURCE, given_)], _ignore)] == [4, 2, 3, 1]


def test_the_same_name_as_block_and_as_person_is_no_repetition() -> None:
    faults: list[Fault] = []
    assert len(list(in_order([(SOURCE, [person(1, "12"), block(2, "12")])], faults.append))) == 2
    assert faults == []


def test_no_more_than_a_run_is_held_and_nothing_is_left_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    rng = random.Random(7)
    given_ = [person(line, str(rng.randrange(10**9, 10**10))) for line in range(1_000)]
    ordered = in_order([(SOURCE, iter(given_))], _ignore, run=64)
    first = next(ordered)
    [place] = tmp_path.iterdir()
    assert len(list(place.iterdir())) == 1_000 // 64
    assert [first, *ordered] == sorted(given_, key=order_of)
    assert list(tmp_path.iterdir()) == []


def test_giving_up_half_way_cleans_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def broken() -> Iterator[Listing]:
        yield person(1, "1")
        yield person(2, "2")
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        list(in_order([(SOURCE, broken())], _ignore, run=1))
    assert list(tmp_path.iterdir()) == []
    ordered = in_order([(SOURCE, [person(1, "1"), person(2, "2"), person(3, "3")])], _ignore, run=1)
    next(ordered)
    ordered.close()  # type: ignore[attr-defined]  # a generator
    assert list(tmp_path.iterdir()) == []
