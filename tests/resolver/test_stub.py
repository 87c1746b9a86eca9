"""Asking a resolver: tries, servers, and what is believed without an anchor."""

from collections.abc import Callable

import pytest

from resolver.stub import Stub, Tries
from resolver.way import Way
from tests.resolver.small import ALICE, in_small_world
from tests.world import APEX, RESOLVER, Host, World
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.handler import Protocol
from transport.proof import Pinned
from zonedata import replies, wire
from zonedata.identifiers import parse
from zonedata.judgement import Outcome
from zonedata.padding import QUERY_BLOCK
from zonedata.wire import QType, Rcode

OTHER = Endpoint("10.9.9.8", 53)


def stub(world: World, *servers: Endpoint, over: Protocol = Protocol.UDP, count: int = 2) -> Stub:
    tries = Tries(seconds=1.0, count=count)
    return Stub(list(servers), world.network, world.clock, APEX, world.anchor, tries, way=Way(over))


def lying(world: World, lies: Callable[[bytes, bytes], list[bytes]]) -> None:
    world.network.hosts[RESOLVER].lies = lies


@in_small_world
async def test_goes_round_the_servers(world: World) -> None:
    world.network.hosts[OTHER] = Host("other", world.network.hosts[RESOLVER].handler, is_dead=True)
    answer = await stub(world, OTHER, RESOLVER).lookup(parse(ALICE))
    assert answer.outcome is Outcome.FOUND
    assert answer.via.server == RESOLVER.to_text()


@in_small_world
async def test_says_each_reason_when_nobody_answers(world: World) -> None:
    world.network.hosts[OTHER] = Host("other", world.network.hosts[RESOLVER].handler, is_refusing=True)
    world.network.hosts[RESOLVER].is_dead = True
    with pytest.raises(UnreachableError, match=r"timed out; 10\.9\.9\.8#53: connection refused"):
        await stub(world, RESOLVER, OTHER).lookup(parse(ALICE))


@in_small_world
async def test_passes_over_what_cannot_be_read(world: World) -> None:
    def junk(query: bytes, reply: bytes) -> list[bytes]:
        torn = reply[:6] + b"\0\x7f" + reply[8:]  # says it has more records than it has
        return [query, b"", b"\xff" * 40, torn, reply]

    lying(world, junk)
    answer = await stub(world, RESOLVER, over=Protocol.TCP).lookup(parse(ALICE))
    assert answer.verified
    assert answer.via.protocol is Protocol.TCP


@in_small_world
async def test_an_error_with_an_assertion_beside_it_shows_nothing(world: World) -> None:
    lying(world, lambda _, reply: [reply[:3] + bytes((reply[3] & 0xF0 | Rcode.SERVFAIL,)) + reply[4:]])
    answer = await stub(world, RESOLVER).lookup(parse(ALICE))
    assert answer.reaches == ()
    assert answer.outcome is Outcome.INCOMPLETE
    assert answer.rcode == Rcode.SERVFAIL


@in_small_world
async def test_without_an_anchor_the_resolver_is_believed_and_its_silence_is_not_absence(world: World) -> None:
    believed = await world.ask(ALICE, trust=False)
    assert (believed.outcome, believed.complete, believed.verified) == (Outcome.FOUND, True, None)
    bare = await world.ask(ALICE, trust=False, qtype=QType.CSI)
    assert [reach.ssi for reach in bare.reaches] == ["mimi://alpha.example/u/1"]
    assert (await world.ask("+14155550199", trust=False)).outcome is Outcome.NONE
    lying(world, lambda query, _: [empty(query)])
    assert (await world.ask("+14155550199", trust=False)).outcome is Outcome.INCOMPLETE


def empty(query: bytes) -> bytes:
    read = wire.read_query(query)
    assert isinstance(read, wire.Query)
    return wire.Reply(flags=wire.FLAG_RA).to_wire(read, 512)


@in_small_world
async def test_records_that_are_no_statements_are_refused_at_their_step(world: World) -> None:
    def more(query: bytes, reply: bytes) -> list[bytes]:
        read = wire.read_query(query)
        assert isinstance(read, wire.Query)
        records = [r for r in replies.read_reply(reply).records if r.rtype == read.qtype]
        shown = [wire.record(r.rtype, r.ttl, r.rdata) for r in records]
        shown += [wire.record(read.qtype, 1, b"\x63junk"), wire.record(1, 1, b"\x7f\0\0\1")]
        return [wire.Reply(answer=shown).to_wire(read, 65_535)]

    lying(world, more)
    answer = await stub(world, RESOLVER, over=Protocol.TCP).lookup(parse(ALICE))
    assert answer.outcome is Outcome.FOUND
    assert answer.verified is False
    assert [refusal.step for refusal in answer.refusals] == [1]


@in_small_world
async def test_questions_over_what_is_encrypted_are_padded_and_others_are_not(world: World) -> None:
    asking = stub(world, RESOLVER)
    messages: dict[Protocol, list[bytes]] = {}
    for way in (Way(), Way(Protocol.TLS, Pinned(b""))):
        asking.way = way
        for text in (ALICE, "+4930123456", "alice@example.com"):
            world.network.packets.clear()
            answer = await asking.lookup(parse(text))
            assert answer.verified
            messages.setdefault(way.protocol, []).append(world.network.packets[0].message)
    assert all(message.endswith(wire.OPT) for message in messages[Protocol.UDP])
    assert {len(message) % QUERY_BLOCK for message in messages[Protocol.TLS]} == {0}
    assert len({len(message) for message in messages[Protocol.TLS][:2]}) == 1, "of 11 and of 10 digits"
