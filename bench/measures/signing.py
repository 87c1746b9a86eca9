"""Benchmark 8: signing a provider's listings, and opening what comes of it."""

import os
import sys
from functools import partial
from pathlib import Path

from bench import dataset, probe, world
from bench.processes import SERVING_CORE, fingerpost, pinned, replaced, running_fingerpost, timed
from bench.results import Measured, Metric, Row, Sample
from bench.stage import Contestant, Stage

CPU_SECONDS = Metric("cpu_s", "CPU seconds", 2)
SECONDS = Metric("seconds", "seconds", 3)
EACH = Metric("each_us", "CPU per statement (µs)", 1)


def measure(stage: Stage) -> Measured:
    """Measure it."""
    return Measured(
        "signing",
        "Signing and opening",
        "`fingerpost sign` reads the source, signs every listing and builds the store, with as many processes as "
        "it likes; their time counts. A start is the time from running `fingerpost serve` until it says that it is "
        "ready, on one core, with the interpreter's start and all imports in it; once with the store read from the "
        "disk and once with it in the page cache. A worker's successor is timed from the kill until a question "
        "sent right after it has its answer.",
        (CPU_SECONDS, SECONDS, EACH),
        (*_signing(stage), *_opening(stage)),
    )


def _signing(stage: Stage) -> tuple[Row, ...]:
    count = stage.options.names
    tree = stage.world(count)

    def turn() -> Sample:
        done = timed(fingerpost("sign", f"{dataset.MSP}.toml"), tree.place)
        return {"cpu_s": done.cpu, "seconds": done.seconds, "each_us": 1e6 * done.cpu / count}

    return stage.compete([Contestant(f"signing {count:,} listings", turn)], stage.options.slow_rounds)


def _opening(stage: Stage) -> tuple[Row, ...]:
    count = stage.options.opened
    stage.say(f"building a store of {count:,} entries")
    place = stage.place / "growth"
    asked = dataset.owner(next(dataset.evenly(1)))
    config, port = world.build_synthetic(place, count)

    def start(*, forgotten: bool) -> Sample:
        if forgotten:
            _forget(world.synthetic_store(place, count))
        with running_fingerpost("store", config, place / "opening.log") as daemon:
            return {"cpu_s": daemon.ready_cpu, "seconds": daemon.ready_seconds}

    def succeed() -> Sample:
        with running_fingerpost("store", config, place / "opening.log") as daemon:
            return {"seconds": replaced(daemon, lambda: probe.answers(port, asked, dataset.CSI))}

    def imports() -> Sample:
        words = [sys.executable, "-c", "import fingerpost.main, fingerpost.serve"]
        done = timed(pinned(words, SERVING_CORE), place)
        return {"cpu_s": done.cpu, "seconds": done.seconds}

    return stage.compete(
        [
            Contestant(f"start with a store of {count:,}, from the disk", partial(start, forgotten=True)),
            Contestant(f"start with a store of {count:,}, from memory", partial(start, forgotten=False)),
            Contestant("of this the interpreter and imports", imports),
            Contestant(f"a killed worker's successor answers, with a store of {count:,}", succeed),
        ]
    )


def _forget(store: Path) -> None:
    """Have the kernel forget the pages of a store, so that they are read from the disk again."""
    for path in store.resolve().iterdir():
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)
