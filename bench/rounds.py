"""Rounds: A B C A B C, and what may be said of the figures. Pure.

Machines drift: another guest, a warmer core. Contestants that take turns drift together, so a ratio is made within
a round, pair by pair, and what is reported is the median of these with the least and the most. The best is never
picked.
"""

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Spread:
    """What several rounds gave."""

    median: float
    least: float
    most: float
    count: int


def in_turn(contestants: Sequence[T], rounds: int) -> Iterator[tuple[int, T]]:
    """Go through all contestants, round after round; yields the round, from 0, and whose turn it is."""
    return product(range(rounds), contestants)


def spread(values: Iterable[float]) -> Spread | None:
    """Sum values up; None when there are none."""
    held = list(values)
    return Spread(statistics.median(held), min(held), max(held), len(held)) if held else None


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Divide round by round; one that either does not have, or in which theirs is nothing, has no ratio."""
    return [our / their for our, their in zip(ours, theirs, strict=False) if their]


def percentile(ascending: Sequence[float], share: float) -> float:
    """Return the value that `share` of all are not above (the nearest rank).

    Args:
        ascending: At least one value.
        share: Above 0, at most 1.
    """
    rank = -int(-share * len(ascending) // 1)  # rounded up
    return ascending[min(max(rank, 1), len(ascending)) - 1]
