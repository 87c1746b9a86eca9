"""Resolvers with a working set in their caches, ours and those of others."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench import dataset, load
from bench.builds import Build
from bench.load import Load, Over
from bench.measures.ours import NAME, Ours
from bench.peers.bind import BIND
from bench.peers.nsd import NSD
from bench.peers.peer import Peer
from bench.peers.powerdns import POWERDNS
from bench.peers.unbound import UNBOUND
from bench.processes import LOADING_CORE
from bench.results import Sample
from bench.stage import Answering, Contestant, Stage, absent, loaded

RESOLVERS = (UNBOUND, POWERDNS, BIND)
OUR_LIFE = 240.0  # seconds from the beginning of filling for which nothing of ours expires: assertions live for 300
PADDED_FACTOR = 3  # times the room of a plain answer for a padded one and the plain one beside it
FILLING = 50  # questions on their way while a cache is filled


class Filled:
    """A resolver whose cache holds a working set; started and filled anew when that would expire.

    Args:
        stage: Where it runs.
        start: Runs it, with empty caches, until the stack given is left.
        questions: For the working set.
        life: Seconds from the beginning of filling until something may have expired; None is never.
        over: Over what it is filled; a reply over UDP may be another one, and not the one that is ready.
    """

    def __init__(
        self,
        stage: Stage,
        start: Callable[[ExitStack], Answering],
        questions: Path,
        life: float | None,
        over: Over = Over.UDP,
    ) -> None:
        self._stage = stage
        self._start = start
        self._life = life
        self._over = over
        self._answering: Answering | None = None
        self._filled = 0.0
        self._stack = ExitStack()
        self.questions = questions

    def close(self) -> None:
        """End it."""
        self._stack.close()
        self._answering = None

    def full(self, seconds: float) -> Answering:
        """Return it with a full cache that lasts for so many seconds more."""
        lasts = self._life is None or time.monotonic() - self._filled + seconds < self._life
        if self._answering is None or not lasts:
            self.close()
            self._answering = self._start(self._stack)
            self._filled = time.monotonic()
            # Encrypted, replies are padded, and kept apart from those over TCP, which are measured beside them.
            if self._over.is_encrypted:
                self._fill(Over.TCP)
            outcome = self._fill(self._over)
            spent = time.monotonic() - self._filled
            name = self._answering.daemon.name
            self._stage.say(f"{name} filled with {outcome.completed:,} answers in {spent:.1f} s")
        return self._answering

    def _fill(self, over: Over) -> load.Outcome:
        assert self._answering is not None, "it was started"
        port = self._answering.at(over)
        return load.run(Load(port, self.questions, None, once=True, outstanding=FILLING, over=over))


def peers(
    stage: Stage, stack: ExitStack, programs: tuple[Peer, ...] = RESOLVERS, over: Over = Over.UDP
) -> dict[str, Filled]:
    """Run the resolvers of others above one NSD; those that are not installed are not among them."""
    found: dict[str, Filled] = {}
    if not NSD.is_installed:
        return found
    working = stage.options.working
    upstream = stage.authority(stack, NSD, stage.zone(stage.options.names), LOADING_CORE)
    questions = stage.questions(working, dataset.NAPTR)
    for peer in programs:
        if peer.is_installed:

            def start(inner: ExitStack, peer: Peer = peer) -> Answering:
                doors = stage.doors() if over.is_encrypted else None
                return stage.resolver(inner, peer, stage.stub(peer, upstream, working, doors=doors), upstream)

            found[peer.name] = Filled(stage, start, questions, None, over)
            stack.callback(found[peer.name].close)
    return found


def ours(stage: Stage, stack: ExitStack, over: Over = Over.UDP) -> dict[str, Filled]:
    """Run our resolver in every build that there is, all above the same root and provider."""
    working = stage.options.working
    above = Ours.running(stage, stack)
    questions = stage.questions(working, dataset.CSI)
    found: dict[str, Filled] = {}
    for build in Build:
        if not build.why_not:
            doors = stage.doors() if over.is_encrypted else None
            entries = working * (PADDED_FACTOR if doors is not None else 1)
            start = partial(above.resolver, entries=entries, build=build, doors=doors)
            found[NAME + build] = Filled(stage, start, questions, OUR_LIFE, over)
            stack.callback(found[NAME + build].close)
    return found


def field(stage: Stage, stack: ExitStack, over: Over = Over.UDP) -> list[Contestant]:
    """Return every resolver as a contestant that answers from its cache."""
    here = {**peers(stage, stack, over=over), **ours(stage, stack, over)}

    def turn(name: str) -> Sample:
        filled = here[name]
        answering = filled.full(stage.options.seconds)
        return loaded(answering, Load(answering.at(over), filled.questions, stage.options.seconds, over=over))[0]

    contestants = []
    for build in Build:
        name = NAME + build
        run = partial(turn, name) if name in here else None
        contestants.append(Contestant(name, run, note=build.why_not))
    for peer in RESOLVERS:
        is_here = peer.name in here
        contestants.append(Contestant(peer.name, partial(turn, peer.name)) if is_here else absent(peer, NSD))
    return contestants
