"""The attacks that TUF names, on a whole tree; where each is tried on single parts is said beside its name.

arbitrary software       a forged or altered statement: scenarios/lies.txt, root/test_hostile.py
rollback                 test_replays.py, resolver/proven/test_floors*.py, resolver/test_remembered.py
indefinite freeze        below
fast-forward             below, and resolver/proven/test_floors.py
mix-and-match            gaps and delegations of two signings: zonedata/test_holdings.py
endless data             resolver/test_allowance.py, root/test_hostile.py
slow retrieval           below
extraneous dependencies  whom nobody granted is never asked: zonedata/test_path.py, scenarios/ghost.txt
key compromise           of root keys: zonedata/test_trust.py; of others: test_rollover.py
wrong software           a true statement about somebody else: zonedata/test_opening.py, steps 4 and 8
"""

from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock

from resolver.allowance import TOTAL_SECONDS
from tests.scenario import Story
from tests.test_replays import Recorder
from tests.world import World, key_of, run_in
from zonedata.judgement import Outcome
from zonedata.kinds import DAY, RULES, Kind
from zonedata.life import MAX_AHEAD, SKEW_MOST

PHONE = "+14155550123"
HOUR = 3600
TREE = f"""
delegate . +1 alpha.example msp
holds alpha.example {PHONE} u/1
publish
"""


def play(body: Callable[[World], Awaitable[None]]) -> None:
    async def begun(world: World) -> None:
        await Story(world).play("tree", TREE)
        await body(world)

    async def main() -> None:
        await run_in(World(), begun)

    trio.run(main, clock=MockClock(autojump_threshold=0))


def test_indefinite_freeze_ends_with_the_life_of_what_the_zone_said() -> None:
    """Whoever shows the same for ever is believed until the least of it expires: seven days, for all of a zone."""

    async def body(world: World) -> None:
        recorders = [Recorder(), Recorder()]
        for host, recorder in zip((".", "alpha.example"), recorders, strict=True):
            world.host(host).lies = recorder
        started = found_until = world.clock.now()
        assert (await world.ask(PHONE)).complete
        for recorder in recorders:
            recorder.is_replaying = True
        while world.clock.now() < started + 9 * DAY:
            await trio.sleep(DAY / 4)
            if (await world.ask(PHONE)).outcome is Outcome.FOUND:
                found_until = world.clock.now()
        life = RULES[Kind.DELEGATION].max_life
        assert life - DAY / 2 <= found_until - started <= life

    play(body)


async def _steal(world: World, ahead: int) -> None:
    """Have a thief sign the MSP's listings with a serial that far above the time, and somebody see it."""
    handler = world.host("alpha.example").handler
    world.ahead = ahead
    world.publish()
    world.ahead = 0
    await trio.sleep(301)
    await world.ask(PHONE)
    world.host("alpha.example").handler = handler


def test_fast_forward_ends_with_the_key() -> None:
    async def body(world: World) -> None:
        assert (await world.ask(PHONE)).complete
        await _steal(world, MAX_AHEAD)
        await trio.sleep(301)
        world.publish()
        assert not (await world.ask(PHONE)).complete, "the thief's serial is later"
        lines = world.zones["."].lines
        lines[:] = [line for line in lines if not line.startswith("key alpha.example assert ")]
        lines.append(f"key alpha.example assert {key_of('another').public.to_text()}")
        world.rolled["assert-alpha.example"] = "another"
        world.publish()
        await trio.sleep(HOUR)
        assert (await world.ask(PHONE)).complete

    play(body)


@pytest.mark.parametrize(("ahead", "is_lost"), [(MAX_AHEAD, True), (MAX_AHEAD + 1, False)])
def test_fast_forward_leaps_a_day_at_most_and_ends_by_itself(ahead: int, is_lost: bool) -> None:
    async def body(world: World) -> None:
        assert (await world.ask(PHONE)).complete
        await _steal(world, ahead)
        await trio.sleep(301)
        world.publish()
        assert (await world.ask(PHONE)).complete is not is_lost
        await trio.sleep(MAX_AHEAD + SKEW_MOST)
        world.publish()
        assert (await world.ask(PHONE)).complete

    play(body)


def test_slow_retrieval_costs_the_time_of_one_question() -> None:
    async def body(world: World) -> None:
        for host in (".", "alpha.example"):
            world.host(host).latency = 1_000.0
        started = trio.current_time()
        answer = await world.ask(PHONE)
        assert not answer.complete
        assert trio.current_time() - started <= TOTAL_SECONDS + 0.1

    play(body)
