"""The tables of a store and the form of an entry.

An entry is a record in waiting: everything after the owner, type and class, preceded by when it expires:

    0        expires, Unix seconds (8)
    8        TTL (4), length of data (2), data: the envelope

so that a reply is header + question + 0xC00C + type + class + entry[8:]. An entry of BLOCKS or REVOCATIONS is
preceded by one octet n and n label counts: those ancestors-or-self of its node that have an entry too, so that all
that lie over a CSI are found from its neighbour in the order.
"""

from collections.abc import Iterator
from enum import Enum
from typing import Protocol

from zonedata.life import Life
from zonedata.sealed import Sealed
from zonedata.wire import CLASS_IN, POINTER_TO_QUESTION

FORMAT = b"fingerpost-store-2"  # another version is another store; it is built anew, never guessed at


class Table(Enum):
    """The tables, by the name they have in the file."""

    META = b"meta"  # format, authority, serial and the like, by name
    ASSERTIONS = b"assertions"  # by owner
    BLOCKS = b"blocks"  # by node
    REVOCATIONS = b"revocations"  # by node, entries as of BLOCKS
    DELEGATIONS = b"delegations"  # by node
    GAPS = b"gaps"  # by first name
    AUTHORITIES = b"authorities"  # by the name alpha.example.authority.
    ROOTKEYS = b"rootkeys"  # by version, 4 octets; the newest is the last
    DIGEST = b"digest"  # one entry, at the empty key


class Tables(Protocol):
    """Reading a store."""

    def get(self, table: Table, key: bytes) -> bytes | None:
        """Return the entry at exactly that key."""
        ...

    def at_or_before(self, table: Table, key: bytes) -> tuple[bytes, bytes] | None:
        """Return the last entry whose key is not after `key`."""
        ...

    def scan(self, table: Table) -> Iterator[tuple[bytes, bytes]]:
        """Go through a table in canonical order."""
        ...


def entry(life: Life, sealed: Sealed) -> bytes:
    """Make the entry of a statement."""
    wire = sealed.to_wire()
    return life.expires.to_bytes(8, "big") + life.ttl.to_bytes(4, "big") + len(wire).to_bytes(2, "big") + wire


def data_of(value: bytes) -> bytes:
    """Return the envelope in an entry."""
    return value[14:]


def expiry_of(value: bytes) -> int:
    """Return the Unix seconds at which an entry expires."""
    return int.from_bytes(value[:8], "big")


def record_of(value: bytes, rtype: int, now: float) -> bytes | None:
    """Make the record of an entry, its TTL cut to what is left of its life; None when nothing is left."""
    left = int(int.from_bytes(value[:8], "big") - now)
    if left <= 0:
        return None
    head = POINTER_TO_QUESTION + rtype.to_bytes(2, "big") + CLASS_IN.to_bytes(2, "big")
    ttl = int.from_bytes(value[8:12], "big")
    return head + (value[8:] if ttl <= left else left.to_bytes(4, "big") + value[12:])


def whole_until(value: bytes) -> float:
    """Return the Unix seconds from which the TTL of an entry is cut; until then its record stays the same."""
    return int.from_bytes(value[:8], "big") - int.from_bytes(value[8:12], "big")


def block_entry(counts: list[int], value: bytes) -> bytes:
    """Put the label counts before an entry of BLOCKS or REVOCATIONS."""
    return bytes((len(counts), *counts)) + value


def plain_entry(table: Table, value: bytes) -> bytes:
    """Return the entry of any table without what may stand before it."""
    return split_block(value)[1] if table in {Table.BLOCKS, Table.REVOCATIONS} else value


def split_block(value: bytes) -> tuple[bytes, bytes]:
    """Return the label counts, ascending, and the entry."""
    end = 1 + value[0]
    return value[1:end], value[end:]
