"""What one search may cost, and what it may not cost others."""

import time
from collections import Counter

import trio

from resolver.allowance import MAX_AUTHORITIES, TOTAL_SECONDS
from resolver.cache import Found
from resolver.finder import Finder
from tests.resolver.small import ALICE, in_small_world
from tests.virtual import in_world
from tests.world import World, Zone, key_of
from zonedata import statements
from zonedata.identifiers import parse
from zonedata.judgement import Outcome
from zonedata.kinds import DAY, Kind
from zonedata.opening import Step
from zonedata.standing import Standing

CROWD = 380  # authorities at one node, near the most that a delegation holds
LONDON = parse("+447700900123").owner


def crowd() -> World:
    """A registry with very many MSPs at one node, none of whom has anybody."""
    world = World()
    world.zones["."].lines += world.binding_lines("r.example")
    world.delegate(".", "delegate +44 r.example registry")
    world.zones["r.example"] = Zone("r.example", ["+44"])
    for n in range(CROWD):
        party = f"m{n}.example"
        world.zones["r.example"].lines += world.binding_lines(party)
        world.delegate("r.example", f"delegate +44 {party} msp")
        world.holds[party] = []
    return world


@in_world(crowd)
async def test_a_crowd_is_asked_in_part_and_the_rest_is_reported(world: World) -> None:
    assert world.resolver is not None
    start = time.process_time()
    found = await world.resolver.finder.find(LONDON)
    spent = time.process_time() - start
    standings = Counter(finding.standing for finding in found.judgement.findings)
    assert found.judgement.outcome is Outcome.INCOMPLETE
    assert standings[Standing.DENIED] == MAX_AUTHORITIES
    assert standings[Standing.UNASKED] > 0
    assert len(world.sent()) <= 8 + 2 * MAX_AUTHORITIES + MAX_AUTHORITIES
    # Following the path anew for every arrival, each time over all needs, took 20 s here.
    assert spent < 3


def slow_crowd() -> World:
    world = World()
    for n in range(40):
        party = f"slow{n}.example"
        world.zones["."].lines += world.binding_lines(party)
        world.delegate(".", f"delegate +44 {party} msp")
        world.holds[party] = []
    world.zones["."].lines += world.binding_lines("quick.example")
    world.delegate(".", "delegate +1 quick.example msp")
    world.holds["quick.example"] = []
    return world


@in_world(slow_crowd)
async def test_slow_authorities_of_one_question_hold_back_no_other(world: World) -> None:
    assert world.resolver is not None
    finder = world.resolver.finder
    for n in range(40):
        world.host(f"slow{n}.example").is_dead = True
    async with trio.open_nursery() as nursery:
        nursery.start_soon(finder.find, LONDON)
        await trio.sleep(0.3)
        start = trio.current_time()
        assert (await finder.find(parse(ALICE).owner)).judgement.complete
        assert trio.current_time() - start < 0.1


def claimed_root() -> World:
    """Somebody names the root's own address as its server, with a stream port where nobody listens."""
    world = World()
    for party in ("evil.example", "alpha.example"):
        world.zones["."].lines += world.binding_lines(party)
    world.delegate(".", "delegate +44 evil.example msp")
    world.delegate(".", "delegate +1 alpha.example msp")
    world.holds["alpha.example"] = []
    root = world.address_of(".")
    world.zones["."].lines = [
        line.replace(world.address_of("evil.example"), root) if "server evil" in line else line
        for line in world.zones["."].lines
    ]
    return world


@in_world(claimed_root)
async def test_naming_the_address_of_another_spoils_only_ones_own_standing(world: World) -> None:
    assert world.resolver is not None
    finder = world.resolver.finder
    await finder.find(parse("+14155550100").owner)
    world.host(".").is_refusing = True
    await finder.find(LONDON)
    await trio.sleep(0.1)
    world.host(".").is_refusing = False
    assert (await finder.find(parse("+14155550101").owner)).judgement.complete
    await trio.sleep(2 * DAY)
    assert (await finder.find(parse("+14155550102").owner)).judgement.complete


@in_small_world
async def test_a_delegation_that_ends_during_the_search_still_counts_for_it(world: World) -> None:
    assert world.resolver is not None
    finder = world.resolver.finder
    await finder.find(parse("+14155550100").owner)
    gap = finder.cache.held.zone(()).gap_for(parse(ALICE).owner, finder.trust.signer(), world.clock.now())
    assert gap is not None
    await trio.sleep(gap.keep - world.clock.now() - 0.005)
    found = await finder.find(parse(ALICE).owner)
    assert found.judgement.complete
    assert found.judgement.outcome is Outcome.FOUND


@in_small_world
async def test_an_anchor_that_has_ended_and_no_root_to_ask_is_incomplete_in_time(world: World) -> None:
    world.host(".").is_dead = True
    await trio.sleep(366 * DAY)
    finder = Finder(world.anchor, world.network, world.clock, world.settings)
    start = trio.current_time()
    found = await finder.find(parse(ALICE).owner)
    assert found.judgement.outcome is Outcome.INCOMPLETE
    assert trio.current_time() - start <= TOTAL_SECONDS


@in_small_world
async def test_many_who_need_a_newer_version_of_the_keys_fetch_it_once(world: World) -> None:
    world.add_rootkeys()
    world.publish()
    finder = Finder(world.anchor, world.network, world.clock, world.settings)
    async with trio.open_nursery() as nursery:
        for n in range(20):
            nursery.start_soon(finder.find, parse(f"+141555501{n:02}").owner)
    asked = Counter(packet.name for packet in world.network.packets)
    assert asked["2.rootkeys."] <= 2
    assert finder.trust.rootkeys.version == 2
    found = await finder.find(parse(ALICE).owner)
    assert found.judgement.complete
    assert not found.judgement.refusals


@in_small_world
async def test_a_client_with_the_old_anchor_verifies_after_the_keys_have_changed(world: World) -> None:
    world.add_rootkeys()
    world.publish()
    answer = await world.ask(ALICE)
    assert answer.complete
    assert answer.verified


@in_small_world
async def test_a_version_of_the_keys_that_others_signed_is_refused(world: World) -> None:
    world.add_rootkeys()
    said = statements.read_untrusted(world.rootkeys.pop())
    world.rootkeys.append(statements.seal(said, key_of("thief-1"), key_of("thief-2")))
    world.publish()
    finder = Finder(world.anchor, world.network, world.clock, world.settings)
    found = await finder.find(parse(ALICE).owner)
    assert found.judgement.outcome is Outcome.INCOMPLETE
    assert (Step.SIGNATURE, Kind.ROOTKEYS) in {(r.step, r.kind) for r in found.judgement.refusals}
    assert finder.trust.rootkeys.version == 1


@in_small_world
async def test_a_search_that_began_before_another_caught_up_uses_the_new_keys(world: World) -> None:
    world.add_rootkeys()
    world.publish()
    finder = Finder(world.anchor, world.network, world.clock, world.settings)
    late: list[Found] = []

    async def slow_search() -> None:
        late.append(await finder.find(parse("+14155550100").owner))

    async with trio.open_nursery() as nursery:
        world.host(".").latency = 0.25
        nursery.start_soon(slow_search)
        await trio.sleep(0.1)
        world.host(".").latency = 0.001
        assert (await finder.find(parse(ALICE).owner)).judgement.complete
    assert finder.trust.rootkeys.version == 2
    assert late[0].judgement.complete
    assert not late[0].judgement.refusals
