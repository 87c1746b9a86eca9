"""Statements as bytes: body to statement, statement to body, sealing.

Reading a body here proves nothing about who wrote it; `opening` does that.
"""

from typing import Any, Final, Protocol

from zonedata import codec
from zonedata.errors import MalformedError
from zonedata.fields import Fields
from zonedata.keys import PrivateKey
from zonedata.kinds import RULES, Kind
from zonedata.life import Life
from zonedata.person_statements import Assertion, Block, Denial, Status
from zonedata.recipient_statements import Mapping, Revocation, Validation
from zonedata.sealed import Sealed, seal_body
from zonedata.zone_statements import Authority, Delegation, Gap, RootKeys, ZoneDigest

ZoneStatement = RootKeys | ZoneDigest | Authority | Delegation | Gap
PersonStatement = Assertion | Block | Denial | Mapping | Validation | Revocation
Statement = ZoneStatement | PersonStatement | Status
STATUS_CAPS: Final = codec.Caps(octets=16_384, elements=128)  # a row for every authority that may be asked


class _Readable(Protocol):
    @classmethod
    def from_fields(cls, life: Life, fields: Fields) -> Any: ...


_CLASSES: dict[Kind, type[_Readable]] = {
    Kind.ROOTKEYS: RootKeys,
    Kind.ZONEDIGEST: ZoneDigest,
    Kind.AUTHORITY: Authority,
    Kind.DELEGATION: Delegation,
    Kind.GAP: Gap,
    Kind.ASSERTION: Assertion,
    Kind.BLOCK: Block,
    Kind.DENIAL: Denial,
    Kind.MAPPING: Mapping,
    Kind.VALIDATION: Validation,
    Kind.REVOCATION: Revocation,
    Kind.STATUS: Status,
}


def to_body(statement: Statement) -> bytes:
    """Write the canonical body."""
    return codec.pack({**statement.life.to_fields(), **statement.to_fields()})


def read_untrusted(sealed: Sealed) -> Statement:
    """Read what an envelope claims to say.

    Raises:
        MalformedError: The body is not canonical, or no statement of its kind.
    """
    rules = RULES.get(sealed.kind)
    fields = Fields(codec.unpack(sealed.body, rules.caps if rules else STATUS_CAPS))
    statement: Statement = _CLASSES[sealed.kind].from_fields(Life.from_fields(fields), fields)
    fields.done()
    return statement


def seal(statement: Statement, *keys: PrivateKey) -> Sealed:
    """Sign a statement; several keys for ROOTKEYS only, none for STATUS.

    Checks the length alone. Reading it back would add 15 to 30 us to each of a million signings; whoever takes
    fields from outside checks them where they enter (`zonefile`, `listings`, `root.publishing`).

    Raises:
        MalformedError: The body is longer than its kind may be.
    """
    sealed = seal_body(statement.kind, to_body(statement), list(keys))
    rules = RULES.get(sealed.kind)
    if rules is not None and len(sealed.body) > rules.caps.octets:
        raise MalformedError(
            f"{sealed.kind.name} of {len(sealed.body)} octets, at most {rules.caps.octets} are allowed"
        )
    return sealed
