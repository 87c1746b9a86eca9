"""The listener on real sockets, asked by our link, by dnspython and by kdig."""

import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial

import dns.asyncquery
import dns.flags
import dns.message
import pytest
import trio

from tests.transport.quic.programs import kdig_speaks_quic
from tests.transport.quic.wires import credentials, echo, made_for
from transport.clock import Clock
from transport.dialer import SocketDialer
from transport.endpoint import Endpoint
from transport.errors import UnprovenError, UnreachableError
from transport.handler import Caller, Handler, Later, Protocol, Verdict
from transport.later import LaterPool
from transport.proof import Pinned, Unproven
from transport.quic.limits import QuicLimits
from transport.quic.link import QuicLink
from transport.quic.listener import QuicListener, serve_quic
from transport.tls.credentials import Credentials
from transport.udp_listener import open_udp

QUESTION = "example.fingerpost.internal."


def _dns(message: bytes, _caller: Caller, _now: float) -> Verdict:
    reply = dns.message.make_response(dns.message.from_wire(message))
    reply.flags |= dns.flags.AA
    return reply.to_wire()


def _any(_reply: bytes) -> bool:
    return True


@asynccontextmanager
async def listening(
    endpoint: Endpoint, handler: Handler = echo, shown: Callable[[], Credentials] = credentials
) -> AsyncGenerator[tuple[QuicListener, Endpoint, trio.CancelScope]]:
    limits = QuicLimits()
    with trio.fail_after(20), open_udp(endpoint) as sock:
        here = Endpoint(*sock.getsockname()[:2])
        async with LaterPool(16).running(grace=0) as later, trio.open_nursery() as nursery:
            serving = trio.CancelScope()

            async def serve(task_status: trio.TaskStatus[QuicListener]) -> None:
                with serving:
                    await serve_quic(
                        *(sock, handler, Clock(), later), credentials=shown, limits=limits, task_status=task_status
                    )

            listener = await nursery.start(serve)
            yield listener, here, serving
            nursery.cancel_scope.cancel()


async def test_a_link_asks_over_sockets(anywhere: Endpoint) -> None:
    async with listening(anywhere) as (listener, here, _), trio.open_nursery() as nursery:
        link = QuicLink(here, Pinned(credentials().chain.pin))
        nursery.start_soon(link.run)
        assert await link.exchange(b"ID?", _any) == b"ID?"
        assert await link.exchange(b"IDhuge", _any) == b"IDhuge" + bytes(60_000)
        nursery.cancel_scope.cancel()
    statistics = listener.statistics()
    assert (statistics.accepted, statistics.received, statistics.answered) == (1, 2, 2)
    assert statistics.failed == statistics.send_errors == 0


async def test_the_dialer_keeps_one_connection_for_all(anywhere: Endpoint) -> None:
    async with listening(anywhere) as (listener, here, _), SocketDialer() as dialer:
        proof = Pinned(credentials().chain.pin)
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(partial(dialer.exchange, here, Protocol.QUIC, b"ID?", _any, proof=proof))
        assert listener.statistics().accepted == 1
        with pytest.raises(UnprovenError):
            await dialer.exchange(here, Protocol.QUIC, b"ID?", _any, proof=Pinned(bytes(32)))
        deadline = trio.current_time() + 0.2
        assert await dialer.exchange(here, Protocol.QUIC, b"IDlater", _any, deadline, proof=proof) is None
        assert listener.statistics().received == 21


async def test_the_dialer_asks_again_where_the_server_had_closed(anywhere: Endpoint) -> None:
    async with SocketDialer() as dialer:
        with open_udp(anywhere) as kept:
            here = Endpoint(*kept.getsockname()[:2])
        for _ in range(2):
            async with listening(here):
                assert await dialer.exchange(here, Protocol.QUIC, b"ID?", _any, proof=Unproven()) == b"ID?"


async def test_nobody_there_is_said_at_once() -> None:
    with open_udp(Endpoint("127.0.0.1", 0)) as sock:
        nowhere = Endpoint(*sock.getsockname())
    async with SocketDialer() as dialer:
        with trio.fail_after(2), pytest.raises(UnreachableError, match="cannot connect"):
            await dialer.exchange(nowhere, Protocol.QUIC, b"ID?", _any, proof=Unproven())


async def test_dnspython_asks(anywhere: Endpoint) -> None:
    async with listening(anywhere, _dns) as (_, here, _):
        query = dns.message.make_query(QUESTION, "TXT")
        reply = await dns.asyncquery.quic(query, here.host, timeout=5, port=here.port, verify=False)
        assert reply.question == query.question
        assert reply.flags & dns.flags.AA


@pytest.mark.skipif(not kdig_speaks_quic(), reason="this machine has no kdig with QUIC")
async def test_kdig_asks(anywhere: Endpoint) -> None:
    async with listening(anywhere, _dns) as (_, here, _):
        command = [
            "kdig",
            f"@{here.host}",
            "-p",
            str(here.port),
            "+quic",
            "+timeout=3",
            "+retry=0",
            QUESTION,
            "TXT",
        ]
        said = await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)
        assert b"QUIC session (QUICv1)" in said.stdout, said.stdout + said.stderr
        assert b"status: NOERROR" in said.stdout


async def test_another_certificate_is_shown_to_those_who_come_after(anywhere: Endpoint) -> None:
    shown = [credentials(), made_for("ns.example")]
    async with listening(anywhere, shown=lambda: shown[0]) as (_, here, _), SocketDialer() as dialer:
        old, new = Pinned(credentials().chain.pin), Pinned(shown[1].chain.pin)
        assert await dialer.exchange(here, Protocol.QUIC, b"ID?", _any, proof=old) == b"ID?"
        del shown[0]
        assert await dialer.exchange(here, Protocol.QUIC, b"ID?", _any, proof=old) == b"ID?"  # as it was connected
        assert await dialer.exchange(here, Protocol.QUIC, b"ID?", _any, proof=new) == b"ID?"


async def test_a_listener_that_ends_answers_what_is_in_hand(anywhere: Endpoint) -> None:
    async def slow() -> bytes:
        await trio.sleep(0.3)
        return b"\0\0at last"

    async with listening(anywhere, lambda _message, _caller, _now: Later(slow)) as (listener, here, scope):
        async with trio.open_nursery() as nursery:
            link = QuicLink(here, Unproven())
            nursery.start_soon(link.run)
            replies = list[bytes]()

            async def ask() -> None:
                replies.append(await link.exchange(b"ID?", _any))

            async with trio.open_nursery() as asking:
                asking.start_soon(ask)
                while not listener.statistics().received:  # noqa: ASYNC110 - counters tell nobody
                    await trio.sleep(0.001)
                scope.cancel()
            nursery.cancel_scope.cancel()
        assert replies == [b"IDat last"]


async def test_garbage_on_a_socket_ends_nothing(anywhere: Endpoint) -> None:
    async with listening(anywhere) as (listener, here, _), SocketDialer() as dialer:
        with socket.socket(here.family, socket.SOCK_DGRAM) as sock:
            for octets in range(0, 4_200, 100):
                sock.sendto(bytes([0xC0]) + bytes(octets), (here.host, here.port))
        assert await dialer.exchange(here, Protocol.QUIC, b"ID?", _any, proof=Unproven()) == b"ID?"
        assert listener.statistics().failed == 0
