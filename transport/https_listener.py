"""HTTP/2 over TLS from clients: accepting is tcp_listener's, handshakes are tls's, and what is spoken http2's.

Left out: what is asked for (routes).
"""

import socket
from functools import partial

import trio

from transport.clock import Clock
from transport.handler import Protocol
from transport.http2.limits import Http2Limits
from transport.http2.routes import Routes
from transport.http2.session import Http2Service, Http2Session
from transport.later import LaterPool
from transport.slots import Slots, StreamLimits
from transport.tcp_listener import TcpListener
from transport.tls.server import ServerTls
from transport.tls.stream import Alpn


async def serve_https(  # noqa: PLR0913 - whoever composes a server names each part of it once, here
    sock: socket.socket,
    routes: Routes,
    clock: Clock,
    later: LaterPool,
    *,
    tls: ServerTls,
    limits: StreamLimits,
    http: Http2Limits,
    task_status: trio.TaskStatus[TcpListener] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve a socket from `open_tcp` until cancelled; `task_status` is given the listener."""
    service = Http2Service(routes, clock, later, limits, Slots(limits), http=http)
    secure = partial(tls.handshake, alpn=Alpn.H2)
    listener = TcpListener(sock, service, partial(Http2Session, service=service), Protocol.HTTPS, secure)
    task_status.started(listener)
    await listener.run()
