"""Whose a CSI is, and where its holder wants to be reached: MAPPING, VALIDATION, REVOCATION.

A recipient has a key of their own. A validator vouches that the holder of that key proved possession of the CSI.
The recipient's MAPPING, signed with that key, lists the MSPs. The CSIP, which issues the CSI, can end what was said
before an instant. None names a tree: each is true or false wherever it is shown.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from zonedata import identifiers, names
from zonedata.errors import MalformedError, UntrustedError
from zonedata.fields import Fields, check_authority, strictly_ascending
from zonedata.keys import PUBLIC_OCTETS, PublicKey, admit
from zonedata.kinds import Kind
from zonedata.life import MAX_SERIAL, MAX_TIME, Life
from zonedata.names import Name
from zonedata.person_statements import RECIPIENT_OCTETS

MAX_ENTRIES: Final = 24  # of one mapping; a person with more services than that lists the ones that are read
MAX_TAGS: Final = 8  # of one entry
MAX_TAG: Final = 24  # octets
MAX_ALL_TAGS: Final = 256  # octets of all tags of one mapping (the requirements bound them together)
MAX_FORMER: Final = 4  # keys that a recipient had before; older assertions have ended by then
MAX_METHOD: Final = 32  # octets
MAX_REASON: Final = 64  # octets
DEFAULT_TAG: Final = "Default"  # whoever has it is picked where no other tag decides; it stands alone
SAME_SERVICE_TAG: Final = "SameService"  # whoever has it is picked before that, if the sender has an account there
_TAG_CHARACTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._"
_METHOD_CHARACTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789-"


def recipient_of(key: PublicKey) -> bytes:
    """Return the digest by which assertions and validations name a recipient's key."""
    return hashlib.sha256(key.raw).digest()


@dataclass(frozen=True, slots=True)
class MappingEntry:
    """One MSP that a recipient wants to be reached at.

    Attributes:
        msp: Which.
        tags: What for, ascending; `Default` alone, or others that senders choose by (requirement R2). May be empty:
            then the MSP is allowed and not preferred for anything.
    """

    msp: str
    tags: tuple[str, ...] = ()

    def to_value(self) -> list[Any]:
        """Return the list that stands in the body."""
        return [self.msp, list(self.tags)]

    @classmethod
    def from_value(cls, value: Any) -> "MappingEntry":
        """Read that list."""
        if not isinstance(value, list) or len(value) != 2 or not isinstance(value[1], list):
            raise MalformedError("entry is not a list of MSP and tags")
        if not isinstance(value[0], str):
            raise MalformedError("entry whose MSP is no text")
        tags = tuple(tag(one) for one in value[1])
        if len(tags) > MAX_TAGS:
            raise MalformedError(f"entry with {len(tags)} tags, at most {MAX_TAGS} are allowed")
        strictly_ascending(tags, "tags")
        if DEFAULT_TAG in tags and len(tags) > 1:
            raise MalformedError(f"{DEFAULT_TAG} stands alone, never beside other tags")
        return cls(check_authority(value[0]), tags)


@dataclass(frozen=True, slots=True)
class Mapping:
    """The recipient's word: these MSPs, with these tags, are how I want to be reached.

    Attributes:
        owner: The CSI's owner name.
        key: The recipient's; what signs this, and what a validator vouches for.
        entries: MSPs, ascending, each once. None means: not to be found.
        is_new: The recipient says that the CSI was newly assigned to them: asks validators to have an older
            recipient confirm that they still hold it. No takeover by itself.
        is_released: The recipient gives the CSI up; from then on their key speaks for it no longer.
        former: Digests of keys that the same recipient had before, ascending: assertions that name one of them mean
            this recipient.
    """

    kind: ClassVar[Kind] = Kind.MAPPING
    life: Life
    owner: Name
    key: PublicKey
    entries: tuple[MappingEntry, ...]
    is_new: bool = False
    is_released: bool = False
    former: tuple[bytes, ...] = ()

    @property
    def recipient(self) -> bytes:
        """Return the digest of the key."""
        return recipient_of(self.key)

    def entry_for(self, msp: str) -> MappingEntry | None:
        """Return what it says of an MSP."""
        for entry in self.entries:
            if entry.msp == msp:
                return entry
        return None

    def to_fields(self) -> dict[str, Any]:
        """Return the fields of the body."""
        fields: dict[str, Any] = {
            "owner": names.to_text(self.owner),
            "key": self.key.raw,
            "entries": [entry.to_value() for entry in self.entries],
            "new": self.is_new,
            "released": self.is_released,
        }
        if self.former:
            fields["former"] = list(self.former)
        return fields

    @classmethod
    def from_fields(cls, life: Life, fields: Fields) -> "Mapping":
        """Read the fields of the body."""
        owner = _owner(fields)
        try:
            key = admit(fields.octets("key", PUBLIC_OCTETS))
        except UntrustedError as error:
            raise MalformedError(str(error)) from error
        entries = fields.list_of("entries", MappingEntry.from_value, MAX_ENTRIES)
        former = fields.list_of("former", _digest, MAX_FORMER) if fields.has("former") else None
        mapping = cls(life, owner, key, entries, fields.flag("new"), fields.flag("released"), former or ())
        strictly_ascending(tuple(entry.msp for entry in entries), "entries")
        strictly_ascending(mapping.former, "former")
        if former == ():
            raise MalformedError("empty list of former keys; leave the field out")
        if mapping.is_released and entries:
            raise MalformedError("a CSI that is given up has no MSPs")
        if sum(len(one) for entry in entries for one in entry.tags) > MAX_ALL_TAGS:
            raise MalformedError(f"tags of more than {MAX_ALL_TAGS} octets together")
        if sum(entry.tags == (DEFAULT_TAG,) for entry in entries) > 1:
            raise MalformedError(f"more than one entry is tagged {DEFAULT_TAG}")
        return mapping


@dataclass(frozen=True, slots=True)
class Validation:
    """A validator's word: the holder of this recipient key proved possession of this CSI (fields as RFC 5105).

    Of one validator about one CSI the latest stands, so it vouches for one recipient at a time.

    Attributes:
        owner: The CSI's owner name.
        recipient: Digest of the recipient's key.
        validator: Whose word.
        method: How possession was proven, such as `sms` or `email`.
        since: Unix seconds of the first proof since which this recipient has held the CSI without a break.
        executed: Unix seconds of the last proof.
        mapping: Serial of the recipient's newest MAPPING that the validator knows, 0 for none: whoever shows this
            and no MAPPING as new has left it out.
    """

    kind: ClassVar[Kind] = Kind.VALIDATION
    life: Life
    owner: Name
    recipient: bytes
    validator: str
    method: str
    since: int
    executed: int
    mapping: int = 0

    def to_fields(self) -> dict[str, Any]:
        """Return the fields of the body."""
        return {
            "owner": names.to_text(self.owner),
            "recipient": self.recipient,
            "validator": self.validator,
            "method": self.method,
            "since": self.since,
            "executed": self.executed,
            "mapping": self.mapping,
        }

    @classmethod
    def from_fields(cls, life: Life, fields: Fields) -> "Validation":
        """Read the fields of the body."""
        validation = cls(
            life,
            _owner(fields),
            fields.octets("recipient", RECIPIENT_OCTETS),
            check_authority(fields.host("validator")),
            method(fields.text("method", MAX_METHOD)),
            fields.number("since", MAX_TIME),
            fields.number("executed", MAX_TIME),
            fields.number("mapping", MAX_SERIAL),
        )
        if not validation.since <= validation.executed <= life.issued:
            raise MalformedError("VALIDATION whose 'since', 'executed' and 'issued' are not in this order")
        return validation


@dataclass(frozen=True, slots=True)
class Revocation:
    """A CSIP's word: what was validated or asserted for this CSI before this instant no longer holds.

    Attributes:
        csip: Whose word.
        node: The owner name; or, if `is_block`, the node at or below which every CSI is meant.
        is_block: Whether it is about more than one CSI.
        before: Unix seconds; never ahead of `issued`.
        reason: For people.
    """

    kind: ClassVar[Kind] = Kind.REVOCATION
    life: Life
    csip: str
    node: Name
    is_block: bool
    before: int
    reason: str

    def speaks_for(self, owner: Name) -> bool:
        """Say whether it is about this CSI."""
        return names.covers(self.node, owner) if self.is_block else self.node == owner

    def to_fields(self) -> dict[str, Any]:
        """Return the fields of the body."""
        return {
            "csip": self.csip,
            "node": names.to_text(self.node),
            "block": self.is_block,
            "before": self.before,
            "reason": self.reason,
        }

    @classmethod
    def from_fields(cls, life: Life, fields: Fields) -> "Revocation":
        """Read the fields of the body."""
        revocation = cls(
            life,
            check_authority(fields.host("csip")),
            fields.name("node"),
            fields.flag("block"),
            fields.number("before", MAX_TIME),
            fields.text("reason", MAX_REASON),
        )
        if not is_revocable(revocation.node, is_block=revocation.is_block):
            raise MalformedError(f"REVOCATION at {names.to_text(revocation.node)}, which is none of a CSIP's names")
        if revocation.before > life.issued:
            raise MalformedError("REVOCATION of what is yet to come: 'before' is later than 'issued'")
        return revocation


def is_revocable(node: Name, *, is_block: bool) -> bool:
    """Say whether a CSIP can revoke at a name: of one person, or of all at or below a node of a scheme."""
    if not is_block:
        return identifiers.is_owner(node)
    return node != names.ROOT and identifiers.scheme_of(node) is not None


def tag(value: Any) -> str:
    """Read one tag: letters, digits, `-`, `.` and `_`; compared as it is, case and all."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TAG or value.strip(_TAG_CHARACTERS):
        raise MalformedError(f"tag is not 1 to {MAX_TAG} of A-Z, a-z, 0-9, '-', '.' and '_'")
    return value


def method(text: str) -> str:
    """Read the word for how possession was proven: lower-case letters, digits and `-`."""
    if not 0 < len(text) <= MAX_METHOD or text.strip(_METHOD_CHARACTERS):
        raise MalformedError(f"method is not 1 to {MAX_METHOD} of a-z, 0-9 and '-'")
    return text


def _owner(fields: Fields) -> Name:
    owner = fields.name("owner")
    if not identifiers.is_owner(owner):
        raise MalformedError(f"{names.to_text(owner)} is no name that a person can have")
    return owner


def _digest(value: Any) -> bytes:
    if not isinstance(value, bytes) or len(value) != RECIPIENT_OCTETS:
        raise MalformedError(f"former key is not the {RECIPIENT_OCTETS} octets of a digest")
    return value
