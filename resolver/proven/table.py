"""Octets by key: what the rules of order and the questions need of a place where entries lie."""

from collections.abc import Iterator
from typing import Protocol

from resolver.proven.keys import HASH


class Table(Protocol):
    """Entry lists by key. Keys about an owner have no order; the others are in the order of their octets."""

    def get(self, key: bytes) -> bytes | None:
        """Return what lies at exactly that key."""
        ...

    def at_or_before(self, key: bytes) -> tuple[bytes, bytes] | None:
        """Return the last of the ordered keys that is not after `key`, and what lies there."""
        ...

    def between(self, first: bytes, following: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Go through the ordered keys strictly after `first` and before `following`; change nothing meanwhile."""
        ...


class Changing(Table, Protocol):
    """A table that can be changed."""

    def put(self, key: bytes, octets: bytes) -> None:
        """Set what lies at a key."""
        ...

    def delete(self, key: bytes) -> None:
        """Take away what lies at a key, if anything does."""
        ...


def is_ordered(key: bytes) -> bool:
    """Say whether a key is one of those that are in order."""
    return len(key) > HASH
