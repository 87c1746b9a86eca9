"""How often an address may ask: a bounded table of rates, shared by all workers of a daemon.

Each bucket holds the time until which its budget is spent (the generic cell rate algorithm, ITU-T I.371): a query
moves it on by one interval, and one that would move it further than the burst ahead of now is over the limit. A
bucket is found by a keyed hash and has no owner: two addresses may share one, with a chance of one in half a
million, and no flood from invented addresses can push anybody's count out of the table.

Nothing proves where a datagram comes from, so that what is sent back may hit somebody else. For addresses that are
not proven there is more, therefore:

- An address has its own bucket, and those of one network share another that lets 32 times as much through, so that
  the neighbours of somebody who floods are not silenced with him.
- What is over the limit counts, too, an eighth: at eight times the rate nothing passes any more. Every second query
  over the limit is told to come back over a stream, every fourth once the debt is deep; so at ten times the rate
  less than half of the octets go back.
- A network that asks more often than SMALL_RATE gets short replies only, below which reflecting brings nobody much.
  There every query counts, and the debt grows for up to a minute, so that pauses between bursts change little.

An address that is proven, by a cookie, has another bucket, which nobody else can empty. Streams have one, too, that
lets ten times as much through, and their handshakes one in which each counts as thirty questions.

The table is plain shared memory without locks: when two workers count at the same instant one query may go
uncounted, which does no harm.
"""

import mmap
from typing import Final

from transport.clients import DROP, SLIP, SMALL, Client, Clients, client_part

BUCKETS: Final = 1 << 19  # 4 MiB; half of them busy would take 52 million queries a second at the default rate
BURST_SECONDS: Final = 2  # of its rate that an address may use at once
NETWORK_FACTOR: Final = 32  # times the rate of an address, for its network
OVER_SHARE: Final = 8  # queries over the limit that count as one: a client a little too fast still gets answers
DEBT_SECONDS: Final = 15  # at most, of what is over the limit; as long as BIND's window
SLIP_EVERY: Final = 2  # of so many queries over the limit, one is told
DEEP_SLIP_EVERY: Final = 4  # the same once a quarter of the debt is used up: nobody honest is in such a hurry
SMALL_RATE: Final = 20  # queries a second of a network, above which it gets short replies
SMALL_DEBT_SECONDS: Final = 60  # for which it goes on getting them, at most
SMALL_FACTOR: Final = 3  # times the octets of the query, that a short reply has at most
STREAM_FACTOR: Final = 10  # times the rate, over streams: 2,000 a second are some hundredths of a core
HANDSHAKE: Final = 30  # questions over a stream that a handshake is as dear as, over TLS as over QUIC

_BURST: Final = BURST_SECONDS * 1_000_000
_DEBT: Final = DEBT_SECONDS * 1_000_000
_DEEP: Final = _DEBT // 4
_FURTHEST: Final = _DEBT + 1_000_000  # no bucket gets further ahead of now, if clocks differ by less than a second
_SMALL_INTERVAL: Final = 1_000_000 // SMALL_RATE
_SMALL_DEBT: Final = SMALL_DEBT_SECONDS * 1_000_000
_MASK: Final = BUCKETS - 1
_OTHER_BITS: Final = 24  # of a network's hash, for its second bucket
_BY_COOKIE: Final = b"cookie"  # stand behind an address, so that each of its accounts has a bucket of its own
_BY_STREAM: Final = b"stream"
_BY_HANDSHAKE: Final = b"handshake"


def shared_table() -> memoryview:
    """Return an empty table; made before a fork it is one for all."""
    return memoryview(mmap.mmap(-1, BUCKETS * 8)).cast("Q")


class Rates:
    """Counts the queries of addresses.

    Args:
        clients: Whose rates they are.
        table: From `shared_table`.
    """

    def __init__(self, clients: Clients, table: memoryview) -> None:
        self._table = table
        self._clients = clients
        self._has_networks = clients.has_networks
        self._known = clients.known
        self._anybody = clients.anybody
        self._turn = 0  # queries over the limit since one was told
        self.dropped = 0
        self.slipped = 0

    def verdict(self, source: bytes, now: float) -> int:
        """Count a datagram whose address nothing proves.

        Args:
            source: The 4 or 16 octets of the address.
            now: Unix seconds.

        Returns:
            PASSES, CHARGED, SMALL, DROP, or SLIP for some of those that are over the limit.
        """
        client = self._anybody
        if self._has_networks:
            known = self._known.get(source)
            client = self._clients.of_source(source) if known is None else known
        if not client.name:
            return self._unproven(source, int(now * 1_000_000), client)
        if self._passes(client_part(source), client.interval, now):
            return client.passes
        return self._over(0)

    def _unproven(self, source: bytes, time: int, client: Client) -> int:
        table = self._table
        interval: int = client.interval
        network = hash(source[:3] if len(source) == 4 else source[:6])
        if interval:
            bucket = hash(source if len(source) == 4 else source[:7]) & _MASK
            spent: int = table[bucket]
            spent = max(spent, time)
            if spent - time > _BURST:
                table[bucket] = min(spent + max(1, interval // OVER_SHARE), time + _DEBT)
                return self._over(spent - time)
            near = network & _MASK
            share = max(1, interval // NETWORK_FACTOR)
            there: int = table[near]
            there = max(there, time)
            if there - time > _BURST:
                table[near] = min(there + max(1, share // OVER_SHARE), time + _DEBT)
                return self._over(there - time)
            table[near] = there + share
            table[bucket] = spent + interval
        reflected = (network >> _OTHER_BITS) & _MASK
        level: int = table[reflected]
        level = max(level, time) + _SMALL_INTERVAL
        table[reflected] = min(level, time + _SMALL_DEBT)
        return SMALL if level - time > _BURST else client.passes

    def is_small(self, source: bytes, now: float) -> bool:
        """Say whether `verdict` said SMALL a moment ago; counts nothing."""
        if self._clients.of_source(source).name:
            return False
        network = hash(source[:3] if len(source) == 4 else source[:6])
        level: int = self._table[(network >> _OTHER_BITS) & _MASK]
        return level - int(now * 1_000_000) > _BURST

    def proven_verdict(self, source: bytes, now: float) -> int:
        """Count a datagram whose address a cookie proves: PASSES, CHARGED, DROP or SLIP."""
        client = self._clients.of_source(source)
        if self._passes(client_part(source) + _BY_COOKIE, client.interval, now):
            return client.passes
        return self._over(0)

    def passes_stream(self, source: bytes, client: Client, now: float) -> bool:
        """Count a query over a stream, of whoever has proved to be this client; say whether it passes.

        A client that is named has an account at each address that others there cannot empty.
        """
        account = client_part(source) + _BY_STREAM + client.name.encode()
        return self._passes(account, _stream_interval(client), now)

    def passes_handshake(self, source: bytes, client: Client, now: float, *, is_proven: bool) -> bool:
        """Say whether an address may shake hands; it is counted if nothing but that address can have begun it."""
        account, interval = client_part(source) + _BY_HANDSHAKE, HANDSHAKE * _stream_interval(client)
        if is_proven:
            return self._passes(account, interval, now)
        spent: int = self._table[hash(account) & _MASK]
        return not interval or spent - int(now * 1_000_000) <= _BURST

    def _passes(self, account: bytes, interval: int, now: float) -> bool:
        if not interval:
            return True
        time = int(now * 1_000_000)
        bucket = hash(account) & _MASK
        spent: int = self._table[bucket]
        spent = max(spent, time)
        if spent - time > _BURST:
            if spent - time <= _FURTHEST:
                return False
            spent = time  # written by a clock that is ahead of ours, or was, as after a restart of one worker
        self._table[bucket] = spent + interval
        return True

    def _over(self, debt: int) -> int:
        self._turn += 1
        if self._turn >= (SLIP_EVERY if debt < _DEEP else DEEP_SLIP_EVERY):
            self._turn = 0
            self.slipped += 1
            return SLIP
        self.dropped += 1
        return DROP


def _stream_interval(client: Client) -> int:
    """Return the microseconds of a question over a stream; 0 without a rate."""
    return max(1, client.interval // STREAM_FACTOR) if client.interval else 0
