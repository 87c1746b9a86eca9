"""Benchmark 9: what a cached name takes of memory."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench import dataset, load
from bench.load import Load
from bench.measures import caches
from bench.measures.ours import NAME, Ours
from bench.peers.nsd import NSD
from bench.peers.unbound import UNBOUND
from bench.processes import LOADING_CORE
from bench.results import LOST, Comparison, Measured, Metric, Row, Sample
from bench.stage import Answering, Contestant, Stage, absent

RESIDENT = Metric("resident", "resident, octets per name")
PRIVATE = Metric("private", "private, octets per name")
TOTAL = Metric("total_mb", "resident in all (MB)", 1)
FILLED = Metric("filled_s", "filled in (s)")


def measure(stage: Stage) -> Measured:
    """Measure it."""
    with ExitStack() as stack:
        rows = stage.compete([*_ours(stage, stack), *_unbound(stage, stack)], stage.options.slow_rounds)
    return Measured(
        "memory",
        "Memory of a cached name",
        "How much a resolver's processes grew from the first answer to the last, divided by the names asked for. "
        "Pages that processes share count for each in the resident size, and not at all in the private one. "
        "Ours holds one signed statement a name, Unbound one NAPTR record.",
        (RESIDENT, PRIVATE, TOTAL, FILLED, LOST),
        tuple(map(_noted, rows)),
        tuple(Comparison(_name(NAME, size), _name(UNBOUND.name, size), RESIDENT) for size in stage.options.caches),
    )


def _noted(row: Row) -> Row:
    """Say so where what was cached first had ended before the last came."""
    slow = row.series == NAME and max(row.values(FILLED.key), default=0.0) > caches.OUR_LIFE
    return replace(row, note="too slowly filled: what came first may have expired") if slow else row


def _name(who: str, size: int) -> str:
    return f"{who}, {size:,}"


def _ours(stage: Stage, stack: ExitStack) -> Iterator[Contestant]:
    ours = Ours.running(stage, stack)

    def turn(size: int) -> Sample:
        with ExitStack() as inner:
            return _grown(ours.resolver(inner, size), *_files(stage, size, dataset.CSI), size)

    for size in stage.options.caches:
        if size <= stage.options.names:
            yield Contestant(_name(NAME, size), partial(turn, size), size=size, series=NAME)


def _unbound(stage: Stage, stack: ExitStack) -> Iterator[Contestant]:
    if not (UNBOUND.is_installed and NSD.is_installed):
        yield absent(UNBOUND, NSD)
        return
    upstream = stage.authority(stack, NSD, stage.zone(stage.options.names), LOADING_CORE)

    def turn(size: int) -> Sample:
        with ExitStack() as inner:
            stub = stage.stub(UNBOUND, upstream, size)
            answering = stage.resolver(inner, UNBOUND, stub, upstream)
            return _grown(answering, *_files(stage, size, dataset.NAPTR), size)

    for size in stage.options.caches:
        if size <= stage.options.names:
            yield Contestant(_name(UNBOUND.name, size), partial(turn, size), size=size, series=UNBOUND.name)


def _files(stage: Stage, size: int, qtype: str) -> tuple[Path, Path]:
    """Return the questions for one name, which wake everything up, and for all."""
    return stage.questions(1, qtype), stage.questions(size, qtype)


def _grown(answering: Answering, first: Path, every: Path, size: int) -> Sample:
    load.run(Load(answering.port, first, None, once=True))
    before = answering.daemon.memory()
    outcome = load.run(Load(answering.port, every, None, once=True, outstanding=caches.FILLING))
    after = answering.daemon.memory()
    return {
        RESIDENT.key: (after.resident - before.resident) / size,
        PRIVATE.key: (after.private - before.private) / size,
        TOTAL.key: after.resident / 1e6,
        FILLED.key: outcome.seconds,
        LOST.key: outcome.lost_percent,
    }
