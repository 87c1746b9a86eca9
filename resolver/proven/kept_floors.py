"""Floors in a file of all workers, beside the cache and apart from it.

    floors       group (8), name (16) -> its floors, 21 octets each
    by end       group (8), end (5), name (16) -> nothing
    groups       group (8) -> how many names
    meta         the secret of the hashes

Every writing waits for the disk before it returns, so nothing short of the disk's loss takes a floor away: not the
end of a process nor of the machine, nor that the cache is begun anew. That costs little since only what took the
place of something is written, in the thread that writes the cache. Keys are hashes with a secret, so no two names
can be made to meet.

What has ended is swept a little at each writing. What is too much goes as `floors` says: of the group with the
most, those that end first.

Where the file cannot be read, floors in it bar nothing; what cannot be written is raised in this process alone. To
refuse all statements until the file is well would let a full disk or one bad page end the resolver, while a
rollback needs somebody on the way besides, who has kept what has not expired. So it goes on, and says so once in
the log.
"""

import hashlib
import json
import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import lmdb

from resolver.proven.floors import (
    MARK_OCTETS,
    Mark,
    MemoryFloors,
    Rise,
    group_of,
    last_end,
    merged,
    reason,
    subject_of,
)
from resolver.proven.keys import MAX_KNOWN, SECRET_OCTETS
from resolver.proven.store import UnusableError
from zonedata.holdings import Principal
from zonedata.opening import Signer
from zonedata.statements import Statement

PART: Final = 4  # of the cache's size one in so many octets may be floors: a name re-signed daily has one
LEAST_OCTETS = 4 * 2**20
NAME_OCTETS: Final = 192  # of a name with one floor in both tables, pages being full to six tenths
ROOM: Final = 4  # the map is so many times what floors take: pages are written anew before the old ones are free
SWEPT: Final = 64  # groups whose ended floors are looked for at one writing
SWEPT_EACH: Final = 64  # ended names that go at one writing, of one group
EVICT_PART: Final = 64  # of all that may be, one part in so many goes at a time
_GROUP, _END, _NAME = 8, 5, 16
_ROOT: Final = bytes(_GROUP)  # the root's own group
_ERRORS: Final = (lmdb.Error, OSError)

log = logging.getLogger(__name__)


class KeptFloors:
    """Floors in a directory, opened in each process by itself. `keep` may be called in a thread of its own.

    Attributes:
        lost: How many could not be written, and are raised in this process alone.
        evicted: How many names had to go before their end.
    """

    def __init__(self, path: Path, tree: bytes, cache_size: int, readers: int) -> None:
        """Open the floors, or begin some when there are none or they are damaged.

        Args:
            path: The directory; its parent is ours.
            tree: Id of the trust anchor.
            cache_size: Octets of the cache beside them.
            readers: Places for processes that read.

        Raises:
            UnusableError: They can be neither opened nor begun.
        """
        octets = max(cache_size // PART, LEAST_OCTETS)
        self.lost = self.evicted = 0
        self._path = path
        self._told: set[str] = set()
        self._spare: MemoryFloors | None = None  # what could not be written
        self._most = octets // NAME_OCTETS
        self._hand = b""
        self._parties: dict[Principal, tuple[bytes, bytes]] = {}
        try:
            path.mkdir(mode=0o700, exist_ok=True)
            try:
                self._open(path, octets * ROOM, readers)
            except (
                lmdb.CorruptedError,
                lmdb.InvalidError,
                lmdb.PageNotFoundError,
                lmdb.VersionMismatchError,
            ) as error:
                self._tell("floors-begun-anew", error)
                for name in ("data.mdb", "lock.mdb"):
                    (path / name).unlink(missing_ok=True)
                self._open(path, octets * ROOM, readers)
        except _ERRORS as error:
            raise UnusableError(f"floors {path} cannot be used: {error}") from error
        self._secret += tree

    def _open(self, path: Path, size: int, readers: int) -> None:
        self._lmdb = lmdb.open(
            str(path), map_size=size, max_dbs=4, mode=0o600, readahead=False, max_readers=readers, max_spare_txns=2
        )
        self._lmdb.reader_check()
        names = (b"floors", b"by end", b"groups", b"meta")
        self._floors, self._by_end, self._groups, meta = (self._lmdb.open_db(name) for name in names)
        with self._lmdb.begin(write=True) as write:
            secret = write.get(b"secret", db=meta)
            if secret is None:
                secret = os.urandom(SECRET_OCTETS)
                write.put(b"secret", secret, db=meta)
        self._secret = bytes(secret)

    def _party(self, principal: Principal) -> tuple[bytes, bytes]:
        """Return the octets of a party's group, and those that tell its names from those of others."""
        known = self._parties.get(principal)
        if known is None:
            if len(self._parties) >= MAX_KNOWN:
                self._parties.clear()
            text, group = "\0".join(principal).encode(), group_of(principal)
            salt = hashlib.blake2b(text, key=self._secret, digest_size=16, person=b"party").digest()
            whose = "".join(group).encode()
            hashed = hashlib.blake2b(whose, key=self._secret, digest_size=_GROUP, person=b"group").digest()
            known = self._parties[principal] = (hashed if group else _ROOT, salt)
        return known

    def _key(self, principal: Principal, subject: bytes) -> bytes:
        group, salt = self._party(principal)
        return group + hashlib.blake2b(subject, key=self._secret, digest_size=_NAME, salt=salt).digest()

    def __len__(self) -> int:
        try:
            with self._lmdb.begin() as transaction:
                return int(transaction.stat(self._floors)["entries"])
        except lmdb.Error:  # no place among the readers, as in `barred`
            return 0

    def barred(self, signer: Signer, statement: Statement, now: float) -> str | None:
        """Say why a statement of a party is too early, or None; also when the file cannot be read."""
        octets: bytes | memoryview | None = None
        try:
            with self._lmdb.begin() as transaction:
                octets = transaction.get(self._key(signer.principal, subject_of(statement)), db=self._floors)
        except lmdb.Error as error:
            self._tell("floors-not-read", error)
        if octets is not None and (why := reason(_marks(octets), signer, statement, now)) is not None:
            return why
        return self._spare.barred(signer, statement, now) if self._spare is not None else None

    def _tell(self, event: str, error: Exception) -> None:
        """Say once in this process that something is wrong with the file; the figures say how often."""
        if event not in self._told:
            self._told.add(event)
            log.warning("event=%s path=%s reason=%s", event, json.dumps(str(self._path)), json.dumps(str(error)))

    def keep(self, rises: list[Rise], now: float) -> None:
        """Raise floors, and wait for the disk. Never raises; what cannot be written ends with this process."""
        if not rises:
            return
        try:
            try:
                self._write(rises, now, self._most)
            except lmdb.MapFullError:
                self._lmdb.reader_check()
                with self._lmdb.begin(write=True) as write:
                    self._evict(write, len(self) // 2)
                self._write(rises, now, self._most)
        except _ERRORS as error:
            self._tell("floors-not-written", error)
            self.lost += len(rises)
            if self._spare is None:
                self._spare = MemoryFloors()
            self._spare.keep(rises, now)

    def _write(self, rises: list[Rise], now: float, most: int) -> None:
        with self._lmdb.begin(write=True) as write:
            for rise in rises:
                self._raise(write, rise, now)
            self._sweep(write, now)
            self._evict(write, most)

    def _raise(self, write: lmdb.Transaction, rise: Rise, now: float) -> None:
        key = self._key(rise.principal, rise.subject)
        octets = write.get(key, db=self._floors)
        before = _marks(octets) if octets is not None else []
        marks = merged(before, rise.mark, now)
        if marks == before:
            return
        if before:
            write.delete(_end_key(key, last_end(before)), db=self._by_end)
        else:
            self._count(write, key[:_GROUP], 1)
        write.put(key, b"".join(mark.to_octets() for mark in marks), db=self._floors)
        write.put(_end_key(key, last_end(marks)), b"", db=self._by_end)

    def _count(self, write: lmdb.Transaction, group: bytes, more: int) -> None:
        octets = write.get(group, db=self._groups)
        count = (int.from_bytes(octets, "big") if octets is not None else 0) + more
        if count > 0:
            write.put(group, count.to_bytes(8, "big"), db=self._groups)
        else:
            write.delete(group, db=self._groups)

    def _sweep(self, write: lmdb.Transaction, now: float) -> None:
        """Drop what has ended of the next groups; the last come round to the first again."""
        groups: list[bytes] = []
        cursor = write.cursor(db=self._groups)
        is_there = cursor.set_range(self._hand) if self._hand else cursor.first()
        while is_there and len(groups) < SWEPT:
            groups.append(bytes(cursor.key()))
            is_there = cursor.next()
        self._hand = bytes(cursor.key()) if is_there else b""
        for group in groups:
            self._drop_first(write, group, SWEPT_EACH, now)

    def _evict(self, write: lmdb.Transaction, most: int) -> None:
        """Of the group with the most drop those that end first, until there are no more than `most`."""
        total = int(write.stat(self._floors)["entries"])
        if total <= most:
            return
        counts = {bytes(group): int.from_bytes(octets, "big") for group, octets in write.cursor(db=self._groups)}
        step = max(most // EVICT_PART, 1)
        while total > most and counts:
            fattest = max(counts, key=lambda group: counts[group] if group != _ROOT else 0)
            gone = self._drop_first(write, fattest, step, None)
            counts[fattest] -= gone
            if gone == 0 or counts[fattest] <= 0:
                del counts[fattest]
            total -= gone
            self.evicted += gone

    def _drop_first(self, write: lmdb.Transaction, group: bytes, most: int, now: float | None) -> int:
        """Drop floors of a group, those first that end first; only those that have ended where `now` is given."""
        going: list[bytes] = []
        cursor = write.cursor(db=self._by_end)
        for key in _keys_from(cursor, group):
            end = int.from_bytes(key[_GROUP : _GROUP + _END], "big")
            if len(going) == most or (now is not None and end > now):
                break
            going.append(key)
        for key in going:
            write.delete(key, db=self._by_end)
            write.delete(group + key[_GROUP + _END :], db=self._floors)
        if going:
            self._count(write, group, -len(going))
        return len(going)

    def close(self) -> None:
        """Give the map back."""
        with suppress(lmdb.Error):
            self._lmdb.close()


def _marks(octets: bytes | memoryview) -> list[Mark]:
    whole = bytes(octets)
    return [Mark.from_octets(whole[at : at + MARK_OCTETS]) for at in range(0, len(whole), MARK_OCTETS)]


def _end_key(key: bytes, end: int) -> bytes:
    return key[:_GROUP] + end.to_bytes(_END, "big") + key[_GROUP:]


def _keys_from(cursor: lmdb.Cursor, group: bytes) -> Iterator[bytes]:
    is_there = cursor.set_range(group)
    while is_there and (key := bytes(cursor.key())).startswith(group):
        yield key
        is_there = cursor.next()
