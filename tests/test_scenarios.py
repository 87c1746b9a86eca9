"""Every text under tests/scenarios, played in virtual time."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from tests.scenario import play

HERE = Path(__file__).parent / "scenarios"


@pytest.mark.parametrize("name", sorted(path.name for path in HERE.glob("*.txt")))
def test_scenario(name: str) -> None:
    story = trio.run(play, name, (HERE / name).read_text(), clock=MockClock(autojump_threshold=0))
    assert story.checked, "a scenario that checks nothing"


def test_a_scenario_that_does_not_hold_fails() -> None:
    text = "delegate . +1 alpha.example msp\nask +14155550123\n  found complete\n"
    with pytest.RaisesGroup(pytest.RaisesExc(AssertionError, match=r"wrong\.txt:3")):
        trio.run(play, "wrong.txt", text, clock=MockClock(autojump_threshold=0))
