from pathlib import Path

import pytest

from bench import dataset
from bench.load import Outcome
from bench.options import QUICK
from bench.peers.nsd import NSD
from bench.peers.peer import Peer
from bench.results import Row, Sample
from bench.stage import NOT_INSTALLED, Contestant, Stage, absent, noted, sample_of

MISSING = Peer("Nobody's", "no-such-program", ("-v",))


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(QUICK, tmp_path / "data", tmp_path / "run")


def test_contestants_take_turns_and_each_gets_a_row(stage: Stage) -> None:
    turns: list[str] = []

    def turn(name: str) -> Sample:
        turns.append(name)
        return {"cpu_us": float(len(turns))}

    rows = stage.compete(
        [
            Contestant("a", lambda: turn("a"), size=5, series="s"),
            Contestant("gone", note=NOT_INSTALLED),
            Contestant("b", lambda: turn("b")),
        ],
        rounds=3,
    )
    assert turns == ["a", "b"] * 3
    assert rows == (
        Row("a", ({"cpu_us": 1.0}, {"cpu_us": 3.0}, {"cpu_us": 5.0}), "", 5, "s"),
        Row("gone", (), NOT_INSTALLED),
        Row("b", ({"cpu_us": 2.0}, {"cpu_us": 4.0}, {"cpu_us": 6.0})),
    )


def test_a_load_becomes_figures() -> None:
    outcome = Outcome(1_001, 1_000, 2.0, 0.005, {"NOERROR": 900, "SERVFAIL": 100})
    sample = sample_of(outcome, 0.5)
    assert sample["cpu_us"] == 500.0
    assert (sample["qps"], sample["busy_percent"], sample["latency_ms"]) == (500.0, 25.0, 5.0)
    assert noted(Contestant("a"), [sample]) == "only 90.0 % of the answers were NOERROR"


def test_nothing_answered_is_no_division_by_nothing() -> None:
    assert sample_of(Outcome(10, 0, 0.0, 0.0, {}), 0.1)["qps"] == 0.0


@pytest.mark.parametrize(("lost", "note"), [(0.1, ""), (0.11, "lost up to 0.11 % of the questions")])
def test_a_loss_is_noted_from_a_tenth_of_a_per_cent(lost: float, note: str) -> None:
    assert noted(Contestant("a"), [{"lost_percent": 0.0}, {"lost_percent": lost}]) == note


def test_who_is_missing_says_what_is_missing() -> None:
    assert absent(MISSING).note == NOT_INSTALLED
    installed = Peer("sh", "sh", ())
    assert absent(installed, MISSING).note == "Nobody's is not installed"
    assert absent(MISSING, NSD).take_turn is None


def test_data_is_made_once(stage: Stage) -> None:
    path = stage.questions(10, dataset.CSI)
    assert path.read_text().count("TYPE65280\n") == 10
    path.write_text("as it was\n")
    assert stage.questions(10, dataset.CSI).read_text() == "as it was\n"
    assert stage.zone(10).read_text().count("NAPTR") == 10
    assert len(stage.evenly_asked(10).read_text().splitlines()) == 10
