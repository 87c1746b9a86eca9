"""A proof step by step, in plain words: all sections, and the conclusion. Pure; it decides nothing."""

from resolver.explain.chain import anchor_lines, binding_lines, zone_lines
from resolver.explain.lines import Case, Line, Mark, Section
from resolver.explain.spoken import ended_lines, party_lines, recipient_lines, refusal_lines
from resolver.explain.words import meaning
from resolver.fpdig.words import instant
from zonedata.judgement import Outcome
from zonedata.opening import Step


def explain(case: Case) -> list[Section]:
    """Explain a proof from the anchor to the conclusion."""
    account = case.account
    sections = [
        Section("The anchor", anchor_lines(case)),
        Section("The zones on the way", [line for zone in account.zones for line in zone_lines(zone, case)]),
        Section("Who the authorities are", [line for party in account.parties for line in binding_lines(party)]),
        Section("What they say", [line for party in account.parties for line in party_lines(party, case)]),
        Section("Whose the identifier is", recipient_lines(case)),
        Section("What was not believed", refusal_lines(case)),
        Section("What had ended by then", ended_lines(case)),
        Section("Conclusion", _conclusion(case)),
    ]
    return [section for section in sections if section.lines]


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


def _span(case: Case) -> tuple[int, int]:
    """Return the time in which everything that the conclusion stands on counts, as its signers say."""
    account = case.account
    root, evidence = account.trust.rootkeys.life, account.judgement.evidence
    start = max([root.issued, *(opened.statement.life.issued for opened in evidence)])
    return start, int(min([root.expires, *(opened.until for opened in evidence)]))
