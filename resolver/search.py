"""What one question has so far: what was asked, what is held about its owner, why somebody gave nothing.

Left out: asking, and deciding whom to ask next, which are the finder's.
"""

from dataclasses import dataclass, field, replace
from typing import Final, cast

import trio

from resolver.allowance import Allowance
from resolver.proven.store import Proven
from resolver.upstream import Watch
from zonedata.findings import Finding
from zonedata.holdings import Holdings, Principal
from zonedata.identifiers import authority_node
from zonedata.names import Name
from zonedata.opening import Opened, Refusal, Step
from zonedata.path import BindingNeed, Grantee, Need, Path
from zonedata.standing import Standing
from zonedata.statements import Statement

UNKNOWN: Final = "unknown"  # whom a refusal is about when what was shown could not be read
MAX_REFUSALS: Final = 8  # of one party kept in one search: all that its servers may show it of one question


@dataclass(slots=True)
class Search:
    """The state of one question. Owned by `Finder.find`; its tasks change it between their waits only.

    Attributes:
        owner: The name asked about.
        watch: Told of every exchange.
        now: Unix seconds at which it began; what could be used then can be used to its end.
        held: Statements of zones, shared with other searches, and what was said about the owner, its own.
        allowance: What is left to spend.
        gate: How many authorities are asked at a time; None where it is one.
        asked: Needs and authorities that are being asked for or were.
        under_way: How many tasks are asking.
        news: Set when one of them has ended.
        spoken: By principal, an authority that has said all it owes, and how it stands.
        reasons: Why an authority or a zone gave nothing.
        refusals: What was shown and not believed, by the party that was asked.
        recalled: What the store of proven statements was asked for.
    """

    owner: Name
    watch: Watch | None
    now: float
    held: Holdings
    allowance: Allowance = field(default_factory=Allowance)
    gate: trio.CapacityLimiter | None = None
    asked: set[object] = field(default_factory=set)
    under_way: int = 0
    news: trio.Event = field(default_factory=trio.Event)
    spoken: dict[Principal, tuple[Grantee, list[Finding]]] = field(default_factory=dict)
    reasons: dict[Principal, Standing] = field(default_factory=dict)
    refusals: dict[Principal, list[Refusal]] = field(default_factory=dict)
    recalled: set[object] = field(default_factory=set)

    @property
    def refused(self) -> list[Refusal]:
        """Return what was not believed of all parties, in the order in which they first were not."""
        return [refusal for refusals in self.refusals.values() for refusal in refusals]

    def note(self, principal: Principal, refusals: list[Refusal]) -> None:
        """Remember what was refused of one reply of a party."""
        noted = self.refusals.setdefault(principal, [])
        noted += [_at(principal, refusal) for refusal in refusals[: MAX_REFUSALS - len(noted)]]

    def acquit(self, principal: Principal, step: Step) -> None:
        """Forget what was refused of a party at a step, since the fault was ours."""
        noted = self.refusals.get(principal, [])
        noted[:] = [refusal for refusal in noted if refusal.step is not step]

    def recall(self, path: Path, proven: Proven, now: float) -> bool:
        """Take what the path needs out of the store of proven statements; say whether it may lead further now.

        Args:
            path: As far as it leads.
            proven: The store; asked once for each thing.
            now: Unix seconds.
        """
        leads = False
        for need in path.needs:
            if need.key not in self.recalled:
                self.recalled.add(need.key)
                signer = need.zone.signer
                holdings = self.held.zone(signer.principal)
                for opened in self._proven_for(need, proven, now):
                    leads |= holdings.add(opened, signer, now) is None
        for principal, grantee in path.grantees.items():
            if principal not in self.recalled:
                self.recalled.add(principal)
                said = self.held.about(principal, self.owner)
                for opened in proven.said(grantee.signer, self.owner, now):
                    said.add(opened, grantee.signer, now)
        return leads

    def _proven_for(self, need: Need, proven: Proven, now: float) -> list[Opened[Statement]]:
        signer = need.zone.signer
        if not isinstance(need, BindingNeed):
            return proven.zone_for(signer, self.owner, now)
        binding = proven.authority(signer, need.authority, now)
        if binding is not None:
            return [cast("Opened[Statement]", binding)]
        return proven.zone_for(signer, authority_node(need.authority), now)


def _at(principal: Principal, refusal: Refusal) -> Refusal:
    """Lay a refusal at the door of the party that was asked, whoever else a statement of its claims to be by."""
    name = principal[-1] if principal else "."
    if refusal.about == name:
        return refusal
    why = refusal.why if refusal.about == UNKNOWN else f"{refusal.about}: {refusal.why}"
    return replace(refusal, about=name, why=why)


def key_of(grantee: Grantee) -> object:
    """Identify within a search what an authority is asked: once more when it turns out to have more roles."""
    return grantee.signer.principal, frozenset(grantee.roles)
