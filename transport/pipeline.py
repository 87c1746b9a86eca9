"""Very many questions to one server over one connection (RFC 7766): always so many in flight, replies in blocks.

A question here is a row in a table and its reply a call of a function, not a task that waits: among ten thousands
of questions a second, a task and a cancel scope for each would cost more than all the rest. Replies come in any
order. When the connection ends, another one is made and what was not answered is asked again, a bounded number of
times.

Left out: what is asked and whether a reply is one (`Asks`, the caller's); few questions, which are better asked
through a dialer.
"""

import os
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import trio

from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.framing import PREFIX, FramingError, split
from transport.stream_link import connect_stream

WINDOW = 96  # questions in flight: a server of ours reads on while it has fewer than 100 of one connection in hand
READ_SIZE = 16_384  # octets a read: what was answered is asked again while the server works on the rest
FIRST_PAUSE = 0.05  # seconds before connecting again when a connection brought nothing; doubles each time
LAST_PAUSE = 1.0  # seconds: a server that restarts is back within some of these
FREE_LOSSES = 10  # connections that may end under a question and have carried others; servers limit each one
SILENCE = "timed out"  # why whatever has waited long enough was not answered
ID_OCTETS = 2
_IDS = struct.Struct(">256H")

Connect = Callable[[Endpoint], Awaitable[trio.abc.Stream]]


@dataclass(slots=True, eq=False)
class Asked:
    """A question on its way. What belongs to it is a subclass's.

    Attributes:
        body: The message after its id.
        since: Seconds of trio's clock when it was asked, the last time.
        reasons: Why it was not answered, a reason for each try that failed.
        losses: How many connections ended under it.
    """

    body: bytes = b""
    since: float = 0.0
    reasons: tuple[str, ...] = field(default=(), init=False)
    losses: int = field(default=0, init=False)


A_contra = TypeVar("A_contra", bound=Asked, contravariant=True)
A = TypeVar("A", bound=Asked)


class Asks(Protocol[A_contra]):
    """Who asks. None of these may raise or wait."""

    def accept(self, asked: A_contra, reply_untrusted: bytes, now: float) -> bool:
        """Take a reply with the question's id, or say that it is none; then waiting goes on."""
        ...

    def give_up(self, asked: A_contra) -> None:
        """Learn that no try brought an answer; `reasons` say why."""
        ...

    def settled(self) -> None:
        """Learn that there is room again: a block of replies was taken, or questions were given up."""
        ...


class Pipeline(Generic[A]):
    """Keeps questions in flight over one connection at a time.

    Args:
        endpoint: Whom to ask.
        asks: Who asks.
        seconds: To wait for a reply, for each try; and for a connection.
        tries: How often to ask at most, not counting `FREE_LOSSES`.
        connect: Makes a connection; raises OSError, `trio.BrokenResourceError` or `UnreachableError`. For TLS,
            `ClientTls.connect` with the proof filled in.
    """

    def __init__(
        self, endpoint: Endpoint, asks: Asks[A], seconds: float, tries: int, connect: Connect = connect_stream
    ) -> None:
        self._endpoint = endpoint
        self._asks = asks
        self._seconds = seconds
        self._tries = tries
        self._connect = connect
        self._waiting: dict[int, A] = {}  # by id, oldest first; entries leave when answered or given up
        self._outbox: list[bytes] = []  # framed, not yet sent
        self._asked = trio.lowlevel.ParkingLot()  # the writer waits here, and `run` while nothing is asked
        self._patience = trio.CancelScope()  # around each read
        self._heard = 0.0  # when a reply was taken last
        self._has_carried = False  # whether this connection brought any
        self._ids: list[int] = []

    @property
    def room(self) -> int:
        """How many questions more may be asked now."""
        return WINDOW - len(self._waiting)

    def ask(self, asked: A) -> None:
        """Put a question into the window; there must be room."""
        own = self._free_id()
        asked.since = trio.current_time()
        if not self._waiting:
            self._patience.deadline = asked.since + self._seconds
        self._waiting[own] = asked
        self._outbox.append((len(asked.body) + ID_OCTETS).to_bytes(2) + own.to_bytes(ID_OCTETS) + asked.body)
        self._asked.unpark_all()

    async def run(self) -> None:
        """Connect when something is asked, and carry questions, until cancelled."""
        pause = FIRST_PAUSE
        while True:
            while not self._waiting:
                await self._asked.park()
            self._has_carried = False
            self._end(await self._connect_and_carry())
            self._asks.settled()
            if self._has_carried:
                pause = FIRST_PAUSE
            elif self._waiting:
                await trio.sleep(pause)
                pause = min(2 * pause, LAST_PAUSE)

    async def _connect_and_carry(self) -> str:
        """Return why the connection ended, or why there was none."""
        try:
            with trio.fail_after(self._seconds):
                stream = await self._connect(self._endpoint)
        except trio.TooSlowError:
            return SILENCE
        except UnreachableError as error:
            return error.reason
        except (OSError, trio.BrokenResourceError) as error:
            return getattr(error, "strerror", None) or str(error)
        now = trio.current_time()
        for asked in self._waiting.values():
            asked.since = now  # waiting for a connection was not waiting for a reply
        reason = "the connection broke"
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write, stream, nursery.cancel_scope)
                reason = await self._read(stream)
                nursery.cancel_scope.cancel()
        finally:
            await trio.aclose_forcefully(stream)
        return reason

    async def _write(self, stream: trio.abc.Stream, connection: trio.CancelScope) -> None:
        while True:
            while not self._outbox:
                await self._asked.park()
            octets = b"".join(self._outbox)
            self._outbox.clear()
            try:
                await stream.send_all(octets)
            except trio.BrokenResourceError:
                connection.cancel()

    async def _read(self, stream: trio.abc.Stream) -> str:
        """Return why there is nothing more to read."""
        rest, wanted = bytearray(), PREFIX  # what came of an unfinished message, and how long it will be at least
        while True:
            with trio.CancelScope(deadline=self._deadline()) as self._patience:
                try:
                    data = await stream.receive_some(READ_SIZE)
                except trio.BrokenResourceError:
                    return "the connection broke"
                if not data:
                    return "the server closed the connection"
                rest += data
                if len(rest) < wanted:
                    continue
                try:
                    replies, taken = split(bytes(rest))
                except FramingError as error:
                    return str(error)
                del rest[:taken]
                wanted = PREFIX + int.from_bytes(rest[:PREFIX])
                self._take_untrusted(replies)
                continue
            if not self._renew():
                return SILENCE

    def _take_untrusted(self, replies: list[bytes]) -> None:
        now = trio.current_time()
        waiting, accept = self._waiting, self._asks.accept
        for reply in replies:
            own = int.from_bytes(reply[:ID_OCTETS])
            asked = waiting.get(own)
            if asked is not None and accept(asked, reply, now):
                del waiting[own]
                self._heard = now
                self._has_carried = True
        self._asks.settled()

    def _deadline(self) -> float:
        """Return when the oldest question has waited long enough."""
        oldest = next(iter(self._waiting.values()), None)
        return oldest.since + self._seconds if oldest is not None else float("inf")

    def _renew(self) -> bool:
        """Ask again, or give up, what has waited too long; return whether the connection may still be alive."""
        now = trio.current_time()
        late = [(own, asked) for own, asked in self._waiting.items() if asked.since + self._seconds <= now]
        if late and self._heard <= late[0][1].since:
            return False
        for own, asked in late:
            del self._waiting[own]
            self._ask_again(asked, SILENCE)
        self._asks.settled()
        return True

    def _end(self, reason: str) -> None:
        """Ask again, or give up, whatever is in flight on a connection that ended, or that there never was.

        The oldest question goes last: if it was what ended the connection, the others are answered before it does
        so again.
        """
        now = trio.current_time()
        unanswered = list(self._waiting.values())
        unanswered = unanswered[1:] + unanswered[:1]
        self._waiting.clear()
        self._outbox.clear()
        for asked in unanswered:
            is_late = asked.since + self._seconds <= now
            is_lost = self._has_carried and asked.losses < FREE_LOSSES
            is_free = not is_late and (is_lost or reason == SILENCE)
            asked.losses += 1
            self._ask_again(asked, "" if is_free else reason)

    def _ask_again(self, asked: A, reason: str) -> None:
        if reason:
            asked.reasons += (reason,)
        if len(asked.reasons) < self._tries:
            self.ask(asked)
        else:
            self._asks.give_up(asked)

    def _free_id(self) -> int:
        """Return an id that is not in flight, and that nobody can guess."""
        while True:
            if not self._ids:
                self._ids.extend(_IDS.unpack(os.urandom(_IDS.size)))
            own = self._ids.pop()
            if own not in self._waiting:
                return own
