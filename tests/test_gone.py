"""What was removed, revoked or withdrawn is gone within its time, however often it is asked for."""

from collections.abc import Callable

import pytest
import trio
import trio.testing

from tests.world import World, key_of
from zonedata.identifiers import node_from_text, parse
from zonedata.kinds import DAY, Role
from zonedata.listings import Listing
from zonedata.recipient_statements import recipient_of
from zonedata.revocations import RevocationLine
from zonedata.wire import QType

CSI = "+14155550123"
ALPHA, CHECK, CARRIER = "alpha.example", "check.example", "carrier.example"
SOON = 360  # seconds: a TTL of 300 and a skew of 60
ZONE_TTL = 3_600  # of the zone in this world
OFTEN = 7.0  # seconds between two look-ups of somebody who would keep it alive
Change = Callable[[World], None]


def world() -> World:
    made = World()
    lines = made.zones["."].lines
    for party, role in ((ALPHA, "msp"), (CHECK, "validator"), (CARRIER, "csip")):
        lines += [*made.binding_lines(party), f"delegate +1 {party} {role}"]
        made.holds.setdefault(party, [])
    made.roles.update({CHECK: (Role.VALIDATOR,), CARRIER: (Role.CSIP,)})
    ann = recipient_of(key_of("ann").public)
    made.holds[ALPHA].append(Listing(1, parse(CSI).owner, f"mimi://{ALPHA}/u/1", (), ann))
    made.map("ann", CSI, f"{ALPHA}=Default")
    made.validate(CHECK, CSI, "ann")
    return made


def unlisted_by_the_msp(made: World) -> None:
    made.holds[ALPHA].clear()


def unlisted_by_the_recipient(made: World) -> None:
    made.map("ann", CSI, "beta.example")
    made.validate(CHECK, CSI, "ann", 0)


def opted_out(made: World) -> None:
    made.map("ann", CSI)
    made.validate(CHECK, CSI, "ann", 0)


def released(made: World) -> None:
    made.map("ann", CSI, is_released=True)
    made.validate(CHECK, CSI, "ann", 0)


def revoked(made: World) -> None:
    made.revocations[CARRIER] = [RevocationLine(1, parse(CSI).owner, False, int(made.clock.now()), "reassigned")]


def revoked_as_a_block(made: World) -> None:
    made.revocations[CARRIER] = [RevocationLine(1, node_from_text("+1415"), True, int(made.clock.now()), "sold")]


def withdrawn_by_the_zone(made: World) -> None:
    made.zones["."].lines.remove(f"delegate +1 {ALPHA} msp")


def key_withdrawn(made: World) -> None:
    lines = made.zones["."].lines
    lines[:] = [line for line in lines if not line.startswith(f"key {ALPHA} assert ")]


async def _last_seen(change: Change, seconds: float) -> float:
    """Ask again and again; return how long after the change somebody was still found."""
    made, last = world(), 0.0
    made.publish()
    async with trio.open_nursery() as nursery:
        made.start_resolver(nursery)
        assert (await made.ask(CSI)).reaches
        for _ in range(40):  # whatever is cached is of every age
            await trio.sleep(OFTEN)
            await made.ask(CSI)
        change(made)
        made.publish()
        started = made.clock.now()
        while made.clock.now() < started + seconds:
            await trio.sleep(OFTEN)
            for qtype in (QType.PROOF, QType.CSI):
                if (await made.ask(CSI, qtype=qtype)).reaches:
                    last = made.clock.now() - started
        nursery.cancel_scope.cancel()
    return last


@pytest.mark.parametrize(
    ("change", "seconds"),
    [
        (unlisted_by_the_msp, SOON),
        (unlisted_by_the_recipient, SOON),
        (opted_out, SOON),
        (released, SOON),
        (revoked, SOON),
        (revoked_as_a_block, SOON),
        (withdrawn_by_the_zone, ZONE_TTL),
        (key_withdrawn, ZONE_TTL),
    ],
)
def test_it_is_gone_in_time_however_often_it_is_asked_for(change: Change, seconds: float) -> None:
    clock = trio.testing.MockClock(autojump_threshold=0)
    last = trio.run(_last_seen, change, seconds + 600, clock=clock)
    assert last <= seconds


async def _ttl_of_a_day() -> float:
    """A recipient's mapping, a validation and a denial whose signers would have them kept for a day."""
    made = world()
    made.ttl = DAY
    made.map("ann", CSI, f"{ALPHA}=Default")
    made.validate(CHECK, CSI, "ann", 0)
    made.publish()
    async with trio.open_nursery() as nursery:
        made.start_resolver(nursery)
        assert (await made.ask(CSI)).reaches
        opted_out(made)
        await trio.sleep(301)
        found = len((await made.ask(CSI)).reaches)
        nursery.cancel_scope.cancel()
    return found


def test_no_signer_can_have_a_wish_kept_for_longer() -> None:
    assert trio.run(_ttl_of_a_day, clock=trio.testing.MockClock(autojump_threshold=0)) == 0


async def _silent(seconds: float) -> str:
    """Somebody is revoked, and the CSIP can be reached no more."""
    made = world()
    made.publish()
    async with trio.open_nursery() as nursery:
        made.start_resolver(nursery)
        await made.ask(CSI)
        revoked(made)
        made.publish()
        made.host(CARRIER).is_dead = True
        await trio.sleep(seconds)
        answer = await made.ask(CSI)
        nursery.cancel_scope.cancel()
    return " ".join([answer.case, *(reach.assurance for reach in answer.reaches), str(answer.complete)])


def test_while_the_issuer_is_silent_the_answer_says_so() -> None:
    clock = trio.testing.MockClock(autojump_threshold=0)
    assert trio.run(_silent, 400.0, clock=clock) == "one-msp asserted False"
