"""Keys change while people are looked up, over weeks of virtual time: in order, at once, and in an emergency."""

from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock

from tests.scenario import Story
from tests.world import World, key_of, run_in
from zonedata.kinds import DAY

HOUR = 3600
ZONE_TTL = HOUR  # of what a zone says, unless its source says otherwise
SAID_TTL = 300  # of what is said about people
STEP = 600  # seconds between two look-ups
REACHED, NOBODY, ENDED = "+14155550123", "+14155550124", "+14155550125"
TREE = f"""
registry numbers.example +1
delegate . +1 numbers.example registry
delegate numbers.example +1415 alpha.example msp
delegate numbers.example +1415 check.example validator
delegate numbers.example +1415 csip.example csip
roles check.example validator
roles csip.example csip
holds alpha.example {REACHED} u/1 ann
holds alpha.example {ENDED} u/2
maps ann {REACHED} alpha.example
validates check.example {REACHED} ann
revokes csip.example {ENDED} 0
publish
"""
KEYS = {
    "zone": (".", "numbers.example"),
    "assert": ("numbers.example", "alpha.example"),
    "deny": ("numbers.example", "alpha.example"),
    "validate": ("numbers.example", "check.example"),
    "revoke": ("numbers.example", "csip.example"),
}


class Rolling:
    """A world in which the key of one party and use changes, with the steps an operator takes."""

    def __init__(self, world: World, use: str) -> None:
        self.world, self.use = world, use
        self.binder, self.party = KEYS[use]
        self.failed: list[float] = []
        self.people = [(REACHED, "found"), (NOBODY, "none"), (ENDED, "none")]

    async def begin(self) -> None:
        await Story(self.world).play("tree", TREE)

    def sign_anew(self) -> None:
        self.world.validate("check.example", REACHED, "ann", since=0)
        self.world.publish()

    def bind(self, *versions: int) -> None:
        """Have the binder name these versions of the key."""
        lines = self.world.zones[self.binder].lines
        lines[:] = [line for line in lines if not line.startswith(f"key {self.party} {self.use} ")]
        for version in versions:
            text = key_of(self.words(version)).public.to_text()
            lines.append(f"key {self.party} {self.use} {text}")
        self.sign_anew()

    def words(self, version: int) -> str:
        return f"{self.use}-{self.party}" + (f"-{version}" if version > 1 else "")

    def sign_with(self, version: int) -> None:
        self.world.rolled[self.words(1)] = self.words(version)
        self.sign_anew()

    async def live(self, seconds: float, step: float = STEP) -> None:
        """Look people up all the while; everything is signed anew every day."""
        world, end = self.world, trio.current_time() + seconds
        signed = trio.current_time()
        while trio.current_time() < end:
            for csi, outcome in self.people:
                answer = await world.ask(csi)
                if not (answer.complete and answer.verified and answer.outcome == outcome):
                    self.failed.append(world.clock.now())
            if trio.current_time() - signed >= DAY:
                signed = trio.current_time()
                self.sign_anew()
            await trio.sleep(step)


def play(use: str, body: Callable[[Rolling], Awaitable[None]]) -> list[float]:
    failed: list[float] = []

    async def in_world(world: World) -> None:
        rolling = Rolling(world, use)
        await rolling.begin()
        await body(rolling)
        failed.extend(rolling.failed)

    async def main() -> None:
        await run_in(World(), in_world)

    trio.run(main, clock=MockClock(autojump_threshold=0))
    return failed


@pytest.mark.parametrize("use", KEYS)
def test_a_key_that_changes_in_order_fails_no_look_up(use: str) -> None:
    async def body(rolling: Rolling) -> None:
        await rolling.live(8 * DAY, step=3 * HOUR)
        await rolling.live(HOUR)
        rolling.bind(1, 2)
        await rolling.live(ZONE_TTL + 60)
        rolling.sign_with(2)
        await rolling.live(ZONE_TTL + SAID_TTL)
        rolling.bind(2)
        await rolling.live(2 * HOUR)
        await rolling.live(8 * DAY, step=3 * HOUR)

    assert play(use, body) == []


@pytest.mark.parametrize("use", KEYS)
def test_a_key_that_is_swapped_at_once_fails_for_the_ttl_of_its_binding_at_most(use: str) -> None:
    swapped: list[float] = []

    async def body(rolling: Rolling) -> None:
        await rolling.live(HOUR / 2)
        rolling.world.rolled[rolling.words(1)] = rolling.words(2)
        rolling.bind(2)
        swapped.append(rolling.world.clock.now())
        rolling.people.append(("+12025550123", "none"))  # of whom the zone has not been asked yet
        await rolling.live(3 * HOUR, step=120)

    failed = play(use, body)
    assert failed, "nobody would need the order"
    assert max(failed) - swapped[0] <= ZONE_TTL + SAID_TTL


@pytest.mark.parametrize(("use", "csi"), [("assert", REACHED), ("zone", REACHED), ("validate", REACHED)])
def test_what_a_stolen_key_signed_is_gone_within_the_ttl_of_its_binding(use: str, csi: str) -> None:
    """The key is withdrawn and none put in its place: nothing that it signed is used any more."""
    times: list[float] = []
    gone: list[bool] = []

    async def body(rolling: Rolling) -> None:
        assert (await rolling.world.ask(csi)).reaches
        rolling.bind(2)  # what is served goes on being signed by the stolen one
        times.append(rolling.world.clock.now())
        for _ in range(4 * HOUR // 120):
            await trio.sleep(120)
            answer = await rolling.world.ask(csi)
            is_gone = not answer.reaches or (use == "validate" and answer.reaches[0].assurance == "asserted")
            gone.append(is_gone)
            if not is_gone:
                times.append(rolling.world.clock.now())

    play(use, body)
    assert gone[-1]
    assert times[-1] - times[0] <= ZONE_TTL + 120
    assert gone == sorted(gone), "once gone it does not come back"


def test_the_roots_keys_change_without_a_failed_look_up() -> None:
    async def body(rolling: Rolling) -> None:
        world = rolling.world
        for _ in range(3):
            await rolling.live(3 * DAY, step=3 * HOUR)
            world.add_rootkeys()
            rolling.sign_anew()
            await rolling.live(2 * HOUR)
        assert world.resolver is not None
        assert world.resolver.finder.trust.rootkeys.version == 4

    assert play("zone", body) == []


def test_a_resolver_that_was_off_for_years_catches_up_from_an_anchor_that_has_expired() -> None:
    async def body(rolling: Rolling) -> None:
        world = rolling.world
        for _ in range(4):  # as many versions as a proof carries
            await trio.sleep(200 * DAY)
            world.add_rootkeys()
        rolling.sign_anew()
        assert world.resolver is not None
        world.start_resolver()
        assert (await world.ask(REACHED)).verified
        assert world.resolver is not None
        assert world.resolver.finder.trust.rootkeys.version == 5

    play("zone", body)
