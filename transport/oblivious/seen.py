"""Which requests were seen lately, so that none is answered twice: a table of fixed size, for all workers at once.

A request is known by its `enc`, which is new for each one (RFC 9458 section 6.5). It need be remembered only while
the Date in it would be accepted (section 6.5.1). An entry is eight octets: part of a keyed hash, and the time at
which it ends. A hash has a row of entries to be in; whoever made the request cannot choose which, since the key of
the hash is made anew at each start. A request in whose row everything is taken is refused: that nobody's request
can push another's out is worth more than answering the last few of a flood.

The table is a file without a name, which whoever forks afterwards shares. A row is locked while one worker looks in
it and writes, so that of two workers that are given the same request at the same instant one refuses; the lock of a
worker that dies goes with it. A start forgets everything: what was sealed in the minutes before one can be shown
once more, and a question asked twice does no harm but to show whoever repeats it how long the answer takes.
"""

import fcntl
import mmap
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Final, Self

ROWS: Final = 1 << 16
ROW: Final = 16  # entries; half full in the mean, one row in 250 is full
ENTRY: Final = 8  # octets; all of it 8 MiB, and a million requests in WINDOW seconds
WINDOW: Final = 120  # seconds that a Date may be wrong by, either way; devices of people are right to seconds
_TIME_BITS: Final = 20  # of an entry; seconds modulo 12 days
_TIMES: Final = 1 << _TIME_BITS
_ROW_OCTETS: Final = ROW * ENTRY


class Sight(Enum):
    """What the table says of a request."""

    NEW = "new"
    SEEN = "seen"
    FULL = "full"  # it may be new; there is no place to remember it in


class Seen:
    """The table; made before a fork it is one for all.

    Args:
        rows: A power of two.
    """

    def __init__(self, rows: int = ROWS) -> None:
        self._rows = rows
        self._file = _nameless_file(rows * _ROW_OCTETS)
        self._table = memoryview(mmap.mmap(self._file, rows * _ROW_OCTETS)).cast("Q")

    def see(self, encapsulated: bytes, dated: float, now: float) -> Sight:
        """Take note of a request, unless it is known already.

        Args:
            encapsulated: `enc` of a request that opened.
            dated: The Date in it, within WINDOW of now.
            now: Unix seconds.
        """
        hashed = hash(encapsulated) & 0xFFFF_FFFF_FFFF_FFFF
        row = hashed & (self._rows - 1)
        tag = hashed >> _TIME_BITS << _TIME_BITS  # 44 bits; with 16 in a row, one in 10^12 is taken for another
        begin, today = row * ROW, int(now)
        with self._locked(row):
            entries = self._table[begin : begin + ROW].tolist()
            if any(entry >> _TIME_BITS << _TIME_BITS == tag and _is_alive(entry, today) for entry in entries):
                return Sight.SEEN
            free = next((at for at, entry in enumerate(entries) if not _is_alive(entry, today)), None)
            if free is None:
                return Sight.FULL
            self._table[begin + free] = tag | (int(dated) + WINDOW + 1) % _TIMES
        return Sight.NEW

    @contextmanager
    def _locked(self, row: int) -> Iterator[None]:
        """Keep other workers out of a row for the some ten microseconds that this takes."""
        at = row * _ROW_OCTETS
        fcntl.lockf(self._file, fcntl.LOCK_EX, _ROW_OCTETS, at)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, _ROW_OCTETS, at)

    def close(self) -> None:
        """Let go of it, in this process."""
        self._table.release()
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _is_alive(entry: int, now: int) -> bool:
    """Say whether an entry ends between now and the latest end that there can be."""
    return bool(entry) and 0 <= ((entry & (_TIMES - 1)) - now) % _TIMES <= 2 * WINDOW + 1


def _nameless_file(octets: int) -> int:
    try:
        descriptor = os.memfd_create("fingerpost-seen")  # never on a disk
    except AttributeError:  # not on every system
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, octets)
    return descriptor
