"""HTTP/2 on loopback: over TLS, or over plain TCP where both know that it is spoken (RFC 9113 section 3.3)."""

import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trio

from transport.clock import Clock
from transport.endpoint import Endpoint
from transport.handler import Caller, Protocol
from transport.http2.limits import Http2Limits
from transport.http2.routes import Routes
from transport.http2.session import Http2Service, Http2Session
from transport.later import LaterPool
from transport.slots import Slots, StreamLimits
from transport.tcp_listener import open_tcp


def h2_context(files: tuple[Path, Path]) -> ssl.SSLContext:
    """Return what a server needs to encrypt, with a certificate and its key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    context.set_alpn_protocols(["h2"])
    return context


@dataclass
class Listener:
    """Where it listens, and what its connections share."""

    endpoint: Endpoint
    service: Http2Service


async def serve_http2(
    sock: socket.socket,
    service: Http2Service,
    context: ssl.SSLContext | None = None,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve a socket from `open_tcp` until cancelled."""
    listening = trio.socket.from_stdlib_socket(sock)
    async with trio.open_nursery() as connections:
        task_status.started()
        while True:
            accepted, address = await listening.accept()
            caller = Caller(Endpoint(address[0], address[1]), Protocol.HTTPS)
            if service.slots.try_take(caller.endpoint.host):
                service.counts.accepted += 1
                connections.start_soon(_converse, trio.SocketStream(accepted), caller, service, context)
            else:
                service.counts.refused += 1
                accepted.close()


async def _converse(
    stream: trio.SocketStream, caller: Caller, service: Http2Service, context: ssl.SSLContext | None
) -> None:
    spoken_over = stream if context is None else trio.SSLStream(stream, context, server_side=True)
    try:
        await Http2Session(spoken_over, caller, service).run()
    finally:
        service.slots.give_back(caller.endpoint.host)
        await trio.aclose_forcefully(stream)


@asynccontextmanager
async def serving(
    routes: Routes,
    limits: StreamLimits | None = None,
    http: Http2Limits | None = None,
    context: ssl.SSLContext | None = None,
) -> AsyncGenerator[Listener]:
    limits = limits or StreamLimits()
    with open_tcp(Endpoint("127.0.0.1", 0)) as sock:
        async with LaterPool(200).running() as later, trio.open_nursery() as nursery:
            service = Http2Service(routes, Clock(), later, limits, Slots(limits), http=http or Http2Limits())

            async def serve(*, task_status: trio.TaskStatus[None]) -> None:
                await serve_http2(sock, service, context, task_status=task_status)

            await nursery.start(serve)
            yield Listener(Endpoint(*sock.getsockname()[:2]), service)
            nursery.cancel_scope.cancel()
