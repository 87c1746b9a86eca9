"""The desk: a process that answers `fingerpost ctl` and those who watch, and asks the others for it.

    forked -> its socket and addresses served -> TERM -> end

It is a child of the supervisor like any worker, ends like one, and is replaced like one. A command over the socket
may wait for workers; questions of DNS never wait for it.
"""

import logging
import signal
import socket
import time
from dataclasses import dataclass
from typing import Final

import trio

from fingerpost import VERSION, logfmt
from fingerpost.control import messages
from fingerpost.control.asking import Line, SilentError
from fingerpost.control.asking import Take as Say
from fingerpost.control.channels import Channels
from fingerpost.control.verbs import UnknownVerbError, Verb, Who, verb_of
from fingerpost.control.watching import Watching
from fingerpost.listening import Opened
from fingerpost.metrics.exposition import to_text
from fingerpost.metrics.rows import Rows
from fingerpost.supervisor import Seat
from transport.http_listener import serve_http

CLIENTS: Final = 16  # at a time; more wait in the kernel
REQUEST_SECONDS: Final = 5.0  # for the line with the words; whoever types sends it at once
SEND_SECONDS: Final = 30.0  # for a line to be taken; a pager may be in front of it
GRACE: Final = 1.0  # seconds for conversations, once we are told to end
READ: Final = 4_096  # octets a read

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Desk:
    """What the desk has from the supervisor.

    Attributes:
        daemon: "resolver" or "authority".
        name: The authority's, or "".
        channels: To everybody.
        rows: What they have counted.
        control: Where commands come in, or None.
        http: Where watchers ask.
        began: Unix seconds at which the daemon was started.
    """

    daemon: str
    name: str
    channels: Channels
    rows: Rows
    control: socket.socket | None
    http: tuple[Opened, ...]
    began: float

    def name_of(self, number: int) -> str:
        """Return what a process is called, by its number among the children of the supervisor."""
        return "desk" if number == len(self.channels.workers) else f"worker {number}"

    def close(self) -> None:
        """Close what the desk listens at, in the process of a worker."""
        if self.control is not None:
            self.control.close()
        for opened in self.http:
            opened.close()

    def work(self, seat: Seat) -> int:
        """Be the desk until told to end, and return the exit status."""
        logfmt.identify("part=desk")
        supervisor, workers = self.channels.desk_ends()
        lines = [Line.over(f"worker {number}", end) for number, end in enumerate(workers)]
        trio.run(self._run, seat, Line.over("the supervisor", supervisor), lines)
        return 0

    async def _run(self, seat: Seat, supervisor: Line, workers: list[Line]) -> None:
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGHUP) as signals:
            seat.take_signals()
            async with trio.open_nursery() as nursery:
                for line in (supervisor, *workers):
                    nursery.start_soon(line.run)
                conversations = _Conversations(self, supervisor, workers)
                if self.control is not None:
                    nursery.start_soon(conversations.serve, trio.socket.from_stdlib_socket(self.control))
                watching = Watching(self.rows, conversations.why_not_ready)
                for opened in self.http:
                    await nursery.start(serve_http, opened.socks[0], watching.handle)
                nursery.start_soon(_end_when_orphaned, seat, nursery.cancel_scope)
                seat.say_ready()
                async for number in signals:
                    if number == signal.SIGTERM:
                        break
                with trio.move_on_after(GRACE):
                    await conversations.ended()  # whoever has us end is told that it is done
                nursery.cancel_scope.cancel()


class _Conversations:
    """What is said over the control socket."""

    def __init__(self, desk: Desk, supervisor: Line, workers: list[Line]) -> None:
        self._desk = desk
        self._supervisor = supervisor
        self._workers = workers
        self._places = trio.Semaphore(CLIENTS)
        self._silence = trio.lowlevel.ParkingLot()  # who waits for the last conversation to end waits here

    async def ended(self) -> None:
        """Wait until nobody is spoken with."""
        while self._places.value < CLIENTS - 1:  # one is held for whoever comes next
            await self._silence.park()

    async def serve(self, listener: trio.socket.SocketType) -> None:
        async with trio.open_nursery() as nursery:
            while True:
                await self._places.acquire()
                try:
                    sock, _ = await listener.accept()
                except OSError as error:
                    log.warning("event=accept-failed reason=%s", logfmt.quoted(error.strerror))
                    self._places.release()
                    await trio.sleep(REQUEST_SECONDS)
                    continue
                nursery.start_soon(self._converse, trio.SocketStream(sock))

    async def _converse(self, stream: trio.SocketStream) -> None:
        try:
            async with stream:
                await self._answer(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError):
            log.info("event=ctl-gone")
        except Exception:  # the barrier: a bug must cost one command, not the desk
            log.exception("event=internal-error part=control")
        finally:
            self._places.release()
            self._silence.unpark_all()

    async def _answer(self, stream: trio.SocketStream) -> None:
        async def say(lines: list[str]) -> None:
            if lines:
                with trio.fail_after(SEND_SECONDS):
                    await stream.send_all(b"".join(map(messages.line, lines)))

        try:
            words = messages.words_in(await _request_line(stream))
            verb, operands = verb_of(words, self._desk.daemon)
        except (messages.NotAskedError, UnknownVerbError) as error:
            reason = str(error)
        else:
            log.info("event=asked verb=%s", logfmt.quoted(verb.name))
            try:
                reason = await self._do(verb, operands, say)
            except SilentError as error:
                reason = str(error)
        with trio.fail_after(SEND_SECONDS):
            await stream.send_all(messages.end(reason))

    async def _do(self, verb: Verb, operands: list[str], say: Say) -> str:
        """Do it, and return why it was not done."""
        match verb.who:
            case Who.SUPERVISOR:
                return await self._supervisor.ask(verb.name, operands, say)
            case Who.ALL:
                return await self._all(verb, operands, say)
            case Who.DESK if verb.name == "status":
                return await self._status(say)
            case Who.DESK:
                await say(to_text(self._desk.rows.total()).splitlines())
                return ""
        raise AssertionError(verb)

    async def _all(self, verb: Verb, operands: list[str], say: Say) -> str:
        """Ask one after the other, so that what they say does not mix; a refusal of one stops none."""
        reasons = []
        for number, worker in enumerate(self._workers):

            async def tell(lines: list[str], number: int = number) -> None:
                await say([f"worker={number} {line}" for line in lines])

            try:
                reasons.append(await worker.ask(verb.name, operands, tell))
            except SilentError as error:
                reasons.append(str(error))
        return next(filter(None, reasons), "")

    async def _status(self, say: Say) -> str:
        desk = self._desk
        await say([
            f"version: {VERSION}",
            f"daemon: {desk.daemon}" + (f" {desk.name}" if desk.name else ""),
            f"running: {time.time() - desk.began:.0f} s",
        ])  # fmt: skip
        return await self._supervisor.ask("status", [], say)

    async def why_not_ready(self) -> str | None:
        """Return why the daemon is not ready, "" when it is; None when the supervisor does not answer."""

        async def take(_lines: list[str]) -> None:
            pass

        try:
            return await self._supervisor.ask("ready", [], take)
        except SilentError:
            return None


async def _request_line(stream: trio.SocketStream) -> bytes:
    """Return the line with the words.

    Raises:
        NotAskedError: It is too long, or does not come.
    """
    line = bytearray()
    with trio.move_on_after(REQUEST_SECONDS):
        while b"\n" not in line:
            data = await stream.receive_some(READ)
            if not data:
                raise messages.NotAskedError("the line with the words was cut short")
            line += data
            if len(line) > messages.MAX_REQUEST:
                raise messages.NotAskedError(f"more than {messages.MAX_REQUEST} octets of words")
        return bytes(line)
    raise messages.NotAskedError("no words came")


async def _end_when_orphaned(seat: Seat, scope: trio.CancelScope) -> None:
    await trio.lowlevel.wait_readable(seat.lifeline)
    scope.cancel()
