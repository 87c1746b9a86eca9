"""The source of a CSIP: what it revokes, as NDJSON, a line for each number, address or block.

    {"csi": "+14155550123", "before": "2026-11-01T00:00:00Z", "reason": "reassigned"}
    {"block": "+4477009", "before": "2026-11-01T00:00:00Z", "reason": "range returned"}

A line stays in the source for as long as anybody may hold something that it ends: validations live for a year.

A line for a number or an address is taken back by leaving it out: the denial that is shown instead keeps the old
REVOCATION from coming back. One for a block is taken back by an earlier `before` (1970-01-01T00:00:00Z ends
nothing): the later serial at the same node keeps the old one from coming back. Who deletes it leaves it to be shown
again until it expires, two years after it was signed.

Bad lines do not end the reading: each is reported with its line, and `sign` refuses the whole when there was one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from zonedata import identifiers
from zonedata.errors import Fault, MalformedError
from zonedata.names import Name
from zonedata.recipient_statements import MAX_REASON, is_revocable
from zonedata.source_lines import FieldError, Report, fault_of, numbered, object_of, only, text_field, text_of

MAX_LINE = 1_000  # octets; an address of 320, an instant and a reason of 64
_FIELDS = {"csi", "block", "before", "reason"}


@dataclass(frozen=True, slots=True)
class RevocationLine:
    """One line; `node`, `is_block`, `before` and `reason` as in REVOCATION."""

    line: int
    node: Name
    is_block: bool
    before: int
    reason: str


def read_revocations(path: Path, now: float, report: Report) -> Iterator[RevocationLine]:
    """Read a source line by line.

    Args:
        path: The file.
        now: Unix seconds; nothing later can be revoked yet.
        report: Takes every fault.
    """
    try:
        with path.open("rb") as file:
            for number, raw in numbered(file, MAX_LINE):
                try:
                    text = text_of(file, raw, MAX_LINE)
                    if text:
                        yield _line(number, object_of(text), now)
                except FieldError as error:
                    report(fault_of(path, number, error))
    except OSError as error:
        report(Fault(path, 0, "", f"cannot be read: {error.strerror}"))


def _line(number: int, value: dict[str, Any], now: float) -> RevocationLine:
    only(value, _FIELDS)
    node, is_block = _node(value)
    before = _instant(text_field(value, "before"))
    if before > now:
        raise FieldError("before", "lies in the future; only what was can be revoked")
    reason = text_field(value, "reason")
    if not 0 < len(reason.encode()) <= MAX_REASON or not reason.isprintable():
        raise FieldError("reason", f"expected 1 to {MAX_REASON} octets of printable text")
    return RevocationLine(number, node, is_block, before, reason)


def _node(value: dict[str, Any]) -> tuple[Name, bool]:
    if ("csi" in value) == ("block" in value):
        raise FieldError("csi", "expected either csi, for one, or block, for all below a node")
    field = "block" if "block" in value else "csi"
    text = text_field(value, field)
    try:
        node = identifiers.node_from_text(text) if field == "block" else identifiers.parse(text).owner
    except MalformedError as error:
        raise FieldError(field, str(error)) from error
    if not is_revocable(node, is_block=field == "block"):
        raise FieldError(field, "expected a number prefix such as +4477009, or a mail domain such as @example.com")
    return node, field == "block"


def _instant(text: str) -> int:
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise FieldError("before", f"{text[:40]!r}, expected an instant as 2026-01-31T00:00:00Z") from error
    seconds = int(read.replace(tzinfo=read.tzinfo or UTC).timestamp())
    if seconds < 0:
        raise FieldError("before", "is before 1970")
    return seconds
