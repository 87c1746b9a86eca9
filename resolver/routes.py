"""Paths that were followed already, each kept for the part of the tree in which every name has the same one.

Following the path from the anchor costs more than all the rest of a look-up but the signature, and for nearly all
numbers of a prefix it comes to the same. Pure. What is kept is taken again only while everything it stands on is
held and counts: holdings count the changes that could lead elsewhere (`ZoneHoldings.changes`), and a path ends with
the first statement that it stands on.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from zonedata import names
from zonedata.holdings import ZoneHoldings
from zonedata.names import Name
from zonedata.path import Known, Path, follow
from zonedata.trust import Trust

MAX_OCTETS: Final = 32 * 2**20
ROUTE_OCTETS: Final = 1_500  # of one path with its lists; what it stands on is held anyway
GRANTEE_OCTETS: Final = 500  # of each authority on it
_NUMBER: Final = b"e164\0"


@dataclass(frozen=True, slots=True)
class _Route:
    """A path, and what must still be so.

    Attributes:
        path: For any owner below the node it is kept at.
        trust: The anchor it began at.
        keep: Unix seconds until which it counts.
        stands_on: The holdings of its zones, and how often each had changed.
        octets: What it takes.
    """

    path: Path
    trust: Trust
    keep: float
    stands_on: tuple[tuple[ZoneHoldings, int], ...]
    octets: int

    def counts(self, known: Known) -> bool:
        """Say whether following it anew would come to the same."""
        if self.keep <= known.now or self.trust is not known.trust:
            return False
        for holdings, changes in self.stands_on:  # noqa: SIM110 - a generator costs more than all else here
            if holdings.changes != changes:
                return False
        return True


class Routes:
    """Remembers paths. Owned by one resolver; bounded by octets, the oldest give way.

    Args:
        octets: It takes about as much as this.
    """

    def __init__(self, octets: int = MAX_OCTETS) -> None:
        self._most = octets
        self._routes: OrderedDict[Name, _Route] = OrderedDict()  # by node; oldest first
        self._lengths: list[int] = []  # of the number nodes in use, longest first: 15 at most
        self.octets = 0

    def __len__(self) -> int:
        return len(self._routes)

    def path(self, owner: Name, known: Known) -> Path:
        """Return what `follow` would, from memory where it can be."""
        for node in self._nodes_above(owner):
            route = self._routes.get(node)
            if route is not None:
                if route.counts(known):
                    return route.path.for_owner(owner)
                self._drop(node)
        path = follow(owner, known)
        if not path.needs:
            self._keep(path, known)
        return path

    def _nodes_above(self, owner: Name) -> list[Name]:
        """Return the nodes at which a path for the owner may be kept."""
        if owner.startswith(_NUMBER):
            return [Name(owner[:length]) for length in self._lengths if length < len(owner)]
        return [_parent(owner)]

    def _keep(self, path: Path, known: Known) -> None:
        node = _common_node(path, known)
        keep = path.keep(known.now)
        if node is None or keep <= known.now:
            return
        holdings = [known.held.zone(zone.signer.principal) for zone in path.zones]
        octets = ROUTE_OCTETS + GRANTEE_OCTETS * len(path.grantees)
        self._routes[node] = _Route(path, known.trust, keep, tuple((one, one.changes) for one in holdings), octets)
        self.octets += octets
        if node.startswith(_NUMBER) and len(node) not in self._lengths:
            self._lengths = sorted({*self._lengths, len(node)}, reverse=True)
        while self.octets > self._most:
            self._drop(next(iter(self._routes)))

    def _drop(self, node: Name) -> None:
        self.octets -= self._routes.pop(node).octets


def _parent(owner: Name) -> Name:
    return Name(owner[: owner.rfind(b"\0", 0, -1) + 1])


def _common_node(path: Path, known: Known) -> Name | None:
    """Return the highest node below which every name has this path; None when that is the owner alone.

    Below it no gap may end and no delegation of the path may stand. Whether a grant reaches a mail address depends
    on the label under its node too, so for addresses it is never higher than the domain's own addresses.
    """
    owner = path.owner
    spans = []
    least = len(_NUMBER) if owner.startswith(_NUMBER) else len(_parent(owner))
    for zone in path.zones:
        holdings = known.held.zone(zone.signer.principal)
        gap = holdings.gap_for(owner, zone.signer, known.now)
        assert gap is not None, "a zone is on the path with the gap that holds the owner"
        spans.append((gap.statement.first, gap.statement.next))
        least = max(least, *map(len, gap.statement.delegated_above(owner)), 0)
    for node in names.ancestors(owner):
        if len(node) < max(least, 1) or node == owner:
            continue
        if all(first <= node and (not after or names.end_of(node) <= after) for first, after in spans):
            return node
    return None
