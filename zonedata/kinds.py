"""The table of kinds: what each may be, who signs it, how long it may live.

A new kind is a new row here and a class in `zone_statements`, `person_statements` or `recipient_statements`.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from zonedata.codec import Caps

DAY = 86_400
YEAR = 366 * DAY
MAX_TTL = 7 * DAY  # no statement of a zone lives longer, so no cache need keep one longer


class Kind(IntEnum):
    """What a statement says; the number stands in its envelope, the lower-case name under its signature."""

    ROOTKEYS = 1
    ZONEDIGEST = 2
    AUTHORITY = 3
    DELEGATION = 4
    GAP = 5
    ASSERTION = 16
    BLOCK = 17
    DENIAL = 18
    MAPPING = 19
    VALIDATION = 20
    REVOCATION = 21
    STATUS = 255


class Use(StrEnum):
    """What a key may sign."""

    ROOT = "root"
    ZONE = "zone"
    ASSERT = "assert"
    DENY = "deny"
    VALIDATE = "validate"
    REVOKE = "revoke"
    RECIPIENT = "recipient"  # a person's own, in their MAPPING; no zone binds it


class Role(StrEnum):
    """What an authority is asked for at a node."""

    MSP = "msp"
    REGISTRY = "registry"
    VALIDATOR = "validator"
    CSIP = "csip"


class Assurance(StrEnum):
    """How well an assertion is vouched for, lowest first."""

    ASSERTED = "asserted"
    VALIDATED = "validated"
    AUTHORIZED = "authorized"


ASSURANCE_ORDER = {Assurance.ASSERTED: 0, Assurance.VALIDATED: 1, Assurance.AUTHORIZED: 2}


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one kind.

    Attributes:
        use: The use that the signing key must have.
        max_life: Seconds from `issued` to `expires` at most.
        caps: Of its body.
        max_signatures: How many an envelope may carry.
        max_ttl: Seconds for which one may be kept at most, whatever ttl it was signed with.
        serials: How many serials there are for a second: they are times of signing, and bounded as such.
    """

    use: Use
    max_life: int
    caps: Caps
    max_signatures: int = 1
    max_ttl: int = MAX_TTL
    serials: int = 1


SMALL = Caps(octets=900)  # with its envelope of 76 octets, a statement about one person stays under 1 KiB
LARGE = Caps(octets=32_768, elements=512)  # hundreds of grants; travels over TCP
FRESH = 300  # seconds: with the skew of 60 s what was removed or revoked is gone everywhere after 360 s
MILLISECONDS = 1_000  # serials a second of what people and validators sign: at any moment, and more often
MAX_ROOT_SIGNATURES = 32  # threshold of old and of new root keys, each list of at most 16

RULES: dict[Kind, Rules] = {
    Kind.ROOTKEYS: Rules(Use.ROOT, YEAR, Caps(octets=4_096), MAX_ROOT_SIGNATURES),
    Kind.ZONEDIGEST: Rules(Use.ZONE, 7 * DAY, SMALL),
    Kind.AUTHORITY: Rules(Use.ZONE, 7 * DAY, Caps(octets=4_096)),
    Kind.DELEGATION: Rules(Use.ZONE, 7 * DAY, LARGE),
    Kind.GAP: Rules(Use.ZONE, 7 * DAY, Caps(octets=1_024)),
    Kind.ASSERTION: Rules(Use.ASSERT, 30 * DAY, SMALL),
    Kind.BLOCK: Rules(Use.ASSERT, DAY, SMALL),
    Kind.DENIAL: Rules(Use.DENY, 600, SMALL, max_ttl=FRESH),
    Kind.MAPPING: Rules(Use.RECIPIENT, YEAR, SMALL, max_ttl=FRESH, serials=MILLISECONDS),
    Kind.VALIDATION: Rules(Use.VALIDATE, YEAR, SMALL, max_ttl=FRESH, serials=MILLISECONDS),
    Kind.REVOCATION: Rules(Use.REVOKE, 2 * YEAR, SMALL, max_ttl=FRESH),
}
ZONE_SIGNED = frozenset({Kind.ZONEDIGEST, Kind.AUTHORITY, Kind.DELEGATION, Kind.GAP})
MAX_SEALED = LARGE.octets + 2 + 11 + 64  # the longest envelope of any kind
