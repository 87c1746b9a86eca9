"""Ask an endpoint and wait for the reply that is one.

Left out: whom to ask, how long to wait, what to do about a truncated reply.
"""

import math
import typing
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Self, assert_never

import trio

from transport.datagram_pool import DatagramPool
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.handler import Protocol
from transport.http2.messages import Headers
from transport.proof import Proof, Unproven
from transport.resource import USUAL, Resource
from transport.stream_link import Accept, StreamLink, connect_stream
from transport.tls.client import ClientTls
from transport.tls.stream import Alpn

NOT_OPEN = "the dialer is not open"
MAX_LINKS = 256  # connections out, a quarter of a process's usual descriptors; idle ones end after 10 s

_Way = tuple[Protocol, Endpoint, Proof | None, Resource]  # of a link; without a proof it is not encrypted


class _Link(typing.Protocol):
    """A link to one endpoint: `StreamLink`, `DohLink` or `QuicLink`."""

    ended: bool

    @property
    def connected(self) -> bool: ...

    async def exchange(self, message: bytes, accept: Accept) -> bytes: ...

    async def run(self) -> None: ...


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
        resource: Resource = USUAL,
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
            resource: Where it is asked over HTTPS, and as whom.

        Raises:
            UnreachableError: No reply can come any more.
            UnprovenError: Whoever is there did not prove who they are; nothing was asked.
        """
        ...


class SocketDialer:
    """The dialer with real sockets: a pool of datagram sockets, and links for the others.

    There is one for each protocol, endpoint and proof: what one has proved counts for nobody who demands another.

    An async context manager, and a nursery that is handed over: sockets and links are shared, so they must not
    be cancelled with the exchange that happened to need them first. Leaving closes all; who still waits on
    one gets `UnreachableError`. Enter it in the process that uses it: nothing here may be shared over a fork.

    Args:
        fields: Makes header fields of each request over HTTPS, such as a token that pays for it.
    """

    def __init__(self, fields: Callable[[], Headers] | None = None) -> None:
        self._fields = fields
        self._links: dict[_Way, _Link] = {}  # entries leave when their link ends
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
        resource: Resource = USUAL,
    ) -> bytes | None:
        """See `Dialer.exchange`."""
        match protocol:
            case Protocol.UDP:
                if self._pool is None:
                    raise UnreachableError(endpoint.to_text(), NOT_OPEN)
                return await self._pool.exchange(endpoint, message, accept, deadline)
            case Protocol.TCP:
                with trio.move_on_at(deadline):
                    return await self._exchange_on_link((protocol, endpoint, None, USUAL), message, accept)
                return None
            case Protocol.TLS | Protocol.HTTPS | Protocol.QUIC:
                assert proof is not None, "whoever asks over what is encrypted says what is to be proven"
                with trio.move_on_at(deadline):
                    return await self._exchange_on_link((protocol, endpoint, proof, resource), message, accept)
                return None
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

    def _link(self, way: _Way) -> _Link:
        _, endpoint, *_ = way
        if self._nursery is None:
            raise UnreachableError(endpoint.to_text(), NOT_OPEN)
        link = self._links.get(way)
        if link is None:
            if len(self._links) >= MAX_LINKS:
                raise UnreachableError(endpoint.to_text(), f"{MAX_LINKS} links are open already")
            link = self._links[way] = self._new_link(way)
            self._nursery.start_soon(self._keep, way, link)
        return link

    def _new_link(self, way: _Way) -> _Link:
        protocol, endpoint, proof, resource = way
        if proof is None:
            return StreamLink(endpoint, partial(connect_stream, endpoint))
        if protocol is Protocol.TLS:
            return StreamLink(endpoint, partial(self._tls.connect, endpoint, proof))
        if protocol is Protocol.HTTPS:
            if resource.bearer and isinstance(proof, Unproven):
                raise UnreachableError(endpoint.to_text(), "is shown no token before it proves who it is")
            from transport.http2.doh_link import DohLink, authority_of  # noqa: PLC0415 - takes long to import, and few ask over it

            connect = partial(self._tls.connect, endpoint, proof, Alpn.H2)
            authority = authority_of(endpoint, proof)
            if self._fields is None:
                return DohLink(endpoint, connect, authority, resource)
            return DohLink(endpoint, connect, authority, resource, fields=self._fields)
        try:
            from transport.quic.link import QuicLink  # noqa: PLC0415 - an extra, which few ask over
        except ModuleNotFoundError as error:
            raise UnreachableError(endpoint.to_text(), f"is not asked over QUIC without {error.name}") from error
        return QuicLink(endpoint, proof)

    async def _keep(self, way: _Way, link: _Link) -> None:
        try:
            await link.run()
        finally:
            del self._links[way]  # in one step with its end, so nobody finds an ended link here
