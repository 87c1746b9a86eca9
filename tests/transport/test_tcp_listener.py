"""Streams over loopback. A server is started with `serving`; each test gives up after 10 s."""

import errno
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from transport.clock import Clock
from transport.endpoint import Endpoint
from transport.framing import Deframer, frame
from transport.handler import Caller, Handler, Later, Protocol, Verdict
from transport.later import LaterPool
from transport.slots import Slots, StreamLimits
from transport.stream_session import StreamService, StreamSession
from transport.tcp_listener import StreamStatistics, TcpListener, open_tcp, serve_tcp

LOOPBACK = Endpoint("127.0.0.1", 0)
LIMITS = StreamLimits()


class Server:
    """A listener on loopback, and clients of it."""

    def __init__(self, sock: socket.socket, listener: TcpListener) -> None:
        self.address = sock.getsockname()
        self.listener = listener

    async def connect(self, source: str = "") -> trio.SocketStream:
        """Connect, from an address of 127.0.0.0/8 if it matters."""
        sock = trio.socket.socket(socket.AF_INET6 if len(self.address) > 2 else socket.AF_INET)
        if source:
            await sock.bind((source, 0))
        await sock.connect(self.address)
        return trio.SocketStream(sock)

    async def wait_until(self, happened: Callable[[StreamStatistics], bool]) -> None:
        while not happened(self.listener.statistics()):
            await wait_all_tasks_blocked()

    async def greet(self, source: str = "") -> trio.SocketStream:
        """Connect and exchange a message, so that the connection is known to have its slot."""
        client = await self.connect(source)
        await client.send_all(frame(b"hello"))
        assert await receive(client, 1) == [b"hello"]
        return client


async def receive(client: trio.abc.ReceiveStream, count: int) -> list[bytes]:
    """Return so many replies, or fewer when the server closes."""
    deframer, replies = Deframer(), list[bytes]()
    try:
        while len(replies) < count and (data := await client.receive_some(1_000)):
            deframer.feed(data)
            replies += list(deframer)
    except trio.BrokenResourceError:  # closed while something from us was still unread
        pass
    return replies


@asynccontextmanager
async def serving(
    handler: Handler,
    endpoint: Endpoint = LOOPBACK,
    limits: StreamLimits = LIMITS,
) -> AsyncGenerator[Server]:
    with trio.fail_after(10), open_tcp(endpoint) as sock:
        async with LaterPool(200).running() as later, trio.open_nursery() as nursery:

            async def serve(*, task_status: trio.TaskStatus[TcpListener]) -> None:
                await serve_tcp(sock, handler, Clock(), later, limits=limits, task_status=task_status)

            yield Server(sock, await nursery.start(serve))
            nursery.cancel_scope.cancel()


def _echo(message: bytes, _caller: Caller, _now: float) -> Verdict:
    return message


async def test_a_message_is_answered_and_the_caller_is_told(anywhere: Endpoint) -> None:
    callers: list[Caller] = []

    def handle(message: bytes, caller: Caller, _now: float) -> Verdict:
        callers.append(caller)
        return message[::-1]

    async with serving(handle, anywhere) as server, await server.connect() as client:
        await client.send_all(frame(b"question"))
        assert await receive(client, 1) == [b"noitseuq"]
        await server.wait_until(lambda statistics: statistics.answered == 1)
        assert callers == [Caller(Endpoint(*client.socket.getsockname()[:2]), Protocol.TCP)]
        statistics = server.listener.statistics()
        assert (statistics.connected, statistics.accepted, statistics.received) == (1, 1, 1)


async def test_a_hundred_in_flight_come_back_last_first() -> None:
    done = [trio.Event() for _ in range(101)]
    done[100].set()

    def handle(message: bytes, _caller: Caller, _now: float) -> Verdict:
        number = int(message)

        async def work() -> bytes:
            await done[number + 1].wait()
            done[number].set()
            return message

        return Later(work)

    async with serving(handle) as server, await server.connect() as client:
        await client.send_all(b"".join(frame(b"%d" % number) for number in range(100)))
        assert await receive(client, 100) == [b"%d" % number for number in reversed(range(100))]


async def test_octet_by_octet_is_understood() -> None:
    async with serving(_echo) as server, await server.connect() as client:
        for octet in frame(b"slowly") + frame(b"but surely"):
            await client.send_all(bytes([octet]))
        assert await receive(client, 2) == [b"slowly", b"but surely"]


async def test_a_wrong_length_is_closed_without_being_read() -> None:
    async with serving(_echo) as server, await server.connect() as client:
        await client.send_all(b"\xff\xff")
        assert await receive(client, 1) == []
        assert server.listener.statistics().misframed == 1


async def test_an_address_has_its_share() -> None:
    async with (
        serving(_echo, limits=StreamLimits(per_address=2)) as server,
        await server.greet() as first,
        await server.greet(),
    ):
        async with await server.connect() as third:
            assert await receive(third, 1) == []
        async with await server.greet("127.0.0.2"):
            pass
        assert server.listener.statistics().refused == 1
        await first.aclose()
        await server.wait_until(lambda statistics: statistics.connected == 1)
        async with await server.greet():
            assert server.listener.statistics().refused == 1


async def test_when_all_slots_are_taken_the_next_waits_for_one() -> None:
    limits = StreamLimits(connections=2, idle_half=9, idle_most=9)
    async with serving(_echo, limits=limits) as server:
        first = await server.greet()
        async with await server.greet(), await server.connect() as third:
            await third.send_all(frame(b"me too"))
            await wait_all_tasks_blocked()
            assert server.listener.statistics().connected == 2
            await first.aclose()
            assert await receive(third, 1) == [b"me too"]


async def test_idle_ones_make_room_when_it_gets_crowded(leaping_clock: MockClock) -> None:
    limits = StreamLimits(connections=4, idle=1_000)
    async with (
        serving(_echo, limits=limits) as server,
        await server.greet() as first,
        await server.greet() as second,
    ):
        await server.wait_until(lambda statistics: statistics.answered == 2)  # idle from now on
        leaping_clock.jump(5)
        await wait_all_tasks_blocked()
        assert server.listener.statistics().connected == 2
        async with await server.greet():  # the third of four: one idle second is enough now
            assert await receive(first, 1) == []
            assert await receive(second, 1) == []
            assert server.listener.statistics().impatient == 2


async def test_a_client_that_never_reads_is_closed() -> None:
    limits = StreamLimits(stuck=0.05)
    async with serving(lambda *_: b"x" * 60_000, limits=limits) as server, await server.connect() as client:
        with pytest.raises(trio.BrokenResourceError):
            await _ask_on(client)
        await server.wait_until(lambda statistics: statistics.connected == 0)
        assert server.listener.statistics().unread == 1


async def _ask_on(client: trio.SocketStream) -> None:
    while True:
        await client.send_all(frame(b"again"))


async def test_replies_in_hand_outlive_the_listener(lookup_pause: trio.Event) -> None:
    def handle(message: bytes, _caller: Caller, _now: float) -> Verdict:
        async def work() -> bytes:
            await lookup_pause.wait()
            return message

        return Later(work) if message == b"later" else message

    with trio.fail_after(10), open_tcp(LOOPBACK) as sock:
        async with LaterPool(1).running() as later, trio.open_nursery() as clients:
            async with trio.open_nursery() as nursery:

                async def serve(*, task_status: trio.TaskStatus[TcpListener]) -> None:
                    await serve_tcp(sock, handle, Clock(), later, limits=LIMITS, task_status=task_status)

                server = Server(sock, await nursery.start(serve))
                idle, waiting = await server.greet(), await server.greet()
                await waiting.send_all(frame(b"later"))
                await server.wait_until(lambda statistics: statistics.received == 3)
                clients.start_soon(_release_after, idle, lookup_pause)
                nursery.cancel_scope.cancel()
            assert lookup_pause.is_set()
            assert await receive(waiting, 2) == [b"later"]
            await waiting.aclose()


async def _release_after(idle: trio.SocketStream, pause: trio.Event) -> None:
    """Wait until the server has closed the idle connection, and only then let the work end."""
    assert await receive(idle, 1) == []
    await idle.aclose()
    pause.set()


async def test_the_grace_ends() -> None:
    async def work() -> None:
        await trio.sleep_forever()

    with trio.fail_after(10), open_tcp(LOOPBACK) as sock:
        async with LaterPool(1).running(grace=0) as later:
            async with trio.open_nursery() as nursery:

                async def serve(*, task_status: trio.TaskStatus[TcpListener]) -> None:
                    await serve_tcp(
                        sock, lambda *_: Later(work), Clock(), later, limits=LIMITS, task_status=task_status
                    )

                server = Server(sock, await nursery.start(serve))
                client = await server.connect()
                await client.send_all(frame(b"for ever"))
                await server.wait_until(lambda statistics: statistics.received == 1)
                nursery.cancel_scope.cancel()
            assert await receive(client, 1) == []
            await client.aclose()


class _FaultySocket:
    """Stands before a listening socket and fails at first."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = trio.socket.from_stdlib_socket(sock)
        self._failures = [errno.EMFILE, errno.ECONNABORTED]

    async def accept(self) -> tuple[trio.socket.SocketType, object]:
        if self._failures:
            await trio.lowlevel.checkpoint()
            raise OSError(self._failures.pop(), "cannot accept")
        return await self._sock.accept()


async def test_a_failed_accept_is_counted_and_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    with trio.fail_after(10), open_tcp(LOOPBACK) as sock:
        async with LaterPool(1).running() as later, trio.open_nursery() as nursery:
            service = StreamService(_echo, Clock(), later, LIMITS, Slots(LIMITS))
            listener = TcpListener(sock, service, lambda stream, caller: StreamSession(stream, caller, service))
            monkeypatch.setattr(listener, "_sock", _FaultySocket(sock))
            nursery.start_soon(listener.run)
            async with await Server(sock, listener).greet():
                statistics = listener.statistics()
                assert (statistics.accept_errors, statistics.accepted) == (2, 1)
            nursery.cancel_scope.cancel()


def test_a_port_that_is_taken_is_an_error(anywhere: Endpoint) -> None:
    with open_tcp(anywhere) as sock:
        taken = Endpoint(*sock.getsockname()[:2])
        with pytest.raises(OSError, match="in use"):
            open_tcp(taken)
