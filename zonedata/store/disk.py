"""A store on disk: one LMDB environment, built whole, then only read.

Built in a temporary directory beside its place, in ascending order of keys, synced, and swapped in by renaming
a symbolic link, so that readers see the old store or the new one and never half of either. Readers are other
processes; a store is never written after the swap, so one read transaction serves a reader for its whole life.

Trusted for: what we answer with. Its loss costs a new `fingerpost sign`; statements in it are signed, so whoever
could write it could silence us and could not lie.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any

import lmdb

from zonedata.errors import MalformedError
from zonedata.store.layout import FORMAT, Table

MAP_SIZE = 64 * 2**30  # octets of address space, not of disk: the file grows with what is in it
BATCH = 50_000  # entries a write transaction; a whole store in one would keep all dirty pages in memory
BUILD_MARK = ".build-"  # in the names of builds; what lies beside them and is called otherwise is not ours
KEPT_BUILDS = 1  # earlier builds left beside the current one, to go back to by hand


class DiskTables:
    """Tables of a store on disk, read only."""

    def __init__(self, path: Path) -> None:
        try:
            self._environment = lmdb.open(
                str(path.resolve(strict=True)), readonly=True, lock=False, max_dbs=len(Table), readahead=False
            )
            self._handles = {table: self._environment.open_db(table.value, create=False) for table in Table}
        except (lmdb.Error, OSError) as error:
            raise MalformedError(f"store {path} cannot be opened: {error}") from error
        self._read = self._environment.begin()
        if self.get(Table.META, b"format") != FORMAT:
            self.close()
            raise MalformedError(f"store {path} has another format; build it anew with 'fingerpost sign'")

    def close(self) -> None:
        """Give the map back."""
        self._read.abort()
        self._environment.close()

    def get(self, table: Table, key: bytes) -> bytes | None:
        """Return the entry at exactly that key."""
        if not key:
            key = _EMPTY
        value: bytes | None = self._read.get(key, db=self._handles[table])
        return value

    def at_or_before(self, table: Table, key: bytes) -> tuple[bytes, bytes] | None:
        """Return the last entry whose key is not after `key`."""
        key = key or _EMPTY
        cursor = self._read.cursor(db=self._handles[table])
        if cursor.set_range(key) and cursor.key() == key:
            return _plain(key), cursor.value()
        return (_plain(cursor.key()), cursor.value()) if _step_back(cursor) else None

    def scan(self, table: Table) -> Iterator[tuple[bytes, bytes]]:
        """Go through a table in canonical order."""
        for key, value in self._read.cursor(db=self._handles[table]):
            yield _plain(key), value


_EMPTY = b"\0"  # LMDB takes no empty key; no name begins with a zero octet, and this sorts before all


def _plain(key: bytes) -> bytes:
    return b"" if key == _EMPTY else bytes(key)


def _step_back(cursor: lmdb.Cursor) -> bool:
    """Move before where `set_range` stopped: to the previous entry, or to the last when it ran off the end."""
    return bool(cursor.prev() if cursor.key() else cursor.last())


def build(path: Path, entries: Iterable[tuple[Table, bytes, bytes]]) -> int:
    """Build a store from entries in ascending order within each table, and swap it in.

    Args:
        path: Where readers look: a symbolic link that will point to the new build.
        entries: (table, key, entry); tables may alternate.

    Returns:
        How many statements it holds: entries in other tables than META.

    Raises:
        OSError: It cannot be written; what readers see is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=path.name + BUILD_MARK, dir=path.parent))
    link = place.with_suffix(place.suffix + ".link")
    try:
        count = _fill(place, entries)
        link.symlink_to(place.name)
        link.replace(path)
    except BaseException as error:
        link.unlink(missing_ok=True)
        shutil.rmtree(place, ignore_errors=True)
        if isinstance(error, lmdb.Error):  # a full disk is "Input/output error" to it
            raise OSError(f"store {path} cannot be written; is the disk full? ({error})") from error
        raise
    _sync_directory(path.parent)
    _drop_old_builds(path, place)
    return count


def _fill(place: Path, entries: Iterable[tuple[Table, bytes, bytes]]) -> int:
    place.chmod(0o755)
    environment = lmdb.open(str(place), map_size=MAP_SIZE, max_dbs=len(Table), sync=False, lock=False)
    handles = {table: environment.open_db(table.value) for table in Table}
    count = statements = 0
    write = environment.begin(write=True)
    try:
        write.put(b"format", FORMAT, db=handles[Table.META])
        for table, group in groupby(entries, key=itemgetter(0)):
            pairs = ((key or _EMPTY, value) for _, key, value in group)
            while consumed := _put(write, handles[table], table, islice(pairs, BATCH - count % BATCH)):
                count += consumed
                statements += consumed if table is not Table.META else 0
                if count % BATCH == 0:
                    write.commit()
                    write = environment.begin(write=True)
        write.commit()
        environment.sync(True)
    except BaseException:
        write.abort()
        raise
    finally:
        environment.close()
    return statements


def _put(write: lmdb.Transaction, handle: Any, table: Table, pairs: Iterator[tuple[bytes, bytes]]) -> int:
    """Put entries after those that are there; return how many there were."""
    with write.cursor(db=handle) as cursor:
        consumed, added = cursor.putmulti(pairs, append=table is not Table.META)
    if added != consumed:
        raise ValueError(f"an entry of {table.name} is not after the one before it")
    return int(consumed)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _drop_old_builds(path: Path, current: Path) -> None:
    mark = path.name + BUILD_MARK
    found = (p for p in path.parent.iterdir() if p.name.startswith(mark) and p != current)
    builds = [p for p in found if p.is_dir() and not p.is_symlink()]
    builds.sort(key=lambda build: build.stat().st_mtime)
    for old in builds[: len(builds) - KEPT_BUILDS]:
        shutil.rmtree(old, ignore_errors=True)
