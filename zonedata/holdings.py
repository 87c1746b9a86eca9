"""What has been opened and is held: zones' statements in canonical order, and what authorities said.

Used by the resolver as its cache of proven objects and by a verifier as its heap of proof, so that both
follow the same rules of order (verification step 9):

- of two statements of one party about one name the higher serial stands;
- a GAP displaces everything older strictly inside it and every older gap that it overlaps; a newer DELEGATION
  or AUTHORITY displaces the older GAP that it lies in. So the gaps held never overlap;
- a GAP that does not count a newer DELEGATION above its first name says nothing about what is below that.

Nothing is used after its `keep`. What has ended is swept out by `sweep`, which the holder calls.
"""

from typing import Final, TypeVar, cast

from zonedata.identifiers import authority_node
from zonedata.kinds import Kind, Role
from zonedata.names import Name, ancestors, covers, depth, end_of
from zonedata.opening import Claim, Opened, Refusal, Signer, Step, speaker_of
from zonedata.ordered import Ordered
from zonedata.person_statements import Assertion, Block, Denial
from zonedata.recipient_statements import Mapping, Revocation, Validation
from zonedata.statements import Statement
from zonedata.zone_statements import Authority, Delegation, Gap

Principal = tuple[str, ...]
S = TypeVar("S", Delegation, Authority)


HELD_OCTETS: Final = 1_300  # of a statement as the interpreter keeps it, besides
HELD_FACTOR: Final = 4  # times its body: the body itself, and the text, names and keys read from it
MAX_ZONE = 120_000  # statements of one zone; the gaps and delegations of a root of 30,000 nodes, twice over


def _is_overtaken(statement: Statement, held: Opened[Statement] | None, signer: Signer, now: float) -> bool:
    """Say whether what is held is later. What was signed by a key that no longer counts overtakes nothing."""
    if held is None or held.until <= now or not signer.vouches_for(held, now):
        return False
    if isinstance(statement, Mapping) and not _are_of_one_recipient(statement, held.statement):
        return False
    return held.statement.life.serial > statement.life.serial


def _are_of_one_recipient(one: Mapping, other: Statement) -> bool:
    return isinstance(other, Mapping) and one.key == other.key


def _octets_of(opened: Opened[Statement]) -> int:
    return HELD_OCTETS + HELD_FACTOR * len(opened.sealed.body)


def _is_usable(held: Opened[Statement], signer: Signer, now: float) -> bool:
    return held.keep > now and signer.vouches_for(held, now)


class ZoneHoldings:
    """The statements of one zone.

    Attributes:
        changes: Goes up whenever a path that was followed over these holdings could lead elsewhere now: when
            anything that still counted is displaced or dropped, and when something new speaks against a gap that
            is held. What is merely added, or held anew, changes no path that is whole.
    """

    __slots__ = ("_authorities", "_delegations", "_gaps", "changes")

    def __init__(self) -> None:
        self.changes = 0
        self._clear()

    def _clear(self) -> None:
        self.changes += 1
        self._gaps: Ordered[Opened[Gap]] = Ordered(_octets_of)
        self._delegations: Ordered[Opened[Delegation]] = Ordered(_octets_of)
        self._authorities: Ordered[Opened[Authority]] = Ordered(_octets_of)

    def drop(self) -> None:
        """Forget everything; whoever stands on it learns of it by `changes`."""
        self._clear()

    @property
    def octets(self) -> int:
        """What it takes, about."""
        return self._gaps.octets + self._delegations.octets + self._authorities.octets

    def __len__(self) -> int:
        return len(self._gaps) + len(self._delegations) + len(self._authorities)

    def gap_for(self, name: Name, signer: Signer, now: float) -> Opened[Gap] | None:
        """Return the gap that holds the name."""
        found = self._gaps.at_or_before(name)
        if found is None or not _is_usable(found[1], signer, now) or not found[1].statement.holds(name):
            return None
        gap = found[1].statement
        for count, node in enumerate(ancestors(gap.first)):
            is_named = count in gap.counts or not covers(node, name)
            if not is_named and _is_overtaken(gap, self._delegations.get(node), signer, now):
                return None
        return found[1]

    def nearest_gap(self, name: Name) -> Gap | None:
        """Return the last gap at or before a name, be it ended or not: a hint at what the zone has there."""
        found = self._gaps.at_or_before(name)
        return found[1].statement if found is not None else None

    def delegation(self, node: Name, signer: Signer, now: float) -> Opened[Delegation] | None:
        """Return the delegation at exactly that node."""
        held = self._delegations.get(node)
        return held if held is not None and _is_usable(held, signer, now) else None

    def authority(self, authority: str, signer: Signer, now: float) -> Opened[Authority] | None:
        """Return the binding of an authority's name."""
        held = self._authorities.get(authority_node(authority))
        return held if held is not None and _is_usable(held, signer, now) else None

    def holds(self, claim: Claim, signer: Signer, now: float) -> bool:
        """Say whether exactly this is held and usable, so that it need not be verified again."""
        held: Opened[Statement] | None = None
        match claim.statement:
            case Gap() as said:
                held = self._gaps.get(said.first)
            case Delegation() as said:
                held = self._delegations.get(said.node)
            case Authority() as said:
                held = self._authorities.get(authority_node(said.authority))
            case _:
                pass
        return held is not None and _is_usable(held, signer, now) and held.sealed == claim.sealed

    def add(self, opened: Opened[Statement], signer: Signer, now: float) -> Refusal | None:
        """Hold a zone's statement, or refuse it because something later says otherwise (step 9)."""
        if len(self) >= MAX_ZONE and self.sweep(now) == 0:
            self._clear()  # all of it: one fat zone must not cost the others theirs
        match opened.statement:
            case Gap():
                return self._add_gap(cast("Opened[Gap]", opened), signer, now)
            case Delegation() as said:
                return self._add_name(self._delegations, said.node, cast("Opened[Delegation]", opened), signer, now)
            case Authority() as said:
                node = authority_node(said.authority)
                return self._add_name(self._authorities, node, cast("Opened[Authority]", opened), signer, now)
            case other:
                raise AssertionError(other.kind)

    def _add_gap(self, opened: Opened[Gap], signer: Signer, now: float) -> Refusal | None:
        gap = opened.statement
        if _is_overtaken(gap, self._gaps.get(gap.first), signer, now):
            return Refusal(Step.ORDER, Kind.GAP, gap.zone, "a later gap begins at the same name")
        overlapping = self._gaps.between(gap.first, gap.next)
        before = self._gaps.at_or_before(gap.first)
        if before is not None and before[1].statement.holds_inside(gap.first):
            overlapping.append(before)
        if any(_is_overtaken(gap, held, signer, now) for _, held in overlapping):
            return Refusal(Step.ORDER, Kind.GAP, gap.zone, "a later gap overlaps it")
        for table in (self._delegations, self._authorities):
            inside = table.between(gap.first, gap.next)
            if any(_is_overtaken(gap, held, signer, now) for _, held in inside):
                return Refusal(Step.ORDER, Kind.GAP, gap.zone, "a later statement lies in the gap")
            for node, _ in inside:
                table.remove(node)
                self.changes += 1
        for first, _ in overlapping:
            self._gaps.remove(first)
            self.changes += 1
        same = self._gaps.get(gap.first)
        if same is not None and same.sealed != opened.sealed:
            self.changes += 1
        self._gaps.put(gap.first, opened)
        return None

    def _add_name(
        self, table: Ordered[Opened[S]], node: Name, opened: Opened[S], signer: Signer, now: float
    ) -> Refusal | None:
        statement = opened.statement
        if _is_overtaken(statement, table.get(node), signer, now):
            return Refusal(Step.ORDER, statement.kind, statement.zone, "a later statement is held")
        found = self._gaps.at_or_before(node)
        if found is not None and found[1].statement.holds_inside(node):
            gap = found[1]
            current = gap.until > now and signer.vouches_for(gap, now)
            if current and gap.statement.life.serial >= statement.life.serial:
                return Refusal(Step.ORDER, statement.kind, statement.zone, "a gap as late says it is not there")
            self._gaps.remove(found[0])
            self.changes += 1
        same = table.get(node)
        if self._speaks_against_a_gap(statement) if same is None else same.sealed != opened.sealed:
            self.changes += 1
        table.put(node, opened)
        return None

    def _speaks_against_a_gap(self, statement: Delegation | Authority) -> bool:
        """Say whether something new may keep a gap that is held from counting, or take a name that a zone bound."""
        if isinstance(statement, Authority):
            return True
        count, end = depth(statement.node), end_of(statement.node)
        below = self._gaps.between(statement.node, end)
        at_it = self._gaps.get(statement.node)
        gaps = [gap.statement for _, gap in below] + ([at_it.statement] if at_it is not None else [])
        return any(count not in gap.counts for gap in gaps)

    def all(self) -> list[Opened[Statement]]:
        """Return everything held, in canonical order of its tables; for checkers and dumps."""
        tables: list[Ordered[Opened[Statement]]] = [self._gaps, self._delegations, self._authorities]  # type: ignore[list-item]  # read only
        return [held for table in tables for _, held in [*_whole(table)]]

    def sweep(self, now: float) -> int:
        """Drop what has ended; return how many statements went."""
        tables = (self._gaps.keep_only, self._delegations.keep_only, self._authorities.keep_only)
        return sum(keep_only(lambda held: held.keep > now) for keep_only in tables)


def _whole(table: Ordered[Opened[Statement]]) -> list[tuple[bytes, Opened[Statement]]]:
    root = table.get(b"")
    return [*([(b"", root)] if root is not None else []), *table.between(b"", b"")]


class Said:
    """What one authority said about one owner: at most one statement of each kind, the latest.

    Of REVOCATIONs one at each node; the MAPPING is the recipient's word, and the validator shows it.
    """

    __slots__ = ("assertion", "block", "denials", "mapping", "revocations", "validation")

    def __init__(self) -> None:
        self.assertion: Opened[Assertion] | None = None
        self.block: Opened[Block] | None = None  # the longest that was shown
        self.denials: dict[Role, Opened[Denial]] = {}
        self.validation: Opened[Validation] | None = None
        self.mapping: Opened[Mapping] | None = None
        self.revocations: dict[Name, Opened[Revocation]] = {}

    def add(self, opened: Opened[Statement], signer: Signer, now: float) -> Refusal | None:
        """Hold a statement about the owner, or refuse it because a later one is held (step 9)."""
        statement = opened.statement
        if isinstance(statement, Block) and self._has_longer(statement, signer, now):
            return Refusal(Step.ORDER, Kind.BLOCK, statement.msp, "a longer block is held")
        if isinstance(statement, Denial) and self._has_said_since(statement, signer, now):
            return Refusal(Step.ORDER, Kind.DENIAL, statement.authority, "something later was said in that role")
        held = self._same(statement)
        if _is_overtaken(statement, held, signer, now):
            if isinstance(statement, Mapping):
                return None  # two validators may know two of one recipient's; the older is nobody's fault
            return Refusal(Step.ORDER, statement.kind, speaker_of(statement), "a later statement is held")
        self._take(opened)
        return None

    def _has_longer(self, block: Block, signer: Signer, now: float) -> bool:
        held = self.block
        return held is not None and _is_usable(held, signer, now) and len(held.statement.node) > len(block.node)

    def _has_said_since(self, denial: Denial, signer: Signer, now: float) -> bool:
        """Say whether what is held in the role of a denial is later than it; then it is an old one."""
        spoken: list[Opened[Statement] | None] = []
        match denial.role:
            case Role.MSP:
                spoken.append(self.assertion)
            case Role.VALIDATOR:
                spoken.append(self.validation)
            case Role.CSIP:
                spoken += self.revocations.values()
            case _:
                pass
        for held in spoken:
            if held is None or held.until <= now or not signer.vouches_for(held, now):
                continue
            if held.statement.life.issued > denial.ordered_at:
                return True
        return False

    def _same(self, statement: Statement) -> Opened[Statement] | None:
        """Return what is held of the same kind, about the same name."""
        held: Opened[Statement] | None = None
        match statement:
            case Assertion():
                held = self.assertion
            case Block() if self.block is not None and self.block.statement.node == statement.node:
                held = self.block
            case Denial():
                held = self.denials.get(statement.role)
            case Validation():
                held = self.validation
            case Mapping():
                held = self.mapping
            case Revocation():
                held = self.revocations.get(statement.node)
            case _:
                pass
        return held

    def _take(self, opened: Opened[Statement]) -> None:
        match opened.statement:
            case Assertion():
                self.assertion = cast("Opened[Assertion]", opened)
            case Block():
                self.block = cast("Opened[Block]", opened)
            case Denial() as denial:
                self.denials[denial.role] = cast("Opened[Denial]", opened)
            case Validation():
                self.validation = cast("Opened[Validation]", opened)
            case Mapping():
                self.mapping = cast("Opened[Mapping]", opened)
            case Revocation() as revocation:
                self.revocations[revocation.node] = cast("Opened[Revocation]", opened)
            case other:
                raise AssertionError(other.kind)

    def all(self) -> list[Opened[Statement]]:
        """Return everything held."""
        single: list[Opened[Statement] | None] = [self.assertion, self.block, self.validation, self.mapping]
        held = [*single, *self.denials.values(), *self.revocations.values()]
        return [opened for opened in held if opened is not None]


class Holdings:
    """Everything held, by the principal that said it."""

    __slots__ = ("said", "zones")

    def __init__(self) -> None:
        self.zones: dict[Principal, ZoneHoldings] = {}
        self.said: dict[tuple[Principal, Name], Said] = {}

    def zone(self, principal: Principal) -> ZoneHoldings:
        """Return the holdings of a zone, empty at first."""
        held = self.zones.get(principal)
        if held is None:
            held = self.zones[principal] = ZoneHoldings()
        return held

    def beside(self) -> "Holdings":
        """Return holdings that share the zones with these, and have heard nothing about anybody."""
        holdings = Holdings()
        holdings.zones = self.zones
        return holdings

    def about(self, principal: Principal, owner: Name) -> Said:
        """Return what an authority said about an owner, nothing at first."""
        key = (principal, owner)
        held = self.said.get(key)
        if held is None:
            held = self.said[key] = Said()
        return held
