"""Streams over loopback; `tls/test_listener.py` has the same with a handshake before each."""

import errno
import socket

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.transport.streams import LIMITS, LOOPBACK, Server, echo, listening, receive
from transport.clock import Clock
from transport.endpoint import Endpoint
from transport.framing import frame
from transport.handler import Caller, Later, Protocol, Verdict
from transport.later import LaterPool
from transport.slots import Slots, StreamLimits
from transport.stream_session import StreamService, StreamSession
from transport.tcp_listener import TcpListener, open_tcp


async def _greet(server: Server, source: str = "") -> trio.SocketStream:
    """Connect and exchange a message, so that the connection is known to have its slot."""
    client = await server.connect(source)
    await client.send_all(frame(b"hello"))
    assert await receive(client, 1) == [b"hello"]
    return client


async def test_a_message_is_answered_and_the_caller_is_told(anywhere: Endpoint) -> None:
    callers: list[Caller] = []

    def handle(message: bytes, caller: Caller, _now: float) -> Verdict:
        callers.append(caller)
        return message[::-1]

    async with listening(handle, anywhere) as (server, _), await server.connect() as client:
        await client.send_all(frame(b"question"))
        assert await receive(client, 1) == [b"noitseuq"]
        await server.wait_until(lambda statistics: statistics.answered == 1)
        assert callers == [Caller(Endpoint(*client.socket.getsockname()[:2]), Protocol.TCP)]
        statistics = server.counts
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

    async with listening(handle) as (server, _), await server.connect() as client:
        await client.send_all(b"".join(frame(b"%d" % number) for number in range(100)))
        assert await receive(client, 100) == [b"%d" % number for number in reversed(range(100))]


async def test_octet_by_octet_is_understood() -> None:
    async with listening(echo) as (server, _), await server.connect() as client:
        for octet in frame(b"slowly") + frame(b"but surely"):
            await client.send_all(bytes([octet]))
        assert await receive(client, 2) == [b"slowly", b"but surely"]


async def test_a_wrong_length_is_closed_without_being_read() -> None:
    async with listening(echo) as (server, _), await server.connect() as client:
        await client.send_all(b"\xff\xff")
        assert await receive(client, 1) == []
        assert server.counts.misframed == 1


async def test_an_address_has_its_share() -> None:
    async with (
        listening(echo, limits=StreamLimits(per_address=2)) as (server, _),
        await _greet(server) as first,
        await _greet(server),
    ):
        async with await server.connect() as third:
            assert await receive(third, 1) == []
        async with await _greet(server, "127.0.0.2"):
            pass
        assert server.counts.refused == 1
        await first.aclose()
        await server.wait_until(lambda statistics: statistics.connected == 1)
        async with await _greet(server):
            assert server.counts.refused == 1


async def test_what_has_no_handshake_is_not_limited_as_if_it_had() -> None:
    async with listening(echo, admit=lambda *_, **__: False) as (server, _), await _greet(server):
        assert server.counts.accepted == 1


async def test_when_all_slots_are_taken_the_next_waits_for_one() -> None:
    limits = StreamLimits(connections=2, idle_half=9, idle_most=9)
    async with listening(echo, limits=limits) as (server, _):
        first = await _greet(server)
        async with await _greet(server), await server.connect() as third:
            await third.send_all(frame(b"me too"))
            await wait_all_tasks_blocked()
            assert server.counts.connected == 2
            await first.aclose()
            assert await receive(third, 1) == [b"me too"]


async def test_idle_ones_make_room_when_it_gets_crowded(leaping_clock: MockClock) -> None:
    limits = StreamLimits(connections=4, idle=1_000)
    async with (
        listening(echo, limits=limits) as (server, _),
        await _greet(server) as first,
        await _greet(server) as second,
    ):
        await server.wait_until(lambda statistics: statistics.answered == 2)  # idle from now on
        leaping_clock.jump(5)
        await wait_all_tasks_blocked()
        assert server.counts.connected == 2
        async with await _greet(server):  # the third of four: one idle second is enough now
            assert await receive(first, 1) == []
            assert await receive(second, 1) == []
            assert server.counts.impatient == 2


async def test_a_client_that_never_reads_is_closed() -> None:
    limits = StreamLimits(stuck=0.05)
    async with listening(lambda *_: b"x" * 60_000, limits=limits) as (server, _), await server.connect() as client:
        with pytest.raises(trio.BrokenResourceError):
            await _ask_on(client)
        await server.wait_until(lambda statistics: statistics.connected == 0)
        assert server.counts.unread == 1


async def _ask_on(client: trio.SocketStream) -> None:
    while True:
        await client.send_all(frame(b"again"))


async def test_replies_in_hand_outlive_the_listener(lookup_pause: trio.Event) -> None:
    def handle(message: bytes, _caller: Caller, _now: float) -> Verdict:
        async def work() -> bytes:
            await lookup_pause.wait()
            return message

        return Later(work) if message == b"later" else message

    async with (
        listening(handle, jobs=1) as (server, listener),
        await _greet(server) as idle,
        await _greet(server) as waiting,
    ):
        await waiting.send_all(frame(b"later"))
        await server.wait_until(lambda statistics: statistics.received == 3)
        listener.cancel()
        assert await receive(idle, 1) == []
        lookup_pause.set()
        assert await receive(waiting, 2) == [b"later"]


async def test_the_grace_ends() -> None:
    async def work() -> None:
        await trio.sleep_forever()

    async with listening(lambda *_: Later(work), jobs=1) as (server, listener), await server.connect() as client:
        await client.send_all(frame(b"for ever"))
        await server.wait_until(lambda statistics: statistics.received == 1)
        listener.cancel()
        assert await receive(client, 1) == []


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
            service = StreamService(echo, Clock(), later, LIMITS, Slots(LIMITS))
            listener = TcpListener(sock, service, lambda stream, caller: StreamSession(stream, caller, service))
            monkeypatch.setattr(listener, "_sock", _FaultySocket(sock))
            nursery.start_soon(listener.run)
            async with await _greet(Server(sock, listener)):
                statistics = listener.statistics()
                assert (statistics.accept_errors, statistics.accepted) == (2, 1)
            nursery.cancel_scope.cancel()


def test_a_port_that_is_taken_is_an_error(anywhere: Endpoint) -> None:
    with open_tcp(anywhere) as sock:
        taken = Endpoint(*sock.getsockname()[:2])
        with pytest.raises(OSError, match="in use"):
            open_tcp(taken)
