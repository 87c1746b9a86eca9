"""Ask an endpoint and wait for the reply that is one.

Left out: whom to ask, how long to wait, what to do about a truncated reply.
"""

import math
import typing
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Self, assert_never

import trio

from transport.datagram_pool import DatagramPool
from transport.endpoint import Endpoint
from transport.errors import CrowdedError, UnreachableError
from transport.handler import Protocol
from transport.http2.messages import MakeHeaders, no_headers
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


@dataclass(slots=True, eq=False)
class _Kept:
    """A link while it is open.

    Attributes:
        link: To whom.
        scope: Around its life.
        in_flight: Exchanges that use it.
    """

    link: _Link
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    in_flight: int = 0


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
            CrowdedError: There is no room here; nothing was asked.
        """
        ...


class SocketDialer:
    """The dialer with real sockets: a pool of datagram sockets, and links for the others.

    There is one for each protocol, endpoint and proof: what one has proved counts for nobody who demands another.
    Where there are too many, the one that nobody has asked over for longest gives way, so that whoever names many
    servers keeps us from no other.

    An async context manager, and a nursery that is handed over: sockets and links are shared, so they must not
    be cancelled with the exchange that happened to need them first. Leaving closes all; who still waits on
    one gets `UnreachableError`. Enter it in the process that uses it: nothing here may be shared over a fork.

    Args:
        fields: Makes header fields of each request over HTTPS, such as a token that pays for it.
    """

    def __init__(self, fields: MakeHeaders = no_headers) -> None:
        self._fields = fields
        self._links: OrderedDict[_Way, _Kept] = OrderedDict()  # the last asked last; they leave at their end
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
        kept = self._link(way)
        reused = kept.link.connected
        try:
            return await _exchange_over(kept, message, accept)
        except UnreachableError:
            if not reused or not kept.link.ended:
                raise
        # The server had closed it, which is known only once it is used. One more try is fair, not two.
        return await _exchange_over(self._link(way), message, accept)

    def _link(self, way: _Way) -> _Kept:
        _, endpoint, *_ = way
        if self._nursery is None:
            raise UnreachableError(endpoint.to_text(), NOT_OPEN)
        kept = self._links.get(way)
        if kept is None:
            if len(self._links) >= MAX_LINKS:
                self._make_room(endpoint)
            kept = self._links[way] = _Kept(self._new_link(way))
            self._nursery.start_soon(self._keep, way, kept)
        self._links.move_to_end(way)
        return kept

    def _make_room(self, endpoint: Endpoint) -> None:
        idle = next((way for way, kept in self._links.items() if not kept.in_flight), None)
        if idle is None:
            raise CrowdedError(endpoint.to_text(), f"{MAX_LINKS} links are in use already")
        self._links.pop(idle).scope.cancel()

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
            return DohLink(endpoint, connect, authority_of(endpoint, proof), resource, fields=self._fields)
        try:
            from transport.quic.link import QuicLink  # noqa: PLC0415 - an extra, which few ask over
        except ModuleNotFoundError as error:
            raise UnreachableError(endpoint.to_text(), f"is not asked over QUIC without {error.name}") from error
        return QuicLink(endpoint, proof)

    async def _keep(self, way: _Way, kept: _Kept) -> None:
        try:
            with kept.scope:
                await kept.link.run()
        finally:
            if self._links.get(way) is kept:  # it has not given way
                del self._links[way]  # in one step with its end, so nobody finds an ended link here


async def _exchange_over(kept: _Kept, message: bytes, accept: Accept) -> bytes:
    kept.in_flight += 1
    try:
        return await kept.link.exchange(message, accept)
    finally:
        kept.in_flight -= 1
