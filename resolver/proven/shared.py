"""Proven statements in a file that all worker processes of a resolver share; see `store.Proven`.

What is put is seen by this process at once and by the others after the next `flush`, which writes all of it in one
transaction: a transaction costs as much as ten statements in it. In that transaction each statement is
compared with what is there then, whoever has written it. What takes the place of something raises a floor
(`kept_floors`), which is on the disk before the transaction ends.

Trusted for: what is read here is believed without looking at the signature again, so the directory is ours alone.
Its loss costs questions upstream. Killing a process, at any point, leaves the file whole.

A file that turns out damaged is used no more: the process goes on with a table in memory, as one that has no file,
and raises floors out of it as before. What was held in the file alone raises none any more; its own floors, from
earlier, stand in a file of their own. Refusing everything instead would end the resolver for a fault that costs no
more than a cache begun anew does. It is one line in the log.
"""

import json
import logging
import os
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TypeVar

import lmdb

from resolver.proven import order
from resolver.proven.asking import Asking
from resolver.proven.entry import pack
from resolver.proven.kept_floors import KeptFloors
from resolver.proven.keys import SECRET_OCTETS, Keys
from resolver.proven.memory import DEFAULT_OCTETS, MemoryTable
from resolver.proven.order import Put, Superseding
from resolver.proven.pages import Environment, PagesTable
from resolver.proven.place import Place
from resolver.proven.store import Statistics, UnusableError
from zonedata.names import Name
from zonedata.opening import Opened, Signer
from zonedata.statements import Statement
from zonedata.zone_statements import Authority

DEFAULT_SIZE = 256 * 2**20  # octets; some 550,000 statements once it is full
MIN_SIZE = 8 * 2**20  # below, one batch could fill what is kept free
MAX_SIZE = 64 * 2**30
PAGE = 4_096  # what a size is a multiple of
MAX_READERS = 512  # places in LMDB's table: two for each process
MAX_PENDING = 4_096  # statements put and not written; `put` writes by itself then, because nobody else seems to
MAX_STALE = 1_024  # keys whose stamp is to be renewed; more come again
BATCH = 1_000  # statements of one transaction at most: some 3 ms of work
BATCH_PAGES = 32  # and one for so many pages of the file: each may make LMDB write a page anew before it frees one
TRIES = 3  # at writing a batch when the file is full, each after making room
PARTS = 8  # the part of all keys that goes when the file is full although less than the bound is in use

FLOORS = "floors"  # the directory of the floors, in that of the store

DAMAGE = (lmdb.CorruptedError, lmdb.PanicError, lmdb.PageNotFoundError, lmdb.InvalidError)
T = TypeVar("T")

log = logging.getLogger(__name__)


class _Waiting:
    """What was put and is not written yet, as a table and as a list in the order of putting.

    Attributes:
        table: As it would be asked.
        puts: In order.
        late: Told what was refused because a later one waits; that is in no put.
    """

    __slots__ = ("late", "puts", "table")

    def __init__(self) -> None:
        self.table = MemoryTable()
        self.late = Superseding()
        self.puts: list[Put] = []


class SharedProven:
    """A store in a shared file. Opened in each process by itself, after forking.

    `flush` and `statistics` may be called in another thread than the rest; everything else is called in one.

    Ownership: what is in `_waiting`, `_stale` and `_spare` is changed and taken under `_taking`, which is held for
    microseconds; `_flushing` is held while the file is written.
    """

    def __init__(self, place: Place, environment: Environment, floors: KeptFloors, tree: bytes) -> None:
        self._floors = floors
        self._place = place
        self._environment = environment
        assert environment.secret is not None
        self._keys = Keys(environment.secret, tree)
        self._flushing = threading.Lock()
        self._taking = threading.Lock()
        self._waiting = _Waiting()
        self._leaving = _Waiting()  # being written
        self._stale: set[bytes] = set()
        self._spare = MemoryTable(DEFAULT_OCTETS)  # what is used instead of a damaged file; empty until then
        self._is_failed = self._was_told = False
        self._hits = self._misses = self._stored = self._refused = self._evicted = self._lost = 0

    @classmethod
    def open(cls, path: Path, tree: bytes, size: int = DEFAULT_SIZE) -> "SharedProven":
        """Open the store in a directory; begin a new one when there is none or it cannot be used.

        Args:
            path: The directory; made with mode 0700 if it is not there.
            tree: Id of the trust anchor; what was proven in another tree is not seen.
            size: Octets of the file, all taken at once; 8 MiB to 64 GiB. Another size begins a new store.

        Raises:
            UnusableError: The size is out of bounds, the directory is not ours alone, or there is no room.
        """
        if not MIN_SIZE <= size <= MAX_SIZE:
            raise UnusableError(f"store {path} of {size} octets, expected {MIN_SIZE} to {MAX_SIZE}")
        size -= size % PAGE
        place = Place(path, size)
        try:
            with place.alone():
                environment = _reopened(place, size) if place.is_good() else None
                if environment is None:
                    place.discard()
                    environment = _made(place, size)
                try:
                    floors = KeptFloors(path / FLOORS, tree, size, MAX_READERS)
                except UnusableError:
                    environment.close()
                    raise
                place.enter()
        except (OSError, lmdb.Error) as error:
            raise UnusableError(f"store {path} of {size} octets cannot be used: {error}") from error
        return cls(place, environment, floors, tree)

    # --- questions -------------------------------------------------------------------------------------

    def _ask(self, signer: Signer, now: float, question: Callable[[Asking], T], nothing: T) -> T:
        tables = [waiting.table for waiting in (self._waiting, self._leaving) if waiting.puts]
        # What is written leaves `_leaving` after it is in the file, so the file is looked at last.
        try:
            if self._is_failed:
                with self._taking:
                    asking = Asking(self._keys, (*tables, self._spare), signer, now)
                    found = question(asking)
                    for key in asking.used:
                        self._spare.use(key)
            else:
                with self._environment.begin() as transaction:
                    pages = PagesTable(self._environment, transaction)
                    asking = Asking(self._keys, (*tables, pages), signer, now)
                    found = question(asking)
                if pages.stale and len(self._stale) < MAX_STALE:
                    with self._taking:
                        self._stale.update(pages.stale)
        except DAMAGE as error:
            self._fail(error)
            return nothing
        except lmdb.Error:  # no place among the readers
            return nothing
        self._hits += bool(asking.used)
        self._misses += not asking.used
        return found

    def said(self, signer: Signer, owner: Name, now: float) -> list[Opened[Statement]]:
        """Return what an authority said about an owner."""
        return self._ask(signer, now, lambda asking: asking.said(owner), [])

    def zone_for(self, signer: Signer, name: Name, now: float) -> list[Opened[Statement]]:
        """Return what a zone said that bears on a name."""
        return self._ask(signer, now, lambda asking: asking.zone_for(name), [])

    def authority(self, signer: Signer, authority: str, now: float) -> Opened[Authority] | None:
        """Return the binding of an authority's name by a zone."""
        return self._ask(signer, now, lambda asking: asking.authority(authority), None)

    def barred(self, signer: Signer, statement: Statement, now: float) -> str | None:
        """Say why a statement is too early to be believed, or None."""
        return self._floors.barred(signer, statement, now)

    # --- writing ---------------------------------------------------------------------------------------

    def _packed(self, signer: Signer, opened: Opened[Statement], now: float) -> Put:
        return Put(signer, opened, self._keys.of(signer.principal, opened.statement), pack(opened), now)

    def put(self, signer: Signer, opened: Opened[Statement], now: float) -> None:
        """Keep a statement, unless a later one is held."""
        put = self._packed(signer, opened, now)
        with self._taking:
            superseding = Superseding()
            if order.add(self._waiting.table, self._keys, put, superseding):
                self._waiting.puts.append(put)
            else:
                self._waiting.late.rises += superseding.rises
                self._refused += 1
        if len(self._waiting.puts) >= MAX_PENDING:
            self.flush()

    @property
    def waiting(self) -> int:
        """How many statements were put and are not written yet."""
        return len(self._waiting.puts)

    def flush(self) -> None:
        """Write what was put, and renew the stamps of what was used."""
        with self._flushing:
            with self._taking:
                self._leaving, self._waiting = self._waiting, _Waiting()
                stale, self._stale = self._stale, set()
            self._write(self._leaving.puts, stale)
            if self._leaving.puts:
                self._floors.keep(self._leaving.late.rises, self._leaving.puts[0].now)
            self._leaving = _Waiting()

    def fill(self, statements: Iterable[tuple[Signer, Opened[Statement]]], now: float) -> int:
        """Put many at once, for warming up and measuring; return how many were given.

        Sorted by key in batches as large as the file allows, so that fewer pages are written.
        """
        given, iterator = 0, iter(statements)
        batch = max(BATCH, self._batch() * 8)
        while chunk := [self._packed(signer, opened, now) for signer, opened in islice(iterator, batch)]:
            given += len(chunk)
            chunk.sort(key=lambda put: put.key)
            with self._flushing:
                self._write(chunk, set())
        return given

    def _batch(self) -> int:
        return min(BATCH, self._environment.size // self._environment.page // BATCH_PAGES)

    def _write(self, puts: list[Put], stale: set[bytes]) -> None:
        size = self._batch()
        batches = [puts[at : at + size] for at in range(0, len(puts), size)]
        for batch in batches or ([[]] if stale else []):
            if not self._is_failed:
                self._write_batch(batch, stale)
            if self._is_failed:
                self._write_spare(batch)
            stale = set()

    def _write_spare(self, puts: list[Put]) -> None:
        superseding = Superseding()
        for put in puts:
            with self._taking:
                if order.add(self._spare, self._keys, put, superseding):
                    self._stored += 1
                else:
                    self._refused += 1
        self._floors.keep(superseding.rises, puts[0].now if puts else 0.0)

    def _write_batch(self, puts: list[Put], stale: set[bytes]) -> None:
        now = puts[0].now if puts else 0.0
        for _ in range(TRIES):
            try:
                with self._environment.begin(write=True) as transaction:
                    pages = PagesTable(self._environment, transaction)
                    superseding = Superseding()
                    stored = sum(order.add(pages, self._keys, put, superseding) for put in puts)
                    for key in stale:
                        pages.restamp(key)
                    evicted = pages.evict(len(puts) + len(stale), now)
                    pages.save()
                    self._floors.keep(superseding.rises, now)  # before what they bar is let go of
            except lmdb.MapFullError:
                self._make_room(now)
            except DAMAGE as error:
                self._fail(error)
                return
            except lmdb.Error as error:
                self._tell("cache-not-written", error)
                break  # the disk; the transaction has left no trace
            else:
                self._stored += stored
                with self._taking:
                    self._refused += len(puts) - stored
                self._evicted += evicted
                return
        self._lost += len(puts)

    def _make_room(self, now: float) -> None:
        """Free pages that cannot be reused yet and have filled the file; take away a part of what is there for it.

        Of a process that was killed while it read, forgetting it is enough: nothing else is lost with it.
        """
        if self._environment.forget_dead_readers():
            return
        with suppress(lmdb.Error), self._environment.begin(write=True) as transaction:
            pages = PagesTable(self._environment, transaction)
            self._evicted += pages.clear_some(now, PARTS)
            pages.save()

    def _tell(self, event: str, error: Exception) -> None:
        """Say once what is wrong with the file; the figures say how often."""
        if not self._was_told:
            self._was_told = True
            log.warning(
                "event=%s path=%s reason=%s", event, json.dumps(str(self._place.path)), json.dumps(str(error))
            )

    def _fail(self, error: Exception) -> None:
        """Stop using a damaged file; the next to open it begins anew."""
        if not self._is_failed:
            self._is_failed, self._was_told = True, False
            self._tell("cache-damaged", error)
            with suppress(OSError), self._place.alone():
                self._place.spoil()

    # --- the rest --------------------------------------------------------------------------------------

    def statistics(self) -> Statistics:
        """Return the figures."""
        entries, octets, turn = len(self._spare), self._spare.octets, 0
        if not self._is_failed:
            with suppress(lmdb.Error), self._environment.begin() as transaction:
                entries, octets = self._environment.used(transaction)
                turn = self._environment.clock(transaction).turn
        return Statistics(
            hits=self._hits,
            misses=self._misses,
            entries=entries,
            octets=octets,
            bound=self._environment.bound,
            stored=self._stored,
            refused=self._refused,
            evicted=self._evicted,
            lost=self._lost,
            turn=turn,
            floors=len(self._floors),
            floors_lost=self._floors.lost,
            is_failed=self._is_failed,
        )

    def close(self) -> None:
        """Write what was put, wait for the disk, and let go."""
        self.flush()
        with self._place.alone():
            is_written_out = not self._is_failed
            try:
                if is_written_out:
                    self._environment.write_out()
            except lmdb.Error:
                is_written_out = False
            self._environment.close()
            self._floors.close()
            self._place.leave(is_written_out=is_written_out)


def _reopened(place: Place, size: int) -> Environment | None:
    """Open what lies there, or return None when it is no store. What else goes wrong is no reason to discard it."""
    try:
        environment = Environment(str(place.path), size, MAX_READERS)
    except (*DAMAGE, lmdb.VersionMismatchError):
        return None
    if environment.secret is None or place.data.stat().st_size < size:
        environment.close()
        return None
    return environment


def _made(place: Place, size: int) -> Environment:
    environment = Environment(str(place.path), size, MAX_READERS)
    environment.name(os.urandom(SECRET_OCTETS))
    try:
        with place.data.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, size)  # now, not when it is full in the night
    except OSError:
        environment.close()
        place.discard()
        raise
    return environment
