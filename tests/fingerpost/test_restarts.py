from hypothesis import given
from hypothesis import strategies as st

from fingerpost.restarts import FIRST_WAIT, LIVED, MAX_WAIT, Restarts

QUARTERS = st.integers(0, int(8 * LIVED)).map(lambda quarters: quarters / 4)  # seconds; sums of them are exact
LIVES = st.lists(QUARTERS, max_size=40)


def waits(lives: list[float]) -> list[float]:
    """Let a worker live so long, again and again; return how long each successor was waited for."""
    restarts, found = Restarts(), []
    for life in lives:
        restarts, at = restarts.died(0.0, life)
        found.append(at - life)
    return found


def test_the_first_is_replaced_at_once_and_the_next_ones_ever_later() -> None:
    found = waits([0.0] * 8)
    assert found == [0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 4.0, 4.0]
    assert (found[1], found[-1]) == (FIRST_WAIT, MAX_WAIT)


def test_who_has_lived_long_is_replaced_at_once_again() -> None:
    assert waits([0.0, 0.0, 0.0, LIVED, 0.0]) == [0.0, FIRST_WAIT, 2 * FIRST_WAIT, 0.0, FIRST_WAIT]


@given(LIVES)
def test_nobody_waits_for_longer_than_the_most(lives: list[float]) -> None:
    assert all(0 <= wait <= MAX_WAIT for wait in waits(lives))


@given(LIVES, st.integers(int(LIVED), 10**6))
def test_a_long_life_makes_up_for_any_past(lives: list[float], life: float) -> None:
    assert waits([*lives, life])[-1] == 0


@given(st.integers(1, 2_000))
def test_however_often_it_dies_it_is_started_again(deaths: int) -> None:
    assert waits([0.0] * deaths)[-1] <= MAX_WAIT


@given(st.integers(0, 10**9), QUARTERS)
def test_only_the_time_lived_counts(started: float, lived: float) -> None:
    ours, at = Restarts(1.0).died(started, started + lived)
    assert at - (started + lived) in {0.0, 1.0}
    assert ours in {Restarts(FIRST_WAIT), Restarts(2.0)}
