"""What one client question may cost: made once, shared by every branch and retry, never reset, never copied."""

from dataclasses import dataclass, field
from typing import Final

TOTAL_SECONDS: Final = 5.0  # of one question; clients give up then
AUTHORITY_SECONDS: Final = 1.0  # for one authority, all tries: a dead one costs its own answer only
ZONE_SECONDS: Final = 2.0  # for one zone: nothing below it can be asked without it
WALK_PACKETS: Final = 16  # to zones on the way; two to four are usual, each with as few labels as tell it
AUTHORITY_PACKETS: Final = 3  # to each authority
BINDING_PACKETS: Final = 3  # to each zone that may bind an authority's name, to find out who it is
MAX_AUTHORITIES: Final = 64  # asked in all, and as many names found out; the rest is reported as unasked
MAX_AT_ONCE: Final = 32  # authorities asked at a time
MAX_OCTETS: Final = 16_384  # of one authority's reply


@dataclass(slots=True)
class Allowance:
    """What is left for one question.

    Attributes:
        walk: Packets for the walk.
    """

    walk: int = WALK_PACKETS
    _bindings: dict[tuple[str, ...], int] = field(default_factory=dict)
    _authorities: dict[tuple[str, ...], int] = field(default_factory=dict)

    def take_walk(self) -> bool:
        """Take a packet to a zone; False when there is none left."""
        self.walk -= 1
        return self.walk >= 0

    def take_binding(self, who: tuple[str, ...]) -> bool:
        """Take a packet to find out who an authority is; False when there is none left for that, or for more names.

        Args:
            who: The authority's name, then the principal of the zone that is asked.
        """
        return _take(self._bindings, who, 2 * MAX_AUTHORITIES, BINDING_PACKETS)

    def may_bind(self) -> bool:
        """Say whether one more authority may be found out."""
        return len(self._bindings) < 2 * MAX_AUTHORITIES

    def take_authority(self, principal: tuple[str, ...]) -> bool:
        """Take a packet to an authority; False when its share, or the number of authorities, is spent."""
        return _take(self._authorities, principal, MAX_AUTHORITIES, AUTHORITY_PACKETS)


def _take(spent: dict[tuple[str, ...], int], key: tuple[str, ...], most: int, share: int) -> bool:
    if key not in spent and len(spent) == most:
        return False
    spent[key] = spent.get(key, 0) + 1
    return spent[key] <= share
