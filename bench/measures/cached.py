"""Benchmark 1: answers from the cache, over UDP."""

from contextlib import ExitStack

from bench.builds import Build
from bench.measures import caches
from bench.measures.ours import NAME
from bench.results import LOADED, UPSTREAM, Comparison, Measured
from bench.stage import Stage


def measure(stage: Stage) -> Measured:
    """Measure it."""
    with ExitStack() as stack:
        rows = stage.compete(caches.field(stage, stack))
    return Measured(
        "cached",
        "Cached answers, UDP",
        f"Every resolver was first asked for each of {stage.options.working:,} names; then for the same in random "
        "order, as fast as it answers. The authorities' time shows whether anything was asked upstream.",
        (*LOADED, UPSTREAM),
        rows,
        tuple(Comparison(NAME + build, peer.name) for build in Build for peer in caches.RESOLVERS),
    )
