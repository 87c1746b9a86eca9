"""Who asks, as far as limits go: clients that an operator has named, and everybody else.

A client is named by the networks that it asks from, or by a name that it proves. Whoever is not named is an
address: an IPv4 address, or an IPv6 /56, since hosts choose among the 2^72 addresses of what a site is given (RFC
6177). Their neighbours, a /24 or a /48, are the network. Knows numbers and octets; what is asked about is not
looked at.
"""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final

from transport.networks import Network, Networks

RATE: Final = (
    200  # queries a second of one address; a household asks a few, a busy resolver comes back over a stream
)
MAX_RATE: Final = 1_000_000  # queries a second; an interval of one microsecond
UNLIMITED: Final = 0  # in the place of a rate or a budget
DISTINCT_DAY: Final = 2_000  # new identifiers a day of a client: an address book, some of them in a household
DISTINCT_TEN_DAYS: Final = 20_000  # in ten days; all numbers of a country would take 1,000 addresses months
AUTHORITY_FACTOR: Final = 10  # times these at an authority, where one client is a resolver with people behind it
MAX_DISTINCT: Final = 1_000_000_000  # a count has 32 bits
MAX_REMEMBERED: Final = (
    65_536  # addresses of which it is remembered who they are, where clients are named; some 8 MB
)

PASSES: Final = 0  # and nothing more is to be looked at
DROP: Final = 1
SLIP: Final = 2  # over the limit, and told to come back over a stream, where its address is proven
CHARGED: Final = 3  # passes, as far as its budget lets it
SMALL: Final = 4  # as CHARGED, and without a proof of its address it gets short replies only


@dataclass(frozen=True, slots=True)
class Quota:
    """How many identifiers a client may ask about that it did not ask about in the last ten days.

    Attributes:
        day: From midnight to midnight, UTC; UNLIMITED for any number.
        ten_days: Today and on the nine days before; likewise.
    """

    day: int = DISTINCT_DAY
    ten_days: int = DISTINCT_TEN_DAYS

    @property
    def is_limited(self) -> bool:
        """Whether there is anything to be counted."""
        return bool(self.day or self.ten_days)


@dataclass(frozen=True, slots=True)
class NamedClient:
    """A client with limits of its own; its networks as such are not counted.

    Attributes:
        name: Under which its budget is kept.
        networks: Where it asks from.
        identity: What it proves to be (`Caller.identity`); "" when it is not known by that.
        rate: Queries a second of each of its addresses; UNLIMITED for any number.
        quota: Of the client as a whole.
        bearers: SHA-256 of each bearer token that it may show (`transport.bearer`).
    """

    name: str
    networks: tuple[Network, ...] = ()
    identity: str = ""
    rate: int = RATE
    quota: Quota = Quota(UNLIMITED, UNLIMITED)
    bearers: tuple[bytes, ...] = ()

    @property
    def as_bearer(self) -> str:
        """What it proves to be with a token."""
        return self.identity or f"client {self.name}"  # with a blank, which no name of a certificate has

    @property
    def identities(self) -> tuple[str, ...]:
        """All that it may prove to be."""
        shown = (self.as_bearer,) if self.bearers else ()
        return (self.identity, *shown) if self.identity else shown


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """What an operator may set.

    Attributes:
        rate: Queries a second of one address; UNLIMITED for any number.
        quota: Of one address.
        clients: Those with limits of their own; the longest network counts.
        is_dry_run: Whether everything is counted and nothing refused.
    """

    rate: int = RATE
    quota: Quota = Quota()
    clients: tuple[NamedClient, ...] = ()
    is_dry_run: bool = False

    @property
    def counts_identifiers(self) -> bool:
        """Whether anybody has a budget."""
        return self.quota.is_limited or any(client.quota.is_limited for client in self.clients)

    @property
    def bearers(self) -> dict[bytes, str]:
        """By the SHA-256 of a bearer token, what its holder proves to be."""
        return {digest: client.as_bearer for client in self.clients for digest in client.bearers}


class Client:
    """The limits of whoever asks, made ready for each query. Not changed once it is made.

    Attributes:
        name: That of a named client, else "".
        interval: Microseconds a query; 0 without a rate.
        quota: Its budget.
        passes: PASSES or CHARGED, what `Rates` says when it is within its rate.
    """

    def __init__(self, name: str, rate: int, quota: Quota) -> None:
        self.name = name
        self.interval = max(1, 1_000_000 // rate) if rate else 0
        self.quota = quota
        self.passes = CHARGED if quota.is_limited else PASSES

    @property
    def is_unlimited(self) -> bool:
        """Whether nothing of it is to be counted."""
        return not self.interval and self.passes == PASSES


class Clients:
    """Finds out who asks.

    Args:
        settings: What may be set.
    """

    def __init__(self, settings: LimitSettings) -> None:
        self.anybody = Client("", settings.rate, settings.quota)
        self.known: dict[bytes, Client] = {}  # addresses seen lately; empty where no network is named
        made = [(one, Client(one.name, one.rate, one.quota)) for one in settings.clients]
        named = [(network, client) for one, client in made for network in one.networks]
        self._networks = Networks([network for network, _ in named])
        self._by_network = [client for _, client in named]
        self._identities = {identity: client for one, client in made for identity in one.identities}
        self.has_networks = bool(named)

    def of_source(self, source: bytes) -> Client:
        """Return whose limits count for an address of 4 or 16 octets."""
        if not self.has_networks:
            return self.anybody
        known = self.known.get(source)
        if known is None:
            position = self._networks.longest(source)
            known = self._by_network[position] if position >= 0 else self.anybody
            if len(self.known) >= MAX_REMEMBERED:
                self.known.clear()
            self.known[source] = known
        return known

    def of_identity(self, identity: str) -> Client | None:
        """Return the client that has proved to be this, None when it is not named."""
        return self._identities.get(identity) if identity else None


def source_of(host: str) -> bytes:
    """Return the 4 or 16 octets of an address in text, its scope left out.

    Raises:
        ValueError: It is none.
    """
    address = ip_address(host.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).packed


def client_part(source: bytes) -> bytes:
    """Return what of an address counts as one client."""
    return source if len(source) == 4 else source[:7]


def network_part(source: bytes) -> bytes:
    """Return what of an address counts as its network; shorter than any client."""
    return source[:3] if len(source) == 4 else source[:6]
