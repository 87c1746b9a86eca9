"""Benchmark 6: how long cached answers take at half of the load that saturates."""

from contextlib import ExitStack
from functools import partial

from bench import load
from bench.builds import Build
from bench.load import Load, Outcome
from bench.measures import caches
from bench.measures.ours import NAME
from bench.peers.nsd import NSD
from bench.peers.unbound import UNBOUND
from bench.results import LOST, QPS, Comparison, Measured, Metric, Sample
from bench.rounds import percentile
from bench.stage import Contestant, Stage, absent

SHARES = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99, "p999_ms": 0.999}
PERCENTILES = tuple(
    Metric(key, f"{word} (ms)", 3) for key, word in zip(SHARES, ("p50", "p90", "p99", "p99.9"), strict=True)
)
HALF = 0.5


def measure(stage: Stage) -> Measured:
    """Measure it."""
    with ExitStack() as stack:
        rows = stage.compete(_field(stage, stack))
    return Measured(
        "latency",
        "Latency of cached answers at half load",
        "In each round the resolver is first asked as fast as it answers, and then half as often; that second load "
        "is timed, answer by answer. The last rows are Unbound under the loads that ours were given.",
        (QPS, *PERCENTILES, LOST),
        rows,
        tuple(
            Comparison(NAME + build, name, metric)
            for build in Build
            for name in (UNBOUND.name, _as_often(build))
            for metric in (PERCENTILES[0], PERCENTILES[2])
        ),
    )


def percentiles(outcome: Outcome) -> Sample:
    """Return the figures of a load of which every answer was timed."""
    return {key: 1e3 * percentile(outcome.latencies, share) for key, share in SHARES.items()}


def _as_often(build: Build) -> str:
    return f"{UNBOUND.name}, asked as often as ours{build}"


def _field(stage: Stage, stack: ExitStack) -> list[Contestant]:
    here = {**caches.ours(stage, stack), **caches.peers(stage, stack, (UNBOUND,))}
    given: dict[str, float] = {}  # the load of this round, for whoever is to have the same

    def turn(name: str) -> Sample:
        seconds = stage.options.seconds
        answering = here[name].full(2 * seconds)
        most = load.run(Load(answering.port, here[name].questions, seconds))
        given[name] = HALF * most.completed / most.seconds
        return timed(name, given[name])

    def timed(name: str, qps: float) -> Sample:
        answering = here[name].full(stage.options.seconds)
        outcome = load.run(Load(answering.port, here[name].questions, stage.options.seconds, qps=qps, each=True))
        figures = {**percentiles(outcome), "lost_percent": outcome.lost_percent}
        return {"qps": outcome.completed / outcome.seconds, **figures}

    def as_often(build: Build) -> Sample:
        return timed(UNBOUND.name, given[NAME + build])

    contestants = [
        Contestant(NAME + build, None if build.why_not else partial(turn, NAME + build), build.why_not)
        for build in Build
    ]
    if UNBOUND.name not in here:
        return [*contestants, absent(UNBOUND, NSD)]
    contestants.append(Contestant(UNBOUND.name, partial(turn, UNBOUND.name)))
    contestants += [Contestant(_as_often(b), partial(as_often, b)) for b in Build if not b.why_not]
    return contestants
