"""Ask an endpoint and wait for the reply that is one.

Left out: whom to ask, how long to wait (the caller's cancel scope), what to do about a truncated reply.
"""

import socket
import typing
from functools import partial
from types import TracebackType
from typing import Self, assert_never

import trio

from transport.datagram import MAX_DATAGRAM, READ_SIZE, open_datagram_socket
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.handler import Protocol
from transport.stream_link import Accept, StreamLink

REPLIES_A_TURN = 64  # datagrams looked at between two looks at the event loop: a forger sends thousands
MAX_LINKS = 256  # connections out, a quarter of a process's usual descriptors; idle ones end after 10 s


class Dialer(typing.Protocol):
    """Asks one question of one endpoint. The tests have one that needs no sockets."""

    async def exchange(self, endpoint: Endpoint, protocol: Protocol, message: bytes, accept: Accept) -> bytes:
        """Send a message and return the first reply for which `accept` says True.

        The reply carries the id of the message. Others are forged or late, and ignored. It waits for ever:
        the deadline is the caller's.

        Raises:
            UnreachableError: No reply can come any more.
        """
        ...


class SocketDialer:
    """The dialer with real sockets: a fresh one for each datagram exchange, one link per endpoint for TCP.

    An async context manager, and a nursery that is handed over: a link is shared, so it must not be
    cancelled with the exchange that happened to need it first. Leaving closes all links; who still waits on
    one gets `UnreachableError`.
    """

    def __init__(self) -> None:
        self._links: dict[Endpoint, StreamLink] = {}  # entries leave when their link ends
        self._nursery: trio.Nursery | None = None
        self._opening = trio.open_nursery()

    async def __aenter__(self) -> Self:
        self._nursery = await self._opening.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        assert self._nursery is not None, "left without having been entered"
        self._nursery.cancel_scope.cancel()
        self._nursery = None
        return await self._opening.__aexit__(kind, error, trace)

    async def exchange(self, endpoint: Endpoint, protocol: Protocol, message: bytes, accept: Accept) -> bytes:
        """See `Dialer.exchange`."""
        match protocol:
            case Protocol.UDP:
                return await _exchange_datagrams(endpoint, message, accept)
            case Protocol.TCP:
                return await self._exchange_on_link(endpoint, message, accept)
            case other:
                assert_never(other)

    async def _exchange_on_link(self, endpoint: Endpoint, message: bytes, accept: Accept) -> bytes:
        link = self._link(endpoint)
        reused = link.connected
        try:
            return await link.exchange(message, accept)
        except UnreachableError:
            if not reused or not link.ended:
                raise
        # The server had closed it, which is known only once it is used. One more try is fair, not two.
        return await self._link(endpoint).exchange(message, accept)

    def _link(self, endpoint: Endpoint) -> StreamLink:
        if self._nursery is None:
            raise UnreachableError(endpoint.to_text(), "the dialer is not open")
        link = self._links.get(endpoint)
        if link is None:
            if len(self._links) >= MAX_LINKS:
                raise UnreachableError(endpoint.to_text(), f"{MAX_LINKS} links are open already")
            link = self._links[endpoint] = StreamLink(endpoint, partial(_connect_stream, endpoint))
            self._nursery.start_soon(self._keep, endpoint, link)
        return link

    async def _keep(self, endpoint: Endpoint, link: StreamLink) -> None:
        try:
            await link.run()
        finally:
            del self._links[endpoint]  # in one step with its end, so nobody finds an ended link here


async def _connect_stream(endpoint: Endpoint) -> trio.SocketStream:
    sock = trio.socket.socket(endpoint.family, socket.SOCK_STREAM)
    try:
        await sock.connect((endpoint.host, endpoint.port))
    except BaseException:
        sock.close()
        raise
    return trio.SocketStream(sock)


async def _exchange_datagrams(endpoint: Endpoint, message: bytes, accept: Accept) -> bytes:
    """Ask from a port of its own, which Linux picks at random, and hear nobody but the one asked."""
    try:
        with open_datagram_socket(endpoint.family) as sock:
            sock.connect((endpoint.host, endpoint.port))
            sock.send(message)
            while True:
                await trio.lowlevel.wait_readable(sock)
                for _ in range(REPLIES_A_TURN):
                    try:
                        reply_untrusted = sock.recv(READ_SIZE)
                    except BlockingIOError:
                        break
                    if len(reply_untrusted) <= MAX_DATAGRAM and accept(reply_untrusted):
                        return reply_untrusted
    except OSError as error:
        raise UnreachableError(endpoint.to_text(), error.strerror or str(error)) from error
