import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from resolver.answer import Answer, Case
from resolver.fpdig.document import VERSION, document, unreached
from resolver.fpdig.options import DEFAULTS, Options
from tests.resolver.fpdig.answers import (
    BOGUS,
    CSI,
    EMPTY,
    FAILED,
    LEFT_OUT,
    MAPPED,
    MUTE,
    PARTIAL,
    SOUND,
    SPOILT,
    STEP,
    WALKED,
)
from tests.zonedata.samples import SAMPLES
from zonedata.kinds import Assurance, Kind
from zonedata.opening import Claim
from zonedata.sealed import Sealed
from zonedata.statements import to_body

KEYS = [
    "fpdig", "csi", "owner", "outcome", "case", "complete", "verified", "recipient", "assertions", "authorities",
    "refusals", "rcode", "ede", "server", "transport", "ms",
]  # fmt: skip
PROSE = Path(__file__).parents[3] / "docs" / "fpdig-json.md"


def read(answer: Answer, options: Options = DEFAULTS, **more: Any) -> dict[str, Any]:
    text = document(answer, options, **more)
    assert "\n" not in text
    told = json.loads(text)
    assert json.dumps(told, ensure_ascii=False) == text  # as the encoder would have written it
    assert isinstance(told, dict)
    return told


def check_schema(told: dict[str, Any]) -> None:
    """What docs/fpdig-json.md promises of every document."""
    assert list(told)[: len(KEYS)] == KEYS
    assert told["fpdig"] == VERSION == 1
    assert told["outcome"] in {"found", "none", "opted-out", "incomplete"}
    assert told["case"] in set(Case)
    assert type(told["complete"]) is bool
    assert told["recipient"] is None or len(bytes.fromhex(told["recipient"])) == 32
    assert told["verified"] in {True, False, None}
    for one in told["assertions"]:
        assert list(one) == [
            "msp", "ssi", "assurance", "expires", "expires_text", "features", "tags", "recipient",
        ]  # fmt: skip
        assert type(one["expires"]) is int
        assert type(one["tags"]) is list
        assert one["recipient"] is None or len(bytes.fromhex(one["recipient"])) == 32
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", one["expires_text"])
    for one in told["authorities"]:
        assert list(one) == ["authority", "role", "status"]
    for one in told["refusals"]:
        assert list(one) == ["step", "name", "kind", "about", "why"]
        assert type(one["step"]) is int
    for one in told["ede"]:
        assert list(one) == ["code", "text"]
        assert type(one["code"]) is int
    assert told["rcode"] is None or type(told["rcode"]) is str
    assert type(told["ms"]) in {float, type(None)}


@pytest.mark.parametrize("answer", [SOUND, EMPTY, PARTIAL, BOGUS, FAILED, WALKED, MAPPED, LEFT_OUT])
def test_schema(answer: Answer) -> None:
    check_schema(read(answer, Options(proof=True), steps=[STEP, SPOILT, MUTE], error="gone"))


def test_an_answer_word_by_word() -> None:
    assert read(SOUND) == {
        "fpdig": 1,
        "csi": "+14155550123",
        "owner": "3.2.1.0.5.5.5.5.1.4.1.e164.",
        "outcome": "found",
        "case": "one-msp",
        "complete": True,
        "verified": True,
        "recipient": None,
        "assertions": [
            {
                "msp": "alpha.example",
                "ssi": "mimi://alpha.example/u/x",
                "assurance": "asserted",
                "expires": 1_750_604_800,
                "expires_text": "2025-06-22T15:06:40Z",
                "features": ["e2ee"],
                "tags": [],
                "recipient": None,
            }
        ],
        "authorities": [{"authority": "alpha.example", "role": "msp", "status": "asserted"}],
        "refusals": [],
        "rcode": "NOERROR",
        "ede": [],
        "server": "192.0.2.53#5300",
        "transport": "tcp",
        "ms": 41.623,
    }


def test_what_was_refused_and_extended_errors() -> None:
    assert read(BOGUS)["refusals"] == [
        {
            "step": 7,
            "name": "signature",
            "kind": "ASSERTION",
            "about": "alpha.example",
            "why": "the signature does not verify",
        },
        {"step": 1, "name": "envelope", "kind": None, "about": "unknown", "why": "envelope is cut short"},
    ]
    failed = read(FAILED)
    assert (failed["rcode"], failed["verified"]) == ("SERVFAIL", None)
    assert failed["ede"] == [{"code": 22, "text": "no proof from: beta.example"}]


def test_a_walk_has_no_server() -> None:
    told = read(WALKED, steps=[STEP, SPOILT, MUTE])
    assert (told["rcode"], told["server"], told["transport"], told["ms"]) == (None, None, None, 41.6)
    step, spoilt, mute = told["trace"]
    assert {key: step[key] for key in list(step)[:8]} == {
        "party": ".",
        "purpose": "zone",
        "name": "3.2.1.0.5.5.5.5.1.4.1.e164.",
        "server": "192.0.2.1#53",
        "transport": "udp",
        "ms": 1.25,
        "rcode": "NOERROR",
        "trouble": None,
    }
    assert [shown["kind"] for shown in step["shown"]] == ["ASSERTION"]
    assert [refusal["step"] for refusal in spoilt["refusals"]] == [7, 1]
    assert (mute["rcode"], mute["trouble"], mute["shown"]) == (None, "timed out", [])


def test_a_proof_tells_bodies_with_octets_in_hex() -> None:
    (told,) = read(SOUND, Options(proof=True))["proof"]
    assert told["kind"] == "ASSERTION"
    assert told["speaker"] == "alpha.example"
    assert [len(bytes.fromhex(key)) for key in told["keys"]] == [8]
    assert told["body"] == {
        "ttl": 300,
        "serial": 1,
        "issued": 1_749_996_400,
        "expires": 1_750_604_800,
        "owner": "3.2.1.0.5.5.5.5.1.4.1.e164.",
        "msp": "alpha.example",
        "ssi": "mimi://alpha.example/u/x",
    }


def test_a_proof_tells_lists_and_maps() -> None:
    authority = SAMPLES[Kind.AUTHORITY]
    sealed = Sealed(Kind.AUTHORITY, (), to_body(authority))
    (told,) = read(replace(SOUND, claims=(Claim(sealed, authority),)), Options(proof=True))["proof"]
    assert [list(key) for key in told["body"]["keys"]] == [["key", "uses", "from", "until"]] * 5
    assert {len(bytes.fromhex(key["key"])) for key in told["body"]["keys"]} == {32}
    assert told["body"]["servers"][0]["ports"] == {"udp": 5300}
    assert (told["speaker"], told["keys"]) == (".", [])


def test_extra_keys_stand_last_and_only_when_wanted() -> None:
    assert list(read(SOUND)) == KEYS
    wanted = Options(proof=True, assurance=Assurance.VALIDATED, direct=True)
    last = ["left_out", "asked_directly", "proof", "trace", "error"]
    assert list(read(SOUND, wanted, steps=[], error="gone")) == [*KEYS, *last]
    assert [one["msp"] for one in read(LEFT_OUT, wanted)["left_out"]] == ["alpha.example"]
    assert read(replace(SOUND, asked_directly=("b.example",)), wanted)["asked_directly"] == ["b.example"]


def test_whose_it_is_and_what_the_tags_are() -> None:
    told = read(MAPPED)
    assert told["recipient"] == MAPPED.recipient.hex()
    assert [(one["tags"], one["recipient"]) for one in told["assertions"]] == [
        (["Business", "Open"], MAPPED.recipient.hex()),
        ([], None),
    ]


def test_unreached() -> None:
    told = json.loads(unreached(CSI, ["192.0.2.1#53: timed out"] * 2 + ["192.0.2.1#53: refused"]))
    check_schema(told)
    assert list(told) == [*KEYS, "error"]
    assert told["error"] == "192.0.2.1#53: timed out; 192.0.2.1#53: refused"
    assert (told["outcome"], told["rcode"], told["verified"]) == ("incomplete", None, None)


def test_characters_outside_ascii_are_themselves() -> None:
    assert "zoë@example.com" in document(replace(SOUND, csi=replace(CSI, text="zoë@example.com")))


def test_the_prose_tells_every_key() -> None:
    wanted = Options(proof=True, assurance=Assurance.VALIDATED, direct=True)
    told = read(BOGUS, wanted, steps=[SPOILT], error="gone")
    inner = [told["assertions"][0], told["authorities"][0], told["refusals"][0], told["proof"][0], told["trace"][0]]
    prose = PROSE.read_text()
    for key in [*told, *(key for one in inner for key in one), "code", "text"]:
        assert f"`{key}`" in prose, key
