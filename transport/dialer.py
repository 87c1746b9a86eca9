"""Ask an endpoint and wait for the reply that is one.

Left out: whom to ask, how long to wait, what to do about a truncated reply.
"""

import math
import typing
from functools import partial
from types import TracebackType
from typing import Self, assert_never

import trio

from transport.datagram_pool import DatagramPool
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.handler import Protocol
from transport.proof import Proof
from transport.stream_link import Accept, StreamLink, connect_stream
from transport.tls.client import ClientTls

NOT_OPEN = "the dialer is not open"
MAX_LINKS = 256  # connections out, a quarter of a process's usual descriptors; idle ones end after 10 s

_Way = tuple[Endpoint, Proof | None]  # of a stream; without a proof it is not encrypted


class Dialer(typing.Protocol):
    """Asks one question of one endpoint. The tests have one that needs no sockets."""

    async def exchange(  # noqa: PLR0913 - what one exchange is
        self,
        endpoint: Endpoint,
        protocol: Protocol,
        message: bytes,
        accept: Accept,
        deadline: float = math.inf,
        *,
        proof: Proof | None = None,
    ) -> bytes | None:
        """Send a message and return the first reply for which `accept` says True; None when none came in time.

        The reply carries the id of the message. Others are forged or late, and ignored. Ids are the caller's, and
        must be unpredictable. Exchanges share sockets, so `accept` is called in a task of the dialer's, and for
        datagrams that are meant for others.

        Args:
            endpoint: Whom to ask.
            protocol: Over what.
            message: What to ask, its id first.
            accept: Whether a message is the reply; never raises.
            deadline: On trio's clock.
            proof: How the other side is to prove who it is; None where nothing is encrypted. One that does not is
                unreachable, and is asked over nothing else.

        Raises:
            UnreachableError: No reply can come any more.
            UnprovenError: Whoever is there did not prove who they are; nothing was asked.
        """
        ...


class SocketDialer:
    """The dialer with real sockets: a pool of datagram sockets, and links for TCP and TLS.

    There is a link for each endpoint and proof: what one has proved counts for nobody who demands another.

    An async context manager, and a nursery that is handed over: sockets and links are shared, so they must not
    be cancelled with the exchange that happened to need them first. Leaving closes all; who still waits on
    one gets `UnreachableError`. Enter it in the process that uses it: nothing here may be shared over a fork.
    """

    def __init__(self) -> None:
        self._links: dict[_Way, StreamLink] = {}  # entries leave when their link ends
        self._tls = ClientTls()
        self._pool: DatagramPool | None = None  # with the nursery: both or none
        self._nursery: trio.Nursery | None = None
        self._opening = trio.open_nursery()

    async def __aenter__(self) -> Self:
        self._nursery = await self._opening.__aenter__()
        self._pool = DatagramPool()
        self._nursery.start_soon(self._pool.run)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        assert self._nursery is not None, "left without having been entered"
        self._nursery.cancel_scope.cancel()
        self._nursery = self._pool = None
        return await self._opening.__aexit__(kind, error, trace)

    async def exchange(  # noqa: PLR0913 - what one exchange is
        self,
        endpoint: Endpoint,
        protocol: Protocol,
        message: bytes,
        accept: Accept,
        deadline: float = math.inf,
        *,
        proof: Proof | None = None,
    ) -> bytes | None:
        """See `Dialer.exchange`."""
        match protocol:
            case Protocol.UDP:
                if self._pool is None:
                    raise UnreachableError(endpoint.to_text(), NOT_OPEN)
                return await self._pool.exchange(endpoint, message, accept, deadline)
            case Protocol.TCP:
                with trio.move_on_at(deadline):
                    return await self._exchange_on_link((endpoint, None), message, accept)
                return None
            case Protocol.TLS:
                assert proof is not None, "whoever asks over TLS says how the other side proves who it is"
                with trio.move_on_at(deadline):
                    return await self._exchange_on_link((endpoint, proof), message, accept)
                return None
            case Protocol.HTTPS | Protocol.QUIC:
                raise UnreachableError(endpoint.to_text(), f"is not asked over {protocol} by this dialer ({proof})")
            case other:
                assert_never(other)

    async def _exchange_on_link(self, way: _Way, message: bytes, accept: Accept) -> bytes:
        link = self._link(way)
        reused = link.connected
        try:
            return await link.exchange(message, accept)
        except UnreachableError:
            if not reused or not link.ended:
                raise
        # The server had closed it, which is known only once it is used. One more try is fair, not two.
        return await self._link(way).exchange(message, accept)

    def _link(self, way: _Way) -> StreamLink:
        endpoint, proof = way
        if self._nursery is None:
            raise UnreachableError(endpoint.to_text(), NOT_OPEN)
        link = self._links.get(way)
        if link is None:
            if len(self._links) >= MAX_LINKS:
                raise UnreachableError(endpoint.to_text(), f"{MAX_LINKS} links are open already")
            connect = partial(connect_stream, endpoint)
            if proof is not None:
                connect = partial(self._tls.connect, endpoint, proof)
            link = self._links[way] = StreamLink(endpoint, connect)
            self._nursery.start_soon(self._keep, way, link)
        return link

    async def _keep(self, way: _Way, link: StreamLink) -> None:
        try:
            await link.run()
        finally:
            del self._links[way]  # in one step with its end, so nobody finds an ended link here
