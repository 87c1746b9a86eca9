"""Benchmark 3: looking up what is not known yet, and verifying it; one authority has the answer."""

from contextlib import ExitStack

from bench import dataset
from bench.load import Load
from bench.measures.caches import OURS
from bench.peers.nsd import NSD
from bench.peers.unbound import UNBOUND
from bench.processes import LOADING_CORE, find
from bench.results import LOADED, UPSTREAM, Comparison, Measured, Sample
from bench.stage import NOT_INSTALLED, Answering, Contestant, Stage, absent, loaded

SIGNER = "dnssec-signzone"
OUTSTANDING = 50  # look-ups in hand; the authority shares its core with the load generator


def measure(stage: Stage) -> Measured:
    """Measure it."""
    with ExitStack() as stack:
        rows = stage.compete([_ours(stage, stack), _unbound(stage, stack)])
    return Measured(
        "cold",
        "Cold look-ups, verified, one authority",
        f"The resolver is started anew for each round and asked for each of {stage.options.signed:,} names at most "
        "once. Unbound validates a zone signed with Ed25519 from its trust anchor, and NSD serves it; our resolver "
        "verifies from the root's anchor, and an MSP of ours answers.",
        (*LOADED, UPSTREAM),
        rows,
        (Comparison(OURS, UNBOUND.name),),
    )


def _ours(stage: Stage, stack: ExitStack) -> Contestant:
    tree = stage.world(stage.options.names)
    upstream = tuple(tree.authorities(stack))

    def turn() -> Sample:
        with tree.resolver() as daemon:
            answering = Answering(daemon, tree.ports["resolver"], upstream)
            return _ask(stage, answering, dataset.CSI)

    return Contestant(OURS, turn)


def _unbound(stage: Stage, stack: ExitStack) -> Contestant:
    if not (UNBOUND.is_installed and NSD.is_installed):
        return absent(UNBOUND, NSD)
    if find(SIGNER) is None:
        return Contestant(UNBOUND.name, note=f"{SIGNER} is {NOT_INSTALLED}")
    signed = stage.options.signed
    zone, anchor = stage.signed_zone(signed)
    upstream = stage.authority(stack, NSD, zone, LOADING_CORE)

    def turn() -> Sample:
        with ExitStack() as inner:
            stub = stage.stub(UNBOUND, upstream, signed, anchor)
            return _ask(stage, stage.resolver(inner, UNBOUND, stub, upstream), dataset.NAPTR)

    return Contestant(UNBOUND.name, turn)


def _ask(stage: Stage, answering: Answering, qtype: str) -> Sample:
    questions = stage.questions(stage.options.signed, qtype)
    load = Load(answering.port, questions, stage.options.seconds, once=True, outstanding=OUTSTANDING)
    return loaded(answering, load)[0]
