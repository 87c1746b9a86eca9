"""What every store of proven statements does, before and after it has written what was put."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from resolver.proven.store import Proven
from tests.resolver.proven.making import (
    MEMORY,
    ROLLED,
    ROOT_ZONE,
    SHARED,
    A,
    B,
    assertion,
    authority,
    block,
    delegation,
    denial,
    gap,
    opened,
    party,
    store,
)
from tests.zonedata.builders import NOW, changed, number
from tests.zonedata.samples import SAMPLES
from zonedata.identifiers import authority_node, parse
from zonedata.kinds import Kind, Role
from zonedata.names import ROOT
from zonedata.opening import Opened, Signer
from zonedata.statements import Statement

PHONE, OTHER = number("+14155550123"), number("+14155550124")
MAIL = parse("alice@example.com").owner


@pytest.fixture(params=[MEMORY, SHARED])
def proven(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Proven]:
    made = store(request.param, tmp_path)
    yield made
    made.close()


@pytest.fixture(params=[False, True], ids=["waiting", "written"])
def written(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def put(proven: Proven, written: bool, signer: Signer, *many: Opened[Any], now: float = NOW) -> None:
    for one in many:
        proven.put(signer, one, now)
        if written:
            proven.flush()


def test_what_was_said_about_an_owner_comes_back_whole(proven: Proven, written: bool) -> None:
    for owner in (PHONE, MAIL):
        said: list[Statement] = [
            assertion(owner), denial(owner), denial(owner, role=Role.VALIDATOR), denial(owner, role=Role.CSIP)
        ]  # fmt: skip
        put(proven, written, A, *(opened(one) for one in said))
        assert proven.said(A, owner, NOW) == [opened(one) for one in said]
    assert proven.said(A, OTHER, NOW) == []
    assert proven.said(B, PHONE, NOW) == []
    assert proven.said(party("reg.example", "a.example"), PHONE, NOW) == []


@pytest.mark.parametrize("one", [SAMPLES[kind] for kind in (Kind.ROOTKEYS, Kind.ZONEDIGEST, Kind.STATUS)])
def test_what_is_no_proven_statement_is_refused(proven: Proven, one: Statement) -> None:
    with pytest.raises(ValueError, match="not kept"):
        proven.put(A, changed(opened(assertion(PHONE)), statement=one), NOW)


def test_nothing_comes_back_at_its_end(proven: Proven, written: bool) -> None:
    put(proven, written, A, opened(assertion(PHONE)), opened(block("+1415")))
    put(
        proven,
        written,
        ROOT_ZONE,
        opened(gap("+1", "+2", 2)),
        opened(delegation("+1")),
        opened(authority("a.example")),
    )
    for now, count in ((NOW + 89.9, 2), (NOW + 90, 0), (NOW + 1000, 0)):
        assert len(proven.said(A, PHONE, now)) == count
        assert len(proven.zone_for(ROOT_ZONE, PHONE, now)) == count
        assert (proven.authority(ROOT_ZONE, "a.example", now) is not None) is bool(count)


def test_times_are_rounded_down(proven: Proven) -> None:
    put(proven, True, A, opened(assertion(PHONE), keep=NOW + 60.98765, until=NOW + 90.9))
    (found,) = proven.said(A, PHONE, NOW)
    assert (found.keep, found.until) == (NOW + 60 + 1_011 / 1_024, NOW + 90)
    put(proven, True, A, opened(assertion(PHONE), keep=float("inf"), until=float("inf")))
    (found,) = proven.said(A, PHONE, NOW)
    assert found.until == 2**40 - 1
    assert found.keep <= found.until


def test_a_block_is_found_from_every_number_it_speaks_for(proven: Proven, written: bool) -> None:
    blocks = [block(node) for node in ("+1", "+1415", "+14155", "+1416", "+141")]
    put(proven, written, A, *(opened(one) for one in blocks))
    nodes = [one.statement.node for one in proven.said(A, PHONE, NOW)]  # type: ignore[union-attr]  # all are blocks
    assert nodes == [number(node) for node in ("+14155", "+1415", "+141", "+1")]
    assert [one.statement for one in proven.said(A, number("+14171234567"), NOW)] == [blocks[4], blocks[0]]
    assert [one.statement for one in proven.said(A, number("+12223334444"), NOW)] == [blocks[0]]
    assert proven.said(A, number("+22223334444"), NOW) == []
    assert proven.said(A, number("+1222333444"), NOW) == [], "it has another length"
    assert proven.said(A, MAIL, NOW) == []
    assert proven.said(B, PHONE, NOW) == []


def test_a_block_that_excepts_a_number_does_not_hide_one_above(proven: Proven, written: bool) -> None:
    put(
        proven,
        written,
        A,
        opened(block("+1")),
        opened(block("+1415", exceptions=("555",))),
        opened(assertion(PHONE)),
    )
    assert [one.statement for one in proven.said(A, PHONE, NOW)] == [assertion(PHONE), block("+1")]


def test_the_gap_at_or_before_and_the_delegations_above(proven: Proven, written: bool) -> None:
    said: list[Statement] = [gap("+1", "+14", 2), gap("+14155", "+3", 2, 3)]
    said += [delegation("", 2), delegation("+1"), delegation("+14")]
    said += [delegation("+15", 2), delegation("+141")]
    put(proven, written, ROOT_ZONE, *(opened(one) for one in said))

    def found(name: Any) -> set[Statement]:
        return {one.statement for one in proven.zone_for(ROOT_ZONE, name, NOW)}

    assert found(number("+14")) == {said[0], said[2], said[3], said[4]}
    assert found(number("+12")) == {said[0], said[2], said[3]}
    assert found(number("+")) == {said[2]}
    assert found(ROOT) == {said[2]}
    assert found(authority_node("a.example")) == {said[2]}
    assert proven.zone_for(A, number("+14"), NOW) == []


def test_a_binding_is_found_by_name_and_by_zone(proven: Proven, written: bool) -> None:
    put(proven, written, ROOT_ZONE, opened(authority("a.example")), opened(authority("b.example", 2)))
    registry = party("a.example")
    put(proven, written, registry, opened(authority("c.example", zone="a.example")))
    assert proven.authority(ROOT_ZONE, "a.example", NOW) == opened(authority("a.example"))
    assert proven.authority(ROOT_ZONE, "c.example", NOW) is None
    assert proven.authority(registry, "c.example", NOW) == opened(authority("c.example", zone="a.example"))
    assert proven.authority(registry, "a.example", NOW) is None


MADE: list[tuple[Signer, Any]] = [
    (A, lambda serial: assertion(PHONE, serial)),
    (A, lambda serial: denial(PHONE, serial)),
    (A, lambda serial: block("+1415", serial)),
    (ROOT_ZONE, lambda serial: delegation("+1", serial)),
    (ROOT_ZONE, lambda serial: gap("+1", "+2", 2, serial=serial)),
    (ROOT_ZONE, lambda serial: authority("a.example", serial)),
]


def held(proven: Proven, signer: Signer, now: float = NOW) -> list[Opened[Statement]]:
    binding = proven.authority(signer, "a.example", now)
    return [
        *proven.said(signer, PHONE, now), *proven.zone_for(signer, PHONE, now), *([binding] if binding else [])
    ]  # fmt: skip


@pytest.mark.parametrize(("signer", "make"), MADE)
def test_of_one_thing_the_higher_serial_stands(proven: Proven, written: bool, signer: Signer, make: Any) -> None:
    put(proven, written, signer, opened(make(1)), opened(make(3)), opened(make(2)))
    assert held(proven, signer) == [opened(make(3))]
    again = opened(make(3), keep=NOW + 70, until=NOW + 80)
    put(proven, written, signer, again)
    assert held(proven, signer) == [again], "the same once more has new times"
    assert proven.statistics().refused == 1


@pytest.mark.parametrize(("signer", "make"), MADE)
def test_what_has_ended_bars_nothing(proven: Proven, written: bool, signer: Signer, make: Any) -> None:
    put(proven, written, signer, opened(make(3), until=NOW + 10, keep=NOW + 5))
    put(proven, written, signer, opened(make(2)), now=NOW + 9)
    assert [one.statement for one in held(proven, signer, NOW + 9)] == [make(3)], "past its keep it still bars"
    put(proven, written, signer, opened(make(2)), now=NOW + 10)
    assert [one.statement for one in held(proven, signer, NOW + 10)] == [make(2)]


@pytest.mark.parametrize(("signer", "make"), MADE)
def test_what_a_withdrawn_key_signed_bars_nothing(proven: Proven, written: bool, signer: Signer, make: Any) -> None:
    put(proven, written, signer, opened(make(2**50), by="stolen "))
    put(proven, written, signer, opened(make(2)))
    assert held(proven, signer) == [opened(make(2))]


@pytest.mark.parametrize("inside", [delegation("+14", 2), authority("x.example", 2)])
def test_no_name_lies_in_a_gap(proven: Proven, inside: Any) -> None:
    whole = replace(gap("", "", serial=1), next=ROOT)
    put(proven, True, ROOT_ZONE, opened(whole), opened(inside))
    assert whole not in [one.statement for one in held(proven, ROOT_ZONE)]
    put(proven, True, ROOT_ZONE, opened(whole))
    assert whole not in [one.statement for one in held(proven, ROOT_ZONE)]
    newer = replace(whole, life=replace(whole.life, serial=3))
    put(proven, True, ROOT_ZONE, opened(newer))
    assert [one.statement for one in proven.zone_for(ROOT_ZONE, number("+145"), NOW)] == [newer]
    assert proven.authority(ROOT_ZONE, "x.example", NOW) is None
    put(proven, True, ROLLED, opened(inside, by="2 "))
    assert newer not in [one.statement for one in proven.zone_for(ROOT_ZONE, number("+145"), NOW)]


def test_of_gaps_that_overlap_the_later_stands(proven: Proven) -> None:
    for first, following in (("+1", "+3"), ("+2", "+4"), ("+1", "+4"), ("+15", "+25"), ("+2", "")):
        old, new = gap("+12", "+33", serial=1), gap(first, following, serial=2)
        zone = party(f"z{first[1:]}.{following[1:] or 'end'}.example")
        old, new = replace(old, zone=zone.name), replace(new, zone=zone.name)
        put(proven, True, zone, opened(old), opened(new), opened(old))
        found = {one.statement for at in ("+12", "+2", "+3") for one in proven.zone_for(zone, number(at), NOW)}
        assert found == {new}


def test_figures(proven: Proven) -> None:
    assert proven.said(A, PHONE, NOW) == []
    put(proven, True, A, opened(assertion(PHONE)), opened(denial(PHONE)), opened(assertion(OTHER)))
    assert proven.said(A, PHONE, NOW) != []
    figures = proven.statistics()
    assert (figures.hits, figures.misses, figures.entries, figures.stored) == (1, 1, 2, 3)
    assert 0 < figures.octets < figures.bound
    assert (figures.evicted, figures.lost, figures.is_failed) == (0, 0, False)
