"""How one authority stands to one question."""

from enum import StrEnum


class Standing(StrEnum):
    """One word for each end that asking an authority can come to.

    The first group is proven by signed statements. The second is why a proof is missing; it makes the answer
    incomplete, and the sender can ask the authority directly.
    """

    ASSERTED = "asserted"
    DENIED = "denied"
    REFERRED = "referred"  # a registry showed its delegations and its gap
    INSUFFICIENT = "insufficient"  # asserted, but below the assurance that the delegation demands
    REVOKED = "revoked"
    WITHHELD = "withheld"

    UNREACHABLE = "unreachable"  # no server answered
    REFUSED = "refused"  # it answered, but not this question: REFUSED, SERVFAIL and the like
    BOGUS = "bogus"  # what it said was refused at a verification step
    UNASKED = "unasked"  # the allowance of the question was spent
    MISSING = "missing"  # nothing was shown and no reason given
    STALE = "stale"

    @property
    def is_proven(self) -> bool:
        """Say whether signed statements carry this standing."""
        return self in _PROVEN


_PROVEN = frozenset(
    {
        Standing.ASSERTED,
        Standing.DENIED,
        Standing.REFERRED,
        Standing.INSUFFICIENT,
        Standing.REVOKED,
        Standing.WITHHELD,
    }
)
