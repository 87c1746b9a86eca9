from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.allowance import MAX_AUTHORITIES, WALK_PACKETS
from tests.zonedata.builders import (
    NOW,
    World,
    ZoneSpec,
    anchor,
    assertion,
    block,
    bound,
    denial,
    forged,
    key,
    life,
    mapping,
    number,
    reseal,
    rootkeys,
    seal_rootkeys,
    signer,
    validation,
)
from tests.zonedata.random_worlds import Row, owners
from tests.zonedata.samples import statement
from zonedata import admission as module
from zonedata.admission import MAX_FAILURES, admit_said
from zonedata.findings import settle
from zonedata.holdings import Holdings
from zonedata.judgement import MAX_HEARD, MAX_NEEDS, Heard, Judgement, Outcome, conclude, judge, lead
from zonedata.kinds import DAY, Assurance, Kind, Role, Use
from zonedata.opening import Claim, Signer, Step, read_claim
from zonedata.path import Grantee, Known, Path
from zonedata.person_statements import Status
from zonedata.standing import Standing
from zonedata.statements import Statement, seal
from zonedata.zone_statements import Authority, BoundKey

OWNER = number("+14155550123")
ALPHA = ("alpha.example", Role.MSP)
ROOT = (".", Role.REGISTRY)


def world_of(*grants: str) -> World:
    return World({".": ZoneSpec({"+1": list(grants)}, ("alpha.example", "beta.example"))})


def verdict(wires: Iterable[bytes], now: float = NOW, world: World | None = None) -> Judgement:
    zones = (world or world_of("alpha.example msp")).wires()
    return judge(OWNER, anchor(), [*zones, *wires], now)


def rows(judgement: Judgement) -> dict[Row, Standing]:
    return {(finding.authority, finding.role): finding.standing for finding in judgement.findings}


def steps(judgement: Judgement) -> list[Step]:
    return [refusal.step for refusal in judgement.refusals]


def essence(judgement: Judgement) -> object:
    evidence = {opened.sealed for opened in judgement.evidence}
    return judgement.outcome, judgement.complete, judgement.findings, evidence


# --- one authority -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wires", "standing", "outcome", "ssi"),
    [
        ([assertion(OWNER, "alpha.example")], Standing.ASSERTED, Outcome.FOUND, "mimi://alpha.example/u/x"),
        ([denial(OWNER, "alpha.example")], Standing.DENIED, Outcome.NONE, ""),
        ([], Standing.MISSING, Outcome.INCOMPLETE, ""),
        (
            [block("+1", "alpha.example")],
            Standing.ASSERTED,
            Outcome.FOUND,
            "mimi://alpha.example/u/14155550123",
        ),
        (
            [block("+1415", "alpha.example"), assertion(OWNER, "alpha.example", ssi="mimi://alpha.example/u/me")],
            Standing.ASSERTED,
            Outcome.FOUND,
            "mimi://alpha.example/u/me",
        ),
        (
            [block("+14", "alpha.example", exceptions=["15"]), denial(OWNER, "alpha.example")],
            Standing.DENIED,
            Outcome.NONE,
            "",
        ),
        ([assertion(OWNER, "beta.example")], Standing.MISSING, Outcome.INCOMPLETE, ""),
        ([assertion(number("+14155550124"), "alpha.example")], Standing.BOGUS, Outcome.INCOMPLETE, ""),
        ([denial(OWNER, "alpha.example", Role.CSIP)], Standing.MISSING, Outcome.INCOMPLETE, ""),
        (
            [denial(OWNER, "alpha.example", role) for role in (Role.CSIP, Role.VALIDATOR, Role.MSP)],
            Standing.DENIED,
            Outcome.NONE,
            "",
        ),
        ([forged(assertion(OWNER, "alpha.example"))], Standing.BOGUS, Outcome.INCOMPLETE, ""),
        ([block("+44", "alpha.example")], Standing.BOGUS, Outcome.INCOMPLETE, ""),
    ],
)
def test_how_an_msp_stands(wires: list[bytes], standing: Standing, outcome: Outcome, ssi: str) -> None:
    judgement = verdict(wires)
    assert rows(judgement) == {ROOT: Standing.REFERRED, ALPHA: standing}
    assert judgement.outcome is outcome
    assert judgement.complete is standing.is_proven
    assert [finding.ssi for finding in judgement.found] == ([ssi] if ssi else [])


@pytest.mark.parametrize(
    ("asserted", "denied", "standing"),
    [(-50, -40, Standing.DENIED), (-40, -50, Standing.ASSERTED), (-50, -50, Standing.ASSERTED)],
)
def test_of_an_assertion_and_a_denial_the_later_issued_counts(
    asserted: int, denied: int, standing: Standing
) -> None:
    wires = [assertion(OWNER, "alpha.example", issued=asserted), denial(OWNER, "alpha.example", issued=denied)]
    either = [verdict(wires), verdict(wires[::-1])]
    assert [rows(judgement)[ALPHA] for judgement in either] == [standing, standing]
    assert [steps(judgement) for judgement in either] == [[], []]


def test_a_denial_that_has_ended_denies_no_more() -> None:
    wires = [assertion(OWNER, "alpha.example", issued=-50), denial(OWNER, "alpha.example", issued=-40)]
    assert rows(verdict(wires, NOW + 299))[ALPHA] is Standing.DENIED
    assert rows(verdict(wires, NOW + 300))[ALPHA] is Standing.ASSERTED


def test_an_assertion_below_the_assurance_that_is_demanded_is_insufficient() -> None:
    judgement = verdict([assertion(OWNER, "alpha.example")], world=world_of("alpha.example msp validated"))
    assert rows(judgement)[ALPHA] is Standing.INSUFFICIENT
    assert (judgement.outcome, judgement.complete) == (Outcome.NONE, True)


def test_each_role_owes_a_word_of_its_own() -> None:
    world = world_of("alpha.example csip,msp,validator")
    wires = [assertion(OWNER, "alpha.example"), denial(OWNER, "alpha.example", Role.CSIP)]
    found = rows(verdict(wires, world=world))
    assert [found["alpha.example", role] for role in (Role.MSP, Role.CSIP, Role.VALIDATOR)] == [
        Standing.ASSERTED,
        Standing.DENIED,
        Standing.MISSING,
    ]
    assert not verdict(wires, world=world).complete
    assert verdict([*wires, denial(OWNER, "alpha.example", Role.VALIDATOR)], world=world).complete


def test_who_is_no_msp_asserts_nothing() -> None:
    judgement = verdict([assertion(OWNER, "alpha.example")], world=world_of("alpha.example csip"))
    assert rows(judgement)["alpha.example", Role.CSIP] is Standing.BOGUS
    assert steps(judgement) == [Step.SCOPE]


def test_an_authority_that_no_zone_binds_makes_the_answer_incomplete() -> None:
    judgement = verdict([], world=world_of("ghost.example msp"))
    assert rows(judgement) == {ROOT: Standing.REFERRED, ("ghost.example", Role.MSP): Standing.BOGUS}
    assert judgement.outcome is Outcome.INCOMPLETE


def test_zones_too_deep_are_never_shown_as_absence() -> None:
    names = [f"r{n}.example" for n in range(8)]
    zones = {
        name: ZoneSpec({"+14155550123"[: n + 3]: [f"r{n + 1}.example registry"]} if n < 7 else {})
        for n, name in enumerate(names)
    }
    judgement = verdict([], world=World({".": ZoneSpec({"+1": ["r0.example registry"]}, tuple(names)), **zones}))
    assert judgement.outcome is Outcome.INCOMPLETE
    assert rows(judgement)["r7.example", Role.REGISTRY] is Standing.BOGUS


@pytest.mark.parametrize(
    ("role", "assurance"),
    [
        ("csip", Assurance.ASSERTED),
        ("validator", Assurance.ASSERTED),
        ("registry", Assurance.ASSERTED),
        ("msp", Assurance.AUTHORIZED),
    ],
)
def test_who_may_vouch_and_leads_nowhere_is_as_good_as_silent(role: str, assurance: Assurance) -> None:
    words = [
        assertion(OWNER, "alpha.example", whose="ann"),
        validation(OWNER, "beta.example", "ann", mapping=1),
        mapping(OWNER, "ann", "alpha.example"),
    ]
    world = world_of("alpha.example msp", "beta.example validator", f"ghost.example {role}")
    judgement = verdict(words, world=world)
    assert not judgement.complete
    assert [finding.assurance for finding in judgement.found] == [assurance]


def test_an_expired_anchor_proves_nothing() -> None:
    judgement = verdict([denial(OWNER, "alpha.example")], NOW + 181 * DAY)
    assert rows(judgement) == {ROOT: Standing.MISSING}
    assert judgement.outcome is Outcome.INCOMPLETE


def test_an_answer_is_kept_no_longer_than_what_it_stands_on() -> None:
    assert verdict([denial(OWNER, "alpha.example")]).keep(NOW) == NOW + 300
    assert verdict([assertion(OWNER, "alpha.example")]).keep(NOW) == NOW + DAY
    assert conclude(Path(OWNER), [], {}).keep(NOW) == NOW


def test_the_evidence_of_an_answer_is_its_proof() -> None:
    judgement = verdict([assertion(OWNER, "alpha.example"), denial(OWNER, "beta.example")])
    proof = [opened.sealed.to_wire() for opened in judgement.evidence]
    assert essence(judge(OWNER, anchor(), proof, NOW)) == essence(judgement)
    for omitted in range(len(proof)):
        assert not judge(OWNER, anchor(), proof[:omitted] + proof[omitted + 1 :], NOW).complete


def test_what_is_held_settles_only_while_it_may_be_used() -> None:
    known = Known(anchor(), Holdings(), NOW)
    grantee = Grantee(signer("alpha.example"), (), {Role.MSP: Assurance.ASSERTED})
    claims = [claim for claim in map(read_claim, [assertion(OWNER, "alpha.example")]) if isinstance(claim, Claim)]
    assert admit_said(grantee, OWNER, claims, known, NOW + 30) == []
    said = known.held.about(grantee.signer.principal, OWNER)

    def standing(now: float, by: Grantee = grantee, why: Standing = Standing.UNREACHABLE) -> Standing:
        (finding,) = settle(by, said, OWNER, now, why)
        return finding.standing

    assert standing(NOW + 29) is Standing.ASSERTED
    assert standing(NOW + 30) is Standing.STALE
    assert standing(NOW + 30, why=Standing.LIMITED) is Standing.STALE
    for graver in (Standing.UNAUTHENTICATED, Standing.UNENCRYPTED, Standing.BOGUS):
        assert standing(NOW + 30, why=graver) is graver
    assert standing(NOW + 7 * DAY) is Standing.UNREACHABLE  # the assertion has expired
    assert standing(NOW, replace(grantee, signer=replace(grantee.signer, keys=()))) is Standing.UNREACHABLE
    ended = tuple(replace(bound, end=NOW) for bound in grantee.signer.keys)
    assert standing(NOW, replace(grantee, signer=replace(grantee.signer, keys=ended))) is Standing.UNREACHABLE


# --- an anchor that is behind ------------------------------------------------------------------------------


def later(version: int, by: str = "abc") -> bytes:
    """Return a version of ROOTKEYS, each with a zone key of its own."""
    zone_keys = (key(f"./zone {version}").public,)
    return seal_rootkeys(replace(rootkeys(version, tree=anchor().tree), zone_keys=zone_keys), by).to_wire()


def zones_of(version: int) -> list[bytes]:
    """Return the root zone as the key of a later version signs it, and what is said."""
    said = world_of("alpha.example msp").zone(".").statements()
    return [*(reseal(one, f"./zone {version}") for one in said), assertion(OWNER, "alpha.example")]


@pytest.mark.parametrize(
    ("shown", "version", "outcome"),
    [
        ([], 2, Outcome.INCOMPLETE),
        ([later(2)], 2, Outcome.FOUND),
        ([later(3), later(2)], 3, Outcome.FOUND),
        ([later(3)], 3, Outcome.INCOMPLETE),
        ([later(2), later(3, by="a")], 2, Outcome.FOUND),
        ([later(2), later(3, by="a")], 3, Outcome.INCOMPLETE),
        ([later(2, by="a"), later(2)], 2, Outcome.FOUND),
        ([later(2), later(2, by="a")], 2, Outcome.FOUND),
        ([later(2, by="a"), later(2, by="b"), later(2)], 2, Outcome.INCOMPLETE),
    ],
)
def test_a_proof_lets_an_old_anchor_catch_up(shown: list[bytes], version: int, outcome: Outcome) -> None:
    judgement = judge(OWNER, anchor(), [*zones_of(version), *shown], NOW)
    assert judgement.outcome is outcome
    assert judgement.complete is (outcome is Outcome.FOUND)


# --- namesakes ---------------------------------------------------------------------------------------------

LOCAL = "local.example"


def keys_named(name: str) -> tuple[BoundKey, ...]:
    made = (bound(f"{name}/{use}", use) for use in (Use.ZONE, Use.ASSERT, Use.DENY))
    return tuple(sorted(made, key=lambda one: one.public.key_id))


def namesakes(role: str, second: str) -> list[bytes]:
    """Two registries that each bind a local.example; `second` names the keys of the other one."""
    spec = ZoneSpec({"+14": [f"{LOCAL} {role}"]}, (LOCAL,))
    root = ZoneSpec({"+1": ["a.example registry", "b.example registry"]}, ("a.example", "b.example"))
    zone = World({".": root, "a.example": spec, "b.example": spec}).zone("b.example")
    statements = [
        replace(one, keys=keys_named(second)) if isinstance(one, Authority) else one for one in zone.statements()
    ]
    return [
        *World({".": root, "a.example": spec}).wires(),
        *(reseal(one, "b.example/zone") for one in statements),
    ]


def by_other(wire: bytes, serial: int) -> bytes:
    claim = read_claim(wire)
    assert isinstance(claim, Claim)
    return reseal(replace(claim.statement, life=life(claim.sealed.kind, serial=serial)), "other/assert")


def test_namesakes_do_not_use_up_each_others_failures() -> None:
    own = assertion(OWNER, LOCAL)
    others = [by_other(own, serial) for serial in (1, 2, 3)]
    for wires in ([own, *others], [*others, own]):
        judgement = judge(OWNER, anchor(), [*namesakes("msp", "other"), *wires], NOW)
        assert judgement.complete
        assert judgement.refusals == []
        assert [finding.opened.key_id for finding in judgement.found if finding.opened is not None] == [
            key(f"{name}/assert").public.key_id for name in (LOCAL, "other")
        ]


def test_who_binds_anothers_name_and_key_silences_nobody() -> None:
    judgement = judge(OWNER, anchor(), [*namesakes("msp", LOCAL), assertion(OWNER, LOCAL)], NOW)
    standings = [finding.standing for finding in judgement.findings if finding.authority == LOCAL]
    assert standings == [Standing.ASSERTED] * 2
    assert judgement.complete


def test_zones_that_are_namesakes_do_not_use_up_each_others_failures() -> None:
    zone = World({LOCAL: ZoneSpec({"+141": ["a.example msp"]})}).zone(LOCAL)
    mine, theirs = zone.wires(), [reseal(one, "other/zone") for one in zone.statements()]
    for wires in ([*mine, *theirs], [*theirs, *mine]):
        judgement = judge(OWNER, anchor(), [*namesakes("registry", "other"), *wires], NOW)
        assert judgement.refusals == []
        assert rows(judgement)[LOCAL, Role.REGISTRY] is Standing.REFERRED


# --- hints -------------------------------------------------------------------------------------------------


def status(
    standing: Standing, owner: Any = OWNER, authority: str = "alpha.example", role: Role = Role.MSP
) -> bytes:
    return seal(Status(life(Kind.DENIAL), owner, ((authority, role, standing),))).to_wire()


@pytest.mark.parametrize("standing", Standing)
def test_a_status_explains_silence_and_proves_nothing(standing: Standing) -> None:
    expected = Standing.MISSING if standing.is_proven else standing
    judgement = verdict([status(standing)])
    assert rows(judgement)[ALPHA] is expected
    assert judgement.outcome is Outcome.INCOMPLETE
    spoken = verdict([status(standing), assertion(OWNER, "alpha.example")])
    assert (rows(spoken)[ALPHA], spoken.complete) == (Standing.ASSERTED, True)
    assert rows(verdict([status(standing, number("+1"))]))[ALPHA] is Standing.MISSING


def test_a_status_explains_a_silent_zone() -> None:
    hint = status(Standing.UNREACHABLE, authority=".", role=Role.REGISTRY)
    assert rows(judge(OWNER, anchor(), [hint], NOW)) == {ROOT: Standing.UNREACHABLE}


def test_reports_that_differ_are_read_the_same_in_any_order() -> None:
    hints = [status(Standing.UNREACHABLE), status(Standing.REFUSED), status(Standing.STALE)]
    assert rows(verdict(hints)) == rows(verdict(hints[::-1]))


# --- hostile proofs ----------------------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=300), max_size=20), owners)
def test_random_octets_never_raise(wires: list[bytes], csi: str) -> None:
    judgement = judge(number(csi), anchor(), wires, NOW)
    assert judgement.outcome is Outcome.INCOMPLETE
    assert set(steps(judgement)) <= {Step.ENVELOPE, Step.BODY}


@given(st.lists(statement, max_size=6), st.sampled_from(["./zone", "alpha.example/assert", "nobody"]))
def test_whatever_a_zone_may_sign_never_raises(statements: list[Statement], by: str) -> None:
    wires = []
    for one in statements:
        current: Any = replace(one, life=life(one.kind, serial=one.life.serial))
        if hasattr(current, "zone"):
            current = replace(current, zone=".", tree=anchor().tree)
        wires.append(reseal(current, by))
    judgement = verdict(wires)
    assert rows(judgement)
    assert judge(OWNER, anchor(), wires, NOW).findings


def test_two_failures_of_an_authority_end_the_reading_of_it(checks: list[bool]) -> None:
    bad = [forged(assertion(OWNER, "alpha.example", serial=n)) for n in range(1, 30)]
    judgement = verdict([*bad, assertion(OWNER, "alpha.example")])
    assert rows(judgement)[ALPHA] is Standing.BOGUS
    assert checks.count(False) == len(judgement.refusals) == MAX_FAILURES
    assert rows(verdict([bad[0], assertion(OWNER, "alpha.example")]))[ALPHA] is Standing.ASSERTED


def test_of_one_authority_eight_statements_are_opened(checks: list[bool]) -> None:
    zones = verdict([])
    spent = len(checks)
    many = [assertion(OWNER, "alpha.example", serial=n) for n in range(1, 30)]
    assert rows(verdict(many))[ALPHA] is Standing.ASSERTED
    assert len(checks) - 2 * spent == module.MAX_OPENED
    assert zones.refusals == []


def test_what_is_shown_twice_is_opened_once(checks: list[bool]) -> None:
    wires = [*[assertion(OWNER, "alpha.example", issued=-50)] * 20, denial(OWNER, "alpha.example", issued=-40)]
    assert rows(verdict(wires))[ALPHA] is Standing.DENIED
    twice = [*[forged(assertion(OWNER, "alpha.example"))] * 20, denial(OWNER, "alpha.example")]
    assert rows(verdict(twice))[ALPHA] is Standing.DENIED
    assert checks.count(False) == 1


# --- bounds on work ----------------------------------------------------------------------------------------


def crowd_of(count: int, role: str = "msp") -> tuple[list[str], World]:
    """A registry below the root that grants to so many; the root binds them."""
    many = [f"n{at:03d}.example" for at in range(count)]
    registry = ZoneSpec({"+14": [f"{name} {role}" for name in many]})
    zones = {".": ZoneSpec({"+1": ["reg.example registry"]}, ("reg.example", *many)), "reg.example": registry}
    return many, World(zones)


def test_looking_for_twice_as_many_names_costs_no_more_than_twice_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    key_for = Signer.key_for

    def counted(self: Signer, key_id: bytes) -> BoundKey | None:
        looks[-1] += 1
        return key_for(self, key_id)

    monkeypatch.setattr(Signer, "key_for", counted)
    for count in (30, 60, 120, 480):
        looks.append(0)
        zones = ZoneSpec({"+14": [f"n{at:03d}.example msp" for at in range(count)]})
        world = World({".": ZoneSpec({"+1": ["reg.example registry"]}, ("reg.example",)), "reg.example": zones})
        judge(OWNER, anchor(), world.wires(), NOW)
    assert looks[1] <= 2 * looks[0]
    assert looks[2] <= 2 * looks[1]
    assert looks[3] <= 4 * looks[2]


def test_a_judge_looks_for_so_many_things_and_reads_the_words_of_so_many(checks: list[bool]) -> None:
    many, world = crowd_of(MAX_NEEDS + 4)
    words = [assertion(OWNER, name) for name in many]
    judgement = verdict(words, world=world)
    found = [row for row, standing in rows(judgement).items() if standing is Standing.ASSERTED]
    unasked = [row for row, standing in rows(judgement).items() if standing is Standing.UNASKED]
    assert len(found) == MAX_HEARD
    assert len(found) + len(unasked) == MAX_NEEDS - 2  # less the two zones
    assert len(checks) <= 2 * MAX_NEEDS + MAX_HEARD + 2  # a binding comes with the gap after it
    assert not judgement.complete
    assert (MAX_HEARD, MAX_NEEDS) == (MAX_AUTHORITIES, 2 * MAX_AUTHORITIES + WALK_PACKETS), "as a resolver asks"


def test_who_was_asked_directly_is_read_whatever_was_shown_of_others() -> None:
    many, world = crowd_of(MAX_HEARD + 1)
    last = list(lead(OWNER, anchor(), world.wires(), NOW).grantees)[-1]
    said = assertion(OWNER, last[-1])
    junk = [forged(assertion(OWNER, name)) for name in many]
    shown = [*world.wires(), *junk]
    assert rows(judge(OWNER, anchor(), shown, NOW))[last[-1], Role.MSP] is Standing.UNASKED
    heard = {last: Heard(((said,),))}
    assert rows(judge(OWNER, anchor(), shown, NOW, heard=heard))[last[-1], Role.MSP] is Standing.ASSERTED


def test_who_says_nothing_takes_no_place_among_those_who_are_read() -> None:
    many, world = crowd_of(80)
    judgement = verdict([assertion(OWNER, name) for name in many[20:]], world=world)
    assert [rows(judgement)[name, Role.MSP] for name in many] == [Standing.MISSING] * 20 + [Standing.ASSERTED] * 60


def test_a_flood_of_forgeries_costs_two_checks_for_each_thing_wanted(checks: list[bool]) -> None:
    world = world_of("alpha.example msp", "beta.example csip,msp")
    flood = [forged(wire) for wire in world.wires()] + [
        forged(assertion(OWNER, name, serial=n)) for name in ("alpha.example", "beta.example") for n in range(1, 50)
    ]
    judgement = judge(OWNER, anchor(), [*flood, *world.wires()], NOW)
    assert judgement.outcome is Outcome.INCOMPLETE
    assert checks.count(False) <= 2 * 5
    assert key("nobody").public.key_id not in {opened.key_id for opened in judgement.evidence}
