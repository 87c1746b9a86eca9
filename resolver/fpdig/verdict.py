"""What an answer comes to: its exit status, one line, and what is missing or was not believed.

Pure. Every way of showing an answer says the same about it, because it is said here.
"""

from dataclasses import dataclass, replace

from resolver.answer import Answer, Row
from resolver.demand import demanding
from resolver.fpdig.exits import Exit
from resolver.fpdig.words import error_text, rcode_text
from zonedata.judgement import Outcome
from zonedata.kinds import Assurance
from zonedata.wire import QType, Rcode

TREE_DIGITS = 8  # of the tree's id, in hex: enough to tell two anchors apart by eye


@dataclass(frozen=True, slots=True)
class Basis:
    """What an answer was checked against.

    Attributes:
        anchor: The anchor's file, "" for none.
        tree: Id of its tree.
        qtype: What was asked for; only PROOF brings a proof.
        least: The assurance that the sender demands.
    """

    anchor: str = ""
    tree: bytes = b""
    qtype: QType = QType.PROOF
    least: Assurance = Assurance.ASSERTED


def believed(answer: Answer, basis: Basis) -> Answer:
    """Take out what somebody who gave an anchor, or demands more assurance, must not be shown as found.

    A reply with an error brings no proof, so nothing in it was verified; whoever forges one would otherwise have
    a hint taken for an answer.
    """
    if not basis.anchor or basis.qtype is not QType.PROOF or answer.verified is not None:
        return answer if basis.least is Assurance.ASSERTED else demanding(answer, basis.least)
    return replace(answer, outcome=Outcome.INCOMPLETE, complete=False, reaches=(), recipient=b"", mapping=None)


def status_of(answer: Answer) -> Exit:
    """Return the exit status that an answer deserves."""
    if answer.verified is False:
        return Exit.UNVERIFIED
    return Exit.ANSWERED if answer.complete else Exit.INCOMPLETE


def unproven(answer: Answer) -> list[Row]:
    """Return the authorities that are not proven to have spoken."""
    return [row for row in answer.rows if not row.standing.is_proven]


def summary(answer: Answer, basis: Basis) -> str:
    """Say what the answer is, whether it is complete and whether it was verified, on one line."""
    what = "nothing found" if answer.outcome is Outcome.INCOMPLETE else answer.outcome.value
    said = f"{what}, {'complete' if answer.complete else 'incomplete'}, {_belief(answer, basis)}"
    count = len(answer.left_out)
    return said + (f"; {count} left out, vouched for less well than {basis.least}" if count else "")


def left_out(answer: Answer) -> list[str]:
    """Say of each reach that the sender's demand took out how well it is vouched for."""
    return [f"{reach.msp} is {reach.assurance} only" for reach in answer.left_out]


def _belief(answer: Answer, basis: Basis) -> str:
    if not basis.anchor:
        return "not verified: no trust anchor given (--anchor)"
    against = f"{basis.anchor} (tree {basis.tree.hex()[:TREE_DIGITS]}...)"
    if answer.verified:
        return f"{'' if answer.complete else 'what was shown '}verified against {against}"
    if answer.verified is False:
        return f"NOT ALL VERIFIED against {against}: {len(answer.refusals)} refused"
    if basis.qtype is not QType.PROOF:
        return "not verified: a question for CSI brings no proof"
    return f"not verified: an answer of {rcode_text(answer.rcode)} brings no proof"


def explanation(answer: Answer, basis: Basis) -> str:
    """Say all of it on one line, for standard error."""
    parts = [summary(answer, basis)]
    if answer.rcode != Rcode.NOERROR:
        parts.insert(0, rcode_text(answer.rcode))
    parts += left_out(answer)
    parts += [f"asked {name} directly" for name in answer.asked_directly]
    parts += [f"{row.authority} as {row.role} is {row.standing}" for row in unproven(answer)]
    parts += [refusal.to_text() for refusal in answer.refusals]
    parts += [f"EDE {error_text(*error)}" for error in answer.errors]
    return f"fpdig: {answer.csi.text}: " + "; ".join(parts)
