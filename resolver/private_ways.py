"""Ways to a resolver on which it does not learn who asks: by way of a relay, and paid for by tokens.

A shell. `ObliviousDialer` is a dialer like any other, so that whoever asks needs to know nothing of it: each
question is sealed for the resolver, which is the gateway, and posted to the relay. The relay learns who asks, the
resolver what (RFC 9458). The resolver's keys are fetched from itself, or come out of a file; never by way of the
relay.
"""

import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import trio

from transport.clock import Clock
from transport.dialer import Dialer
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.handler import Protocol
from transport.http2.doh_link import authority_of
from transport.http2.messages import Headers, MakeHeaders, no_headers
from transport.oblivious import places
from transport.oblivious.client import ObliviousExchange, Via
from transport.oblivious.gateway_keys import FetchedKeys, GatewayKeys, KeptKeys
from transport.oblivious.http_link import HttpLink
from transport.oblivious.key_configs import KeyConfigError
from transport.proof import Pinned, Proof, Unproven
from transport.resource import USUAL, Resource
from transport.stream_link import Accept
from transport.tls.client import ClientTls
from transport.tls.stream import Alpn
from transport.tokens.authentication import authorization
from transport.tokens.database import DatabaseError
from transport.tokens.tokens import TokenError
from transport.tokens.wallet import Wallet

MAX_KEYS = 65_536  # octets of a file of keys; a few hundred are usual
MAX_GATEWAYS = 16  # that one dialer asks; a client has one or two


class NoKeysError(Exception):
    """A file of a gateway's keys cannot be used."""


@dataclass(frozen=True, slots=True)
class RelayWay:
    """A relay, and how it proves who it is.

    Attributes:
        endpoints: Where it is, at least one; the first at which it can be had is asked.
        proof: How it proves it.
        path: Where it takes requests.
        keys: File with the gateway's keys; None to fetch them from the gateway itself, which learns by that that
            somebody at this address is going to ask, and may match times, or give it a key of its own.
    """

    endpoints: tuple[Endpoint, ...]
    proof: Proof
    path: str = places.RELAY
    keys: Path | None = None


class ObliviousDialer:
    """Asks resolvers over HTTPS by way of a relay, and over nothing else. Whoever asks often keeps one open.

    Args:
        relay: By way of whom.
        clock: Whose time stands in requests.
        fields: What goes with each request, inside the seal.

    Raises:
        NoKeysError: A file of keys is named, and cannot be read or holds none.
    """

    def __init__(self, relay: RelayWay, clock: Clock, fields: MakeHeaders = no_headers) -> None:
        self._relay = relay
        self._kept = kept_keys(relay.keys) if relay.keys is not None else None
        self._clock = clock
        self._fields = fields
        self._tls = ClientTls()
        self._exchanges: dict[tuple[Endpoint, Proof, str], ObliviousExchange] = {}
        self._making = trio.Lock()  # who waits for it has what another makes
        self._to_relay: HttpLink | None = None  # while it is open, as the nursery
        self._nursery: trio.Nursery | None = None  # in which links are kept: exchanges come and go

    @asynccontextmanager
    async def running(self) -> AsyncGenerator["ObliviousDialer"]:
        """Keep it open; connections end with it."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            self._to_relay = await self._link(self._relay.endpoints, self._relay.proof)
            try:
                yield self
            finally:
                self._nursery = self._to_relay = None
                nursery.cancel_scope.cancel()

    async def exchange(  # noqa: PLR0913 - as `Dialer.exchange`
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
        """See `Dialer.exchange`; the deadline holds for all that is needed, keys included."""
        if protocol is not Protocol.HTTPS or proof is None:
            raise UnreachableError(endpoint.to_text(), f"is asked by way of a relay, and not over {protocol}")
        if resource.bearer:
            raise UnreachableError(endpoint.to_text(), "is not to know who asks, and a token would tell it")
        with trio.move_on_at(deadline):
            async with self._making:
                exchange = await self._exchange(endpoint, proof, resource.path)
            reply = await exchange.exchange(message, self._clock.now())
            if not accept(reply):
                raise UnreachableError(endpoint.to_text(), "answers something else than it was asked")
            return reply
        return None

    async def _exchange(self, endpoint: Endpoint, proof: Proof, path: str) -> ObliviousExchange:
        known = self._exchanges.get((endpoint, proof, path))
        if known is not None:
            return known
        if self._to_relay is None or len(self._exchanges) >= MAX_GATEWAYS:
            raise UnreachableError(endpoint.to_text(), "the dialer is not open, or has too many gateways")
        authority = authority_of(endpoint, proof)
        made = ObliviousExchange(
            self._to_relay.request,
            Via(self._relay.path, authority, path),
            await self._keys(endpoint, proof, authority),
            self._fields,
        )
        self._exchanges[endpoint, proof, path] = made
        return made

    async def _keys(self, endpoint: Endpoint, proof: Proof, authority: str) -> GatewayKeys:
        if self._kept is not None:
            return self._kept
        if isinstance(proof, Unproven):  # whoever is in between could give a key of its own (RFC 9458 section 6.1)
            raise UnreachableError(
                endpoint.to_text(), "does not have to prove who it is, so gives no keys to trust"
            )
        return FetchedKeys((await self._link((endpoint,), proof)).request, authority)

    async def _link(self, endpoints: tuple[Endpoint, ...], proof: Proof) -> HttpLink:
        assert self._nursery is not None, "it is open"
        connect = partial(self._tls.connect_any, endpoints, proof, Alpn.H2)
        link = HttpLink(authority_of(endpoints[0], proof), connect)
        await self._nursery.start(_keep, link)
        return link


async def _keep(link: HttpLink, *, task_status: trio.TaskStatus[None]) -> None:
    async with link.running():
        task_status.started()
        await trio.sleep_forever()


def kept_keys(path: Path) -> KeptKeys:
    """Read a gateway's keys.

    Raises:
        NoKeysError: The file cannot be read, or holds none.
    """
    try:
        with path.open("rb") as file:
            return KeptKeys(file.read(MAX_KEYS))
    except OSError as error:
        raise NoKeysError(f"{path}: cannot be read: {error.strerror}") from error
    except KeyConfigError as error:
        raise NoKeysError(f"{path}: {error}") from error


class EmptyWalletError(Exception):
    """There is no token to pay with."""


class Payer:
    """Pays for each request with a token out of a wallet; each leaves the wallet before it is sent.

    Args:
        path: The wallet.
        clock: Tells which tokens count.

    Raises:
        EmptyWalletError: The file is no wallet.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        try:
            self._wallet = Wallet(path)
        except (DatabaseError, TokenError) as error:
            raise EmptyWalletError(str(error)) from error

    def fields(self) -> Headers:
        """Return what pays for one request.

        Raises:
            UnreachableError: There is no token left that counts, or none can be taken.
        """
        try:
            token = self._wallet.take(self._clock.now())
        except (DatabaseError, TokenError) as error:
            raise UnreachableError(str(self._path), str(error)) from error
        if token is None:
            raise UnreachableError(
                str(self._path), "holds no token that counts; `fingerpost token fetch` gets some"
            )
        return ((b"authorization", authorization(token).encode("ascii")),)

    def check(self, authority: str) -> None:
        """Refuse to pay somebody whom the tokens are not for: whoever is given one can spend it.

        Args:
            authority: Of the resolver's URL; the host alone is enough (RFC 9577 section 2.1.1).

        Raises:
            UnreachableError: They are for another resolver.
        """
        challenge, host = self._wallet.challenge, urlsplit(f"//{authority}").hostname or ""
        if not (challenge.is_for(authority) or challenge.is_for(host)):
            reason = f"the wallet holds tokens for {challenge.origin_info}, and none for {authority}"
            raise UnreachableError(str(self._path), reason)

    def close(self) -> None:
        """Let go of the wallet."""
        self._wallet.close()


class PaidDialer:
    """Asks over HTTPS only those resolvers whom a payer may pay; else as the dialer that it is before.

    A server whose key is pinned has no name here, and is the one that is meant.

    Args:
        dialer: With the payer's fields.
        payer: Whose tokens they are.
    """

    def __init__(self, dialer: Dialer, payer: Payer) -> None:
        self._dialer = dialer
        self._payer = payer

    async def exchange(  # noqa: PLR0913 - as `Dialer.exchange`
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
        if protocol is Protocol.HTTPS and proof is not None and not isinstance(proof, Pinned):
            self._payer.check(authority_of(endpoint, proof))
        return await self._dialer.exchange(
            endpoint, protocol, message, accept, deadline, proof=proof, resource=resource
        )
