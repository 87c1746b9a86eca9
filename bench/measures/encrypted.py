"""Benchmark 10: what an answer out of the cache costs over established DoT and DoH connections."""

from contextlib import ExitStack
from functools import partial

from bench.builds import Build
from bench.load import OUTSTANDING, STREAMS, Load, Over
from bench.measures import caches
from bench.measures.ours import NAME
from bench.peers.nsd import NSD
from bench.peers.unbound import UNBOUND
from bench.results import CPU, LOADED, Comparison, Measured, Metric, Row, Sample
from bench.stage import Contestant, Stage, absent, loaded

ADDED = Metric("added_us", "more than over TCP in the same round (µs)", 1)
TITLES = {Over.DOT: "DoT", Over.DOH: "DoH"}


def measure(stage: Stage) -> Measured:
    """Measure it."""
    rows: list[Row] = []
    for over in TITLES:
        with ExitStack() as stack:
            rows += stage.compete(_field(stage, stack, over))
    return Measured(
        "encrypted",
        "Over TLS and over HTTPS",
        f"Answers from the cache, over {STREAMS} connections that stay, with {OUTSTANDING} questions on their way "
        "in all; the same over TCP right before, in each round. Our answers are padded, so that their length does "
        "not tell who was found; Unbound pads when it is asked to, which dnsperf does not do.",
        (*LOADED, ADDED),
        tuple(rows),
        tuple(
            Comparison(_name(NAME + build, over), _name(UNBOUND.name, over), metric)
            for over in TITLES
            for build in Build
            for metric in (CPU, ADDED)
        ),
    )


def _name(who: str, over: Over) -> str:
    return f"{who}, {TITLES[over]}"


def _field(stage: Stage, stack: ExitStack, over: Over) -> list[Contestant]:
    here = {**caches.peers(stage, stack, (UNBOUND,), over), **caches.ours(stage, stack, over)}

    def turn(name: str) -> Sample:
        seconds = stage.options.seconds
        answering = here[name].full(2 * seconds)
        samples = {
            way: loaded(answering, Load(answering.at(way), here[name].questions, seconds, over=way))[0]
            for way in (Over.TCP, over)
        }
        return {**samples[over], ADDED.key: samples[over][CPU.key] - samples[Over.TCP][CPU.key]}

    contestants = []
    for build in Build:
        name = NAME + build
        run = partial(turn, name) if name in here else None
        contestants.append(Contestant(_name(name, over), run, note=build.why_not))
    if UNBOUND.name in here:
        contestants.append(Contestant(_name(UNBOUND.name, over), partial(turn, UNBOUND.name)))
    else:
        missing = absent(UNBOUND, NSD)
        contestants.append(Contestant(_name(UNBOUND.name, over), note=missing.note))
    return contestants
