"""What of a proof belongs to other trees, where a resolver holds several: set aside before one is judged. Pure.

A statement of a zone names its tree. What people are told names none, because an MSP says the same in every tree
that delegates to it; of these only what is signed with a key that another tree alone binds to that name is passed
over. Nothing is believed here: what is set aside could only have been refused, at step 4 or at step 6.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from zonedata.kinds import ZONE_SIGNED, Kind
from zonedata.opening import Claim
from zonedata.zone_statements import Authority

_OF_TREES: Final = ZONE_SIGNED | {Kind.ROOTKEYS}
NO_TREES: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True)
class Sorted:
    """A proof without what belongs to other trees.

    Attributes:
        claims: The rest, as it was shown.
        keys: Ids of the keys that other trees bind to a name, by the name.
    """

    claims: list[Claim]
    keys: dict[str, set[bytes]] = field(default_factory=dict)


def set_aside(claims: Iterable[Claim], others: frozenset[bytes]) -> Sorted:
    """Take out what zones of other trees say.

    Args:
        claims: Everything shown.
        others: Ids of trees that are judged by themselves, or by nobody.
    """
    rest: list[Claim] = []
    keys: dict[str, set[bytes]] = {}
    for claim in claims:
        if claim.sealed.kind not in _OF_TREES or getattr(claim.statement, "tree", None) not in others:
            rest.append(claim)
        elif isinstance(claim.statement, Authority):
            bound = keys.setdefault(claim.statement.authority, set())
            bound.update(key.public.key_id for key in claim.statement.keys)
    return Sorted(rest, keys)
