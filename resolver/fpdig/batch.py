"""Many questions: a line each, many in flight over one connection, answers in the order of the lines.

A shell. The file is read in pieces as they come, so that a pipe can ask one question now and one later; nothing is
held but what is in flight, what waits for its turn to be printed, and a block of text.

A line whose own options name another server, another patience or a walk is asked apart, in a task of its own; its
answer has its place in the order all the same.
"""

import os
import sys
import traceback
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace

import trio

from resolver.answer import Answer
from resolver.batch import Batch, Turn
from resolver.fpdig.asking import Asker, Voice, flags_of
from resolver.fpdig.exits import Exit, worst
from resolver.fpdig.grammar import read_line
from resolver.fpdig.options import Options, Question, UsageError
from resolver.fpdig.render import Frame
from resolver.fpdig.telling import failure, placed, tell, tell_silence, warning
from resolver.fpdig.verdict import Basis, believed
from resolver.reading import Manner
from resolver.stub import Tries
from resolver.way import Way
from transport.endpoint import Endpoint
from transport.handler import Protocol
from transport.pipeline import Connect
from zonedata import identifiers
from zonedata.errors import MalformedError, UntrustedError

APART = 200  # questions asked apart at a time: a socket each, a fifth of a process's usual descriptors
CHUNK = 65_536  # octets a read
MAX_LINE = 4_096  # octets; an identifier has at most 320, options are short
BLOCK = 65_536  # characters of output written at a time, unless a terminal shows them
HOLD = 0.1  # seconds that text is held at most
STDIN = "-"

PIPELINED = {Protocol.UDP, Protocol.TCP, Protocol.TLS}  # asked through one stream; over the others, apart
Said = list[tuple[bool, str]]  # is it for standard error, text


@dataclass(slots=True)
class _Line:
    """What a line comes to that the pipeline does not ask."""

    said: Said = field(default_factory=list)
    status: Exit = Exit.ANSWERED


@dataclass(frozen=True, slots=True)
class _Way:
    """How the questions of certain options are asked through the pipeline."""

    manner: Manner
    basis: Basis


@dataclass(slots=True)
class _Run:
    path: str
    defaults: Options
    asker: Asker
    voice: Voice
    batch: Batch[Question | _Line]
    failed: str = ""  # why reading ended early
    statuses: set[Exit] = field(default_factory=lambda: {Exit.ANSWERED})
    usual: _Way | None = None  # for lines without options
    now: float = 0.0  # Unix seconds, read once for the turns that are told together
    held: list[str] = field(default_factory=list)  # text, not yet written
    held_size: int = 0

    async def run(self) -> Exit:
        """Ask all that the file asks."""
        if not (self.defaults.trace or self.defaults.direct) and self.defaults.over in PIPELINED:
            self.usual = self._way(self.defaults)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.batch.run)
            nursery.start_soon(self._ask_all, nursery)
            while turns := await self._wait_turns():
                self.now = self.asker.clock.now()
                for turn in turns:
                    self._tell(turn)
            nursery.cancel_scope.cancel()
        self._write()
        if self.failed:
            self.voice.err(f"fpdig: {self.path}: {self.failed}")
            self.statuses.add(Exit.BATCH)
        return worst(self.statuses)

    # --- asking ------------------------------------------------------------------------------------------------

    async def _ask_all(self, nursery: trio.Nursery) -> None:
        """Take the lines one after the other; what is asked apart runs in the nursery of `run`."""
        places = trio.CapacityLimiter(APART)
        number = 0
        try:
            async with aclosing(_blocks(self.path)) as blocks:
                async for lines in blocks:
                    for line in lines:
                        number += 1
                        for asked in self._read(number, line):
                            await self.batch.wait_room()
                            turn = self._turn(asked)
                            if turn.body or turn.is_done:
                                continue
                            assert isinstance(asked, Question), "all else is done at once"
                            await places.acquire_on_behalf_of(turn)
                            nursery.start_soon(self._ask_apart, turn, asked, places)
        except OSError as error:
            self.failed = f"cannot be read: {error.strerror}"
        self.batch.end()

    def _read(self, number: int, octets: bytes) -> list[Question | _Line]:
        """Return the questions of a line, or what is wrong with it."""
        faults: tuple[str, ...]
        if len(octets) > MAX_LINE:
            faults = (f"line of more than {MAX_LINE} octets",)
        else:
            try:
                words = octets.decode().split()
            except UnicodeDecodeError:
                faults = ("not UTF-8 text",)
            else:
                if not words or words[0][0] in ";#":
                    return []
                if len(words) == 1 and self.usual is not None and _is_identifier(words[0]):
                    try:
                        return [Question(identifiers.parse(words[0]), self.defaults, words[0])]
                    except MalformedError:
                        pass  # it is said below, as of every line
                read = read_line(" ".join(words), self.defaults)
                if not isinstance(read, UsageError):
                    return [*read]
                faults = read.faults
        place = f"fpdig: {self.path}:{number}: "
        return [_Line([(True, place + fault) for fault in faults], Exit.USAGE)]

    def _turn(self, asked: Question | _Line) -> Turn[Question | _Line]:
        """Take a place in the order: asked, done, or neither when it is to be asked apart."""
        if isinstance(asked, Question):
            options = asked.options
            if options is self.defaults and self.usual is not None:
                way: _Way | None = self.usual
            elif self._is_apart(options):
                way = None
            else:
                try:
                    way = self._way(options)
                except (MalformedError, UntrustedError) as error:
                    fault = f"fpdig: {asked.csi.text}: {options.anchor}: {error}"
                    return self._turn(_Line([(True, fault)], Exit.USAGE))
            if way is not None:
                turn: Turn[Question | _Line] = Turn(label=asked, csi=asked.csi, manner=way.manner)
                self.batch.ask(turn)
                return turn
            turn = Turn(label=_Line())
        else:
            turn = Turn(label=asked, is_done=True)
        self.batch.take(turn)
        return turn

    def _is_apart(self, options: Options) -> bool:
        usual = self.defaults
        mine = options.server, _stream_of(options), options.time, options.tries
        theirs = usual.server, _stream_of(usual), usual.time, usual.tries
        return options.trace or options.direct or options.over not in PIPELINED or mine != theirs

    def _way(self, options: Options) -> _Way:
        """Return how to ask.

        Raises:
            MalformedError: The anchor cannot be read.
            UntrustedError: Its own keys did not sign it.
        """
        basis, trust = self.asker.basis(options)
        return _Way(Manner(basis.qtype, flags_of(options), options.apex, trust, self.asker.beside(options)), basis)

    async def _ask_apart(
        self, turn: Turn[Question | _Line], question: Question, places: trio.CapacityLimiter
    ) -> None:
        line = turn.label
        assert isinstance(line, _Line), "it was taken to be asked apart"
        said = line.said
        voice = Voice(lambda text: said.append((False, text)), lambda text: said.append((True, text)))
        line.status = await self.asker.ask(question, voice)
        places.release_on_behalf_of(turn)
        self.batch.settle(turn)

    # --- telling -----------------------------------------------------------------------------------------------

    async def _wait_turns(self) -> list[Turn[Question | _Line]]:
        """Wait for the next turns; text that is held is written when they let wait."""
        if self.held and not self.batch.is_ready:
            if self.voice.is_watched or self.batch.is_idle:
                self._write()
            else:
                with trio.move_on_after(HOLD):
                    return await self.batch.told()
                self._write()
        return await self.batch.told()

    def _tell(self, turn: Turn[Question | _Line]) -> None:
        label = turn.label
        if isinstance(label, _Line):
            self._say(label.said, label.status)
            return
        try:
            said, status = self._answer(turn, label)
        except Exception:  # noqa: BLE001 - the barrier: a bug must cost one answer, not all
            lines = ["".join(traceback.format_exception(*sys.exc_info())).rstrip()]
            lines.append(f"fpdig: {label.csi.text}: internal error")
            said, status = [(True, line) for line in lines], Exit.INTERNAL
        self._say(said, status)

    def _answer(self, turn: Turn[Question | _Line], question: Question) -> tuple[Said, Exit]:
        options, manner = question.options, turn.manner
        assert manner is not None, "it was asked"
        usual = self.usual
        basis = usual.basis if usual is not None and manner is usual.manner else self.asker.basis(options)[0]
        frame = Frame(self.asker.version, basis, self.now)
        came = self.batch.answer(turn, self.now)
        remarks = [failure(reason) for reason in self.batch.reasons(turn)] if turn.reasons else []
        paths = (basis.anchor, *(path for path, _ in basis.others))
        anchors = (manner.trust, *manner.beside) if manner.trust is not None else ()
        remarks[:0] = [
            words for path, one in zip(paths, anchors, strict=False) if (words := warning(one, path, self.now))
        ]
        if isinstance(came, Answer):
            told = tell(believed(came, basis), question, frame)
        else:
            told = tell_silence(question, frame, self.batch.reasons(turn))
        said: Said = []
        for remark in remarks:
            out, err = placed(options, remark)
            said.append((bool(err), err or out))
        if told.out:
            said.append((False, told.out))
        if told.err:
            said.append((True, told.err))
        return said, told.status

    def _say(self, said: Said, status: Exit) -> None:
        self.statuses.add(status)
        for is_error, text in said:
            if is_error:
                self._write()  # so that the two streams keep their order where they end in one place
                self.voice.err(text)
            else:
                self.held.append(text)
                self.held_size += len(text)
        if self.held_size >= BLOCK:
            self._write()

    def _write(self) -> None:
        if self.held:
            text = "".join(self.held)
            self.held.clear()
            self.held_size = 0
            self.voice.out(text)


def _stream_of(options: Options) -> Way:
    """Return how the connection is made that a question may share."""
    return replace(options.way, protocol=Protocol.TCP) if options.over is Protocol.UDP else options.way


def _is_identifier(word: str) -> bool:
    """Say whether a word is an identifier and nothing else, as `options` reads words."""
    return word[0] not in "@-" and (word[0] != "+" or word[1:2].isdecimal())


async def _blocks(path: str) -> AsyncGenerator[list[bytes]]:
    """Yield the lines as they can be read, without their ends; one that is too long is cut, and seen to be."""
    descriptor = 0 if path == STDIN else os.open(path, os.O_RDONLY)
    rest = b""
    try:
        while chunk := await trio.to_thread.run_sync(os.read, descriptor, CHUNK, abandon_on_cancel=True):
            *whole, rest = (rest + chunk).split(b"\n")
            rest = rest[: MAX_LINE + 1]
            if whole:
                yield whole
        if rest:
            yield [rest]
    finally:
        if path != STDIN:
            os.close(descriptor)


async def run_batch(  # noqa: PLR0913, PLR0917 - what a run is made of
    path: str, defaults: Options, asker: Asker, voice: Voice, endpoint: Endpoint, connect: Connect
) -> Exit:
    """Ask every question of a file, and tell the answers in the order of its lines.

    Args:
        path: The file; "-" is standard input.
        defaults: Options that hold for every line.
        asker: Asks what is asked apart.
        voice: Where the words go.
        endpoint: Where the resolver of the other lines is.
        connect: Makes the connection to the resolver.
    """
    tries = Tries(defaults.time, defaults.tries)
    protocol = Protocol.TLS if defaults.over is Protocol.TLS else Protocol.TCP
    batch: Batch[Question | _Line] = Batch(endpoint, tries, connect, protocol)
    return await _Run(path, defaults, asker, voice, batch).run()
