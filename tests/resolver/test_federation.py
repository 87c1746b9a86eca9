"""What several trees come to together, whatever the order in which it is put together."""

from dataclasses import replace
from functools import reduce
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.answer import Answer, Case, InTree, Reach, Row
from resolver.demand import demanding
from resolver.federation import in_tree, joined, merged, others_of
from resolver.policy import Policy, Tree
from tests.resolver.fpdig.answers import EMPTY, FAILED, PARTIAL, REFUSAL, SOUND
from tests.zonedata.builders import anchor, key, life
from zonedata.errors import MalformedError
from zonedata.identifiers import node_from_text, parse
from zonedata.judgement import Outcome
from zonedata.kinds import Assurance, Kind, Role
from zonedata.recipient_statements import Mapping
from zonedata.standing import Standing

ONE, TWO = bytes(16), bytes([1] * 16)
ANN, EVE = bytes(range(32)), bytes(range(32, 64))
NOBODY = Mapping(life(Kind.MAPPING), SOUND.csi.owner, key("ann").public, ())

_trees = st.sampled_from([ONE, TWO, bytes([2] * 16)])
_rows = st.builds(Row, st.sampled_from([".", "a.example"]), st.sampled_from([*Role]), st.sampled_from([*Standing]))
_levels = st.sampled_from([*Assurance])
_reaches = st.builds(
    Reach,
    st.sampled_from(["a.example", "b.example"]),
    st.just("mimi://x/1"),
    st.sampled_from([*Assurance]),
    st.just(9),
)


@st.composite
def _answers(draw: st.DrawFn) -> Answer:
    answer = replace(
        SOUND,
        outcome=draw(st.sampled_from([*Outcome])),
        complete=draw(st.booleans()),
        verified=draw(st.sampled_from([True, False, None])),
        rows=tuple(draw(st.lists(_rows, max_size=2))),
        reaches=tuple(draw(st.lists(_reaches, max_size=2))),
        refusals=tuple(draw(st.lists(st.just(REFUSAL), max_size=1))),
        recipient=draw(st.sampled_from([b"", ANN, EVE])),
    )
    return in_tree(answer, draw(_trees))


@given(st.lists(_answers(), min_size=3, max_size=3))
def test_the_order_does_not_matter(answers: list[Answer]) -> None:
    whole = reduce(merged, answers)
    for order in permutations(answers):
        assert reduce(merged, order) == whole
    one, two, three = answers
    assert merged(one, merged(two, three)) == whole


@given(st.lists(_answers(), min_size=2, max_size=3))
def test_what_is_said_twice_is_said_once(answers: list[Answer]) -> None:
    whole = reduce(merged, answers)
    assert merged(whole, whole) == whole
    assert merged(whole, answers[0]) == whole


@given(st.lists(_answers(), min_size=2, max_size=3))
def test_nothing_is_lost_and_only_all_together_are_complete(answers: list[Answer]) -> None:
    whole = reduce(merged, answers)
    assert whole.complete == all(answer.complete for answer in answers)
    assert set(whole.rows) == {row for answer in answers for row in answer.rows}
    assert set(whole.reaches) == {reach for answer in answers for reach in answer.reaches}
    recipients = {answer.recipient for answer in answers} - {b""}
    assert whole.recipient == (recipients.pop() if len(recipients) == 1 else b"")


@given(st.lists(_answers(), min_size=2, max_size=3, unique_by=lambda answer: answer.trees[0].tree), _levels)
def test_a_demand_is_made_of_each_tree_by_itself(answers: list[Answer], least: Assurance) -> None:
    whole = reduce(merged, answers)
    demanded = demanding(whole, least)
    assert demanded == reduce(merged, [demanding(answer, least) for answer in answers])
    assert {*demanded.reaches, *demanded.left_out} == set(whole.reaches)
    assert demanded.outcome is joined(word.outcome for word in demanded.trees)
    assert demanding(demanded, least) == demanded


def test_a_demand_leaves_to_every_tree_what_it_said() -> None:
    """One has nobody who may be found, the other a bare word; both are complete, or the second is not."""
    opted = replace(EMPTY, outcome=Outcome.OPTED_OUT, mapping=NOBODY, recipient=NOBODY.recipient)
    for complete, expected in ((True, Outcome.OPTED_OUT), (False, Outcome.INCOMPLETE)):
        bare = in_tree(replace(SOUND, complete=complete), TWO)
        demanded = demanding(merged(in_tree(opted, ONE), bare), Assurance.VALIDATED)
        assert demanded.outcome is expected
        assert demanded.case is (Case.OPTED_OUT if complete else Case.UNPROVEN)
        assert demanded.reaches == ()
        assert [(one.tree, one.msp) for one in demanded.left_out] == [(TWO.hex(), "alpha.example")]
        alone = Outcome.NONE if complete else Outcome.INCOMPLETE
        assert [word.outcome for word in demanded.trees] == [Outcome.OPTED_OUT, alone]
        standing = {(row.tree, row.standing) for row in demanded.rows}
        assert standing == {(ONE.hex(), Standing.DENIED), (TWO.hex(), Standing.INSUFFICIENT)}


def test_one_msp_can_suffice_in_one_tree_and_not_in_the_other() -> None:
    known = replace(SOUND, reaches=(replace(SOUND.reaches[0], assurance=Assurance.VALIDATED),), recipient=ANN)
    demanded = demanding(merged(in_tree(known, ONE), in_tree(SOUND, TWO)), Assurance.VALIDATED)
    assert [reach.tree for reach in demanded.reaches] == [ONE.hex()]
    assert [reach.tree for reach in demanded.left_out] == [TWO.hex()]
    assert [(row.tree, row.standing) for row in demanded.rows] == [
        (ONE.hex(), Standing.ASSERTED),
        (TWO.hex(), Standing.INSUFFICIENT),
    ]
    assert [word.outcome for word in demanded.trees] == [Outcome.FOUND, Outcome.NONE]


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([Outcome.FOUND, Outcome.INCOMPLETE], Outcome.FOUND),
        ([Outcome.NONE, Outcome.INCOMPLETE], Outcome.INCOMPLETE),
        ([Outcome.OPTED_OUT, Outcome.INCOMPLETE], Outcome.INCOMPLETE),
        ([Outcome.NONE, Outcome.OPTED_OUT], Outcome.OPTED_OUT),
        ([Outcome.NONE, Outcome.NONE], Outcome.NONE),
    ],
)
def test_what_outcomes_come_to(outcomes: list[Outcome], expected: Outcome) -> None:
    assert joined(outcomes) is expected
    assert joined(reversed(outcomes)) is expected


def test_trees_that_know_different_recipients() -> None:
    one, two = (in_tree(replace(SOUND, recipient=who), tree) for who, tree in ((ANN, ONE), (EVE, TWO)))
    assert merged(one, two).recipient == b""
    assert merged(one, two).case is Case.SEVERAL_MAPPINGS
    assert merged(one, in_tree(SOUND, TWO)).recipient == ANN
    assert merged(one, in_tree(SOUND, TWO)).case is Case.ONE_MSP, "the same MSP says the same in both"


def test_a_tree_that_gave_nothing_leaves_the_rest() -> None:
    whole = merged(in_tree(SOUND, ONE), in_tree(FAILED, TWO))
    assert (whole.outcome, whole.complete, whole.verified) == (Outcome.FOUND, False, None)
    assert whole.trees == (InTree(ONE.hex(), Outcome.FOUND, True), InTree(TWO.hex(), Outcome.INCOMPLETE, False))
    assert merged(in_tree(EMPTY, ONE), in_tree(PARTIAL, TWO)).outcome is Outcome.FOUND


# --- policy --------------------------------------------------------------------------------------------------


def _policy(*nodes: str) -> Policy:
    return Policy(
        Tree(name, replace(anchor(), tree=tree), tuple(node_from_text(text) for text in given.split()))
        for name, tree, given in zip(("one", "two"), (ONE, TWO), nodes, strict=True)
    )


@pytest.mark.parametrize(
    ("nodes", "csi", "expected"),
    [
        ((".", "."), "+14155550123", {"one", "two"}),
        ((".", "+1415"), "+14155550123", {"two"}),
        (("+14155", "+1415"), "+14155550123", {"one"}),
        (("+1415 +44", "+1415"), "+14155550123", {"one", "two"}),
        ((".", "@example.com"), "a@mail.example.com", {"two"}),
        ((".", "@example.com"), "a@example.org", {"one"}),
        (("+", "@"), "a@example.org", {"two"}),
        (("+44", "@"), "+14155550123", set()),
    ],
)
def test_who_speaks(nodes: tuple[str, str], csi: str, expected: set[str]) -> None:
    assert {tree.name for tree in _policy(*nodes).speaking_for(parse(csi).owner)} == expected


def test_trees_are_told_apart() -> None:
    mine, other = anchor(), replace(anchor(), tree=ONE)
    with pytest.raises(MalformedError, match="two trees have the id"):
        Policy([Tree("one", mine), Tree("two", mine)])
    with pytest.raises(MalformedError, match="two trees have the name one"):
        Policy([Tree("one", mine), Tree("one", other)])
    assert others_of((ONE, mine.tree), mine) == (ONE.hex(),)
