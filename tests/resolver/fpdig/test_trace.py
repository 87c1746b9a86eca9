from dataclasses import replace

from resolver.asked import Purpose
from resolver.fpdig.trace import silence_of, step_text
from tests.resolver.fpdig.answers import CSI, MUTE, SPOILT, STEP, claim
from tests.zonedata.builders import mapping
from transport.handler import Protocol
from zonedata import names


def test_a_step_that_was_believed() -> None:
    assert (
        step_text(1, replace(STEP, party="alpha.example", purpose=Purpose.PERSON), CSI)
        == """\
;; 1. alpha.example asked about +14155550123
;;    at 192.0.2.1#53 (UDP): NOERROR in 1 msec, verified (1)
;;      ASSERTION  +14155550123
"""
    )


def test_a_step_that_was_not() -> None:
    assert (
        step_text(2, SPOILT, CSI)
        == """\
;; 2. alpha.example asked about +14155550123
;;    at 192.0.2.1#53 (UDP): NOERROR in 1 msec, 2 REFUSED
;;      ASSERTION  +14155550123
;;      refused at step 7 (signature): ASSERTION, the signature does not verify
;;      refused at step 1 (envelope): statement, envelope is cut short
"""
    )


def test_a_step_that_taught_nothing() -> None:
    assert (
        step_text(3, replace(MUTE, protocol=Protocol.TCP), CSI)
        == """\
;; 3. . asked about the way to +14155550123
;;    at 192.0.2.1#53 (TCP): no reply (timed out) in 1 msec, nothing learnt
"""
    )
    assert "REFUSED in 1 msec, nothing learnt" in step_text(1, replace(STEP, rcode=5), CSI)
    assert "NOERROR in 1 msec, nothing shown" in step_text(1, replace(STEP, claims=()), CSI)


def test_what_another_party_says_is_marked() -> None:
    assert ";;      ASSERTION  +14155550123 (by alpha.example)\n" in step_text(1, STEP, CSI)


def test_what_a_recipient_says_is_by_nobody_else() -> None:
    said = claim(mapping(CSI.owner, "ann"))
    assert ";;      MAPPING    +14155550123\n" in step_text(1, replace(STEP, claims=(said,)), CSI)


def test_every_purpose_is_said() -> None:
    binding = replace(STEP, purpose=Purpose.BINDING, name=names.from_text("beta.example.authority."))
    versions = replace(STEP, purpose=Purpose.ROOTKEYS, name=names.from_text("2.rootkeys."))
    assert ". asked about who beta.example.authority. is\n" in step_text(1, binding, CSI)
    assert ". asked about 2.rootkeys.\n" in step_text(1, versions, CSI)


def test_silence() -> None:
    assert silence_of([MUTE, STEP]) == ""
    assert silence_of([MUTE, MUTE]) == "no servers could be reached"
    assert "+lab" in silence_of([])
