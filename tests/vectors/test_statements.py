"""Read the vectors as anybody would, and see each refused at its step and nowhere else."""

import json
from typing import Any

import pytest

from tests.vectors.make import FILE, made
from zonedata import identifiers, keys, trust
from zonedata.judgement import Judgement, judge
from zonedata.kinds import Use
from zonedata.opening import Refusal, Signer, Step, open_claim, read_claim
from zonedata.sealed import Sealed
from zonedata.trust import Trust
from zonedata.zone_statements import BoundKey

CONTENT: dict[str, Any] = json.loads(FILE.read_text())
STATEMENTS: list[dict[str, Any]] = CONTENT["statements"]
PROOFS: list[dict[str, Any]] = CONTENT["proofs"]
JUDGEMENTS: list[dict[str, Any]] = CONTENT["judgements"]


def name_of(vector: dict[str, Any]) -> str:
    return str(vector["name"])


def anchor_of(vector: dict[str, Any]) -> Trust:
    return trust.from_sealed(Sealed.from_wire(bytes.fromhex(CONTENT["anchors"][vector["anchor"]])))


def opened(vector: dict[str, Any], record: str) -> str | int:
    party = vector["party"]
    bound = tuple(
        BoundKey(
            keys.admit(bytes.fromhex(one["key"])), tuple(Use(use) for use in one["uses"]), one["from"], one["until"]
        )
        for one in party["keys"]
    )
    read = read_claim(bytes.fromhex(record))
    if not isinstance(read, Refusal):
        signer = Signer(party["name"], (party["name"],), bound, party["until"])
        result = open_claim(read, signer, anchor_of(vector).tree, vector["now"])
        return int(result.step) if isinstance(result, Refusal) else "ok"
    return int(read.step)


def judged(vector: dict[str, Any], records: list[str]) -> Judgement:
    owner = identifiers.parse(vector["csi"]).owner
    return judge(owner, anchor_of(vector), map(bytes.fromhex, records), vector["now"])


def refused_at(judgement: Judgement) -> str | int:
    """Return the one step that refused something; else whether all that is owed is shown."""
    if judgement.refusals:
        (refusal,) = judgement.refusals
        return int(refusal.step)
    return "ok" if judgement.complete else "incomplete"


@pytest.mark.parametrize("vector", STATEMENTS, ids=name_of)
def test_a_statement_is_refused_at_its_step(vector: dict[str, Any]) -> None:
    assert opened(vector, vector["record"]) == vector["expect"]


@pytest.mark.parametrize("vector", STATEMENTS, ids=name_of)
def test_a_statement_without_its_fault_passes(vector: dict[str, Any]) -> None:
    assert opened(vector, vector["repaired"]) == "ok"


@pytest.mark.parametrize("vector", PROOFS, ids=name_of)
def test_a_proof_is_refused_at_its_step(vector: dict[str, Any]) -> None:
    assert refused_at(judged(vector, vector["records"])) == vector["expect"]


@pytest.mark.parametrize("vector", PROOFS, ids=name_of)
def test_a_proof_without_its_fault_passes(vector: dict[str, Any]) -> None:
    remove = set(vector["repair"]["remove"])
    kept = [record for at, record in enumerate(vector["records"]) if at not in remove]
    assert refused_at(judged(vector, [*kept, *vector["repair"]["add"]])) == "ok"


@pytest.mark.parametrize("vector", JUDGEMENTS, ids=name_of)
def test_a_proof_yields_what_it_must(vector: dict[str, Any]) -> None:
    forwards, backwards = (judged(vector, records) for records in (vector["records"], vector["records"][::-1]))
    assert forwards.refusals == backwards.refusals == []
    for judgement in (forwards, backwards):
        found = {finding.authority: " ".join((finding.assurance, *finding.tags)) for finding in judgement.found}
        assert vector["yields"] == {
            "outcome": judgement.outcome,
            "complete": judgement.complete,
            "rows": {finding.authority: finding.standing for finding in judgement.findings},
            "found": found,
            "recipient": judgement.recipient.hex(),
        }


def test_every_step_has_a_vector_and_every_vector_a_name() -> None:
    both = STATEMENTS + PROOFS
    assert {vector["expect"] for vector in both} == {"ok", "incomplete", *map(int, Step)}
    assert {vector["expect"] for vector in STATEMENTS} == {"ok", *range(1, 8)}
    assert len({vector["name"] for vector in both}) == len(both)
    assert all(vector["description"] for vector in both)


def test_the_file_is_what_is_made() -> None:
    assert FILE.read_text() == made(), "run python -m tests.vectors.make, and say why in the changelog"
