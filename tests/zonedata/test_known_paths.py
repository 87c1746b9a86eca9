"""A path that was kept is the one that would have been found."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builds import NEEDS_SOURCES
from tests.zonedata.builders import NOW, World, ZoneSpec, anchor, assertion, number
from tests.zonedata.random_worlds import owners, proof_of, said, worlds
from tests.zonedata.test_recall import times, whole
from zonedata.identifiers import parse
from zonedata.judgement import Outcome, judge
from zonedata.known_paths import MAX_PATHS, KnownPaths
from zonedata.names import Name
from zonedata.path import follow
from zonedata.recall import Recall


@given(worlds(), said, st.lists(st.tuples(owners, times, st.integers(-4, 9)), min_size=2, max_size=12))
def test_many_owners_of_a_tree_at_many_times(world: World, words: Any, asked: list[tuple[str, int, int]]) -> None:
    """Every proof shows the same statements in the same order, or all but one, so that paths are found again."""
    recall = Recall()
    zones = world.wires()
    for csi, after, left_out in asked:
        shown = proof_of(world, csi, words)
        if left_out >= 0:
            shown.remove(zones[left_out % len(zones)])
        fresh = judge(number(csi), anchor(), shown, NOW + after)
        assert whole(judge(number(csi), anchor(), shown, NOW + after, recall)) == whole(fresh)


TREE = World({
    ".": ZoneSpec({"+1": ["a.example msp", "r.example registry"], "+12!": ["b.example msp"],
                   "@example.com": ["a.example msp"], "@deep.example": ["a.example msp deep"]},
                  ("a.example", "b.example", "r.example")),
    "r.example": ZoneSpec({"+11": ["b.example msp"]}),
})  # fmt: skip
WIRES = TREE.wires()
NUMBERS = ("+1", "+10", "+11", "+111", "+1110", "+112", "+119", "+12", "+120", "+121", "+129", "+13", "+2", "+3")
DOMAINS = ("example.com", "sub.example.com", "deep.example", "a.b.deep.example", "other.example", "aaa.example")
NAMES = [*map(number, NUMBERS), *(parse(f"{local}@{domain}").owner for local in "xy" for domain in DOMAINS)]


@pytest.mark.parametrize("first", NAMES)
def test_every_two_owners(first: Name) -> None:
    for second in NAMES:
        recall = Recall()
        for owner in (first, second, first):
            shown = [*WIRES, assertion(owner, "a.example"), assertion(owner, "b.example")]
            assert whole(judge(owner, anchor(), shown, NOW, recall)) == whole(judge(owner, anchor(), shown, NOW))


@NEEDS_SOURCES
def test_a_path_is_followed_once_for_owners_that_are_not_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    followed: list[Name] = []

    def following(owner: Name, known: Any) -> Any:
        followed.append(owner)
        return follow(owner, known)

    monkeypatch.setattr("zonedata.judgement.follow", following)
    recall = Recall()
    for csi in ("+1301", "+1302", "+139", "+14", "+1302", "+1201", "+1202", "+1301"):
        shown = [*WIRES, assertion(number(csi), "a.example"), assertion(number(csi), "b.example")]
        judgement = judge(number(csi), anchor(), shown, NOW, recall)
        assert judgement.outcome is Outcome.FOUND
        assert judgement.owner == number(csi)
    assert set(followed) == {number("+1301"), number("+1201")}
    later = NOW + 8 * 86_400
    for wires, now in ((WIRES, later), (WIRES[:-1], NOW), (WIRES[1:], NOW), (WIRES[::-1], NOW)):
        followed.clear()
        judge(number("+1301"), anchor(), wires, now, recall)
        assert followed


def test_their_number_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zonedata.known_paths.MAX_PATHS", 3)
    recall = Recall()
    for at in range(40):
        judge(number(f"+1{at}"), anchor(), WIRES[at % 5 :], NOW, recall)
        assert sum(len(shown.paths) for shown in recall.paths._by_claims.values()) <= 3
    assert isinstance(recall.paths, KnownPaths)
    assert MAX_PATHS > 3
