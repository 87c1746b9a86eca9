"""Counts by day of any number of accounts in a fixed number of cells: a count-min sketch.

An account has one cell in each of four rows, found by its digest, and no cell has an owner (Cormode and
Muthukrishnan, 2005). What is counted for an account is never less than what it did, whoever else asks: nothing is
ever pushed out, so nobody's count can be made to start anew. It may be more, where others meet it in all four
cells; the least of the four is taken, and only cells below it are raised ("conservative
update"), so that this is rare until a good part of all cells is full.

A cell remembers for which day it was written last, and forgets days that are over when it is looked at next. Any
octets are sound, so a torn or lost write costs a count, and needs no lock.
"""

import struct
from typing import Final

ROWS: Final = 4
_INDICES: Final = struct.Struct("<4Q")  # of a digest of 32 octets: which cell in each row
_COUNT: Final = struct.Struct("<I")
_COUNT_OCTETS: Final = 4
_MOST: Final = 0xFFFFFFFF


class Sketch:
    """A count-min sketch with a window of days.

    Args:
        table: Octets, which others may share.
        at: Where ours begin.
        octets: How many are ours; `rows_in` are used.
        days: How many days are told apart.
    """

    def __init__(self, table: memoryview, at: int, octets: int, days: int) -> None:
        self._table = table
        self._at = at
        self._days = days
        self._cell = struct.Struct(f"<I{days}I")
        self._size = _COUNT_OCTETS * (1 + days)
        self._width = octets // (ROWS * self._size)
        assert self._width > 0, "no room for a single cell in each row"

    @property
    def width(self) -> int:
        """Cells of each row."""
        return self._width

    def counts(self, digest: bytes, day: int) -> tuple[int, int]:
        """Return how often an account was counted on a day, and on that day and those before it.

        Args:
            digest: 32 octets of the account, keyed.
            day: Days since 1970.
        """
        slot = day % self._days
        today = total = -1
        for at in self._cells(digest):
            cell: tuple[int, ...] = self._cell.unpack_from(self._table, at)
            written = cell[0]
            if written == day:
                one, all_days = cell[1 + slot], sum(cell) - written
            elif not written:
                return 0, 0  # nobody was ever counted here
            else:
                counts = self._read(at, day)[1]
                one, all_days = counts[slot], sum(counts)
            today = one if today < 0 or one < today else today
            total = all_days if total < 0 or all_days < total else total
        return today, total

    def add(self, digest: bytes, day: int, today: int = -1) -> None:
        """Count an account once; as `counts`, whose first result `today` may be given, if it was read just now."""
        raised = (self.counts(digest, day)[0] if today < 0 else today) + 1
        if raised > _MOST:
            return
        slot = day % self._days
        for at in self._cells(digest):
            written: tuple[int] = _COUNT.unpack_from(self._table, at)
            place = at + _COUNT_OCTETS * (1 + slot)
            if written[0] == day:
                count: tuple[int] = _COUNT.unpack_from(self._table, place)
                if count[0] < raised:
                    _COUNT.pack_into(self._table, place, raised)
                continue
            newest, counts = self._read(at, day)
            if counts[slot] < raised:
                counts[slot] = raised
                self._cell.pack_into(self._table, at, newest, *counts)

    def days_until(self, digest: bytes, day: int, most: int) -> int:
        """Return after how many days the sum of an account falls below a number, as far as it does by itself."""
        least = self._days
        for at in self._cells(digest):
            counts = self._read(at, day)[1]
            for passed in range(least):
                if sum(counts) < most:
                    least = passed
                    break
                counts[(day + 1 + passed) % self._days] = 0  # the oldest of them
        return least

    def _cells(self, digest: bytes) -> tuple[int, int, int, int]:
        """Return where the cells of an account begin."""
        width, size = self._width, self._size
        row = width * size
        indices: tuple[int, int, int, int] = _INDICES.unpack(digest)
        first, second, third, fourth = indices
        at = self._at
        return (
            at + first % width * size,
            at + row + second % width * size,
            at + 2 * row + third % width * size,
            at + 3 * row + fourth % width * size,
        )

    def _read(self, at: int, day: int) -> tuple[int, list[int]]:
        """Return the newest day of a cell and its counts, those of days that are over taken out."""
        written, *counts = self._cell.unpack_from(self._table, at)
        if written > day + 1 or written + self._days <= day:
            return day, [0] * self._days  # long ago, or of a time that has not come: nothing of ours
        for gone in range(written + 1, day + 1):
            counts[gone % self._days] = 0
        return max(written, day), counts
