"""Benchmark 2: answers with authority, over UDP."""

from contextlib import ExitStack

from bench.builds import Build
from bench.measures import authorities
from bench.results import LOADED, Comparison, Measured
from bench.stage import Stage


def measure(stage: Stage) -> Measured:
    """Measure it."""
    with ExitStack() as stack:
        rows = stage.compete(authorities.field(stage, stack))
    return Measured(
        "authoritative",
        "Answers with authority, UDP",
        f"{stage.options.names:,} names, asked for in random order, as fast as they are answered: one NAPTR record "
        "each for the peers, one signed assertion each for us.",
        LOADED,
        rows,
        tuple(
            Comparison(authorities.OURS + build, authorities.name_of(peer))
            for build in Build
            for peer in authorities.AUTHORITIES
        ),
    )
