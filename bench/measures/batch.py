"""Benchmark 10: very many look-ups of one client process, its resolver having every answer in its cache."""

import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench import world
from bench.builds import Build
from bench.measures.ours import Ours
from bench.processes import LOADING_CORE, FailedError, pinned, timed
from bench.results import QPS, UPSTREAM, Measured, Metric, Sample
from bench.stage import Answering, Contestant, Stage

BOUND = 20_000  # look-ups a second of one client process
FORMS = 3  # of the memory an answer is reckoned with: the reply without proof takes one, that with proof two
PER_CPU = Metric("per_cpu_s", "look-ups per CPU second of the client")
RATE = Metric(QPS.key, "look-ups per second")
CLIENT = Metric("cpu_us", "CPU of the client per look-up (µs)", 1)
RESOLVER = Metric("resolver_cpu_us", "CPU of the resolver per look-up (µs)", 1)
BUSY = Metric("busy_percent", "the client's core in use (%)")

Way = tuple[str, Callable[[Path, int, Path], list[str]], Callable[[str], int]]  # name, command, how many it found


def measure(stage: Stage) -> Measured:
    """Measure it."""
    with ExitStack() as stack:
        rows = stage.compete(_field(stage, stack))
    return Measured(
        "batch",
        "Batch look-ups of one client",
        f"One client process looks up a file of {stage.options.working:,} telephone numbers as people write them, "
        "over one TCP connection, and its resolver, which is not compiled, has every reply ready. All of the "
        "process counts, from the interpreter's start. Without proof it asks for what the resolver accepts; with "
        "proof it is told how every authority stands; verified, it checks all of that against the trust anchor. "
        f"The bound is {BOUND:,} look-ups a second.",
        (RATE, PER_CPU, CLIENT, BUSY, RESOLVER, UPSTREAM),
        rows,
    )


def _fpdig(*options: str, verified: bool = False) -> Callable[[Path, int, Path], list[str]]:
    def command(numbers: Path, port: int, anchor: Path) -> list[str]:
        words = [sys.executable, "-m", "resolver.fpdig.main", "-r", f"@127.0.0.1#{port}", "-f", str(numbers)]
        return [*words, *options, *([f"+anchor={anchor}"] if verified else [])]

    return command


def _library(*options: str, verified: bool = False) -> Callable[[Path, int, Path], list[str]]:
    def command(numbers: Path, port: int, anchor: Path) -> list[str]:
        words = [sys.executable, "-m", "bench.many", str(numbers), f"127.0.0.1#{port}", *options]
        return [*words, *(["--anchor", str(anchor)] if verified else [])]

    return command


def ssis(text: str) -> int:
    """Return how many lines of `fpdig +short` are the address of somebody."""
    return sum(line.startswith("mimi://") for line in text.splitlines())


def outcomes(text: str) -> int:
    """Return how many lines of `fpdig +json` say that somebody was found."""
    return text.count('"outcome": "found"') + text.count('"outcome":"found"')


WAYS: tuple[Way, ...] = (
    ("fpdig -f, without proof", _fpdig("+csi", "+short"), ssis),
    ("lookup_many, without proof", _library("--csi"), int),
    ("fpdig -f, with proof", _fpdig("+short"), ssis),
    ("lookup_many, with proof", _library(), int),
    ("fpdig -f, verified", _fpdig("+short", verified=True), ssis),
    ("lookup_many, verified", _library(verified=True), int),
    ("fpdig -f, with proof, as JSON", _fpdig("+json"), outcomes),
)
FILLING = (WAYS[0], WAYS[2])  # once without and once with proof: these two replies are different ones


def _field(stage: Stage, stack: ExitStack) -> list[Contestant]:
    count = stage.options.working
    ours = Ours.running(stage, stack)
    cache = stage.place / "batch" / f"{count}"
    stage.say(f"filling a cache on disk with {count:,} statements")
    world.fill_cache(ours.tree, cache, count, FORMS * count)
    answering = ours.resolver(stack, FORMS * count, cache=cache)
    numbers = stage.numbers(count)
    anchor = ours.tree.place / "anchor.pem"

    def turn(way: Way, build: Build = Build.PLAIN) -> Sample:
        return _looked_up(answering, way, build, numbers, anchor, count)

    for way in FILLING:
        stage.say(f"replies made ready, {way[0]}: {turn(way)['qps']:,.0f} a second")
    return [
        Contestant(way[0] + build, note=build.why_not)
        if build.why_not
        else Contestant(way[0] + build, partial(turn, way, build))
        for way in WAYS
        for build in Build
    ]


def _looked_up(  # noqa: PLR0913, PLR0917 - what is asked, how, of whom
    answering: Answering, way: Way, build: Build, numbers: Path, anchor: Path, count: int
) -> Sample:
    name, command, found_in = way
    before, above = answering.daemon.spent(), [daemon.spent() for daemon in answering.upstream]
    done = timed(pinned(command(numbers, answering.port, anchor), LOADING_CORE), numbers.parent, build)
    spent = answering.daemon.spent().seconds_since(before)
    pairs = zip(answering.upstream, above, strict=True)
    upstream = sum(daemon.spent().seconds_since(then) for daemon, then in pairs)
    if (found := found_in(done.output)) != count:
        raise FailedError(f"{name} found {found} of {count}")
    return {
        RATE.key: count / done.seconds,
        PER_CPU.key: count / done.cpu,
        CLIENT.key: 1e6 * done.cpu / count,
        BUSY.key: 100 * done.cpu / done.seconds,
        RESOLVER.key: 1e6 * spent / count,
        UPSTREAM.key: 1e6 * upstream / count,
    }
