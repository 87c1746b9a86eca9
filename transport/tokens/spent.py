"""Tokens that were spent, in a directory that all workers of a resolver share and that outlives them.

A file for each key of an issuer, with all its room from the beginning:

    header   one page: mark, id and end of the key, slots, tokens that it takes, a secret, tokens that it holds
    slots    16 octets each, twice as many as it takes tokens: digests of nonces, or zeroes

A digest has its place by its first octets, or stands in the next free slot after it. The digest is keyed with the
secret, so that nobody can choose nonces that crowd each other. Slots are only ever filled, under a lock that the
kernel takes from a process that dies; all that a kill at any point can leave half done is a digest of a token that
was not taken. A full file takes no more: tokens are refused, never taken unremembered. A day after the key has
ended the file goes, when the next one is made, and every process lets go of it when it opens another.

What was spent is in the kernel's hands at once, so that no death of a process loses it. When the machine loses its
power, what was spent since the last `sync` may be forgotten.

Trusted for: that a token counts once. The directory is ours alone.
"""

import fcntl
import hashlib
import logging
import mmap
import os
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from enum import Enum, auto
from pathlib import Path
from struct import Struct
from typing import Final

from transport.tokens.tokens import KEY_ID_OCTETS

MARK: Final = b"fingerpost-spent-1\n".ljust(32, b"\0")
SECRET_OCTETS: Final = 32
DIGEST_OCTETS: Final = 16  # two tokens collide by chance with 2^-88 among a million: one of them is lost then
HEADER: Final = Struct(f">32s{KEY_ID_OCTETS}sQQQ{SECRET_OCTETS}s")
COUNT: Final = Struct(">Q")
COUNT_AT: Final = HEADER.size
UNTIL: Final = Struct(">Q")
UNTIL_AT: Final = len(MARK) + KEY_ID_OCTETS
PAGE: Final = 4_096
EMPTY: Final = bytes(DIGEST_OCTETS)
DEFAULT_CAPACITY: Final = (
    1_000_000  # tokens of a key, so of a day: a file of 32 MiB, and three or four files at a time
)
MIN_CAPACITY: Final = 1_000
MAX_CAPACITY: Final = 100_000_000  # 4 GiB a file
MAX_PROBES: Final = 1_024  # slots looked at; with half of all free, the chance of a longer row is nil
KEPT_AFTER: Final = 86_400  # seconds that a file is kept beyond its key's end, in case the clock was wrong
SUFFIX: Final = ".spent"
UNFINISHED: Final = ".new"  # of a file that is being made, or that somebody was killed over

log = logging.getLogger(__name__)


class Spending(Enum):
    """What came of it."""

    NEW = auto()  # it counts, and never again
    SPENT = auto()  # it was spent before
    FULL = auto()  # there is no room to remember it, so it does not count


class SpentError(Exception):
    """A directory or file that cannot be used."""


class _Table:
    """The file of one key, open in one process."""

    def __init__(self, path: Path, key_id: bytes) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            found = os.fstat(self._descriptor)
            _check_ours(path, found)
            head = os.pread(self._descriptor, HEADER.size, 0)
            if len(head) != HEADER.size:
                raise SpentError(f"{path}: is cut short")
            mark, known_id, self.until, slots, self.capacity, self._secret = HEADER.unpack(head)
            if mark != MARK or known_id != key_id or slots < 1 or slots & (slots - 1) or self.capacity * 2 > slots:
                raise SpentError(f"{path}: is no file of spent tokens, or another key's")
            if found.st_size != PAGE + slots * DIGEST_OCTETS:
                raise SpentError(f"{path}: has {found.st_size} octets, expected {PAGE + slots * DIGEST_OCTETS}")
            self._mask = slots - 1
            self._map = mmap.mmap(self._descriptor, found.st_size)
        except BaseException:
            os.close(self._descriptor)
            raise

    def spend(self, nonce: bytes) -> Spending:
        digest = hashlib.blake2b(nonce, key=self._secret, digest_size=DIGEST_OCTETS).digest()
        if digest == EMPTY:
            digest = b"\x01" + EMPTY[1:]
        slot = int.from_bytes(digest[:8], "big")
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            for probe in range(MAX_PROBES):
                at = PAGE + ((slot + probe) & self._mask) * DIGEST_OCTETS
                there = self._map[at : at + DIGEST_OCTETS]
                if there == digest:
                    return Spending.SPENT
                if there == EMPTY:
                    return self._fill(at, digest)
            return Spending.FULL
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def _fill(self, at: int, digest: bytes) -> Spending:
        count = self.count
        if count >= self.capacity:
            return Spending.FULL
        self._map[at : at + DIGEST_OCTETS] = digest
        COUNT.pack_into(self._map, COUNT_AT, count + 1)
        return Spending.NEW

    @property
    def count(self) -> int:
        (count,) = COUNT.unpack_from(self._map, COUNT_AT)
        return int(count)

    def keep_until(self, until: int) -> None:
        """The key ends later than was said when the file was made: what was spent must be known until then."""
        if until > self.until:
            UNTIL.pack_into(self._map, UNTIL_AT, until)
            self.until = until

    def sync(self) -> None:
        os.fdatasync(self._descriptor)  # of the map, too (Linux); `mmap.flush` would keep the whole process waiting

    def close(self) -> None:
        self._map.close()
        os.close(self._descriptor)


class SpentTokens:
    """What was spent, of one process; others have the same directory. A fork makes it anew.

    Args:
        path: The directory; made when it is not there.
        capacity: Tokens of one key, for files that are made from now on.

    Raises:
        SpentError: The directory cannot be used.
    """

    def __init__(self, path: Path, capacity: int = DEFAULT_CAPACITY) -> None:
        self._path = path
        self._capacity = capacity
        self._tables: dict[bytes, _Table] = {}
        self._process = os.getpid()
        self._is_failing = False
        try:
            path.mkdir(mode=0o700, exist_ok=True)
            found = path.lstat()
        except OSError as error:
            raise SpentError(f"{path}: {error.strerror}") from error
        if not stat.S_ISDIR(found.st_mode):
            raise SpentError(f"{path}: is no directory")
        _check_ours(path, found)

    def spend(self, key_id: bytes, nonce: bytes, until: int, now: float) -> Spending:
        """Spend a token, if it was not: remembered before this returns.

        Args:
            key_id: Of the key, which counts now.
            nonce: Of the token, whose signature is good.
            until: Unix seconds; when the key ends.
            now: Unix seconds.

        Raises:
            SpentError: The key's file cannot be used.
        """
        return self._table(key_id, until, now).spend(nonce)

    def prepare(self, key_id: bytes, until: int, now: float) -> None:
        """Have the file of a key ready before the first token of it comes, and remove those that are over.

        It waits for the disk, so it belongs into a thread, be it another one than that which spends.

        Raises:
            SpentError: It cannot be used, or made.
        """
        self._opened(key_id, until, now).close()

    def held(self) -> dict[bytes, tuple[int, int]]:
        """Return, for each key whose file is open here, how many tokens it holds and how many it takes."""
        return {key_id: (table.count, table.capacity) for key_id, table in self._tables.items()}

    def sync(self) -> None:
        """Have what was spent written to the disk. It waits for that, so it belongs into a thread; it never raises.

        What the disk does not take is a line in the log, one until it takes it again. It is remembered all the
        same, until the power fails.
        """
        failure = ""
        for key_id, table in tuple(self._tables.items()):
            try:
                table.sync()
            except OSError as error:
                if key_id in self._tables:  # else its day is over, and it was closed meanwhile
                    failure = error.strerror or str(error)
        if failure and not self._is_failing:
            log.error('event=spent-not-synced path="%s" reason="%s"', self._path, failure)
        self._is_failing = bool(failure)

    def close(self) -> None:
        """Let go of all files."""
        for table in self._tables.values():
            table.close()
        self._tables.clear()

    def _table(self, key_id: bytes, until: int, now: float) -> _Table:
        if self._process != os.getpid():  # a lock that came over a fork would be the parent's as well
            self.close()
            self._process = os.getpid()
        table = self._tables.get(key_id)
        if table is None:
            self._let_go(now)
            table = self._tables[key_id] = self._opened(key_id, until, now)
        table.keep_until(until)
        return table

    def _let_go(self, now: float) -> None:
        """Close the files of keys that are over: as long as one process has a file open, the disk has it, too."""
        for key_id in [key_id for key_id, table in self._tables.items() if _is_over(table.until, now)]:
            self._tables.pop(key_id).close()

    def _opened(self, key_id: bytes, until: int, now: float) -> _Table:
        path = self._path / f"{key_id.hex()}{SUFFIX}"
        try:
            if not path.exists():
                self._make(path, key_id, until, now)
            table = _Table(path, key_id)
        except OSError as error:
            raise SpentError(f"{path}: {error.strerror}") from error
        table.keep_until(until)
        return table

    def _make(self, path: Path, key_id: bytes, until: int, now: float) -> None:
        """Make the file of a key, whole or not at all, unless somebody was faster; those that are over go first."""
        slots = 1 << (2 * self._capacity - 1).bit_length()
        beside = path.with_suffix(UNFINISHED)
        with _alone_in(self._path) as folder:
            if path.exists():
                return
            self._tidy(now)
            descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                # All its room at once: where there is none left later, a write through the map ends the process.
                os.posix_fallocate(descriptor, 0, PAGE + slots * DIGEST_OCTETS)
                secret = os.urandom(SECRET_OCTETS)
                os.pwrite(descriptor, HEADER.pack(MARK, key_id, until, slots, self._capacity, secret), 0)
                os.fsync(descriptor)
                beside.rename(path)
            except BaseException:
                beside.unlink(missing_ok=True)
                raise
            finally:
                os.close(descriptor)
            os.fsync(folder)

    def _tidy(self, now: float) -> None:
        """Remove the files of keys that are over, and what a kill has left unfinished; alone in the directory."""
        for path in self._path.glob(f"*{UNFINISHED}"):
            path.unlink()
        for path in self._path.glob(f"*{SUFFIX}"):
            with suppress(ValueError, SpentError, OSError):  # somebody else's file
                with closing(_Table(path, bytes.fromhex(path.name.removesuffix(SUFFIX)))) as table:
                    until = table.until
                if _is_over(until, now):
                    path.unlink()


@contextmanager
def _alone_in(folder: Path) -> Iterator[int]:
    """Keep out whoever else would make a file here; the kernel takes the lock from a process that dies."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _is_over(until: int, now: float) -> bool:
    return until + KEPT_AFTER < now


def _check_ours(path: Path, found: os.stat_result) -> None:
    if found.st_uid != os.geteuid():
        raise SpentError(f"{path}: belongs to user {found.st_uid}, not to us")
    if found.st_mode & 0o077:
        raise SpentError(
            f"{path}: has mode {stat.S_IMODE(found.st_mode):04o}, so others may have changed what was spent"
        )
