"""Reading the fields of a body: typed, bounded, nothing left over.

A statement's `from_body` takes each field once through a `Fields` and ends with `done`, so that an unknown
field, a missing one or one of the wrong type is the same error everywhere, and names the field.
"""

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, TypeVar

from zonedata import names
from zonedata.errors import MalformedError
from zonedata.identifiers import authority_node
from zonedata.names import Name

T = TypeVar("T")
MAX_HOST: Final = 253  # RFC 1035: 255 octets on the wire


class Fields:
    """A map being read."""

    __slots__ = ("_rest",)

    def __init__(self, value: Any) -> None:
        if not isinstance(value, dict):
            raise MalformedError("expected a map")
        self._rest: dict[str, Any] = dict(value)

    def _take(self, name: str, kind: type[T]) -> T:
        if name not in self._rest:
            raise MalformedError(f"field {name!r} is missing")
        value = self._rest.pop(name)
        if type(value) is not kind:
            raise MalformedError(f"field {name!r} is a {type(value).__name__}, expected {kind.__name__}")
        return value

    def number(self, name: str, most: int) -> int:
        """Take a whole number from 0 to `most`."""
        value = self._take(name, int)
        if value > most:
            raise MalformedError(f"field {name!r} is {value}, at most {most} is allowed")
        return value

    def flag(self, name: str) -> bool:
        """Take a boolean."""
        return self._take(name, bool)

    def text(self, name: str, most: int) -> str:
        """Take text of 1 to `most` octets without control characters."""
        value = self._take(name, str)
        if not 0 < len(value.encode()) <= most or not value.isprintable():
            raise MalformedError(f"field {name!r} is not 1 to {most} octets of printable text")
        return value

    def octets(self, name: str, length: int) -> bytes:
        """Take exactly `length` octets."""
        value = self._take(name, bytes)
        if len(value) != length:
            raise MalformedError(f"field {name!r} has {len(value)} octets, expected {length}")
        return value

    def some_octets(self, name: str, most: int) -> bytes:
        """Take 1 to `most` octets."""
        value = self._take(name, bytes)
        if not 0 < len(value) <= most:
            raise MalformedError(f"field {name!r} has {len(value)} octets, expected 1 to {most}")
        return value

    def name(self, name: str) -> Name:
        """Take a name in presentation form."""
        try:
            return names.from_text(self._take(name, str))
        except MalformedError as error:
            raise MalformedError(f"field {name!r}: {error}") from error

    def host(self, name: str) -> str:
        """Take the domain name of an authority, a server or a zone; `.` is the root zone."""
        return check_host(self._take(name, str))

    def map(self, name: str) -> "Fields":
        """Take a map, itself to be read field by field."""
        return Fields(self._take(name, dict))

    def list_of(self, name: str, read: Callable[[Any], T], most: int) -> tuple[T, ...]:
        """Take a list of at most `most` elements, each read by `read`."""
        value = self._take(name, list)
        if len(value) > most:
            raise MalformedError(f"field {name!r} has {len(value)} elements, at most {most} are allowed")
        try:
            return tuple(read(element) for element in value)
        except MalformedError as error:
            raise MalformedError(f"field {name!r}: {error}") from error

    def has(self, name: str) -> bool:
        """Say whether an optional field is there."""
        return name in self._rest

    def done(self) -> None:
        """End the reading; anything left over is an error."""
        if self._rest:
            raise MalformedError(f"unknown field {min(self._rest)!r}")


@lru_cache(maxsize=4_096)  # a message names few, again and again; at most 253 octets each
def check_host(text: str) -> str:
    """Return a domain name as authorities are named: lower case, A-labels, no final dot, or `.` alone."""
    if text == ".":
        return text
    if len(text) > MAX_HOST or text.endswith(".") or "." not in text or text != text.lower():
        raise MalformedError(f"{text[:80]!r} is no authority: expected a domain name such as alpha.example")
    authority_node(text)  # raises where the name at which its binding hangs would be none
    return text


def check_authority(text: str) -> str:
    """Return the name of an authority that can be granted something or speak of people: any but the root zone."""
    if text == ".":
        raise MalformedError("'.' is the root zone; it is granted nothing and speaks of nobody")
    return check_host(text)


def strictly_ascending(values: tuple[Any, ...], what: str) -> None:
    """Refuse a list that is a set unless it is sorted and without repetition, so that it has one spelling."""
    if any(earlier >= later for earlier, later in pairwise(values)):
        raise MalformedError(f"{what} are not in ascending order without repetition")
