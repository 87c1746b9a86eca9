"""Benchmark 7: what an answer costs when there is more to find it in."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench import dataset, world
from bench.load import Load
from bench.measures.ours import Ours
from bench.processes import running_fingerpost
from bench.results import LOADED, UPSTREAM, Comparison, Measured, Row, Sample
from bench.stage import MOST_ASKED, Answering, Contestant, Stage, loaded

STORE, MEMORY, DISK = "MSP's store", "resolver's memory", "resolver's cache on disk"


def measure(stage: Stage) -> Measured:
    """Measure it."""
    rows: tuple[Row, ...] = ()
    for contestants in (_stores, _caches):
        with ExitStack() as stack:
            rows += stage.compete(list(contestants(stage, stack)))
    return Measured(
        "growth",
        "Cost of an answer by number of entries",
        "Names asked for at random, as fast as they are answered. In the stores every entry is the same statement, "
        "signed once: an authority does not look into what it sends. The cache on disk is filled by its own "
        "writer; it is measured with a resolver just started, which is asked for each name once, and memory with "
        "one that has been asked for all of them.",
        (*LOADED, UPSTREAM),
        rows,
        tuple(_comparisons(rows)),
    )


def _comparisons(rows: tuple[Row, ...]) -> Iterator[Comparison]:
    """Yield, for each series, the largest and the smallest that were measured."""
    for series in (STORE, MEMORY, DISK):
        measured = [row for row in rows if row.series == series and row.samples]
        if len(measured) > 1:
            yield Comparison(measured[-1].name, measured[0].name)


def _named(series: str, size: int, turn: Callable[[], Sample] | None, note: str = "") -> Contestant:
    return Contestant(f"{series}, {size:,}", turn, note, size, series)


def _stores(stage: Stage, stack: ExitStack) -> Iterator[Contestant]:
    for size in stage.options.stores:
        stage.say(f"building a store of {size:,} entries")
        config, port = world.build_synthetic(stage.place / "growth", size)
        log = stage.place / "growth" / f"{size}.log"
        answering = Answering(stack.enter_context(running_fingerpost(f"store of {size}", config, log)), port)
        stage.warm(answering, stage.evenly_asked(size))
        load = Load(port, stage.evenly_asked(size), stage.options.seconds)
        yield _named(STORE, size, partial(_turn, answering, load))


def _turn(answering: Answering, load: Load) -> Sample:
    return loaded(answering, load)[0]


def _caches(stage: Stage, stack: ExitStack) -> Iterator[Contestant]:
    """Yield, by size, a cache on disk read by a resolver just started, and a resolver that has all in memory."""
    ours = Ours.running(stage, stack)
    memories = []
    for size in stage.options.caches:
        stage.say(f"filling a cache on disk with {size:,} statements")
        cache = stage.place / "caches" / f"{size}"
        world.fill_cache(ours.tree, cache, size)
        yield _named(DISK, size, partial(_read_once, stage, ours, cache, size))
        if size > stage.options.names:
            continue
        answering = ours.resolver(stack, size, cache=cache)
        questions = stage.questions(size, dataset.CSI)
        stage.warm(answering, questions)
        load = Load(answering.port, questions, stage.options.seconds)
        memories.append(_named(MEMORY, size, partial(_turn, answering, load)))
    yield from memories


def _read_once(stage: Stage, ours: Ours, cache: Path, size: int) -> Sample:
    """Ask a resolver that was just started for each name once: a second time it would know it by heart."""
    with ExitStack() as stack:
        answering = ours.resolver(stack, size, cache=cache)
        questions = stage.questions(
            min(size, MOST_ASKED), dataset.CSI
        )  # of the order on disk each is a random part
        load = Load(answering.port, questions, stage.options.seconds, once=True)
        return _turn(answering, load)
