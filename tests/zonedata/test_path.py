from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from tests.zonedata.builders import NOW, World, ZoneSpec, anchor, changed, number, reseal
from zonedata import identifiers, path
from zonedata.admission import admit_zone
from zonedata.holdings import Holdings
from zonedata.kinds import DAY, Assurance, Kind, Role
from zonedata.names import Name
from zonedata.opening import Claim, Opened, Refusal, Step, read_claim
from zonedata.path import BindingNeed, Known, Path, ZoneNeed, follow
from zonedata.zone_statements import Authority, Delegation

OWNER = number("+14155550123")
ROOT = anchor().signer()
BOTH = ("alpha.example", "beta.example")


def claims_of(wires: Iterable[bytes]) -> list[Claim]:
    return [claim for claim in map(read_claim, wires) if isinstance(claim, Claim)]


def walk(
    wires: Iterable[bytes], owner: Name = OWNER, now: float = NOW, keep: float | None = None
) -> tuple[Path, list[Refusal]]:
    """Do what a judge does for the path: ask the records for what is needed until nothing new is."""
    claims, known = claims_of(wires), Known(anchor(), Holdings(), now)
    refusals: list[Refusal] = []
    tried: set[Any] = set()
    found = follow(owner, known)
    while fresh := [need for need in found.needs if need.key not in tried]:
        for need in fresh:
            tried.add(need.key)
            refusals += admit_zone(need, owner, claims, known, keep)
        found = follow(owner, known)
    return found, refusals


def roles(found: Path) -> dict[tuple[str, ...], set[str]]:
    return {principal: {str(role) for role in grantee.roles} for principal, grantee in found.grantees.items()}


def steps(refusals: Iterable[Refusal]) -> list[Step]:
    return [refusal.step for refusal in refusals]


def root(nodes: dict[str, list[str]], *binds: str, **registries: ZoneSpec) -> World:
    zones = {f"{name}.example": spec for name, spec in registries.items()}
    return World({".": ZoneSpec(nodes, (*binds, *zones)), **zones})


SIMPLE = root(
    {
        "+1": ["alpha.example msp", "reg.example registry"],
        "+1415": ["beta.example csip,msp"],
        "+44": ["alpha.example msp"],
    },
    *BOTH,
    reg=ZoneSpec({"+141": ["beta.example validator", "gamma.example msp"]}, ("gamma.example",)),
)


def test_grants_of_every_node_and_zone_are_united() -> None:
    found, refused = walk(SIMPLE.wires())
    assert (found.needs, found.refusals, found.unbound, refused) == ([], [], [], [])
    assert [zone.signer.name for zone in found.zones] == [".", "reg.example"]
    assert roles(found) == {
        ("alpha.example",): {"msp"},
        ("beta.example",): {"csip", "msp", "validator"},
        ("reg.example", "gamma.example"): {"msp"},
    }
    assert roles(walk(SIMPLE.wires(), number("+447700900123"))[0]) == {("alpha.example",): {"msp"}}
    assert roles(walk(SIMPLE.wires(), number("+33123456789"))[0]) == {}


def test_a_node_that_the_gap_names_and_nobody_shows_is_named() -> None:
    for hidden, text in (("+1", "+1"), ("+1415", "+1415")):
        zone = SIMPLE.zone(".")
        found, _ = walk([wire for wire in SIMPLE.wires() if wire != zone.seal(zone.delegation(hidden)).to_wire()])
        [refusal] = found.refusals
        assert (refusal.step, refusal.kind, refusal.about) == (Step.PATH, Kind.DELEGATION, ".")
        assert refusal.why == f"its gap names {text}, whose delegation is not shown"
        assert [need.key for need in found.needs] == [((), "")]


def test_with_nothing_held_the_root_is_asked_first() -> None:
    found = follow(OWNER, Known(anchor(), Holdings(), NOW))
    assert [type(need) for need in found.needs] == [ZoneNeed]
    assert found.needs[0].zone.signer == anchor().signer()
    assert found.keep(NOW) == NOW


def test_the_evidence_is_a_proof_and_nothing_in_it_is_spare() -> None:
    found, _ = walk(SIMPLE.wires())
    proof = [opened.sealed.to_wire() for opened in found.evidence.values()]
    again, _ = walk(proof)
    assert roles(again) == roles(found)
    assert again.needs == []
    for omitted in range(len(proof)):
        without, _ = walk([wire for at, wire in enumerate(proof) if at != omitted])
        assert without.needs, read_claim(proof[omitted])


def test_what_is_held_ends_the_walk_where_it_ends() -> None:
    found, _ = walk(SIMPLE.wires(), keep=NOW + 30)
    assert found.keep(NOW) == NOW + 30
    late, _ = walk(SIMPLE.wires(), now=NOW + 2 * DAY)
    assert [need.zone.signer.name for need in late.needs] == ["."]


def test_the_least_assurance_of_all_grants_is_what_a_role_asks() -> None:
    world = root({"+1": ["alpha.example msp authorized"], "+14": ["alpha.example msp validated"]}, "alpha.example")
    found, _ = walk(world.wires())
    assert found.grantees[("alpha.example",)].roles == {Role.MSP: Assurance.VALIDATED}
    found, _ = walk(world.wires(), number("+13"))
    assert found.grantees[("alpha.example",)].roles == {Role.MSP: Assurance.AUTHORIZED}


# --- zones -------------------------------------------------------------------------------------------------


def test_a_registry_speaks_at_and_below_its_node_and_grants_registries_strictly_below() -> None:
    world = root(
        {"+141": ["reg.example registry"]},
        *BOTH,
        reg=ZoneSpec(
            {"+1": ["alpha.example msp"], "+141": ["beta.example msp", "low.example registry"]}, ("low.example",)
        ),
    )
    found, refused = walk(world.wires())
    assert refused == []
    assert roles(found) == {("beta.example",): {"msp"}}
    assert steps(found.refusals) == [Step.SCOPE]
    assert [zone.signer.name for zone in found.zones] == [".", "reg.example"]


def test_a_registry_at_the_root_of_the_tree_leads_no_deeper_than_the_root() -> None:
    world = root({".": ["reg.example registry", "alpha.example msp"]}, "alpha.example", reg=ZoneSpec())
    found, _ = walk(world.wires())
    assert roles(found) == {("alpha.example",): {"msp"}}
    assert steps(found.refusals) == [Step.SCOPE]


def test_a_registry_that_a_terminating_node_puts_lower_is_heard_from_there() -> None:
    # Its own shorter delegations are for numbers outside +1415: no fault, and of no effect here.
    reg = ZoneSpec({"+1": ["alpha.example msp"], "+14": ["alpha.example msp"], "+1415": ["beta.example msp"]})
    world = root({"+1": ["reg.example registry"], "+1415!": ["reg.example registry"]}, *BOTH, reg=reg)
    found, refused = walk(world.wires())
    assert (found.needs, refused) == ([], [])
    assert roles(found) == {("beta.example",): {"msp"}}
    assert roles(walk(world.wires(), number("+1416"))[0]) == {("alpha.example",): {"msp"}}


def test_a_registry_reached_low_first_and_higher_later_speaks_from_the_higher_node() -> None:
    world = root(
        {"+1": ["upper.example registry"], "+1415": ["reg.example registry"]},
        *BOTH,
        upper=ZoneSpec({"+14": ["reg.example registry"]}),
        reg=ZoneSpec({"+14": ["alpha.example msp"], "+14155": ["beta.example msp"]}),
    )
    found, refused = walk(world.wires())
    assert (found.needs, refused) == ([], [])
    assert roles(found) == {("alpha.example",): {"msp"}, ("beta.example",): {"msp"}}


def test_registries_that_name_each_other_end() -> None:
    world = root(
        {"+1": ["a.example registry"]},
        a=ZoneSpec({"+14": ["b.example registry"], "+1415": ["b.example registry"]}),
        b=ZoneSpec(
            {"+14": ["a.example registry"], "+141": ["a.example registry"], "+14155": ["a.example registry"]}
        ),
    )
    found, refused = walk(world.wires())
    assert (found.needs, refused) == ([], [])
    assert {zone.signer.name for zone in found.zones} == {".", "a.example", "b.example"}


def chain(length: int) -> World:
    digits = "14155550123"
    names = [f"r{n}" for n in range(length)]
    specs = {
        name: ZoneSpec({"+" + digits[: n + 2]: [f"r{n + 1}.example registry"]} if n + 1 < length else {})
        for n, name in enumerate(names)
    }
    return root({"+1": ["r0.example registry"]}, **specs)


def test_zones_lie_at_most_eight_below_one_another_and_more_are_never_absence() -> None:
    found, _ = walk(chain(7).wires())
    assert len(found.zones) == path.MAX_DEPTH
    assert (found.refusals, found.unbound, found.needs) == ([], [], [])
    found, _ = walk(chain(8).wires())
    assert len(found.zones) == path.MAX_DEPTH
    assert steps(found.refusals) == [Step.SCOPE]
    assert found.unbound == [("r7.example", Role.REGISTRY)]


def test_a_zone_on_the_path_that_is_granted_again_far_below_is_no_fault() -> None:
    zones = dict(chain(7).zones)
    zones["r6.example"] = ZoneSpec({"+14155550": ["r0.example registry"]})
    found, _ = walk(World(zones).wires())
    assert len(found.zones) == path.MAX_DEPTH
    assert (found.refusals, found.unbound, found.needs) == ([], [], [])


def test_a_zone_reached_twice_is_needed_once() -> None:
    world = root(
        {"+1": ["upper.example registry"], "+1415": ["reg.example registry"]},
        upper=ZoneSpec({"+14": ["reg.example registry"]}),
        reg=ZoneSpec(),
    )
    found, _ = walk([*world.zone(".").wires(), *world.zone("upper.example").wires()])
    assert [need.zone.signer.name for need in found.needs] == ["reg.example"]


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        ("a@example.com", {"alpha.example", "beta.example"}),
        ("a@sub.example.com", {"beta.example"}),
        ("a@example.org", set[str]()),
    ],
)
def test_mail_grants_reach_subdomains_where_they_say_deep(owner: str, expected: set[str]) -> None:
    world = root({"@example.com": ["alpha.example msp", "beta.example msp deep"]}, *BOTH)
    found, _ = walk(world.wires(), identifiers.parse(owner).owner)
    assert {principal[-1] for principal in found.grantees} == expected
    assert found.needs == []


# --- names of authorities ----------------------------------------------------------------------------------


def test_the_uppermost_zone_binds_a_name_and_lower_bindings_are_reported() -> None:
    reg = ZoneSpec({"+1415": ["alpha.example msp"]}, ("alpha.example",))
    found, _ = walk(root({"+1": ["reg.example registry"]}, "alpha.example", reg=reg).wires())
    assert roles(found) == {("alpha.example",): {"msp"}}
    assert steps(found.refusals) == [Step.BINDING]
    assert found.refusals[0].kind is Kind.AUTHORITY


def test_two_registries_may_bind_one_name_to_different_parties() -> None:
    world = root(
        {"+1": ["a.example registry", "b.example registry"]},
        a=ZoneSpec({"+14": ["local.example msp"]}, ("local.example",)),
        b=ZoneSpec({"+14": ["local.example msp"]}, ("local.example",)),
    )
    found, _ = walk(world.wires())
    assert roles(found) == {(upper, "local.example"): {"msp"} for upper in ("a.example", "b.example")}


def test_a_granted_name_that_no_zone_binds_is_told() -> None:
    found, _ = walk(root({"+1": ["ghost.example csip,msp"]}).wires())
    assert found.unbound == [("ghost.example", Role.CSIP), ("ghost.example", Role.MSP)]
    assert steps(found.refusals) == [Step.BINDING]
    assert found.needs == []


def test_a_binding_is_needed_until_the_zone_shows_it_or_its_gap() -> None:
    wires = SIMPLE.wires()
    kept = [wire for wire in wires if not is_authority(wire, "alpha.example")]
    found, _ = walk(kept)
    needs = [need for need in found.needs if isinstance(need, BindingNeed)]
    assert [(need.authority, need.zone.signer.name) for need in needs] == [("alpha.example", ".")]
    assert needs[0].key != ZoneNeed(needs[0].zone).key


def is_authority(wire: bytes, name: str) -> bool:
    claim = read_claim(wire)
    return isinstance(claim, Claim) and isinstance(claim.statement, Authority) and claim.statement.authority == name


def test_a_gap_that_begins_at_the_name_does_not_prove_that_it_is_not_bound() -> None:
    # The zone binds alpha.example, so its gap there begins at that very name.
    wires = [wire for wire in SIMPLE.wires() if not is_authority(wire, "alpha.example")]
    found, _ = walk(wires)
    assert not any(name == "alpha.example" for name, _ in found.unbound)


# --- keys that no longer count -----------------------------------------------------------------------------


def test_a_key_that_is_no_longer_bound_takes_its_statements_with_it() -> None:
    known = Known(anchor(), Holdings(), NOW)
    claims = claims_of(SIMPLE.wires())
    while (found := follow(OWNER, known)).needs:
        for need in found.needs:
            admit_zone(need, OWNER, claims, known)
    reg = next(
        one for one in claims if isinstance(one.statement, Authority) and one.statement.authority == "reg.example"
    )
    assert isinstance(reg.statement, Authority)
    rolled = replace(reg.statement, keys=reg.statement.keys[:0], life=replace(reg.statement.life, serial=2))
    admit_zone(BindingNeed(found.zones[0], "reg.example"), OWNER, claims_of([reseal(rolled, "./zone")]), known)
    again = follow(OWNER, known)
    assert [need.zone.signer.name for need in again.needs] == ["reg.example"]
    assert ("reg.example", "gamma.example") not in again.grantees


def test_a_delegation_signed_by_a_rolled_key_is_needed_again() -> None:
    known = Known(anchor(), Holdings(), NOW)
    for need in follow(OWNER, known).needs:
        admit_zone(need, OWNER, claims_of(SIMPLE.wires()), known)
    held = known.held.zone(()).delegation(number("+1"), ROOT, NOW)
    assert held is not None
    assert isinstance(held.statement, Delegation)
    stale: Opened[Any] = changed(held, key_id=bytes(8))
    known.held.zone(()).add(stale, ROOT, NOW)
    assert [need.key for need in follow(OWNER, known).needs] == [((), "")]


def test_a_gap_signed_by_a_rolled_key_is_needed_again() -> None:
    known = Known(anchor(), Holdings(), NOW)
    for need in follow(OWNER, known).needs:
        admit_zone(need, OWNER, claims_of(root({}).wires()), known)
    assert follow(OWNER, known).needs == []
    held = known.held.zone(()).gap_for(OWNER, ROOT, NOW)
    assert held is not None
    stale: Opened[Any] = changed(held, key_id=bytes(8))
    known.held.zone(()).add(stale, ROOT, NOW)
    assert [need.key for need in follow(OWNER, known).needs] == [((), "")]
