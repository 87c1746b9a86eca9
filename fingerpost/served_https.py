"""What a daemon answers over HTTPS: which path is whose."""

import socket
from collections.abc import Awaitable, Callable
from functools import partial

import trio

from fingerpost.served_tls import ServedTls
from transport.clock import Clock
from transport.handler import Handler
from transport.http2.doh import PATH, doh_route
from transport.http2.listener import HttpsListener, serve_https
from transport.http2.routes import Routes
from transport.later import LaterPool
from transport.slots import StreamLimits
from transport.tls.stream import Alpn
from zonedata.packets import least_ttl


def serving(tls: ServedTls) -> Callable[..., Awaitable[None]]:
    """Return what serves a socket, given that, the daemon's handler, its clock and its pool."""

    async def serve(
        sock: socket.socket,
        handler: Handler,
        clock: Clock,
        later: LaterPool,
        *,
        task_status: trio.TaskStatus[HttpsListener],
    ) -> None:
        routes = Routes({PATH: doh_route(handler, least_ttl)})
        secure = partial(tls.server.handshake, alpn=Alpn.H2)
        await serve_https(sock, routes, clock, later, limits=StreamLimits(), secure=secure, task_status=task_status)

    return serve
