from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.rounds import Spread, in_turn, percentile, ratios, spread

FIGURES = st.lists(st.floats(0.001, 1e6), min_size=1, max_size=50)


def test_contestants_take_turns() -> None:
    assert [who for _, who in in_turn("ABC", 2)] == list("ABCABC")
    assert [number for number, _ in in_turn("AB", 3)] == [0, 0, 1, 1, 2, 2]


def test_the_median_is_given_and_never_the_best() -> None:
    assert spread([9.0, 1.0, 2.0]) == Spread(2.0, 1.0, 9.0, 3)
    assert spread([1.0, 2.0]) == Spread(1.5, 1.0, 2.0, 2)
    assert spread([]) is None


def test_ratios_are_made_within_a_round() -> None:
    # The machine got slower by half: each pair still says "twice".
    assert ratios([10.0, 20.0, 30.0], [5.0, 10.0, 15.0]) == [2.0, 2.0, 2.0]
    assert ratios([10.0, 20.0], [5.0]) == [2.0]
    assert ratios([10.0, 20.0], [0.0, 10.0]) == [2.0]


@pytest.mark.parametrize(("share", "value"), [(0.5, 5), (0.9, 9), (0.91, 10), (1.0, 10), (0.0001, 1)])
def test_a_percentile_is_one_of_the_values(share: float, value: float) -> None:
    assert percentile([float(n) for n in range(1, 11)], share) == value


@given(FIGURES, st.floats(0.001, 1.0))
def test_as_many_as_said_are_not_above_a_percentile(figures: list[float], share: float) -> None:
    held = sorted(figures)
    value = percentile(held, share)
    assert sum(figure <= value for figure in held) >= share * len(held) - 1e-9
    assert sum(figure < value for figure in held) < share * len(held) + 1e-9


@given(FIGURES)
def test_percentiles_ascend(figures: list[float]) -> None:
    held = sorted(figures)
    found = [percentile(held, share) for share in (0.5, 0.9, 0.99, 0.999)]
    assert all(first <= second for first, second in pairwise(found))
