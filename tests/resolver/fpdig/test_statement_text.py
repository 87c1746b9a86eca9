from dataclasses import replace

import pytest

from resolver.fpdig.statement_text import details, heading, owner_text
from tests.resolver.fpdig.answers import CSI, OTHER
from tests.zonedata.builders import NOW, key, life, number
from tests.zonedata.samples import SAMPLES as ELSEWHERE
from zonedata import names
from zonedata.kinds import DAY, Kind
from zonedata.names import ROOT
from zonedata.opening import Claim
from zonedata.person_statements import Block, Denial
from zonedata.recipient_statements import Mapping, MappingEntry, Revocation, Validation
from zonedata.sealed import Sealed, Signature
from zonedata.statements import to_body
from zonedata.zone_statements import Authority, Delegation, Gap, Server

MAPPED = Mapping(
    life(Kind.MAPPING),
    CSI.owner,
    key("ann").public,
    (MappingEntry("alpha.example", ("Default",)), MappingEntry("beta.example", ("Business", "Open"))),
)
VALIDATED = Validation(
    life(Kind.VALIDATION), CSI.owner, MAPPED.recipient, "check.example", "sms", NOW - DAY, NOW - 60, 7
)
REVOKED = Revocation(life(Kind.REVOCATION), "carrier.example", number("+1415"), True, NOW - 10, "reassigned")
SAMPLES = {**ELSEWHERE, Kind.MAPPING: MAPPED, Kind.VALIDATION: VALIDATED, Kind.REVOCATION: REVOKED}
SIGNATURE = Signature(15, bytes(range(8)), bytes(64))
HEADINGS = {
    Kind.ROOTKEYS: "ROOTKEYS   version 1",
    Kind.ZONEDIGEST: "ZONEDIGEST .",
    Kind.AUTHORITY: "AUTHORITY  alpha.example",
    Kind.DELEGATION: "DELEGATION +1",
    Kind.GAP: "GAP        +1 to the end",
    Kind.ASSERTION: "ASSERTION  +14155550123",
    Kind.BLOCK: "BLOCK      +1415",
    Kind.DENIAL: "DENIAL     +14155550123",
    Kind.MAPPING: "MAPPING    +14155550123",
    Kind.VALIDATION: "VALIDATION +14155550123",
    Kind.REVOCATION: "REVOCATION +1415 and all below",
    Kind.STATUS: "STATUS     +14155550123",
}
FIRST_LINES = {
    Kind.ROOTKEYS: "2 of 3 root keys must sign",
    Kind.ZONEDIGEST: "3 statements, digest " + "00" * 32,
    Kind.DELEGATION: "alpha.example as msp, asserted at least",
    Kind.GAP: "label counts delegated at or above: 2",
    Kind.ASSERTION: "mimi://alpha.example/u/alice",
    Kind.BLOCK: "mimi://alpha.example/u/{number}",
    Kind.DENIAL: "nothing, asked as msp",
    Kind.MAPPING: f"recipient {MAPPED.recipient.hex()}",
    Kind.VALIDATION: f"recipient {MAPPED.recipient.hex()}",
    Kind.REVOCATION: "what was said before 2025-06-15T15:06:30Z no longer holds: reassigned",
    Kind.STATUS: "alpha.example as msp: unreachable",
}


def claim(kind: Kind, signatures: int = 1) -> Claim:
    return Claim(Sealed(kind, (SIGNATURE,) * signatures, to_body(SAMPLES[kind])), SAMPLES[kind])


def test_every_kind_is_here() -> None:
    assert set(HEADINGS) == set(Kind)


@pytest.mark.parametrize("kind", Kind)
def test_heading(kind: Kind) -> None:
    assert heading(SAMPLES[kind], CSI) == HEADINGS[kind]


@pytest.mark.parametrize("kind", FIRST_LINES)
def test_first_line(kind: Kind) -> None:
    assert details(claim(kind))[0] == FIRST_LINES[kind]


def test_who_says_so_and_when() -> None:
    life = SAMPLES[Kind.DENIAL].life
    assert details(claim(Kind.DENIAL))[1:] == [
        f"by alpha.example, key 0001020304050607, serial {life.serial}, ttl 300",
        "from 2025-06-15T15:06:30Z to 2025-06-15T15:11:40Z",
    ]
    assert "key 0001020304050607 and 2 more," in details(claim(Kind.ROOTKEYS, 3))[-2]
    assert details(claim(Kind.STATUS, 0))[-2].startswith("by the resolver, unsigned, a hint, serial")


def test_an_authority_has_a_line_for_each_key_and_server() -> None:
    sample = SAMPLES[Kind.AUTHORITY]
    assert isinstance(sample, Authority)
    pinned = Server("ns2.example", ("192.0.2.1", "2001:db8::1"), (("tcp", 53), ("tls", 853)), bytes(32))
    lines = details(replace(claim(Kind.AUTHORITY), statement=replace(sample, servers=(*sample.servers, pinned))))
    assert [line.split()[0] for line in lines] == [*["key"] * 5, "server", "server", "pin", "by", "from"]
    assert lines[5] == "server ns.example 192.0.2.1 udp=5300"
    assert lines[6] == "server ns2.example 192.0.2.1,2001:db8::1 tcp=53 tls=853"
    assert lines[0].endswith(" 2025-06-14T15:06:40Z to 2025-07-15T15:06:40Z")


def test_what_is_seldom_there() -> None:
    delegation, block, gap = SAMPLES[Kind.DELEGATION], SAMPLES[Kind.BLOCK], SAMPLES[Kind.GAP]
    denial = SAMPLES[Kind.DENIAL]
    assert isinstance(denial, Denial)
    signed = replace(denial, as_of=denial.life.issued - 60)
    assert (
        details(replace(claim(Kind.DENIAL), statement=signed))[0]
        == "nothing, asked as msp; as of 2025-06-15T15:05:30Z"
    )
    assert isinstance(delegation, Delegation)
    assert isinstance(block, Block)
    assert isinstance(gap, Gap)
    deep = replace(delegation, terminating=True, grants=(replace(delegation.grants[0], deep=True),))
    assert details(replace(claim(Kind.DELEGATION), statement=deep))[:2] == [
        "terminating",
        "alpha.example as msp, asserted at least deep",
    ]
    assert details(claim(Kind.BLOCK))[1] == "numbers of 11 digits, except 555"
    assert details(replace(claim(Kind.BLOCK), statement=replace(block, exceptions=())))[1] == "numbers of 11 digits"
    assert details(replace(claim(Kind.GAP), statement=replace(gap, counts=())))[0].endswith("at or above: none")
    assert (
        heading(replace(gap, first=ROOT, next=names.from_text("authority.")), CSI) == "GAP        . to authority."
    )
    assert details(claim(Kind.ASSERTION))[1:3] == ["features mls rcs", "recipient " + "00" * 32]


def test_owner() -> None:
    assert owner_text(CSI.owner, CSI) == CSI.text
    assert owner_text(OTHER.owner, CSI) == OTHER.text


def test_a_mapping_tells_each_msp_and_what_it_is_for() -> None:
    assert details(claim(Kind.MAPPING))[1:4] == [
        "at alpha.example, Default",
        "at beta.example, Business Open",
        f"by the recipient, key 0001020304050607, serial {MAPPED.life.serial}, ttl {MAPPED.life.ttl}",
    ]
    fresh = replace(MAPPED, entries=(MappingEntry("alpha.example"),), is_new=True, former=(bytes(32),))
    assert details(replace(claim(Kind.MAPPING), statement=fresh))[1:4] == [
        "new",
        "at alpha.example, no tag",
        f"formerly {bytes(32).hex()}",
    ]
    nowhere = replace(MAPPED, entries=())
    told = "nowhere: does not want to be found"
    assert details(replace(claim(Kind.MAPPING), statement=nowhere))[1] == told
    released = details(replace(claim(Kind.MAPPING), statement=replace(nowhere, is_released=True)))
    assert released[1] == "given up"
    assert told not in released


def test_a_validation_tells_since_when_how_and_what_it_knows() -> None:
    assert details(claim(Kind.VALIDATION))[1:4] == [
        "since 2025-06-14T15:06:40Z, by sms, last 2025-06-15T15:05:40Z",
        "knows their mapping of serial 7",
        f"by check.example, key 0001020304050607, serial {VALIDATED.life.serial}, ttl {VALIDATED.life.ttl}",
    ]
    unmapped = replace(VALIDATED, mapping=0)
    assert details(replace(claim(Kind.VALIDATION), statement=unmapped))[2] == "knows no mapping of theirs"


def test_a_revocation_of_one() -> None:
    one = replace(REVOKED, node=CSI.owner, is_block=False)
    assert heading(one, CSI) == "REVOCATION +14155550123"
    assert details(replace(claim(Kind.REVOCATION), statement=one))[1].startswith("by carrier.example, key 0001")
