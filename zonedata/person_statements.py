"""What MSPs say about people: ASSERTION, BLOCK, DENIAL. And what a resolver reports: STATUS.

The three statements are signed by keys that an AUTHORITY binds; none names a tree, because an MSP says the
same in every tree that delegates to it. STATUS is signed by nobody: a hint, never evidence.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from zonedata import identifiers, names
from zonedata.errors import MalformedError
from zonedata.fields import Fields, check_authority, check_host, strictly_ascending
from zonedata.kinds import Kind, Role
from zonedata.life import Life
from zonedata.names import Name
from zonedata.standing import Standing
from zonedata.zone_statements import TREE_OCTETS

MAX_SSI: Final = 300  # octets; mimi://, a host of at most 253 and a user part
MIMI: Final = "mimi://"
NOT_IN_SSI: Final = ' ?#\\"<>'
MAX_FEATURES: Final = 16
MAX_FEATURE: Final = 32  # octets
RECIPIENT_OCTETS: Final = 32  # SHA-256 of the recipient's public key
MAX_EXCEPTIONS: Final = 40  # of one block; with more, split the block
NUMBER_HOLE: Final = "{number}"  # where a block's template takes the digits of the number asked for
MAX_STATUS: Final = 128  # rows: 64 authorities with two roles each
Rows = tuple[tuple[str, Role, Standing], ...]  # of a STATUS
_ROLES: Final = {role.value: role for role in Role}
_STANDINGS: Final = {standing.value: standing for standing in Standing}


def host_of_ssi(ssi: str) -> str:
    """Return the provider of a `mimi://` URI (draft-ietf-mimi-protocol).

    Raises:
        MalformedError: It is no such URI with a user, room or pseudonym path.
    """
    if not ssi.startswith(MIMI) or not ssi.isascii() or any(map(ssi.__contains__, NOT_IN_SSI)):
        raise MalformedError(f"SSI {ssi[:60]!r} is no mimi:// URI")
    host, slash, path = ssi[7:].partition("/")
    if slash and not path:
        raise MalformedError(f"SSI {ssi[:60]!r} has an empty path")
    return check_authority(host)


def _check_ssi(ssi: str, msp: str) -> str:
    if host_of_ssi(ssi) != msp:
        raise MalformedError(f"SSI {ssi[:60]!r} is not at the MSP that states it, {msp}")
    return ssi


@dataclass(slots=True, unsafe_hash=True)  # one a look-up: decision 0016
class Assertion:
    """An MSP's word: this CSI is reachable at this SSI.

    Attributes:
        owner: The CSI's owner name.
        msp: Whose word; the host of the SSI.
        ssi: Where the person is reachable, a `mimi://` URI.
        features: Short words for the sender's client, ascending.
        recipient: Digest of the recipient's key, or b"".
    """

    kind: ClassVar[Kind] = Kind.ASSERTION
    life: Life
    owner: Name
    msp: str
    ssi: str
    features: tuple[str, ...] = ()
    recipient: bytes = b""

    def to_fields(self) -> dict[str, Any]:
        """Return the fields of the body."""
        fields: dict[str, Any] = {"owner": names.to_text(self.owner), "msp": self.msp, "ssi": self.ssi}
        if self.features:
            fields["features"] = list(self.features)
        if self.recipient:
            fields["recipient"] = self.recipient
        return fields

    @classmethod
    def from_fields(cls, life: Life, fields: Fields) -> "Assertion":
        """Read the fields of the body."""
        msp = fields.host("msp")
        features = fields.list_of("features", feature, MAX_FEATURES) if fields.has("features") else None
        recipient = fields.octets("recipient", RECIPIENT_OCTETS) if fields.has("recipient") else b""
        if features == ():
            raise MalformedError("empty list of features; leave the field out")
        strictly_ascending(features or (), "features")
        owner = fields.name("owner")
        if not identifiers.is_owner(owner):
            raise MalformedError(f"{names.to_text(owner)} is no name that a person can have")
        ssi = _check_ssi(fields.text("ssi", MAX_SSI), msp)
        return cls(life, owner, msp, ssi, features or (), recipient)


@dataclass(slots=True, unsafe_hash=True)  # one a look-up: decision 0016
class Block:
    """An MSP's word for every number below a prefix.

    Attributes:
        node: The prefix.
        msp: Whose word; the host of the SSIs.
        template: An SSI in which `{number}` stands for the digits of the number.
        lengths: Total digits of the numbers it speaks for, ascending.
        exceptions: Digits after the prefix; for anything at or below these the block says nothing.
    """

    kind: ClassVar[Kind] = Kind.BLOCK
    life: Life
    node: Name
    msp: str
    template: str
    lengths: tuple[int, ...]
    exceptions: tuple[str, ...] = ()

    def to_fields(self) -> dict[str, Any]:
        """Return the fields of the body."""
        return {
            "node": names.to_text(self.node),
            "msp": self.msp,
            "template": self.template,
            "lengths": list(self.lengths),
            "exceptions": list(self.exceptions),
        }

    @classmethod
    def from_fields(cls, life: Life, fields: Fields) -> "Block":
        """Read the fields of the body."""
        msp = fields.host("msp")
        node = fields.name("node")
        if node != identifiers.node_from_text("+") and not (
            node.startswith(b"e164\0") and identifiers.is_owner(node)
        ):
            raise MalformedError(f"BLOCK at {names.to_text(node)}, which is no number prefix")
        template = fields.text("template", MAX_SSI)
        if template.count(NUMBER_HOLE) != 1:
            raise MalformedError(f"template {template[:60]!r} does not hold {NUMBER_HOLE} once")
        for digit in "01":  # two, so that the hole is seen when it stands in the host
            _check_ssi(template.replace(NUMBER_HOLE, digit), msp)
        lengths = fields.list_of("lengths", _length, identifiers.MAX_DIGITS)
        exceptions = fields.list_of("exceptions", _digits, MAX_EXCEPTIONS)
        strictly_ascending(lengths, "lengths")
        strictly_ascending(exceptions, "exceptions")
        if not lengths:
            raise MalformedError("BLOCK without a length speaks for nothing")
        return cls(life, node, msp, template, lengths, exceptions)

    def speaks_for(self, owner: Name) -> bool:
        """Say whether the block says where this number is reachable."""
        if not names.covers(self.node, owner) or not identifiers.is_owner(owner):
            return False
        digits = identifiers.digits_of(owner)
        rest = digits[names.depth(self.node) - 1 :]
        return len(digits) in self.lengths and not any(rest.startswith(e) for e in self.exceptions)

    def ssi_for(self, owner: Name) -> str:
        """Return the SSI of one number that the block speaks for."""
        return self.template.replace(NUMBER_HOLE, identifiers.digits_of(owner))


@dataclass(slots=True, unsafe_hash=True)  # one a look-up: decision 0016
class Denial:
    """An authority's word, asked in a role: I have nothing for this CSI.

    Attributes:
        as_of: Unix seconds at which what it looked in was signed; None where that is no earlier than `issued`.
    """

    kind: ClassVar[Kind] = Kind.DENIAL
    life: Life
    owner: Name
    authority: str
    role: Role
    as_of: int | None = None

    @property
    def ordered_at(self) -> int:
        """Unix seconds by which it is ordered with the `issued` of what is spoken in its role.

        A server that has not got the newest signing yet says truly that it has nothing, and knows no better: its
        word is not later than what that signing says.
        """
        return self.life.issued if self.as_of is None else self.as_of

    def to_fields(self) -> dict[str, Any]:
        """Return the fields of the body."""
        fields = {"owner": names.to_text(self.owner), "authority": self.authority, "role": self.role}
        return fields if self.as_of is None else {**fields, "as_of": self.as_of}

    @classmethod
    def from_fields(cls, life: Life, fields: Fields) -> "Denial":
        """Read the fields of the body."""
        owner, authority = fields.name("owner"), fields.host("authority")
        text = fields.text("role", 16)
        if text not in list(Role) or text == Role.REGISTRY:
            raise MalformedError(f"DENIAL in the role {text!r}, expected msp, validator or csip")
        as_of = fields.number("as_of", life.issued - 1) if fields.has("as_of") else None
        return cls(life, owner, authority, Role(text), as_of)


@dataclass(frozen=True, slots=True)
class Status:
    """A resolver's report on one question: how each authority stood. Unsigned.

    Attributes:
        rows: (authority, role, standing), ascending.
        tree: Id of the tree that it reports on, where the resolver holds several; else b"".
    """

    kind: ClassVar[Kind] = Kind.STATUS
    life: Life
    owner: Name
    rows: Rows
    tree: bytes = b""

    def to_fields(self) -> dict[str, Any]:
        """Return the fields of the body."""
        fields = {"owner": names.to_text(self.owner), "rows": [list(row) for row in self.rows]}
        return fields | {"tree": self.tree} if self.tree else fields

    @classmethod
    def from_fields(cls, life: Life, fields: Fields) -> "Status":
        """Read the fields of the body."""
        tree = fields.octets("tree", TREE_OCTETS) if fields.has("tree") else b""
        return cls(life, fields.name("owner"), in_order(fields.list_of("rows", status_row, MAX_STATUS)), tree)


def feature(value: Any) -> str:
    """Read one feature: lower-case letters, digits, `-`, `.` and `_`."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_FEATURE:
        raise MalformedError("feature is not 1 to 32 characters of text")
    if value.strip("abcdefghijklmnopqrstuvwxyz0123456789-._"):
        raise MalformedError(f"feature {value!r} holds a character other than a-z, 0-9, '-', '.' and '_'")
    return value


def _length(value: Any) -> int:
    if type(value) is not int or not 1 <= value <= identifiers.MAX_DIGITS:
        raise MalformedError(f"length is not a number from 1 to {identifiers.MAX_DIGITS}")
    return value


def _digits(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= identifiers.MAX_DIGITS:
        raise MalformedError(f"exception is not 1 to {identifiers.MAX_DIGITS} digits")
    if not (value.isascii() and value.isdigit()):
        raise MalformedError(f"exception {value!r} is not digits")
    return value


def status_row(value: Any) -> tuple[str, Role, Standing]:
    """Read one row of a STATUS."""
    if not isinstance(value, list) or len(value) != 3 or not all(isinstance(v, str) for v in value):
        raise MalformedError("row is not a list of authority, role and standing")
    role, standing = _ROLES.get(value[1]), _STANDINGS.get(value[2])
    if role is None or standing is None:
        raise MalformedError(f"row with the unknown word {value[1]!r} or {value[2]!r}")
    return check_host(value[0]), role, standing


def in_order(rows: Rows) -> Rows:
    """Return the rows of a STATUS, if each authority stands there once in a role, and all are in order."""
    strictly_ascending(tuple(row[:2] for row in rows), "rows")
    return rows
