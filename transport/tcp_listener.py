"""Streams from clients: accepting, and the shares each client may have.

A client address over its share is turned away at once. When all slots are taken, nobody is accepted until
one is free; by then patience is down to a fifth of a second, so that is soon. Whoever opened the listening
socket closes it, after the loop has ended.

Left out: what happens on a connection (stream_session), and who has how many (slots).
"""

import socket
from dataclasses import asdict, dataclass

import trio

from transport.clock import Clock
from transport.endpoint import Endpoint
from transport.grace import open_lasting_nursery
from transport.handler import Caller, Handler, Protocol
from transport.later import LaterPool
from transport.slots import Slots, StreamLimits
from transport.stream_session import StreamService, StreamSession

BACKLOG = 1_024  # connections the kernel holds for us while all slots are taken: one full turn of them
ERROR_PAUSE = 0.1  # seconds after a failed accept: without descriptors, trying again at once only burns CPU
GRACE = 1.0  # seconds for replies in hand once the listener is cancelled


@dataclass(frozen=True, slots=True)
class StreamStatistics:
    """What a listener has done so far.

    Attributes:
        connected: Connections there are now.
        accepted: Connections served.
        refused: Connections turned away, since their address has its share.
        received: Messages given to the handler.
        answered: Replies written.
        silent: Messages left without a reply by the handler, at once or later.
        unsendable: Replies dropped since no stream can carry them: empty, or over 65,535 octets.
        undelivered: Replies that became ready after the connection had ended.
        misframed: Connections closed for an announced length that is not allowed.
        impatient: Connections closed for keeping us waiting: silent, slow or idle.
        unread: Connections closed because replies were not read.
        broken: Reads and writes that failed.
        accept_errors: Times that accepting failed.
    """

    connected: int
    accepted: int
    refused: int
    received: int
    answered: int
    silent: int
    unsendable: int
    undelivered: int
    misframed: int
    impatient: int
    unread: int
    broken: int
    accept_errors: int


def open_tcp(endpoint: Endpoint, is_beside: bool = False) -> socket.socket:
    """Return a listening socket for `serve_tcp`.

    Args:
        endpoint: Where.
        is_beside: Whether it joins sockets of ours that let others beside them (SO_REUSEPORT).

    Raises:
        OSError: The address is not ours, or the port is taken or not allowed.
    """
    sock = socket.socket(endpoint.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if endpoint.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if is_beside:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((endpoint.host, endpoint.port))
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


class TcpListener:
    """One listening socket being served."""

    def __init__(self, sock: socket.socket, service: StreamService) -> None:
        self._sock = trio.socket.from_stdlib_socket(sock)  # owned by whoever opened it
        self._service = service
        self._sessions: set[StreamSession] = set()  # entries leave when their connection ends
        self._freed = trio.lowlevel.ParkingLot()  # the accepting loop waits here for a slot

    def statistics(self) -> StreamStatistics:
        """Return the counters as they are now."""
        return StreamStatistics(connected=self._service.slots.taken, **asdict(self._service.counts))

    async def run(self) -> None:
        """Serve until cancelled; connections then read no more, and have GRACE to answer what is in hand."""
        async with open_lasting_nursery(GRACE) as connections:
            try:
                await self._accept_all(connections)
            finally:
                for session in self._sessions:
                    session.finish()

    async def _accept_all(self, connections: trio.Nursery) -> None:
        slots, counts = self._service.slots, self._service.counts
        while True:
            while slots.full:
                await self._freed.park()
            try:
                sock, address = await self._sock.accept()
            except OSError:  # out of descriptors, or the client has gone already
                counts.accept_errors += 1
                await trio.sleep(ERROR_PAUSE)
                continue
            caller = Caller(Endpoint(address[0], address[1]), Protocol.TCP)
            usual = slots.patience(self._service.limits.idle)
            if not slots.try_take(caller.endpoint.host):
                counts.refused += 1
                sock.close()
                continue
            counts.accepted += 1
            connections.start_soon(self._converse, trio.SocketStream(sock), caller)
            if slots.patience(usual) < usual:
                for session in self._sessions:
                    session.hurry()

    async def _converse(self, stream: trio.abc.Stream, caller: Caller) -> None:
        session = StreamSession(stream, caller, self._service)
        self._sessions.add(session)
        try:
            await session.run()
        finally:
            self._sessions.remove(session)
            self._service.slots.give_back(caller.endpoint.host)
            self._freed.unpark_all()
            await trio.aclose_forcefully(stream)


async def serve_tcp(  # noqa: PLR0913 - whoever composes a server names each part of it once, here
    sock: socket.socket,
    handler: Handler,
    clock: Clock,
    later: LaterPool,
    *,
    limits: StreamLimits,
    task_status: trio.TaskStatus[TcpListener] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve a socket from `open_tcp` until cancelled; `task_status` is given the listener."""
    listener = TcpListener(sock, StreamService(handler, clock, later, limits, Slots(limits)))
    task_status.started(listener)
    await listener.run()
