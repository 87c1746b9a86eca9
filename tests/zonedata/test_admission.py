"""What is taken in of what was shown, and what that costs."""

from collections.abc import Iterable

from tests.zonedata.builders import (
    NOW,
    World,
    Zone,
    ZoneSpec,
    anchor,
    assertion,
    denial,
    forged,
    key,
    mapping,
    number,
    revocation,
    signer,
    validation,
)
from zonedata import admission
from zonedata.admission import admit_said, admit_zone
from zonedata.holdings import Holdings
from zonedata.kinds import Assurance, Kind, Role
from zonedata.opening import Claim, Opened, Refusal, Step, read_claim
from zonedata.path import BindingNeed, Grantee, Known, follow
from zonedata.zone_statements import Authority, Gap

OWNER = number("+14155550123")
ROOT = anchor().signer()
SIMPLE = World(
    {
        ".": ZoneSpec(
            {
                "+1": ["alpha.example msp", "reg.example registry"],
                "+1415": ["beta.example csip,msp"],
                "+44": ["gamma.example msp"],
            },
            ("alpha.example", "beta.example", "gamma.example", "reg.example", "delta.example"),
        ),
        "reg.example": ZoneSpec({"+141": ["beta.example validator"]}),
    }
)


def claims_of(wires: Iterable[bytes]) -> list[Claim]:
    return [claim for claim in map(read_claim, wires) if isinstance(claim, Claim)]


def steps(refusals: Iterable[Refusal]) -> list[Step]:
    return [refusal.step for refusal in refusals]


def is_authority(wire: bytes, name: str) -> bool:
    claim = read_claim(wire)
    return isinstance(claim, Claim) and isinstance(claim.statement, Authority) and claim.statement.authority == name


def test_what_is_held_is_not_verified_again(checks: list[bool]) -> None:
    known = Known(anchor(), Holdings(), NOW)
    need = follow(OWNER, known).needs[0]
    claims = claims_of(SIMPLE.wires())
    assert admit_zone(need, OWNER, claims, known) == []
    first = len(checks)
    assert first > 0
    assert admit_zone(need, OWNER, claims, known) == []
    assert len(checks) == first


def test_of_one_party_two_failures_end_the_reading(checks: list[bool]) -> None:
    known = Known(anchor(), Holdings(), NOW)
    need = follow(OWNER, known).needs[0]
    wires = SIMPLE.zone(".").wires()
    refusals = admit_zone(need, OWNER, claims_of([forged(wire) for wire in wires] * 5 + wires), known)
    assert steps(refusals) == [Step.SIGNATURE] * admission.MAX_FAILURES
    assert checks == [False] * admission.MAX_FAILURES
    one_failure = [forged(wire) for wire in wires if is_authority(wire, "beta.example")] + wires
    assert steps(admit_zone(need, OWNER, claims_of(one_failure), known)) == [Step.SIGNATURE]
    assert isinstance(known.held.zone(()).gap_for(OWNER, ROOT, NOW), Opened)


def test_statements_about_something_else_cost_no_check(checks: list[bool]) -> None:
    known = Known(anchor(), Holdings(), NOW)
    need = follow(OWNER, known).needs[0]
    zone = Zone(".", ZoneSpec({"+2": ["alpha.example msp"], "+33": ["alpha.example msp"]}))
    other = [zone.seal(zone.delegation(node)).to_wire() for node in zone.spec.nodes]
    other += [zone.seal(zone.gap(number("+2"), number("+33"), (2,))).to_wire()]
    other += SIMPLE.zone("reg.example").wires()
    assert admit_zone(need, OWNER, claims_of(other), known) == []
    assert checks == []


def test_a_binding_is_sought_among_authorities_of_that_name_only() -> None:
    known = Known(anchor(), Holdings(), NOW)
    need = BindingNeed(follow(OWNER, known).needs[0].zone, "beta.example")
    assert admit_zone(need, OWNER, claims_of(SIMPLE.zone(".").wires()), known) == []
    held = [opened.statement for opened in known.held.zone(()).all()]
    assert [one.authority for one in held if isinstance(one, Authority)] == ["beta.example"]
    assert not any(isinstance(one, Gap) and one.first == number("+44") for one in held)


def test_bindings_come_along_for_those_who_are_granted_and_for_nobody_else(checks: list[bool]) -> None:
    known = Known(anchor(), Holdings(), NOW)
    need = follow(OWNER, known).needs[0]
    claims = claims_of(SIMPLE.zone(".").wires())
    assert admit_zone(need, OWNER, claims, known) == []
    held = [opened.statement for opened in known.held.zone(()).all()]
    bound = {one.authority for one in held if isinstance(one, Authority)}
    assert bound == {"alpha.example", "beta.example", "reg.example"}
    assert len(checks) == len(held) == 6, "a gap, two delegations, three bindings"
    bare = [claim for claim in claims if isinstance(claim.statement, Authority)]
    assert admit_zone(need, OWNER, bare, Known(anchor(), Holdings(), NOW)) == []
    assert len(checks) == 6, "without a delegation beside it a binding answers nothing"


def test_a_refusal_keeps_the_octets_that_were_refused() -> None:
    known = Known(anchor(), Holdings(), NOW)
    zone = SIMPLE.zone(".")
    bad = forged(zone.seal(zone.delegation("+1")).to_wire())
    [refusal] = admit_zone(follow(OWNER, known).needs[0], OWNER, claims_of([bad]), known)
    assert refusal.octets == bad
    grantee = Grantee(signer("alpha.example"), (), {Role.MSP: Assurance.ASSERTED})
    for wires, step in (
        ([forged(assertion(OWNER, "alpha.example"))], Step.SIGNATURE),
        ([assertion(number("+14155550124"), "alpha.example")], Step.SCOPE),
        ([assertion(OWNER, "alpha.example", serial=2), assertion(OWNER, "alpha.example")], Step.ORDER),
    ):
        [refusal] = admit_said(grantee, OWNER, claims_of(wires), Known(anchor(), Holdings(), NOW))
        assert (refusal.step, refusal.octets) == (step, wires[-1])


def test_older_statements_that_are_genuine_cost_the_rest_nothing() -> None:
    known = Known(anchor(), Holdings(), NOW)
    grantee = Grantee(signer("alpha.example"), (), {Role.MSP: Assurance.ASSERTED, Role.CSIP: Assurance.ASSERTED})
    said = [assertion(OWNER, "alpha.example", serial=serial) for serial in (4, 3, 2, 1)]
    refusals = admit_said(grantee, OWNER, claims_of([*said, revocation(OWNER, "alpha.example")]), known)
    assert steps(refusals) == [Step.ORDER] * 3
    held = known.held.about(grantee.signer.principal, OWNER)
    assert (held.assertion is not None, len(held.revocations)) == (True, 1)


def test_mappings_older_than_what_a_validator_knows_take_no_place_among_those_opened(checks: list[bool]) -> None:
    known = Known(anchor(), Holdings(), NOW)
    grantee = Grantee(signer("check.example"), (), {Role.VALIDATOR: Assurance.ASSERTED})
    others = [mapping(OWNER, "ann", "alpha.example", serial=serial) for serial in range(1, 12)]
    knowing = validation(OWNER, "check.example", "ann", mapping=11)
    assert admit_said(grantee, OWNER, claims_of([*others, knowing]), known) == []
    held = known.held.about(grantee.signer.principal, OWNER).mapping
    assert held is not None
    assert held.statement.life.serial == 11
    assert checks == [True, True]


def test_a_denial_in_a_role_that_was_not_granted_is_passed_over(checks: list[bool]) -> None:
    known = Known(anchor(), Holdings(), NOW)
    grantee = Grantee(signer("alpha.example"), (), {Role.MSP: Assurance.ASSERTED})
    every = [denial(OWNER, "alpha.example", role) for role in (Role.CSIP, Role.VALIDATOR, Role.MSP)]
    assert admit_said(grantee, OWNER, claims_of(every), known) == []
    assert set(known.held.about(grantee.signer.principal, OWNER).denials) == {Role.MSP}
    assert checks == [True]


def test_what_is_added_behind_what_a_party_said_leaves_nothing_of_it_unread(checks: list[bool]) -> None:
    """Whatever its kind, and though denials are held before the rest: a resolver passes on what it refused."""
    grantee = Grantee(signer("alpha.example"), (), dict.fromkeys((Role.MSP, Role.VALIDATOR), Assurance.ASSERTED))
    said = [assertion(OWNER, "alpha.example"), mapping(OWNER, "ann"), validation(OWNER, "alpha.example", "ann")]
    junk = [forged(denial(OWNER, "alpha.example", role, serial=n)) for role in grantee.roles for n in range(1, 5)]
    junk += [forged(validation(OWNER, "alpha.example", "eve")), forged(mapping(OWNER, "eve"))]
    known = Known(anchor(), Holdings(), NOW)
    assert steps(admit_said(grantee, OWNER, claims_of([*said, *junk]), known)) == [Step.SIGNATURE] * 2
    held = known.held.about(grantee.signer.principal, OWNER)
    assert {one.statement.kind for one in held.all()} == {Kind.ASSERTION, Kind.MAPPING, Kind.VALIDATION}
    assert checks == [True, True, True, False, False]


def test_of_mappings_only_those_are_checked_for_which_the_validator_may_vouch(checks: list[bool]) -> None:
    grantee = Grantee(signer("alpha.example"), (), {Role.VALIDATOR: Assurance.ASSERTED})
    known = Known(anchor(), Holdings(), NOW)
    shown = [
        mapping(OWNER, "eve"),
        forged(validation(OWNER, "alpha.example", "bob")),
        mapping(OWNER, "bob"),
        mapping(OWNER, "ann"),
    ]
    assert steps(
        admit_said(grantee, OWNER, claims_of([*shown, validation(OWNER, "alpha.example", "ann")]), known)
    ) == [Step.SIGNATURE]
    held = known.held.about(grantee.signer.principal, OWNER).mapping
    assert held is not None
    assert held.statement.key == key("ann/recipient").public
    assert checks == [False, True, True, True], "not eve's"
