"""What the resolver remembers has bounds."""

from dataclasses import replace

import trio

from resolver.cache import SWEEP_EVERY, Cache, Found
from resolver.settings import Settings
from tests.resolver.small import ALICE, in_small_world
from tests.world import World
from zonedata.identifiers import parse
from zonedata.judgement import Judgement, Outcome
from zonedata.names import Name


def found(keep: float) -> Found:
    return Found(Judgement(Name(b""), Outcome.NONE, True, []), (), keep, 0.0)


def test_an_answer_is_given_until_its_end() -> None:
    cache = Cache(Settings())
    cache.put(Name(b"a\0"), found(100.0), 50.0)
    assert cache.answer(Name(b"a\0"), 99.9) is not None
    assert cache.answer(Name(b"a\0"), 100.0) is None


def test_what_may_not_be_kept_is_not() -> None:
    cache = Cache(Settings())
    cache.put(Name(b"a\0"), found(100.0), 50.0)
    cache.put(Name(b"a\0"), found(50.0), 50.0)
    assert cache.answer(Name(b"a\0"), 50.0) is None


def test_the_oldest_answers_give_way() -> None:
    cache = Cache(Settings(max_answers=3))
    for n in range(5):
        cache.put(Name(b"%d\0" % n), found(100.0), 50.0)
    assert [cache.answer(Name(b"%d\0" % n), 60.0) is not None for n in range(5)] == [False, False, True, True, True]


@in_small_world
async def test_what_has_ended_is_swept_out(world: World) -> None:
    assert world.resolver is not None
    await world.ask(ALICE)
    cache = world.resolver.finder.cache
    assert cache.held.said
    assert len(cache.held.zone(())) > 0
    await trio.sleep(8 * 86_400 + SWEEP_EVERY)
    cache.put(Name(b"x\0"), found(0.0), world.clock.now())
    assert not cache.held.said
    assert () not in cache.held.zones
    assert not cache._answers


@in_small_world
async def test_statements_about_people_and_zones_are_bounded(world: World) -> None:
    assert world.resolver is not None
    finder = world.resolver.finder
    finder.cache._settings = replace(world.settings, max_said=4, max_zone=2)
    for n in range(6):
        await world.ask(f"+1415555010{n}")
    assert len(finder.cache.held.said) <= 4
    await trio.sleep(SWEEP_EVERY + 1)
    await world.ask("+14155550111")
    assert len(finder.cache.held.zones.get((), ())) <= 5
    assert (await world.ask(ALICE)).complete
    assert parse(ALICE).owner
