"""A batch says what single look-ups say, in order, whatever happens to the connection."""

from dataclasses import replace

import trio

from resolver.answer import Answer
from resolver.batch import WAITING, Batch, Turn
from resolver.reading import Manner
from resolver.stub import Tries
from tests.resolver.small import ALICE, in_small_world
from tests.world import APEX, RESOLVER, World
from transport.errors import UnreachableError
from transport.handler import Caller, Protocol, Verdict
from transport.pipeline import WINDOW
from zonedata.identifiers import parse
from zonedata.judgement import Outcome
from zonedata.padding import QUERY_BLOCK
from zonedata.wire import QType

NUMBERS = [f"+1415555{at:04}" for at in range(300)]


async def asked(
    world: World, texts: list[str], manner: Manner, tries: Tries, over: Protocol = Protocol.TCP
) -> list[Answer | UnreachableError]:
    """Ask all, and return what they came to; each in its place."""
    found: list[Answer | UnreachableError] = []
    batch: Batch[str] = Batch(RESOLVER, tries, world.network.connect, over)

    async def feed() -> None:
        for text in texts:
            await batch.wait_room()
            batch.ask(Turn(label=text, csi=parse(text), manner=manner))
        batch.end()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(batch.run)
        nursery.start_soon(feed)
        told: list[str] = []
        while turns := await batch.told():
            told += [turn.label for turn in turns]
            found += [batch.answer(turn, world.clock.now()) for turn in turns]
        nursery.cancel_scope.cancel()
    assert told == texts
    assert batch.is_idle
    return found


def alone(answer: Answer | UnreachableError) -> Answer:
    """Without how it came."""
    assert isinstance(answer, Answer)
    reply = answer.via.reply
    assert reply is not None
    records = tuple(replace(record, ttl=0) for record in reply.records)
    received = replace(reply, records=records)
    return replace(answer, via=replace(answer.via, milliseconds=0, message_id=0, reply=received))


@in_small_world
async def test_a_batch_says_what_single_look_ups_say(world: World) -> None:
    texts = [ALICE, *NUMBERS, ALICE, "alice@example.com"]
    for qtype in (QType.CSI, QType.PROOF):
        for trust in (None, world.anchor):
            found = await asked(world, texts, Manner(qtype, apex=APEX, trust=trust), Tries(8.0, 1))
            for text, answer in list(zip(texts, found, strict=True))[::37]:
                single = await world.ask(text, trust=trust is not None, qtype=qtype)
                assert replace(alone(answer), claims=(), via=single.via) == replace(single, claims=())
                assert [c.statement.kind for c in alone(answer).claims] == [c.statement.kind for c in single.claims]
            assert {one.outcome for one in found if isinstance(one, Answer)} == {Outcome.FOUND, Outcome.NONE}


@in_small_world
async def test_replies_that_are_none_are_passed_over(world: World) -> None:
    def junk(query: bytes, reply: bytes) -> list[bytes]:
        torn = reply[:6] + b"\0\x7f" + reply[8:]  # says it has more records than it has
        other = reply[:14] + bytes((reply[14] ^ 1,)) + reply[15:]  # about somebody else
        return [query, b"\xff" * 40, torn, other, reply[:30], reply]

    world.network.hosts[RESOLVER].lies = junk
    found = await asked(world, NUMBERS, Manner(trust=world.anchor), Tries(8.0, 1))
    assert all(isinstance(one, Answer) and one.verified for one in found)


@in_small_world
async def test_nobody_there_is_a_value_for_each(world: World) -> None:
    world.network.hosts[RESOLVER].is_refusing = True
    start = world.clock.now()
    found = await asked(world, NUMBERS, Manner(), Tries(1.0, 2))
    assert [str(one) for one in found] == [f"{RESOLVER.to_text()}: connection refused"] * len(NUMBERS)
    world.network.hosts[RESOLVER].is_refusing = False
    world.network.hosts[RESOLVER].is_dead = True
    found = await asked(world, NUMBERS[:WINDOW], Manner(), Tries(1.0, 2))
    assert [str(one) for one in found] == [f"{RESOLVER.to_text()}: timed out"] * WINDOW
    assert world.clock.now() < start + 10


@in_small_world
async def test_what_waits_to_be_told_is_bounded(world: World) -> None:
    batch: Batch[int] = Batch(RESOLVER, Tries(), world.network.connect)
    first: Turn[int] = Turn(label=0)
    batch.take(first)
    for at in range(1, WAITING):
        await batch.wait_room()
        batch.take(Turn(label=at, is_done=True))
    with trio.move_on_after(1) as scope:
        await batch.wait_room()
    assert scope.cancelled_caught
    assert not batch.is_ready
    batch.settle(first)
    assert batch.is_ready
    assert [turn.label for turn in await batch.told()] == [*range(WAITING)]
    await batch.wait_room()
    batch.end()
    assert await batch.told() == []


@in_small_world
async def test_over_tls_questions_are_padded(world: World) -> None:
    host = world.network.hosts[RESOLVER]
    handler, lengths = host.handler, list[int]()

    def listening(message: bytes, caller: Caller, now: float) -> Verdict:
        lengths.append(len(message))
        return handler(message, caller, now)

    host.handler = listening
    texts = [ALICE, "+4930123456", "alice@example.com"]
    for over in (Protocol.TCP, Protocol.TLS):
        found = await asked(world, texts, Manner(trust=world.anchor), Tries(8.0, 1), over)
        assert all(isinstance(one, Answer) and one.verified for one in found)
    plain, padded = lengths[:3], lengths[3:]
    assert {length % QUERY_BLOCK for length in padded} == {0}
    assert all(length % QUERY_BLOCK for length in plain)
