"""What was said, in words: by each authority, about whose it is; what was refused, what had ended. Pure."""

from resolver.explain.chain import until_text
from resolver.explain.lines import Case, Line, Mark
from resolver.explain.words import counts, ground_of, meaning, refusal_text, short, step_text
from resolver.fpdig.statement_text import content, heading, owner_text
from resolver.fpdig.words import instant
from zonedata.account import PartyAccount
from zonedata.findings import Finding
from zonedata.identifiers import node_to_text
from zonedata.opening import Refusal, read_claim, speaker_of
from zonedata.person_statements import Block, Status
from zonedata.recipient_statements import Revocation
from zonedata.standing import Standing


def party_lines(party: PartyAccount, case: Case) -> list[Line]:
    """Tell how an authority stands, in each of its roles."""
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
        below.append(until_text(f"{finding.opened.sealed.kind.name} is", finding.opened))
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


def refusal_lines(case: Case) -> list[Line]:
    """Tell what was not believed, with the step."""
    return [Line(Mark.REFUSED, f"At {step_text(r)}: {refusal_text(r)}") for r in case.account.judgement.refusals]


def ended_lines(case: Case) -> list[Line]:
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


def recipient_lines(case: Case) -> list[Line]:
    """Tell whose the identifier is, by whose word, and what they want."""
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
    below = [*content(judgement.mapping.statement), until_text("it is", judgement.mapping)]
    return [
        *lines,
        Line(Mark.PROVEN, "Their mapping, signed by that key, says where they want to be reached", below),
    ]
