"""What the resolver remembers has bounds."""

from dataclasses import replace

import trio

from resolver.cache import ANSWER_OCTETS, FEW, SWEEP_EVERY, Cache, Found, Stores
from resolver.proven.memory import MemoryProven
from resolver.service import ResolverService
from resolver.settings import Settings
from tests.resolver.small import ALICE, in_small_world
from tests.world import RESOLVER, World
from zonedata.findings import Finding
from zonedata.holdings import HELD_OCTETS
from zonedata.judgement import Judgement, Outcome
from zonedata.kinds import Role
from zonedata.names import Name
from zonedata.packets import Packets
from zonedata.standing import Standing

TREE = bytes(16)


def found(keep: float, *refused: bytes, complete: bool = False) -> Found:
    return Found(Judgement(Name(b""), Outcome.NONE, complete, []), refused, keep, 0.0)


def test_an_answer_is_given_until_its_end() -> None:
    cache = Cache(Settings(), MemoryProven(TREE))
    cache.put(Name(b"a\0"), found(100.0), 50.0)
    assert cache.answer(Name(b"a\0"), 99.9) is not None
    assert cache.answer(Name(b"a\0"), 100.0) is None


def test_what_is_complete_is_found_again_unless_it_is_long_or_something_was_refused() -> None:
    cache = Cache(Settings(), MemoryProven(TREE))
    cache.put(Name(b"a\0"), found(100.0, complete=True), 50.0)
    assert cache.answer(Name(b"a\0"), 60.0) is None
    cache.put(Name(b"a\0"), found(100.0, b"forged", complete=True), 50.0)
    assert cache.answer(Name(b"a\0"), 60.0) is not None
    cache.put(Name(b"a\0"), found(100.0, complete=True), 50.0)
    assert cache.answer(Name(b"a\0"), 60.0) is None
    row = Finding("a.example", Role.MSP, Standing.DENIED)
    for count, is_kept in ((FEW, False), (FEW + 1, True)):
        long = Judgement(Name(b""), Outcome.NONE, True, [row] * count)
        cache.put(Name(b"a\0"), Found(long, (), 100.0, 0.0), 50.0)
        assert (cache.answer(Name(b"a\0"), 60.0) is not None) is is_kept


def test_what_may_not_be_kept_is_not() -> None:
    cache = Cache(Settings(), MemoryProven(TREE))
    cache.put(Name(b"a\0"), found(100.0), 50.0)
    cache.put(Name(b"a\0"), found(50.0), 50.0)
    assert cache.answer(Name(b"a\0"), 50.0) is None


def test_the_oldest_answers_give_way() -> None:
    cache = Cache(Settings(answers_octets=3 * ANSWER_OCTETS), MemoryProven(TREE))
    for n in range(5):
        cache.put(Name(b"%d\0" % n), found(100.0), 50.0)
    assert [cache.answer(Name(b"%d\0" % n), 60.0) is not None for n in range(5)] == [False, False, True, True, True]


@in_small_world
async def test_what_has_ended_is_swept_out(world: World) -> None:
    assert world.resolver is not None
    await world.ask(ALICE)
    cache = world.resolver.finder.cache
    assert len(cache.held.zone(())) > 0
    await trio.sleep(8 * 86_400 + SWEEP_EVERY)
    cache.put(Name(b"x\0"), found(0.0), world.clock.now())
    assert () not in cache.held.zones
    assert cache._answers_octets == 0


@in_small_world
async def test_statements_of_zones_are_bounded_and_come_back_from_what_was_proven(world: World) -> None:
    assert world.resolver is not None
    cache = world.resolver.finder.cache
    await world.ask(ALICE)
    assert cache.held.zones[()].octets > 5 * HELD_OCTETS
    cache._settings = replace(world.settings, zones_octets=HELD_OCTETS)
    await trio.sleep(SWEEP_EVERY + 1)
    await world.ask("+14155550111")
    cache._sweep(world.clock.now())  # the answer came over TCP after UDP: what it stands on was read again
    assert not cache.held.zones
    world.sent()
    assert (await world.ask("+14155550112")).complete
    assert "." not in world.sent(), "the root was proven once and is not asked again"


@in_small_world
async def test_a_successor_goes_on_with_what_was_proven(world: World) -> None:
    assert world.resolver is not None
    first = world.resolver
    await world.ask(ALICE)
    world.sent()
    stores = Stores(Packets(), first.finder.stores.proven)
    successor = ResolverService(world.anchor, world.network, world.clock, world.settings, stores)
    world.network.hosts[RESOLVER].handler = successor.handle
    answer = await world.ask(ALICE)
    assert (answer.outcome, answer.complete) == (Outcome.FOUND, True)
    assert world.sent() == []


@in_small_world
async def test_new_root_keys_empty_what_is_ready(world: World) -> None:
    assert world.resolver is not None
    await world.ask(ALICE)
    before = set(world.resolver.packets._entries)
    assert before
    world.add_rootkeys()
    world.publish()
    await trio.sleep(2 * 86_400)
    await world.ask("+14155550111")
    assert world.resolver.finder.trust.rootkeys.version == 2
    assert not before & set(world.resolver.packets._entries)
