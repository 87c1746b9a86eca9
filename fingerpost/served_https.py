"""What a daemon answers over HTTPS: which path is whose."""

import socket
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Protocol

import trio

from fingerpost.served_tls import ServedTls
from transport.clock import Clock
from transport.handler import Admit, Handler
from transport.http2.doh import PATH, doh_route
from transport.http2.limits import SEALED_QUEUED, Http2Limits
from transport.http2.listener import HttpsListener, serve_https
from transport.http2.named import NOBODY, named_route
from transport.http2.routes import Route, Routes
from transport.later import LaterPool
from transport.slots import StreamLimits
from transport.tls.stream import Alpn
from transport.tokens.paying import paid_route
from transport.tokens.redeeming import Redeemer


class Gateway(Protocol):
    """What answers sealed requests beside the open ones."""

    def beside(self, table: Mapping[str, Route], /) -> Mapping[str, Route]:
        """Return a table of routes with its own beside them."""
        ...

    def statistics(self) -> dict[str, int]:
        """Return the counters as they are now."""
        ...


def serving(
    tls: ServedTls,
    admit: Admit,
    gateway: Gateway | None = None,
    redeemer: Redeemer | None = None,
    holders: Mapping[bytes, str] = NOBODY,
) -> Callable[..., Awaitable[None]]:
    """Return what serves a socket, given that, the daemon's handler, its clock and its pool.

    Args:
        tls: What is shown to clients.
        admit: Who may begin a connection.
        gateway: Answers sealed requests, if any are taken.
        redeemer: Takes tokens that pay for questions, open and sealed ones, if any are.
        holders: The name of each client that has a bearer token, by the token's digest.
    """

    async def serve(
        sock: socket.socket,
        handler: Handler,
        clock: Clock,
        later: LaterPool,
        *,
        task_status: trio.TaskStatus[HttpsListener],
    ) -> None:
        route = doh_route(handler)
        paid = route if redeemer is None else paid_route(route, redeemer)
        table: Mapping[str, Route] = {PATH: named_route(route, paid, NOBODY)}
        if gateway is not None:
            table = gateway.beside(table)  # what is sealed has no name, and whoever gives it one is told so
        routes = Routes({**table, PATH: named_route(route, paid, holders)})
        http = Http2Limits() if gateway is None else Http2Limits(queued=SEALED_QUEUED)
        secure = partial(tls.server.handshake, alpn=Alpn.H2)
        serve = partial(serve_https, limits=StreamLimits(), secure=secure, admit=admit, http=http)
        await serve(sock, routes, clock, later, task_status=task_status)

    return serve
