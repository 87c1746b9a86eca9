"""Proven statements in the memory of this process, for a client's own walk and where no file can be had."""

import os
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Iterator
from typing import Final

from resolver.proven import order
from resolver.proven.asking import Asking
from resolver.proven.entry import pack
from resolver.proven.floors import MemoryFloors
from resolver.proven.keys import SECRET_OCTETS, Keys
from resolver.proven.order import Put, Superseding
from resolver.proven.store import Statistics
from resolver.proven.table import is_ordered
from zonedata.names import Name
from zonedata.opening import Opened, Signer
from zonedata.statements import Statement
from zonedata.zone_statements import Authority

DEFAULT_OCTETS: Final = 16 * 2**20  # some 40,000 statements: more than a client meets in a day
OVERHEAD: Final = 190  # octets of one entry beside its own: two objects' heads, a slot of the dict and of the ring


class MemoryTable:
    """A table in a dict, bounded by octets, with second-chance eviction.

    A key stands in the ring once, from when it came in. At the bound the ring turns: what was used since it last
    came by stays for another turn, the rest goes. That is constant work for each entry; deleting the first key of a
    dict over and over is not.
    """

    __slots__ = ("_bound", "_ordered", "_ring", "_used", "_values", "evicted", "octets")

    def __init__(self, bound: int | None = None) -> None:
        self.octets = 0  # estimated
        self.evicted = 0
        self._bound = bound
        self._values: dict[bytes, bytes] = {}
        self._ordered: list[bytes] = []  # the ordered keys of _values, ascending
        self._ring: deque[bytes] = deque()  # the keys of _values, and some that were deleted
        self._used: set[bytes] = set()  # keys of _values, or deleted ones, looked up since the ring came by

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: bytes) -> bytes | None:
        """Return what lies at exactly that key."""
        return self._values.get(key)

    def at_or_before(self, key: bytes) -> tuple[bytes, bytes] | None:
        """Return the last of the ordered keys that is not after `key`, and what lies there."""
        at = bisect_right(self._ordered, key) - 1
        return (self._ordered[at], self._values[self._ordered[at]]) if at >= 0 else None

    def between(self, first: bytes, following: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Go through the ordered keys strictly after `first` and before `following`."""
        for key in self._ordered[bisect_right(self._ordered, first) : bisect_left(self._ordered, following)]:
            yield key, self._values[key]

    def put(self, key: bytes, octets: bytes) -> None:
        """Set what lies at a key, and evict what is too much."""
        before = self._values.get(key)
        if before is None:
            self._ring.append(key)
            self.octets += len(key) + OVERHEAD
            if is_ordered(key):
                insort(self._ordered, key)
        self.octets += len(octets) - len(before or b"")
        self._values[key] = octets
        while self._bound is not None and self.octets > self._bound:
            self._evict()

    def delete(self, key: bytes) -> None:
        """Take away what lies at a key, if anything does."""
        octets = self._values.pop(key, None)
        if octets is None:
            return
        self.octets -= len(key) + OVERHEAD + len(octets)
        if is_ordered(key):
            del self._ordered[bisect_left(self._ordered, key)]
        if len(self._ring) > 2 * len(self._values) + 64:
            self._ring = deque(dict.fromkeys(key for key in self._ring if key in self._values))
            self._used.intersection_update(self._values)

    def use(self, key: bytes) -> None:
        """Let a key stay when the ring comes by."""
        self._used.add(key)

    def _evict(self) -> None:
        key = self._ring.popleft()
        if key in self._used:
            self._used.discard(key)
            self._ring.append(key)
        elif key in self._values:
            self.delete(key)
            self.evicted += 1


class MemoryProven:
    """A store in memory; see `store.Proven`. Used by one thread."""

    def __init__(self, tree: bytes, bound: int = DEFAULT_OCTETS) -> None:
        self._keys = Keys(os.urandom(SECRET_OCTETS), tree)
        self._table = MemoryTable(bound)
        self._floors = MemoryFloors()
        self._bound = bound
        self._hits = self._misses = self._stored = self._refused = 0

    def _asking(self, signer: Signer, now: float) -> Asking:
        return Asking(self._keys, (self._table,), signer, now)

    def _count(self, asking: Asking) -> None:
        for key in asking.used:
            self._table.use(key)
        if asking.used:
            self._hits += 1
        else:
            self._misses += 1

    def said(self, signer: Signer, owner: Name, now: float) -> list[Opened[Statement]]:
        """Return what an authority said about an owner."""
        asking = self._asking(signer, now)
        found = asking.said(owner)
        self._count(asking)
        return found

    def zone_for(self, signer: Signer, name: Name, now: float) -> list[Opened[Statement]]:
        """Return what a zone said that bears on a name."""
        asking = self._asking(signer, now)
        found = asking.zone_for(name)
        self._count(asking)
        return found

    def authority(self, signer: Signer, authority: str, now: float) -> Opened[Authority] | None:
        """Return the binding of an authority's name by a zone."""
        asking = self._asking(signer, now)
        found = asking.authority(authority)
        self._count(asking)
        return found

    def barred(self, signer: Signer, statement: Statement, now: float) -> str | None:
        """Say why a statement is too early to be believed, or None."""
        return self._floors.barred(signer, statement, now)

    def put(self, signer: Signer, opened: Opened[Statement], now: float) -> None:
        """Keep a statement, unless a later one is held."""
        put = Put(signer, opened, self._keys.of(signer.principal, opened.statement), pack(opened), now)
        superseding = Superseding()
        if order.add(self._table, self._keys, put, superseding):
            self._stored += 1
        else:
            self._refused += 1
        self._floors.keep(superseding.rises, now)

    @property
    def waiting(self) -> int:
        """None ever: what was put stands there."""
        return 0

    def flush(self) -> None:
        """Do nothing: what was put stands there."""

    def statistics(self) -> Statistics:
        """Return the figures."""
        return Statistics(
            hits=self._hits,
            misses=self._misses,
            entries=len(self._table),
            octets=self._table.octets,
            bound=self._bound,
            stored=self._stored,
            refused=self._refused,
            evicted=self._table.evicted,
            floors=len(self._floors),
        )

    def close(self) -> None:
        """Do nothing: there is nothing to give back."""
