"""DNS over QUIC on a socket (RFC 9250): reads datagrams, sends datagrams, ends in good order.

Several workers each have a socket at the same address (SO_REUSEPORT), and the kernel hands a datagram to one of
them by its source's address and port. So a client's datagrams all reach the worker that has its connection, for
as long as it stays where it is; `server` says what becomes of it when it moves. A socket is opened by `open_udp`:
no ICMP message changes what size goes out, and nothing that goes out is long enough to be fragmented
(`terms.MAX_DATAGRAM`).
"""

import os
import socket
from collections.abc import Callable
from dataclasses import asdict

import trio
from aioquic.quic.configuration import QuicConfiguration

from transport.clock import Clock
from transport.datagram import READ_SIZE
from transport.endpoint import Endpoint
from transport.grace import open_lasting_nursery
from transport.handler import Admit, Handler, admit_all
from transport.later import LaterPool
from transport.quic.limits import QuicLimits, QuicStatistics
from transport.quic.server import QuicServer
from transport.quic.session import QuicService
from transport.quic.terms import ServerTerms
from transport.slots import Slots
from transport.tls.credentials import Credentials

TURN = 16  # datagrams between two looks at the event loop: each takes a tenth of a millisecond, a handshake more
GRACE = 1.0  # seconds for replies in hand once the listener is cancelled
KEY = 32  # octets of the key that tokens are made with; a worker's own, since a client stays with its worker


class QuicListener:
    """One socket being served."""

    def __init__(
        self,
        sock: socket.socket,
        service: QuicService,
        terms: Callable[[], QuicConfiguration],
        later: LaterPool,
        admit: Admit = admit_all,
    ) -> None:
        self._sock = sock  # owned by whoever opened it
        self._service = service
        self._server = QuicServer(service, terms, later, admit, os.urandom(KEY))

    def statistics(self) -> QuicStatistics:
        """Return the counters as they are now."""
        return QuicStatistics(connected=self._server.connected, **asdict(self._service.counts))

    async def run(self) -> None:
        """Serve until cancelled; then no query is taken any more, and replies in hand have GRACE to arrive."""
        try:
            async with open_lasting_nursery(GRACE) as lasting:
                lasting.start_soon(self._server.run, self._flush)
                lasting.start_soon(self._read)
                try:
                    await trio.sleep_forever()
                finally:
                    lasting.start_soon(self._finish, lasting.cancel_scope)
        finally:
            self._send(self._server.give_up(trio.current_time()))

    async def _finish(self, scope: trio.CancelScope) -> None:
        await self._server.finish()
        scope.cancel()

    async def _read(self) -> None:
        while True:
            await trio.lowlevel.wait_readable(self._sock)
            now = trio.current_time()
            for _ in range(TURN):
                try:
                    datagram_untrusted, address = self._sock.recvfrom(READ_SIZE)
                except BlockingIOError:
                    break
                except OSError:  # an ICMP message, which anybody can forge
                    self._service.counts.receive_errors += 1
                    continue
                source = Endpoint(address[0], address[1])
                for reply in self._server.receive_untrusted(datagram_untrusted, source, now):
                    self._send([(reply, source)])
            self._send(self._server.flush(now))

    def _flush(self) -> None:
        self._send(self._server.flush(trio.current_time()))

    def _send(self, datagrams: list[tuple[bytes, Endpoint]]) -> None:
        for datagram, endpoint in datagrams:
            try:
                self._sock.sendto(datagram, (endpoint.host, endpoint.port))
            except OSError:  # no buffer, no route, a firewall: it counts as lost, and is sent again
                self._service.counts.send_errors += 1


async def serve_quic(  # noqa: PLR0913 - whoever composes a server names each part of it once, here
    sock: socket.socket,
    handler: Handler,
    clock: Clock,
    later: LaterPool,
    *,
    credentials: Callable[[], Credentials],
    limits: QuicLimits,
    admit: Admit = admit_all,
    task_status: trio.TaskStatus[QuicListener] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve a socket from `open_udp` until cancelled; `task_status` is given the listener.

    `credentials` are asked for when a connection begins, so that another certificate is shown from then on;
    connections that there are go on. `admit` says who may begin one.
    """
    service = QuicService(handler, clock, limits, Slots(limits))
    listener = QuicListener(sock, service, ServerTerms(credentials, limits.message).current, later, admit)
    task_status.started(listener)
    await listener.run()
