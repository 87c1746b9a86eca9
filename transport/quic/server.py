"""All QUIC connections of one socket: whose a datagram is, and when each is due.

    datagram -> its connection, by the id in it
             -> nobody's: the door -> a new connection
                                  -> another version: which one is spoken here
                                  -> too many whose address is unproven: a token, and nothing is kept
                                  -> anything else: silence

Where datagrams come from and go to is its caller's: a socket (`listener`), or a test. A connection stays with the
address and port it began with. To move on to another (RFC 9000 section 9) is not offered: with several workers the
kernel would hand the datagrams to one that does not know the connection; and what comes from elsewhere is then
nobody's, so no forged source makes us send anything.
"""

import heapq
import logging
import math
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Final

import trio
from aioquic.buffer import Buffer  # type: ignore[attr-defined]  # what that module is for, and does not say
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.packet import QuicHeader, pull_quic_header

from transport.endpoint import Endpoint
from transport.handler import Admit, Caller, Protocol
from transport.later import Job, LaterPool
from transport.quic.door import Door, Entry
from transport.quic.session import QuicService, QuicSession
from transport.quic.terms import CID, TICK

LONG_HEADER: Final = 0x80  # in the first octet (RFC 9000 section 17.2)
MIN_INITIAL: Final = 1_200  # octets of a datagram with a first packet (RFC 9000 section 14.1)

Flushed = Callable[[], None]

log = logging.getLogger(__name__)


class QuicServer:
    """The connections of one socket; an owner hands in datagrams and runs `run`.

    Attributes:
        directory: Sessions by the ids of their connections.

    Args:
        service: What connections share.
        terms: Returns how a connection is made now; another when there is another certificate.
        later: Where work is run.
        admit: Who may begin a connection.
        key: Of tokens, 32 unpredictable octets.
    """

    def __init__(
        self,
        service: QuicService,
        terms: Callable[[], QuicConfiguration],
        later: LaterPool,
        admit: Admit,
        key: bytes,
    ) -> None:
        self._terms = terms
        self.directory: dict[bytes, QuicSession] = {}
        self._service = service
        self._later = later
        self._door = Door(service, admit, key)
        self._sessions: dict[QuicSession, None] = {}  # in the order in which they began
        self._places: dict[QuicSession, int] = {}  # among the unproven
        self._touched: dict[QuicSession, None] = {}  # to be given a turn
        self._posted = trio.lowlevel.ParkingLot()  # who gives turns to woken sessions waits here
        self._jobs: deque[tuple[QuicSession, Job]] = deque()  # waiting for a place in the later pool; one a session
        self._asked = trio.lowlevel.ParkingLot()  # who starts them waits here
        self._alarms: list[tuple[float, int, QuicSession]] = []  # a heap; each session's are in its `alarms` too
        self._numbers = count()  # so that the heap compares no sessions
        self._nap = trio.CancelScope()  # around waiting for the next alarm
        self._emptied = trio.Event()
        self._is_finishing = False
        self._has_failed = False

    @property
    def connected(self) -> int:
        """How many connections there are."""
        return len(self._sessions)

    def receive_untrusted(self, datagram: bytes, source: Endpoint, now: float) -> list[bytes]:
        """Take a datagram; `flush` follows, be it after others.

        Returns:
            What is to be sent back to where it came from, and not on behalf of any connection.
        """
        counts = self._service.counts
        header = None
        if datagram and datagram[0] & LONG_HEADER:
            header = _header_of(datagram)
            session = self.directory.get(header.destination_cid) if header is not None else None
        else:
            session = self.directory.get(datagram[1 : 1 + CID])
        if session is None:
            if header is None or len(datagram) < MIN_INITIAL or self._is_finishing:
                counts.ignored += 1
                return []
            return self._begin(header, datagram, source, now)
        if session.caller.endpoint != source:
            counts.strayed += 1
            return []
        self._receive(session, datagram, now)
        return []

    def flush(self, now: float) -> list[tuple[bytes, Endpoint]]:
        """Give every connection that something has happened to its turn; return what is to be sent."""
        sent: list[tuple[bytes, Endpoint]] = []
        touched, self._touched = self._touched, {}
        for session in touched:
            if session.is_over:
                continue
            try:
                datagrams = session.turn(now)
            except Exception as error:  # noqa: BLE001 - `_fail` says why
                self._fail(session, error)
                continue
            sent.extend((datagram, session.caller.endpoint) for datagram in datagrams)
            if session.is_over:
                self._remove(session)
                continue
            if session.is_proven:
                self._release(session)
            self._set_alarm(session, now)
        return sent

    def expire(self, now: float) -> None:
        """Have every connection that is due see to itself; `flush` follows."""
        while self._alarms and self._alarms[0][0] <= now:
            _, _, session = heapq.heappop(self._alarms)
            if session.is_over:
                continue
            session.alarms.pop()
            try:
                if session.deadline() <= now:
                    session.expire(now)
            except Exception as error:  # noqa: BLE001 - as above
                self._fail(session, error)
                continue
            if session.is_over:
                self._remove(session)
            else:
                self._touched[session] = None

    async def run(self, flushed: Flushed) -> None:
        """Give turns to those that no datagram does, until cancelled.

        Args:
            flushed: Calls `flush` and sends what it returns.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep_time, flushed)
            nursery.start_soon(self._give_turns, flushed)
            nursery.start_soon(self._start_jobs)

    async def finish(self) -> None:
        """Begin no connection and take no query any more; return when the last reply has arrived.

        `run` goes on meanwhile.
        """
        self._is_finishing = True
        for session in self._sessions:
            session.finish()
            self.wake(session)
        if self._sessions:
            await self._emptied.wait()

    def give_up(self, now: float) -> list[tuple[bytes, Endpoint]]:
        """Close every connection, whatever is in hand; return what is to be sent."""
        for session in self._sessions:
            session.give_up()
            self._touched[session] = None
        return self.flush(now)

    def wake(self, session: QuicSession) -> None:
        """See `Keeper.wake`."""
        if session.is_over:
            return
        self._touched[session] = None
        self._posted.unpark_all()

    def start(self, session: QuicSession, job: Job) -> None:
        """See `Keeper.start`."""
        self._jobs.append((session, job))
        self._asked.unpark_all()

    # --- connections that begin and end -------------------------------------------------------------------------

    def _begin(self, header: QuicHeader, datagram: bytes, source: Endpoint, now: float) -> list[bytes]:
        """Begin a connection, or return what is to be said instead."""
        counts, slots, idle = self._service.counts, self._service.slots, self._service.limits.idle
        patience = slots.patience(idle)
        decision = self._door.decide(header, source, now)
        if not isinstance(decision, Entry):
            return [] if decision is None else [decision]
        session = self._admit(header.destination_cid, decision, source, now)
        self._receive(session, datagram, now)
        if session.is_over:
            counts.ignored += 1
            return []
        counts.accepted += 1
        if slots.patience(idle) < patience:
            for other in self._sessions:
                self._set_alarm(other, now)  # each may take less time from here on
        return []

    def _admit(self, ours: bytes, entry: Entry, source: Endpoint, now: float) -> QuicSession:
        """Make a connection for which slots were taken.

        Args:
            ours: The id that its first packet is addressed to.
            entry: What the door says of it.
            source: Where it comes from.
            now: On trio's clock.
        """
        original = entry.original
        connection = QuicConnection(
            configuration=self._terms(),
            original_destination_connection_id=ours if original is None else original,
            retry_source_connection_id=None if original is None else ours,
        )
        session = QuicSession(connection, Caller(source, Protocol.QUIC), self._service, self, now)
        self._sessions[session] = None
        if entry.place is not None:
            self._places[session] = entry.place
        session.enter(ours)
        session.enter(connection.host_cid)
        return session

    def _receive(self, session: QuicSession, datagram: bytes, now: float) -> None:
        try:
            session.receive_untrusted(datagram, now)
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(session, error)
            return
        if session.has_begun:
            self._touched[session] = None
        else:  # not one packet that could be read: nobody began anything
            session.abandon()
            self._remove(session)

    def _fail(self, session: QuicSession, error: Exception) -> None:
        """Give one connection up: what aioquic trips over was sent by a stranger, and costs no other anything."""
        self._service.counts.failed += 1
        if not self._has_failed:  # said once, since strangers could have it said at any rate
            self._has_failed = True
            log.error("event=internal-error part=quic", exc_info=error)
        session.abandon()
        self._remove(session)

    def _remove(self, session: QuicSession) -> None:
        del self._sessions[session]
        self._touched.pop(session, None)
        self._release(session)
        self._service.slots.give_back(session.caller.endpoint.host)
        if self._is_finishing and not self._sessions:
            self._emptied.set()

    def _release(self, session: QuicSession) -> None:
        """Give the place of who has shaken hands back; of who has gone without, it is the door that does so."""
        place = self._places.pop(session, None)
        if place is not None and session.is_proven:
            self._door.prove(place, session.caller.endpoint)

    # --- time and work ------------------------------------------------------------------------------------------

    def _set_alarm(self, session: QuicSession, now: float) -> None:
        """Have a session looked at when it is due, or sooner: an alarm that is set is not taken back.

        A session's alarms are kept with the soonest last, and one is set only before those that are there: so there
        are a few of each, however often it is due a millisecond from now and then in ten seconds again.
        """
        deadline = max(session.deadline(), now + TICK)
        if deadline < math.inf and (not session.alarms or deadline < session.alarms[-1]):
            session.alarms.append(deadline)
            heapq.heappush(self._alarms, (deadline, next(self._numbers), session))
            self._nap.deadline = min(self._nap.deadline, deadline)

    async def _keep_time(self, flushed: Flushed) -> None:
        while True:
            with trio.CancelScope(deadline=self._alarms[0][0] if self._alarms else math.inf) as self._nap:
                await trio.sleep_forever()
            self.expire(trio.current_time())
            flushed()

    async def _give_turns(self, flushed: Flushed) -> None:
        while True:
            if self._touched:
                await trio.lowlevel.checkpoint()
            else:
                await self._posted.park()
            flushed()

    async def _start_jobs(self) -> None:
        while True:
            while not self._jobs:
                await self._asked.park()
            session, job = self._jobs.popleft()
            await self._later.wait_start(job, session.caller)
            session.started()
            self.wake(session)


def _header_of(datagram: bytes) -> QuicHeader | None:
    """Return what a long header says; None when it cannot be read."""
    try:
        return pull_quic_header(Buffer(data=datagram), host_cid_length=CID)
    except ValueError:  # BufferReadError is one
        return None
