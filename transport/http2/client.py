"""A connection to a server that speaks HTTP/2, shared by everybody who asks there.

Requests beyond what the server takes at a time wait for their turn; who gives up on one disturbs no other. Nothing
is sent twice here: a request of which the server says that it has not looked at it fails with `UntouchedError`, and
may be sent over another connection.

Left out: which endpoint has which connection, encryption, and what is asked (doh_link asks in DNS).
"""

import math
from collections.abc import Awaitable, Callable

import trio

from transport.errors import UnreachableError
from transport.http2.client_connection import ClientConnection, Failure, Outcome
from transport.http2.limits import ClientLimits
from transport.http2.messages import Request, Response

READ_SIZE = 65_536  # octets a read; responses may be large, and what reads them is ours
MAX_BODY = 65_535  # octets of a response, unless whoever asks says otherwise: a DNS message
LIMITS = ClientLimits()

Connect = Callable[[], Awaitable[trio.abc.Stream]]


class UntouchedError(UnreachableError):
    """No response will come, and the request was not looked at: whoever has another connection may try again."""


class _Waiting:
    """Somebody who waits for a response."""

    def __init__(self) -> None:
        self.done = trio.Event()
        self.outcome: Response | Failure | None = None

    def settle(self, outcome: Response | Failure) -> None:
        self.outcome = outcome
        self.done.set()


class Http2Client:
    """A connection that is made when it is run, and carries requests until it ends; never a second time.

    Frames are sent by the client's own task, so a caller who is cancelled leaves no half frame behind.

    Attributes:
        connected: Whether it got as far as being connected.
        ended: Whether it is over; `request` then only raises.
        reason: Why it is.

    Args:
        there: Who is asked, for errors.
        authority: The same as it stands in URIs: a host, with its port unless it is 443 (RFC 9113 section 8.3.1).
        connect: Makes the stream, encrypted and with `h2` agreed on; raises OSError, `trio.BrokenResourceError` or
            any `UnreachableError`, which is then what requests come to.
        limits: What is put up with.
    """

    def __init__(self, there: str, authority: str, connect: Connect, limits: ClientLimits = LIMITS) -> None:
        self._there = there
        self._connect = connect
        self._limits = limits
        self._core = ClientConnection(authority, limits)
        self._waiting: dict[int, _Waiting] = {}  # by stream; entries leave with their request
        self._in_line = 0  # requests that have no stream yet
        self._called = 0  # of these, those that have been called and have yet to look
        self._turn = trio.lowlevel.ParkingLot()  # they wait here
        self._asked = trio.lowlevel.ParkingLot()  # the writer waits here
        self._expecting = False  # whether anything was asked since we last heard something
        self._since = trio.current_time()  # when we last heard something, or first asked after that
        self._patience = trio.CancelScope()  # around each read
        self.reason = "the connection was closed"
        self._failure: type[UnreachableError] = UntouchedError  # of what is asked once it is over
        self.connected = False
        self.ended = False

    @property
    def is_leaving(self) -> bool:
        """Whether it takes no more requests, although some may yet be answered."""
        return self.ended or self._core.is_leaving

    @property
    def spare(self) -> int:
        """How many more requests would not have to wait for others; less than none where some already do."""
        return self._core.room - self._in_line

    async def request(self, request: Request, most: int = MAX_BODY, deadline: float = math.inf) -> Response:
        """Send a request and return its response, whatever status it has.

        Args:
            request: What to ask; headers of the connection are not among its headers.
            most: The most octets of body that are taken.
            deadline: On trio's clock.

        Raises:
            UnreachableError: There is none; `UntouchedError` if the request may be sent again.
            UnprovenError: Whoever is there did not prove who they are.
        """
        try:
            with trio.fail_at(deadline):
                await self._wait_turn()
                return await self._exchange(request, most)
        except trio.TooSlowError as error:
            raise UnreachableError(self._there, "no response in time") from error

    async def run(self) -> None:
        """Connect and carry requests until the connection ends; whoever still waits is told why."""
        try:
            self.reason = await self._connect_and_carry()
        finally:
            self.ended = True
            self._settle(list(self._core.end(self.reason)))

    async def _wait_turn(self) -> None:
        if self._in_line >= self._limits.waiting:
            raise UnreachableError(self._there, f"{self._limits.waiting} requests are waiting already")
        is_next = not self._in_line
        self._in_line += 1
        try:
            while not self.is_leaving and not (is_next and self.connected and self._core.room > 0):
                await self._turn.park()
                self._called -= 1
                is_next = True
        finally:
            self._in_line -= 1
        if self.is_leaving:
            raise self._failure(self._there, self.reason if self.ended else "going away")

    async def _exchange(self, request: Request, most: int) -> Response:
        stream_id = self._core.send(request, most)
        waiting = self._waiting[stream_id] = _Waiting()
        self._asked.unpark_all()
        self._call_next()
        self._expect()
        try:
            await waiting.done.wait()
        finally:
            del self._waiting[stream_id]
            self._core.cancel(stream_id)
            self._asked.unpark_all()
            self._call_next()
        if isinstance(waiting.outcome, Response):
            return waiting.outcome
        assert waiting.outcome is not None, "an outcome is set with the event"
        kind = UntouchedError if waiting.outcome.is_untouched else UnreachableError
        raise kind(self._there, waiting.outcome.reason)

    async def _connect_and_carry(self) -> str:
        """Return why it ended."""
        try:
            with trio.fail_after(self._limits.connecting):
                stream = await self._connect()
        except trio.TooSlowError:
            return f"no connection within {self._limits.connecting:.0f} s"
        except UnreachableError as error:
            self._failure = type(error)
            return error.reason
        except (OSError, trio.BrokenResourceError) as error:
            return f"cannot connect: {error}"
        self.connected = True
        self._call_next()
        reason = "the connection broke while sending"
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
            while not (octets := self._core.take()):
                await self._asked.park()
            try:
                await stream.send_all(octets)
            except trio.BrokenResourceError:
                connection.cancel()

    async def _read(self, stream: trio.abc.Stream) -> str:
        """Return why there is no more to be read."""
        self._since = trio.current_time()
        while not self._core.reason and (self._core.is_busy or not self._core.is_leaving):
            with trio.CancelScope(deadline=self._since + self._limits.quiet) as self._patience:
                try:
                    octets = await stream.receive_some(READ_SIZE)
                except trio.BrokenResourceError:
                    return "the connection broke"
                if not octets:
                    return "closed by the other side"
                self._receive_untrusted(octets)
                continue
            return f"nothing heard for {self._limits.quiet:.0f} s"
        return self._core.reason or "going away"

    def _receive_untrusted(self, octets: bytes | bytearray) -> None:
        heard = self._core.heard
        self._settle(self._core.receive(octets))
        if self._core.heard > heard:  # what nobody asked for keeps no connection open
            self._expecting = False
            self._since = trio.current_time()
        self._asked.unpark_all()

    def _settle(self, outcomes: list[Outcome]) -> None:
        for stream_id, outcome in outcomes:
            self._waiting[stream_id].settle(outcome)
        self._call_next()

    def _call_next(self) -> None:
        """Have as many look whether it is their turn as can have one, or all once nobody can."""
        waiting = len(self._turn)
        count = waiting if self.is_leaving else min(waiting, self._core.room - self._called)
        if count > 0:
            self._called += count
            self._turn.unpark(count=count)

    def _expect(self) -> None:
        """Something is asked: the other side has its time from now, unless it already owes us something."""
        if not self._expecting:
            self._expecting = True
            self._since = trio.current_time()
            self._patience.deadline = self._since + self._limits.quiet
