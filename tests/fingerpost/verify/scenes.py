"""Bundles from a world in memory: a scenario is played, a question asked of its resolver, and the answer kept."""

from dataclasses import dataclass, replace
from pathlib import Path

import trio
from trio.testing import MockClock

from resolver.explain.lines import Case
from resolver.fpdig.keeping import bundle_of
from tests.resolver.fpdig.phonebook import write_anchors
from tests.scenario import Story
from tests.world import World, run_in
from zonedata import bundle, wire
from zonedata.account import account_of
from zonedata.bundle import Bundle
from zonedata.judgement import hear
from zonedata.trust import Trust, from_sealed, to_pem


@dataclass(frozen=True)
class Kept:
    """What a scenario came to.

    Attributes:
        bundle: What was kept of the answer to its last line, `of CSI`; a resolver that checks nothing was asked.
        anchors: Every version of the root's keys that the scenario made, and two later ones.
    """

    bundle: Bundle
    anchors: list[Trust]

    def case(self, now: float | None = None) -> Case:
        """Judge it by the first version."""
        at = float(self.bundle.asked) if now is None else now
        hearing = hear(self.bundle.csi.owner, self.anchors[0], self.bundle.wires(), at)
        return Case(self.bundle, account_of(hearing), "anchor.pem", self.anchors[0])

    def write(self, place: Path) -> None:
        """Write anchor.pem, v2.pem and so on, other.pem of another tree; b.bundle, and v2.bundle as v2 keeps it."""
        write_anchors(place)
        for version, trust in enumerate(self.anchors[1:], 2):
            (place / f"v{version}.pem").write_text(to_pem(trust.sealed))
            by_it = bundle.write(replace(self.bundle, trust=trust))
            (place / f"v{version}.bundle").write_bytes(by_it)
        (place / "b.bundle").write_bytes(bundle.write(self.bundle))


def keep(scenario: str) -> Kept:
    """Play a scenario, and keep the answer to its last line."""
    text, _, csi = scenario.strip().rpartition("\nof ")
    kept: list[Kept] = []

    async def play() -> None:
        story = Story(World())

        async def body(world: World) -> None:
            await story.play("scenario", text)
            world.publish()
            answer = await world.ask(csi, flags=wire.FLAG_RD | wire.FLAG_CD)
            made = bundle_of(answer, world.anchor, world.clock.now())
            for _ in range(2):
                world.add_rootkeys()  # that nobody who was asked knew of
            versions = [from_sealed(sealed) for sealed in world.rootkeys]
            kept.append(Kept(made, [world.anchor, *(replace(one, tree=made.trust.tree) for one in versions[1:])]))

        await run_in(story.world, body)

    trio.run(play, clock=MockClock(autojump_threshold=0))
    return kept[0]
