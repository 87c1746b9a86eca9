"""Over encrypted transports an answer's length and its time do not tell what it says."""

from collections.abc import Callable

import pytest
import trio

from tests.resolver.fpdig.phonebook import make_world
from tests.resolver.small import ALICE, in_small_world, small
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
KEPT = 300.0  # seconds for which what everybody says is kept here
ASKED = ("alpha.example", "beta.example", "check.example", "other.example")
in_phonebook = in_world(make_world)


async def _reply(world: World, text: str, qtype: QType, caller: Caller) -> bytes:
    assert world.resolver is not None
    query = wire.query_wire(parse(text).owner, APEX, qtype, 7, wire.FLAG_RD)
    verdict = world.resolver.handle(query, caller, world.clock.now())
    message = await verdict.work() if isinstance(verdict, Later) else verdict
    assert message is not None
    return message


async def _ask(world: World, text: str, qtype: QType, caller: Caller) -> bytes:
    message = await _reply(world, text, qtype, caller)
    assert replies.read_reply(message).rcode == Rcode.NOERROR
    return message


def nothing(_world: World) -> None:
    """Leave everybody as they are."""


def an_msp_is_silent(world: World) -> None:
    world.host("beta.example").is_dead = True


def a_validator_is_silent(world: World) -> None:
    world.host("check.example").is_dead = True


def all_are_silent(world: World) -> None:
    for party in ASKED:
        world.host(party).is_dead = True


def over_tls(world: World) -> None:
    """Put upstream out of sight, too."""
    world.encrypt(".", *ASKED)
    world.zones["."].lines = [line for line in world.zones["."].lines if not line.startswith("server")]
    for party in (*ASKED, "gamma.example", "liar.example"):
        world.zones["."].lines += [line for line in world.binding_lines(party) if line.startswith("server")]
    world.publish()
    world.start_resolver()


Trouble = Callable[[World], None]
TROUBLES = [nothing, an_msp_is_silent, a_validator_is_silent, all_are_silent]


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("qtype", [QType.CSI, QType.PROOF])
def test_who_is_found_where_shows_in_no_length(qtype: QType, trouble: Trouble) -> None:
    @in_phonebook
    async def play(world: World) -> None:
        trouble(world)
        lengths = {text: len(await _reply(world, text, qtype, TLS)) for text in ONE_PREFIX}
        bare = {len(await _reply(world, text, qtype, TCP)) for text in ONE_PREFIX}
        assert len(set(lengths.values())) == 1, lengths
        assert next(iter(lengths.values())) % padding.BLOCK == 0
        assert trouble is all_are_silent or len(bare) > 2, "unpadded, they tell"

    play()


@pytest.mark.parametrize("trouble", [*TROUBLES, over_tls])
@pytest.mark.parametrize("is_warm", [True, False])
def test_who_is_found_where_shows_in_no_time(is_warm: bool, trouble: Trouble) -> None:
    times = {}
    for text in ONE_PREFIX:

        @in_phonebook
        async def play(world: World, text: str = text) -> None:
            trouble(world)
            if is_warm:
                await _reply(world, WARM, QType.CSI, TLS)
            start = trio.current_time()
            await _reply(world, text, QType.CSI, TLS)
            times[text] = trio.current_time() - start
            for qtype in (QType.CSI, QType.PROOF):
                start = trio.current_time()
                await _reply(world, text, qtype, TLS)
                assert trio.current_time() == start, "kept, whatever it is asked for"

        play()
    assert len(set(times.values())) == 1, times
    assert (is_warm and trouble is all_are_silent) or min(times.values()) > 0


def test_nor_does_it_show_when_an_answer_ends() -> None:
    """Where all sign for as long, as ours do."""
    times = {}
    for text in ONE_PREFIX:

        @in_phonebook
        async def play(world: World, text: str = text) -> None:
            await _ask(world, WARM, QType.CSI, TLS)
            began = trio.current_time()
            for qtype in (QType.CSI, QType.PROOF):
                await _ask(world, text, qtype, TLS)
            spent = []
            for seconds in (KEPT / 2, KEPT - 1, KEPT + 1, KEPT + 1):
                await trio.sleep_until(began + seconds)
                start = trio.current_time()
                await _ask(world, text, QType.CSI, TLS)
                spent.append(trio.current_time() - start)
            times[text] = tuple(spent)

        play()
    assert len(set(times.values())) == 1, times
    at_once, still, anew, again = times[ONE_PREFIX[0]]
    assert (at_once, still, again) == (0, 0, 0)
    assert anew > 0


@pytest.mark.parametrize("trouble", [nothing, an_msp_is_silent])
def test_where_msps_alone_are_asked_nothing_shows_either(trouble: Trouble) -> None:
    """Two MSPs and no validator: who is found has an assertion and a denial, who is not has two and an SOA."""
    came = {}
    for text in (ALICE, "+14155550124"):

        @in_world(small)
        async def play(world: World, text: str = text) -> None:
            trouble(world)
            start = trio.current_time()
            replied = [await _reply(world, text, qtype, TLS) for qtype in (QType.CSI, QType.PROOF)]
            came[text] = [trio.current_time() - start, *(len(reply) for reply in replied)]

        play()
    assert came[ALICE] == came["+14155550124"]


@in_phonebook
async def test_who_lies_in_a_block_that_is_held_does_show_by_time(world: World) -> None:
    """What is left, as docs/threats.md says: the MSP is not asked again, and so not told either."""
    await _ask(world, "+49301234567", QType.CSI, TLS)
    took = {}
    for text in ("+49301234568", "+4930123456"):  # of a length that the block speaks for, and of another
        start = trio.current_time()
        await _ask(world, text, QType.CSI, TLS)
        took[text] = trio.current_time() - start
    assert took["+49301234568"] == 0 < took["+4930123456"]


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
