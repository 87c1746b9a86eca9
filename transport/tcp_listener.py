"""Streams from clients: accepting, handshakes, and the shares each client may have.

A client address over its share is turned away at once. When all slots are taken, nobody is accepted until
one is free; by then patience is down to a fifth of a second, so that is soon. Whoever opened the listening
socket closes it, after the loop has ended.

A handshake, where there is one, is the beginning of its connection: it has its slot, and its time shrinks as
the rest of our patience does.

Left out: what happens on a connection (stream_session), who has how many (slots), how a stream is encrypted (tls).
"""

import socket
import typing
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import trio

from transport.clock import Clock
from transport.endpoint import Endpoint
from transport.grace import open_lasting_nursery
from transport.handler import Admit, Caller, Handler, Protocol, admit_all
from transport.later import LaterPool
from transport.slots import Slots, StreamLimits
from transport.stream_session import StreamCounts, StreamService, StreamSession
from transport.tls.stream import Secure, Secured

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
        handshakes: Those that ended well, where there are any.
        resumed: Of these, how many took up an earlier one.
        handshakes_failed: Those that did not: an older version, a certificate of nobody, no TLS at all.
        handshakes_slow: Connections closed during a handshake that took too long.
        handshakes_refused: Connections turned away before one, since their address has begun too many.
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
    handshakes: int
    resumed: int
    handshakes_failed: int
    handshakes_slow: int
    handshakes_refused: int
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


class Session(typing.Protocol):
    """One connection being served; `StreamSession` is one."""

    async def run(self) -> None:
        """Serve until it ends."""
        ...

    def finish(self) -> None:
        """Read no further; what is in hand still goes out."""
        ...

    def hurry(self) -> None:
        """See anew how long the client may keep us waiting."""
        ...


class Service(typing.Protocol):
    """What all connections of one listener share, as far as it matters here."""

    @property
    def limits(self) -> StreamLimits:
        """What is put up with."""
        ...

    @property
    def slots(self) -> Slots:
        """Who may have a connection."""
        ...

    @property
    def clock(self) -> Clock:
        """The time of day."""
        ...

    @property
    def counts(self) -> StreamCounts:
        """Counters."""
        ...


Begin = Callable[[trio.abc.Stream, Caller], Session]  # makes the session of a connection


class TcpListener:
    """One listening socket being served.

    Args:
        sock: Owned by whoever opened it.
        service: What all connections share.
        begin: Makes a session of a connection, once its handshake is over.
        protocol: What callers are said to speak.
        secure: The handshake that each connection begins with; None where nothing is encrypted.
        admit: Whether a handshake may begin.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - as serve_tcp
        self,
        sock: socket.socket,
        service: Service,
        begin: Begin,
        protocol: Protocol = Protocol.TCP,
        secure: Secure | None = None,
        admit: Admit = admit_all,
    ) -> None:
        self._sock = trio.socket.from_stdlib_socket(sock)
        self._service = service
        self._begin = begin
        self._protocol = protocol
        self._secure = secure
        self._admit = admit
        self._handshakes: dict[trio.CancelScope, float] = {}  # when each began; entries leave with its end
        self._sessions: set[Session] = set()  # entries leave when their connection ends
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
                for patience in self._handshakes:
                    patience.cancel()
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
            caller = Caller(Endpoint(address[0], address[1]), self._protocol)
            usual = slots.patience(self._service.limits.idle)
            if not self._takes(caller.endpoint.host):
                sock.close()
                continue
            counts.accepted += 1
            connections.start_soon(self._converse, trio.SocketStream(sock), caller)
            if slots.patience(usual) < usual:
                self._hurry()

    def _takes(self, host: str) -> bool:
        """Take a slot for an address, unless it has its share of them, or of handshakes."""
        service = self._service
        if not service.slots.try_take(host):
            service.counts.refused += 1
            return False
        if self._secure is not None and not self._admit(host, service.clock.now()):
            service.slots.give_back(host)
            service.counts.handshakes_refused += 1
            return False
        return True

    def _hurry(self) -> None:
        for patience, begun in self._handshakes.items():
            patience.deadline = begun + self._service.slots.patience(self._service.limits.handshake)
        for session in self._sessions:
            session.hurry()

    async def _converse(self, stream: trio.abc.Stream, caller: Caller) -> None:
        try:
            if self._secure is not None:
                secured = await self._secured(stream, self._secure)
                if secured is None:
                    return
                stream, caller = secured.stream, replace(caller, identity=secured.identity)
            await self._serve(self._begin(stream, caller))
        finally:
            self._service.slots.give_back(caller.endpoint.host)
            self._freed.unpark_all()
            await trio.aclose_forcefully(stream)

    async def _secured(self, stream: trio.abc.Stream, secure: Secure) -> Secured | None:
        """Return what the handshake came to; None when the client must not go on."""
        counts, begun = self._service.counts, trio.current_time()
        patience = trio.CancelScope(deadline=begun + self._service.slots.patience(self._service.limits.handshake))
        self._handshakes[patience] = begun
        try:
            with patience:
                secured = await secure(stream)
                counts.handshakes += 1
                counts.resumed += secured.is_resumed
                return secured
        except trio.BrokenResourceError:
            counts.handshakes_failed += 1
            return None
        finally:
            del self._handshakes[patience]
        counts.handshakes_slow += 1
        return None

    async def _serve(self, session: Session) -> None:
        self._sessions.add(session)
        try:
            await session.run()
        finally:
            self._sessions.remove(session)


async def serve_tcp(  # noqa: PLR0913 - whoever composes a server names each part of it once, here
    sock: socket.socket,
    handler: Handler,
    clock: Clock,
    later: LaterPool,
    *,
    limits: StreamLimits,
    protocol: Protocol = Protocol.TCP,
    secure: Secure | None = None,
    admit: Admit = admit_all,
    task_status: trio.TaskStatus[TcpListener] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve a socket from `open_tcp` until cancelled; `task_status` is given the listener.

    For DNS over TLS, `secure` is `ServerTls.handshake`, and `admit` says who may begin one.
    """
    service = StreamService(handler, clock, later, limits, Slots(limits))

    def begin(stream: trio.abc.Stream, caller: Caller) -> Session:
        return StreamSession(stream, caller, service)

    listener = TcpListener(sock, service, begin, protocol, secure, admit)
    task_status.started(listener)
    await listener.run()
