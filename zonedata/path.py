"""From the trust anchor to the authorities for one owner: which zones, which grants, what is still missing.

Pure. `follow` looks at what is held and says how far it leads; whoever calls it fetches what is needed (from
servers, or out of a proof), admits it (`admission`), and calls again. It always starts at the root, so
the result depends on what is held and not on the order in which it came.

Delegations are additive: the grants of every node on the path count, of every zone on the path. A registry's
grants count at or below the node at which it was granted, its own `registry` grants strictly below, so every
step goes deeper and the walk ends.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from zonedata import identifiers, names
from zonedata.holdings import Holdings, Principal
from zonedata.kinds import ASSURANCE_ORDER, Assurance, Kind, Role
from zonedata.names import Name
from zonedata.opening import Opened, Refusal, Signer, Step, Verifies, verifies
from zonedata.statements import Statement
from zonedata.trust import Trust
from zonedata.zone_statements import Delegation, Grant, Server

MAX_DEPTH: Final = 8  # zones below one another; E.164 has 15 digits, real plans delegate three or four times


def _tell_nobody(signer: Signer, opened: Opened[Statement], now: float) -> None:
    """Do nothing; for those who keep nothing beside what is held."""


def _bar_nothing(_signer: Signer, _statement: Statement, _now: float) -> str | None:
    """Return None: who keeps no floors refuses by what is held alone."""
    return None  # mypyc takes a body without any statement for one that never returns


@dataclass(slots=True)  # one a look-up: decision 0016
class Known:
    """What is known at one instant, and the instant.

    Attributes:
        trust: The anchor.
        held: What has been opened.
        now: Unix seconds.
        check: Checks signatures.
        told: Is told what was opened and is held now, whose it is, and `now`.
        barred: Says why a party's statement is too early, whether or not what is later is held; or None.
        is_of_trees: Whether several trees show what people are told. Each may know one authority's word of another
            time, so of what is shown beside one another the earlier is held first.
    """

    trust: Trust
    held: Holdings
    now: float
    check: Verifies = verifies
    told: Callable[[Signer, Opened[Statement], float], None] = _tell_nobody
    barred: Callable[[Signer, Statement, float], str | None] = _bar_nothing
    is_of_trees: bool = False


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone on the path.

    Attributes:
        signer: Whom to believe.
        node: Where it was granted; it says nothing above.
        servers: Whom to ask.
        above: The zones from the root down to the one that granted it.
    """

    signer: Signer
    node: Name
    servers: tuple[Server, ...]
    above: tuple["Zone", ...] = ()

    @property
    def lineage(self) -> tuple["Zone", ...]:
        """Return the zones from the root down to this one."""
        return (*self.above, self)


@dataclass(slots=True)
class Grantee:
    """An authority that is to be asked about the owner.

    Attributes:
        signer: Whom to believe.
        servers: Whom to ask.
        roles: In which roles it was granted, each with the least assurance that any grant accepts.
    """

    signer: Signer
    servers: tuple[Server, ...]
    roles: dict[Role, Assurance] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ZoneNeed:
    """Wanted from a zone: its delegations on the way to the owner and the gap that holds the owner."""

    zone: Zone

    @property
    def key(self) -> tuple[Principal, str]:
        """Identify the need within one look-up."""
        return self.zone.signer.principal, ""


@dataclass(frozen=True, slots=True)
class BindingNeed:
    """Wanted from a zone: the AUTHORITY of a name, or the gap that shows it has none."""

    zone: Zone
    authority: str

    @property
    def key(self) -> tuple[Principal, str]:
        """Identify the need within one look-up."""
        return self.zone.signer.principal, self.authority


Need = ZoneNeed | BindingNeed


@dataclass(slots=True)
class Path:
    """How far what is held leads.

    Attributes:
        owner: The name that is looked for.
        zones: Zones whose delegations and gap are held, root first.
        grantees: By principal, the authorities to ask.
        needs: What is still missing; empty when the path is whole.
        unbound: Granted names that lead nowhere, with the role they were granted: no zone on the path binds
            them, or their zone lies too deep.
        refusals: Grants and bindings that do not count, with the step.
        evidence: Every statement that the path stands on.
    """

    owner: Name
    zones: list[Zone] = field(default_factory=list)
    grantees: dict[Principal, Grantee] = field(default_factory=dict)
    needs: list[Need] = field(default_factory=list)
    unbound: list[tuple[str, Role]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    evidence: dict[int, Opened[Statement]] = field(default_factory=dict)

    def for_owner(self, owner: Name) -> "Path":
        """Return the same path for another name that has it, too."""
        return Path(owner, self.zones, self.grantees, self.needs, self.unbound, self.refusals, self.evidence)

    def stands_on(self, opened: Opened[Statement]) -> None:
        """Add to the evidence, once."""
        self.evidence[id(opened)] = opened

    def keep(self, now: float) -> float:
        """Return until when the path may be used without asking again."""
        return min((opened.keep for opened in self.evidence.values()), default=now)


def follow(owner: Name, known: Known) -> Path:
    """Say how far what is held leads from the anchor towards the owner."""
    path = Path(owner)
    root = Zone(known.trust.signer(), names.ROOT, known.trust.servers)
    visited: dict[Principal, Name] = {(): names.ROOT}
    needed: dict[tuple[Principal, str], Need] = {}
    queue = deque([root])
    while queue:
        zone = queue.popleft()
        delegations = _delegations_of(zone, path, known)
        if delegations is None:
            need = ZoneNeed(zone)
            needed.setdefault(need.key, need)
            continue
        path.zones.append(zone)
        for node, grant in effective(delegations, owner):
            found = _bind(zone, grant.authority, path, known)
            if found is None:
                path.unbound.extend((grant.authority, role) for role in grant.roles)
            elif isinstance(found, BindingNeed):
                needed.setdefault(found.key, found)
            else:
                _enter(Zone(found.signer, node, found.servers, zone.lineage), grant, path, visited, queue)
    path.needs = list(needed.values())
    return path


def _delegations_of(zone: Zone, path: Path, known: Known) -> list[Delegation] | None:
    """Return the zone's delegations on the way to the owner, all that its gap names; None when one is not held.

    This is step 11: the gap names every node by its label count, so none can be left out.
    """
    holdings = known.held.zone(zone.signer.principal)
    gap = holdings.gap_for(path.owner, zone.signer, known.now)
    if gap is None:
        return None
    found: list[Opened[Delegation]] = []
    for node in gap.statement.delegated_above(path.owner):
        if not names.covers(zone.node, node):
            continue  # a registry's words above its own node are nobody's
        delegation = holdings.delegation(node, zone.signer, known.now)
        if delegation is None:
            why = f"its gap names {identifiers.node_to_text(node)}, whose delegation is not shown"
            path.refusals.append(Refusal(Step.PATH, Kind.DELEGATION, zone.signer.name, why))
            return None
        found.append(delegation)
    path.stands_on(gap)
    for delegation in found:
        path.stands_on(delegation)
    return [delegation.statement for delegation in found]


def effective(delegations: Sequence[Delegation], owner: Name) -> Iterable[tuple[Name, Grant]]:
    """Yield the grants that reach the owner, less those that a terminating node of the same zone drops."""
    start = max((at for at, delegation in enumerate(delegations) if delegation.terminating), default=0)
    for delegation in delegations[start:]:
        for grant in delegation.grants:
            if identifiers.reaches(delegation.node, owner, deep=grant.deep):
                yield delegation.node, grant


@dataclass(frozen=True, slots=True)
class _Bound:
    signer: Signer
    servers: tuple[Server, ...]


def _bind(zone: Zone, authority: str, path: Path, known: Known) -> _Bound | BindingNeed | None:
    """Find who an authority is for a grant of this zone: whom the uppermost zone above binds (step 10).

    Returns:
        The party; or what is needed to tell; or None when no zone binds the name.
    """
    node = identifiers.authority_node(authority)
    for upper in zone.lineage:
        holdings = known.held.zone(upper.signer.principal)
        binding = holdings.authority(authority, upper.signer, known.now)
        if binding is not None:
            path.stands_on(binding)
            for lower in zone.lineage[len(upper.lineage) :]:
                held = known.held.zone(lower.signer.principal)
                if held.authority(authority, lower.signer, known.now) is not None:
                    why = f"the zone {lower.signer.name} binds a name that {upper.signer.name} has bound"
                    path.refusals.append(Refusal(Step.BINDING, Kind.AUTHORITY, authority, why))
            principal = (*upper.signer.principal, authority)
            said = binding.statement
            return _Bound(Signer(authority, principal, said.keys, binding.until), said.servers)
        gap = holdings.gap_for(node, upper.signer, known.now)
        if gap is None or not gap.statement.holds_inside(node):
            return BindingNeed(upper, authority)
        path.stands_on(gap)
    path.refusals.append(Refusal(Step.BINDING, Kind.DELEGATION, authority, "granted, but no zone binds its name"))
    return None


def _enter(child: Zone, grant: Grant, path: Path, visited: dict[Principal, Name], queue: deque[Zone]) -> None:
    """Take a grant to a bound authority: ask it, or go on into its zone, or both."""
    principal, parent = child.signer.principal, child.above[-1]
    for role in grant.roles:
        if role is not Role.REGISTRY:
            grantee = path.grantees.setdefault(principal, Grantee(child.signer, child.servers))
            known = grantee.roles.get(role)
            if known is None or ASSURANCE_ORDER[grant.required] < ASSURANCE_ORDER[known]:
                grantee.roles[role] = grant.required
        elif len(child.node) <= len(parent.node):
            why = f"a registry grant at the zone's own node {identifiers.node_to_text(child.node)} leads no deeper"
            path.refusals.append(Refusal(Step.SCOPE, Kind.DELEGATION, parent.signer.name, why))
        elif principal in visited and len(child.node) >= len(visited[principal]):
            continue  # on the path already, at this node or above it
        elif len(child.above) >= MAX_DEPTH:
            why = f"more than {MAX_DEPTH} zones below one another"
            path.unbound.append((child.signer.name, role))
            path.refusals.append(Refusal(Step.SCOPE, Kind.DELEGATION, parent.signer.name, why))
        else:
            visited[principal] = child.node
            queue.append(child)
