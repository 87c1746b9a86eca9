"""What is in the picture of a proof: boxes in bands from the anchor down, and arrows between them. Pure.

A box stands in a band and a column. What belongs to one authority stands in one column: who binds it, how it
stands, what it said. Where there are more authorities than columns, further bands take them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from resolver.explain.chain import gap_text, grant_text, zone_title
from resolver.explain.lines import Case, Mark
from resolver.explain.spoken import mark_of, said
from resolver.explain.words import ground_of, meaning, refusal_text, short, step_text
from resolver.fpdig.words import MEANINGS, instant
from zonedata.account import Bearing, NodeAccount, PartyAccount, ZoneAccount
from zonedata.findings import Finding
from zonedata.identifiers import node_to_text
from zonedata.kinds import RULES, Kind, Role
from zonedata.opening import Opened, Refusal
from zonedata.standing import Standing
from zonedata.statements import Statement
from zonedata.trust import Trust

SEVERAL = 10  # authorities
LEAST_COLUMNS, SEVERAL_COLUMNS, MANY_COLUMNS = 3, 5, 8  # the heading needs 3; 64 authorities stand in 8 rows of 8
MAX_GRANTS_TOLD = 5  # in the box of a delegation; the arrows show all


@dataclass(frozen=True, slots=True)
class Box:
    """One box.

    Attributes:
        mark: What it is.
        title: Its first line.
        lines: What else stands in it.
        band: From the top.
        column: From the left.
    """

    mark: Mark
    title: str
    lines: tuple[str, ...]
    band: int
    column: int


@dataclass(frozen=True, slots=True)
class Arrow:
    """From one box to another, by their places among the boxes."""

    start: int
    end: int
    mark: Mark


@dataclass(slots=True)
class Drawing:
    """A picture before it is laid out.

    Attributes:
        columns: How many there are.
        boxes: In the order in which they are to be read.
        arrows: Between them.
    """

    columns: int
    boxes: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    bands: int = 0

    def add(
        self, mark: Mark, title: str, lines: Sequence[str], at: tuple[int, int], above: Sequence[int] = ()
    ) -> int:
        """Add a box at a band and a column, below others; return its place."""
        band, column = at
        self.boxes.append(Box(mark, title, tuple(lines), band, column))
        self.bands = max(self.bands, band + 1)
        place = len(self.boxes) - 1
        self.arrows += [Arrow(one, place, mark) for one in dict.fromkeys(above)]
        return place

    @property
    def middle(self) -> int:
        """The column for what stands alone."""
        return (self.columns - 1) // 2


def draw(case: Case) -> Drawing:
    """Say what is to be drawn of a proof."""
    account = case.account
    count = len(account.parties)
    wanted = max([count, *(len(zone.nodes) + (zone.gap is not None) for zone in account.zones)])
    columns = min(wanted, SEVERAL_COLUMNS if count <= SEVERAL else MANY_COLUMNS)
    return _Drafting(case, Drawing(max(LEAST_COLUMNS, columns))).draw()


@dataclass(slots=True)
class _Drafting:
    case: Case
    drawing: Drawing
    granting: dict[tuple[str, bool], list[int]] = field(default_factory=dict)  # (authority, as registry): boxes
    of_zones: dict[str, int] = field(default_factory=dict)

    def draw(self) -> Drawing:
        account, drawing = self.case.account, self.drawing
        top = self._anchor()
        for zone in account.zones:
            self._zone(zone, top)
        for start in range(0, len(account.parties), drawing.columns):
            row = account.parties[start : start + drawing.columns]
            band, first = drawing.bands, (drawing.columns - len(row)) // 2 if start == 0 else 0
            for column, party in enumerate(row, first):
                self._party(party, band, column)
        band = drawing.bands
        for at, refusal in enumerate(account.refusals):
            above = [self.of_zones[refusal.about]] if refusal.about in self.of_zones else []
            row_, column = divmod(at, drawing.columns)
            drawing.add(Mark.REFUSED, *_refused(refusal), (band + row_, column), above)
        return drawing

    def _anchor(self) -> int:
        given, caught_up, bundle = self.case.trust, self.case.account.trust, self.case.bundle
        title = f"Trust anchor: {self.case.anchor}"
        lines = [f"tree {short(given.tree)}", *self._version(given)]
        mark = Mark.PROVEN if self._is_current(given) else Mark.NOTE
        if bundle.trust.tree != given.tree:
            mark = Mark.REFUSED
            lines.append(f"the bundle is of the tree {short(bundle.trust.tree)}")
        drawing = self.drawing
        top = drawing.add(mark, title, lines, (0, drawing.middle))
        if caught_up.rootkeys.version != given.rootkeys.version:
            mark = Mark.PROVEN if self._is_current(caught_up) else Mark.REFUSED
            title = f"ROOTKEYS version {caught_up.rootkeys.version}"
            passed = range(given.rootkeys.version + 1, caught_up.rootkeys.version)
            by_way = [f"by way of {', '.join(map(str, passed))}"] if passed else []
            lines = [*by_way, *self._version(caught_up)[1:]]
            top = drawing.add(mark, title, lines, (drawing.bands, drawing.middle), [top])
        elif not self._is_current(given):
            drawing.boxes[top] = Box(Mark.REFUSED, *_rest_of(drawing.boxes[top]))
        return top

    def _is_current(self, trust: Trust) -> bool:
        return trust.rootkeys.life.refusal_at(self.case.account.now, RULES[Kind.ROOTKEYS].max_life) is None

    @staticmethod
    def _version(trust: Trust) -> list[str]:
        rootkeys = trust.rootkeys
        keys = [f"zone key {key.key_id.hex()}" for key in rootkeys.zone_keys]
        return [f"ROOTKEYS version {rootkeys.version}", f"until {instant(rootkeys.life.expires)}", *keys]

    # --- zones -------------------------------------------------------------------------------------------------

    def _zone(self, zone: ZoneAccount, top: int) -> None:
        drawing = self.drawing
        above = self.granting.get((zone.name, True), []) if zone.zone.above else [top]
        if zone.binding is not None:
            place = (drawing.bands, drawing.middle)
            above = [drawing.add(Mark.PROVEN, f"{zone.name} is bound", _signed(zone.binding), place, above)]
        row = self.case.account.why_silent(zone)
        mark = Mark.PROVEN if zone.is_shown else Mark.UNPROVEN
        lines = [zone_title(zone)] if zone.zone.above else []
        if not zone.is_shown:
            word = row.standing if row is not None else Standing.MISSING
            lines += [f"{word}: {MEANINGS[word]}", "not all that it owes was shown"]
        title = "Zone of the root" if zone.name == "." else f"Zone of {zone.name}"
        itself = drawing.add(mark, title, lines, (drawing.bands, drawing.middle), above)
        self.of_zones.setdefault(zone.name, itself)
        band, width = drawing.bands, drawing.columns
        count = len(zone.nodes) + (zone.gap is not None)
        for at in range(count):
            row_, column = divmod(at, width)
            in_row = min(width, count - row_ * width)
            place = (band + row_, column + (width - in_row) // 2)
            if at < len(zone.nodes):
                self._node(zone.nodes[at], itself, place)
            elif zone.gap is not None:
                span = gap_text(zone.gap.statement.first, zone.gap.statement.next)
                drawing.add(
                    Mark.PROVEN, f"Gap {span}", ["no other delegation", *_signed(zone.gap)], place, [itself]
                )

    def _node(self, node: NodeAccount, zone: int, place: tuple[int, int]) -> None:
        title = f"Delegation {node_to_text(node.node)}"
        if node.opened is None:
            self.drawing.add(Mark.UNPROVEN, title, ["named by the gap, and not shown"], place, [zone])
            return
        reaching = [one.grant for one in node.grants if one.bearing is Bearing.REACHES]
        lines = [grant_text(grant) for grant in reaching[:MAX_GRANTS_TOLD]]
        if len(reaching) > MAX_GRANTS_TOLD:
            lines.append(f"and {len(reaching) - MAX_GRANTS_TOLD} more")
        if len(reaching) < len(node.grants):
            lines.append(f"{len(node.grants) - len(reaching)} that do not count here")
        if node.opened.statement.terminating:
            lines.append("terminating")
        itself = self.drawing.add(Mark.PROVEN, title, [*lines, *_signed(node.opened)], place, [zone])
        for grant in reaching:
            for is_registry in {role is Role.REGISTRY for role in grant.roles}:
                self.granting.setdefault((grant.authority, is_registry), []).append(itself)

    # --- authorities -------------------------------------------------------------------------------------------

    def _party(self, party: PartyAccount, band: int, column: int) -> None:
        drawing = self.drawing
        granted = self.granting.get((party.name, False), []) or self.granting.get((party.name, True), [])
        down = band

        def add(mark: Mark, title: str, lines: Sequence[str], above: Sequence[int]) -> int:
            nonlocal down
            down += 1
            return drawing.add(mark, title, lines, (down - 1, column), above)

        heads = [
            add(Mark.PROVEN, f"{party.name} is bound", [f"by {_whose(zone)}", *_signed(opened)], granted)
            for zone, opened in party.bindings
        ]
        if party.unbound:
            heads.append(add(Mark.UNPROVEN, party.name, ["granted, but no zone binds it"], granted))
        heads += [
            add(Mark.UNPROVEN, party.name, [f"{_whose(z)} did not show who it is"], granted) for z in party.wanted
        ]
        last = heads
        for finding in party.findings:
            last = [add(mark_of(finding), *_finding(finding), heads)]
            if finding.opened is not None:
                said_ = [*said(finding, self.case), *_signed(finding.opened)]
                kind = finding.opened.sealed.kind.name
                last = [add(mark_of(finding), kind, said_, last)]
            if finding.mapping is not None:
                entries = [" ".join([entry.msp, *entry.tags]) for entry in finding.mapping.statement.entries]
                shown = [f"recipient {short(finding.mapping.statement.recipient)}", *(entries or ["nowhere"])]
                last = [add(mark_of(finding), "MAPPING", [*shown, *_signed(finding.mapping)], last)]
        for refusal in party.refusals:
            last = [add(Mark.REFUSED, *_refused(refusal), last)]


def _rest_of(box: Box) -> tuple[str, tuple[str, ...], int, int]:
    return box.title, box.lines, box.band, box.column


def _whose(zone: str) -> str:
    return "the root" if zone == "." else zone


def _finding(finding: Finding) -> tuple[str, list[str]]:
    why = ground_of(finding)
    lines = [f"as {finding.role}: {finding.standing}", why or meaning(finding)]
    if finding.standing is Standing.ASSERTED:
        lines[0] = f"as {finding.role}: {finding.assurance}"
        lines[1:] = [finding.ssi, *([f"tags {' '.join(finding.tags)}"] if finding.tags else [])]
    return finding.authority, lines


def _refused(refusal: Refusal) -> tuple[str, list[str]]:
    return f"Refused at {step_text(refusal)}", [refusal_text(refusal)]


def _signed(opened: Opened[Statement]) -> list[str]:
    return [f"key {opened.key_id.hex()}", f"until {instant(int(opened.until))}"]
