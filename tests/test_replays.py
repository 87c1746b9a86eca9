"""Rollback: what an authority said before is shown again, to a resolver that has seen what it said since.

Every replay is of real replies, recorded and given again with the id of the new question: while the resolver runs,
and after a restart with and without its cache. It is refused at step 9, and the truth comes back.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from resolver.answer import Answer
from tests.keeping import Keeping
from tests.scenario import Story
from tests.world import World, run_in
from zonedata.identifiers import parse
from zonedata.judgement import Outcome
from zonedata.kinds import Kind
from zonedata.opening import Step

PHONE = "+14155550123"
LATER = 301  # seconds: the first answer must not be kept any more
Reply = Callable[[bytes, bytes], list[bytes]]


class Recorder:
    """Hands on what a host says and remembers it by question; later shows it again."""

    def __init__(self) -> None:
        self.seen: dict[bytes, dict[bool, bytes]] = {}  # by question; the whole reply and that which is cut short
        self.is_replaying = False

    def __call__(self, query: bytes, reply: bytes) -> list[bytes]:
        if self.is_replaying:
            old = sorted(self.seen.get(query[2:], {}).items())
            return [query[:2] + octets[2:] for _, octets in old] or [reply]
        self.seen.setdefault(query[2:], {})[bool(reply[2] & 2)] = reply
        return [reply]


SETTING = """
delegate . +1 alpha.example msp
delegate . +1 check.example validator
delegate . +1 csip.example csip
roles check.example validator
roles csip.example csip
holds alpha.example +14155550123 u/1 ann
"""
BEGIN = """
maps ann +14155550123 alpha.example
validates check.example +14155550123 ann
publish
ask +14155550123
  found complete verified
"""
ASSERTION = """
drops alpha.example +14155550123
holds alpha.example +14155550123 u/2 ann
publish
"""
DELEGATION = """
withdraw . +1 alpha.example
publish
"""
VALIDATION = """
validates check.example +14155550123 ann
"""
REVOCATION = """
revokes csip.example +14155550123 200
publish
"""
REVOKED = """
revokes csip.example +14155550123 -3600
"""
TAKEN_BACK = """
allows csip.example +14155550123
publish
"""
REPLAYS = {
    Kind.ASSERTION: ("alpha.example", ASSERTION),
    Kind.DELEGATION: (".", DELEGATION),
    Kind.VALIDATION: ("check.example", VALIDATION),
    Kind.DENIAL: ("csip.example", REVOCATION),
    Kind.REVOCATION: ("csip.example", TAKEN_BACK),
}
BEFORE = {Kind.REVOCATION: REVOKED}
MOMENTS = ["running", "restarted", "without its cache"]


def essence(answer: Answer) -> object:
    reaches = [(reach.msp, reach.ssi, reach.assurance) for reach in answer.reaches]
    return answer.outcome, answer.complete, reaches, [(row.authority, row.standing) for row in answer.rows]


async def replayed(place: Path, kind: Kind, moment: str) -> tuple[list[Answer], set[Any]]:
    """Return the answer after the change, under the replay, and after it; and what was refused under it."""
    world = World()
    keeping = Keeping(world, place)
    host, change = REPLAYS[kind]
    recorder = Recorder()
    answers: list[Answer] = []
    refused: set[tuple[Step, Kind | None]] = set()

    async def body(_: World) -> None:
        story = Story(world)
        for line in [*(SETTING + BEFORE.get(kind, "") + BEGIN).splitlines(), "time 1"]:
            await story.play("begin", line)
            if line.startswith("publish"):
                world.host(host).lies = recorder
            if line.startswith("ask"):
                assert story.answer is not None
        await trio.sleep(LATER if kind is not Kind.DELEGATION else 2 * 3600)
        await story.play("change", change)
        world.host(host).lies = None
        answers.append(await world.ask(PHONE))
        if moment != "running":
            keeping.restart(with_the_cache=moment == "restarted")
        keeping.finder.stores.proven.flush()
        world.host(host).lies = recorder
        recorder.is_replaying = True
        wait = 250 if kind is Kind.DENIAL else LATER if kind is not Kind.DELEGATION else 2 * 3600
        await trio.sleep(wait if moment != "without its cache" else 6)
        answers.append(await world.ask(PHONE))
        found = keeping.finder.cache.answer(parse(PHONE).owner, world.clock.now())
        refused.update((one.step, one.kind) for one in (found.judgement.refusals if found is not None else []))
        world.host(host).lies = None
        await trio.sleep(6)
        answers.append(await world.ask(PHONE))
        keeping.close()

    await run_in(world, body)
    return answers, refused


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("kind", list(REPLAYS))
def test_what_was_replaced_is_refused_when_it_is_shown_again(tmp_path: Path, kind: Kind, moment: str) -> None:
    run: Any = trio.run
    answers, refused = run(replayed, tmp_path / "cache", kind, moment, clock=MockClock(autojump_threshold=0))
    after, under, again = answers
    assert after.complete
    assert essence(again) == essence(after)
    if essence(under) != essence(after):  # what is still held needs no asking
        assert not under.complete
        assert (Step.ORDER, kind) in refused
    else:
        assert moment != "without its cache", "there is nothing to answer from but the replay"
    if kind is Kind.DELEGATION:
        assert under.outcome is not Outcome.FOUND
