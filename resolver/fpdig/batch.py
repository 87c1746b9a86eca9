"""Many questions: a line each, many in flight, answers in the order of the lines.

A shell. The file is read in pieces as they come, so that a pipe can ask one question now and one later; nothing
is held but what is in flight and what waits for its turn to be printed.
"""

import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

import trio

from resolver.fpdig.asking import Asker, Voice
from resolver.fpdig.options import Options, UsageError, is_blank, read_line
from resolver.fpdig.verdict import Exit, worst

IN_FLIGHT = (
    200  # questions: a socket each, a fifth of a process's usual descriptors; a resolver allows about as many
)
WAITING = 2_000  # answers that wait behind a slow one, about 10 MB; past it no more is asked
CHUNK = 65_536  # octets a read
MAX_LINE = 4_096  # octets; an identifier has at most 320, options are short
STDIN = "-"


@dataclass(slots=True)
class _Turn:
    """One line's place in the order; `said` is (is it for standard error, text)."""

    line: str
    fault: str
    done: trio.Event = field(default_factory=trio.Event)
    said: list[tuple[bool, str]] = field(default_factory=list)
    status: Exit = Exit.ANSWERED


@dataclass(slots=True)
class _Batch:
    path: str
    defaults: Options
    asker: Asker
    voice: Voice
    failed: str = ""  # why reading ended early

    async def run(self) -> Exit:
        """Ask all that the file asks."""
        send, receive = trio.open_memory_channel[_Turn](WAITING)
        statuses = {Exit.ANSWERED}
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._ask_all, send, nursery)
            async for turn in receive:
                await turn.done.wait()
                statuses.add(turn.status)
                for is_error, text in turn.said:
                    (self.voice.err if is_error else self.voice.out)(text)
        if self.failed:
            self.voice.err(f"fpdig: {self.path}: {self.failed}")
            statuses.add(Exit.BATCH)
        return worst(statuses)

    async def _ask_all(self, send: trio.MemorySendChannel[_Turn], nursery: trio.Nursery) -> None:
        """Begin a task for each line, so many at a time; the tasks are in the nursery of `run`."""
        places = trio.CapacityLimiter(IN_FLIGHT)
        number = 0
        async with send:
            try:
                async with aclosing(_lines(self.path)) as lines:
                    async for line in lines:
                        number += 1
                        turn = self._turn(number, line)
                        if turn is not None:
                            await places.acquire_on_behalf_of(turn.done)
                            await send.send(turn)
                            nursery.start_soon(self._ask, turn, places)
            except OSError as error:
                self.failed = f"cannot be read: {error.strerror}"

    def _turn(self, number: int, octets: bytes) -> _Turn | None:
        fault = f"fpdig: {self.path}:{number}: "
        if len(octets) > MAX_LINE:
            return _Turn("", f"{fault}line of more than {MAX_LINE} octets")
        try:
            line = octets.decode()
        except UnicodeDecodeError:
            return _Turn("", f"{fault}not UTF-8 text")
        return None if is_blank(line) else _Turn(line, fault)

    async def _ask(self, turn: _Turn, places: trio.CapacityLimiter) -> None:
        read = read_line(turn.line, self.defaults) if turn.line else UsageError(("",))
        if isinstance(read, UsageError):
            turn.status = Exit.USAGE
            turn.said += [(True, turn.fault + fault) for fault in read.faults]
        else:
            said = turn.said
            voice = Voice(lambda text: said.append((False, text)), lambda text: said.append((True, text)))
            turn.status = worst([await self.asker.ask(question, voice) for question in read])
        turn.done.set()
        places.release_on_behalf_of(turn.done)


async def _lines(path: str) -> AsyncGenerator[bytes]:
    """Yield the lines as they can be read, without their ends; one that is too long is cut, and seen to be."""
    descriptor = 0 if path == STDIN else os.open(path, os.O_RDONLY)
    rest = b""
    try:
        while chunk := await trio.to_thread.run_sync(os.read, descriptor, CHUNK, abandon_on_cancel=True):
            *whole, rest = (rest + chunk).split(b"\n")
            rest = rest[: MAX_LINE + 1]
            for line in whole:
                yield line
        if rest:
            yield rest
    finally:
        if path != STDIN:
            os.close(descriptor)


async def run_batch(path: str, defaults: Options, asker: Asker, voice: Voice) -> Exit:
    """Ask every question of a file, and tell the answers in the order of its lines.

    Args:
        path: The file; "-" is standard input.
        defaults: Options that hold for every line.
        asker: Asks.
        voice: Where the words go.
    """
    return await _Batch(path, defaults, asker, voice).run()
