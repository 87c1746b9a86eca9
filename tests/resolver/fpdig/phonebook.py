"""A world for fpdig, and running it there: the real parties, in memory, in virtual time.

+1 is at alpha and beta, both answer. +81 too, and there check.example and other.example vouch for Ann and for Eve:
each number from +81312345670 to +81312345677 is another of the cases that are to be told apart. +44 is at alpha and
at gamma, which is dead. +33 is at alpha and at liar, whose signatures do not verify. +49 is at alpha, by a block.
@example.com is at alpha. The resolver is 10.9.9.9, nobody answers at 10.9.9.1, 10.9.9.2 refuses connections, and
10.9.9.3 is the resolver but for what beta asserts, which it leaves out. Every run begins at the same instant.
"""

import io
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import trio
from trio.testing import MockClock

from resolver.fpdig.exits import Exit
from resolver.fpdig.main import prepare
from resolver.fpdig.options import Command
from resolver.fpdig.running import run
from tests.registers import MemoryRegister
from tests.world import RESOLVER, START, Host, World, key_of
from transport.endpoint import Endpoint
from zonedata import replies, wire
from zonedata.identifiers import node_from_text, parse
from zonedata.kinds import DAY, Kind, Role
from zonedata.life import Life
from zonedata.listings import BlockListing, Listing
from zonedata.person_statements import Denial
from zonedata.recipient_statements import recipient_of
from zonedata.statements import seal
from zonedata.trust import to_pem
from zonedata.zone_statements import RootKeys

GRANTS = {
    "alpha.example": ("+1", "+44", "+33", "+49", "+81", "@example.com"),
    "beta.example": ("+1", "+81"),
    "gamma.example": ("+44",),
    "liar.example": ("+33",),
}
PEOPLE = (
    ("alpha.example", "+14155550123", "u/7f3a", ("e2ee", "mls")),
    ("alpha.example", "+442079460123", "u/ann", ()),
    ("alpha.example", "alice@example.com", "u/7f3a", ()),
    ("liar.example", "+33142685300", "u/mallory", ()),
)
VOUCHED = (  # MSP, CSI, whose key it names
    ("alpha.example", "+81312345671", "ann"),
    ("alpha.example", "+81312345672", "ann"),
    ("beta.example", "+81312345672", "ann"),
    ("alpha.example", "+81312345673", "ann"),
    ("beta.example", "+81312345673", ""),
    ("alpha.example", "+81312345674", "ann"),
    ("beta.example", "+81312345674", "eve"),
    ("alpha.example", "+81312345675", "ann"),
    ("beta.example", "+81312345675", "eve"),
    ("beta.example", "+81312345677", "eve"),
)
MAPPED = {
    "+81312345671": (),
    "+81312345672": ("alpha.example=Default",),
    "+81312345673": ("alpha.example=Default", "beta.example=Business,Open"),
    "+81312345674": ("alpha.example",),
}
DEAD, CLOSED, HIDING = Endpoint("10.9.9.1", 53), Endpoint("10.9.9.2", 53), Endpoint("10.9.9.3", 53)


def forge(_query: bytes, reply: bytes) -> list[bytes]:
    """Spoil the signature of an assertion."""
    at = reply.find(b"\x10\x01\x0f")  # the head of its envelope: kind 16, one signature, algorithm 15
    return [reply if at < 0 else reply[: at + 20] + bytes([reply[at + 20] ^ 1]) + reply[at + 21 :]]


def leave_out(kind: Kind, who: bytes = b"") -> Callable[[bytes, bytes], list[bytes]]:
    """Return a lie that leaves out of ANSWER what is of a kind and names somebody."""

    def lie(query: bytes, reply: bytes) -> list[bytes]:
        start = at = replies.names_end(query, 12) + 4
        kept = []
        for _ in range(int.from_bytes(reply[6:8])):
            end = at + 12 + int.from_bytes(reply[at + 10 : at + 12])
            if not (reply[at + 12] == kind and who in reply[at:end]):
                kept.append(reply[at:end])
            at = end
        return [reply[:6] + len(kept).to_bytes(2) + reply[8:start] + b"".join(kept) + reply[at:]]

    return lie


def add(*wires: bytes, is_in_front: bool = False) -> Callable[[bytes, bytes], list[bytes]]:
    """Return a lie that adds records to ANSWER."""

    def lie(query: bytes, reply: bytes) -> list[bytes]:
        start = at = replies.names_end(query, 12) + 4
        count = int.from_bytes(reply[6:8])
        for _ in range(count):
            at += 12 + int.from_bytes(reply[at + 10 : at + 12])
        qtype = int.from_bytes(query[start - 4 : start - 2])
        more = b"".join(wire.record(qtype, 300, one) for one in wires)
        place = start if is_in_front else at
        return [reply[:6] + (count + len(wires)).to_bytes(2) + reply[8:place] + more + reply[place:]]

    return lie


def after(*lies: Callable[[bytes, bytes], list[bytes]]) -> Callable[[bytes, bytes], list[bytes]]:
    """Return one lie of several, each told of what the one before it left."""

    def lie(query: bytes, reply: bytes) -> list[bytes]:
        for one in lies:
            [reply] = one(query, reply)
        return [reply]

    return lie


def false_denials(authority: str, csi: str) -> tuple[bytes, ...]:
    """Return two denials of an MSP that somebody else signed: enough to end the reading of it."""
    now = int(START)
    lives = [Life(300, now + n, now, now + 600) for n in range(2)]
    owner = parse(csi).owner
    return tuple(seal(Denial(one, owner, authority, Role.MSP), key_of("eve")).to_wire() for one in lives)


hide = leave_out(Kind.ASSERTION, b"beta.example")


def vouch(made: World) -> None:
    """Have Ann and Eve say where they want to be reached, and the validators vouch for them."""
    for validator in ("check.example", "other.example"):
        made.zones["."].lines += made.binding_lines(validator)
        made.delegate(".", f"delegate +81 {validator} validator")
        made.roles[validator] = (Role.VALIDATOR,)
        made.registers[validator] = MemoryRegister()
    for msp, csi, whose in VOUCHED:
        recipient = recipient_of(key_of(whose).public) if whose else b""
        made.holds[msp].append(Listing(1, parse(csi).owner, f"mimi://{msp}/u/ann", (), recipient))
    for csi, entries in MAPPED.items():
        made.map("ann", csi, *entries)
        made.validate("check.example", csi, "ann", since=-DAY)
    for csi in ("+81312345675", "+81312345676", "+81312345677"):
        made.validate("check.example", csi, "ann", since=-DAY)
    made.validate("other.example", "+81312345676", "eve")
    made.map("eve", "+81312345674", "beta.example=Default", is_new=True)
    made.validate("other.example", "+81312345674", "eve")


def make_world() -> World:
    made = World()
    for party, nodes in GRANTS.items():
        made.zones["."].lines += made.binding_lines(party)
        made.holds[party] = []
        for node in nodes:
            made.delegate(".", f"delegate {node} {party} msp")
    for party, csi, ssi, features in PEOPLE:
        made.holds[party].append(Listing(1, parse(csi).owner, f"mimi://{party}/{ssi}", features))
    block = BlockListing(1, node_from_text("+4930"), "mimi://alpha.example/n/{number}", (11, 12), ())
    made.holds["alpha.example"].append(block)
    vouch(made)
    made.publish()
    made.host("gamma.example").is_dead = True
    made.host("liar.example").lies = forge
    for endpoint in (DEAD, CLOSED):
        made.network.hosts[endpoint] = Host(endpoint.host, lambda *_: None)
    made.network.hosts[CLOSED].is_refusing = True
    return made


def write_anchors(place: Path) -> None:
    """Write the world's anchor, one of another tree, and one of that tree that has ended."""

    def other(life: Life) -> RootKeys:
        keys = sorted((key_of(f"other-{n}").public for n in range(2)), key=lambda public: public.key_id)
        return RootKeys(life, 1, b"", tuple(keys), 2, (key_of("other-zone").public,))

    async def first() -> str:
        return to_pem(World().anchor.sealed)

    now = int(START)
    (place / "anchor.pem").write_text(trio.run(first))
    for name, life in (("other", Life(DAY, 1, now, now + DAY)), ("ended", Life(DAY, 1, now - 2 * DAY, now - DAY))):
        sealed = seal(other(life), key_of("other-0"), key_of("other-1"))
        (place / f"{name}.pem").write_text(to_pem(sealed))


@dataclass(frozen=True)
class Ran:
    """What one run came to."""

    status: int
    out: str
    err: str


def fpdig(*words: str, alter: Callable[[World], None] = lambda _: None) -> Ran:
    """Run fpdig from its arguments to its exit status; `alter` changes the world before it asks."""

    async def play(command: Command) -> Exit:
        world = make_world()
        async with trio.open_nursery() as nursery:
            world.start_resolver(nursery)
            resolver = world.network.hosts[RESOLVER]
            world.network.hosts[HIDING] = Host("hiding", resolver.handler, resolver.latency, lies=hide)
            alter(world)
            status = await run(command, world.network, world.clock, world.network.connect)
            nursery.cancel_scope.cancel()
        return status

    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        ready = prepare(list(words))
        status = ready if isinstance(ready, Exit) else trio.run(play, ready, clock=MockClock(autojump_threshold=0))
    return Ran(int(status), out.getvalue(), err.getvalue())
