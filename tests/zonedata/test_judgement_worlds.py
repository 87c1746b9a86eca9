from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.zonedata.builders import NOW, World, ZoneSpec, anchor, number
from tests.zonedata.random_worlds import (
    MSPS,
    WORDS,
    Row,
    Vouching,
    Words,
    crowds,
    owed,
    owners,
    proof_of,
    said,
    standings,
    vouched,
    worlds,
)
from zonedata.judgement import Judgement, judge
from zonedata.kinds import ASSURANCE_ORDER, Assurance, Kind, Role
from zonedata.opening import Step
from zonedata.standing import Standing

Said = Mapping[str, Words]
Vouched = Mapping[str, Vouching]


def rows(judgement: Judgement) -> dict[Row, Standing]:
    return {(finding.authority, finding.role): finding.standing for finding in judgement.findings}


def essence(judgement: Judgement) -> object:
    evidence = {opened.sealed for opened in judgement.evidence}
    return judgement.outcome, judgement.complete, judgement.findings, evidence


@given(worlds(), owners, said)
def test_everybody_is_heard_whom_the_delegations_name(world: World, csi: str, words: Said) -> None:
    judgement = judge(number(csi), anchor(), proof_of(world, csi, words), NOW)
    expected = standings(world, csi, words)
    assert rows(judgement) == expected
    assert judgement.complete is all(standing.is_proven for standing in expected.values())
    assert {refusal.step for refusal in judgement.refusals} <= {Step.SCOPE}


grants = st.tuples(
    st.sampled_from([".", "r.example"]), st.text("12", min_size=1, max_size=4), st.sampled_from(MSPS)
)


@given(worlds(), owners, said, grants)
def test_one_delegation_more_changes_only_whom_it_names_and_whom_it_covers(
    world: World, csi: str, words: Said, grant: tuple[str, str, str]
) -> None:
    zone, digits, named = grant
    nodes = dict(world.zones[zone].nodes)
    at = next((text for text in nodes if text.rstrip("!") == "+" + digits), "+" + digits)
    nodes[at] = [*(one for one in nodes.get(at, []) if not one.startswith(named)), f"{named} csip,msp"]
    wider = World({**world.zones, zone: replace(world.zones[zone], nodes=nodes)})
    before = rows(judge(number(csi), anchor(), proof_of(world, csi, words), NOW))
    after = rows(judge(number(csi), anchor(), proof_of(wider, csi, words), NOW))
    assert without(after, named) == without(before, named)
    if not csi.startswith("+" + digits):
        assert after == before
    elif zone == "." and not any(ends_below(text, digits, csi) for text in nodes):
        assert {(named, Role.CSIP), (named, Role.MSP)} <= set(after)


def ends_below(node: str, digits: str, csi: str) -> bool:
    """Say whether a terminating node of the zone lies between the digits and the number."""
    return node.endswith("!") and csi.startswith(node[:-1]) and len(node[:-1]) > len("+" + digits)


def without(standing: dict[Row, Standing], authority: str) -> dict[Row, Standing]:
    return {row: word for row, word in standing.items() if row[0] != authority}


@given(
    crowds, owners, said, st.one_of(st.none(), vouched), st.tuples(st.sampled_from(MSPS), st.sampled_from(WORDS))
)
def test_what_one_msp_says_changes_only_its_own_rows(
    world: World, csi: str, words: Said, more: Vouched | None, change: tuple[str, Words]
) -> None:
    who, instead = change
    before = rows(judge(number(csi), anchor(), proof_of(world, csi, words, more), NOW))
    after = rows(judge(number(csi), anchor(), proof_of(world, csi, {**words, who: instead}, more), NOW))
    assert without(after, who) == without(before, who)


@pytest.mark.parametrize(
    ("csi", "heard"),
    [
        ("+12", {"a.example", "c.example"}),
        ("+121", {"b.example", "c.example"}),
        ("+1211", {"b.example", "c.example"}),
        ("+11", {"a.example", "c.example"}),
        ("+2", {"a.example"}),
    ],
)
def test_terminating_drops_the_same_zones_shorter_grants_and_nothing_else(csi: str, heard: set[str]) -> None:
    zones = {
        ".": ZoneSpec(
            {"+1": ["c.example msp", "r.example registry"], "+2": ["a.example msp"]}, (*MSPS, "r.example")
        ),
        "r.example": ZoneSpec({"+1": ["a.example msp"], "+121!": ["b.example msp"]}),
    }
    judgement = judge(number(csi), anchor(), World(zones).wires(), NOW)
    assert {name for name, role in rows(judgement) if role is Role.MSP} == heard


@given(
    crowds,
    owners,
    st.tuples(said, vouched),
    st.randoms(use_true_random=False),
    st.lists(st.binary(max_size=90), max_size=3),
)
def test_order_repetition_and_junk_do_not_matter(
    world: World, csi: str, words: tuple[Said, Vouched], random: Any, junk: list[bytes]
) -> None:
    proof = proof_of(world, csi, *words)
    shuffled = [*random.choices(proof, k=20), *proof, *junk]
    random.shuffle(shuffled)
    assert essence(judge(number(csi), anchor(), shuffled, NOW)) == essence(judge(number(csi), anchor(), proof, NOW))


@given(crowds, owners, said, vouched, st.data())
def test_no_record_can_be_left_out_unseen(
    world: World, csi: str, words: Said, more: Vouched, data: st.DataObject
) -> None:
    """Whatever is withheld, nobody who is to be heard vanishes: the rows stay, or the answer is incomplete."""
    proof = proof_of(world, csi, words, more)
    kept = [wire for wire in proof if not data.draw(st.booleans())]
    judgement = judge(number(csi), anchor(), kept, NOW)
    if judgement.complete:
        assert set(rows(judgement)) == owed(world, csi)


WEIGHTY = {Kind.REVOCATION, Kind.VALIDATION, Kind.MAPPING}


def assurances(judgement: Judgement) -> dict[Row, Assurance]:
    return {(finding.authority, finding.role): finding.assurance for finding in judgement.found}


@given(crowds, owners, said, vouched, st.data())
def test_leaving_records_out_changes_no_complete_answer_and_raises_no_assurance(
    world: World, csi: str, words: Said, more: Vouched, data: st.DataObject
) -> None:
    """Of what counts, whatever is withheld: nothing is vouched for better, and what is otherwise shows."""
    whole = judge(number(csi), anchor(), proof_of(world, csi, words, more), NOW)
    proof = list(dict.fromkeys(opened.sealed.to_wire() for opened in whole.evidence))
    hidden = data.draw(st.sets(st.sampled_from(proof), max_size=4)) if proof else set()
    weighty = [opened.sealed.to_wire() for opened in whole.evidence if opened.statement.kind in WEIGHTY]
    hidden |= {data.draw(st.sampled_from(weighty))} if weighty else set()
    judgement = judge(number(csi), anchor(), [wire for wire in proof if wire not in hidden], NOW)
    if judgement.complete:
        assert essence(judgement) == essence(whole)
    known = assurances(whole)
    for row, assurance in assurances(judgement).items():
        lifted = ASSURANCE_ORDER[assurance] > ASSURANCE_ORDER[known.get(row, Assurance.ASSERTED)]
        assert not lifted, (row, assurance)


@given(worlds(), owners, said, st.data())
def test_mutated_proofs_never_raise_and_prove_nothing_new(
    world: World, csi: str, words: Said, data: st.DataObject
) -> None:
    proof = proof_of(world, csi, words)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(proof) - 1))
        bit = data.draw(st.integers(0, 8 * len(proof[at]) - 1)) if proof[at] else 0
        whole = int.from_bytes(proof[at], "big") ^ 1 << bit
        proof[at] = whole.to_bytes(len(proof[at]), "big")[: data.draw(st.sampled_from([None, None, 5, 80]))]
    judgement = judge(number(csi), anchor(), proof, NOW)
    honest = standings(world, csi, words)
    for row, standing in rows(judgement).items():
        assert row in honest
        # A later denial that is spoilt leaves the assertion before it: silence, which no judge can see.
        spoilt = standing is Standing.ASSERTED and len(words.get(row[0], WORDS[0]).kinds) == 2
        assert standing is honest[row] or not standing.is_proven or spoilt or standing is Standing.DENIED
