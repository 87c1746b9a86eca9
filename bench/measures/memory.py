"""Benchmark 9: what a cached name takes of memory."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench import dataset, load, told, world
from bench.load import Load
from bench.measures import caches
from bench.measures.ours import NAME, Ours
from bench.peers.nsd import NSD
from bench.peers.unbound import UNBOUND
from bench.processes import LOADING_CORE, FailedError
from bench.results import LOST, Comparison, Measured, Metric, Row, Sample
from bench.stage import Answering, Contestant, Stage, absent
from resolver.proven.place import DATA

ROUNDS = 1  # a million names take minutes, and memory does not depend on how busy the machine is
ASKED = f"{NAME}, all asked upstream"
MOST_ASKED = 200_000  # names that are surely found out within the life of an assertion
WHOLE = 0.999  # of the names must be kept at the end, or the row says so

RESIDENT = Metric("resident", "resident, octets per name")
OWN = Metric("own", "of this its own, octets per name")
SHARED = Metric("shared", "of this the file of what was proven, octets per name")
TOTAL = Metric("total_mb", "resident in all (MB)", 1)
KEPT = Metric("kept", "replies kept, by its own count")
KEPT_OCTETS = Metric("kept_octets", "of octets each, by its own count")
PROVEN = Metric("proven", "statements proven, by its own count")
FILLED = Metric("filled_s", "filled in (s)")


def measure(stage: Stage) -> Measured:
    """Measure it."""
    with ExitStack() as stack:
        rows = stage.compete([*_ours(stage, stack), *_unbound(stage, stack)], ROUNDS)
    return Measured(
        "memory",
        "Memory of a cached name",
        "How much a resolver's processes grew from the first answer to the last, divided by the names asked for; a "
        "page that several of them have counts once. Ours holds for each name a reply ready to be sent, and the "
        "signed statement, verified, in the file that its processes share: the pages of that file count. The file "
        "is filled by its own writer with what the provider has signed, as if that might be kept until it expires; "
        "then the resolver is started and asked for every name. In the rows 'all asked upstream' the file is empty "
        "at first, and the resolver itself asks for everything and verifies it. Unbound holds one NAPTR record for "
        "each name.",
        (RESIDENT, OWN, SHARED, TOTAL, KEPT, KEPT_OCTETS, PROVEN, FILLED, LOST),
        tuple(map(_noted, rows)),
        tuple(Comparison(_name(NAME, size), _name(UNBOUND.name, size), RESIDENT) for size in _sizes(stage)),
    )


def _noted(row: Row) -> Row:
    """Say so where not everything was kept to the end."""
    least = min(row.values(KEPT.key), default=None)
    if row.size is None or least is None or least >= WHOLE * row.size:
        return row
    return replace(row, note="; ".join(filter(None, (row.note, f"kept {least:,.0f} of {row.size:,} names"))))


def _sizes(stage: Stage) -> list[int]:
    return [size for size in stage.options.caches if size <= stage.options.names]


def _name(who: str, size: int) -> str:
    return f"{who}, {size:,}"


def _ours(stage: Stage, stack: ExitStack) -> Iterator[Contestant]:
    ours = Ours.running(stage, stack)

    def fill(cache: Path, size: int) -> None:
        stage.say(f"filling a cache on disk with {size:,} statements")
        world.fill_cache(ours.tree, cache, size)

    def turn(size: int, prepare: Callable[[Path, int], None]) -> Sample:
        cache = stage.place / "memory" / f"{size}"
        prepare(cache, size)
        with ExitStack() as inner:
            answering = ours.resolver(inner, size, cache=cache)
            sample = _grown(answering, *_files(stage, size, dataset.CSI), size, cache / DATA)
        counts = told.counts(ours.tree.resolver_log(answering.port).read_text())
        if not counts.get("kept"):
            raise FailedError(f"the resolver with {size:,} names did not say at its end what it kept")
        octets = counts["kept_octets"] / counts["kept"]
        return {**sample, KEPT.key: counts["kept"], KEPT_OCTETS.key: octets, PROVEN.key: counts["proven"]}

    for size in _sizes(stage):
        yield Contestant(_name(NAME, size), partial(turn, size, fill), size=size, series=NAME)
    for size in _sizes(stage):
        if size <= MOST_ASKED:
            yield Contestant(_name(ASKED, size), partial(turn, size, world.empty_cache), size=size, series=ASKED)


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

    for size in _sizes(stage):
        yield Contestant(_name(UNBOUND.name, size), partial(turn, size), size=size, series=UNBOUND.name)


def _files(stage: Stage, size: int, qtype: str) -> tuple[Path, Path]:
    """Return the questions for one name, which wake everything up, and for all."""
    return stage.questions(1, qtype), stage.questions(size, qtype)


def _grown(answering: Answering, first: Path, every: Path, size: int, file: Path | None = None) -> Sample:
    load.run(Load(answering.port, first, None, once=True))
    before = answering.daemon.memory(file)
    outcome = load.run(Load(answering.port, every, None, once=True, outstanding=caches.FILLING))
    after = answering.daemon.memory(file)
    sample = {
        RESIDENT.key: (after.resident - before.resident) / size,
        OWN.key: (after.own - before.own) / size,
        SHARED.key: (after.mapped - before.mapped) / size,
        TOTAL.key: after.resident / 1e6,
        FILLED.key: outcome.seconds,
        LOST.key: outcome.lost_percent,
    }
    return sample if file is not None else {k: v for k, v in sample.items() if k not in {OWN.key, SHARED.key}}
