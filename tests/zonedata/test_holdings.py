from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.zonedata.builders import NOW, SERVERS, bound, key, keys_of, life, number
from tests.zonedata.samples import OWNER, SAMPLES, TREE
from zonedata import holdings as module
from zonedata.holdings import Holdings, Said, ZoneHoldings
from zonedata.kinds import RULES, Kind, Role, Use
from zonedata.names import ROOT, Name
from zonedata.opening import Claim, Opened, Refusal, Signer, Step
from zonedata.person_statements import Assertion, Block, Denial
from zonedata.sealed import Sealed
from zonedata.statements import Statement
from zonedata.zone_statements import Authority, Delegation, Gap, Grant

SIGNER = Signer(
    ".", (), (bound("zone", Use.ZONE), bound("assert", Use.ASSERT), bound("deny", Use.DENY)), float("inf")
)
ROLLED = replace(SIGNER, keys=(bound("zone 2", Use.ZONE), bound("assert 2", Use.ASSERT), bound("deny 2", Use.DENY)))


def held(statement: Statement, *, keep: float = NOW + 60, until: float = NOW + 90, by: str = "") -> Opened[Any]:
    """Return a statement as opened; holdings check no signature, only that its key still counts."""
    key_id = key(RULES[statement.kind].use + by).public.key_id
    return Opened(statement, Sealed(statement.kind, (), repr(statement).encode()), key_id, until, keep)


def gap(first: str, following: str, *counts: int, serial: int = 1) -> Gap:
    ends = [number(text) if text else ROOT for text in (first, following)]
    return Gap(life(Kind.GAP, serial=serial), TREE, ".", ends[0], ends[1], counts)


def delegation(node: str, serial: int = 1, authority: str = "a.example") -> Delegation:
    grants = (Grant(authority, (Role.MSP,)),)
    return Delegation(life(Kind.DELEGATION, serial=serial), TREE, ".", number(node), grants)


def authority(name: str, serial: int = 1) -> Authority:
    return Authority(life(Kind.AUTHORITY, serial=serial), TREE, ".", name, keys_of(name), SERVERS)


def step(refusal: Refusal | None) -> Step | None:
    return refusal.step if refusal is not None else None


def add(zone: ZoneHoldings, *statements: Statement) -> list[Step | None]:
    return [step(zone.add(held(statement), SIGNER, NOW)) for statement in statements]


def test_what_is_held_is_found_until_it_ends() -> None:
    zone = ZoneHoldings()
    assert add(zone, gap("+1", "+2", 2), delegation("+1"), authority("a.example")) == [None] * 3
    assert len(zone) == len(zone.all()) == 3
    for now, there in ((NOW, True), (NOW + 59, True), (NOW + 60, False)):
        assert (zone.gap_for(OWNER, SIGNER, now) is not None) is there
        assert (zone.delegation(number("+1"), SIGNER, now) is not None) is there
        assert (zone.authority("a.example", SIGNER, now) is not None) is there
        for one in (gap("+1", "+2", 2), delegation("+1"), authority("a.example")):
            assert zone.holds(Claim(held(one).sealed, one), SIGNER, now) is there
    assert zone.delegation(number("+14"), SIGNER, NOW) is None
    assert zone.authority("b.example", SIGNER, NOW) is None
    assert zone.sweep(NOW + 59) == 0
    assert zone.sweep(NOW + 60) == 3
    assert len(zone) == 0


def test_another_statement_at_the_same_name_is_not_held() -> None:
    zone = ZoneHoldings()
    add(zone, gap("+1", "+2", 2), delegation("+1"), authority("a.example"))
    for one in (gap("+1", "+3", 2), delegation("+1", 2), authority("a.example", 2)):
        assert not zone.holds(Claim(held(one).sealed, one), SIGNER, NOW)


def test_the_root_of_the_tree_is_a_name_like_others() -> None:
    zone = ZoneHoldings()
    first = Gap(life(Kind.GAP), TREE, ".", ROOT, number("+1"), (0,))
    at_root = replace(delegation("+1"), node=ROOT)
    assert add(zone, first, at_root) == [None, None]
    assert zone.gap_for(number("+"), SIGNER, NOW) is not None
    assert zone.delegation(ROOT, SIGNER, NOW) is not None
    assert len(zone.all()) == 2
    assert zone.sweep(NOW + 60) == 2


@pytest.mark.parametrize(
    "make",
    [
        delegation,
        lambda _, serial: authority("a.example", serial),
        lambda _, serial: gap("+1", "+2", 2, serial=serial),
    ],
)
def test_of_one_name_the_higher_serial_stands(make: Any) -> None:
    old, new = make("+1", 1), make("+1", 2)
    rising, falling = ZoneHoldings(), ZoneHoldings()
    assert add(rising, old, new) == [None, None]
    assert add(falling, new, old) == [None, Step.ORDER]
    assert [one.statement for one in rising.all()] == [one.statement for one in falling.all()] == [new]


def test_a_statement_that_has_ended_overtakes_nothing() -> None:
    zone = ZoneHoldings()
    zone.add(held(delegation("+1", 2), until=NOW + 90), SIGNER, NOW)
    assert step(zone.add(held(delegation("+1", 1)), SIGNER, NOW + 89)) is Step.ORDER
    assert step(zone.add(held(delegation("+1", 1), keep=NOW + 99, until=NOW + 99), SIGNER, NOW + 90)) is None
    zone.add(held(gap("+1", "+3", 2, serial=2)), SIGNER, NOW)
    assert step(zone.add(held(delegation("+2", 1), keep=NOW + 99, until=NOW + 99), SIGNER, NOW + 90)) is None


@pytest.mark.parametrize("inside", [delegation("+14", 2), authority("x.example", 2)])
def test_a_newer_name_in_a_gap_makes_it_void(inside: Delegation | Authority) -> None:
    old = Gap(life(Kind.GAP), TREE, ".", ROOT, ROOT, ())
    late, early = ZoneHoldings(), ZoneHoldings()
    assert add(late, old, inside) == [None, None]
    assert add(early, inside, old) == [None, Step.ORDER]
    assert [one.statement for one in late.all()] == [one.statement for one in early.all()] == [inside]


@pytest.mark.parametrize("serial", [1, 2])
def test_a_gap_as_late_displaces_the_names_inside(serial: int) -> None:
    for inside in (delegation("+14"), authority("x.example")):
        whole = Gap(life(Kind.GAP, serial=serial), TREE, ".", ROOT, ROOT, ())
        late, early = ZoneHoldings(), ZoneHoldings()
        assert add(late, whole, inside) == [None, Step.ORDER]
        assert add(early, inside, whole) == [None, None]
        assert [one.statement for one in late.all()] == [one.statement for one in early.all()] == [whole]


def test_the_ends_of_a_gap_are_not_inside_it() -> None:
    zone = ZoneHoldings()
    said: list[Statement] = [
        delegation("+1", 3),
        delegation("+2", 3),
        gap("+1", "+2", 2, serial=1),
        gap("+2", "", 2, serial=1),
    ]
    assert add(zone, *said) == [None] * 4
    assert len(zone) == 4


OVERLAPS = [("+1", "+3"), ("+2", "+4"), ("+1", "+4"), ("+15", "+25"), ("+2", "")]


@pytest.mark.parametrize(("first", "following"), OVERLAPS)
def test_of_gaps_that_overlap_the_later_stands(first: str, following: str) -> None:
    old, new = gap("+12", "+33", serial=1), gap(first, following, serial=2)
    rising, falling = ZoneHoldings(), ZoneHoldings()
    assert add(rising, old, new) == [None, None]
    assert add(falling, new, old) == [None, Step.ORDER]
    assert [one.statement for one in rising.all()] == [one.statement for one in falling.all()] == [new]


def test_an_old_gap_does_not_come_back_from_under_a_newer_one() -> None:
    # The zone had +1 to +3; then +15 and +2 were delegated; then +17, which covers the owner.
    said: list[Statement] = [gap("+1", "+3", 2, serial=1), gap("+15", "+2", serial=2), delegation("+17", 3)]
    for order in permutations(said):
        zone = ZoneHoldings()
        add(zone, *order)
        assert zone.gap_for(number("+175"), SIGNER, NOW) is None


def test_a_gap_must_count_every_newer_delegation_above_it() -> None:
    # Nothing lies inside the gap, but the zone has since delegated +1, above the name the gap begins at.
    old: Statement = gap("+14", "+2", 3, serial=1)
    above: Statement = delegation("+1", 2)
    for order in ((old, above), (above, old)):
        zone = ZoneHoldings()
        add(zone, *order)
        assert zone.gap_for(number("+145"), SIGNER, NOW) is None
        assert zone.gap_for(number("+15"), SIGNER, NOW) is None
        assert add(zone, gap("+14", "+2", 2, 3, serial=2)) == [None]
        assert zone.gap_for(number("+145"), SIGNER, NOW) is not None
    zone = ZoneHoldings()
    add(zone, gap("+14", "", 3, serial=1), above)
    assert zone.gap_for(number("+2"), SIGNER, NOW) is not None, "it says nothing about what +1 does not cover"


serial = st.integers(1, 3)
node = st.text("12", min_size=1, max_size=3).map("+".__add__)
zone_statement = st.one_of(
    st.builds(delegation, node, serial),
    st.builds(
        lambda ends, serial: gap(min(ends), max(ends), serial=serial), st.sets(node, min_size=2, max_size=2), serial
    ),
)


@given(st.lists(zone_statement, max_size=10), node)
def test_holdings_never_contradict_themselves(said: list[Delegation | Gap], asked: str) -> None:
    zone = ZoneHoldings()
    add(zone, *said)
    kept = [one.statement for one in zone.all()]
    gaps = [one for one in kept if isinstance(one, Gap)]
    for one in kept:
        assert isinstance(one, Delegation | Gap)
        at = one.node if isinstance(one, Delegation) else one.first
        assert not any(other.holds_inside(at) for other in gaps)
    shown = zone.gap_for(number(asked), SIGNER, NOW)
    assert shown is None or shown.statement.holds(number(asked))


distinct = st.lists(zone_statement, max_size=6, unique_by=lambda one: one.life.serial)


@given(distinct.filter(bool), st.randoms(use_true_random=False))
def test_the_latest_statement_survives_any_order(said: list[Delegation | Gap], random: Any) -> None:
    newest = max(said, key=lambda one: one.life.serial)
    zone = ZoneHoldings()
    add(zone, *random.sample(said, len(said)))
    assert newest in [one.statement for one in zone.all()]


# --- keys that no longer count -----------------------------------------------------------------------------


def test_what_a_withdrawn_key_signed_is_not_used_and_counts_again_with_the_key() -> None:
    zone = ZoneHoldings()
    said = (gap("+1", "+2", 2), delegation("+1"), authority("a.example"))
    add(zone, *said)
    for signer, there in ((SIGNER, True), (ROLLED, False), (SIGNER, True)):
        assert (zone.gap_for(OWNER, signer, NOW) is not None) is there
        assert (zone.delegation(number("+1"), signer, NOW) is not None) is there
        assert (zone.authority("a.example", signer, NOW) is not None) is there
        assert [zone.holds(Claim(held(one).sealed, one), signer, NOW) for one in said] == [there] * 3
    assert not zone.holds(Claim(held(asserted(1)).sealed, asserted(1)), SIGNER, NOW)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (delegation("+1", 9), delegation("+1", 1)),
        (authority("a.example", 9), authority("a.example", 1)),
        (gap("+1", "+2", 2, serial=9), gap("+1", "+2", 2, serial=1)),
        (gap("+1", "+3", 2, serial=9), gap("+2", "+4", 2, serial=1)),
        (delegation("+14", 9), gap("+1", "+2", serial=1)),
        (gap("+1", "+2", serial=9), delegation("+14", 1)),
        (gap("", "", serial=9), authority("a.example", 1)),
    ],
)
def test_what_a_withdrawn_key_signed_overtakes_nothing(old: Statement, new: Statement) -> None:
    counting, rolled = ZoneHoldings(), ZoneHoldings()
    for zone in (counting, rolled):
        assert zone.add(held(old), SIGNER, NOW) is None
    assert step(counting.add(held(new), SIGNER, NOW)) is Step.ORDER
    assert rolled.add(held(new, by=" 2"), ROLLED, NOW) is None
    assert [one.statement for one in rolled.all()] == [new]


def test_a_delegation_of_a_withdrawn_key_voids_no_gap() -> None:
    zone = ZoneHoldings()
    add(zone, delegation("+1", 2))
    assert zone.add(held(gap("+14", "+2", 3, serial=1), by=" 2"), ROLLED, NOW) is None
    assert zone.gap_for(number("+145"), ROLLED, NOW) is not None
    both = replace(ROLLED, keys=(*SIGNER.keys, *ROLLED.keys))
    assert zone.gap_for(number("+145"), both, NOW) is None


def test_a_zone_holds_so_much_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ZONE", 3)
    zone = ZoneHoldings()
    zone.add(held(delegation("+1")), SIGNER, NOW)
    zone.add(held(delegation("+2"), keep=NOW + 1), SIGNER, NOW)
    zone.add(held(gap("+1", "+2", 2)), SIGNER, NOW)
    zone.add(held(delegation("+3")), SIGNER, NOW + 2)
    assert [one.statement for one in zone.all()] == [gap("+1", "+2", 2), delegation("+1"), delegation("+3")]
    zone.add(held(delegation("+4")), SIGNER, NOW + 2)
    assert [one.statement for one in zone.all()] == [delegation("+4")], "nothing had ended, so all of it goes"


def test_only_statements_of_zones_are_held_for_zones() -> None:
    with pytest.raises(AssertionError):
        ZoneHoldings().add(held(SAMPLES[Kind.DENIAL]), SIGNER, NOW)
    with pytest.raises(AssertionError):
        Said().add(held(SAMPLES[Kind.GAP]), SIGNER, NOW)


# --- what authorities say ----------------------------------------------------------------------------------


def asserted(serial: int) -> Assertion:
    return Assertion(life(Kind.ASSERTION, serial=serial), OWNER, "a.example", f"mimi://a.example/u/{serial}")


def denied(serial: int, role: Role = Role.MSP) -> Denial:
    return Denial(life(Kind.DENIAL, serial=serial), OWNER, "a.example", role)


def blocked(prefix: str, serial: int) -> Block:
    sample = SAMPLES[Kind.BLOCK]
    assert isinstance(sample, Block)
    return replace(sample, node=number(prefix), life=life(Kind.BLOCK, serial=serial))


@pytest.mark.parametrize("make", [asserted, denied, lambda serial: blocked("+1415", serial)])
def test_the_latest_of_each_kind_is_held(make: Any) -> None:
    rising, falling = Said(), Said()
    assert [step(rising.add(held(make(one)), SIGNER, NOW)) for one in (1, 2)] == [None, None]
    assert [step(falling.add(held(make(one)), SIGNER, NOW)) for one in (2, 1)] == [None, Step.ORDER]
    assert [one.statement for one in rising.all()] == [one.statement for one in falling.all()] == [make(2)]
    assert falling.add(held(make(1)), SIGNER, NOW + 90) is None


def test_kinds_and_roles_do_not_displace_each_other() -> None:
    said = Said()
    shown: list[Statement] = [
        asserted(2),
        blocked("+1415", 1),
        denied(1),
        denied(1, Role.CSIP),
        denied(1, Role.VALIDATOR),
    ]
    assert [said.add(held(one), SIGNER, NOW) for one in shown] == [None] * 5
    assert [one.statement for one in said.all()] == shown
    assert set(said.denials) == {Role.MSP, Role.CSIP, Role.VALIDATOR}


def test_the_longest_block_is_held_whatever_its_serial() -> None:
    said = Said()
    for order, steps in (((3, 4), [None, None]), ((4, 3), [None, Step.ORDER])):
        said = Said()
        blocks = [blocked("+1415"[: 1 + digits], 9 - digits) for digits in order]
        assert [step(said.add(held(one), SIGNER, NOW)) for one in blocks] == steps
        assert said.block is not None
        assert said.block.statement.node == number("+1415")
    assert said.add(held(blocked("+14", 1)), SIGNER, NOW + 60) is None, "a block that has ended is not longer"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (asserted(9), asserted(1)),
        (denied(9), denied(1)),
        (blocked("+1415", 9), blocked("+1415", 1)),
        (blocked("+1415", 1), blocked("+14", 1)),
    ],
)
def test_what_an_authoritys_withdrawn_key_signed_overtakes_nothing(old: Statement, new: Statement) -> None:
    counting, rolled = Said(), Said()
    for said in (counting, rolled):
        assert said.add(held(old), SIGNER, NOW) is None
    assert step(counting.add(held(new), SIGNER, NOW)) is Step.ORDER
    assert rolled.add(held(new, by=" 2"), ROLLED, NOW) is None
    assert [one.statement for one in rolled.all()] == [new]


def test_holdings_are_by_principal_and_owner() -> None:
    holdings = Holdings()
    assert holdings.zone(()) is holdings.zone(())
    assert holdings.zone(("a.example",)) is not holdings.zone(("b.example", "a.example"))
    assert holdings.about(("a.example",), OWNER) is holdings.about(("a.example",), OWNER)
    assert holdings.about(("a.example",), OWNER) is not holdings.about(("b.example", "a.example"), OWNER)
    assert holdings.about(("a.example",), OWNER) is not holdings.about(("a.example",), Name(OWNER[:-2]))
