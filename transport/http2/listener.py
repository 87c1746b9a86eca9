"""HTTP/2 over TLS on a listening socket: the accepting loop of all streams, with sessions of HTTP/2."""

import socket
from dataclasses import asdict, dataclass

import trio

from transport.clock import Clock
from transport.handler import Admit, Caller, Protocol, admit_all
from transport.http2.limits import Http2Limits
from transport.http2.routes import Routes
from transport.http2.session import Http2Service, Http2Session
from transport.later import LaterPool
from transport.slots import Slots, StreamLimits
from transport.tcp_listener import Session, StreamStatistics, TcpListener
from transport.tls.stream import Secure

LIMITS = Http2Limits()


@dataclass(frozen=True, slots=True)
class HttpsStatistics(StreamStatistics):
    """What a listener has done so far; `Http2Counts` says what the further counters mean."""

    streams_refused: int
    flooded: int
    faulty: int


class HttpsListener(TcpListener):
    """One listening socket being served.

    Args:
        sock: Owned by whoever opened it.
        service: What all connections share.
        secure: The handshake, in which HTTP/2 is agreed on; None in tests, where both know that it is spoken.
        admit: Whether a handshake may begin.
    """

    def __init__(
        self, sock: socket.socket, service: Http2Service, secure: Secure | None, admit: Admit = admit_all
    ) -> None:
        def begin(stream: trio.abc.Stream, caller: Caller) -> Session:
            return Http2Session(stream, caller, service)

        super().__init__(sock, service, begin, Protocol.HTTPS, secure, admit)
        self._http_counts = service.http_counts

    def statistics(self) -> HttpsStatistics:
        """Return the counters as they are now."""
        return HttpsStatistics(**asdict(super().statistics()), **asdict(self._http_counts))


async def serve_https(  # noqa: PLR0913 - as serve_tcp
    sock: socket.socket,
    routes: Routes,
    clock: Clock,
    later: LaterPool,
    *,
    limits: StreamLimits,
    secure: Secure | None,
    admit: Admit = admit_all,
    http: Http2Limits = LIMITS,
    task_status: trio.TaskStatus[HttpsListener] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve a socket from `open_tcp` until cancelled; `task_status` is given the listener.

    `secure` is `ServerTls.handshake` for `Alpn.H2`, and `admit` says who may begin one.
    """
    service = Http2Service(routes, clock, later, limits, Slots(limits), http=http)
    listener = HttpsListener(sock, service, secure, admit)
    task_status.started(listener)
    await listener.run()
