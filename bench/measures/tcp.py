"""Benchmark 5: the first two over TCP, with many questions on each connection."""

from contextlib import ExitStack

from bench.load import OUTSTANDING, STREAMS, Over
from bench.measures import authorities, caches
from bench.measures.ours import NAME
from bench.results import LOADED, Comparison, Measured
from bench.stage import Stage


def measure(stage: Stage) -> Measured:
    """Measure it."""
    with ExitStack() as stack:
        rows = stage.compete(caches.field(stage, stack, Over.TCP))
    with ExitStack() as stack:
        rows += stage.compete(authorities.field(stage, stack, Over.TCP))
    compared = [Comparison(NAME, peer.name) for peer in caches.RESOLVERS]
    compared += [Comparison(authorities.OURS, authorities.name_of(peer)) for peer in authorities.AUTHORITIES]
    return Measured(
        "tcp",
        "Over TCP",
        f"As the first two, over {STREAMS} connections with {OUTSTANDING} questions on their way in all: "
        "answers from the cache first, answers with authority below.",
        LOADED,
        rows,
        tuple(compared),
    )
