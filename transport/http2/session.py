"""One connection of a client that speaks HTTP/2: reading, writing, and running what answers its requests.

Has the manner of `StreamSession`, so that whoever accepts streams can serve either. Works on any stream. What is
allowed is decided by server_connection; left out, as there: accepting, counting connections, closing the stream.

A reader, a writer, and one that begins requests: the reader goes on while requests wait for a place in the later
pool, since only what it reads opens the windows through which responses go.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import trio

from transport.clock import Clock
from transport.handler import Caller
from transport.http2.limits import Http2Limits
from transport.http2.messages import Answer, LaterResponse, Request, Response, plain
from transport.http2.routes import Routes
from transport.http2.server_connection import Ending, ServerConnection
from transport.later import LaterPool
from transport.slots import Slots, StreamLimits
from transport.stream_session import StreamCounts

READ_SIZE = 4_096  # octets a read: at most some hundred requests between two looks at the event loop

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Http2Counts:
    """Counters of HTTP/2, shared by the connections of one listener; the rest is in `StreamCounts`.

    Attributes:
        streams_refused: Requests turned away since too many were open or still running, or the connection was
            ending.
        flooded: Connections closed for too much of something: resets, frames that ask for nothing, header fields.
        faulty: Connections closed for a bug of ours.
    """

    streams_refused: int = 0
    flooded: int = 0
    faulty: int = 0


@dataclass(frozen=True, slots=True)
class Http2Service:
    """What all connections of one listener share; named as in `StreamService`, as far as both have it."""

    routes: Routes
    clock: Clock
    later: LaterPool
    limits: StreamLimits
    slots: Slots
    counts: StreamCounts = field(default_factory=StreamCounts)
    http: Http2Limits = field(default_factory=Http2Limits)
    http_counts: Http2Counts = field(default_factory=Http2Counts)


class Http2Session:
    """One connection being served."""

    def __init__(self, stream: trio.abc.Stream, caller: Caller, service: Http2Service) -> None:
        self._stream = stream  # owned by the listener
        self._caller = caller
        self._service = service
        self._core = ServerConnection(service.http, service.limits, service.routes.admit, trio.current_time())
        self._answered = 0  # of the core's, how many are counted
        self._refused = 0
        self._writing = False
        self._ended = False
        self._changed = trio.lowlevel.ParkingLot()  # the tasks wait here for each other
        self._patience = trio.CancelScope()  # around each read
        self._life = trio.CancelScope()

    async def run(self) -> None:
        """Serve until the client leaves, breaks a rule, or `finish` is called and nothing is left in hand."""
        try:
            with self._life:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write)
                    nursery.start_soon(self._begin_requests)
                    await self._read()
                    await self._see_off()
                    nursery.cancel_scope.cancel()
        finally:
            self._ended = True
            self._core.close()
            self._settle()
            self._count_ending()

    def finish(self) -> None:
        """Take no more requests; what is in hand is answered, and the client told to go elsewhere."""
        self._core.leave(trio.current_time())
        self._settle()

    def hurry(self) -> None:
        """See anew how long the client may keep us waiting."""
        self._patience.deadline = self._deadline()

    def _deadline(self) -> float:
        return self._core.deadline(self._service.slots.patience)

    async def _read(self) -> None:
        """Take what the client sends, until it is over."""
        while self._core.ending is None:
            await self._wait_written()
            with trio.CancelScope(deadline=self._deadline()) as self._patience:
                try:
                    octets = await self._stream.receive_some(READ_SIZE)
                except trio.BrokenResourceError:
                    self._service.counts.broken += 1
                    self._core.close()  # nobody is there to wait for an answer
                    return
                if not octets:
                    return
                self._guarded(partial(self._core.receive, octets, trio.current_time()))
                continue
            self._guarded(partial(self._core.expire, trio.current_time(), self._service.slots.patience))

    def _guarded(self, act: Callable[[], None]) -> None:
        """Have something done; a bug, of ours or of the library's, must cost one connection, not the daemon."""
        try:
            act()
        except Exception:  # the barrier
            log.exception("event=internal-error part=http2")
            self._core.fail()
        self._settle()

    async def _wait_written(self) -> None:
        """Read on only while what we send is taken, so that nothing piles up; the writer gives up in the end."""
        while self._core.unsent >= self._service.http.queued // 2:
            await self._changed.park()

    async def _see_off(self) -> None:
        """Send what is left to be sent: all that is in hand if the client has but closed its side."""
        is_orderly = self._core.ending is None
        with trio.move_on_after(self._service.limits.stuck if is_orderly else self._service.http.linger):
            while self._writing or self._core.unsent or (is_orderly and self._core.is_answering):
                await self._changed.park()

    async def _next_request(self) -> tuple[int, Request]:
        while True:
            if self._core.has_room and (arrived := self._core.next_request(trio.current_time())) is not None:
                return arrived
            await self._changed.park()

    async def _begin_requests(self) -> None:
        while True:
            stream_id, request = await self._next_request()
            self._service.counts.received += 1
            answer = self._answer_untrusted(request)
            if isinstance(answer, LaterResponse):
                job = partial(self._answer_later, stream_id, answer)
                await self._service.later.wait_start(job, answer.caller or self._caller)
            else:
                self._reply(stream_id, answer)

    def _answer_untrusted(self, request: Request) -> Answer:
        try:
            return self._service.routes.handler(request)(request, self._caller, self._service.clock.now())
        except Exception:  # the barrier, as above
            log.exception("event=internal-error part=http2")
            return plain(500, "a bug of ours")

    async def _answer_later(self, stream_id: int, later: LaterResponse) -> None:
        response: Response | None = None
        try:
            response = await later.work()
        except Exception:  # the barrier, as above; here it would end the pool
            log.exception("event=internal-error part=http2")
            response = plain(500, "a bug of ours")
        finally:  # also when cancelled, so that nobody waits for this one
            self._reply(stream_id, response if response is not None else later.cut_short())

    def _reply(self, stream_id: int, response: Response) -> None:
        try:
            is_taken = self._core.reply(stream_id, response, trio.current_time())
        except Exception:  # the barrier, as above
            log.exception("event=internal-error part=http2")
            self._core.fail()
            is_taken = False
        if not is_taken:
            self._service.counts.undelivered += 1
        self._settle()

    async def _write(self) -> None:
        service = self._service
        while True:
            while not (octets := self._core.take()):
                await self._changed.park()
            self._writing = True
            try:
                with trio.fail_after(service.slots.patience(service.limits.stuck)):
                    await self._stream.send_all(octets)
            except trio.TooSlowError:
                service.counts.unread += 1
                return self._life.cancel()
            except trio.BrokenResourceError:
                service.counts.broken += 1
                return self._life.cancel()
            self._writing = False
            self._settle()

    def _settle(self) -> None:
        """Something has changed: count it, and have everybody look at it."""
        core, counts = self._core, self._service.counts
        counts.answered += core.answered - self._answered
        self._service.http_counts.streams_refused += core.refused - self._refused
        self._answered, self._refused = core.answered, core.refused
        self._changed.unpark_all()
        if not self._ended:
            self.hurry()

    def _count_ending(self) -> None:
        counts, http = self._service.counts, self._service.http_counts
        match self._core.ending:
            case Ending.IMPATIENT:
                counts.impatient += 1
            case Ending.UNREAD:
                counts.unread += 1
            case Ending.MISFRAMED:
                counts.misframed += 1
            case Ending.FLOODED:
                http.flooded += 1
            case Ending.FAULTY:
                http.faulty += 1
            case Ending.PARTED | None:
                pass
