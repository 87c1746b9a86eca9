"""Datagrams in, datagrams out: one loop that drains a socket in batches.

Left out: who may ask how often, and what size an answer may have; both are the handler's. Whoever opened the
socket closes it, after the loop has ended, so that a supervisor can keep it over the death of a worker.
"""

import socket
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import trio

from transport.clock import Clock
from transport.datagram import MAX_DATAGRAM, READ_SIZE, open_datagram_socket
from transport.endpoint import Endpoint
from transport.handler import Caller, Handler, Later, Protocol
from transport.later import LaterPool

BATCH = 256  # datagrams between two looks at the event loop: some milliseconds of work
SOCKET_BUFFER = 1 << 20  # octets each way: 8 ms at 1 Gbit/s; the kernel may grant less
MAX_AGE = 1.9  # seconds; older answers would go out in one burst at a victim, and resolvers have given up by 2 s

_Address = Any  # what the socket module calls a source: (host, port), and two more for IPv6; sent back as it came


@dataclass(slots=True)
class _Counts:
    received: int = 0
    oversized: int = 0
    answered: int = 0
    silent: int = 0
    dropped_full: int = 0
    dropped_late: int = 0
    receive_errors: int = 0
    send_errors: int = 0


@dataclass(frozen=True, slots=True)
class UdpStatistics:
    """What a listener has done so far, in datagrams.

    Attributes:
        received: Given to the handler.
        oversized: Ignored, since they were longer than we read.
        answered: Answers given to the kernel.
        silent: Left without an answer by the handler, at once or later.
        dropped_full: Dropped because the later pool was full.
        dropped_late: Answers dropped because they were ready too late.
        receive_errors: ICMP messages and the like, reported where one would read.
        send_errors: Answers the kernel would not take.
    """

    received: int
    oversized: int
    answered: int
    silent: int
    dropped_full: int
    dropped_late: int
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

    def __init__(self, sock: socket.socket, handler: Handler, clock: Clock, later: LaterPool) -> None:
        self._sock = sock  # owned by whoever opened it
        self._handler = handler
        self._clock = clock
        self._later = later
        self._counts = _Counts()

    def statistics(self) -> UdpStatistics:
        """Return the counters as they are now."""
        return UdpStatistics(**asdict(self._counts))

    async def run(self) -> None:
        """Serve until cancelled. Jobs in the later pool go on, and still answer while the socket is open."""
        while True:
            await trio.lowlevel.wait_readable(self._sock)
            self._drain()

    def _drain(self) -> None:
        now = self._clock.now()
        for _ in range(BATCH):
            try:
                message, address = self._sock.recvfrom(READ_SIZE)
            except BlockingIOError:
                return
            except OSError:
                self._counts.receive_errors += 1
                continue
            if len(message) > MAX_DATAGRAM:
                self._counts.oversized += 1
                continue
            self._counts.received += 1
            self._take_untrusted(message, address, now)

    def _take_untrusted(self, message: bytes, address: _Address, now: float) -> None:
        caller = Caller(Endpoint(address[0], address[1]), Protocol.UDP)
        verdict = self._handler(message, caller, now)
        if not isinstance(verdict, Later):
            self._reply(verdict, address)
        elif not self._later.try_start(partial(self._answer_later, verdict, address, trio.current_time())):
            self._counts.dropped_full += 1

    async def _answer_later(self, later: Later, address: _Address, arrived: float) -> None:
        reply = await later.work()
        if reply is not None and trio.current_time() - arrived > MAX_AGE:
            self._counts.dropped_late += 1
        else:
            self._reply(reply, address)

    def _reply(self, reply: bytes | None, address: _Address) -> None:
        if reply is None:
            self._counts.silent += 1
            return
        try:
            self._sock.sendto(reply, address)
        except OSError:  # no buffer, no route, a firewall, a source port of 0: the client asks again
            self._counts.send_errors += 1
        else:
            self._counts.answered += 1


async def serve_udp(
    sock: socket.socket,
    handler: Handler,
    clock: Clock,
    later: LaterPool,
    *,
    task_status: trio.TaskStatus[UdpListener] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve a socket from `open_udp` until cancelled; `task_status` is given the listener."""
    listener = UdpListener(sock, handler, clock, later)
    task_status.started(listener)
    await listener.run()
