"""What one client question may cost: made once, shared by every branch and retry, never reset, never copied."""

from dataclasses import dataclass, field

TOTAL_SECONDS = 5.0  # of one question; clients give up then
AUTHORITY_SECONDS = 1.0  # for one authority, all tries: a dead one costs its own answer only
ZONE_SECONDS = 2.0  # for one zone: nothing below it can be asked without it
WALK_PACKETS = 8  # to zones on the way; two or three are usual
AUTHORITY_PACKETS = 3  # to each authority, finding out who it is included
MAX_AUTHORITIES = 64  # asked in all; the rest is reported as unasked
MAX_AT_ONCE = 32  # authorities asked at a time
MAX_OCTETS = 16_384  # of one authority's reply


@dataclass(slots=True)
class Allowance:
    """What is left for one question.

    Attributes:
        walk: Packets for the walk.
        authorities: Authorities that may still be asked.
    """

    walk: int = WALK_PACKETS
    authorities: int = MAX_AUTHORITIES
    _spent: dict[str, int] = field(default_factory=dict)

    def take_walk(self) -> bool:
        """Take a packet to a zone; False when there is none left."""
        self.walk -= 1
        return self.walk >= 0

    def take_authority(self, authority: str) -> bool:
        """Take a packet for an authority; False when its share, or the number of authorities, is spent."""
        spent = self._spent.get(authority)
        if spent is None:
            if self.authorities == 0:
                return False
            self.authorities -= 1
            spent = 0
        self._spent[authority] = spent + 1
        return spent < AUTHORITY_PACKETS
