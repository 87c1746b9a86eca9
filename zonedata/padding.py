"""To what length an answer is padded where it is encrypted, so that it tells nothing (RFC 7830, RFC 8467). Pure.

Blocks alone would not do: who is found at three services gets a longer answer than who is found at none, and the
block in which it ends says so. So the length is reckoned from what anybody may know, the delegations on the path:
each party asked has room for the longest that it usually says, whether it says that or a denial. What is longer
than that room takes more, and then as much again.
"""

from collections.abc import Iterable
from typing import Final

from zonedata.kinds import Role

BLOCK: Final = 468  # octets; RFC 8467 section 4.1 for replies
QUERY_BLOCK: Final = 128  # octets; the same for queries
SHARES: Final = {  # blocks for what a party says about one CSI, beside the one for header and question
    Role.MSP: 1,  # an assertion with its record takes some 300 octets, a denial 220
    Role.CSIP: 1,  # a revocation takes some 250
    Role.VALIDATOR: 3,  # a validation and a mapping: some 300, and 300 to 1,000
    Role.REGISTRY: 0,  # its statements are of its zone, and counted as they are
}
ROWS_A_BLOCK: Final = 8  # parties in a STATUS that one block has room for; names are of 20 octets or so


def room_for(roles: Iterable[Role]) -> int:
    """Return the octets to pad to for whatever parties in these roles say about one CSI."""
    return BLOCK * (1 + sum(SHARES[role] for role in roles))


def room_with_proof(roles: Iterable[Role], zones: int) -> int:
    """Return the octets to pad to when the proof is there too.

    Args:
        roles: Of the parties asked, each as often as it is asked.
        zones: Octets of the zones' statements: delegations, gaps, bindings, versions of the root's keys.
    """
    asked = list(roles)
    blocks = 1 + len(asked) // ROWS_A_BLOCK + -(-zones // BLOCK)
    return room_for(asked) + BLOCK * blocks


def padded(octets: int, room: int) -> int:
    """Return the length that a message of so many octets is to have: the least multiple of the room."""
    return -(-octets // room) * room
