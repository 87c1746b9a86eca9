"""Words of a zone source's line: read one, or say which field is wrong and what was expected."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from zonedata import identifiers
from zonedata.errors import MalformedError
from zonedata.fields import check_authority, check_host
from zonedata.kinds import Use
from zonedata.names import Name
from zonedata.zone_statements import PIN_OCTETS

W = TypeVar("W", bound=StrEnum)
MAX_DIGITS = 12  # of a number on a line; the largest that is taken anywhere has six
FIRST_YEAR = 1970  # times are counted from here, and none is negative


class LineError(Exception):
    """One mistake on the line being read; `field` says where."""

    def __init__(self, field_name: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field_name


def expect(words: list[str], least: int, most: int, form: str) -> list[str]:
    """Return the words when there are as many as the form has."""
    if not least <= len(words) <= most:
        raise LineError("", f"expected: {form}")
    return words


def host(text: str) -> str:
    """Read a zone's, an authority's or a server's name; `.` is the root zone."""
    try:
        return check_host(text)
    except MalformedError as error:
        raise LineError(text[:60], str(error)) from error


def authority(text: str) -> str:
    """Read the name of an authority other than the root zone."""
    try:
        return check_authority(text)
    except MalformedError as error:
        raise LineError(text[:60], str(error)) from error


def node_name(text: str) -> Name:
    """Read a node."""
    try:
        return identifiers.node_from_text(text)
    except MalformedError as error:
        raise LineError(text[:60], str(error)) from error


def number(text: str, name: str, most: int) -> int:
    """Read a whole number from 1."""
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS) or not 1 <= int(text) <= most:
        raise LineError(name, f"{text[:40]!r}, expected a whole number from 1 to {most}")
    return int(text)


def options(words: list[str], allowed: set[str]) -> dict[str, str]:
    """Read `name=value` words, each allowed once."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if name not in allowed or not equals or name in found:
            raise LineError(word[:40], f"expected one of {', '.join(sorted(f'{n}=' for n in allowed))}, each once")
        found[name] = value
    return found


def date(text: str, name: str) -> int:
    """Read a date as Unix seconds."""
    expected = f"{text[:40]!r}, expected a date as 2026-01-31, or with a time, in UTC"
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise LineError(name, expected) from error
    if read.utcoffset() or read.year < FIRST_YEAR:
        raise LineError(name, expected)
    return int(read.replace(tzinfo=UTC).timestamp())


def uses(text: str) -> tuple[Use, ...]:
    """Read the uses of a key, parted by commas."""
    uses = tuple(sorted(word(Use, part, "uses") for part in set(text.split(","))))
    for use, place in ((Use.ROOT, "ROOTKEYS"), (Use.RECIPIENT, "a recipient's own mapping")):
        if use in uses:
            raise LineError("uses", f"'{use}' keys stand in {place} only")
    if Use.DENY in uses and len(uses) > 1:
        raise LineError("uses", "the deny key is on-line and can sign nothing else; 'deny' takes a key of its own")
    return uses


def pin(text: str) -> bytes:
    """Read the hexadecimal digest of a TLS key."""
    try:
        pin = bytes.fromhex(text)
    except ValueError as error:
        raise LineError("pin", "expected hexadecimal digits") from error
    if len(pin) != PIN_OCTETS:
        raise LineError("pin", f"{len(pin)} octets, expected {PIN_OCTETS}")
    return pin


def word(words: type[W], text: str, name: str) -> W:
    """Read one of a fixed set of words."""
    try:
        return words(text)
    except ValueError as error:
        raise LineError(name, f"{text[:40]!r}, expected one of {', '.join(words)}") from error
