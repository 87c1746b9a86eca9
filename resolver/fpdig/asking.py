"""Asking one question and telling what came: tries, the walk, the barrier around both.

A shell: it sends through a dialer, and decides nothing that `verdict` could. Where its words go is the caller's
choice (`Voice`), so that one question can talk while it waits and many can wait for their turn.
"""

import sys
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from resolver.answer import Answer
from resolver.asked import Asked
from resolver.direct import complete_directly
from resolver.fpdig import trace
from resolver.fpdig.exits import Exit
from resolver.fpdig.naming import find_endpoints
from resolver.fpdig.options import Options, Question
from resolver.fpdig.output import unwritten_in
from resolver.fpdig.render import Frame, banner
from resolver.fpdig.telling import Told, failure, placed, tell, tell_silence, warning
from resolver.fpdig.verdict import Basis, believed
from resolver.settings import Settings
from resolver.stub import Stub, Tries
from resolver.way import Way
from transport.clock import Clock
from transport.dialer import Dialer
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from zonedata import wire
from zonedata.errors import MalformedError, UntrustedError
from zonedata.identifiers import Csi
from zonedata.trust import Trust, read_anchor
from zonedata.wire import QType
from zonedata.zone_statements import Server


@dataclass(frozen=True, slots=True)
class Voice:
    """Where words go.

    Attributes:
        out: Takes text for standard output, with its newlines.
        err: Takes a line for standard error.
        is_watched: Whether somebody reads standard output as it comes, a terminal's.
    """

    out: Callable[[str], None]
    err: Callable[[str], None]
    is_watched: bool = False


class Walks(Protocol):
    """What walks from the root; `resolver.client.Walker` does."""

    async def lookup(self, csi: Csi, observe: Callable[[Asked], None] | None = None) -> Answer:
        """Find out about one identifier."""
        ...


def flags_of(options: Options) -> int:
    """Return the flags of a question."""
    return wire.FLAG_RD | (wire.FLAG_CD if options.cd else 0)


def settings_of(options: Options) -> Settings:
    """Return how authorities are asked: in a laboratory in plain DNS, too, and at private addresses."""
    return Settings(apex=options.apex, lab_addresses=options.lab, allow_plain_upstream=options.lab)


def make_walker(trust: Trust, dialer: Dialer, clock: Clock, options: Options) -> Walks:
    """Return the engine for +trace."""
    from resolver.client import Walker  # noqa: PLC0415 - only +trace walks, and a short run is to start quickly

    if options.root is not None:
        ports = (("tcp", options.root.port), ("udp", options.root.port))
        trust = replace(trust, servers=(Server(options.root.host, (options.root.host,), ports),))
    return Walker(trust, dialer, clock, settings_of(options))


MakeWalker = Callable[[Trust, Dialer, Clock, Options], Walks]
FindEndpoints = Callable[[Endpoint], Awaitable[list[Endpoint]]]


@dataclass(slots=True)
class Asker:
    """Asks questions, any number at a time.

    Attributes:
        dialer: How to reach servers.
        clock: Whose time judges proofs.
        version: Of fpdig, for the banner.
        make_walker: Makes the engine for +trace.
        find_endpoints: Finds where a server is that is given by its name.
    """

    dialer: Dialer
    clock: Clock
    version: str
    make_walker: MakeWalker = make_walker
    find_endpoints: FindEndpoints = find_endpoints
    _anchors: dict[str, Trust] = field(default_factory=dict)  # by path, each read once
    _bearers: dict[str, str] = field(default_factory=dict, repr=False)  # likewise

    def load(self, path: str) -> Trust:
        """Return the trust anchor of a file.

        Raises:
            MalformedError: The file cannot be read, or is no anchor.
            UntrustedError: Its own keys did not sign it.
        """
        if path not in self._anchors:
            self._anchors[path] = read_anchor(Path(path))
        return self._anchors[path]

    def way(self, options: Options) -> Way:
        """Return how a server is asked, and with which token.

        Raises:
            MalformedError: The token's file cannot be read, or holds none.
            UntrustedError: Others may have read it.
        """
        way = options.way
        if not options.bearer:
            return way
        if options.bearer not in self._bearers:
            from resolver import bearer_file  # noqa: PLC0415 - few ask so, and a short run is to start quickly

            self._bearers[options.bearer] = bearer_file.read(Path(options.bearer))
        return replace(way, resource=replace(way.resource, bearer=self._bearers[options.bearer]))

    async def ask(self, question: Question, voice: Voice) -> Exit:
        """Ask, tell, and return the exit status; a bug of ours is one of them."""
        try:
            return await self._ask(question, voice)
        except Exception as error:  # the barrier: in a batch a bug must cost one answer, not all
            if unwritten_in(error) is not None:  # not a bug, and no use to go on
                raise
            voice.err("".join(traceback.format_exception(*sys.exc_info())).rstrip())
            voice.err(f"fpdig: {question.csi.text}: internal error")
            return Exit.INTERNAL

    def basis(self, options: Options) -> tuple[Basis, Trust | None]:
        """Return what an answer is checked against.

        Raises:
            MalformedError: As `load`.
            UntrustedError: As `load`.
        """
        qtype = QType.CSI if options.csi else QType.PROOF
        if not options.anchor:
            return Basis(qtype=qtype, least=options.assurance), None
        trust = self.load(options.anchor)
        others = tuple(zip(options.beside, (one.tree for one in self.beside(options)), strict=True))
        return Basis(options.anchor, trust.tree, qtype, options.assurance, others), trust

    def beside(self, options: Options) -> tuple[Trust, ...]:
        """Return the further anchors.

        Raises:
            MalformedError: As `load`; or two are of one tree.
            UntrustedError: As `load`.
        """
        if not options.beside:
            return ()
        found = [self.load(path) for path in (options.anchor, *options.beside)]
        if len({trust.tree for trust in found}) < len(found):
            raise MalformedError(f"two anchors of one tree among it and {', '.join(options.beside)}")
        return tuple(found[1:])

    async def _ask(self, question: Question, voice: Voice) -> Exit:
        options = question.options
        path = options.anchor
        try:
            basis, trust = self.basis(options)
            path = options.bearer
            way = self.way(options)
        except (MalformedError, UntrustedError) as error:
            voice.err(f"fpdig: {question.csi.text}: {path}: {error}")
            return Exit.USAGE
        asking = _Asking(self, question, voice, Frame(self.version, basis, self.clock.now()))
        if options.trace:
            assert trust is not None, "options demand an anchor for +trace"
            return await asking.walk(trust)
        return await asking.ask(trust, way)


@dataclass(slots=True)
class _Asking:
    """One question on its way."""

    asker: Asker
    question: Question
    voice: Voice
    frame: Frame

    async def ask(self, trust: Trust | None, way: Way) -> Exit:
        """Ask the resolver, as often as the options say."""
        options = self.question.options
        beside = self.asker.beside(options)
        for path, one in zip((options.anchor, *options.beside), (trust, *beside), strict=True):
            if one is not None and (words := warning(one, path, self.frame.now)):
                self._remark(words)
        flags = flags_of(options)
        tries = Tries(options.time, 1)
        asker, reasons = self.asker, list[str]()
        try:
            servers = await asker.find_endpoints(options.server)
        except UnreachableError as error:
            return self._tell(tell_silence(self.question, self.frame, [f"{error.endpoint}: {error.reason}"]))
        stub = Stub(servers, asker.dialer, asker.clock, options.apex, trust, tries, beside, way=way)
        for attempt in range(options.tries):
            stub.servers = [servers[attempt % len(servers)]]
            try:
                answer = await stub.lookup(self.question.csi, self.frame.basis.qtype, flags)
            except UnreachableError as error:
                reasons.append(error.reason)
                self._remark(failure(error.reason))
            else:
                if options.direct:
                    assert trust is not None, "options demand an anchor for +direct"
                    settings = settings_of(options)
                    answer = await complete_directly(answer, trust, asker.dialer, asker.clock, settings)
                unkept = self._keep(answer, trust)
                told = tell(believed(answer, self.frame.basis), self.question, self.frame)
                return max(self._tell(told), unkept)
        return self._tell(tell_silence(self.question, self.frame, reasons))

    def _keep(self, answer: Answer, trust: Trust | None) -> Exit:
        """Write what is to be kept of an answer, before anything is told of it."""
        options = self.question.options
        if not options.kept:
            return Exit.ANSWERED
        from resolver.fpdig.keeping import keep  # noqa: PLC0415 - few answers are kept

        assert trust is not None, "options demand an anchor for what is kept"
        faults = keep(answer, options, trust, self.asker.clock.now())
        for fault in faults:
            self.voice.err(f"fpdig: {self.question.csi.text}: {fault}")
        return Exit.UNKEPT if faults else Exit.ANSWERED

    async def walk(self, trust: Trust) -> Exit:
        """Walk from the root, telling each step as it is taken."""
        options, asker = self.question.options, self.asker
        walker = asker.make_walker(trust, asker.dialer, asker.clock, options)
        steps: list[Asked] = []
        if options.is_text and options.cmd:
            self.voice.out("".join(f"{line}\n" for line in [*banner(self.question, self.frame), ""]))

        def observe(step: Asked) -> None:
            steps.append(step)
            if options.is_text:
                self.voice.out(trace.step_text(len(steps), step, self.question.csi))

        answer = believed(await walker.lookup(self.question.csi, observe), self.frame.basis)
        self.question = replace(self.question, options=replace(options, cmd=False))
        self.frame = replace(self.frame, asked=len(steps))
        if steps and options.is_text:
            self.voice.out("\n")
        silence = trace.silence_of(steps)
        status = self._tell(tell(answer, self.question, self.frame, steps, silence))
        if silence:
            self._remark(f";; {silence}")
        return Exit.UNREACHED if silence else status

    def _tell(self, told: Told) -> Exit:
        if told.out:
            self.voice.out(told.out)
        if told.err:
            self.voice.err(told.err)
        return told.status

    def _remark(self, line: str) -> None:
        """Say something about the asking itself."""
        out, err = placed(self.question.options, line)
        if out:
            self.voice.out(out)
        if err:
            self.voice.err(err)
