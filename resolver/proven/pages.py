"""Tables in an LMDB environment, and the hand that evicts from them.

There are two: entry lists about owners by hash, and the ordered rest. Before every list stands one octet, its
stamp: the turn in which it was written. A turn ends when an eighth of the bound has been written.

Of what is too much, the hand takes away what has ended and what was stamped long ago. It goes through both tables
in the order of their keys, round and round, as far at each writing as that writing makes necessary; so eviction
costs every writing a little and none a lot. What is looked up gets a new stamp when its own is old. When all is
young there is nothing old to take, and past a second bound the hand takes whatever it meets: keys about owners
are hashes, so that is a fair sample.

Why no generations that are dropped whole: a look-up would have to ask each of them. At ten million entries one
question to one table costs several microseconds, most of it waiting for memory.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import lmdb

from resolver.proven.entry import last_until
from resolver.proven.keys import SECRET_OCTETS
from resolver.proven.table import is_ordered

TURNS = 8  # writings of the whole bound are that many turns
OLD = 6  # turns after which what was not used goes first; a quarter of all is older when the bound is reached
STALE = 3  # turns after which a look-up renews the stamp
LOOK = 8  # keys the hand looks at for each key written, at most: it finds one to take in about three
LOOK_LEAST = 64
RESERVE = 4  # one page in four stays free for what a transaction writes anew before it gives the old pages back
FILL = 0.6  # of a page in use, about, with keys in random order; turns are counted with it
_CLOCK = struct.Struct(">QQB")  # turn, octets written in it, in which table the hand is; then its key
_OVERHEAD = 16  # octets LMDB takes for an entry beside key and value


@dataclass(slots=True)
class Clock:
    """What eviction remembers, in the environment itself."""

    turn: int = 0
    written: int = 0
    table: int = 0
    hand: bytes = b""

    def to_octets(self) -> bytes:
        """Write it."""
        return _CLOCK.pack(self.turn, self.written, self.table) + self.hand

    @classmethod
    def from_octets(cls, octets: bytes) -> "Clock":
        """Read it."""
        turn, written, table = _CLOCK.unpack_from(octets)
        return cls(turn, written, table, octets[_CLOCK.size :])

    def count(self, octets: int, bound: int) -> None:
        """Count what was written; the turn ends at an eighth of the bound."""
        self.written += octets + _OVERHEAD
        if self.written >= bound * FILL / TURNS:
            self.turn, self.written = self.turn + 1, 0

    def age(self, stamp: int) -> int:
        """Return how many turns ago a stamp was given; after 256 it looks young again, which does no harm."""
        return (self.turn - stamp) & 255


class Environment:
    """The environment of one store in one process.

    Attributes:
        bound: Octets of pages that may be in use.
        hard: Octets past which even young entries go.
        secret: Of the store's keys.
    """

    def __init__(self, path: str, size: int, readers: int) -> None:
        """Open it, making it if there is none.

        Raises:
            lmdb.Error: It cannot be opened.
        """
        self._lmdb = lmdb.open(
            path, map_size=size, max_dbs=3, mode=0o600, sync=False, metasync=False, readahead=False,
            max_readers=readers, max_spare_txns=2,
        )  # fmt: skip
        self._lmdb.reader_check()
        names = (b"about owners", b"ordered", b"meta")
        *self.tables, self.meta = (self._lmdb.open_db(name) for name in names)
        self.page = int(self._lmdb.stat()["psize"])
        self.size = size
        self.bound = size - size // RESERVE
        self.hard = self.bound + size // RESERVE // 4
        with self.begin() as read:
            secret = read.get(b"secret", db=self.meta)
        self.secret = _plain(secret) if secret is not None else None

    def begin(self, *, write: bool = False) -> lmdb.Transaction:
        """Begin a transaction; a reading one costs a quarter of a microsecond."""
        return self._lmdb.begin(write=write)

    def name(self, secret: bytes) -> None:
        """Give a new store its secret."""
        assert len(secret) == SECRET_OCTETS
        with self.begin(write=True) as write:
            write.put(b"secret", secret, db=self.meta)
        self.secret = secret

    def forget_dead_readers(self) -> int:
        """Give up places of processes killed while they read, which keep pages in use; say how many."""
        return int(self._lmdb.reader_check())

    def used(self, transaction: lmdb.Transaction) -> tuple[int, int]:
        """Return the number of entries and the octets of the pages they take."""
        stats = [transaction.stat(table) for table in self.tables]
        pages = sum(stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"] for stat in stats)
        return sum(stat["entries"] for stat in stats), pages * self.page

    def clock(self, transaction: lmdb.Transaction) -> Clock:
        """Return what eviction remembers."""
        octets = transaction.get(b"clock", db=self.meta)
        return Clock.from_octets(_plain(octets)) if octets is not None else Clock()

    def write_out(self) -> None:
        """Wait until everything is on the disk."""
        self._lmdb.sync(True)

    def close(self) -> None:
        """Give the map back."""
        self._lmdb.close()


class PagesTable:
    """The tables within one transaction.

    Attributes:
        clock: As it was when the transaction began, changed by `put`.
        stale: Keys that were read and whose stamp is old.
    """

    __slots__ = ("_environment", "_transaction", "clock", "stale")

    def __init__(self, environment: Environment, transaction: lmdb.Transaction) -> None:
        self.clock = environment.clock(transaction)
        self.stale: list[bytes] = []
        self._environment = environment
        self._transaction = transaction

    def _db(self, key: bytes) -> Any:  # lmdb has no public name for the type
        return self._environment.tables[is_ordered(key)]

    def _seen(self, key: bytes, octets: bytes) -> bytes:
        if self.clock.age(octets[0]) >= STALE:
            self.stale.append(key)
        return octets[1:]

    def get(self, key: bytes) -> bytes | None:
        """Return what lies at exactly that key."""
        octets = self._transaction.get(key, db=self._db(key))
        return self._seen(key, _plain(octets)) if octets is not None else None

    def at_or_before(self, key: bytes) -> tuple[bytes, bytes] | None:
        """Return the last of the ordered keys that is not after `key`, and what lies there."""
        cursor = self._transaction.cursor(db=self._environment.tables[True])
        found = cursor.set_range(key)
        if not (found and cursor.key() == key) and not (cursor.prev() if found else cursor.last()):
            return None
        at, octets = map(_plain, cursor.item())
        return at, self._seen(at, octets)

    def between(self, first: bytes, following: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Go through the ordered keys strictly after `first` and before `following`."""
        cursor = self._transaction.cursor(db=self._environment.tables[True])
        found = cursor.set_range(first)
        if found and cursor.key() == first:
            found = cursor.next()
        while found and (key := _plain(cursor.key())) < following:
            yield key, _plain(cursor.value())[1:]
            found = cursor.next()

    def put(self, key: bytes, octets: bytes) -> None:
        """Set what lies at a key, with the stamp of now."""
        stamped = bytes((self.clock.turn & 255,)) + octets
        self._transaction.put(key, stamped, db=self._db(key))
        self.clock.count(len(key) + len(stamped), self._environment.bound)

    def delete(self, key: bytes) -> None:
        """Take away what lies at a key, if anything does."""
        self._transaction.delete(key, db=self._db(key))

    def restamp(self, key: bytes) -> None:
        """Let what is in use look young, if it is still there and still old."""
        octets = self._transaction.get(key, db=self._db(key))
        if octets is not None and self.clock.age(octets[0]) >= STALE:
            self.put(key, _plain(octets)[1:])

    def evict(self, written: int, now: float) -> int:
        """Take away what is too much; return how many keys went.

        Args:
            written: How many keys were written in this transaction, which bounds how far the hand goes.
            now: Unix seconds.
        """
        _, used = self._environment.used(self._transaction)
        if used <= self._environment.bound:
            return 0
        looks = max(LOOK_LEAST, LOOK * written)
        evicted = self._sweep(looks, now, OLD, self._environment.bound)
        return evicted + self._sweep(16 * looks, now, 0, self._environment.hard)

    def clear_some(self, now: float, part: int) -> int:
        """Take away one key in `part`, old or young; for when there is no room."""
        entries, _ = self._environment.used(self._transaction)
        return self._sweep(entries // part + LOOK_LEAST, now, 0, 0)

    def _sweep(self, looks: int, now: float, old: int, bound: int) -> int:
        """Move the hand on until no more than `bound` is used."""
        clock, tables = self.clock, self._environment.tables
        cursor = self._transaction.cursor(db=tables[clock.table])
        is_there = cursor.set_range(clock.hand) if clock.hand else cursor.first()
        evicted = ends = 0
        for looked in range(looks):
            if looked % LOOK_LEAST == 0 and self._environment.used(self._transaction)[1] <= bound:
                break
            if not is_there:
                ends += 1
                if ends > len(tables):
                    break  # round once
                clock.table = (clock.table + 1) % len(tables)
                cursor = self._transaction.cursor(db=tables[clock.table])
                is_there = cursor.first()
                continue
            octets = _plain(cursor.value())
            if clock.age(octets[0]) >= old or last_until(octets, 1) <= now:
                cursor.delete()
                is_there = bool(cursor.key())  # it stands on the next
                evicted += 1
            else:
                is_there = cursor.next()
        clock.hand = _plain(cursor.key()) if is_there else b""
        if not is_there:
            clock.table = (clock.table + 1) % len(tables)
        return evicted

    def save(self) -> None:
        """Write what eviction remembers."""
        self._transaction.put(b"clock", self.clock.to_octets(), db=self._environment.meta)


def _plain(found: bytes | memoryview) -> bytes:
    """Narrow what lmdb returns: octets, since no transaction here was begun with buffers."""
    assert isinstance(found, bytes)
    return found
