"""How one authority stands to one question."""

from enum import StrEnum
from typing import Final


class Standing(StrEnum):
    """One word for each end that asking an authority can come to.

    The first group is proven by signed statements. The second is why a proof is missing; it makes the answer
    incomplete, and the sender can ask the authority directly.
    """

    ASSERTED = "asserted"
    DENIED = "denied"
    REFERRED = "referred"  # a registry showed its delegations and its gap
    INSUFFICIENT = "insufficient"  # asserted, but below the assurance that the delegation demands
    VALIDATED = "validated"  # a validator vouches for the recipient whose word counts
    CONTESTED = "contested"  # speaks for another recipient than the one whose claim to the CSI stands
    REVOKED = "revoked"  # ended by the CSIP, or by the recipient who gave the CSI up
    WITHHELD = "withheld"  # the recipient's mapping does not list this MSP

    UNREACHABLE = "unreachable"  # no server answered
    UNAUTHENTICATED = "unauthenticated"  # a server has another key than the one signed for it: not who it is to be
    UNENCRYPTED = "unencrypted"  # its servers take plain DNS alone, which is not to leave this machine
    REFUSED = "refused"  # it answered, but not this question: REFUSED, SERVFAIL and the like
    BOGUS = "bogus"  # what it said was refused at a verification step
    UNASKED = "unasked"  # the allowance of the question was spent
    LIMITED = "limited"  # as much is asked of it already as may be, whoever asks
    MISSING = "missing"  # nothing was shown and no reason given
    STALE = "stale"  # it is silent now; what it said before has not expired, and is not used

    @property
    def is_proven(self) -> bool:
        """Say whether signed statements carry this standing."""
        return self in _PROVEN


_PROVEN: Final = frozenset(
    {
        Standing.ASSERTED,
        Standing.DENIED,
        Standing.REFERRED,
        Standing.INSUFFICIENT,
        Standing.VALIDATED,
        Standing.CONTESTED,
        Standing.REVOKED,
        Standing.WITHHELD,
    }
)
