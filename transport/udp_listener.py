"""Datagrams in, datagrams out: one loop that drains a socket in batches.

Left out: who may ask how often, and what size an answer may have; both are the handler's and its fast path's.
Whoever opened the socket closes it, after the loop has ended, so that a supervisor can keep it over the death of a
worker.
"""

import socket
import time
from dataclasses import dataclass
from functools import partial

import trio

from transport.batch import SLOTS, STRIDE, open_batch
from transport.clock import Clock
from transport.datagram import MAX_DATAGRAM, open_datagram_socket
from transport.drain import Tally, drain
from transport.endpoint import Endpoint
from transport.fast_path import FastPath
from transport.handler import Caller, Handler, Later, Protocol
from transport.later import LaterPool
from transport.releases import Releases
from transport.stream_link import ID

BATCHES = 8  # between two looks at the event loop: at most 512 datagrams, some milliseconds of work
BUSY = 8  # datagrams that waited: where there were so many, there will be some again in a moment
PAUSE = 30e-6  # seconds that this moment takes; the kernel may add its slack of 50 us
SOCKET_BUFFER = 1 << 20  # octets each way: 8 ms at 1 Gbit/s; the kernel may grant less
MAX_AGE = 1.9  # seconds; older answers would go out in one burst at a victim, and resolvers have given up by 2 s
_NOTHING_READY = FastPath()


@dataclass(frozen=True, slots=True)
class UdpStatistics:
    """What a listener has done so far, in datagrams.

    Attributes:
        received: Taken in, but for oversized ones.
        oversized: Ignored, since they were longer than we read.
        fast: Of these, answered by the fast path.
        answered: Answers given to the kernel.
        silent: Left without an answer by the handler, at once or later.
        dropped_full: Dropped because the later pool was full, or the client has enough in hand there.
        dropped_late: Answers dropped because they were ready too late.
        dropped_burst: Answers dropped because too many others to that address were ready at once.
        receive_errors: ICMP messages and the like, reported where one would read.
        send_errors: Answers the kernel would not take.
    """

    received: int
    oversized: int
    fast: int
    answered: int
    silent: int
    dropped_full: int
    dropped_late: int
    dropped_burst: int
    receive_errors: int
    send_errors: int


def open_udp(endpoint: Endpoint, is_beside: bool = False) -> socket.socket:
    """Return a bound, non-blocking socket for `serve_udp`.

    Args:
        endpoint: Where.
        is_beside: Whether it joins sockets of ours that let others beside them (SO_REUSEPORT).

    Raises:
        OSError: The address is not ours, or the port is taken or not allowed.
    """
    sock = open_datagram_socket(endpoint.family)
    try:
        if endpoint.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER)
        if is_beside:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((endpoint.host, endpoint.port))
    except OSError:
        sock.close()
        raise
    return sock


class UdpListener:
    """One socket being served."""

    def __init__(
        self, sock: socket.socket, handler: Handler, clock: Clock, later: LaterPool, fast: FastPath = _NOTHING_READY
    ) -> None:
        self._sock = sock  # owned by whoever opened it
        self._handler = handler
        self._fast = fast
        self._clock = clock
        self._later = later
        self._batch = open_batch(sock)
        self._now = clock.now()  # of the batch in hand
        self._ready: list[tuple[bytes, Endpoint]] = []  # replies of the later pool, to be sent together
        self._posted = trio.lowlevel.ParkingLot()  # who sends them waits here
        self._is_sending = False  # whether there is somebody to send them
        self._tally = Tally()
        self._dropped_full = 0
        self._dropped_late = 0
        self._dropped_burst = 0
        self._releases = Releases()
        self._receive_errors = 0

    def statistics(self) -> UdpStatistics:
        """Return the counters as they are now."""
        tally = self._tally
        return UdpStatistics(
            received=tally.received,
            oversized=tally.oversized,
            fast=tally.fast,
            answered=tally.answered,
            silent=tally.silent,
            dropped_full=self._dropped_full,
            dropped_late=self._dropped_late,
            dropped_burst=self._dropped_burst,
            receive_errors=self._receive_errors,
            send_errors=tally.send_errors,
        )

    async def run(self) -> None:
        """Serve until cancelled. Jobs in the later pool go on, and still answer while the socket is open."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._send_ready)
            while True:
                await trio.lowlevel.wait_readable(self._sock)
                self._drain()

    async def _send_ready(self) -> None:
        """Send what jobs have made ready, all of one turn of the event loop together.

        To wake a client that sleeps on another core costs more than to send, and so it is woken once a turn.
        """
        self._is_sending = True
        try:
            while True:
                if not self._ready:
                    await self._posted.park()
                ready, self._ready = self._ready[:SLOTS], self._ready[SLOTS:]
                for out, (reply, endpoint) in enumerate(ready):
                    self._batch.outbox[out * STRIDE : out * STRIDE + len(reply)] = reply
                    self._batch.out_lengths[out] = len(reply)
                    self._batch.address_to(out, endpoint)
                sent = self._batch.send(len(ready))
                self._tally.answered += sent
                self._tally.send_errors += len(ready) - sent
        finally:
            self._is_sending = False
            for reply, endpoint in self._ready:
                self._send_at_once(reply, endpoint)
            self._ready = []

    def _drain(self) -> None:
        for _ in range(BATCHES):
            fast = self._tally.fast
            self._now = self._clock.now()
            try:
                count = drain(self._batch, self._fast, self._take_untrusted, self._now, self._tally)
            except OSError:
                self._receive_errors += 1
                continue
            if count == SLOTS:
                continue
            if count < BUSY or self._tally.fast - fast < count:
                return
            time.sleep(PAUSE)  # nobody waits for the loop; a look by way of it takes as long (decision 0017)

    def _take_untrusted(self, message: bytes, slot: int) -> bytes | None:
        """Ask the handler; return its answer if it has one at once."""
        caller = Caller(self._batch.endpoint(slot), Protocol.UDP)
        verdict = self._handler(message, caller, self._now)
        if isinstance(verdict, Later):
            job = partial(self._answer_later, verdict, caller.endpoint, self._now)
            if self._later.try_start(job, caller, message[ID:]):
                return None
            verdict = verdict.crowded() if self._later.has_enough(caller) else None
            if verdict is None:
                self._dropped_full += 1
                return None
        if verdict is None:
            self._tally.silent += 1
        elif len(verdict) > MAX_DATAGRAM:
            self._tally.send_errors += 1
        else:
            return verdict
        return None

    async def _answer_later(self, later: Later, caller: Endpoint, arrived: float) -> None:
        reply = await later.work()
        if reply is None:
            self._tally.silent += 1
        elif (age := (now := self._clock.now()) - arrived) > MAX_AGE:
            self._dropped_late += 1
        elif not self._releases.may_go(caller.host, age, now):
            self._dropped_burst += 1
        elif len(reply) > MAX_DATAGRAM:
            self._tally.send_errors += 1
        elif self._is_sending:
            self._ready.append((reply, caller))
            if len(self._ready) == 1:
                self._posted.unpark_all()
        else:
            self._send_at_once(reply, caller)

    def _send_at_once(self, reply: bytes, caller: Endpoint) -> None:
        """Send through the socket itself: it says so when it is closed, when its descriptor may be another's."""
        try:
            self._sock.sendto(reply, (caller.host, caller.port))
        except OSError:  # no buffer, no route, a firewall, a source port of 0: the client asks again
            self._tally.send_errors += 1
        else:
            self._tally.answered += 1


async def serve_udp(  # noqa: PLR0913 - what a listener is made of
    sock: socket.socket,
    handler: Handler,
    clock: Clock,
    later: LaterPool,
    fast: FastPath = _NOTHING_READY,
    *,
    task_status: trio.TaskStatus[UdpListener] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve a socket from `open_udp` until cancelled; `task_status` is given the listener."""
    listener = UdpListener(sock, handler, clock, later, fast)
    task_status.started(listener)
    await listener.run()
