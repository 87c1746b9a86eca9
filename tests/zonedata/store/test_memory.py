from hypothesis import given
from hypothesis import strategies as st

from tests.zonedata.store.contract import Contents, check, contents, entries_of, keys
from zonedata.store.layout import Table
from zonedata.store.memory import MemoryTables


@given(contents, st.lists(keys, max_size=5))
def test_the_contract(held: Contents, asked: list[bytes]) -> None:
    check(MemoryTables(entries_of(held)), held, asked)


@given(contents, st.lists(keys, max_size=5), st.randoms(use_true_random=False))
def test_the_order_in_which_it_is_filled_does_not_matter(held: Contents, asked: list[bytes], rng: object) -> None:
    entries = entries_of(held)
    rng.shuffle(entries)  # type: ignore[attr-defined]  # hypothesis hands out a Random
    check(MemoryTables(entries), held, asked)


def test_an_empty_store() -> None:
    check(MemoryTables(), {}, [b"", b"a\0"])
    assert MemoryTables().get(Table.META, b"authority") is None
