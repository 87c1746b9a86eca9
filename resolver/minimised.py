"""How much of a name a zone is asked about: what tells its delegations, and little more (as RFC 9156). Pure.

A zone's reply to ZONE at a shorter name has the delegations above that name and the gap that holds it. If this gap
holds the owner too, the delegations are those of the owner, and nothing deeper needs to be asked: a node between
the two names would stand in the gap. If it does not, its `next` lies between them, so no name serves that is not
longer than what both have in common; that is what is asked next, unless `next` is itself above the owner, and then
it is asked. What is held from before serves in the same way, so most zones are asked once.

RFC 9156 adds a label each time and then more of them; here the gap says how many. Its bound is kept: after the
first few questions each adds twice as many labels as the one before, so a number takes six at the most.
"""

from typing import Final

from zonedata import names
from zonedata.names import Name
from zonedata.zone_statements import Gap

FIRST_DIGITS: Final = 5  # a country and, mostly, its area or carrier; of eleven digits a million numbers are left
FIRST_LABELS: Final = 2  # of a mail domain: most are registered so, and as many domains hang below a shorter one
BELOW: Final = 2  # labels below the zone's own node: what it has was granted for that
ONE_BY_ONE: Final = 3  # questions that add no more labels than are needed

_NUMBER: Final = b"e164\0"


class Minimised:
    """What one zone is asked on the way to one owner, name by name.

    Args:
        owner: The name that is looked for.
        node: Where the zone was granted.
    """

    __slots__ = ("_count", "_least", "_most", "_owner", "_questions", "_start", "_stride")

    def __init__(self, owner: Name, node: Name) -> None:
        self._owner = owner
        self._questions = 0
        self._stride = 1
        self._count = -1  # labels of the last name
        whole = names.depth(owner)
        if owner.startswith(_NUMBER):
            self._most, first = whole, 1 + FIRST_DIGITS
        else:
            # The label of a mail address is nobody's node: zones never see it.
            self._most, first = whole - 1, 1 + FIRST_LABELS
        self._least = max(1, names.depth(node))
        self._start = max(first, names.depth(node) + BELOW)

    def next(self, nearest: Gap | None) -> Name | None:
        """Return the name to ask the zone about next; None when nothing more is to be learnt.

        Args:
            nearest: The last gap that the zone is known to have at or before the owner, whether it still counts or
                not; None when none is known.
        """
        if self._count >= self._most:
            return None
        count = self._start
        if nearest is not None:
            needed = max(self._least, labels_needed(self._owner, nearest))
            count = needed if self._questions or nearest.holds(self._owner) else max(count, needed)
        if self._questions >= ONE_BY_ONE:
            self._stride *= 2
        if self._questions:
            count = max(count, self._count + self._stride)
        self._questions += 1
        self._count = min(count, self._most)
        return names.ancestor(self._owner, self._count)


def labels_needed(owner: Name, gap: Gap) -> int:
    """Return how many labels of the owner a zone must be told, at the least, that has this gap at or before it."""
    bound = gap.next if gap.next and gap.next <= owner else gap.first
    if names.covers(bound, owner):
        return names.depth(bound)
    common = 0
    for ours, theirs in zip(names.labels_of(owner), names.labels_of(bound), strict=False):
        if ours != theirs:
            break
        common += 1
    return common + 1
