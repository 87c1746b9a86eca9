from dataclasses import replace

import pytest

from resolver.answer import Case
from resolver.fpdig.options import DEFAULTS, Options
from resolver.fpdig.render import Frame, answer_text, short_text
from resolver.fpdig.verdict import Basis
from resolver.fpdig.words import CASES
from tests.resolver.fpdig.answers import (
    ANN,
    BLOCK_REACH,
    BOGUS,
    CSI,
    EMPTY,
    EVE,
    FAILED,
    LEFT_OUT,
    MAPPED,
    OF_BLOCK,
    OTHER,
    PARTIAL,
    REACH,
    SOUND,
    THEIRS,
    WALKED,
    claim,
    question,
    reply,
    via,
)
from tests.zonedata.builders import NOW, assertion, block
from zonedata.kinds import Assurance
from zonedata.replies import Record
from zonedata.wire import Section

FRAME = Frame("1.2.3", Basis("a.pem", bytes(16)), NOW, 7)
NOTHING = Options(
    cmd=False, comments=False, question=False, answer=False, rrcomments=False, authority=False, stats=False
)


def lines(answer: object = SOUND, options: Options = DEFAULTS) -> list[str]:
    return answer_text(answer, question(options), FRAME).splitlines()  # type: ignore[arg-type]  # answers, all of them


def test_the_whole_layout_line_by_line() -> None:
    assert (
        answer_text(SOUND, question(), FRAME)
        == """
; <<>> fpdig 1.2.3 <<>> @192.0.2.53 +14155550123
; (1 server found)
;; global options: +cmd
;; Got answer:
;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 4242
;; flags: qr rd ra; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1

;; OPT PSEUDOSECTION:
; EDNS: version: 0, flags:; udp: 1232
;; QUESTION SECTION:
;3.2.1.0.5.5.5.5.1.4.1.e164.fingerpost.internal. IN PROOF

;; ANSWER SECTION:
+14155550123.     30 IN ASSERTION mimi://alpha.example/u/x
    ; alpha.example, asserted, expires 2025-06-22T15:06:40Z, serial 1
    ; features: e2ee

;; AUTHORITIES:
; alpha.example  msp       asserted     says where the person can be reached

;; ANSWER IS: found, complete, verified against a.pem (tree 00000000...)
;; CASE: one-msp, in a mapping, or by its own word

;; Query time: 42 msec
;; SERVER: 192.0.2.53#5300(192.0.2.53) (TCP)
;; WHEN: Sun Jun 15 15:06:40 UTC 2025
;; MSG SIZE  rcvd: 512

"""
    )


@pytest.mark.parametrize(
    ("field", "first"),
    [
        ("cmd", ""),
        ("comments", ";; Got answer:"),
        ("question", ";3.2.1.0.5.5.5.5.1.4.1.e164.fingerpost.internal. IN PROOF"),
        ("answer", "+14155550123.     30 IN ASSERTION mimi://alpha.example/u/x"),
        ("authority", "; alpha.example  msp       asserted     says where the person can be reached"),
        ("stats", ";; Query time: 42 msec"),
        ("proof", "; ASSERTION  +14155550123"),
    ],
)
def test_each_part_alone(field: str, first: str) -> None:
    assert lines(options=replace(NOTHING, **{field: True}))[0] == first  # type: ignore[arg-type]  # a toggle


def test_all_parts_off_leave_nothing() -> None:
    assert answer_text(SOUND, question(NOTHING), FRAME) == ""
    assert answer_text(SOUND, question(replace(NOTHING, rrcomments=True)), FRAME) == ""


def test_titles_of_empty_sections_are_left_out() -> None:
    shown = lines(FAILED, replace(DEFAULTS, proof=True))
    assert [line for line in shown if line.endswith(("SECTION:", "AUTHORITIES:"))] == [
        ";; OPT PSEUDOSECTION:",
        ";; QUESTION SECTION:",
    ]


def test_an_error_tells_its_status_and_its_reason() -> None:
    shown = lines(FAILED)
    assert ";; ->>HEADER<<- opcode: QUERY, status: SERVFAIL, id: 4242" in shown
    assert ";; flags: qr rd ra; QUERY: 1, ANSWER: 0, AUTHORITY: 0, ADDITIONAL: 1" in shown
    assert "; EDE: 22 (No Reachable Authority): (no proof from: beta.example)" in shown
    assert ";; ANSWER IS: nothing found, incomplete, not verified: an answer of SERVFAIL" in shown
    assert shown[
        shown.index(";; ANSWER IS: nothing found, incomplete, not verified: an answer of SERVFAIL") + 1
    ] == (";;   brings no proof")


def test_all_flags_and_counts() -> None:
    records = tuple(Record(section, 1, 1, b"") for section in (Section.AUTHORITY, *[Section.ADDITIONAL] * 2))
    whole = replace(reply(flags=0x87B0), records=records)
    assert ";; flags: qr aa tc rd ra ad cd; QUERY: 1, ANSWER: 0, AUTHORITY: 1, ADDITIONAL: 3" in lines(
        replace(EMPTY, via=via(whole))
    )


@pytest.mark.parametrize(("flags", "warned"), [(0x8100, True), (0x8180, False), (0x8000, False)])
def test_recursion_refused_is_a_warning(flags: int, warned: bool) -> None:
    shown = lines(replace(EMPTY, via=via(reply(flags=flags))))
    assert (";; WARNING: recursion requested but not available" in shown) is warned


def test_what_is_missing_and_what_was_refused_is_said() -> None:
    assert ";; UNPROVEN: beta.example as msp is unreachable" in lines(PARTIAL)
    assert ";; REFUSED: step 1 (envelope) refused statement of unknown: envelope is cut" in lines(BOGUS)
    assert not any("UNPROVEN" in line or "REFUSED" in line for line in lines(SOUND))


def test_a_block_is_named() -> None:
    shown = lines(OF_BLOCK)
    assert "+14155550123.     30 IN BLOCK     mimi://alpha.example/u/14155550123" in shown
    assert "    ; alpha.example, asserted, expires 2025-06-16T03:06:40Z, serial 1" in shown
    assert "    ; for the whole block +1415" in shown


def test_without_its_statement_a_reach_is_still_shown() -> None:
    beside = (claim(assertion(OTHER.owner, "alpha.example")), claim(block("+1415", "beta.example")))
    shown = lines(replace(SOUND, claims=beside))
    assert "+14155550123.      0 IN ASSERTION mimi://alpha.example/u/x" in shown
    assert "    ; alpha.example, asserted, expires 2025-06-22T15:06:40Z" in shown


def test_a_statement_that_came_in_no_record_has_its_own_ttl() -> None:
    assert "+14155550123.    300 IN ASSERTION mimi://alpha.example/u/x" in lines(replace(SOUND, via=via(reply())))


def test_several_reaches_have_a_line_each() -> None:
    both = replace(SOUND, reaches=(REACH, BLOCK_REACH), claims=(*SOUND.claims, *OF_BLOCK.claims))
    only = replace(NOTHING, answer=True)
    assert [line.split()[-1] for line in lines(both, only)] == [REACH.ssi, BLOCK_REACH.ssi]


def test_a_walk_has_no_header_and_no_server() -> None:
    shown = lines(WALKED)
    assert ";; Got answer, by walking from the root:" in shown
    assert not any("HEADER" in line or "MSG SIZE" in line for line in shown)
    assert shown[-5:] == [
        ";; Query time: 42 msec",
        ";; SERVER: none, walked from the root here",
        ";; WHEN: Sun Jun 15 15:06:40 UTC 2025",
        ";; QUESTIONS sent: 7",
        "",
    ]
    assert f"{CSI.text}.    300 IN ASSERTION {REACH.ssi}" in shown


def test_whose_it_is_what_it_is_for_and_which_case() -> None:
    shown = lines(MAPPED)
    assert "    ; tags: Business Open" in shown
    assert f";; RECIPIENT: {ANN.hex()}" in shown
    assert ";; CASE: several-mappings, of several people, or each MSP's own word" in shown
    assert not any("another recipient" in line for line in shown)
    named = lines(replace(SOUND, reaches=(replace(REACH, recipient=EVE),)))
    assert named[named.index("    ; names another recipient,") + 1] == f"    ;   {EVE.hex()}"


@pytest.mark.parametrize("case", Case)
def test_every_case_is_told(case: Case) -> None:
    assert CASES[case]
    assert len(set(CASES.values())) == len(Case)
    assert len(f";; CASE: {case}, {CASES[case]}") <= 80


def test_in_short_tags_and_recipient_stand_behind_the_ssi() -> None:
    assert [short_text(MAPPED, reach) for reach in MAPPED.reaches] == [
        "mimi://alpha.example/u/x Business,Open recipient:0001020304050607",
        "mimi://beta.example/u/y",
    ]
    assert short_text(SOUND, THEIRS) == "mimi://alpha.example/u/x Business,Open"


def test_what_the_sender_left_out_and_whom_it_asked_is_said() -> None:
    basis = replace(FRAME, basis=replace(FRAME.basis, least=Assurance.VALIDATED))
    shown = answer_text(LEFT_OUT, question(), basis).splitlines()
    assert ";; LEFT OUT: alpha.example is asserted only" in shown
    assert any(line.startswith(";; ANSWER IS: none, complete") for line in shown)
    assert "1 left out, vouched for less well than validated" in " ".join(shown).replace(" ;;  ", "")
    assert "; alpha.example  msp       insufficient says so, with too little assurance" in shown
    assert ";; ASKED DIRECTLY: beta.example" in lines(replace(PARTIAL, asked_directly=("beta.example",)))


@pytest.mark.parametrize("answer", [SOUND, PARTIAL, BOGUS, FAILED, OF_BLOCK, WALKED, MAPPED, LEFT_OUT])
def test_eighty_columns_are_enough(answer: object) -> None:
    assert max(map(len, lines(answer, replace(DEFAULTS, proof=True)))) <= 80
