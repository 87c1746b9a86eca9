"""What a client of the resolver sees, message by message."""

import logging
import random

import dns.flags
import dns.message
import pytest
import trio

from resolver.cache import Found
from resolver.service import ResolverService
from tests.builds import NEEDS_SOURCES
from tests.resolver.small import ALICE, in_small_world
from tests.world import APEX, RESOLVER, World
from transport.endpoint import Endpoint
from transport.handler import Caller, Later, Protocol
from zonedata import names, replies, wire
from zonedata.identifiers import parse
from zonedata.kinds import Kind
from zonedata.names import Name
from zonedata.opening import Claim, read_claim
from zonedata.person_statements import Status
from zonedata.replies import Received
from zonedata.wire import QType, Rcode, Section

UDP = Caller(Endpoint("192.0.2.9", 4242), Protocol.UDP)
TCP = Caller(Endpoint("192.0.2.9", 4242), Protocol.TCP)


async def exchange(world: World, query: bytes, caller: Caller = TCP) -> Received:
    assert world.resolver is not None
    verdict = world.resolver.handle(query, caller, world.clock.now())
    message = await verdict.work() if isinstance(verdict, Later) else verdict
    assert message is not None
    dns.message.from_wire(message)
    assert replies.answers(message, query)
    return replies.read_reply(message)


def question(text: str, qtype: int = QType.CSI, flags: int = wire.FLAG_RD) -> bytes:
    return wire.query_wire(parse(text).owner, APEX, qtype, 7, flags)


def kinds(reply: Received, section: Section) -> list[Kind]:
    claims = [read_claim(r.rdata) for r in reply.records if r.section is section and r.rtype != wire.TYPE_SOA]
    assert all(isinstance(claim, Claim) for claim in claims)
    return [claim.sealed.kind for claim in claims if isinstance(claim, Claim)]


@in_small_world
async def test_csi_has_what_is_accepted_in_answer_and_denials_in_authority(world: World) -> None:
    reply = await exchange(world, question(ALICE))
    assert reply.rcode == Rcode.NOERROR
    assert reply.flags & wire.FLAG_AD
    assert reply.flags & wire.FLAG_RA
    assert kinds(reply, Section.ANSWER) == [Kind.ASSERTION]
    assert kinds(reply, Section.AUTHORITY) == [Kind.DENIAL]
    assert kinds(reply, Section.ADDITIONAL) == []
    assert all(0 < record.ttl <= 300 for record in reply.records)


@in_small_world
async def test_proof_has_everything_in_answer(world: World) -> None:
    reply = await exchange(world, question(ALICE, QType.PROOF))
    assert {record.section for record in reply.records} == {Section.ANSWER}
    assert sorted(kinds(reply, Section.ANSWER)) == sorted(
        [Kind.ASSERTION, Kind.DENIAL, Kind.DELEGATION, Kind.GAP, Kind.AUTHORITY, Kind.AUTHORITY, Kind.STATUS]
    )
    assert len({record.ttl for record in reply.records}) == 1, "one RRset has one TTL (RFC 2181)"


@in_small_world
async def test_proof_too_long_for_a_datagram_is_truncated_and_whole_over_tcp(world: World) -> None:
    cut = await exchange(world, question(ALICE, QType.PROOF), UDP)
    assert cut.is_truncated
    assert cut.records == ()
    assert len((await exchange(world, question(ALICE, QType.PROOF), TCP)).records) == 7


@in_small_world
async def test_absence_is_an_empty_answer_with_an_soa(world: World) -> None:
    reply = await exchange(world, question("+14155550199"))
    assert reply.rcode == Rcode.NOERROR
    assert not [r for r in reply.records if r.section is Section.ANSWER]
    assert [r.rtype for r in reply.records if r.section is Section.AUTHORITY].count(wire.TYPE_SOA) == 1
    assert reply.flags & wire.FLAG_AD


@in_small_world
async def test_incomplete_and_empty_is_servfail_with_a_reason(world: World) -> None:
    world.host("alpha.example").is_dead = True
    reply = await exchange(world, question("+14155550199"))
    assert reply.rcode == Rcode.SERVFAIL
    assert reply.errors == ((22, "no proof from: alpha.example"),)
    assert not reply.flags & wire.FLAG_AD


@in_small_world
async def test_incomplete_with_something_found_is_kept_briefly_and_says_who_is_missing(world: World) -> None:
    world.host("beta.example").is_dead = True
    reply = await exchange(world, question(ALICE))
    assert reply.rcode == Rcode.NOERROR
    assert kinds(reply, Section.ADDITIONAL) == [Kind.STATUS]
    assert all(record.ttl <= 30 for record in reply.records)
    status = read_claim(next(r.rdata for r in reply.records if r.section is Section.ADDITIONAL))
    assert isinstance(status, Claim)
    assert isinstance(status.statement, Status)
    assert [(name, str(word)) for name, _, word in status.statement.rows] == [
        (".", "referred"),
        ("alpha.example", "asserted"),
        ("beta.example", "unreachable"),
    ]
    assert not reply.flags & wire.FLAG_AD


def flip(query: bytes, reply: bytes) -> list[bytes]:
    at = replies.names_end(query, 12) + 4 + 12 + 20  # in the signature
    return [reply[:at] + bytes((reply[at] ^ 1,)) + reply[at + 1 :]]


@in_small_world
async def test_checking_disabled_passes_on_what_did_not_verify(world: World) -> None:
    world.host("alpha.example").lies = flip
    plain = await exchange(world, question(ALICE))
    assert plain.rcode == Rcode.SERVFAIL
    assert plain.errors[0][0] == wire.Ede.BOGUS
    unchecked = await exchange(world, question(ALICE, flags=wire.FLAG_RD | wire.FLAG_CD))
    assert unchecked.rcode == Rcode.NOERROR
    assert kinds(unchecked, Section.ANSWER) == [Kind.ASSERTION]
    assert not unchecked.flags & wire.FLAG_AD
    assert unchecked.flags & wire.FLAG_CD


@in_small_world
async def test_a_name_of_another_tree_and_another_class_are_refused(world: World) -> None:
    elsewhere = wire.query_wire(parse(ALICE).owner, names.from_text("example.org."), QType.CSI, 7)
    assert (await exchange(world, elsewhere)).rcode == Rcode.REFUSED
    chaos = dns.message.make_query("version.bind.", "TXT", "CH", use_edns=0).to_wire()
    assert (await exchange(world, chaos)).rcode == Rcode.REFUSED


@pytest.mark.parametrize("qtype", [1, 6, 255, QType.ZONE])
@in_small_world
async def test_other_types_have_nothing_and_ask_nobody(world: World, qtype: int) -> None:
    reply = await exchange(world, question(ALICE, qtype))
    assert reply.rcode == Rcode.NOERROR
    assert [r.rtype for r in reply.records] == [wire.TYPE_SOA]
    assert world.sent() == []


@in_small_world
async def test_a_name_that_no_person_can_have_asks_nobody(world: World) -> None:
    query = wire.query_wire(names.from_text("alpha.example.authority."), APEX, QType.CSI, 7)
    assert [r.rtype for r in (await exchange(world, query)).records] == [wire.TYPE_SOA]
    assert world.sent() == []


@in_small_world
async def test_without_edns_a_datagram_is_512_octets_at_most(world: World) -> None:
    query = dns.message.make_query(f"{names.to_text(parse(ALICE).owner)}fingerpost.internal.", "TYPE65281")
    reply = await exchange(world, query.to_wire(), UDP)
    assert reply.is_truncated


@NEEDS_SOURCES
@in_small_world
async def test_a_bug_in_the_search_costs_one_answer(world: World, caplog: pytest.LogCaptureFixture) -> None:
    assert world.resolver is not None

    async def broken(owner: Name) -> Found:
        raise ZeroDivisionError(owner)

    world.resolver.finder.find = broken  # type: ignore[method-assign,assignment]  # the bug
    with caplog.at_level(logging.CRITICAL, "resolver.service"):
        reply = await exchange(world, question(ALICE))
    assert reply.rcode == Rcode.SERVFAIL


@NEEDS_SOURCES
@in_small_world
async def test_a_bug_in_the_handler_costs_one_answer(world: World, caplog: pytest.LogCaptureFixture) -> None:
    assert world.resolver is not None

    def broken(owner: Name, now: float) -> Found:
        raise ZeroDivisionError(owner, now)

    world.resolver.finder.cache.answer = broken  # type: ignore[method-assign]  # the bug
    message = world.resolver.handle(question(ALICE), UDP, world.clock.now())
    assert isinstance(message, bytes)
    assert replies.read_reply(message).rcode == Rcode.SERVFAIL
    assert "bug-in-handler" in caplog.text


@in_small_world
async def test_any_bytes_get_a_reply_or_silence(world: World) -> None:
    assert world.resolver is not None
    rng = random.Random(1)
    base = question(ALICE)
    for _ in range(3000):
        message = bytearray(base)
        for _ in range(rng.randrange(1, 6)):
            message[rng.randrange(len(message))] = rng.randrange(256)
        verdict = world.resolver.handle(bytes(message[: rng.randrange(len(message) + 1)]), UDP, world.clock.now())
        assert verdict is None or isinstance(verdict, bytes | Later)


@in_small_world
async def test_a_thousand_clients_with_one_question_are_one_search(world: World) -> None:
    async with trio.open_nursery() as nursery:
        for _ in range(1000):
            nursery.start_soon(exchange, world, question(ALICE))
    assert sorted(world.sent()) == [".", ".", "alpha.example", "beta.example"]


@in_small_world
async def test_a_resolver_has_settings_of_its_own(world: World) -> None:
    other = ResolverService(world.anchor, world.network, world.clock)
    assert isinstance(other.handle(question(ALICE), UDP, world.clock.now()), Later)
    assert RESOLVER in world.network.hosts
