"""Versions of the root's keys over restarts: they never go back, and nothing is believed for standing in a file."""

from dataclasses import replace
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from resolver import remembered
from resolver.remembered import InFile
from tests.keeping import Keeping
from tests.world import World, run_in
from zonedata import trust
from zonedata.kinds import DAY
from zonedata.listings import Listing
from zonedata.names import from_text
from zonedata.opening import Claim, Step, read_claim
from zonedata.trust import Trust

PHONE = "+14155550123"


def versions(count: int) -> list[Trust]:
    """A tree's versions, each verified from the one before."""

    async def make() -> list[Trust]:
        world = World()
        for _ in range(count - 1):
            world.add_rootkeys()
        made = [world.anchor]
        for sealed in world.rootkeys[1:]:
            claim = read_claim(sealed.to_wire())
            assert isinstance(claim, Claim)
            made.append(trust.advance(made[-1], claim))
        return made

    return trio.run(make, clock=MockClock())


def test_the_newest_version_is_there_after_a_restart_with_its_chain(tmp_path: Path) -> None:
    made = versions(4)
    InFile(tmp_path).keep(made[3], made[0])
    newest = InFile(tmp_path).newest(made[0])
    assert newest == made[3]
    assert InFile(tmp_path).newest(made[2]).rootkeys.version == 4


def test_a_version_never_goes_back(tmp_path: Path) -> None:
    made = versions(4)
    InFile(tmp_path).keep(made[3], made[0])
    InFile(tmp_path).keep(made[1], made[0])  # a worker that has caught up less far
    assert InFile(tmp_path).newest(made[0]).rootkeys.version == 4


def test_nothing_is_believed_for_standing_in_the_file(tmp_path: Path) -> None:
    made = versions(3)
    file = tmp_path / remembered.FILE
    file.write_text(trust.to_pem(made[2].sealed))  # one is left out
    assert InFile(tmp_path).newest(made[0]) == made[0]
    InFile(tmp_path).keep(made[1], made[0])
    assert InFile(tmp_path).newest(made[0]).rootkeys.version == 2
    for text in ("", "nothing\n", "-----BEGIN FINGERPOST ROOTKEYS-----\n", "x" * (remembered.MAX_OCTETS + 1)):
        file.write_text(text)
        assert InFile(tmp_path).newest(made[0]) == made[0]
    file.write_bytes(b"\xff" * 9)
    assert InFile(tmp_path).newest(made[0]) == made[0]


def test_another_trees_versions_are_not_followed(tmp_path: Path) -> None:
    made = versions(3)
    InFile(tmp_path).keep(made[2], made[0])
    other = replace(made[0], tree=bytes(16))
    assert InFile(tmp_path).newest(other) == other


def test_a_place_that_cannot_be_written_costs_no_answer(tmp_path: Path) -> None:
    made = versions(2)
    InFile(tmp_path / "gone").keep(made[1], made[0])
    assert InFile(tmp_path / "gone").newest(made[0]) == made[0]


def _world() -> World:
    world = World()
    world.zones["."].lines += [*world.binding_lines("alpha.example"), "delegate +1 alpha.example msp"]
    owner = from_text("3.2.1.0.5.5.5.5.1.4.1.e164.")
    world.holds["alpha.example"] = [Listing(1, owner, "mimi://alpha.example/u/1", (), b"")]
    return world


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_zone_key_that_was_withdrawn_is_not_believed_after_a_restart(tmp_path: Path, is_kept: bool) -> None:
    """Replayed: all that the root signed with its first key. Without the file the anchor's version believes it."""
    kept: list[Keeping] = []

    def world_there() -> World:
        world = _world()
        kept.append(Keeping(world, tmp_path))
        return world

    async def body(world: World) -> None:
        (keeping,) = kept
        assert (await world.ask(PHONE)).complete
        before = world.host(".").handler
        await trio.sleep(DAY)
        world.add_rootkeys()
        world.publish()
        assert (await world.ask(PHONE)).complete
        assert keeping.finder.trust.rootkeys.version == 2
        if not is_kept:
            (tmp_path / remembered.FILE).unlink()
        keeping.restart(with_the_cache=False)
        world.host(".").handler = before  # whoever has the old key, and what it signed
        answer = await world.ask(PHONE)
        assert answer.complete is not is_kept
        found = keeping.finder.cache.answer(from_text("3.2.1.0.5.5.5.5.1.4.1.e164."), world.clock.now())
        steps = {refusal.step for refusal in found.judgement.refusals} if found is not None else set()
        assert (Step.KEY in steps) is is_kept
        keeping.close()

    async def main() -> None:
        await run_in(world_there(), body)

    trio.run(main, clock=MockClock(autojump_threshold=0))
