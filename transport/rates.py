"""How often an address may ask: a bounded table of rates, shared by all workers of a daemon.

Each bucket holds the time until which its budget is spent (the generic cell rate algorithm, ITU-T I.371): a query
moves it on by one interval, and one that would move it further than the burst ahead of now is over the limit. A
bucket is found by a keyed hash and has no owner: two addresses may share one, with a chance of one in half a
million, and no flood from invented addresses can push anybody's count out of the table.

An address has its own bucket, and those of one network share another that lets 32 times as much through, so that
the neighbours of somebody who floods are not silenced with him. IPv6 hosts choose among 2^72 addresses, so there
a /56 counts as one address and a /48 as its network (RFC 6177: what a site is given).

The table is plain shared memory without locks: when two workers count at the same instant one query may go
uncounted, which does no harm.
"""

import mmap
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final

BUCKETS: Final = 1 << 19  # 4 MiB; half of them busy would take 52 million queries a second at the default rate
RATE: Final = 200  # queries a second of one address; a household asks a few, a busy resolver comes back over TCP
BURST_SECONDS: Final = 2  # of its rate that an address may use at once
NETWORK_FACTOR: Final = 32  # times the rate of an address, for its network
MAX_RATE: Final = 1_000_000  # queries a second; an interval of one microsecond
MAX_REMEMBERED: Final = 65_536  # addresses whose pace is remembered, where clients are named; about 8 MB

PASSES: Final = 0
DROP: Final = 1
SLIP: Final = 2  # over the limit, and told to come back over a stream, where its address is proven

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class NamedClient:
    """A network whose addresses have a rate of their own, and whose network as a whole is not counted.

    Attributes:
        network: Which addresses.
        rate: Queries a second of each.
    """

    network: Network
    rate: int


@dataclass(frozen=True, slots=True)
class RateSettings:
    """What an operator may set.

    Attributes:
        rate: Queries a second of one address.
        clients: Named clients; the longest network counts.
    """

    rate: int = RATE
    clients: tuple[NamedClient, ...] = ()


Pace = tuple[int, int, bool]  # microseconds a query, microseconds of burst, whether its network counts too


def shared_table() -> memoryview:
    """Return an empty table; made before a fork it is one for all."""
    return memoryview(mmap.mmap(-1, BUCKETS * 8)).cast("Q")


class Rates:
    """Counts the queries of addresses.

    Args:
        settings: What may be set.
        table: From `shared_table`.
    """

    def __init__(self, settings: RateSettings, table: memoryview) -> None:
        self._table = table
        self._clients = sorted(settings.clients, key=lambda client: -client.network.prefixlen)
        self._pace = _pace(settings.rate, counts_network=True)
        self._paces: dict[bytes, Pace] = {}  # of addresses seen lately; empty where no client is named
        self.dropped = 0
        self.slipped = 0

    def verdict(self, source: bytes, now: float) -> int:
        """Count a query: PASSES, DROP, or SLIP for every second one that is over the limit.

        Args:
            source: The 4 or 16 octets of the address.
            now: Unix seconds.
        """
        pace = self._pace
        if self._clients:
            known = self._paces.get(source)
            pace = self._pace_of(source) if known is None else known
        time = int(now * 1_000_000)
        table = self._table
        bucket = hash(source if len(source) == 4 else source[:7]) & (BUCKETS - 1)
        spent: int = table[bucket]
        spent = max(spent, time)
        if spent - time > pace[1]:
            return self._over()
        if pace[2]:
            network = hash(source[:3] if len(source) == 4 else source[:6]) & (BUCKETS - 1)
            spent_there: int = table[network]
            spent_there = max(spent_there, time)
            if spent_there - time > pace[1]:
                return self._over()
            table[network] = spent_there + pace[0] // NETWORK_FACTOR
        table[bucket] = spent + pace[0]
        return PASSES

    def _over(self) -> int:
        if self.slipped < self.dropped:
            self.slipped += 1
            return SLIP
        self.dropped += 1
        return DROP

    def _pace_of(self, source: bytes) -> Pace:
        if len(self._paces) >= MAX_REMEMBERED:
            self._paces.clear()
        address = ip_address(source)
        pace = self._pace
        for client in self._clients:
            if address in client.network:
                pace = _pace(client.rate, counts_network=False)
                break
        self._paces[source] = pace
        return pace


def _pace(rate: int, *, counts_network: bool) -> Pace:
    return max(1, 1_000_000 // rate), BURST_SECONDS * 1_000_000, counts_network
