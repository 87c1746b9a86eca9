"""What somebody who asks too much takes from others: nothing that they notice. In virtual time."""

import random
from collections.abc import Awaitable, Callable

import pytest
import trio

from resolver.servers import FIRST_IN_FLIGHT
from tests.overload import Counter, bind, counter, number_below
from tests.virtual import in_world, virtual
from tests.world import World, run_in
from transport.later import MOST_EACH
from transport.releases import MOST, WINDOW
from zonedata.identifiers import parse
from zonedata.listings import Listing

OTHERS = 50
SECONDS = 3
HONEST, RANDOM = 200, 5_000  # questions a second
PHONE = "+14155550123"


def percentile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


async def regularly(a_second: int, ask: Callable[[int], Awaitable[None]]) -> None:
    """Begin something so often a second, for all of the seconds."""
    async with trio.open_nursery() as nursery:
        for number in range(a_second * SECONDS):
            nursery.start_soon(ask, number)
            await trio.sleep(1 / a_second)


Attack = Callable[[Counter, random.Random, int], None]


def honest_under(attack: Attack | None) -> tuple[list[float | None], list[str]]:
    """Ask about people of fifty providers while somebody floods; return what each answer took, and who is asked."""
    took: list[float | None] = []
    sent: list[str] = []

    @virtual
    async def body() -> None:
        async def play(world: World) -> None:
            bind(world, "silent.example", node="+1", dead=True)
            for n in range(OTHERS):
                bind(world, f"p{n}.example", node=f"+49{n + 10}")
            rng, flood = random.Random(1), random.Random(2)
            async with counter(world) as at, trio.open_nursery() as nursery:

                async def one(number: int) -> None:
                    name = number_below(f"+49{number % OTHERS + 10}", rng, 12)
                    took.append(await at.ask(f"192.0.2.{number % 100}", name))

                async def other(number: int) -> None:
                    assert attack is not None
                    attack(at, flood, number)

                if attack is not None:
                    nursery.start_soon(regularly, RANDOM, other)
                await regularly(HONEST, one)
                sent.extend(world.sent())

        await run_in(World(), play)

    body()
    return took, sent


def test_random_numbers_at_a_silent_provider_cost_the_others_nothing() -> None:
    """Water torture: 5,000 a second of a prefix whose MSP is silent, from many addresses."""

    def attack(at: Counter, rng: random.Random, number: int) -> None:
        at.send(f"198.51.{number % 199}.{number % 251}", number_below("+1", rng))

    alone, _ = honest_under(None)
    under, sent = honest_under(attack)
    answered, before = [one for one in under if one is not None], [one for one in alone if one is not None]
    assert len(before) == len(alone) == HONEST * SECONDS
    assert len(answered) >= 0.99 * len(under)
    assert percentile(answered, 0.99) <= 2 * percentile(before, 0.99)
    assert sent.count("silent.example") <= 3 * FIRST_IN_FLIGHT


def test_random_numbers_at_a_provider_that_answers_are_asked_for_at_a_bounded_rate() -> None:
    def attack(at: Counter, rng: random.Random, number: int) -> None:
        at.world.host("silent.example").is_dead = False
        if not number % 5:
            at.send(f"198.51.{number % 199}.{number % 251}", number_below("+1", rng))

    under, sent = honest_under(attack)
    assert sum(one is not None for one in under) >= 0.99 * len(under)
    assert sent.count("silent.example") <= 200 * (SECONDS + 1)


def one_slow_each(count: int) -> Callable[[], World]:
    def build() -> World:
        world = World()
        for n in range(count):
            bind(world, f"s{n}.example", node=f"+49{n + 10}", dead=True)
        bind(world, "alpha.example", node="+1")
        world.holds["alpha.example"].append(Listing(1, parse(PHONE).owner, "mimi://alpha.example/u/1", ()))
        world.publish()
        return world

    return build


SLOW = 80


@in_world(one_slow_each(SLOW))
async def test_a_table_full_of_slow_look_ups_sent_again_and_again_lets_a_fast_one_in(world: World) -> None:
    for n in range(SLOW):
        world.host(f"s{n}.example").is_dead = True
    rng = random.Random(1)
    slow = [(f"198.51.100.{n}", number_below(f"+49{n + 10}", rng, 12)) for n in range(SLOW)]
    async with counter(world, SLOW) as at, trio.open_nursery() as nursery:
        assert [at.send(*one) for one in slow] == [True] * SLOW

        async def again() -> None:
            for _ in range(3):
                await trio.sleep(0.1)
                for one in slow:
                    at.send(*one)

        nursery.start_soon(again)
        await trio.sleep(0.05)
        assert await at.ask("192.0.2.1", parse(PHONE).owner) is None, "it is full, and nothing in it is old"
        await trio.sleep(0.2)
        assert at.pool.statistics().running == SLOW
        took = await at.ask("192.0.2.1", parse(PHONE).owner)
        assert took is not None, "what was sent again is no younger for that"
        assert took < 0.2


@in_world(one_slow_each(1))
async def test_held_answers_are_not_released_at_somebody_in_one_burst(world: World) -> None:
    """DNSBomb: somebody's MSP holds 10,000 answers to one address, and then has all of them ready."""
    host = world.host("s0.example")
    host.is_dead, host.latency = False, 0.2
    rng = random.Random(1)
    async with counter(world, 20_000) as at:
        at.send("192.0.2.1", number_below("+4910", rng, 12))
        await trio.sleep(1)
        for _ in range(10_000):
            at.send("192.0.2.1", number_below("+4910", rng, 13))
        assert at.pool.statistics().running <= MOST_EACH
        await trio.sleep(2)
        times = [time for time, address in at.answered if address == "192.0.2.1"]
        assert max(sum(start <= time < start + WINDOW for time in times) for start in times) <= MOST


@pytest.mark.parametrize("dead", range(9))
@pytest.mark.parametrize("late", [False, True])
def test_however_many_of_eight_providers_are_silent_the_others_are_heard_in_time(dead: int, late: bool) -> None:
    parties = [f"p{n}.example" for n in range(8)]

    @in_world(World)
    async def body(world: World) -> None:
        bind(world, *parties, node="+1")
        for party in parties:
            world.holds[party].append(Listing(1, parse(PHONE).owner, f"mimi://{party}/u/1", ()))
        world.publish()
        for party in parties[:dead]:
            host = world.host(party)
            host.is_dead, host.latency = not late, 0.999 if late else host.latency
        start = trio.current_time()
        answer = await world.ask(PHONE)
        assert trio.current_time() - start <= 1.1
        heard = {reach.msp for reach in answer.reaches}
        assert heard >= set(parties[dead:])
        assert answer.complete is (heard == set(parties))
        assert {row.authority for row in answer.rows if row.role == "msp"} == set(parties), "each has its word"

    body()
