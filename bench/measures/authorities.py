"""Authorities with the whole data set, ours and those of others."""

from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench import dataset
from bench.builds import Build
from bench.load import Load, Over
from bench.peers.bind import BIND
from bench.peers.knot import KNOT
from bench.peers.nsd import NSD
from bench.peers.peer import Peer
from bench.results import Sample
from bench.stage import Answering, Contestant, Stage, absent, loaded

AUTHORITIES = (NSD, KNOT, BIND)
OURS = "Fingerpost MSP"


def name_of(peer: Peer) -> str:
    """Return what a peer is called in this part: some are resolvers too."""
    return f"{peer.name} authority"


def field(stage: Stage, stack: ExitStack, over: Over = Over.UDP) -> list[Contestant]:
    """Return every authority as a contestant, all of them running."""
    count = stage.options.names
    tree = stage.world(count)

    contestants: list[Contestant] = []

    def turn(answering: Answering, questions: Path) -> Sample:
        return loaded(answering, Load(answering.port, questions, stage.options.seconds, over=over))[0]

    def contestant(name: str, answering: Answering, qtype: str) -> Contestant:
        questions = stage.questions(count, qtype)
        return Contestant(name, partial(turn, stage.warm(answering, questions), questions))

    beside = f"{dataset.MSP}.beside"
    for build, at, name in ((Build.PLAIN, tree, dataset.MSP), (Build.COMPILED, tree.beside(dataset.MSP), beside)):
        if build.why_not:
            contestants.append(Contestant(OURS + build, note=build.why_not))
        else:
            msp = Answering(stack.enter_context(at.authority(name, build=build)), at.ports[name])
            contestants.append(contestant(OURS + build, msp, dataset.CSI))
    zone = stage.zone(count)
    for peer in AUTHORITIES:
        if peer.is_installed:
            stage.say(f"starting {peer.name}")
            running = stage.authority(stack, peer, zone)
            contestants.append(contestant(name_of(peer), running, dataset.NAPTR))
        else:
            contestants.append(replace(absent(peer), name=name_of(peer)))
    return contestants
