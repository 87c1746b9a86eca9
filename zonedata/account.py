"""What a judgement stands on, step by step: for whoever tells it in words or draws it.

It looks up what the judgement was made of, with the functions that made it, and decides nothing anew. Pure.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from zonedata import names
from zonedata.findings import Finding
from zonedata.judgement import Hearing, Judgement
from zonedata.kinds import Role
from zonedata.names import Name
from zonedata.opening import Opened, Refusal
from zonedata.path import BindingNeed, Known, Zone, ZoneNeed, effective
from zonedata.trust import Trust
from zonedata.zone_statements import Authority, Delegation, Gap, Grant


class Bearing(StrEnum):
    """What a grant means for the owner."""

    REACHES = "reaches"
    BESIDE = "beside"  # it does not reach this owner: not granted deep
    ENDED = "ended"  # above a terminating node of the same zone


@dataclass(frozen=True, slots=True)
class Granted:
    """One grant of a delegation."""

    grant: Grant
    bearing: Bearing


@dataclass(frozen=True, slots=True)
class NodeAccount:
    """What a zone says at one node on the way.

    Attributes:
        node: Where; the zone's gap names it.
        opened: The delegation, or None where it was not shown.
        grants: Each with what it means.
    """

    node: Name
    opened: Opened[Delegation] | None
    grants: tuple[Granted, ...] = ()


@dataclass(frozen=True, slots=True)
class ZoneAccount:
    """One zone on the path.

    Attributes:
        zone: Which.
        is_shown: Whether its gap and every delegation that the gap names were shown.
        binding: Who bound it, None for the root.
        gap: The gap that holds the owner, or None.
        nodes: Where it delegates on the way, shortest first.
    """

    zone: Zone
    is_shown: bool
    binding: Opened[Authority] | None
    gap: Opened[Gap] | None
    nodes: tuple[NodeAccount, ...]

    @property
    def name(self) -> str:
        """Return its name, "." for the root."""
        return self.zone.signer.name


@dataclass(slots=True)
class PartyAccount:
    """One authority that the path grants in a role other than that of a registry.

    Attributes:
        name: Which.
        bindings: By which zones it is bound, and their statements; two of one name are two parties.
        findings: How it stands, a row for each role.
        unbound: In which roles it was granted though no zone binds it.
        wanted: Zones whose binding of it is wanted, and was not shown.
        refusals: What it said, or somebody said in its name, that was not believed.
    """

    name: str
    bindings: list[tuple[str, Opened[Authority]]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unbound: list[Role] = field(default_factory=list)
    wanted: list[str] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Account:
    """All of it.

    Attributes:
        judgement: What it came to.
        trust: The anchor, caught up.
        now: Unix seconds for which it was judged.
        zones: Root first.
        parties: In the order of their names.
        refusals: What was not believed and concerns no party.
    """

    judgement: Judgement
    trust: Trust
    now: float
    zones: tuple[ZoneAccount, ...]
    parties: tuple[PartyAccount, ...]
    refusals: tuple[Refusal, ...]

    def why_silent(self, zone: ZoneAccount) -> Finding | None:
        """Return the row of a zone that was not shown whole."""
        rows = [f for f in self.judgement.findings if f.role is Role.REGISTRY and f.authority == zone.name]
        return next((row for row in rows if not row.standing.is_proven), None)


def account_of(hearing: Hearing) -> Account:
    """Put together what a judgement stands on; of a hearing that had no recall."""
    path, known, judgement = hearing.path, hearing.known, hearing.judgement
    wanting = [need.zone for need in path.needs if isinstance(need, ZoneNeed)]
    zones = [*(_zone(zone, path.owner, known, is_shown=True) for zone in path.zones)]
    zones += [_zone(zone, path.owner, known, is_shown=False) for zone in wanting]
    parties = _parties(hearing)
    zone_names = {zone.name for zone in zones}
    others = []
    for refusal in judgement.refusals:
        if refusal.about in parties and refusal.about not in zone_names:
            parties[refusal.about].refusals.append(refusal)
        else:
            others.append(refusal)
    ordered = tuple(parties[name] for name in sorted(parties))
    return Account(judgement, known.trust, known.now, tuple(zones), ordered, tuple(others))


def _zone(zone: Zone, owner: Name, known: Known, *, is_shown: bool) -> ZoneAccount:
    holdings = known.held.zone(zone.signer.principal)
    gap = holdings.gap_for(owner, zone.signer, known.now)
    wanted = gap.statement.delegated_above(owner) if gap is not None else []
    nodes = [node for node in wanted if names.covers(zone.node, node)]
    opened = {node: holdings.delegation(node, zone.signer, known.now) for node in nodes}
    said = [one.statement for one in opened.values() if one is not None]
    reaching = {*effective(said, owner)}
    start = max([d.node for d in said if d.terminating], key=len, default=names.ROOT)
    accounts = []
    for node, one in opened.items():
        grants = one.statement.grants if one is not None else ()
        otherwise = Bearing.ENDED if len(node) < len(start) else Bearing.BESIDE
        granted = [Granted(g, Bearing.REACHES if (node, g) in reaching else otherwise) for g in grants]
        accounts.append(NodeAccount(node, one, tuple(granted)))
    return ZoneAccount(zone, is_shown, _binding(zone, known), gap, tuple(accounts))


def _binding(bound: Zone, known: Known) -> Opened[Authority] | None:
    for upper in bound.above:
        if upper.signer.principal == bound.signer.principal[:-1]:
            return known.held.zone(upper.signer.principal).authority(bound.signer.name, upper.signer, known.now)
    return None


def _parties(hearing: Hearing) -> dict[str, PartyAccount]:
    path, known, found = hearing.path, hearing.known, dict[str, PartyAccount]()

    def party(name: str) -> PartyAccount:
        return found.setdefault(name, PartyAccount(name))

    zones = {zone.signer.principal: zone.signer for zone in path.zones}
    for principal, grantee in path.grantees.items():
        upper, name = zones[principal[:-1]], grantee.signer.name
        binding = known.held.zone(upper.principal).authority(name, upper, known.now)
        if binding is not None:
            party(name).bindings.append((upper.name, binding))
    for name, role in sorted(set(path.unbound)):
        party(name).unbound.append(role)
    for need in path.needs:
        if isinstance(need, BindingNeed):
            party(need.authority).wanted.append(need.zone.signer.name)
    for finding in hearing.judgement.findings:
        if finding.authority in found and (
            finding.role is not Role.REGISTRY or finding.role in found[finding.authority].unbound
        ):
            found[finding.authority].findings.append(finding)
    return found
