"""A listener of streams on loopback, and clients of it."""

import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import trio
from trio.testing import wait_all_tasks_blocked

from transport.clock import Clock
from transport.endpoint import Endpoint
from transport.framing import Deframer
from transport.handler import Admit, Handler, Protocol, admit_all
from transport.later import LaterPool
from transport.slots import StreamLimits
from transport.tcp_listener import StreamStatistics, TcpListener, open_tcp, serve_tcp
from transport.tls.stream import Secure

LOOPBACK = Endpoint("127.0.0.1", 0)
LIMITS = StreamLimits()


class Server:
    """A listener, and connecting to it."""

    def __init__(self, sock: socket.socket, listener: TcpListener) -> None:
        self.sock = sock
        self.listener = listener
        self._opened: list[trio.SocketStream] = []

    @property
    def counts(self) -> StreamStatistics:
        return self.listener.statistics()

    async def connect(self, source: str = "") -> trio.SocketStream:
        """Connect, from an address of 127.0.0.0/8 if it matters, and leave it at that."""
        sock = trio.socket.socket(self.sock.family)
        try:
            if source:
                await sock.bind((source, 0))
            await sock.connect(self.sock.getsockname())
        except BaseException:
            sock.close()
            raise
        self._opened.append(trio.SocketStream(sock))
        return self._opened[-1]

    def close_clients(self) -> None:
        """Close whatever a test has left open."""
        for stream in self._opened:
            stream.socket.close()

    async def wait_until(self, happened: Callable[[StreamStatistics], bool]) -> None:
        while not happened(self.counts):
            await wait_all_tasks_blocked()


async def receive(client: trio.abc.ReceiveStream, count: int) -> list[bytes]:
    """Return so many replies, or fewer when the server closes."""
    deframer, replies = Deframer(), list[bytes]()
    try:
        while len(replies) < count and (data := await client.receive_some(65_536)):
            deframer.feed(data)
            replies += list(deframer)
    except trio.BrokenResourceError:  # closed while something from us was still unread
        pass
    return replies


async def ended(stream: trio.abc.ReceiveStream) -> None:
    """Wait until the server has closed, be it in anger."""
    try:
        while await stream.receive_some(65_536):
            pass
    except trio.BrokenResourceError:
        pass


@asynccontextmanager
async def listening(
    handler: Handler,
    endpoint: Endpoint = LOOPBACK,
    limits: StreamLimits = LIMITS,
    *,
    jobs: int = 200,
    secure: Secure | None = None,
    admit: Admit = admit_all,
) -> AsyncGenerator[tuple[Server, trio.CancelScope]]:
    """Serve; the scope is the listener's, and its pool outlives it. Whoever is in here gives up after 30 s."""
    protocol = Protocol.TCP if secure is None else Protocol.TLS
    with trio.fail_after(30), open_tcp(endpoint) as sock:
        async with LaterPool(jobs).running(grace=0) as later, trio.open_nursery() as nursery:
            serving = trio.CancelScope()

            async def serve(*, task_status: trio.TaskStatus[TcpListener]) -> None:
                with serving:
                    await serve_tcp(
                        *(sock, handler, Clock(), later),
                        limits=limits,
                        protocol=protocol,
                        secure=secure,
                        admit=admit,
                        task_status=task_status,
                    )

            server = Server(sock, await nursery.start(serve))
            try:
                yield server, serving
            finally:
                server.close_clients()
            nursery.cancel_scope.cancel()


def echo(message: bytes, _caller: object, _now: float) -> bytes:
    """Answer with the message."""
    return message
