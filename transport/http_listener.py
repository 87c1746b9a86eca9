"""HTTP/1.1 for small requests of which each changes something: one a connection, then it is closed.

Reading the messages is h11's. Bounded here: how long a head and a body may be, how long a client may take, how many
connections there are, in all and from one address. Whoever opened the listening socket closes it.

Left out: what a request means. Not for answering questions at a rate: who asks often asks in DNS.
"""

import logging
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import h11
import trio

from transport.grace import open_lasting_nursery
from transport.slots import Slots, StreamLimits

RECEIVE = 4_096  # octets a read; a whole request fits
ERROR_PAUSE = 0.1  # seconds after a failed accept: without descriptors, trying again at once only burns CPU

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What the listener puts up with; times in seconds, sizes in octets.

    Attributes:
        head: Request line and header lines together, or one read more; browsers and proxies send about 1,000.
        body: Of a request.
        receiving: From connecting to the end of the request; this and `sending` are less, also for who is there
            already, once more than half of the connections are taken.
        answering: For the handler; it may have to deliver something first.
        sending: For the reply, and again for the client to close.
        connections: In all; each takes some 20 KB.
        per_address: From one IPv4 address or IPv6 /64; a proxy in front of us has no more than that either.
        grace: For requests in hand once the listener is cancelled.
    """

    head: int = 8_192
    body: int = 4_096
    receiving: float = 10.0
    answering: float = 60.0
    sending: float = 5.0
    connections: int = 200
    per_address: int = 100
    grace: float = 5.0


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request, whole.

    Attributes:
        method: Such as POST.
        target: As it stands in the request line.
        headers: Names in lower case.
        body: All of it.
        host: The address it came from.
    """

    method: str
    target: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    host: str

    def header(self, name: bytes) -> str:
        """Return the last value of a header, "" where there is none."""
        values = [value for one, value in self.headers if one == name]
        return values[-1].decode("latin-1") if values else ""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What goes back."""

    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = field(default=())


HttpHandler = Callable[[HttpRequest], Awaitable[HttpReply]]
TOO_LATE = HttpReply(504, b"it took too long\n")


class _TooLongError(Exception):
    """A body of more than is read."""


async def serve_http(
    sock: socket.socket,
    handler: HttpHandler,
    limits: HttpLimits = HttpLimits(),
    *,
    too_late: HttpReply = TOO_LATE,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve a socket from `open_tcp` until cancelled; `too_late` is said when the handler's time is over."""
    in_time = partial(_answer, handler, limits.answering, too_late)
    listener = trio.socket.from_stdlib_socket(sock)
    slots = Slots(StreamLimits(connections=limits.connections, per_address=limits.per_address))
    freed = trio.lowlevel.ParkingLot()
    receiving: dict[trio.CancelScope, float] = {}  # when each began; entries leave with their connection

    def hurry() -> None:
        for patience, begun in receiving.items():
            patience.deadline = begun + slots.patience(limits.receiving)

    async def converse(stream: trio.SocketStream, host: str) -> None:
        begun = trio.current_time()
        patience = trio.CancelScope(deadline=begun + slots.patience(limits.receiving))
        receiving[patience] = begun
        try:
            await _converse(stream, host, in_time, _Bounds(limits, patience, slots))
        finally:
            del receiving[patience]
            slots.give_back(host)
            freed.unpark_all()
            await trio.aclose_forcefully(stream)

    async with open_lasting_nursery(limits.grace) as conversations:
        task_status.started()
        while True:
            while slots.full:
                await freed.park()
            try:
                accepted, address = await listener.accept()
            except OSError:  # out of descriptors, or the client has gone already
                await trio.sleep(ERROR_PAUSE)
                continue
            usual = slots.patience(limits.receiving)
            if slots.try_take(address[0]):
                conversations.start_soon(converse, trio.SocketStream(accepted), address[0])
                if slots.patience(limits.receiving) < usual:
                    hurry()
            else:
                accepted.close()


@dataclass(frozen=True, slots=True)
class _Bounds:
    """What one connection is let have: sizes, its time for a request, and what is left of other times."""

    limits: HttpLimits
    receiving: trio.CancelScope
    slots: Slots

    @property
    def sending(self) -> float:
        return self.slots.patience(self.limits.sending)


async def _converse(stream: trio.SocketStream, host: str, handler: HttpHandler, bounds: _Bounds) -> None:
    """Take one request, answer it, and see the client off."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=bounds.limits.head)
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        reply = await _reply(stream, connection, host, handler, bounds)
        if reply is None:
            return
        with trio.move_on_after(bounds.sending):
            await _send(stream, connection, reply)
        with trio.move_on_after(bounds.sending):  # closing while something is unread would take the reply back
            await stream.send_eof()
            while await stream.receive_some(RECEIVE):
                pass


async def _reply(
    stream: trio.SocketStream, connection: h11.Connection, host: str, handler: HttpHandler, bounds: _Bounds
) -> HttpReply | None:
    """Return what to reply; None when nothing is to be said."""
    request = None
    most = bounds.limits.body
    try:
        with bounds.receiving:
            request = await _receive(stream, connection, host, most)
            if request is None:
                return None
    except h11.RemoteProtocolError as error:
        return HttpReply(error.error_status_hint, b"not HTTP as it is spoken here\n")
    except _TooLongError:
        return HttpReply(413, f"more than {most} octets\n".encode())
    if request is None:
        return HttpReply(408, b"too slow\n")
    try:
        return await handler(request)
    except Exception:  # the barrier: a bug must cost one request, not the daemon
        log.exception("event=internal-error part=http")
        return HttpReply(500, b"a bug of ours\n")


async def _answer(handler: HttpHandler, seconds: float, too_late: HttpReply, request: HttpRequest) -> HttpReply:
    with trio.move_on_after(seconds):
        return await handler(request)
    log.warning("event=too-late part=http seconds=%g", seconds)
    return too_late


async def _receive(
    stream: trio.SocketStream, connection: h11.Connection, host: str, most: int
) -> HttpRequest | None:
    """Read one request; None when the client closes without one."""
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            if connection.they_are_waiting_for_100_continue:
                go_on = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")
                await stream.send_all(connection.send(go_on) or b"")
            connection.receive_data(await stream.receive_some(RECEIVE))
        elif isinstance(event, h11.Request):
            head = event
            if _announced(event) > most:  # said at once, also to who waits to be told to go on
                raise _TooLongError
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > most:
                raise _TooLongError
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            headers = tuple((bytes(name), bytes(value)) for name, value in head.headers)
            return HttpRequest(head.method.decode("ascii"), head.target.decode("ascii"), headers, bytes(body), host)
        else:
            return None


def _announced(head: h11.Request) -> int:
    """Return how long a body is to be; 0 where the head does not say."""
    return next((int(value) for name, value in head.headers if name == b"content-length"), 0)


async def _send(stream: trio.SocketStream, connection: h11.Connection, reply: HttpReply) -> None:
    headers = [
        ("Content-Type", reply.content_type),
        ("Content-Length", str(len(reply.body))),
        ("Cache-Control", "no-store"),
        ("Connection", "close"),
        *reply.headers,
    ]
    head = connection.send(h11.Response(status_code=reply.status, headers=headers)) or b""
    with suppress(h11.LocalProtocolError):  # who asked for the HEAD alone gets no body
        head += connection.send(h11.Data(data=reply.body)) or b""
    await stream.send_all(head)
