"""The register on disk: an LMDB environment that one daemon changes and any number of processes read.

    meta      format, authority, the key that has signed what is shown
    shown     by owner: the entries that are served, each after its length
    records   by owner: what the validator itself needs to know (`claims.Record`)
    due       by instant and owner: what is to be done although nobody asks
    seen      by time and digest: requests that were taken, so that none is taken twice

A change is one transaction, written through to the disk before it is acknowledged; a crash at any moment leaves
what was acknowledged, and nothing of what was not. A reader looks through a transaction of its own for each
question, so that it sees what is there now and holds back no page that the writer wants to use again.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import lmdb

from root.validator import place
from root.validator.claims import Record
from zonedata.errors import MalformedError
from zonedata.names import Name

FORMAT = b"fingerpost-register-1"
MAP_SIZE = 16 * 2**30  # octets of address space, not of disk: some ten million CSIs
MAX_READERS = 1_024  # transactions at a time: more than there may be workers
_TABLES = (b"meta", b"shown", b"records", b"due", b"seen")
_FORMAT, _AUTHORITY, _SIGNER = b"format", b"authority", b"signer"


class RegisterReader:
    """What a register shows, as it is at each question. Of one process: an environment cannot cross a fork.

    Raises:
        MalformedError: It is not there, cannot be used, or is another authority's.
    """

    def __init__(self, path: Path, authority: str) -> None:
        place.check(path)
        try:
            self._environment = lmdb.open(
                str(path),
                map_size=MAP_SIZE,
                max_dbs=len(_TABLES),
                max_readers=MAX_READERS,
                readonly=True,
                readahead=False,
                create=False,
            )
            self._shown = self._environment.open_db(b"shown", create=False)
            meta = self._environment.open_db(b"meta", create=False)
        except (lmdb.Error, OSError) as error:
            raise MalformedError(f"register {path} cannot be opened: {error}") from error
        try:
            with self._environment.begin() as read:
                _check_meta(path, read, meta, authority)
        except MalformedError:
            self._environment.close()
            raise

    def about(self, owner: Name) -> list[bytes]:
        """Return the entries about a CSI, as `root.register.Register` has it."""
        with self._environment.begin() as read:
            value = read.get(owner, db=self._shown)
        return _split(bytes(value)) if value is not None else []

    def close(self) -> None:
        """Give the map back."""
        self._environment.close()


class Writing:
    """One transaction: all of it happens or none. Made by `RegisterWriter.writing`."""

    def __init__(self, transaction: lmdb.Transaction, tables: dict[bytes, Any]) -> None:
        self._transaction = transaction
        self._tables = tables

    def record(self, owner: Name) -> Record | None:
        """Return what is known of a CSI."""
        value = self._get(b"records", owner)
        return _read(value) if value is not None else None

    def shown(self, owner: Name) -> list[bytes]:
        """Return the entries that are shown of a CSI."""
        return _split(self._get(b"shown", owner) or b"")

    def put(self, owner: Name, record: Record, entries: list[bytes]) -> None:
        """Write what is known of a CSI, and what is shown."""
        self._forget_due(owner)
        self._put(b"records", owner, record.to_octets())
        self._put(b"shown", owner, b"".join(len(one).to_bytes(2, "big") + one for one in entries))
        self._put(b"due", _time_key(record.due) + owner, b"")

    def drop(self, owner: Name) -> bool:
        """Forget a CSI; say whether anything was known."""
        self._forget_due(owner)
        self._transaction.delete(owner, db=self._tables[b"shown"])
        return bool(self._transaction.delete(owner, db=self._tables[b"records"]))

    def due(self, now: float, most: int) -> list[Name]:
        """Return the CSIs for which something is to be done, the longest overdue first."""
        found: list[Name] = []
        for key, _ in self._transaction.cursor(db=self._tables[b"due"]):
            if len(found) == most or int.from_bytes(key[:8], "big") > now:
                break
            found.append(Name(bytes(key[8:])))
        return found

    def renew_some(self, after: bytes, most: int) -> list[Name]:
        """Have what is shown of the next CSIs after a name signed anew: due at once, and shown until then.

        Returns:
            Which, in order; fewer than `most` when there are no more.
        """
        owners: list[Name] = []
        cursor = self._transaction.cursor(db=self._tables[b"records"])
        is_one = cursor.set_range(after)
        while is_one and len(owners) < most:
            if cursor.key() != after:
                owners.append(Name(bytes(cursor.key())))
            is_one = cursor.next()
        for owner in owners:
            record = self.record(owner)
            assert record is not None, "the cursor has just seen it"
            self.put(owner, replace(record, renew=0), self.shown(owner))
        return owners

    def is_new(self, time: int, digest: bytes, oldest: float) -> bool:
        """Take in that a request of this time was taken, and say whether it was the first time.

        Requests from before `oldest` are forgotten; whoever asks refuses them for their age.
        """
        cursor = self._transaction.cursor(db=self._tables[b"seen"])
        while cursor.first() and int.from_bytes(cursor.key()[:8], "big") < oldest:
            cursor.delete()
        return bool(self._transaction.put(_time_key(time) + digest, b"", db=self._tables[b"seen"], overwrite=False))

    @property
    def signer(self) -> bytes:
        """Id of the key that signed what is shown."""
        return self._get(b"meta", _SIGNER) or b""

    @signer.setter
    def signer(self, key_id: bytes) -> None:
        self._put(b"meta", _SIGNER, key_id)

    def _forget_due(self, owner: Name) -> None:
        known = self.record(owner)
        if known is not None:
            self._transaction.delete(_time_key(known.due) + owner, db=self._tables[b"due"])

    def _get(self, table: bytes, key: bytes) -> bytes | None:
        value = self._transaction.get(key, db=self._tables[table])
        return bytes(value) if value is not None else None

    def _put(self, table: bytes, key: bytes, value: bytes) -> None:
        self._transaction.put(key, value, db=self._tables[table])


class RegisterWriter:
    """A register to be changed. Of one process.

    Args:
        path: Its directory; made when it is not there.
        authority: Whose it is.
        is_daemon: Whether to be the one daemon that changes it. An operator's command beside it changes it as well:
            transactions follow one another whoever makes them.

    Raises:
        MalformedError: It cannot be used, is another authority's, or another daemon has it.
    """

    def __init__(self, path: Path, authority: str, *, is_daemon: bool = True) -> None:
        place.prepare(path)
        self._hold = place.hold(path) if is_daemon else -1
        is_begun = place.is_there(path)
        try:
            self._environment = lmdb.open(
                str(path), map_size=MAP_SIZE, max_dbs=len(_TABLES), max_readers=MAX_READERS, mode=0o600
            )
            self._environment.reader_check()  # places that killed readers have left
            self._tables = {name: self._environment.open_db(name) for name in _TABLES}
            with self._environment.begin(write=True) as transaction:
                meta = self._tables[b"meta"]
                if transaction.get(_FORMAT, db=meta) is None:
                    transaction.put(_FORMAT, FORMAT, db=meta)
                    transaction.put(_AUTHORITY, authority.encode(), db=meta)
                _check_meta(path, transaction, meta, authority)
            place.sync(path)
        except lmdb.Error as error:
            self.close()
            if not is_begun:  # half a beginning would be refused the next time, as a register that was cut short
                (path / place.DATA).unlink(missing_ok=True)
            raise MalformedError(f"register {path} cannot be opened: {error}") from error
        except MalformedError:
            self.close()
            raise

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """Change it: written through to the disk at the end, or not at all if an exception ends it.

        Raises:
            OSError: It cannot be written; nothing has changed.
        """
        try:
            with self._environment.begin(write=True) as transaction:
                yield Writing(transaction, self._tables)
        except lmdb.Error as error:
            raise OSError(f"register cannot be written; is the disk full? ({error})") from error

    def about(self, owner: Name) -> list[bytes]:
        """Return the entries about a CSI, as readers see them."""
        with self._environment.begin() as read:
            value = read.get(owner, db=self._tables[b"shown"])
        return _split(bytes(value)) if value is not None else []

    def tidy(self) -> None:
        """Take back the places that killed readers have left; they would hold back pages."""
        self._environment.reader_check()

    def close(self) -> None:
        """Let go of it."""
        if hasattr(self, "_environment"):
            self._environment.close()
        if self._hold >= 0:
            os.close(self._hold)
            self._hold = -1


def _read(value: bytes) -> Record:
    try:
        return Record.from_octets(value)
    except MalformedError as error:
        raise OSError(f"register holds a record that is none: {error}") from error


def _check_meta(path: Path, read: lmdb.Transaction, meta: Any, authority: str) -> None:
    if read.get(_FORMAT, db=meta) != FORMAT:
        raise MalformedError(f"register {path} has another format")
    held_by = bytes(read.get(_AUTHORITY, db=meta) or b"").decode(errors="replace")
    if held_by != authority:
        raise MalformedError(f"register {path} is that of {held_by}, not of {authority}")


def _time_key(time: int) -> bytes:
    return time.to_bytes(8, "big")


def _split(value: bytes) -> list[bytes]:
    entries, at = [], 0
    while at < len(value):
        end = at + 2 + int.from_bytes(value[at : at + 2], "big")
        entries.append(value[at + 2 : end])
        at = end
    return entries
