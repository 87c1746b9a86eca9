"""One statement as octets in a store: about 160 of them for an assertion about a number, 240 about a mail address.

    0    until, whole Unix seconds                        5
    5    keep, in parts of 1/1024 s since 1970            6
    11   length of all that follows                       2
    13   slot: kind, and for a DENIAL its role             1
    14   key id and signature                             72
    86   the body, deflated with a dictionary              rest

An entry list is entries one after another, at most one of each slot. The body is deflated because one-character
labels and the same field names again and again are half of it: it saves a quarter of all memory, for 8 us at
writing and less than 1 us at reading. What is read here was written by us.
"""

import zlib
from dataclasses import dataclass
from typing import Final

from zonedata import statements
from zonedata.errors import MalformedError
from zonedata.keys import ED25519, KEY_ID_OCTETS, SIGNATURE_OCTETS
from zonedata.kinds import MAX_SEALED, Kind, Role
from zonedata.opening import KEEP_PARTS, Opened
from zonedata.person_statements import Denial
from zonedata.sealed import Sealed, Signature
from zonedata.statements import Statement

KEPT: Final = frozenset(
    {
        Kind.AUTHORITY,
        Kind.DELEGATION,
        Kind.GAP,
        Kind.ASSERTION,
        Kind.BLOCK,
        Kind.DENIAL,
        Kind.MAPPING,
        Kind.VALIDATION,
        Kind.REVOCATION,
    }
)
KIND_BITS: Final = 31  # of a slot
MAX_UNTIL: Final = 2**40 - 1  # what five octets hold; later times are cut to it
MAX_KEEP: Final = 2**48 - 1
_HEAD: Final = 13
_SIGNED: Final = 1 + KEY_ID_OCTETS + SIGNATURE_OCTETS
_ROLES: Final = tuple(Role)
_WINDOW: Final = -9  # raw deflate with 512 octets of window: as good as more on what is shorter, and cheap
_MEMORY: Final = 1  # the least memory level, for the same reason
DICTIONARY: Final = (  # what bodies have in common, the most frequent last; part of the format
    b"\xa6grants\xa4deep\xa8required\xa9validated\xaaauthorized\xa5roles\xa9validator\xa4csip\xa8registry\xa3msp"
    b"\xabterminating\xa7servers\xa9addresses\xaatransports\xa3tcp\xcd\x14\xb4\xa3udp\xa3tls\xcd\x03U"
    b"\xa4keys\xa3key\xc4 \xa4from\xceh\xa5until\xcej\xa4uses\xa6assert\xa4deny\xa4zone\xa1."
    b"\xa6counts\xa5first\xa4next\xa4node\xa4tree\xc4\x10\xaaexceptions\xa7lengths\xa8template\xa8{number}"
    b"_at.com.mail.\xa8features\xa9recipient\xc4 \xa9authority\xa4role\xa3msp"
    b"\x87\xa7expires\xcei\xa6issued\xcei\xa3msp\xa5owner\xbd0.1.2.3.4.5.6.7.8.9.4.1.1.e164."
    b"\xa6serial\x01\xa3ssi\xb9mimi:///u/.example\xa3ttl\xcd\x0e\x10"
)


@dataclass(slots=True)  # one a look-up: decision 0016
class Entry:
    """One statement, still packed.

    Attributes:
        until: Unix seconds; nothing of it counts from then on.
        keep: Parts of 1/KEEP_PARTS s since 1970.
        rest: Slot, key id, signature and deflated body: the same for the same envelope.
    """

    until: int
    keep: int
    rest: bytes

    @property
    def slot(self) -> int:
        """Identify what a newer statement takes the place of, within one list."""
        return self.rest[0]

    def to_octets(self) -> bytes:
        """Write the entry."""
        lengths = len(self.rest).to_bytes(2, "big")
        return b"".join((self.until.to_bytes(5, "big"), self.keep.to_bytes(6, "big"), lengths, self.rest))

    def open(self) -> Opened[Statement]:
        """Read the statement.

        Raises:
            MalformedError: It is none; never so in what `pack` has made.
        """
        rest = self.rest
        try:
            body = zlib.decompressobj(_WINDOW, DICTIONARY).decompress(rest[_SIGNED:], MAX_SEALED)
            kind = Kind(rest[0] & KIND_BITS)
        except (zlib.error, ValueError, IndexError) as error:
            raise MalformedError(f"entry is damaged: {error}") from error
        key_id = rest[1 : 1 + KEY_ID_OCTETS]
        sealed = Sealed(kind, (Signature(ED25519, key_id, rest[1 + KEY_ID_OCTETS : _SIGNED]),), body)
        return Opened(statements.read_untrusted(sealed), sealed, key_id, float(self.until), self.keep / KEEP_PARTS)


def pack(opened: Opened[Statement]) -> Entry:
    """Pack a statement.

    Raises:
        ValueError: It is of no kind that is kept, or has other than the one signature that verification wants.
    """
    sealed = opened.sealed
    if sealed.kind not in KEPT or len(sealed.signatures) != 1:
        raise ValueError(f"{sealed.kind.name} with {len(sealed.signatures)} signatures is not kept")
    (signature,) = sealed.signatures
    if signature.algorithm != ED25519 or len(signature.octets) != SIGNATURE_OCTETS:
        raise ValueError(f"a signature of algorithm {signature.algorithm} is not kept")
    deflate = zlib.compressobj(6, zlib.DEFLATED, _WINDOW, _MEMORY, zlib.Z_DEFAULT_STRATEGY, DICTIONARY)
    body = deflate.compress(sealed.body) + deflate.flush()
    rest = b"".join((bytes((slot_of(opened.statement),)), signature.key_id, signature.octets, body))
    until = min(max(int(opened.until), 0), MAX_UNTIL) if opened.until < MAX_UNTIL else MAX_UNTIL
    keep = max(int(opened.keep * KEEP_PARTS), 0) if opened.keep < until else until * KEEP_PARTS
    return Entry(until, min(keep, MAX_KEEP), rest)


def slot_of(statement: Statement) -> int:
    """Return the kind, with the role of a denial above it."""
    role = _ROLES.index(statement.role) if isinstance(statement, Denial) else 0
    return statement.kind | role << 5


def role_in(slot: int) -> Role | None:
    """Return the role of a denial in a slot; None of what is none."""
    return _ROLES[slot >> 5] if slot & KIND_BITS == Kind.DENIAL else None


def split(octets: bytes) -> list[Entry]:
    """Read an entry list."""
    entries, at = [], 0
    while at < len(octets):
        end = at + _HEAD + int.from_bytes(octets[at + 11 : at + _HEAD], "big")
        until, keep = int.from_bytes(octets[at : at + 5], "big"), int.from_bytes(octets[at + 5 : at + 11], "big")
        entries.append(Entry(until, keep, octets[at + _HEAD : end]))
        at = end
    return entries


def last_until(octets: bytes, start: int = 0) -> int:
    """Return the Unix second from which nothing of an entry list that begins at `start` counts."""
    latest, at = 0, start
    while at < len(octets):
        latest = max(latest, int.from_bytes(octets[at : at + 5], "big"))
        at += _HEAD + int.from_bytes(octets[at + 11 : at + _HEAD], "big")
    return latest
