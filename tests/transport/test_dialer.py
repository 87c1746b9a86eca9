"""The real dialer over loopback; each test gives up after 10 s."""

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.transport.tls.shaking import credentials
from transport import dialer as dialer_module
from transport.datagram_pool import SPREAD
from transport.datagram_port import LOOKS
from transport.dialer import Dialer, SocketDialer
from transport.endpoint import Endpoint
from transport.errors import CrowdedError, UnprovenError, UnreachableError
from transport.framing import Deframer, frame
from transport.handler import Protocol
from transport.pipeline import Asked, Pipeline
from transport.proof import Certified, Pinned, Proof, Unproven
from transport.resource import Resource
from transport.tls.client import ClientTls
from transport.tls.server import ServerTls
from transport.tls.stream import Secured

DIALLED = [(Protocol.UDP, None), (Protocol.TCP, None), (Protocol.TLS, Unproven())]


def _any(_reply: bytes) -> bool:
    return True


@asynccontextmanager
async def dialing() -> AsyncGenerator[Dialer]:
    with trio.fail_after(10):
        async with SocketDialer() as dialer:
            yield dialer


@asynccontextmanager
async def listening(
    anywhere: Endpoint, kind: socket.SocketKind
) -> AsyncGenerator[tuple[Endpoint, trio.socket.SocketType]]:
    """A server done by hand."""
    with trio.socket.socket(anywhere.family, kind) as sock:
        await sock.bind((anywhere.host, 0))
        if kind == socket.SOCK_STREAM:
            sock.listen()
        yield Endpoint(*sock.getsockname()[:2]), sock


async def _receive(stream: trio.abc.ReceiveStream) -> bytes:
    deframer = Deframer()
    while True:
        deframer.feed(await stream.receive_some(1_000))
        for message in deframer:
            return message


async def _accept(sock: trio.socket.SocketType) -> trio.SocketStream:
    return trio.SocketStream((await sock.accept())[0])


async def _serve_one(sock: trio.socket.SocketType) -> trio.SocketStream:
    """Accept a link, answer one message and leave it open."""
    stream = await _accept(sock)
    await stream.send_all(frame(await _receive(stream)))
    return stream


@pytest.fixture
def loopback() -> Endpoint:
    return Endpoint("127.0.0.1", 0)


async def test_datagrams_wrong_or_long_are_ignored(anywhere: Endpoint) -> None:
    async with dialing() as dialer, listening(anywhere, socket.SOCK_DGRAM) as (there, sock):

        async def answer() -> None:
            message, client = await sock.recvfrom(100)
            for reply in (b"forged", b"", b"true" + b"x" * 4_093, message + b" true"):
                await sock.sendto(reply, client)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(answer)
            reply = await dialer.exchange(
                there, Protocol.UDP, b"question", lambda reply: reply.endswith(b"true") or len(reply) > 4_096
            )
        assert reply == b"question true"


async def test_another_source_is_not_heard(loopback: Endpoint) -> None:
    async with dialing() as dialer, listening(loopback, socket.SOCK_DGRAM) as (there, sock):

        async def answer() -> None:
            _, client = await sock.recvfrom(100)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                stranger.sendto(b"forged", client)
            await sock.sendto(b"true", client)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(answer)
            assert await dialer.exchange(there, Protocol.UDP, b"question", _any) == b"true"


async def test_a_flood_of_forgeries_lets_others_run(loopback: Endpoint) -> None:
    async with dialing() as dialer, listening(loopback, socket.SOCK_DGRAM) as (there, sock):

        async def answer() -> None:
            _, client = await sock.recvfrom(100)
            with socket.fromfd(sock.fileno(), socket.AF_INET, socket.SOCK_DGRAM) as same:
                for _ in range(2 * LOOKS):  # nothing is awaited: all of it is there at once
                    same.sendto(b"forged", client)
                same.sendto(b"true", client)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(answer)
            reply = await dialer.exchange(there, Protocol.UDP, b"question", lambda reply: reply == b"true")
        assert reply == b"true"


async def test_a_few_datagram_exchanges_have_a_port_each(loopback: Endpoint) -> None:
    ports: set[int] = set()
    async with dialing() as dialer, listening(loopback, socket.SOCK_DGRAM) as (there, sock):

        async def answer() -> None:
            clients = [(await sock.recvfrom(100))[1] for _ in range(SPREAD)]
            for client in clients:
                ports.add(client[1])
                await sock.sendto(b"reply", client)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(answer)
            for n in range(SPREAD):
                nursery.start_soon(dialer.exchange, there, Protocol.UDP, b"%02d question" % n, _any)
    assert len(ports) == SPREAD


@pytest.mark.parametrize(("protocol", "proof"), DIALLED)
async def test_a_refused_port_is_unreachable(anywhere: Endpoint, protocol: Protocol, proof: Proof | None) -> None:
    kind = socket.SOCK_DGRAM if protocol == Protocol.UDP else socket.SOCK_STREAM
    with socket.socket(anywhere.family, kind) as bound:  # a stream socket that does not listen
        bound.bind((anywhere.host, 0))
        there = Endpoint(*bound.getsockname()[:2])
        if protocol == Protocol.UDP:
            bound.connect((anywhere.host, 9))  # so that the kernel refuses what comes from anywhere else
        async with dialing() as dialer:
            with pytest.raises(UnreachableError, match="refused") as caught:
                await dialer.exchange(there, protocol, b"question", _any, proof=proof)
            assert caught.value.endpoint == there.to_text()


async def test_the_deadline_is_the_callers(anywhere: Endpoint) -> None:
    async with (
        dialing() as dialer,
        listening(anywhere, socket.SOCK_DGRAM) as (there, sock),
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(dialer.exchange, there, Protocol.UDP, b"question", _any)
        assert await sock.recv(100) == b"question"
        nursery.cancel_scope.cancel()


async def test_one_link_carries_many_exchanges(anywhere: Endpoint) -> None:
    async with dialing() as dialer, listening(anywhere, socket.SOCK_STREAM) as (there, sock):
        replies: list[bytes | None] = []

        async def ask(message: bytes) -> None:
            replies.append(await dialer.exchange(there, Protocol.TCP, message, _any))

        async with trio.open_nursery() as nursery:
            for number in range(10):
                nursery.start_soon(ask, b"ID%d" % number)
            async with await _accept(sock) as stream:
                deframer, messages = Deframer(), list[bytes]()
                while len(messages) < 10:
                    deframer.feed(await stream.receive_some(1_000))
                    messages += list(deframer)
                for message in reversed(messages):
                    await stream.send_all(frame(message))
                while len(replies) < 10:
                    await wait_all_tasks_blocked()
                nursery.start_soon(ask, b"ID again")
                assert (await _receive(stream))[2:] == b" again"
                nursery.cancel_scope.cancel()
        assert sorted(filter(None, replies)) == [b"ID%d" % number for number in range(10)]


async def test_a_link_closed_meanwhile_is_replaced_once(loopback: Endpoint) -> None:
    async with dialing() as dialer, listening(loopback, socket.SOCK_STREAM) as (there, sock):

        async def serve() -> None:
            first = await _serve_one(sock)
            await _receive(first)
            await first.aclose()  # as if it had been closing while the message came
            async with await _serve_one(sock):
                pass

        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            for message in (b"ID first", b"ID second"):
                assert await dialer.exchange(there, Protocol.TCP, message, _any) == message


async def test_a_second_failure_is_told(loopback: Endpoint) -> None:
    links = 0

    async with dialing() as dialer, listening(loopback, socket.SOCK_STREAM) as (there, sock):

        async def serve() -> None:
            nonlocal links
            stream = await _serve_one(sock)
            while True:
                links += 1
                await _receive(stream)
                await stream.aclose()
                stream = await _accept(sock)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            await dialer.exchange(there, Protocol.TCP, b"ID first", _any)
            with pytest.raises(UnreachableError, match=r"closed by the other side|the link broke"):
                await dialer.exchange(there, Protocol.TCP, b"ID second", _any)
            nursery.cancel_scope.cancel()
    assert links == 2


async def test_a_fresh_link_that_fails_is_not_tried_again(loopback: Endpoint) -> None:
    async with dialing() as dialer, listening(loopback, socket.SOCK_STREAM) as (there, sock):

        async def serve() -> None:
            stream = await _accept(sock)
            await _receive(stream)
            await stream.aclose()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            with pytest.raises(UnreachableError, match=r"closed by the other side|the link broke"):
                await dialer.exchange(there, Protocol.TCP, b"ID", _any)


async def test_cancelling_the_first_leaves_the_link_to_the_others(loopback: Endpoint) -> None:
    async with dialing() as dialer, listening(loopback, socket.SOCK_STREAM) as (there, sock):
        async with trio.open_nursery() as first:
            first.start_soon(dialer.exchange, there, Protocol.TCP, b"IDA", _any)
            stream = await _accept(sock)
            assert (await _receive(stream))[2:] == b"A"
            first.cancel_scope.cancel()

        async def answer() -> None:
            await stream.send_all(frame(await _receive(stream)))

        async with trio.open_nursery() as nursery, stream:
            nursery.start_soon(answer)
            assert await dialer.exchange(there, Protocol.TCP, b"IDB", _any) == b"IDB"


async def test_links_are_bounded(loopback: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialer_module, "MAX_LINKS", 0)
    async with dialing() as dialer:
        with pytest.raises(CrowdedError, match="0 links are in use already"):
            await dialer.exchange(loopback, Protocol.TCP, b"ID", _any)


async def test_a_link_that_nobody_uses_gives_way_and_one_in_use_does_not(
    loopback: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialer_module, "MAX_LINKS", 1)
    closed = trio.Event()
    async with (
        dialing() as dialer,
        listening(loopback, socket.SOCK_STREAM) as (one, first),
        listening(loopback, socket.SOCK_STREAM) as (two, second),
        trio.open_nursery() as nursery,
    ):

        async def serve() -> None:
            async with await _serve_one(first) as stream:
                assert await stream.receive_some(1) == b""
                closed.set()

        async def serve_on() -> None:
            async with await _serve_one(second):
                await trio.sleep_forever()

        nursery.start_soon(serve)
        assert await dialer.exchange(one, Protocol.TCP, b"ID", _any) == b"ID"
        nursery.start_soon(serve_on)
        assert await dialer.exchange(two, Protocol.TCP, b"ID", _any) == b"ID"
        await closed.wait()
        nursery.start_soon(dialer.exchange, two, Protocol.TCP, b"ID waits", _any)
        await wait_all_tasks_blocked(0.01)
        with pytest.raises(CrowdedError, match="1 links are in use already"):
            await dialer.exchange(one, Protocol.TCP, b"ID", _any)
        nursery.cancel_scope.cancel()


async def test_a_token_is_shown_to_nobody_who_proves_nothing(loopback: Endpoint) -> None:
    named = Resource(bearer="secret")
    async with dialing() as dialer:
        with pytest.raises(UnreachableError, match="is shown no token before it proves who it is"):
            await dialer.exchange(loopback, Protocol.HTTPS, b"ID", _any, proof=Unproven(), resource=named)


async def test_leaving_closes_links_and_tells_who_waits(loopback: Endpoint) -> None:
    with trio.fail_after(10):
        async with listening(loopback, socket.SOCK_STREAM) as (there, sock), trio.open_nursery() as nursery:

            async def ask(dialer: Dialer) -> None:
                with pytest.raises(UnreachableError, match="closed"):
                    await dialer.exchange(there, Protocol.TCP, b"ID", _any)

            async with SocketDialer() as dialer:
                nursery.start_soon(ask, dialer)
                stream = await _accept(sock)
                await _receive(stream)
            assert await stream.receive_some(1) == b""
            await stream.aclose()


@pytest.mark.parametrize(("protocol", "proof"), DIALLED)
async def test_a_dialer_that_is_not_open_reaches_nobody(
    loopback: Endpoint, protocol: Protocol, proof: Proof | None
) -> None:
    with pytest.raises(UnreachableError, match="not open"):
        await SocketDialer().exchange(loopback, protocol, b"ID", _any, proof=proof)


async def test_leaving_tells_who_waits_for_a_datagram(loopback: Endpoint) -> None:
    with trio.fail_after(10):
        async with listening(loopback, socket.SOCK_DGRAM) as (there, sock), trio.open_nursery() as nursery:

            async def ask(dialer: Dialer) -> None:
                with pytest.raises(UnreachableError, match="closed"):
                    await dialer.exchange(there, Protocol.UDP, b"ID", _any)

            async with SocketDialer() as dialer:
                nursery.start_soon(ask, dialer)
                await sock.recv(100)


# --- encrypted links -------------------------------------------------------------------------------------------


class Encrypted:
    """A server that encrypts, echoes, and counts who came."""

    def __init__(self, tls: ServerTls, sock: trio.socket.SocketType) -> None:
        self.tls = tls
        self.handshakes: list[Secured] = []
        self.messages: list[bytes] = []
        self._sock = sock

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            while True:
                nursery.start_soon(self._serve, await _accept(self._sock))

    async def _serve(self, stream: trio.SocketStream) -> None:
        async with stream:
            with suppress(trio.BrokenResourceError):
                secured = await self.tls.handshake(stream)
                self.handshakes.append(secured)
                await self._echo(secured.stream)

    async def _echo(self, stream: trio.abc.Stream) -> None:
        deframer = Deframer()
        while data := await stream.receive_some(1_000):
            deframer.feed(data)
            for message in deframer:
                self.messages.append(message[2:])
                await stream.send_all(frame(message))
                if message[2:] == b"leave":
                    await stream.aclose()
                    return


@asynccontextmanager
async def encrypting(place: Path) -> AsyncGenerator[tuple[Dialer, Endpoint, Encrypted, Pinned]]:
    """Run such a server; with it come a dialer and what the server can prove."""
    shown = credentials(place, "resolver.example", "127.0.0.1")
    async with (
        dialing() as dialer,
        listening(Endpoint("127.0.0.1", 0), socket.SOCK_STREAM) as (there, sock),
        trio.open_nursery() as nursery,
    ):
        server = Encrypted(ServerTls(shown), sock)
        nursery.start_soon(server.run)
        yield dialer, there, server, Pinned(shown.chain.pin)
        nursery.cancel_scope.cancel()


async def test_one_encrypted_link_carries_many_exchanges(tmp_path: Path) -> None:
    async with encrypting(tmp_path) as (dialer, there, server, pinned):
        replies: list[bytes | None] = []

        async def ask(message: bytes) -> None:
            replies.append(await dialer.exchange(there, Protocol.TLS, message, _any, proof=pinned))

        async with trio.open_nursery() as nursery:
            for number in range(50):
                nursery.start_soon(ask, b"ID%d" % number)
        assert sorted(filter(None, replies)) == sorted(b"ID%d" % number for number in range(50))
        assert len(server.handshakes) == 1


async def test_what_one_proof_brought_is_nothing_to_another(tmp_path: Path) -> None:
    async with encrypting(tmp_path) as (dialer, there, server, pinned):
        for proof in (pinned, Unproven(), Certified("resolver.example", tmp_path / "tls.crt")):
            assert await dialer.exchange(there, Protocol.TLS, b"ID", _any, proof=proof) == b"ID"
        assert len(server.handshakes) == 3


@pytest.mark.parametrize(
    ("proof", "reason"),
    [
        (Pinned(bytes(32)), "has another key"),
        (Certified("resolver.example"), "its certificate is not taken: self-signed certificate"),
    ],
)
async def test_who_proves_nothing_is_unreachable_in_a_way_of_its_own(
    tmp_path: Path, proof: Proof, reason: str
) -> None:
    async with encrypting(tmp_path) as (dialer, there, server, pinned):
        await dialer.exchange(there, Protocol.TLS, b"IDfirst", _any, proof=pinned)
        for _ in range(2):
            with pytest.raises(UnprovenError, match=reason) as caught:
                await dialer.exchange(there, Protocol.TLS, b"IDsecret", _any, proof=proof)
            assert caught.value.endpoint == there.to_text()
        assert server.messages == [b"first"]


async def test_a_closed_link_is_replaced_by_a_resumed_one(tmp_path: Path) -> None:
    async with encrypting(tmp_path) as (dialer, there, server, pinned):
        for message in (b"IDone", b"IDleave", b"IDtwo"):
            assert await dialer.exchange(there, Protocol.TLS, message, _any, proof=pinned) == message
            await wait_all_tasks_blocked(0.01)
        assert [one.is_resumed for one in server.handshakes] == [False, True]


async def test_a_server_that_changes_its_key_is_not_asked_any_more(tmp_path: Path) -> None:
    async with encrypting(tmp_path) as (dialer, there, server, pinned):
        await dialer.exchange(there, Protocol.TLS, b"IDleave", _any, proof=pinned)
        await wait_all_tasks_blocked(0.01)
        server.tls = ServerTls(credentials(tmp_path, stem="other"))
        with pytest.raises(UnprovenError, match="has another key"):
            await dialer.exchange(there, Protocol.TLS, b"IDsecret", _any, proof=pinned)
        assert server.messages == [b"leave"]


async def test_an_encrypted_exchange_has_the_callers_deadline(loopback: Endpoint) -> None:
    async with dialing() as dialer, listening(loopback, socket.SOCK_STREAM) as (there, _sock):
        deadline = trio.current_time() + 0.05  # nobody ever answers the handshake
        assert await dialer.exchange(there, Protocol.TLS, b"ID", _any, deadline, proof=Unproven()) is None


async def test_plain_dns_behind_a_port_for_tls_is_unreachable(loopback: Endpoint) -> None:
    async with (
        dialing() as dialer,
        listening(loopback, socket.SOCK_STREAM) as (there, sock),
        trio.open_nursery() as n,
    ):

        async def serve() -> None:
            async with await _accept(sock) as stream:
                await stream.send_all(frame(b"plain"))

        n.start_soon(serve)
        with pytest.raises(UnreachableError, match=r"cannot connect: |broke") as caught:
            await dialer.exchange(there, Protocol.TLS, b"ID", _any, proof=Unproven())
        assert not isinstance(caught.value, UnprovenError)


async def test_batches_go_over_tls_as_over_tcp(tmp_path: Path) -> None:
    async with encrypting(tmp_path) as (_, there, server, pinned), trio.open_nursery() as nursery:
        asks = _Batch()
        connect = partial(ClientTls().connect, proof=pinned)
        pipeline: Pipeline[Asked] = Pipeline(there, asks, 5.0, 2, connect)
        nursery.start_soon(pipeline.run)
        for number in range(90):
            pipeline.ask(Asked(b"%d" % number))
        while len(asks.taken) < 90:  # noqa: ASYNC110 - what is asked of may not wait
            await trio.sleep(0.001)
        assert sorted(asks.taken) == sorted(b"%d" % number for number in range(90))
        assert len(server.handshakes) == 1
        nursery.cancel_scope.cancel()


async def test_a_batch_is_asked_of_nobody_who_proves_nothing(tmp_path: Path) -> None:
    async with encrypting(tmp_path) as (_, there, server, _pin), trio.open_nursery() as nursery:
        asks = _Batch()
        pipeline: Pipeline[Asked] = Pipeline(
            there, asks, 5.0, 1, partial(ClientTls().connect, proof=Pinned(bytes(32)))
        )
        nursery.start_soon(pipeline.run)
        pipeline.ask(Asked(b"secret"))
        while not asks.lost:  # noqa: ASYNC110 - as above
            await trio.sleep(0.001)
        assert "has another key" in asks.lost[0]
        assert not server.messages
        nursery.cancel_scope.cancel()


class _Batch:
    """Takes every reply."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.lost: list[str] = []

    def accept(self, _asked: Asked, reply: bytes, _now: float) -> bool:
        self.taken.append(reply[2:])
        return True

    def give_up(self, asked: Asked) -> None:
        self.lost += asked.reasons

    def settled(self) -> None:
        pass
