"""Whether the file of an LMDB environment has all of its pages; without opening it.

LMDB maps the file, and whoever reads a page that is not there ends with a bus error. So this is asked before. That
the file is shorter than the pages that LMDB has counted proves nothing: pages that a transaction took and gave back
are never written. Only then the pages that are in use are looked up, from the roots down (`MDB_page`, `MDB_node`
and `MDB_db` of LMDB 0.9, data format 1).

    page    number 8, pad 2, flags 2, end of pointers 2, 2; then pointers of 2 to its nodes
    node    number of a page or size of data, low 2 and middle 2; flags or high part 2; size of key 2; key; data
    table   2 x 2 and depth at 6, numbers of pages and entries, root at 40; 48 in all
    meta    magic at 16, tables of free pages and of tables at 40 and 88, last page at 136, transaction at 144
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAGIC = 0xBEEFC0DE
_HEADER, _TABLE, _META = 16, 48, 152  # octets
_BIG, _SUB = 0x01, 0x02  # flags of a node: its data are pages of their own; a table
_NO_PAGE = 2**64 - 1


class _GoneError(Exception):
    """A page is not there, or is not what it should be."""


@dataclass(frozen=True, slots=True)
class _Meta:
    transaction: int
    last: int
    tables: tuple[bytes, bytes]


def is_cut_short(path: Path) -> bool:
    """Say whether the file lacks a page that is in use. A file that is none of LMDB's does not.

    Raises:
        OSError: It cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _lacks_pages(descriptor)
    finally:
        os.close(descriptor)


def _lacks_pages(descriptor: int) -> bool:
    while True:
        pages = _Pages(descriptor)
        meta = pages.meta()
        pages.length = os.fstat(descriptor).st_size  # after it: the file only grows, none that it names is missed
        if meta is None or (meta.last + 1) * pages.size <= pages.length:
            return False
        free, tables = meta.tables
        try:
            pages.check(free)
            pages.check(tables, has_tables=True)
        except (_GoneError, struct.error):
            now = pages.meta()
            if now is not None and now.transaction != meta.transaction:
                continue  # somebody has written meanwhile, and what was looked at may be in use for something else
            return True
        return False


class _Pages:
    """The pages of an open file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.length = 0  # octets of the file, when the last transaction was read
        self.size = 0  # octets of a page; as the first page has it

    def meta(self) -> _Meta | None:
        """Return what the last transaction left; None where there is none."""
        first = self._meta_at(0)
        if first is None:
            return None
        (self.size,) = struct.unpack_from("=I", first.tables[0])
        second = self._meta_at(self.size)
        return first if second is None or first.transaction > second.transaction else second

    def _meta_at(self, offset: int) -> _Meta | None:
        octets = os.pread(self._descriptor, _META, offset)
        if len(octets) < _META or struct.unpack_from("=I", octets, _HEADER) != (MAGIC,):
            return None
        last, transaction = struct.unpack_from("=QQ", octets, 136)
        return _Meta(transaction, last, (octets[40:88], octets[88:136]))

    def check(self, table: bytes, *, has_tables: bool = False) -> None:
        """Look for every page of a table, and of the tables in it. Leaves are read only where they name pages.

        Raises:
            _GoneError: One is not there.
        """
        _, _, depth, _, _, big, _, root = struct.unpack("=IHHQQQQQ", table)
        if root == _NO_PAGE:
            return
        self._see(root, 1)
        level = [root]
        for _ in range(depth - 1):
            level = [below for branch in level for below in self._below(branch)]
            for number in level:
                self._see(number, 1)
        if big or has_tables:
            for leaf in level:
                self._check_leaf(leaf)

    def _see(self, number: int, count: int) -> None:
        if (number + count) * self.size > self.length:
            raise _GoneError

    def _below(self, branch: int) -> Iterator[int]:
        for page, at in self._nodes(branch):
            low, middle, high = struct.unpack_from("=HHH", page, at)
            yield low | middle << 16 | high << 32

    def _check_leaf(self, leaf: int) -> None:
        for page, at in self._nodes(leaf):
            low, middle, flags, key = struct.unpack_from("=HHHH", page, at)
            data = at + 8 + key
            if flags & _BIG:
                (number,) = struct.unpack_from("=Q", page, data)
                self._see(number, -(-(_HEADER + (low | middle << 16)) // self.size))
            elif flags & _SUB:
                self.check(page[data : data + _TABLE])

    def _nodes(self, number: int) -> Iterator[tuple[bytes, int]]:
        """Return the page, and where in it each node begins."""
        page = os.pread(self._descriptor, self.size, number * self.size)
        try:
            own, _, _, end = struct.unpack_from("=QHHH", page)
            if own != number or end > self.size:
                raise _GoneError
            for (at,) in struct.iter_unpack("=H", page[_HEADER:end]):
                yield page, at
        except struct.error as error:
            raise _GoneError from error
