"""Benchmark 4: cold look-ups where several providers are granted the number, and all are asked."""

from contextlib import ExitStack

from bench import dataset, world
from bench.load import Load
from bench.results import CPU, LOADED, UPSTREAM, Comparison, Measured, Metric, Sample
from bench.stage import Answering, Contestant, Stage, loaded
from bench.world import free_ports

IN_HAND = 64  # questions of the resolver on their way to providers: those that one look-up sends times look-ups
PER_MSP = Metric("per_msp_us", "CPU per authority asked (µs)", 1)


def measure(stage: Stage) -> Measured:
    """Measure it."""
    counts = stage.options.fan_out
    with ExitStack() as stack:
        rows = stage.compete([_contestant(stage, stack, count) for count in counts])
    return Measured(
        "fanout",
        "Cold look-ups, verified, several authorities",
        "Every provider, a daemon of its own, is granted the same node and has every number; the resolver is "
        "started anew for each round and asks all of them. Long answers are cut short over UDP, which is an answer "
        "here.",
        (CPU, PER_MSP, *LOADED[1:], UPSTREAM),
        rows,
        tuple(Comparison(_name(count), _name(counts[0])) for count in counts[1:]),
    )


def _name(count: int) -> str:
    return f"{count} MSPs"


def _contestant(stage: Stage, stack: ExitStack, count: int) -> Contestant:
    names = stage.options.fan_names
    stage.say(f"building a tree of ours with {count} providers of {names:,} names each")
    msps = [f"m{number:02d}.example" for number in range(count)]
    tree = world.build(stage.place / f"fan-{count}-{names}", msps, names)
    upstream = tuple(tree.authorities(stack))
    questions = stage.questions(names, dataset.CSI)

    def turn() -> Sample:
        (port,) = free_ports(1)
        with tree.resolver(port) as daemon:
            answering = Answering(daemon, port, upstream)
            outstanding = max(1, IN_HAND // count)
            what = Load(answering.port, questions, stage.options.seconds, once=True, outstanding=outstanding)
            sample = loaded(answering, what)[0]
        return {**sample, PER_MSP.key: sample[CPU.key] / count}

    return Contestant(_name(count), turn, size=count, series="authorities")
