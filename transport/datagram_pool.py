"""The datagram sockets that questions leave from: few enough to be cheap, fresh enough to be unpredictable.

RFC 5452 (section 9) counts what somebody off the path has to guess: the id, one of 2**16, together with the port,
one of some 28,000. A port for each exchange is the ideal; opening and closing one costs as much as all the rest of
an exchange. So a port carries several, and what that gives away is bounded:

- An endpoint that is asked seldom meets a fresh port each time, until it has `SPREAD` of them.
- One that is asked often meets one of these, at random and anew for each exchange. Whoever has found a port must
  also be lucky that the question he wants to answer leaves from it.
- A port takes `MAX_EXCHANGES` (datagram_port) exchanges, or is taken from for two ticks of `TICK`, whichever ends
  first; then a fresh one, which the kernel picks, replaces it. Whoever scans 1,000 ports a second, which is what
  limits on ICMP leave him, sees a fourteenth of them in that time, so finds one of eight nearly every other time.
- The first datagram with an id that was never asked with retires its port. So a port that was found is worth one
  guess at each question in flight on it, together 32 in 2**16 at the very most, as long as `accept` ends an
  exchange that was guessed at. One that goes on listening, for want of TCP, may be guessed at until it ends.

The ids are the callers', who must make them unpredictable.

Left out: which of the exchanges on a port a datagram is for (datagram_port). Deadlines are the callers', and kept
here: one task for all of them, since a cancel scope around each exchange costs as much as the exchange.
"""

import heapq
import math
import os
import resource
import selectors
from typing import Final

import trio

from transport.datagram_port import LOOKS, DatagramPort, Exchange
from transport.endpoint import Endpoint
from transport.errors import CrowdedError, kind_of
from transport.stream_link import ID, Accept

SPREAD = 8  # ports to choose from; more would be read with fewer datagrams at a time, and dearer
TICK: Final = 1.0  # seconds; a port is taken from for one to two of these
MOST_PORTS: Final = 16_384  # where the process may have any number of descriptors; some tens of MB in the kernel


def share_of_descriptors() -> int:
    """Return half of the descriptors this process may have: the rest is for listeners, links and files."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_PORTS if soft == resource.RLIM_INFINITY else min(soft // 2, MOST_PORTS)


class DatagramPool:
    """Ports to endpoints, all read by one task.

    The ports are registered with a selector for life, and only the selector is waited for: one wait serves
    all that has arrived, wherever. Nothing here may be shared over a fork: make it in the process that uses it.

    Args:
        most: Sockets open at once, at most. Beyond it idle ones are closed, those first that were idle longest.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = share_of_descriptors() if most is None else most
        self._selector = selectors.DefaultSelector()  # every open port
        self._taking: dict[Endpoint, list[DatagramPort]] = {}  # those that take exchanges; never an empty list
        self._idle: dict[DatagramPort, None] = {}  # those with none in flight, the longest idle first
        self._opened = trio.lowlevel.ParkingLot()  # who watches their age waits here while there are none
        self._deadlines: list[tuple[float, int, DatagramPort, bytes]] = []  # a heap; of ended exchanges, too
        self._asked = 0  # exchanges so far
        self._alarm = trio.CancelScope()  # around the sleep until the first of the deadlines

    async def exchange(
        self, endpoint: Endpoint, message: bytes, accept: Accept, deadline: float = math.inf
    ) -> bytes | None:
        """Send a message and return the first datagram that is accepted, None when there was none in time.

        Args:
            endpoint: To whom.
            message: Id first.
            accept: Whether a datagram is the reply.
            deadline: On trio's clock.

        Raises:
            UnreachableError: No reply can come any more.
            CrowdedError: There are too many sockets.
        """
        assert len(message) >= ID, "a message starts with its id"
        exchange = Exchange(message, accept, trio.lowlevel.current_task())
        port = self._send(endpoint, exchange)
        if deadline != math.inf:
            self._asked += 1
            heapq.heappush(self._deadlines, (deadline, self._asked, port, message[:ID]))
            if deadline < self._alarm.deadline:  # noqa: PLR1730 - setting it costs more than looking
                self._alarm.deadline = deadline

        def abort(_raise_cancel: object) -> trio.lowlevel.Abort:
            port.leave(exchange)
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)
        if exchange.error is not None:
            raise exchange.error
        return exchange.reply

    async def run(self) -> None:
        """Read and renew ports until cancelled; whoever still waits is told so."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._renew)
                nursery.start_soon(self._watch_deadlines)
                await self._read()
        finally:
            for key in list(self._selector.get_map().values()):
                key.data.fail("the dialer was closed")
            self._selector.close()

    async def _read(self) -> None:
        looks = 0
        while True:
            await trio.lowlevel.wait_readable(self._selector.fileno())
            for key, _ in self._selector.select(0):
                looks += key.data.read()
                if looks >= LOOKS:  # ports closed meanwhile are passed over, the others keep their turn
                    await trio.lowlevel.checkpoint()
                    looks = 0

    async def _watch_deadlines(self) -> None:
        while True:
            first = self._deadlines[0][0] if self._deadlines else math.inf
            with trio.CancelScope(deadline=first) as self._alarm:
                await trio.sleep_forever()
            now = trio.current_time()
            while self._deadlines:  # most have ended long before; the next alarm is for one that has not
                deadline, _, port, own = self._deadlines[0]
                if deadline > now and port.waits_for(own):
                    break
                heapq.heappop(self._deadlines)
                port.give_up(own)

    async def _renew(self) -> None:
        while True:
            if not self._taking:
                await self._opened.park()
            await trio.sleep(TICK)
            for port in [port for ports in self._taking.values() for port in ports]:
                if port.is_aged:
                    port.retire()
                port.is_aged = True

    def _send(self, endpoint: Endpoint, exchange: Exchange) -> DatagramPort:
        """Return the port it left from."""
        port = self._choose(endpoint, exchange.message[:ID])
        if port is not None:
            self._idle.pop(port, None)
            try:
                port.send(exchange)
            except OSError as error:  # what became of an earlier message, perhaps: this one was not sent
                port.fail(error.strerror or str(error), error)
            else:
                return port
        try:
            port = self._open(endpoint)
        except OSError as error:
            raise kind_of(error)(endpoint.to_text(), error.strerror or str(error)) from error
        try:
            port.send(exchange)
        except OSError as error:
            port.retire()
            raise kind_of(error)(endpoint.to_text(), error.strerror or str(error)) from error
        return port

    def _choose(self, endpoint: Endpoint, own: bytes) -> DatagramPort | None:
        """Return a port to share, or None for a fresh one."""
        ports = self._taking.get(endpoint)
        if ports is None or (len(ports) < SPREAD and (self._idle or not self._is_full())):
            return None
        port = ports[os.urandom(1)[0] % len(ports)]
        return None if port.has_asked_with(own) else port

    def _is_full(self) -> bool:
        return len(self._selector.get_map()) >= self._most

    def _open(self, endpoint: Endpoint) -> DatagramPort:
        if self._is_full():
            if not self._idle:
                raise CrowdedError(endpoint.to_text(), f"replies are waited for on {self._most} sockets already")
            next(iter(self._idle)).retire()
        port = DatagramPort(endpoint, self._drop, self._rest)
        self._selector.register(port.sock, selectors.EVENT_READ, port)
        self._taking.setdefault(endpoint, []).append(port)
        self._opened.unpark_all()
        return port

    def _drop(self, port: DatagramPort) -> None:
        """A port takes no more exchanges."""
        ports = self._taking[port.endpoint]
        ports.remove(port)
        if not ports:
            del self._taking[port.endpoint]
        if not port.in_flight:
            self._close(port)

    def _rest(self, port: DatagramPort) -> None:
        """No exchange is in flight on a port any more."""
        if port.is_taking:
            self._idle[port] = None
        else:
            self._close(port)

    def _close(self, port: DatagramPort) -> None:
        self._idle.pop(port, None)
        self._selector.unregister(port.sock)
        port.close()
