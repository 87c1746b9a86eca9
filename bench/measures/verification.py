"""Benchmark 11: what those who ask for cached answers notice of look-ups that must be verified."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from bench import dataset, load, world
from bench.load import Load
from bench.measures.latency import PERCENTILES, percentiles
from bench.measures.ours import Ours
from bench.results import LOST, QPS, Comparison, Measured, Metric, Sample
from bench.stage import Answering, Contestant, Stage

CACHED, COLD = 20_000, 500  # questions a second: a fifth of a core each, so that a worker is busy and not late
NAMES = 2_000  # that are cached
PASSES = 8  # over them while filling: each worker keeps its own replies, and the kernel deals questions at random
COLD_QPS = Metric("cold_qps", "cold look-ups per second")
COLD_MS = Metric("cold_ms", "their mean latency (ms)", 2)
BUSY = Metric("busy_percent", "the resolver's core in use (%)")


def measure(stage: Stage) -> Measured:
    """Measure it."""
    with ExitStack() as stack:
        ours = Ours.running(stage, stack)
        rows = stage.compete([_contestant(stage, ours, workers, cold) for workers in (1, 2) for cold in (0, COLD)])
    return Measured(
        "verification",
        "Latency of cached answers beside cold look-ups",
        f"One client asks for {NAMES:,} cached names, {CACHED:,} times a second, and each answer is timed. Another "
        f"asks at the same time for names that are not known, {COLD} a second: these are asked upstream, and "
        "verified in the event loop of whichever worker got the question. All workers are on one core.",
        (*PERCENTILES, QPS, COLD_QPS, COLD_MS, BUSY, LOST),
        rows,
        tuple(
            Comparison(_name(*ours), _name(*theirs), metric)
            for ours, theirs in (((1, COLD), (1, 0)), ((2, COLD), (2, 0)), ((2, COLD), (1, COLD)))
            for metric in (PERCENTILES[0], PERCENTILES[2])
        ),
    )


def _name(workers: int, cold: int) -> str:
    beside = f"{cold} cold look-ups a second" if cold else "nothing cold"
    return f"{workers} worker{'s' if workers > 1 else ''}, {beside}"


def _contestant(stage: Stage, ours: Ours, workers: int, cold: int) -> Contestant:
    cache = stage.place / "verification"

    def turn() -> Sample:
        world.empty_cache(cache)
        with ExitStack() as stack:
            answering = ours.resolver(stack, NAMES, cache=cache, workers=workers)
            cached = stage.questions(NAMES, dataset.CSI)
            for _ in range(PASSES):
                load.run(Load(answering.port, cached, None, once=True))
            return _timed(stage, answering, cold)

    return Contestant(_name(workers, cold), turn)


def _timed(stage: Stage, answering: Answering, cold: int) -> Sample:
    seconds, port = stage.options.seconds, answering.port
    asked = Load(port, stage.questions(NAMES, dataset.CSI), seconds, qps=CACHED, each=True)
    before = answering.daemon.spent()
    with ThreadPoolExecutor(1) as beside:
        found = None
        if cold:
            others = stage.questions(int(cold * seconds), dataset.CSI, after=NAMES)
            found = beside.submit(load.run, Load(port, others, seconds, once=True, qps=cold))
        outcome = load.run(asked)
        slow = found.result() if found is not None else None
    sample = {COLD_QPS.key: slow.completed / slow.seconds, COLD_MS.key: 1e3 * slow.latency} if slow else {}
    spent = answering.daemon.spent().seconds_since(before)
    return {
        **percentiles(outcome),
        QPS.key: outcome.completed / outcome.seconds,
        **sample,
        BUSY.key: 100 * spent / outcome.seconds,
        LOST.key: outcome.lost_percent,
    }
