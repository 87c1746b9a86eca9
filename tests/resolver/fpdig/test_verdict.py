from dataclasses import replace

import pytest

from resolver.answer import Answer, Case
from resolver.fpdig.exits import Exit, worst
from resolver.fpdig.verdict import Basis, believed, explanation, status_of, summary, unproven
from tests.resolver.fpdig.answers import BOGUS, EMPTY, FAILED, PARTIAL, SILENT, SOUND
from zonedata.judgement import Outcome
from zonedata.kinds import Assurance
from zonedata.wire import QType

ANCHOR = Basis("a.pem", bytes(range(16)))


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (SOUND, Exit.ANSWERED),
        (replace(SOUND, verified=None), Exit.ANSWERED),
        (EMPTY, Exit.ANSWERED),
        (PARTIAL, Exit.INCOMPLETE),
        (FAILED, Exit.INCOMPLETE),
        (BOGUS, Exit.UNVERIFIED),
        (replace(PARTIAL, verified=False), Exit.UNVERIFIED),
    ],
)
def test_status(answer: Answer, status: Exit) -> None:
    assert status_of(answer) is status


def test_the_worst_is_in_the_order_ten_nine_eight_seven_three_two_one() -> None:
    assert [int(status) for status in sorted(Exit, reverse=True)] == [10, 9, 8, 7, 3, 2, 1, 0]
    assert worst([Exit.USAGE, Exit.UNVERIFIED, Exit.INCOMPLETE]) is Exit.UNVERIFIED
    assert worst([]) is Exit.ANSWERED


@pytest.mark.parametrize(
    ("answer", "basis", "text"),
    [
        (SOUND, ANCHOR, "found, complete, verified against a.pem (tree 00010203...)"),
        (EMPTY, ANCHOR, "none, complete, verified against a.pem (tree 00010203...)"),
        (PARTIAL, ANCHOR, "found, incomplete, what was shown verified against a.pem (tree 00010203...)"),
        (BOGUS, ANCHOR, "found, complete, NOT ALL VERIFIED against a.pem (tree 00010203...): 2 refused"),
        (SOUND, Basis(), "found, complete, not verified: no trust anchor given (--anchor)"),
        (FAILED, ANCHOR, "nothing found, incomplete, not verified: an answer of SERVFAIL brings no proof"),
        (
            replace(SOUND, verified=None),
            replace(ANCHOR, qtype=QType.CSI),
            "found, complete, not verified: a question for CSI brings no proof",
        ),
    ],
)
def test_summary(answer: Answer, basis: Basis, text: str) -> None:
    assert summary(answer, basis) == text


def test_explanation_has_all_of_it_on_one_line() -> None:
    failed = replace(FAILED, rows=PARTIAL.rows, refusals=BOGUS.refusals)
    assert explanation(failed, ANCHOR) == (
        "fpdig: +14155550123: SERVFAIL; "
        "nothing found, incomplete, not verified: an answer of SERVFAIL brings no proof; "
        "beta.example as msp is unreachable; "
        "step 7 (signature) refused ASSERTION of alpha.example: the signature does not verify; "
        "step 1 (envelope) refused statement of unknown: envelope is cut short; "
        "EDE 22 (No Reachable Authority): (no proof from: beta.example)"
    )
    assert explanation(EMPTY, Basis()).startswith("fpdig: +14155550123: none, complete")


def test_unproven() -> None:
    assert unproven(PARTIAL) == [SILENT]
    assert unproven(EMPTY) == []


def test_with_an_anchor_an_error_finds_nothing_whatever_it_shows() -> None:
    forged = replace(SOUND, verified=None, via=FAILED.via, recipient=bytes(32))
    taken = believed(forged, ANCHOR)
    assert (taken.recipient, taken.mapping, taken.case) == (b"", None, Case.UNPROVEN)
    assert (taken.reaches, taken.outcome, status_of(taken)) == ((), Outcome.INCOMPLETE, Exit.INCOMPLETE)
    assert believed(forged, Basis()) == forged
    assert believed(forged, replace(ANCHOR, qtype=QType.CSI)) == forged
    assert believed(BOGUS, ANCHOR) == BOGUS


def test_a_demand_is_made_of_what_may_be_shown() -> None:
    demanding = replace(ANCHOR, least=Assurance.VALIDATED)
    taken = believed(SOUND, demanding)
    assert (taken.outcome, taken.reaches, taken.left_out) == (Outcome.NONE, (), SOUND.reaches)
    assert status_of(taken) is Exit.ANSWERED
    assert summary(taken, demanding).endswith("; 1 left out, vouched for less well than validated")
    assert "; alpha.example is asserted only" in explanation(taken, demanding)
    assert status_of(believed(PARTIAL, demanding)) is Exit.INCOMPLETE
    assert believed(PARTIAL, demanding).outcome is Outcome.INCOMPLETE
