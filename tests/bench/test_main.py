from pathlib import Path

import pytest

from bench import __main__ as program
from bench.options import QUICK, Options
from bench.processes import FailedError
from bench.results import CPU, Measured, Row, from_json
from bench.stage import Stage


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Options]:
    """Benchmarks that measure nothing, and the options with which they were called."""
    held: list[Options] = []

    def measure(stage: Stage) -> Measured:
        held.append(stage.options)
        return Measured("cached", "C", "M.", (CPU,), (Row("a", ({"cpu_us": 1.0},)),))

    def fail(_stage: Stage) -> Measured:
        raise FailedError("the reason")

    monkeypatch.setattr(program, "BENCHMARKS", {"cold": fail, "cached": measure})
    monkeypatch.setattr(program, "NEEDED", ())
    monkeypatch.setattr(program, "PROGRAMS", ())
    monkeypatch.setattr("signal.signal", lambda *_: None)
    return held


def run(place: Path, *words: str) -> int:
    return program.main(["--no-pictures", "--out", str(place), "--data", str(place / "data"), *words])


def test_sizes_are_taken_from_the_command_line(tmp_path: Path, seen: list[Options]) -> None:
    assert run(tmp_path, "cached", "--rounds", "2", "--stores", "10,20", "--seconds", "0.5") == 0
    assert run(tmp_path, "cached", "--quick") == 0
    assert (seen[0].rounds, seen[0].stores, seen[0].seconds, seen[0].names) == (2, (10, 20), 0.5, Options().names)
    assert seen[1] == QUICK


def test_one_that_fails_leaves_the_others_running(
    tmp_path: Path, seen: list[Options], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path) == 1
    assert len(seen) == 1
    assert "cold failed: the reason" in capsys.readouterr().out
    assert [record.measured.name for record in from_json((tmp_path / "results.json").read_text())] == ["cached"]
    assert (tmp_path / "RESULTS.md").exists()


@pytest.mark.parametrize("words", [("nonsense",), ("--working", "2000000"), ("--stores", "many")])
def test_what_cannot_be_run_is_refused(tmp_path: Path, seen: list[Options], words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as end:
        run(tmp_path, *words)
    assert end.value.code == 2
    assert seen == []


def test_a_program_that_is_needed_is_named(
    tmp_path: Path, seen: list[Options], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "NEEDED", ("no-such-program",))
    with pytest.raises(SystemExit):
        run(tmp_path)
    assert seen == []
