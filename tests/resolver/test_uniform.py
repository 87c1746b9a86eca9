"""Over encrypted transports an answer's length and its time do not tell what it says."""

import pytest
import trio

from tests.resolver.fpdig.phonebook import make_world
from tests.resolver.small import ALICE, in_small_world
from tests.virtual import in_world
from tests.world import APEX, World
from transport.endpoint import Endpoint
from transport.handler import Caller, Later, Protocol
from zonedata import padding, replies, wire
from zonedata.identifiers import parse
from zonedata.wire import QType, Rcode

TLS = Caller(Endpoint("192.0.2.9", 4242), Protocol.TLS)
TCP = Caller(Endpoint("192.0.2.9", 4242), Protocol.TCP)
ONE_PREFIX = [f"+8131234567{digit}" for digit in range(8)]  # nobody, opted out, one MSP, several, contested
WARM = "+81312345699"  # asked before, so that the way there is known
in_phonebook = in_world(make_world)


async def _ask(world: World, text: str, qtype: QType, caller: Caller) -> bytes:
    assert world.resolver is not None
    query = wire.query_wire(parse(text).owner, APEX, qtype, 7, wire.FLAG_RD)
    verdict = world.resolver.handle(query, caller, world.clock.now())
    message = await verdict.work() if isinstance(verdict, Later) else verdict
    assert message is not None
    assert replies.read_reply(message).rcode == Rcode.NOERROR
    return message


@pytest.mark.parametrize("qtype", [QType.CSI, QType.PROOF])
def test_who_is_found_where_shows_in_no_length(qtype: QType) -> None:
    @in_phonebook
    async def play(world: World) -> None:
        lengths = {text: len(await _ask(world, text, qtype, TLS)) for text in ONE_PREFIX}
        bare = {len(await _ask(world, text, qtype, TCP)) for text in ONE_PREFIX}
        assert len(set(lengths.values())) == 1, lengths
        assert next(iter(lengths.values())) % padding.BLOCK == 0
        assert len(bare) > 2, "unpadded, they tell"

    play()


@pytest.mark.parametrize("is_warm", [True, False])
def test_who_is_found_where_shows_in_no_time(is_warm: bool) -> None:
    times = {}
    for text in ONE_PREFIX:

        @in_phonebook
        async def play(world: World, text: str = text) -> None:
            if is_warm:
                await _ask(world, WARM, QType.CSI, TLS)
            start = trio.current_time()
            await _ask(world, text, QType.CSI, TLS)
            times[text] = trio.current_time() - start
            start = trio.current_time()
            await _ask(world, text, QType.CSI, TLS)
            assert trio.current_time() == start, "kept ready"

        play()
    assert len(set(times.values())) == 1, times
    assert min(times.values()) > 0


@in_small_world
async def test_a_padded_answer_is_kept_apart_from_the_bare_one(world: World) -> None:
    for _ in range(2):
        assert len(await _ask(world, ALICE, QType.CSI, TLS)) == padding.BLOCK * 3  # two MSPs
        assert len(await _ask(world, ALICE, QType.CSI, TCP)) < padding.BLOCK * 2


@in_small_world
async def test_refusals_are_padded_too(world: World) -> None:
    assert world.resolver is not None
    query = wire.query_wire(parse(ALICE).owner, APEX, 1, 7)
    for message in (query, query[:12] + b"\7example\0" + query[-15:]):
        reply = world.resolver.handle(message, TLS, world.clock.now())
        assert isinstance(reply, bytes)
        assert len(reply) == padding.BLOCK
