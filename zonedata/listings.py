"""The source of an MSP: its listings as NDJSON or CSV, read as a stream, never held whole.

NDJSON, a line an object; either a listing or a block:

    {"csi": "+14155550123", "ssi": "mimi://alpha.example/u/7f3a", "features": ["e2ee"]}
    {"csi": "+14155550123", "ssi": "mimi://alpha.example/u/7f3a", "recipient": "<64 hexadecimal digits>"}
    {"block": "+44770090", "ssi": "mimi://alpha.example/u/{number}", "lengths": [12], "except": ["0155"]}

CSV, with a header line, listings only: `csi,ssi,features,recipient`, the last two optional, the features separated
by blanks. `recipient` is the digest of the recipient's key, where they gave it to the provider.

Bad lines do not end the reading: each is reported with its line, and `sign` refuses the whole when there was one.
"""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from zonedata import identifiers, names, plain_lines
from zonedata.errors import Fault, MalformedError
from zonedata.names import Name
from zonedata.person_statements import RECIPIENT_OCTETS, host_of_ssi
from zonedata.source_lines import FieldError, Report, fault_of, numbered, object_of, only, text_field, text_of

_COLUMNS = ("csi", "ssi", "features", "recipient")
MAX_LINE = 8_192  # octets; a block with 40 exceptions has about 1,000


class Listing(NamedTuple):
    """One person's line. A tuple, which takes a third of the time to make: there are millions."""

    line: int
    owner: Name
    ssi: str
    features: tuple[str, ...]
    recipient: bytes = b""


@dataclass(frozen=True, slots=True)
class BlockListing:
    """One block's line; `template`, `lengths` and `exceptions` as in BLOCK."""

    line: int
    node: Name
    template: str
    lengths: tuple[int, ...]
    exceptions: tuple[str, ...]


# A listing of its fields in order, in half the time of `Listing(...)`, which is Python around this.
listing_of: Callable[[tuple[int, Name, str, tuple[str, ...], bytes]], Listing] = partial(tuple.__new__, Listing)


def read_listings(path: Path, msp: str, report: Report) -> Iterator[Listing | BlockListing]:
    """Read a source line by line.

    Args:
        path: Ends in `.csv`, or is NDJSON.
        msp: Whose listings; every SSI must be at this host.
        report: Takes every fault.
    """
    try:
        with path.open("rb") as file:
            yield from (_csv if path.suffix == ".csv" else _ndjson)(path, file, msp, report)
    except OSError as error:
        report(Fault(path, 0, "", f"cannot be read: {error.strerror}"))


def _ndjson(path: Path, file: io.BufferedReader, msp: str, report: Report) -> Iterator[Listing | BlockListing]:
    read_plain = plain_lines.reader(msp)
    for number, raw in numbered(file, MAX_LINE):
        plain = read_plain(raw)
        if plain is not None:
            owner, ssi, features = plain
            yield listing_of((number, owner, ssi, features, b""))
            continue
        try:
            text = text_of(file, raw, MAX_LINE)
            if text:
                yield _listed(number, object_of(text), msp)
        except FieldError as error:
            report(fault_of(path, number, error))


def _csv(path: Path, file: io.BufferedReader, msp: str, report: Report) -> Iterator[Listing | BlockListing]:
    header: list[str] | None = None
    for number, raw in numbered(file, MAX_LINE):
        try:
            text = text_of(file, raw, MAX_LINE)
        except FieldError as error:
            report(fault_of(path, number, error))
            continue
        if not text:
            continue
        try:
            row = next(csv.reader([text]))
        except csv.Error as error:
            report(Fault(path, number, "", f"not a line of CSV: {error}"))
            continue
        if header is None:
            header = [name.strip() for name in row]
            if len(set(header)) != len(header) or not {"csi", "ssi"} <= set(header) <= set(_COLUMNS):
                report(Fault(path, number, "", f"expected the header {','.join(_COLUMNS)}"))
                return
            continue
        if len(row) != len(header):
            report(Fault(path, number, "", f"{len(row)} columns, the header has {len(header)}"))
            continue
        value: dict[str, Any] = dict(zip(header, row, strict=True))
        value["features"] = value.get("features", "").split()
        if not value.get("recipient"):
            value.pop("recipient", None)
        try:
            yield _listed(number, value, msp)
        except FieldError as error:
            report(fault_of(path, number, error))


def _listed(number: int, value: dict[str, Any], msp: str) -> Listing | BlockListing:
    return _block(number, value, msp) if "block" in value else _listing(number, value, msp)


def _listing(line: int, value: dict[str, Any], msp: str) -> Listing:
    only(value, set(_COLUMNS))
    try:
        owner = identifiers.parse(text_field(value, "csi")).owner
    except MalformedError as error:
        raise FieldError("csi", str(error)) from error
    try:
        features = plain_lines.features_of(value.get("features", []))
    except MalformedError as error:
        raise FieldError("features", str(error)) from error
    return Listing(line, owner, _ssi(value, msp), features, _recipient(value))


def _recipient(value: dict[str, Any]) -> bytes:
    if "recipient" not in value:
        return b""
    text = text_field(value, "recipient")
    try:
        digest = bytes.fromhex(text)
    except ValueError as error:
        raise FieldError("recipient", "expected hexadecimal digits") from error
    if len(digest) != RECIPIENT_OCTETS or text != digest.hex():
        raise FieldError("recipient", f"expected {2 * RECIPIENT_OCTETS} lower-case hexadecimal digits")
    return digest


def _block(line: int, value: dict[str, Any], msp: str) -> BlockListing:
    only(value, {"block", "ssi", "lengths", "except"})
    try:
        node = identifiers.node_from_text(text_field(value, "block"))
    except MalformedError as error:
        raise FieldError("block", str(error)) from error
    if not node.startswith(b"e164\0"):
        raise FieldError("block", "expected a number prefix such as +4477009")
    template = _ssi(value, msp)
    if template.count("{number}") != 1:
        raise FieldError("ssi", "a block's SSI holds {number} once, for the digits of the number")
    lengths, exceptions = value.get("lengths"), value.get("except", [])
    if not isinstance(lengths, list) or not lengths or not all(type(n) is int and 1 <= n <= 15 for n in lengths):
        raise FieldError("lengths", "expected a list of how many digits its numbers have in all, 1 to 15")
    if not isinstance(exceptions, list) or not all(
        isinstance(text, str) and text.isascii() and text.isdigit() for text in exceptions
    ):
        raise FieldError("except", "expected a list of the digits that follow the prefix, as text")
    if names.depth(node) - 1 > max(lengths):
        raise FieldError("lengths", "shorter than the prefix itself")
    return BlockListing(line, node, template, tuple(sorted(set(lengths))), tuple(sorted(set(exceptions))))


def _ssi(value: dict[str, Any], msp: str) -> str:
    text = text_field(value, "ssi")
    try:
        host = host_of_ssi(text.replace("{number}", "0"))
    except MalformedError as error:
        raise FieldError("ssi", str(error)) from error
    if host != msp:
        raise FieldError("ssi", f"is at {host}; {msp} can speak for mimi://{msp}/ only")
    return text
