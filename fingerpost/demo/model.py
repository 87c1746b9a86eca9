"""What a look-up must come to, worked out from the plan by the plainest means.

Pure, and independent of the code it is to judge: prefixes are texts here, nothing is signed, and no name of the
tree is made.
"""

from dataclasses import dataclass

from fingerpost.demo.people import BLOCKS
from fingerpost.demo.plan import LIVE, REGISTRY, Grant, Plan, ZonePlan


@dataclass(frozen=True, slots=True)
class Expected:
    """What a look-up must come to.

    Attributes:
        outcome: `found`, `none` or `incomplete`.
        complete: Whether everybody on the path can be heard.
        msps: Who must say where the person is reachable, ascending.
        asked: Every authority on the path, ascending.
        below: Whether the path goes through the registry.
    """

    outcome: str
    complete: bool
    msps: tuple[str, ...]
    asked: tuple[str, ...]
    below: bool


class Model:
    """The tables of the plan, by which questions are answered.

    Args:
        plan: Who is granted what.
        known: Which numbers and addresses each running provider has a line of its own for.
    """

    def __init__(self, plan: Plan, known: dict[str, frozenset[str]]) -> None:
        self._zones: tuple[tuple[ZonePlan, dict[str, list[Grant]]], ...] = (
            (plan.root, plan.root.at()),
            (plan.registry, plan.registry.at()),
        )
        self._known = known

    def expected(self, csi: str) -> Expected:
        """Say what a look-up of a number or an address must come to."""
        (root, root_grants), (registry, registry_grants) = self._zones
        grants = _on_path(root, root_grants, csi)
        below = any(grant.authority == REGISTRY for grant in grants)
        if below:
            grants += _on_path(registry, registry_grants, csi)
        asked = {grant.authority for grant in grants if grant.role == "msp"}
        complete = asked <= set(LIVE)
        msps = tuple(sorted(name for name in asked if name in LIVE and self._answers(name, csi)))
        absent = "none" if complete else "incomplete"
        return Expected("found" if msps else absent, complete, msps, tuple(sorted(asked)), below)

    def speaks_by_block(self, msp: str, csi: str) -> bool:
        """Say whether a provider answers with a block: the longest over the number alone, if it has no line."""
        if csi in self._known[msp]:
            return False
        over = [block for block in BLOCKS.get(msp, ()) if block.covers(csi)]
        return bool(over) and max(over, key=lambda block: len(block.prefix)).speaks_for(csi)

    def _answers(self, msp: str, csi: str) -> bool:
        return csi in self._known[msp] or self.speaks_by_block(msp, csi)


def _on_path(zone: ZonePlan, grants: dict[str, list[Grant]], csi: str) -> list[Grant]:
    """Return one zone's grants on the way to an identifier, less what a terminating node drops."""
    if not csi.startswith("+"):
        domain = csi.partition("@")[2]
        labels = domain.split(".")
        found = list(grants.get(f"@{domain}", []))
        for start in range(1, len(labels)):
            found += [grant for grant in grants.get("@" + ".".join(labels[start:]), []) if grant.deep]
        return found
    path: list[Grant] = []
    for length in range(1, len(csi) + 1):
        if csi[:length] in zone.terminating:
            path = []
        path += grants.get(csi[:length], [])
    return path
