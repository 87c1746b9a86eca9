"""One connection of a client being served: streams in, one query on each, replies out in any order (RFC 9250).

No task and no socket of its own: the server hands it datagrams and the time, and takes from it what is to be sent
and when it wants to be seen to again. Nothing here waits. Whatever aioquic raises goes through to the server,
which gives the connection up.

Left out: which datagram belongs to which connection, and whether there may be one (server).
"""

import logging
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from aioquic.quic import events
from aioquic.quic.connection import QuicConnection

from transport.clock import Clock
from transport.framing import PREFIX, frame
from transport.handler import Caller, Handler, Later
from transport.later import Job
from transport.quic.bounds import Bounds
from transport.quic.doq import ALPN, BreachError, Code
from transport.quic.limits import QuicCounts, QuicLimits
from transport.quic.streams import ClientStreams
from transport.slots import Slots

AMPLIFICATION = 3  # octets out for one in, while an address is not proven (RFC 9000 section 8.1)
EXPECTED = 4_096  # octets of a reply that is being worked out; one with its proof has some 3,400

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class QuicService:
    """What all connections of one listener share.

    Attributes:
        handler: Answers queries.
        clock: The time of day, for the handler.
        limits: What is put up with.
        slots: Who has how many connections.
        counts: What has happened.
    """

    handler: Handler
    clock: Clock
    limits: QuicLimits
    slots: Slots
    counts: QuicCounts = field(default_factory=QuicCounts)


class Keeper(Protocol):
    """Who keeps sessions: the server.

    Attributes:
        directory: Sessions by the ids of their connections; each makes and removes its own entries.
    """

    directory: "dict[bytes, QuicSession]"

    def wake(self, session: "QuicSession") -> None:
        """See to a session that something is to be done about which no datagram brought."""
        ...

    def start(self, session: "QuicSession", job: Job) -> None:
        """Run a job in the later pool as soon as there is a place, and tell the session so (`started`)."""
        ...


class QuicSession:
    """A connection, from its first packet on.

    Attributes:
        caller: Who is there, as far as an address says; a connection stays with the one that it began with.
        is_proven: Whether the handshake is done, which proves the address.
        is_over: Whether there is nothing left of it.
        alarms: When the server means to look at it, the soonest last; the server's.

    Args:
        connection: Newly made.
        caller: Who is there.
        service: What is shared.
        keeper: Who keeps it.
        now: On trio's clock.
    """

    def __init__(
        self, connection: QuicConnection, caller: Caller, service: QuicService, keeper: Keeper, now: float
    ) -> None:
        limits = service.limits
        self._connection = connection
        self._bounds = Bounds(connection, limits.pipelined, limits.window, limits.handshake_octets)
        self.caller = caller
        self._service = service
        self._keeper = keeper
        self._ids: set[bytes] = set()
        self._streams = ClientStreams(self._bounds, limits, service.slots, now)
        self._ready: deque[tuple[int, bytes]] = deque()  # queries the handler has not seen
        self._in_hand: set[int] = set()  # streams whose reply is being worked out
        self._is_starting = False  # whether work waits for a place in the later pool; then no more is handed out
        self._replies: list[tuple[int, bytes | None]] = []  # worked out, not yet given to a stream
        self._since = now  # when we began to wait for what we now wait for
        self._owed = 0  # octets that may be sent to an address that is not proven
        self._is_closing = False
        self._is_finishing = False
        self.is_proven = False
        self.is_over = False
        self.alarms: list[float] = []

    @property
    def has_begun(self) -> bool:
        """Whether anything that came could be read."""
        return self._bounds.has_begun

    def enter(self, connection_id: bytes) -> None:
        """Be found under an id."""
        self._ids.add(connection_id)
        self._keeper.directory[connection_id] = self

    def receive_untrusted(self, datagram: bytes, now: float) -> None:
        """Take a datagram; `turn` follows, be it after others.

        Raises:
            Exception: Whatever aioquic trips over.
        """
        self._owed += AMPLIFICATION * len(datagram)
        self._connection.receive_datagram(datagram, self.caller.endpoint, now)
        if reason := self._bounds.excess():
            self._refuse_excess(reason)

    def turn(self, now: float) -> list[bytes]:
        """Do what there is to do, and return what is to be sent.

        Raises:
            Exception: Whatever aioquic trips over.
        """
        self._follow_events(now)
        if self._bounds.is_overfull(PREFIX + self._service.limits.message):
            self._refuse_excess("octets of one query")
        self._give_replies(now)
        self._serve_ready(now)
        if self._is_finishing:
            self._ready.clear()
            if not self._is_busy:
                self._close(Code.NO_ERROR)
        self._bounds.open_window()
        datagrams = [datagram for datagram, _ in self._connection.datagrams_to_send(now)]
        is_ending = self._bounds.ending is not None
        if not self.is_proven:
            datagrams = self._paid(datagrams)
        self._follow_events(now)
        if self._streams.take_stock(now) and not self._is_busy:
            self._since = now
        if is_ending:
            self.abandon()
        return datagrams

    def deadline(self) -> float:
        """Return when to call `expire`, on trio's clock."""
        timer = self._connection.get_timer()
        patience = self._patience_ends()
        return patience if timer is None else min(timer, patience)

    def expire(self, now: float) -> None:
        """Do what the time is due for; `turn` follows.

        Raises:
            Exception: Whatever aioquic trips over.
        """
        timer = self._connection.get_timer()
        if timer is not None and timer <= now:
            self._connection.handle_timer(now)
        if self._patience_ends() <= now:
            self._lose_patience(now)

    def started(self) -> None:
        """Learn that the work given to `start` has a place."""
        self._is_starting = False

    def finish(self) -> None:
        """Take no more queries; replies in hand still go out, then the connection is closed."""
        self._is_finishing = True

    def give_up(self) -> None:
        """Close the connection, whatever is in hand; `turn` sends that."""
        self._close(Code.NO_ERROR)

    def abandon(self) -> None:
        """Leave nothing of it, and say nothing."""
        if self.is_over:
            return
        self.is_over = True
        for connection_id in self._ids:
            del self._keeper.directory[connection_id]
        self._service.counts.undelivered += len(self._replies)
        for container in (self._ready, self._in_hand, self._replies):
            container.clear()
        self._bounds.forget()

    # --- what has come ------------------------------------------------------------------------------------------

    def _follow_events(self, now: float) -> None:
        while (event := self._connection.next_event()) is not None:
            match event:
                case events.StreamDataReceived():
                    self._take_untrusted(event, now)
                case events.StreamReset(stream_id=stream_id):
                    self._take_back(stream_id, now)
                    if not self._streams.is_answered(stream_id):
                        self._connection.reset_stream(stream_id, Code.REQUEST_CANCELLED)
                case events.StopSendingReceived(stream_id=stream_id):
                    self._take_back(stream_id, now)
                case events.HandshakeCompleted(alpn_protocol=protocol):
                    self.is_proven = True
                    self._since = now
                    if protocol != ALPN:
                        self._close(Code.PROTOCOL_ERROR)
                case events.ConnectionIdIssued(connection_id=connection_id):
                    self.enter(connection_id)
                case events.ConnectionIdRetired(connection_id=connection_id):
                    self._ids.discard(connection_id)
                    self._keeper.directory.pop(connection_id, None)
                case _:
                    pass  # that it is terminated shows in `ending`, and no other concerns us

    def _take_untrusted(self, event: events.StreamDataReceived, now: float) -> None:
        try:
            message = self._streams.feed(event.stream_id, event.data, event.end_stream, now)
        except BreachError:
            self._service.counts.misframed += 1
            self._close(Code.PROTOCOL_ERROR)
            return
        if message is not None:
            self._ready.append((event.stream_id, message))
            self._since = now

    def _take_back(self, stream_id: int, now: float) -> None:
        """The client wants nothing more of a stream."""
        self._service.counts.cancelled += 1
        self._in_hand.discard(stream_id)
        self._ready = deque(one for one in self._ready if one[0] != stream_id)
        if self._streams.take_back(stream_id, now):
            self._refuse_excess("streams taken back")

    # --- what goes out ------------------------------------------------------------------------------------------

    def _serve_ready(self, now: float) -> None:
        """Have queries answered while there is room for replies; the others wait, and hold their streams open."""
        service = self._service
        while self._ready and not (self._is_starting or self._is_closing or self._is_finishing):
            if self._streams.queued + EXPECTED * len(self._in_hand) >= service.limits.queued:
                return
            stream_id, message = self._ready.popleft()
            service.counts.received += 1
            match service.handler(message, self.caller, service.clock.now()):
                case Later() as later:
                    self._in_hand.add(stream_id)
                    self._is_starting = True
                    self._keeper.start(self, partial(self._answer_later, later, stream_id))
                case reply:
                    self._give(stream_id, reply, now)

    async def _answer_later(self, later: Later, stream_id: int) -> None:
        reply: bytes | None = None
        if self.is_over:  # while there was no place for it
            self._service.counts.undelivered += 1
            return
        try:
            reply = await later.work()
        finally:  # also when cancelled, so that nobody waits for this one
            if self.is_over:
                self._service.counts.undelivered += 1
            else:
                self._replies.append((stream_id, reply))
                self._keeper.wake(self)

    def _give_replies(self, now: float) -> None:
        replies, self._replies = self._replies, []
        for stream_id, reply in replies:
            if stream_id in self._in_hand:
                self._in_hand.remove(stream_id)
                self._give(stream_id, reply, now)
            else:
                self._service.counts.undelivered += 1

    def _give(self, stream_id: int, reply: bytes | None, now: float) -> None:
        counts = self._service.counts
        if self._is_closing:
            counts.undelivered += 1
            return
        if reply is None:
            counts.silent += 1
            self._connection.reset_stream(stream_id, Code.UNSPECIFIED_ERROR)
            return
        try:
            framed = frame(reply)
        except ValueError:  # a bug of the handler, and one a client may know how to reach
            counts.unsendable += 1
            self._connection.reset_stream(stream_id, Code.INTERNAL_ERROR)
            return
        if self._streams.queued >= 2 * self._service.limits.queued:
            counts.unread += 1
            self._close(Code.EXCESSIVE_LOAD)
            return
        counts.answered += 1
        self._streams.answer(stream_id, len(framed), now)
        self._connection.send_stream_data(stream_id, framed, end_stream=True)

    def _paid(self, datagrams: list[bytes]) -> list[bytes]:
        """Return those that may be sent to an address that is not proven; aioquic counts too, but not its last."""
        sent = []
        for datagram in datagrams:
            if len(datagram) <= self._owed:
                self._owed -= len(datagram)
                sent.append(datagram)
            else:
                self._service.counts.unpaid += 1
        return sent

    # --- how long it may last -----------------------------------------------------------------------------------

    @property
    def _is_busy(self) -> bool:
        return bool(self._ready or self._in_hand or self._replies or self._streams.queued)

    def _patience_ends(self) -> float:
        limits, patience = self._service.limits, self._service.slots.patience
        if not self.is_proven:
            return self._since + patience(limits.handshake)
        ends = min(self._streams.query_due(), self._streams.reading_due())
        return ends if self._is_busy else min(ends, self._since + patience(limits.idle))

    def _lose_patience(self, now: float) -> None:
        counts = self._service.counts
        if not self.is_proven:  # who may be somebody else than it says: not even that is told
            counts.impatient += 1
            self.abandon()
        elif self._streams.reading_due() <= now:
            counts.unread += 1
            self._close(Code.EXCESSIVE_LOAD)
        elif self._streams.query_due() > now:  # so it is idle
            counts.impatient += 1
            self._close(Code.NO_ERROR)
        elif self._streams.is_query_late(now):
            counts.impatient += 1
            self._close(Code.EXCESSIVE_LOAD)

    def _refuse_excess(self, what: str) -> None:
        if not self._is_closing:
            log.debug("event=excessive what=%r client=%s", what, self.caller.endpoint.to_text())
            self._service.counts.excessive += 1
            self._close(Code.EXCESSIVE_LOAD)

    def _close(self, code: Code) -> None:
        self._is_closing = True
        self._connection.close(error_code=code)
