"""Benchmark 3: looking up what is not known yet, and verifying it; one authority has the answer."""

from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from bench import dataset
from bench.builds import Build
from bench.load import Load
from bench.measures.ours import NAME, Ours
from bench.peers.nsd import NSD
from bench.peers.unbound import UNBOUND
from bench.processes import LOADING_CORE, find
from bench.results import LOADED, UPSTREAM, Comparison, Measured, Sample
from bench.stage import NOT_INSTALLED, Answering, Contestant, Stage, absent, loaded

SIGNER = "dnssec-signzone"
WHOLE_NAMES = f"{UNBOUND.name}, whole names"
OUTSTANDING = 50  # look-ups in hand; the authority shares its core with the load generator


def measure(stage: Stage) -> Measured:
    """Measure it."""
    with ExitStack() as stack:
        rows = stage.compete([*_ours(stage, stack), *_unbound(stage, stack)])
    return Measured(
        "cold",
        "Cold look-ups, verified, one authority",
        f"The resolver is started anew for each round and asked for each of {stage.options.signed:,} names at most "
        "once. Unbound validates a zone signed with Ed25519 from its trust anchor, and NSD serves it; our resolver "
        "verifies from the root's anchor, and an MSP of ours answers. By default Unbound asks label by label, "
        "which is several questions for names of so many labels; the second row of it asks for the whole name at "
        "once.",
        (*LOADED, UPSTREAM),
        rows,
        tuple(Comparison(NAME + build, name) for build in Build for name in (UNBOUND.name, WHOLE_NAMES)),
    )


def _ours(stage: Stage, stack: ExitStack) -> list[Contestant]:
    ours = Ours.running(stage, stack)

    def turn(build: Build) -> Sample:
        with ExitStack() as inner:
            return _ask(stage, ours.resolver(inner, build=build), dataset.CSI)

    return [
        Contestant(NAME + build, None if build.why_not else partial(turn, build), build.why_not) for build in Build
    ]


def _unbound(stage: Stage, stack: ExitStack) -> list[Contestant]:
    if not (UNBOUND.is_installed and NSD.is_installed):
        return [absent(UNBOUND, NSD)]
    if find(SIGNER) is None:
        return [Contestant(UNBOUND.name, note=f"{SIGNER} is {NOT_INSTALLED}")]
    signed = stage.options.signed
    zone, anchor = stage.signed_zone(signed)
    upstream = stage.authority(stack, NSD, zone, LOADING_CORE)

    def turn(*, minimises: bool) -> Sample:
        with ExitStack() as inner:
            stub = replace(stage.stub(UNBOUND, upstream, signed, anchor), minimises=minimises)
            return _ask(stage, stage.resolver(inner, UNBOUND, stub, upstream), dataset.NAPTR)

    return [
        Contestant(UNBOUND.name, partial(turn, minimises=True)),
        Contestant(WHOLE_NAMES, partial(turn, minimises=False)),
    ]


def _ask(stage: Stage, answering: Answering, qtype: str) -> Sample:
    questions = stage.questions(stage.options.signed, qtype)
    load = Load(answering.port, questions, stage.options.seconds, once=True, outstanding=OUTSTANDING)
    return loaded(answering, load)[0]
