"""docs/threats.md's table of who can do what, cell by cell, against what trying it out comes to."""

from dataclasses import astuple, fields
from itertools import combinations
from pathlib import Path

import pytest

from tests.collusion import Party, Reached, lifted, reached

TEXT = (Path(__file__).parent.parent / "docs" / "threats.md").read_text(encoding="utf-8")
COLUMNS = tuple(field.name for field in fields(Reached))
EVERY = [bad for count in (0, 1, 2) for bad in combinations(Party, count)]


def table() -> dict[str, tuple[str, ...]]:
    """The table, by who is dishonest."""
    lines = TEXT.partition("## Who can do what\n")[2].partition("\n## ")[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert tuple(rows[0][1:]) == COLUMNS
    return {row[0]: tuple(row[1:]) for row in rows[2:]}


SAID = table()


def name_of(bad: tuple[Party, ...]) -> str:
    return " + ".join(bad) or "nobody"


def test_every_party_and_every_two_have_a_row() -> None:
    assert list(SAID) == [name_of(bad) for bad in EVERY]


@pytest.mark.parametrize("bad", EVERY, ids=name_of)
def test_what_can_be_reached_is_what_the_table_says(bad: tuple[Party, ...]) -> None:
    assert astuple(reached(bad)) == SAID[name_of(bad)]


@pytest.mark.parametrize("bad", [bad for bad in EVERY if Party.RESOLVER in bad], ids=name_of)
def test_leaving_somebody_out_lifts_nobody_above_a_bare_word(bad: tuple[Party, ...]) -> None:
    assert lifted(bad) == set()
