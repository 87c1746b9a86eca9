"""A bundle: one question, the chain and the answer in one file, to be checked without a network (docs/bundles.md).

    fingerpost-bundle: 1
    csi: +14155550123
    ...
                                         an empty line, then each statement as a block like those of an anchor file
    -----BEGIN FINGERPOST ROOTKEYS-----
    ...
    -----END FINGERPOST ROOTKEYS-----
    sha256: ...

The lines at the head say what was asked, of whom and when; nobody signs them, and nothing is believed for them. The
statements are proof by themselves, judged by `judgement.hear`. The digest at the end finds damage, not deceit.

A bundle has one spelling: what does not write back to the same octets is refused. Pure.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from zonedata import identifiers, names, trust
from zonedata.errors import MalformedError
from zonedata.identifiers import Csi
from zonedata.kinds import Kind
from zonedata.opening import Refusal, read_claim
from zonedata.replies import MAX_RECORDS
from zonedata.trust import PEM_WIDTH, Trust
from zonedata.zone_statements import RootKeys

VERSION = 1
MAX_STATEMENTS = MAX_RECORDS + 1  # all records of one reply, and the anchor's ROOTKEYS before them
MAX_BUNDLE = 262_144  # octets; a reply of 64 KiB in 512 records becomes some 140 kB of text
MAX_RESOLVER = 64  # characters; the longest address with its port has 51
MAX_LINE = 1_024  # characters at the head; an identifier has at most 320 octets
UNKNOWN = "UNKNOWN"  # label of octets that begin with no known kind
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_BEGIN, _END, _TAIL = "-----BEGIN FINGERPOST ", "-----END FINGERPOST ", "-----"
_FIELDS = ("fingerpost-bundle", "csi", "owner", "asked", "resolver", "tree", "rootkeys", "statements")
_DIGEST = "sha256: "
_KINDS = {kind.value: kind.name for kind in Kind}


@dataclass(frozen=True, slots=True)
class Bundle:
    """What was asked, and all that was shown.

    Attributes:
        csi: What was asked about.
        asked: Unix seconds at which it was judged by whoever asked.
        resolver: Whom was asked, an address and a port. Only the bundle says so.
        trust: The anchor that it was judged by, as it was before it caught up; its servers are not kept.
        shown: The data of every record shown, in order; judged, none of it is believed before.
    """

    csi: Csi
    asked: int
    resolver: str
    trust: Trust
    shown: tuple[bytes, ...]

    def wires(self) -> list[bytes]:
        """Return all that a verifier is shown: the anchor's ROOTKEYS first, so that older anchors catch up."""
        return [self.trust.sealed.to_wire(), *self.shown]


def write(bundle: Bundle) -> bytes:
    """Write a bundle.

    Raises:
        MalformedError: It would be longer than MAX_BUNDLE, or hold more than MAX_STATEMENTS.
    """
    wires = bundle.wires()
    if len(wires) > MAX_STATEMENTS:
        raise MalformedError(f"bundle of {len(wires)} statements, at most {MAX_STATEMENTS} are allowed")
    values = (
        str(VERSION),
        bundle.csi.text,
        names.to_text(bundle.csi.owner),
        datetime.fromtimestamp(bundle.asked, UTC).strftime(_TIME),
        bundle.resolver,
        bundle.trust.tree.hex(),
        str(bundle.trust.rootkeys.version),
        str(len(wires)),
    )
    lines = [f"{field}: {value}" for field, value in zip(_FIELDS, values, strict=True)]
    lines += ["", *(line for wire in wires for line in _block(wire)), ""]
    octets = "\n".join(lines).encode()
    octets += f"{_DIGEST}{hashlib.sha256(octets).hexdigest()}\n".encode("ascii")
    if len(octets) > MAX_BUNDLE:
        raise MalformedError(f"bundle of {len(octets)} octets, at most {MAX_BUNDLE} are allowed")
    return octets


def read(octets: bytes) -> Bundle:
    """Read a bundle; what is in it is still to be judged.

    Raises:
        MalformedError: Too long, damaged, not in the form above, or not about one identifier.
        UntrustedError: The ROOTKEYS at its beginning is not signed by its own keys.
    """
    if len(octets) > MAX_BUNDLE:
        raise MalformedError(f"bundle is longer than {MAX_BUNDLE} octets")
    if not octets.startswith(f"{_FIELDS[0]}: ".encode("ascii")):
        raise MalformedError(f"not a bundle: it does not begin with {_FIELDS[0]}:")
    try:
        text = octets.decode()
    except UnicodeDecodeError as error:
        raise MalformedError("bundle is not UTF-8 text") from error
    if any(mark in text for mark in "\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"):
        raise MalformedError("bundle has line ends other than LF")
    lines = iter(enumerate(text.split("\n"), 1))
    head = _read_head(lines)
    wires = _read_blocks(lines, _number(head["statements"], MAX_STATEMENTS, "statements"))
    bundle = _bundle(head, wires)
    if write(bundle) != octets:
        raise MalformedError("bundle is damaged: its digest or its spelling is not what its contents come to")
    return bundle


def _block(wire: bytes) -> list[str]:
    label = _KINDS.get(wire[0], UNKNOWN) if wire else UNKNOWN
    text = base64.b64encode(wire).decode("ascii")
    lines = [text[at : at + PEM_WIDTH] for at in range(0, len(text), PEM_WIDTH)]
    return [f"{_BEGIN}{label}{_TAIL}", *lines, f"{_END}{label}{_TAIL}"]


def _read_head(lines: Iterator[tuple[int, str]]) -> dict[str, str]:
    head = {}
    for field in _FIELDS:
        number, line = next(lines, (0, ""))
        name, _, value = line.partition(": ")
        if name != field or len(line) > MAX_LINE:
            raise MalformedError(f"line {number}: expected {field}: and a value")
        if field == _FIELDS[0] and value != str(VERSION):
            raise MalformedError(
                f"line {number}: a bundle of version {value[:20]!r}, this is a reader of {VERSION}"
            )
        head[field] = value
    if next(lines, (0, "?"))[1]:
        raise MalformedError("expected an empty line after the head")
    return head


def _read_blocks(lines: Iterator[tuple[int, str]], count: int) -> list[bytes]:
    """Read as many blocks as the head promises; no more is decoded, whatever follows."""
    wires = []
    for _ in range(count):
        number, line = next(lines, (0, ""))
        if not line.startswith(_BEGIN):
            raise MalformedError(f"line {number}: expected {_BEGIN}..., as the head says that there are {count}")
        end, parts = _END + line[len(_BEGIN) :], list[str]()
        for _, part in lines:
            if part == end:
                break
            parts.append(part)
        try:
            wires.append(base64.b64decode("".join(parts), validate=True))
        except (binascii.Error, ValueError) as error:
            raise MalformedError(f"line {number}: the block that begins here is damaged: {error}") from error
    return wires


def _bundle(head: dict[str, str], wires: list[bytes]) -> Bundle:
    csi = identifiers.parse(head["csi"])
    if csi.text != head["csi"] or names.to_text(csi.owner) != head["owner"]:
        raise MalformedError(f"{head['csi'][:80]!r} does not have the owner name {head['owner'][:80]!r}")
    try:
        asked = int(datetime.strptime(head["asked"], _TIME).replace(tzinfo=UTC).timestamp())
    except ValueError as error:
        raise MalformedError(
            f"asked at {head['asked'][:40]!r}, expected a time like 2027-01-15T08:00:00Z"
        ) from error
    if asked < 0:
        raise MalformedError(f"asked at {head['asked']}, before 1970")
    resolver = head["resolver"]
    if not resolver or len(resolver) > MAX_RESOLVER or not (resolver.isascii() and resolver.isprintable()):
        raise MalformedError(f"{resolver[:MAX_RESOLVER]!r} is no resolver's address and port")
    if not wires:
        raise MalformedError("bundle without a statement")
    first = read_claim(wires[0])
    if isinstance(first, Refusal) or not isinstance(first.statement, RootKeys):
        raise MalformedError("the first statement is not the ROOTKEYS by which it was judged")
    held = trust.from_sealed(first.sealed)
    if held.tree.hex() != head["tree"] or str(held.rootkeys.version) != head["rootkeys"]:
        raise MalformedError("the ROOTKEYS in it are of another tree or version than its head says")
    return Bundle(csi, asked, resolver, held, tuple(wires[1:]))


def _number(text: str, most: int, what: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(most)) or int(text) > most:
        raise MalformedError(f"{text[:20]!r} {what}, at most {most} are allowed")
    return int(text)
