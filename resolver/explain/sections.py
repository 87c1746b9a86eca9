"""A proof step by step, in plain words: sections of marked lines. Pure; what is decided was decided before."""

from dataclasses import dataclass, field
from enum import StrEnum

from resolver.explain.words import counts, ground_of, meaning, refusal_text, short, step_text
from resolver.fpdig.statement_text import content, heading, key_text, owner_text
from resolver.fpdig.words import MEANINGS, instant
from zonedata.account import Account, Bearing, NodeAccount, PartyAccount, ZoneAccount
from zonedata.bundle import Bundle
from zonedata.findings import Finding
from zonedata.identifiers import node_to_text
from zonedata.judgement import Outcome
from zonedata.kinds import RULES, Kind
from zonedata.names import Name
from zonedata.opening import Opened, Refusal, Step, read_claim, speaker_of
from zonedata.person_statements import Block, Status
from zonedata.recipient_statements import Revocation
from zonedata.standing import Standing
from zonedata.statements import Statement
from zonedata.trust import Trust
from zonedata.zone_statements import Grant

_BEARINGS = {
    Bearing.REACHES: "reaches the identifier",
    Bearing.BESIDE: "does not reach below its own node",
    Bearing.ENDED: "does not count: a node further down is terminating",
}


class Mark(StrEnum):
    """What a line is."""

    PROVEN = "proven"
    NOTE = "note"  # proven, or said by nobody, and does not count
    UNPROVEN = "unproven"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Line:
    """One step, and what else is to be said of it."""

    mark: Mark
    text: str
    below: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Section:
    """Steps of one kind."""

    title: str
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Case:
    """What is explained.

    Attributes:
        bundle: What was shown.
        account: What it came to.
        anchor: The name of the anchor's file.
        trust: That anchor, before it caught up.
    """

    bundle: Bundle
    account: Account
    anchor: str
    trust: Trust


def explain(case: Case) -> list[Section]:
    """Explain a proof from the anchor to the conclusion."""
    account = case.account
    sections = [
        Section("The anchor", _anchor(case)),
        Section("The zones on the way", [line for zone in account.zones for line in _zone(zone, case)]),
        Section("Who the authorities are", [line for party in account.parties for line in _binding(party)]),
        Section("What they say", [line for party in account.parties for line in _party(party, case)]),
        Section("Whose the identifier is", _recipient(case)),
        Section("What was not believed", _refusals(case)),
        Section("What had ended by then", _ended(case)),
        Section("Conclusion", _conclusion(case)),
    ]
    return [section for section in sections if section.lines]


# --- the anchor --------------------------------------------------------------------------------------------


def _anchor(case: Case) -> list[Line]:
    given, caught_up, judged_by = case.trust, case.account.trust, case.bundle.trust
    lines = [_version(f"{case.anchor} holds", given, case)]
    lines += [
        Line(Mark.PROVEN, f"ROOTKEYS version {version} follows, signed by the one before and by its own keys")
        for version in range(given.rootkeys.version + 1, caught_up.rootkeys.version + 1)
    ]
    if caught_up is not given:
        lines.append(_version("It has caught up with", caught_up, case))
    wanted = judged_by.rootkeys.version
    if judged_by.tree != given.tree:
        text = f"The bundle was judged by another anchor, of the tree {judged_by.tree.hex()}"
        lines.append(Line(Mark.REFUSED, text, ["With this anchor nothing in it can be proven."]))
    elif caught_up.rootkeys.version < wanted:
        text = f"The bundle was judged by version {wanted}, and does not lead there from {given.rootkeys.version}"
        lines.append(Line(Mark.UNPROVEN, text, ["Get a newer anchor from the root's operator."]))
    elif given.rootkeys.version > wanted:
        below = ["What only older zone keys have signed does not verify any more."]
        lines.append(Line(Mark.NOTE, f"It is newer than version {wanted}, by which the bundle was judged", below))
    return lines


def _version(says: str, trust: Trust, case: Case) -> Line:
    rootkeys = trust.rootkeys
    why = rootkeys.life.refusal_at(case.account.now, RULES[Kind.ROOTKEYS].max_life)
    span = f"counts from {instant(rootkeys.life.issued)} to {instant(rootkeys.life.expires)}"
    below = [
        f"{rootkeys.threshold} of {len(rootkeys.root_keys)} root keys must sign the next version",
        *(f"zone key {key.key_id.hex()}" for key in rootkeys.zone_keys),
    ]
    if why is None:
        return Line(Mark.PROVEN, f"{says} ROOTKEYS version {rootkeys.version}, which {span}", below)
    text = f"{says} ROOTKEYS version {rootkeys.version}, which does not count then: {why}"
    return Line(Mark.REFUSED, text, [f"It {span}.", *below])


# --- zones and bindings ------------------------------------------------------------------------------------


def zone_title(zone: ZoneAccount) -> str:
    """Name a zone, and say where it was granted by whom."""
    if not zone.zone.above:
        return "The root"
    by = zone.zone.above[-1].signer.name
    return f"{zone.name}, a registry at {node_to_text(zone.zone.node)} by the word of {_whom(by)}"


def _whom(zone: str) -> str:
    return "the root" if zone == "." else zone


def _zone(zone: ZoneAccount, case: Case) -> list[Line]:
    binding = [_until("its binding is", zone.binding)] if zone.binding is not None else []
    if zone.is_shown:
        lines = [Line(Mark.PROVEN, zone_title(zone), binding)]
    else:
        row = case.account.why_silent(zone)
        word = row.standing if row is not None else Standing.MISSING
        text = f"{zone_title(zone)}: not all that it owes was shown ({word}: {MEANINGS[word]})"
        lines = [Line(Mark.UNPROVEN, text, binding)]
    if zone.gap is not None:
        counted = [node_to_text(node.node) for node in zone.nodes]
        named = f"delegates at {', '.join(counted)} and nowhere else" if counted else "delegates nothing"
        span = gap_text(zone.gap.statement.first, zone.gap.statement.next)
        text = f"Its gap {span} holds {case.bundle.csi.text}: on the way there it {named}"
        lines.append(Line(Mark.PROVEN, text, [_until("the gap is", zone.gap)]))
    return lines + [_node(node) for node in zone.nodes]


def gap_text(first: Name, following: Name) -> str:
    """Write the span of a gap."""
    start = node_to_text(first) if first else "the beginning"
    return f"from {start} to {node_to_text(following) if following else 'the end'}"


def _node(node: NodeAccount) -> Line:
    where = node_to_text(node.node)
    if node.opened is None:
        return Line(Mark.UNPROVEN, f"{where}: the gap names this delegation, and it was not shown")
    grants = [f"{grant_text(one.grant)}: {_BEARINGS[one.bearing]}" for one in node.grants]
    ends = (
        " (terminating: what is delegated further up does not count)" if node.opened.statement.terminating else ""
    )
    return Line(Mark.PROVEN, f"Delegation at {where}{ends}", [*grants, _until("it is", node.opened)])


def grant_text(grant: Grant) -> str:
    """Write a grant."""
    demands = f", {grant.required} at least" if grant.required != "asserted" else ""
    return f"{grant.authority} as {', '.join(grant.roles)}{demands}{', also below' if grant.deep else ''}"


def _until(what: str, opened: Opened[Statement]) -> str:
    return f"{what} signed by key {opened.key_id.hex()}, and counts until {instant(int(opened.until))}"


def _binding(party: PartyAccount) -> list[Line]:
    lines = []
    for zone, opened in party.bindings:
        keys = [key_text(key) for key in opened.statement.keys]
        lines.append(
            Line(Mark.PROVEN, f"{party.name} is bound by {_whom(zone)}", [*keys, _until("that is", opened)])
        )
    roles = ", ".join(party.unbound)
    if roles:
        lines.append(Line(Mark.UNPROVEN, f"{party.name}: granted as {roles}, but no zone binds it"))
    return lines + [
        Line(Mark.UNPROVEN, f"{party.name}: who that is, {_whom(zone)} owes to say, and it was not shown")
        for zone in party.wanted
    ]


# --- authorities -------------------------------------------------------------------------------------------


def _party(party: PartyAccount, case: Case) -> list[Line]:
    return [_finding(finding, case) for finding in party.findings]


def mark_of(finding: Finding) -> Mark:
    """Return the mark of a row."""
    if not finding.standing.is_proven:
        return Mark.UNPROVEN
    return Mark.PROVEN if counts(finding) else Mark.NOTE


def _finding(finding: Finding, case: Case) -> Line:
    text = f"{finding.authority} as {finding.role} is {finding.standing}: {meaning(finding)}"
    below = []
    if why := ground_of(finding):
        below.append(f"That is so because {why}.")
    if finding.opened is not None:
        below += said(finding, case)
        below.append(_until(f"{finding.opened.sealed.kind.name} is", finding.opened))
    if finding.standing is Standing.ASSERTED:
        below.append(f"assurance {finding.assurance}, tags {' '.join(finding.tags) or 'none'}")
    return Line(mark_of(finding), text, below)


def said(finding: Finding, case: Case) -> list[str]:
    """Return what an authority's statement says."""
    assert finding.opened is not None, "asked for what was said"
    statement = finding.opened.statement
    if isinstance(statement, Block):
        return [finding.ssi, f"for the whole block {node_to_text(statement.node)}", *content(statement)]
    if isinstance(statement, Revocation):
        below = " and all below" if statement.is_block else ""
        return [f"about {owner_text(statement.node, case.bundle.csi)}{below}", *content(statement)]
    return content(statement)


def _refusals(case: Case) -> list[Line]:
    return [Line(Mark.REFUSED, f"At {step_text(r)}: {refusal_text(r)}") for r in case.account.judgement.refusals]


def _ended(case: Case) -> list[Line]:
    """Name every statement shown that had ended, looked at or not."""
    lines = []
    for wire in dict.fromkeys(case.bundle.shown):
        read = read_claim(wire)
        if isinstance(read, Refusal) or isinstance(read.statement, Status):
            continue
        expires = read.statement.life.expires
        if expires <= case.account.now:
            speaker = speaker_of(read.statement) or "the recipient"
            text = f"{heading(read.statement, case.bundle.csi)} of {speaker} ended at {instant(expires)}"
            lines.append(Line(Mark.REFUSED, text))
    return lines


def _recipient(case: Case) -> list[Line]:
    judgement = case.account.judgement
    if not judgement.recipient:
        if not all(zone.is_shown for zone in case.account.zones):
            return [Line(Mark.UNPROVEN, "Who could vouch is not known: not all zones were shown")]
        if not any(finding.role in {"validator", "csip"} for finding in judgement.findings):
            return [Line(Mark.NOTE, "Nobody on the way could vouch: what the MSPs say is their own word")]
        return [Line(Mark.NOTE, "No validator vouches for anybody")]
    by = [f.authority for f in judgement.findings if f.standing is Standing.VALIDATED]
    text = f"The recipient with the key of digest {short(judgement.recipient)}... by the word of {', '.join(by)}"
    lines = [Line(Mark.PROVEN, text)]
    if judgement.mapping is None:
        return [*lines, Line(Mark.NOTE, "No mapping of theirs is known: they have withheld no MSP")]
    below = [*content(judgement.mapping.statement), _until("it is", judgement.mapping)]
    return [
        *lines,
        Line(Mark.PROVEN, "Their mapping, signed by that key, says where they want to be reached", below),
    ]


def _span(case: Case) -> tuple[int, int]:
    """Return the time in which everything that the conclusion stands on counts, as its signers say."""
    account = case.account
    root, evidence = account.trust.rootkeys.life, account.judgement.evidence
    start = max([root.issued, *(opened.statement.life.issued for opened in evidence)])
    return start, int(min([root.expires, *(opened.until for opened in evidence)]))


# --- the end -----------------------------------------------------------------------------------------------


def _conclusion(case: Case) -> list[Line]:
    judgement, csi = case.account.judgement, case.bundle.csi
    reached = [f"{f.ssi} ({f.authority}, {f.assurance})" for f in judgement.found]
    nothing = (
        "is proven to be reachable nowhere" if judgement.complete else "was found nowhere, which is not proven"
    )
    what = {
        Outcome.FOUND: "can be reached at",
        Outcome.NONE: nothing,
        Outcome.OPTED_OUT: "does not want to be found",
        Outcome.INCOMPLETE: nothing,
    }[judgement.outcome]
    mark = Mark.PROVEN if judgement.complete else Mark.UNPROVEN
    lines = [Line(mark, f"{csi.text} {what}", reached)]
    if judgement.complete:
        lines.append(Line(Mark.PROVEN, "It is complete: every authority on the way has spoken"))
        start, end = _span(case)
        lines.append(Line(Mark.PROVEN, f"All that it stands on counts from {instant(start)} to {instant(end)}"))
    else:
        unproven = [f for f in judgement.findings if not f.standing.is_proven]
        missing = [f"{f.authority} as {f.role} is {f.standing}: {meaning(f)}" for f in unproven]
        lines.append(Line(Mark.UNPROVEN, "It is incomplete; unproven is:", missing))
    if judgement.refusals:
        count = len(judgement.refusals)
        lines.append(Line(Mark.REFUSED, f"It does not verify as a whole: {count} refused, as told above"))
    is_late = case.account.now != case.bundle.asked
    if is_late and any(refusal.step in {Step.WINDOW, Step.KEY} for refusal in judgement.refusals):
        lines.append(Line(Mark.NOTE, "To judge it for when it was asked: --at asked"))
    return lines
