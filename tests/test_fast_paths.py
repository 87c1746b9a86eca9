"""Every fast path gives, octet by octet, what is given without it."""

import hashlib
import random
from dataclasses import replace

import pytest
import trio

from resolver.cache import Stores
from resolver.front import Front as ResolverFront
from resolver.service import ResolverService
from root.engine import Engine
from root.front import Front as AuthorityFront
from root.service import Service
from tests.fast_paths import COOKIES, NOW, PAUSES, ask, gated, random_question, random_questions
from tests.root.builders import block, people_entries, person, zone_entries
from tests.virtual import virtual
from tests.world import APEX, World
from tests.zonedata.builders import key
from transport.clients import LimitSettings
from transport.handler import Later, Protocol, Verdict
from zonedata import identifiers, names
from zonedata.identifiers import parse
from zonedata.kinds import Role
from zonedata.listings import BlockListing, Listing
from zonedata.names import Name
from zonedata.packets import Packets
from zonedata.store.memory import MemoryTables

SEEDS = range(12)
KINDS = ("msp", "validator", "zone")
QUESTIONS = 400
PROTOCOLS = [Protocol.UDP] * 4 + list(Protocol)  # datagrams have the fast paths
NUMBERS = ["+1415555012", *["+14155550123"] * 5, "+447700900", "+4477009001", "+49301234", "+1"]
MAIL = ["alice@mail.example", "bob@mail.example"]


def _owners() -> list[Name]:
    found = [identifiers.node_from_text(text) for text in NUMBERS] + [parse(text).owner for text in MAIL]
    return [*found, names.ROOT, names.from_text("rootkeys."), names.from_text("a.example.authority.")]


def _engine(kind: str) -> Engine:
    held: list[Listing | BlockListing] = [
        person("+14155550123"),
        person("+49301234", "y" * 200),
        block("+447700", (9, 10)),
        Listing(1, parse(MAIL[0]).owner, "mimi://a.example/u/mail", ("e2ee",)),
    ]
    roles = (Role.MSP, Role.VALIDATOR) if kind == "validator" else (Role.MSP,)
    if kind == "zone":
        source = "zone .\ndelegate +1415 a.example msp\ndelegate +44 a.example msp\n"
        keys = "".join(
            f"key a.example {use} {key(f'a.example/{use}').public.to_text()}\n" for use in ("assert", "deny")
        )
        return Engine(
            MemoryTables(zone_entries(source + keys + "server a.example ns.a.example 8.8.8.8 udp=53\n", 1))
        )
    return Engine(MemoryTables(people_entries(held)), key("a.example/deny"), roles)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_authoritys(kind: str, seed: int) -> None:
    authority_digest(kind, seed)


def authority_digest(kind: str, seed: int) -> str:
    """Ask one with its fast paths and one without; return what they said, in short."""
    said = hashlib.sha256()
    rng, owners = random.Random(seed), _owners()
    quick = Service(_engine(kind), APEX)
    front = AuthorityFront(quick.engine, APEX, quick.packets, COOKIES)
    plain = Service(_engine(kind), APEX, Packets(0))
    nothing = AuthorityFront(_engine("validator"), APEX, Packets(0), COOKIES)
    gates = gated(front, quick.handle), gated(nothing, plain.handle)
    now, replies, cookies = NOW, 0, 0
    for message in random_questions(rng, QUESTIONS, owners, APEX):
        protocol = rng.choice(PROTOCOLS)
        reply, other = (ask(gate, gate.handle, message, protocol, now) for gate in gates)
        assert reply == other, message.hex()
        replies += reply is not None
        cookies += isinstance(reply, bytes) and reply[-28:-24] == b"\0\x0a\0\x18"
        said.update(repr(reply).encode())
        now += rng.choice(PAUSES)
    assert replies > QUESTIONS / 2
    assert cookies > QUESTIONS / 20
    assert sum(quick.packets.given) > QUESTIONS / 100, "the packet cache was hit"
    assert front.assertions > 2 or kind != "msp", "the store was read in place"
    assert not sum(plain.packets.given)
    if kind == "msp":
        _exchanged(quick, front)
    return said.hexdigest()


def _exchanged(service: Service, front: AuthorityFront) -> None:
    """Nothing of the old store is given once another has taken its place."""
    rng = random.Random(1)
    message = (
        b"\0\0\1\0\0\1\0\0\0\0\0\0"
        + names.to_wire(identifiers.node_from_text("+14155550123"), APEX)
        + b"\xff\0\0\1"
    )
    odd = random_question(rng, [identifiers.node_from_text("+447700900")], APEX)
    ask(front, service.handle, odd, Protocol.UDP, 1_750_000_000.0)
    engine = Engine(MemoryTables(people_entries([])), key("a.example/deny"))
    service.take_over(engine)
    front.take_over(engine)
    reply = ask(front, service.handle, message, Protocol.UDP, 1_750_000_000.0)
    assert isinstance(reply, bytes)
    assert reply[6:8] == b"\0\0", "no answer"
    assert not len(service.packets) or service.packets.get(odd[2:], 1_750_000_000.0) is None


def _world() -> World:
    made = World()
    for party in ("a.example", "b.example", "c.example"):
        made.zones["."].lines += made.binding_lines(party)
        made.holds[party] = []
    made.delegate(".", "delegate +1415 a.example msp")
    made.delegate(".", "delegate +1415 b.example msp")
    made.delegate(".", "delegate +44 a.example msp")
    made.delegate(".", "delegate +49 c.example msp")
    made.delegate(".", "delegate @mail.example b.example msp")
    made.holds["a.example"] += [Listing(1, parse("+14155550123").owner, "mimi://a.example/u/1", ())]
    made.holds["a.example"] += [
        BlockListing(1, identifiers.node_from_text("+447700900"), "mimi://a.example/u/{number}", (9, 10), ())
    ]
    made.holds["b.example"] += [Listing(1, parse(MAIL[0]).owner, "mimi://b.example/u/2", ("e2ee",))]
    return made


async def _settled(verdict: Verdict) -> bytes | None:
    return await verdict.work() if isinstance(verdict, Later) else verdict


@pytest.mark.parametrize("seed", SEEDS)
def test_a_resolvers(seed: int) -> None:
    resolver_digest(seed)


def resolver_digest(seed: int) -> str:
    """As `authority_digest`, for a resolver."""
    said = hashlib.sha256()

    @virtual
    async def body() -> None:
        world = _world()
        world.publish()
        world.host("c.example").is_dead = True  # what it has is missing, and answers say so
        rng, owners = random.Random(seed), _owners()
        tree = world.anchor.tree
        quick, plain = (
            ResolverService(world.anchor, world.network, world.clock, world.settings, stores)
            for stores in (Stores.in_memory(tree), replace(Stores.in_memory(tree), packets=Packets(0)))
        )
        gates = [gated(ResolverFront(one.packets, COOKIES), one.handle) for one in (quick, plain)]
        for message in random_questions(rng, QUESTIONS, owners, APEX):
            protocol = rng.choice(PROTOCOLS)
            now = world.clock.now()
            verdicts = [ask(gate, gate.handle, message, protocol, now) for gate in gates]
            replies: list[bytes | None] = [None, None]

            async def settle(at: int, verdict: Verdict, replies: list[bytes | None] = replies) -> None:
                replies[at] = await _settled(verdict)

            async with trio.open_nursery() as both:  # side by side, so that they end at one time
                for at, verdict in enumerate(verdicts):
                    both.start_soon(settle, at, verdict)
            assert replies[0] == replies[1], message.hex()
            said.update(repr(replies[0]).encode())
            await trio.sleep(rng.choice(PAUSES[:-1]))
        assert sum(quick.packets.given) > QUESTIONS / 100
        assert not sum(plain.packets.given)

    body()
    return said.hexdigest()


def test_who_asks_too_often_is_told_to_come_back_over_a_stream() -> None:
    service = Service(_engine("msp"), APEX)
    slow = LimitSettings(rate=10)
    front = gated(AuthorityFront(service.engine, APEX, service.packets, COOKIES), service.handle, slow)
    resolver = gated(ResolverFront(Packets(), COOKIES), lambda *_: b"", slow)
    message = (
        b"\1\2\1\0\0\1\0\0\0\0\0\0"
        + names.to_wire(identifiers.node_from_text("+14155550123"), APEX)
        + b"\xff\0\0\1"
    )
    for one in (front, resolver):
        replies = [ask(one, lambda *_: b"", message, Protocol.UDP, 1_750_000_000.0) for _ in range(40)]
        cut = message[:2] + b"\x83\0" + message[4:]
        assert replies[-4:] in ([cut, None, cut, None], [None, cut, None, cut]), "id, QR, TC, RD and the question"
    garbage = ask(front, lambda *_: b"", b"\1\2\x81\0", Protocol.UDP, 1_750_000_000.0)
    assert garbage is None
