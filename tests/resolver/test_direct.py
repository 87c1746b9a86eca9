"""Asking directly what a proof lacks: a resolver can be silent, and its silence can be mended."""

from dataclasses import replace

from resolver.answer import Answer, Row
from resolver.choice import choose
from resolver.demand import demanding
from resolver.direct import complete_directly
from resolver.fpdig.keeping import bundle_of, check_same
from resolver.settings import Settings
from tests.resolver.fpdig.phonebook import add, after, false_denials, forge, hide, leave_out, make_world
from tests.virtual import in_world
from tests.world import RESOLVER, START, Host, World, key_of
from transport.endpoint import Endpoint
from transport.handler import Protocol
from zonedata.judgement import Outcome, judge
from zonedata.kinds import Assurance, Kind, Role
from zonedata.life import Life
from zonedata.person_statements import Status
from zonedata.standing import Standing
from zonedata.statements import seal
from zonedata.zone_statements import Delegation

BOTH = "+81312345673"  # at alpha and beta, as its holder maps them
HALF_DEAD = "+442079460123"  # at alpha, and gamma is dead
LAB = Settings(lab_addresses=True, allow_plain_upstream=True)
in_phonebook = in_world(make_world)


def standings(answer: Answer) -> dict[str, Standing]:
    return {row.authority: row.standing for row in answer.rows}


def same_when_kept(world: World, answer: Answer) -> bool:
    """Say whether the bundle of an answer comes to the same, in every row and to what was refused."""
    kept = bundle_of(answer, world.anchor, world.clock.now())
    check_same(kept, answer)
    judged = judge(kept.csi.owner, world.anchor, kept.wires(), world.clock.now())
    rows = tuple(Row(one.authority, one.role, one.standing) for one in judged.findings)
    return rows == answer.rows and (not judged.refusals) == answer.verified


async def complete(world: World, answer: Answer, settings: Settings = LAB) -> Answer:
    world.sent()
    return await complete_directly(answer, world.anchor, world.network, world.clock, settings)


@in_phonebook
async def test_what_a_resolver_leaves_out_shows_and_is_completed(world: World) -> None:
    world.network.hosts[RESOLVER].lies = hide
    lacking = await world.ask(BOTH)
    assert lacking.verified
    assert not lacking.complete
    assert standings(lacking)["beta.example"] is Standing.MISSING
    completed = await complete(world, lacking)
    assert world.sent() == ["beta.example"], "who has spoken is not asked again, nor is anybody told who asks"
    assert completed.complete
    assert completed.verified
    assert completed.asked_directly == ("beta.example",)
    world.network.hosts[RESOLVER].lies = None
    whole = await world.ask(BOTH)
    assert completed.reaches == whole.reaches
    assert completed.rows == whole.rows
    assert completed.mapping == whole.mapping
    assert len(completed.claims) == len(lacking.claims) + 1


@in_phonebook
async def test_a_dead_one_stays_unproven(world: World) -> None:
    lacking = await world.ask(HALF_DEAD)
    completed = await complete(world, lacking)
    assert world.sent() == ["gamma.example"] * 3
    assert not completed.complete
    assert standings(completed)["gamma.example"] is Standing.UNREACHABLE
    assert completed.outcome is Outcome.FOUND
    assert completed.asked_directly == ("gamma.example",)


@in_phonebook
async def test_why_it_is_silent_is_said_anew(world: World) -> None:
    world.network.hosts[RESOLVER].lies = hide
    lacking = await world.ask(BOTH)
    world.host("beta.example").is_refusing = True
    assert standings(await complete(world, lacking))["beta.example"] is Standing.UNREACHABLE


@in_phonebook
async def test_nobody_is_asked_when_nothing_lacks(world: World) -> None:
    whole = await world.ask(BOTH)
    assert await complete(world, whole) is whole
    assert world.sent() == []


@in_phonebook
async def test_an_answer_that_shows_no_path_names_nobody_to_ask(world: World) -> None:
    world.network.hosts[RESOLVER].lies = leave_out(Kind.DELEGATION)
    lacking = await world.ask(BOTH)
    assert not lacking.complete
    assert await complete(world, lacking) is lacking
    assert world.sent() == []


@in_phonebook
async def test_private_addresses_are_not_asked_unless_the_caller_says_so(world: World) -> None:
    world.network.hosts[RESOLVER].lies = hide
    completed = await complete(world, await world.ask(BOTH), Settings())
    assert world.sent() == []
    assert standings(completed)["beta.example"] is Standing.MISSING
    assert completed.asked_directly == ()


@in_phonebook
async def test_a_mapping_that_was_left_out_comes_from_its_validator(world: World) -> None:
    world.network.hosts[RESOLVER].lies = leave_out(Kind.MAPPING)
    lacking = await world.ask(BOTH)
    assert standings(lacking)["check.example"] is Standing.MISSING
    assert {reach.assurance for reach in lacking.reaches} == {Assurance.ASSERTED}
    completed = await complete(world, lacking)
    assert world.sent() == ["check.example"]
    assert completed.complete
    assert {reach.msp: reach.tags for reach in completed.reaches} == {
        "alpha.example": ("Default",),
        "beta.example": ("Business", "Open"),
    }
    picked = choose(completed).pick
    assert picked is not None
    assert picked.msp == "alpha.example"


@in_phonebook
async def test_what_the_authority_forges_is_refused(world: World) -> None:
    world.network.hosts[RESOLVER].lies = hide
    lacking = await world.ask(BOTH)
    world.host("beta.example").lies = forge
    completed = await complete(world, lacking)
    assert completed.verified is False
    assert standings(completed)["beta.example"] is Standing.BOGUS
    assert [reach.msp for reach in completed.reaches] == ["alpha.example"]


@in_phonebook
async def test_what_a_resolver_puts_in_front_does_not_hide_it(world: World) -> None:
    def forged(_query: bytes, reply: bytes) -> list[bytes]:
        at = reply.find(b"\x10\x01\x0f", reply.find(b"\x10\x01\x0f") + 1)  # of two assertions the second is beta's
        return [reply if at < 0 else reply[: at + 20] + bytes([reply[at + 20] ^ 1]) + reply[at + 21 :]]

    world.network.hosts[RESOLVER].lies = forged
    lacking = await world.ask(BOTH)
    assert standings(lacking)["beta.example"] is Standing.BOGUS
    completed = await complete(world, lacking)
    assert completed.complete
    assert standings(completed)["beta.example"] is Standing.ASSERTED
    assert completed.verified is False, "not all that was shown is true, and that is still said"


@in_phonebook
async def test_whatever_the_resolver_adds_what_is_said_directly_is_read(world: World) -> None:
    world.network.hosts[RESOLVER].lies = after(hide, add(*false_denials("beta.example", BOTH), is_in_front=True))
    lacking = await world.ask(BOTH)
    assert standings(lacking)["beta.example"] is Standing.BOGUS
    completed = await complete(world, lacking)
    assert completed.complete
    assert standings(completed)["beta.example"] is Standing.ASSERTED
    assert same_when_kept(world, completed)


@in_phonebook
async def test_who_is_asked_speaks_for_nobody_else(world: World) -> None:
    """Neither of another MSP, nor of a zone, nor of why anybody is silent."""
    world.network.hosts[RESOLVER].lies = hide
    lacking = await world.ask(BOTH)
    rows = tuple((name, Role.MSP, Standing.UNREACHABLE) for name in ("alpha.example", "beta.example"))
    status = Status(Life(0, 1, int(START), int(START) + 60), lacking.csi.owner, rows)
    root = next(claim.statement for claim in lacking.claims if isinstance(claim.statement, Delegation))
    lives = [replace(root.life, serial=root.life.serial + n) for n in (1, 2)]
    junk = [seal(replace(root, life=one), key_of("eve")).to_wire() for one in lives]
    world.network.hosts[RESOLVER].lies = None
    whole = await world.ask(BOTH)
    for added in (junk, [*false_denials("alpha.example", BOTH), seal(status).to_wire()]):
        world.host("beta.example").lies = add(*added, is_in_front=True)
        completed = await complete(world, lacking)
        assert completed.verified
        assert (completed.rows, completed.reaches) == (whole.rows, whole.reaches)
        assert same_when_kept(world, completed)
        world.host("beta.example").lies = after(hide, add(*added, is_in_front=True))
        silent = await complete(world, lacking)
        assert standings(silent) == {**standings(whole), "beta.example": Standing.MISSING}


@in_phonebook
async def test_what_one_server_adds_does_not_hide_what_the_next_one_says(world: World) -> None:
    world.zones["."].lines.append("server beta.example ns2.beta.example 10.7.7.7 udp=53 tcp=53")
    world.publish()
    first = world.host("beta.example")
    world.network.hosts[Endpoint("10.7.7.7", 53)] = Host("beta2", first.handler, latency=0.2)
    world.network.hosts[RESOLVER].lies = hide
    lacking = await world.ask(BOTH)
    first.lies = after(hide, add(*false_denials("beta.example", BOTH)))
    completed = await complete(world, lacking)
    assert sorted(world.sent()) == ["beta.example", "beta2"]
    assert standings(completed)["beta.example"] is Standing.ASSERTED
    assert completed.complete
    assert same_when_kept(world, completed)


@in_phonebook
async def test_only_the_roles_count_in_which_somebody_is_asked(world: World) -> None:
    """An MSP that has spoken is a registry, too, whose zone was not shown: there is nobody to ask."""
    world.zones["."].lines.append("delegate +81312 alpha.example registry")
    world.publish()
    lacking = await world.ask(BOTH)
    words = {(row.role, row.standing) for row in lacking.rows if row.authority == "alpha.example"}
    assert (Role.MSP, Standing.ASSERTED) in words
    assert not lacking.complete
    assert await complete(world, lacking) is lacking
    assert world.sent() == []


@in_phonebook
async def test_a_demand_is_made_of_the_whole(world: World) -> None:
    world.network.hosts[RESOLVER].lies = hide
    completed = demanding(await complete(world, await world.ask(BOTH)), Assurance.AUTHORIZED)
    assert [reach.msp for reach in completed.reaches] == ["alpha.example"]
    assert [reach.msp for reach in completed.left_out] == ["beta.example"]
    assert completed.complete


@in_phonebook
async def test_a_walk_can_be_completed_later(world: World) -> None:
    world.host("beta.example").is_dead = True
    walked = await world.walk(BOTH)
    assert not walked.complete
    world.host("beta.example").is_dead = False
    completed = await complete(world, walked)
    assert completed.complete
    assert completed.reaches == (await world.ask(BOTH)).reaches


@in_phonebook
async def test_what_was_said_directly_is_kept_with_the_rest(world: World) -> None:
    world.network.hosts[RESOLVER].lies = hide
    lacking = await world.ask(BOTH)
    completed = await complete(world, lacking)
    now = world.clock.now()
    kept = [bundle_of(answer, world.anchor, now) for answer in (lacking, completed)]
    judged = [judge(lacking.csi.owner, world.anchor, one.wires(), now).complete for one in kept]
    assert judged == [False, True]


def encrypted() -> World:
    """The phone book, with beta's servers offering TLS."""
    world = make_world()
    world.encrypt("beta.example")
    lines = world.zones["."].lines
    lines[:] = [line for line in lines if not line.startswith(("server beta.example", "key beta.example"))]
    lines += world.binding_lines("beta.example")
    return world


@in_world(encrypted)
async def test_who_is_asked_directly_is_asked_over_tls_with_the_key_that_is_signed(world: World) -> None:
    strict = Settings(lab_addresses=True)
    world.network.hosts[RESOLVER].lies = hide
    lacking = await world.ask(BOTH)
    assert standings(lacking)["beta.example"] is Standing.MISSING
    completed = await complete(world, lacking, strict)
    assert completed.complete
    assert [packet.protocol for packet in world.network.packets] == [Protocol.TLS]
    world.host("beta.example").pin = bytes(32)
    wrong = await complete(world, lacking, strict)
    assert standings(wrong)["beta.example"] is Standing.UNAUTHENTICATED
    assert world.sent() == [], "nothing was said to whoever is there"
