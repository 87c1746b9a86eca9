"""What was shown and refused is said: in the log, in extended errors, and to clients that set CD."""

import logging

import pytest
import trio

from resolver.search import MAX_REFUSALS, Search
from tests.resolver.small import ALICE
from tests.scenario import LIES
from tests.virtual import in_world
from tests.world import START, Host, World, key_of
from transport.endpoint import Endpoint
from zonedata import replies, statements, wire
from zonedata.holdings import Holdings
from zonedata.identifiers import parse
from zonedata.kinds import Kind, Role
from zonedata.life import Life
from zonedata.listings import Listing
from zonedata.opening import Refusal, Step
from zonedata.person_statements import Denial
from zonedata.wire import FLAG_AD, FLAG_CD, FLAG_RD, QType

SECOND = Endpoint("10.7.7.7", 53)
ALPHA, BETA = "alpha.example", "beta.example"


def two_servers() -> World:
    """+1 at alpha, which has two servers, and at beta; alpha's second is the slower one."""
    made = World()
    lines = made.zones["."].lines
    for party in (ALPHA, BETA):
        lines += [*made.binding_lines(party), f"delegate +1 {party} msp"]
        made.holds[party] = []
    lines.append(f"server {ALPHA} ns2.{ALPHA} {SECOND.host} udp=53 tcp=53")
    made.holds[ALPHA].append(Listing(1, parse(ALICE).owner, f"mimi://{ALPHA}/u/1", ()))
    made.publish()
    made.network.hosts[SECOND] = Host("second", made.host(ALPHA).handler, latency=0.2)
    return made


def with_a_forgery(query: bytes, reply: bytes) -> list[bytes]:
    """Add a denial that somebody else signed."""
    at = replies.names_end(query, 12) + 4
    life = Life(300, int(START), int(START), int(START) + 600)
    forged = statements.seal(Denial(life, parse(ALICE).owner, ALPHA, Role.MSP), key_of("thief"))
    record = wire.record(QType.CSI, 300, forged.to_wire())
    count = int.from_bytes(reply[6:8], "big") + 1
    return [reply[:6] + count.to_bytes(2, "big") + reply[8:at] + record + reply[at:]]


@in_world(two_servers)
async def test_a_forgery_is_told_of_though_another_server_says_the_truth(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.host(ALPHA).lies = LIES["flip"]
    with caplog.at_level(logging.WARNING):
        answer = await world.ask(ALICE, flags=FLAG_RD | FLAG_CD)
    assert answer.complete
    assert [refusal.step for refusal in answer.refusals] == [Step.SIGNATURE]  # passed on, since CD is set
    assert answer.errors == ((6, f"refused at step 7: {ALPHA}"),)
    lines = [one.getMessage() for one in caplog.records if "event=refused" in one.getMessage()]
    assert [f'party="{ALPHA}"' in line for line in lines] == [True]


@pytest.mark.parametrize("qtype", [QType.CSI, QType.PROOF])
@pytest.mark.parametrize("is_silent", [False, True])
def test_a_complete_answer_says_what_was_refused_beside_it_and_stays_authentic(
    qtype: QType, *, is_silent: bool
) -> None:
    @in_world(two_servers)
    async def asked(world: World) -> None:
        world.host(ALPHA).lies = with_a_forgery
        world.host(BETA).is_dead = is_silent
        answer = await world.ask(ALICE, trust=qtype is QType.PROOF, qtype=qtype)
        assert answer.via.reply is not None
        assert bool(answer.via.reply.flags & FLAG_AD) is answer.complete is not is_silent
        silent = ((22, f"no proof from: {BETA}"),) if is_silent else ()
        assert answer.errors == ((6, f"refused at step 6: {ALPHA}"), *silent)
        assert answer.verified is (True if qtype is QType.PROOF else None)

    asked()


@in_world(two_servers)
async def test_every_party_is_named_with_the_step_at_which_its_own_word_was_refused(world: World) -> None:
    world.network.hosts[SECOND].is_dead = True
    world.host(ALPHA).lies = LIES["flip"]

    def unreadable(query: bytes, reply: bytes) -> list[bytes]:
        at = replies.names_end(query, 12) + 4
        return [reply[:6] + b"\0\1\0\0\0\0" + reply[12:at] + wire.record(QType.CSI, 300, b"nothing")]

    world.host(BETA).lies = unreadable
    answer = await world.ask(ALICE)
    assert answer.errors == ((6, f"refused at step 1: {BETA}; at step 7: {ALPHA}"),)


@in_world(two_servers)
async def test_a_refusal_is_remembered_though_the_time_of_the_question_ends_before_the_next_reply(
    world: World,
) -> None:
    world.host(ALPHA).lies = LIES["flip"]
    world.network.hosts[SECOND].is_dead = True
    assert world.resolver is not None
    finder = world.resolver.finder
    search = Search(parse(ALICE).owner, None, world.clock.now(), finder.cache.held.beside())
    with trio.move_on_after(0.5) as over:
        await finder._steer(search)
    assert over.cancelled_caught
    assert [one.step for one in search.refused] == [Step.SIGNATURE]


def _search() -> Search:
    return Search(parse(ALICE).owner, None, START, Holdings())


def test_of_one_party_so_much_is_remembered_and_others_lose_nothing_by_it() -> None:
    search = _search()
    for n in range(2 * MAX_REFUSALS):
        search.note((ALPHA,), [Refusal(Step.KEY, Kind.ASSERTION, ALPHA, f"key {n}")])
    search.note((BETA,), [Refusal(Step.KEY, Kind.ASSERTION, BETA, "key")])
    assert [one.about for one in search.refused] == [ALPHA] * MAX_REFUSALS + [BETA]


def test_a_refusal_lies_with_the_party_that_was_asked() -> None:
    search = _search()
    search.note((), [Refusal(Step.BODY, None, "unknown", "no map")])
    search.note((ALPHA,), [Refusal(Step.KEY, Kind.MAPPING, "recipient 0123", "not its own key")])
    assert [(one.about, one.why) for one in search.refused] == [
        (".", "no map"),
        (ALPHA, "recipient 0123: not its own key"),
    ]
    search.acquit((ALPHA,), Step.KEY)
    assert [one.about for one in search.refused] == ["."]
