"""The listener of streams with a handshake before each, over loopback; and what it makes of those who abuse it."""

import gc
import ssl
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.transport.streams import LIMITS, LOOPBACK, Server, echo, ended, listening, receive
from tests.transport.tls import keyupdates
from tests.transport.tls.shaking import credentials, der_of, trusting
from transport.endpoint import Endpoint
from transport.framing import frame
from transport.handler import Admit, Caller, Handler, Later, Protocol, Verdict, admit_all
from transport.slots import StreamLimits
from transport.tls.server import ServerTls
from transport.tls.stream import MAX_FRUITLESS

SOON = 1.0  # seconds in which a new client is answered, whatever others do

Client = trio.SSLStream[trio.SocketStream]


class Encrypted(Server):
    """A listener whose clients shake hands."""

    async def shake(self, source: str = "", context: ssl.SSLContext | None = None) -> Client:
        client = trio.SSLStream(await self.connect(source), context or trusting("dot"))
        await client.do_handshake()
        return client

    async def greet(self, source: str = "", context: ssl.SSLContext | None = None) -> Client:
        """Connect and exchange a message."""
        client = await self.shake(source, context)
        await client.send_all(frame(b"hello"))
        assert await receive(client, 1) == [b"hello"]
        return client


@asynccontextmanager
async def serving(
    place: Path, handler: Handler, limits: StreamLimits = LIMITS, *known: str, admit: Admit = admit_all
) -> AsyncGenerator[Encrypted]:
    for stem in known:
        credentials(place, f"{stem}.example", stem=stem)
    tls = ServerTls(credentials(place), {der_of(place, stem): stem for stem in known})
    async with listening(handler, LOOPBACK, limits, secure=tls.handshake, admit=admit) as (plain, _):
        server = Encrypted(plain.sock, plain.listener)
        try:
            yield server
        finally:
            server.close_clients()


async def test_the_caller_is_told_apart_and_named(tmp_path: Path) -> None:
    callers: list[Caller] = []

    def handle(message: bytes, caller: Caller, _now: float) -> Verdict:
        callers.append(caller)
        return message

    async with serving(tmp_path, handle, LIMITS, "ann") as server:
        context = trusting("dot")
        nobody = await server.greet(context=context)
        context.load_cert_chain(tmp_path / "ann.crt", tmp_path / "ann.key")
        ann = await server.greet(context=context)
        ends = [Endpoint(*client.transport_stream.socket.getsockname()) for client in (nobody, ann)]
        assert callers == [Caller(ends[0], Protocol.TLS), Caller(ends[1], Protocol.TLS, "ann")]
        for client in (nobody, ann):
            await client.aclose()
        await server.wait_until(lambda counts: counts.connected == 0)
        counts = server.counts
        assert (counts.handshakes, counts.resumed, counts.handshakes_failed, counts.answered) == (2, 0, 0, 2)


async def test_a_hundred_in_flight_come_back_last_first(tmp_path: Path) -> None:
    done = [trio.Event() for _ in range(101)]
    done[100].set()

    def handle(message: bytes, _caller: Caller, _now: float) -> Verdict:
        number = int(message)

        async def work() -> bytes:
            await done[number + 1].wait()
            done[number].set()
            return message

        return Later(work)

    async with serving(tmp_path, handle) as server:
        client = await server.shake()
        await client.send_all(b"".join(frame(b"%d" % number) for number in range(100)))
        assert await receive(client, 100) == [b"%d" % number for number in reversed(range(100))]
        await client.aclose()


async def test_resuming_is_counted(tmp_path: Path) -> None:
    async with serving(tmp_path, echo) as server:
        context = trusting("dot")
        first = await server.greet(context=context)
        second = trio.SSLStream(await server.connect(), context)
        second.session = first.session
        await second.send_all(frame(b"again"))
        assert await receive(second, 1) == [b"again"]
        assert (server.counts.handshakes, server.counts.resumed) == (2, 1)
        for client in (first, second):
            await client.aclose()


# --- abuse -----------------------------------------------------------------------------------------------------


async def _is_answered_soon(server: Encrypted) -> None:
    """A new client, at an address of its own, is answered."""
    with trio.fail_after(SOON):
        client = await server.greet("127.0.1.1")
    await client.aclose()


@pytest.mark.parametrize(
    "octets", [frame(b"plain question"), b"GET /dns-query HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\0\x01" + b"x" * 511]
)
async def test_garbage_costs_its_sender_the_connection(tmp_path: Path, octets: bytes) -> None:
    async with serving(tmp_path, echo) as server, await server.connect() as client:
        await client.send_all(octets)
        await ended(client)
        assert (server.counts.handshakes_failed, server.counts.received) == (1, 0)
        await _is_answered_soon(server)


async def test_an_older_version_costs_it_too(tmp_path: Path) -> None:
    async with serving(tmp_path, echo) as server:
        with pytest.raises(trio.BrokenResourceError):
            await server.shake(context=trusting(newest=ssl.TLSVersion.TLSv1_2))
        await server.wait_until(lambda counts: counts.handshakes_failed == 1)


@pytest.mark.parametrize("begun", [b"", b"\x16", b"\x16\x03\x01\x02\0\x01"])
async def test_a_handshake_has_six_seconds(tmp_path: Path, leaping_clock: MockClock, begun: bytes) -> None:
    async with serving(tmp_path, echo) as server, await server.connect() as client:
        await client.send_all(begun)
        await server.wait_until(lambda counts: counts.accepted == 1)
        await wait_all_tasks_blocked()
        leaping_clock.jump(LIMITS.handshake - 0.5)
        await wait_all_tasks_blocked()
        assert server.counts.connected == 1
        leaping_clock.jump(0.5)
        await ended(client)
        assert (server.counts.handshakes_slow, server.counts.connected) == (1, 0)


async def test_octets_of_a_handshake_win_no_time(tmp_path: Path, leaping_clock: MockClock) -> None:
    hello = _client_hello()
    async with serving(tmp_path, echo) as server, await server.connect() as client:
        for octet in hello[:60]:
            await client.send_all(bytes([octet]))
            await wait_all_tasks_blocked()
            leaping_clock.jump(0.1)
        await ended(client)
        assert server.counts.handshakes_slow == 1


async def test_a_handshake_octet_by_octet_is_understood(tmp_path: Path) -> None:
    async with serving(tmp_path, echo) as server, await server.connect() as below:
        dripping = trio.SSLStream(_Dripping(below), trusting("dot"))
        await dripping.send_all(frame(b"slowly") + frame(b"but surely"))
        assert await receive(dripping, 2) == [b"slowly", b"but surely"]


class _Dripping(trio.abc.Stream):
    """Sends octet by octet."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        for octet in bytes(data):
            await self._stream.send_all(bytes([octet]))

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self._stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        await self._stream.aclose()


def _client_hello() -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        trusting("dot").wrap_bio(incoming, outgoing).do_handshake()
    return outgoing.read()


async def test_who_says_nothing_after_the_handshake_has_three_seconds(
    tmp_path: Path, leaping_clock: MockClock
) -> None:
    async with serving(tmp_path, echo) as server:
        client = await server.shake()
        await server.wait_until(lambda counts: counts.handshakes == 1)
        await wait_all_tasks_blocked()
        leaping_clock.jump(LIMITS.first_octet)
        assert await client.receive_some(1) == b""
        assert server.counts.impatient == 1


@pytest.mark.parametrize("octets", [b"\xff\xff", b"\0\0", b"\x04\x01"])
async def test_a_wrong_length_is_closed_without_being_read(tmp_path: Path, octets: bytes) -> None:
    async with serving(tmp_path, echo) as server:
        client = await server.shake()
        await client.send_all(octets)
        assert await receive(client, 1) == []
        assert server.counts.misframed == 1


async def test_a_client_that_never_reads_is_closed(tmp_path: Path) -> None:
    limits = StreamLimits(stuck=0.05)

    def handle(message: bytes, _caller: Caller, _now: float) -> Verdict:
        return b"x" * 60_000 if message == b"again" else message

    async with serving(tmp_path, handle, limits) as server:
        client = await server.shake()
        with pytest.raises(trio.BrokenResourceError):  # noqa: PT012 - it breaks at some time
            while True:
                await client.send_all(frame(b"again"))
        await server.wait_until(lambda counts: counts.connected == 0)
        assert server.counts.unread == 1
        await _is_answered_soon(server)


async def test_a_flood_of_key_updates_ends_its_connection_and_no_other(tmp_path: Path) -> None:
    context = trusting("dot")
    context.keylog_filename = str(tmp_path / "keys")
    async with serving(tmp_path, echo) as server:
        client = await server.shake(context=context)
        writer = keyupdates.Writer(keyupdates.client_secret(tmp_path / "keys"))
        updates = b"".join(writer.key_update(keyupdates.REQUESTED) for _ in range(2 * MAX_FRUITLESS // 27))
        async with trio.open_nursery() as nursery:

            async def flood() -> None:
                with pytest.raises(trio.BrokenResourceError):  # noqa: PT012 - it breaks at some time
                    while True:
                        await client.transport_stream.send_all(updates)

            nursery.start_soon(flood)
            await _is_answered_soon(server)
        await server.wait_until(lambda counts: counts.connected == 0)
        assert server.counts.broken == 1


async def test_while_handshakes_hang_a_new_client_is_answered(tmp_path: Path) -> None:
    """Twice as many connections as there are slots, from many addresses, none of which ever says a word."""
    limits = StreamLimits(connections=60, per_address=10)
    async with serving(tmp_path, echo, limits) as server, AsyncExitStack() as stack:
        for number in range(120):
            await stack.enter_async_context(await server.connect(f"127.0.2.{1 + number // 10}"))
        for _ in range(5):
            await _is_answered_soon(server)
        assert server.counts.handshakes_slow >= 60


async def test_while_many_are_idle_a_new_client_is_answered(tmp_path: Path) -> None:
    """As many that are encrypted and have asked once as there are slots."""
    limits = StreamLimits(connections=60, per_address=10)
    async with serving(tmp_path, echo, limits) as server, trio.open_nursery() as nursery:
        for number in range(60):
            client = await server.greet(f"127.0.2.{1 + number // 10}")
            nursery.start_soon(ended, client)
        for _ in range(5):
            await _is_answered_soon(server)
        nursery.cancel_scope.cancel()


async def test_handshakes_over_and_over_leave_nothing_behind(tmp_path: Path) -> None:
    """Whole ones, abandoned ones, garbage: afterwards there is as much of TLS in memory as before."""
    context, hello = trusting("dot"), _client_hello()
    async with serving(tmp_path, echo) as server:
        await (await server.greet(context=context)).aclose()
        await server.wait_until(lambda counts: counts.connected == 0)
        await wait_all_tasks_blocked()  # streams are closed after their slots are given back
        gc.collect()
        before = _encrypted_objects()
        for number in range(60):
            left = await server.shake(context=context)
            await trio.aclose_forcefully(left)
            vars(left).clear()  # the client's end is not what is counted
            for octets in (hello[: 5 + 5 * number], hello[:40] + bytes(600)):
                client = await server.connect()
                await client.send_all(octets)
                await client.aclose()
            await server.wait_until(lambda counts: counts.connected == 0)
        await wait_all_tasks_blocked()
        assert server.counts.accepted == 181
        assert server.counts.handshakes_failed >= 60
        assert _encrypted_objects() == before


def _encrypted_objects() -> int:
    """Count without a garbage collection: connections that come and go quickly do not wait for one."""
    return sum(isinstance(one, ssl.SSLObject) for one in gc.get_objects())


def _pages() -> int:
    """Return how much memory this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1])


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system does not say how large a process is")
async def test_a_second_flood_of_handshakes_takes_what_the_first_has_left(tmp_path: Path) -> None:
    """Of memory, where three hundred at a time are left once the server has shown its certificate."""
    hello = _client_hello()
    async with serving(tmp_path, echo, StreamLimits(connections=1_000, per_address=1_000)) as server:

        async def flood() -> int:
            """Return how large the process is afterwards."""
            async with AsyncExitStack() as stack:
                clients = [await stack.enter_async_context(await server.connect()) for _ in range(300)]
                for client in clients:
                    await client.send_all(hello)
                for client in clients:
                    assert await client.receive_some(1)
            await server.wait_until(lambda counts: counts.connected == 0)
            return _pages()

        first, *_, last = [await flood() for _ in range(4)]
        assert server.counts.handshakes_failed == 1_200
        assert last <= 1.05 * first


async def test_who_begins_too_many_is_closed_before_it_has_cost_anything(tmp_path: Path) -> None:
    asked: list[tuple[str, bool]] = []

    def admit(host: str, _now: float, *, is_proven: bool = True) -> bool:
        asked.append((host, is_proven))
        return host != "127.0.2.1"

    async with serving(tmp_path, echo, admit=admit) as server:
        await ended(await server.connect("127.0.2.1"))
        await _is_answered_soon(server)
        await server.wait_until(lambda counts: counts.connected == 0)
        counts = server.counts
        assert (counts.handshakes_refused, counts.accepted, counts.handshakes) == (1, 1, 1)
        assert asked == [("127.0.2.1", True), ("127.0.1.1", True)]


async def test_what_is_in_hand_outlives_the_listener_and_handshakes_do_not(
    tmp_path: Path, lookup_pause: trio.Event
) -> None:
    def handle(message: bytes, _caller: Caller, _now: float) -> Verdict:
        async def work() -> bytes:
            await lookup_pause.wait()
            return message

        return Later(work)

    secure = ServerTls(credentials(tmp_path)).handshake
    async with listening(handle, jobs=1, secure=secure) as (plain, listener):
        server = Encrypted(plain.sock, plain.listener)
        async with await server.connect() as silent:
            waiting = await server.shake()
            await waiting.send_all(frame(b"later"))
            await server.wait_until(lambda counts: (counts.received, counts.accepted) == (1, 2))
            listener.cancel()
            await ended(silent)
            lookup_pause.set()
            assert await receive(waiting, 2) == [b"later"]
            await waiting.aclose()
