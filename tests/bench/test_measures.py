"""What benchmarks start and put in their rows, with daemons that are played here."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench import builds, cpu
from bench.builds import Build
from bench.cpu import Memory, Spent
from bench.load import Load, Outcome
from bench.measures import batch, cached, cold, growth, handing, latency, memory, verification
from bench.measures.ours import NAME
from bench.options import QUICK
from bench.processes import Daemon, Done, FailedError
from bench.results import UPSTREAM
from bench.stage import Stage
from bench.world import World

ANSWERS, SPENT = 1_000, 0.02  # of a load: answers, and processor seconds of whoever is asked upstream
SMALL = replace(QUICK, names=10, working=5, signed=5, seconds=0.1, stores=(), caches=(5,))
OURS = [NAME + build for build in Build]


class Play:
    """Daemons that only spend time; of all authorities those started last, which the anchor's file names.

    Attributes:
        place: Of the data.
        sets: Authorities that were started, a list each time.
        loads: What was asked.
        kept: Replies that resolvers say they have kept.
        found: Names that clients say they have found.
        commands: Command lines of clients.
        workers: Of each resolver that was started.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self.sets: list[list[Daemon]] = []
        self.loads: list[Load] = []
        self.kept = 5
        self.found = 5
        self.commands: list[str] = []
        self.workers: list[int] = []
        self._sessions = iter(range(1, 1_000))

    def daemon(self, name: str) -> Daemon:
        return Daemon(name, next(self._sessions), 0.0, 0.0)

    def world(self, _count: int) -> World:
        return World(self.place, {".": 1})

    def authorities(self, _stack: ExitStack) -> list[Daemon]:
        self.sets.append([self.daemon("root"), self.daemon("provider")])
        return self.sets[-1]

    @contextmanager
    def resolver(
        self,
        port: int,
        _entries: int = 0,
        _cache: Any = None,
        _build: Any = None,
        workers: int = 1,
        _doors: Any = None,
    ) -> Iterator[Daemon]:
        self.workers.append(workers)
        yield self.daemon("resolver")
        log = World(self.place, {}).resolver_log(port)
        log.parent.mkdir(exist_ok=True)
        log.write_text(f"event=statistics kept={self.kept} kept_octets={500 * self.kept} proven=8 worker=0\n")

    def run(self, load: Load) -> Outcome:
        self.loads.append(load)
        return Outcome(ANSWERS, ANSWERS, 0.1, 0.001, {"NOERROR": ANSWERS}, (0.001, 0.002))

    def spent(self, session: int) -> Spent:
        asked = session == self.sets[-1][-1].session
        return Spent(int(len(self.loads) * SPENT * 1e9) if asked else 0, 0)

    def timed(self, words: list[str], _place: Path, _build: Any = None) -> Done:
        self.commands.append(" ".join(words))
        if "bench.handing" in words:
            return Done(0.5, 1.0, '{"cpu_us": 80.0, "waited_us": 90.0, "qps": 9000.0}\n')
        if "bench.many" in words:
            return Done(0.5, 1.0, f"{self.found}\n")
        line = '{"outcome": "found"}' if "+json" in words else "mimi://alpha.example/u/1"
        return Done(0.5, 1.0, f"{line}\n" * self.found)

    def memory(self, _session: int, file: Path | None) -> Memory:
        return Memory(1_000_000 + len(self.loads) * 5_000, len(self.loads) * 2_000 if file else 0)


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """A machine with both builds of ours and nothing of others."""
    played = Play(tmp_path)
    (tmp_path / ".built").touch()
    monkeypatch.setattr(builds, "COMPILED_AT", tmp_path)
    monkeypatch.setattr("bench.peers.peer.find", lambda _: None)
    monkeypatch.setattr("bench.load.run", played.run)
    monkeypatch.setattr("bench.world.fill_cache", lambda *_: None)
    monkeypatch.setattr(batch, "timed", played.timed)
    monkeypatch.setattr(handing, "timed", played.timed)
    monkeypatch.setattr(cpu, "spent", played.spent)
    monkeypatch.setattr(cpu, "memory", played.memory)
    monkeypatch.setattr(World, "authorities", played.authorities)
    monkeypatch.setattr(World, "resolver", played.resolver)
    monkeypatch.setattr(Stage, "world", played.world)
    return played


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(SMALL, tmp_path / "data", tmp_path / "run")


@pytest.mark.parametrize("measure", [cold.measure, cached.measure])
def test_the_time_of_the_authorities_is_right_for_every_build(measure: Any, stage: Stage, play: Play) -> None:
    measured = measure(stage)
    assert len(play.sets) == 1, "started once, for all"
    for name in OURS:
        row = measured.row(name)
        assert row.values(UPSTREAM.key) == pytest.approx([1e6 * SPENT / ANSWERS] * SMALL.rounds), name


def test_growth_has_the_time_of_the_authorities_too(stage: Stage, play: Play) -> None:
    rows = growth.measure(stage).rows
    assert len(play.sets) == 1
    assert {row.series for row in rows} == {growth.DISK, growth.MEMORY}
    assert all(row.values(UPSTREAM.key) == pytest.approx([1e6 * SPENT / ANSWERS] * SMALL.rounds) for row in rows)


@pytest.mark.usefixtures("play")
def test_latency_is_measured_for_every_build(stage: Stage) -> None:
    rows = latency.measure(stage).rows
    assert [row.name for row in rows if row.samples] == OURS
    assert all(row.values("qps") and row.values("p50_ms") == [1.0, 1.0] for row in rows if row.samples)


def test_latency_is_taken_at_half_of_what_that_build_answers(stage: Stage, play: Play) -> None:
    latency.measure(stage)
    assert {load.qps for load in play.loads if load.each} == {0.5 * ANSWERS / 0.1}


def test_a_build_that_is_not_there_says_so(
    stage: Stage, play: Play, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(builds, "COMPILED_AT", tmp_path / "nowhere")
    for measure in (cold.measure, cached.measure, latency.measure):
        row = measure(stage).row(OURS[1])
        assert row is not None
        assert "not compiled" in row.note
    assert play.loads


def test_memory_is_what_a_resolver_grew_by_for_each_name(stage: Stage, play: Play) -> None:
    measured = memory.measure(stage)
    assert [row.name for row in measured.rows[:2]] == [f"{NAME}, 5", f"{memory.ASKED}, 5"]
    for row in measured.rows[:2]:
        (sample,) = row.samples
        assert (sample["resident"], sample["own"], sample["shared"]) == (1_000, 600, 400)
        assert (sample["kept"], sample["kept_octets"], sample["proven"]) == (5, 500, 8)
        assert row.note == ""
    assert play.loads


def test_what_was_not_kept_to_the_end_is_noted(stage: Stage, play: Play) -> None:
    play.kept = 4
    assert {row.note for row in memory.measure(stage).rows[:2]} == {"kept 4 of 5 names"}


def test_a_resolver_that_does_not_say_what_it_kept_is_no_figure(stage: Stage, play: Play) -> None:
    play.kept = 0
    with pytest.raises(FailedError, match="did not say"):
        memory.measure(stage)


def test_more_than_an_assertion_lives_for_is_not_all_asked_upstream(tmp_path: Path, play: Play) -> None:
    large = replace(SMALL, names=1_000_000, caches=(5, 1_000_000))
    rows = memory.measure(Stage(large, tmp_path / "data", tmp_path / "run")).rows
    assert [row.size for row in rows if row.samples and row.series == NAME] == [5, 1_000_000]
    assert [row.size for row in rows if row.samples and row.series == memory.ASKED] == [5]
    assert play.loads


def test_a_batch_is_measured_by_all_of_the_client_process(stage: Stage, play: Play) -> None:
    rows = batch.measure(stage).rows
    assert [row.name for row in rows] == [way[0] + build for way in batch.WAYS for build in builds.Build]
    for row in rows:
        assert len(row.samples) == SMALL.rounds
        assert all((s["qps"], s["per_cpu_s"], s["cpu_us"]) == (5.0, 10.0, 100_000.0) for s in row.samples)
    filling = len(batch.FILLING)
    assert ["+csi" in command for command in play.commands[:filling]] == [True, False]
    ways = [way for way in batch.WAYS for _ in builds.Build]
    assert len(play.commands) == filling + len(ways) * SMALL.rounds
    names = [way[0] for way in (*batch.FILLING, *ways * SMALL.rounds)]
    for name, command in zip(names, play.commands, strict=True):
        assert ("anchor.pem" in command) == name.endswith("verified"), name


def test_a_batch_that_found_too_little_is_no_figure(stage: Stage, play: Play) -> None:
    play.found = 4
    with pytest.raises(FailedError, match="found 4 of 5"):
        batch.measure(stage)


def test_cold_look_ups_go_on_beside_the_cached_ones(stage: Stage, play: Play) -> None:
    rows = verification.measure(stage).rows
    assert play.workers == [1, 1, 2, 2] * SMALL.rounds
    timed = [load for load in play.loads if load.each]
    assert [load.qps for load in timed] == [verification.CACHED] * len(timed)
    cold = [load for load in play.loads if load.qps == verification.COLD]
    assert len(cold) == len(timed) / 2
    assert not set(cold[0].questions.read_text().splitlines()) & set(timed[0].questions.read_text().splitlines())
    for row in rows:
        assert row.values("p50_ms") == [1.0, 1.0]
        assert bool(row.values("cold_qps")) == ("500 cold" in row.name), row.name


def test_verifications_are_handed_over_on_one_core_and_on_two(stage: Stage, play: Play) -> None:
    rows = handing.measure(stage).rows
    assert len(rows) == len(handing.WAYS) * len(handing.CORES)
    assert all(row.values("cpu_us") == [80.0, 80.0] for row in rows)
    assert {command.split()[2] for command in play.commands} == {"0", f"0,{1 % (os.cpu_count() or 1)}"}
