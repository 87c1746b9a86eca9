"""One connection of a client: messages in, replies out in any order (RFC 7766), and when it has to end.

Works on any stream, encrypted or not. Left out: accepting, handshakes, counting connections, closing the
stream: all the listener's.
"""

import math
from dataclasses import dataclass, field
from functools import partial

import trio

from transport.clock import Clock
from transport.framing import Deframer, FramingError, frame
from transport.handler import Caller, Handler, Later
from transport.later import LaterPool
from transport.slots import Slots, StreamLimits

READ_SIZE = 4_096  # octets a read: at most some hundred queries between two looks at the event loop


@dataclass(slots=True)
class StreamCounts:
    """Counters shared by the connections of one listener; `StreamStatistics` says what they mean."""

    accepted: int = 0
    refused: int = 0
    handshakes: int = 0
    resumed: int = 0
    handshakes_failed: int = 0
    handshakes_slow: int = 0
    handshakes_refused: int = 0
    received: int = 0
    answered: int = 0
    silent: int = 0
    unsendable: int = 0
    undelivered: int = 0
    misframed: int = 0
    impatient: int = 0
    unread: int = 0
    broken: int = 0
    accept_errors: int = 0


@dataclass(frozen=True, slots=True)
class StreamService:
    """What all connections of one listener share."""

    handler: Handler
    clock: Clock
    later: LaterPool
    limits: StreamLimits
    slots: Slots
    counts: StreamCounts = field(default_factory=StreamCounts)


class StreamSession:
    """One connection being served.

    A reader and a writer. The reader stops while too many messages are in hand or half the queue is full, so
    only replies from the later pool can pile up on a client that does not read. The writer takes all that is
    queued in one piece.
    """

    def __init__(self, stream: trio.abc.Stream, caller: Caller, service: StreamService) -> None:
        self._stream = stream  # owned by the listener
        self._caller = caller
        self._service = service
        self._deframer = Deframer(service.limits.message)
        self._outbox: list[bytes] = []  # framed, in the order they became ready
        self._queued = 0  # octets in the outbox
        self._writing = False
        self._in_hand = 0  # messages whose reply is being worked out in the later pool
        self._ended = False
        self._spoken = False
        self._since = trio.current_time()  # when we began to wait for what we now wait for
        self._changed = trio.lowlevel.ParkingLot()  # reader and writer wait here for each other
        self._patience = trio.CancelScope()  # around each read
        self._reading = trio.CancelScope()  # around all reading
        self._life = trio.CancelScope()

    async def run(self) -> None:
        """Serve until the client leaves, breaks a rule, or `finish` is called and nothing is left in hand."""
        try:
            with self._life:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write_replies)
                    orderly = True
                    with self._reading:
                        orderly = await self._read_messages()
                    if orderly:
                        await self._wait_replied()
                    nursery.cancel_scope.cancel()
        finally:
            self._ended = True

    def finish(self) -> None:
        """Read no further; replies in hand still go out."""
        self._reading.cancel()

    def hurry(self) -> None:
        """See anew how long the client may keep us waiting."""
        self._patience.deadline = self._deadline()

    def _deadline(self) -> float:
        limits = self._service.limits
        if self._deframer.partial:
            usual = limits.whole_message
        elif self._busy:
            return math.inf
        else:
            usual = limits.idle if self._spoken else limits.first_octet
        return self._since + self._service.slots.patience(usual)

    @property
    def _busy(self) -> bool:
        return bool(self._in_hand or self._outbox or self._writing)

    async def _read_messages(self) -> bool:
        """Return whether the client ended in good order."""
        while (data := await self._receive()) is not None:
            if not data:
                return True
            self._spoken = True
            unfinished = self._deframer.partial
            self._deframer.feed(data)
            try:
                for message in self._deframer:
                    unfinished = False
                    await self._wait_room()
                    await self._take_untrusted(message)
            except FramingError:
                self._service.counts.misframed += 1
                return False
            if not unfinished:  # octets of one and the same message win no time
                self._since = trio.current_time()
        return False

    async def _receive(self) -> bytes | bytearray | None:
        """Return what the client sent, nothing when it closed, None when it must not go on."""
        with trio.CancelScope(deadline=self._deadline()) as self._patience:
            try:
                return await self._stream.receive_some(READ_SIZE)
            except trio.BrokenResourceError:
                self._service.counts.broken += 1
                return None
        self._service.counts.impatient += 1
        return None

    async def _wait_room(self) -> None:
        limits = self._service.limits
        while self._in_hand >= limits.pipelined or self._queued >= limits.queued // 2:
            await self._changed.park()

    async def _wait_replied(self) -> None:
        with trio.move_on_after(self._service.limits.stuck):
            while self._busy:
                await self._changed.park()

    async def _take_untrusted(self, message: bytes) -> None:
        service = self._service
        service.counts.received += 1
        match service.handler(message, self._caller, service.clock.now()):
            case None:
                service.counts.silent += 1
            case Later() as later:
                await service.later.wait_start(partial(self._answer_later, later), self._caller)
                self._in_hand += 1  # after the wait, which may be cancelled; the job has not begun yet
            case reply:
                self._queue(reply)

    async def _answer_later(self, later: Later) -> None:
        reply: bytes | None = None
        try:
            reply = await later.work()
        finally:  # also when cancelled, so that nobody waits for this one
            self._in_hand -= 1
            if reply is None:
                self._service.counts.silent += 1
            else:
                self._queue(reply)
            self._settle()

    def _queue(self, reply: bytes) -> None:
        counts = self._service.counts
        if self._writing and self._queued >= self._service.limits.queued and not self._ended:
            counts.unread += 1
            self._abandon()
        if self._ended:
            counts.undelivered += 1
            return
        try:
            framed = frame(reply)
        except ValueError:  # a bug of the handler, and one a client may know how to reach
            counts.unsendable += 1
            return
        self._outbox.append(framed)
        self._queued += len(framed)
        self._changed.unpark_all()

    async def _write_replies(self) -> None:
        limits, slots = self._service.limits, self._service.slots
        while True:
            while not self._outbox:
                await self._changed.park()
            octets, replies = b"".join(self._outbox), len(self._outbox)
            self._outbox.clear()
            self._queued = 0
            self._writing = True
            try:
                with trio.fail_after(slots.patience(limits.stuck)):
                    await self._stream.send_all(octets)
            except trio.TooSlowError:
                self._service.counts.unread += 1
                return self._abandon()
            except trio.BrokenResourceError:
                self._service.counts.broken += 1
                return self._abandon()
            self._writing = False
            self._service.counts.answered += replies
            self._settle()

    def _settle(self) -> None:
        """A reply was worked out or written: the other half may go on, and the client's turn may begin."""
        self._changed.unpark_all()
        if not self._busy and not self._deframer.partial:
            self._since = trio.current_time()
        self.hurry()

    def _abandon(self) -> None:
        self._ended = True
        self._life.cancel()
