"""A judge that remembers says what one says that does not; and it does less."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.zonedata.builders import NOW, World, ZoneSpec, anchor, assertion, block, forged, key, number, reseal
from tests.zonedata.random_worlds import owners, proof_of, said, worlds
from zonedata import recall as module
from zonedata.judgement import Judgement, judge
from zonedata.keys import PublicKey
from zonedata.kinds import DAY, Kind
from zonedata.opening import Claim, Refusal, Step, read_claim
from zonedata.recall import Recall
from zonedata.sealed import signed_octets

NEVER = 10 * 366 * DAY


def whole(judgement: Judgement) -> object:
    """All that a judgement says, the order of what it stands on too."""
    evidence = [(opened.sealed, opened.key_id, opened.until, opened.keep) for opened in judgement.evidence]
    refusals = [(refusal, refusal.octets) for refusal in judgement.refusals]
    return judgement.outcome, judgement.complete, judgement.findings, refusals, evidence


def spoilt(data: st.DataObject, proof: list[bytes]) -> list[bytes]:
    """Leave out, spoil and repeat some of a proof, as anybody on the way could."""
    shown = []
    for wire in proof:
        fate: str = data.draw(st.sampled_from(["", "", "", "", "", "", "left out", "flipped", "twice", "forged"]))
        match fate:
            case "left out":
                continue
            case "flipped":
                bit = data.draw(st.integers(0, 8 * len(wire) - 1))
                shown.append((int.from_bytes(wire) ^ 1 << bit).to_bytes(len(wire)))
            case "twice":
                shown += [wire, wire]
            case "forged":
                shown += [forged(wire), wire][: data.draw(st.integers(1, 2))]
            case _:
                shown.append(wire)
    return shown


times = st.sampled_from([0, 0, 0, 1, 59, 61, 599, 601, DAY, 8 * DAY, 40 * DAY, -61, -3_601, -NEVER, NEVER])


@given(st.lists(worlds(), min_size=1, max_size=2), said, st.data())
def test_remembering_changes_no_verdict(trees: list[World], words: Any, data: st.DataObject) -> None:
    """Over any sequence of questions, of any trees' statements, at any times, with little or much memory."""
    recall = Recall(data.draw(st.sampled_from([0, 500, 5_000, 10_000_000])))
    for _ in range(data.draw(st.integers(1, 6))):
        csi, now = data.draw(owners), NOW + data.draw(times)
        proof = spoilt(data, proof_of(data.draw(st.sampled_from(trees)), csi, words))
        fresh = judge(number(csi), anchor(), proof, now)
        assert whole(judge(number(csi), anchor(), proof, now, recall)) == whole(fresh)


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The signatures that were checked."""
    found: list[bytes] = []
    true = PublicKey.verifies

    def counting(self: PublicKey, signature: bytes, message: bytes) -> bool:
        found.append(signature)
        return true(self, signature, message)

    monkeypatch.setattr(PublicKey, "verifies", counting)
    return found


WORLD = World({".": ZoneSpec({"+1": ["a.example msp", "r.example registry"]}, ("a.example", "r.example")),
               "r.example": ZoneSpec({"+12": ["b.example msp"]}, ("b.example",))})  # fmt: skip
CSI = "+121"


def shown(csi: str = CSI) -> list[bytes]:
    return [*WORLD.wires(), assertion(number(csi), "a.example"), block("+", "b.example", lengths=(len(csi) - 1,))]


def test_what_many_owners_share_is_checked_once(checked: list[bytes]) -> None:
    recall = Recall()
    first = judge(number(CSI), anchor(), shown(), NOW, recall)
    assert first.complete
    every = len(checked)
    assert every >= 8
    checked.clear()
    again = judge(number(CSI), anchor(), shown(), NOW, recall)
    assert whole(again) == whole(first)
    assert len(checked) == 1  # the assertion
    checked.clear()
    judge(number("+122"), anchor(), shown("+122"), NOW, recall)
    assert len(checked) == 1


def test_each_statement_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wires = shown()
    recall = Recall()
    read = [recall.read(wire) for wire in wires]
    monkeypatch.setattr(module, "read_claim", lambda wire: pytest.fail(f"decoded again: {wire[0]}"))
    for wire, before in zip(wires, read, strict=True):
        if wire[0] != Kind.ASSERTION:
            assert recall.read(wire) is before


def test_failures_are_not_remembered(checked: list[bytes]) -> None:
    recall = Recall()
    bad = [forged(wire) if wire[0] == Kind.GAP else wire for wire in shown()]
    judgement = judge(number(CSI), anchor(), bad, NOW, recall)
    assert not judgement.complete
    assert {refusal.step for refusal in judgement.refusals} == {Step.SIGNATURE}
    failures = [signature for signature in checked if any(signature in wire for wire in bad if wire[0] == Kind.GAP)]
    checked.clear()
    assert whole(judge(number(CSI), anchor(), bad, NOW, recall)) == whole(judgement)
    assert failures == checked != []
    assert isinstance(recall.read(b"\x05\x01junk"), Refusal)


def test_a_proof_counts_for_its_key_its_kind_and_its_octets_only() -> None:
    recall, sealed = Recall(), claim(WORLD.wires()[0]).sealed
    signature, message = sealed.signatures[0].octets, signed_octets(sealed.kind, sealed.body)
    mine, other = key("./zone").public, key("r.example/zone").public
    assert recall.verifies(sealed, mine, signature, message)
    assert recall.verifies(sealed, mine, signature, message)
    assert not recall.verifies(sealed, other, signature, message)
    changed = replace(sealed, body=sealed.body + b"\0")
    assert not recall.verifies(changed, mine, signature, signed_octets(changed.kind, changed.body))
    flipped = bytes((signature[0] ^ 1, *signature[1:]))
    assert not recall.verifies(sealed, mine, flipped, message)


def test_it_keeps_what_is_used_and_forgets_the_rest() -> None:
    gaps = [wire for wire in WORLD.wires() if wire[0] == Kind.GAP]
    recall = Recall(4 * max(map(len, gaps)))
    used = recall.read(gaps[0])
    for number_of in range(200):
        statement = claim(gaps[1]).statement
        recall.read(reseal(replace(statement, life=replace(statement.life, serial=number_of + 1)), "./zone"))
        assert recall.read(gaps[0]) is used
        assert recall.octets <= 2 * max(map(len, gaps))
        assert len(recall._claims) + len(recall._old_claims) <= 5
    assert recall.read(gaps[1]) is not recall.read(b"")


def claim(wire: bytes) -> Claim:
    read = read_claim(wire)
    assert isinstance(read, Claim)
    return read
