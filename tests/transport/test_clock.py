# ruff: noqa: ARG001 - a test has virtual time by asking for `autojump_clock`, and needs no more of it

import time

import pytest
import trio
from trio.testing import MockClock

from transport.clock import COMPARE_EVERY, Clock

START = 1_700_000_000.0


class _Wall:
    """A wall clock that is set by hand."""

    def __init__(self, time_of_day: float) -> None:
        self.time_of_day = time_of_day

    def __call__(self) -> float:
        return self.time_of_day


async def test_it_starts_at_the_wall() -> None:
    assert Clock().now() == pytest.approx(time.time(), abs=1)


async def test_between_comparisons_the_wall_does_not_matter(mock_clock: MockClock) -> None:
    wall = _Wall(START)
    clock = Clock(wall)
    wall.time_of_day = 0
    mock_clock.jump(59)
    assert clock.now() == START + 59


@pytest.mark.parametrize("drift", [0.1, -0.1, 0.0])
async def test_a_drift_is_made_up_at_the_next_comparison(mock_clock: MockClock, drift: float) -> None:
    wall = _Wall(START)
    clock = Clock(wall)
    mock_clock.jump(COMPARE_EVERY)
    wall.time_of_day = START + COMPARE_EVERY + drift
    assert clock.now() == pytest.approx(wall.time_of_day)
    mock_clock.jump(1)
    assert clock.now() == pytest.approx(wall.time_of_day + 1)


@pytest.mark.parametrize(("jump", "step"), [(3_600, 1), (-3_600, -1), (3.2e8, 1), (-3.2e8, -1)])
async def test_a_jump_is_followed_by_a_second_a_minute(mock_clock: MockClock, jump: float, step: float) -> None:
    wall = _Wall(START)
    clock = Clock(wall)
    for minute in range(1, 6):
        mock_clock.jump(60)
        wall.time_of_day = START + 60 * minute + jump
        assert clock.now() == pytest.approx(START + 60 * minute + step * minute)


async def test_a_clock_nobody_read_for_long_may_move_further(mock_clock: MockClock) -> None:
    wall = _Wall(START)
    clock = Clock(wall)
    mock_clock.jump(3_600)
    wall.time_of_day = START + 3_600 + 90
    assert clock.now() == pytest.approx(START + 3_600 + 60)


async def test_a_clock_without_a_wall_moves_with_trio(mock_clock: MockClock) -> None:
    mock_clock.jump(5)
    clock = Clock.starting_at(START)
    assert clock.now() == START
    for hours in range(1, 50):
        mock_clock.jump(3_600)
        assert clock.now() == pytest.approx(START + 3_600 * hours, abs=1e-3)


def test_it_belongs_inside_a_run() -> None:
    with pytest.raises(RuntimeError):
        Clock()


async def test_virtual_time_passes_while_asleep(autojump_clock: MockClock) -> None:
    clock = Clock.starting_at(START)
    await trio.sleep(1_000)
    assert clock.now() == pytest.approx(START + 1_000, abs=1e-3)
