"""Benchmark 12: what it costs to have a signature verified by another thread."""

import json
import sys
from functools import partial

from bench.processes import LOADING_CORE, SERVING_CORE, pinned, timed
from bench.results import CPU, QPS, Comparison, Measured, Metric, Sample
from bench.stage import Contestant, Stage

AT_ONCE = 50  # verifications that are asked for at a time where there are many
PER_SECOND = 3_000  # verifications for each second of a load: each takes some 70 us, and is handed over and back
WAITED = Metric("waited_us", "from asking to having the outcome (µs)", 1)
TOLD = Metric(CPU.key, "CPU per verification (µs)", 1)
RATE = Metric(QPS.key, "verifications per second")
CORES = {"one core": (SERVING_CORE,), "two cores": (SERVING_CORE, LOADING_CORE)}
WAYS = {
    "in the event loop": ("here", 1),
    "in a thread of trio's": ("trio", 1),
    "in a thread with a queue": ("own", 1),
    f"in a thread of trio's, {AT_ONCE} at once": ("trio", AT_ONCE),
    f"in a thread with a queue, {AT_ONCE} at once": ("own", AT_ONCE),
    "in two threads without an event loop": ("threads", 2),
}


def measure(stage: Stage) -> Measured:
    """Measure it."""
    contestants = [
        Contestant(_name(way, cores), partial(_turn, stage, way, cores)) for cores in CORES for way in WAYS
    ]
    first, *others = WAYS
    return Measured(
        "handing",
        "Handing a verification to a thread",
        "An event loop has signatures of Ed25519 verified, one after the other or many at once: by itself, by a "
        "thread that trio provides, or by a plain thread that takes them from a queue and wakes whoever asked. The "
        "last rows show whether two threads that only verify can do it at the same time.",
        (TOLD, WAITED, RATE),
        stage.compete(contestants),
        tuple(
            Comparison(_name(way, cores), _name(first, cores), metric)
            for cores in CORES
            for way in others
            for metric in (TOLD, RATE)
        ),
    )


def _name(way: str, cores: str) -> str:
    return f"{way}, {cores}"


def _turn(stage: Stage, way: str, cores: str) -> Sample:
    word, at_once = WAYS[way]
    count = int(PER_SECOND * stage.options.seconds)
    words = [sys.executable, "-m", "bench.handing", word, f"{count}", f"{at_once}"]
    stage.place.mkdir(parents=True, exist_ok=True)
    found: Sample = json.loads(timed(pinned(words, *CORES[cores]), stage.place).output)
    return found
