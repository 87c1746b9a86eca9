"""Any octets at any listener: a reply or silence, never an exception, and a bounded cost.

Cost is CPU time of this thread, the least of several runs, so that what else the machine does is not counted.
"""

import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from resolver.service import ResolverService
from root.service import Service
from tests.root.builders import APEX, binding, block, people_engine, person, zone_engine
from tests.world import World, run_in
from tests.zonedata.builders import NOW, key
from transport.endpoint import Endpoint
from transport.handler import Caller, Later, Protocol, Verdict
from zonedata import codec, identifiers, names, replies, statements, wire
from zonedata.errors import MalformedError
from zonedata.identifiers import parse
from zonedata.kinds import RULES, Kind, Role
from zonedata.life import Life
from zonedata.listings import Listing
from zonedata.names import Name
from zonedata.opening import read_claim
from zonedata.person_statements import Status
from zonedata.standing import Standing
from zonedata.wire import QType
from zonedata.zone_statements import Delegation, Grant

PARSING = 0.001  # seconds for reading one datagram
HANDLING = 0.005  # seconds for answering one datagram
STREAMED = 0.010  # seconds for reading what only a stream can carry, up to 64 KiB: one statement of 32 KiB, a proof
DATAGRAM = 4_096  # octets; more is not read from a socket
LEAST, MOST = 3, 60  # runs: the first few settle it, unless the machine is busy with something else

UDP, TCP = (Caller(Endpoint("192.0.2.7", 4_000), protocol) for protocol in (Protocol.UDP, Protocol.TCP))
WORST: dict[str, float] = {}  # what was measured, for whoever wants to see it


YARDSTICK = 0.0005  # seconds that `_yardstick` takes on the machine for which the bounds were set


def _least(runs: int, work: Callable[[], object], enough: float = 0.0) -> float:
    """Return the least CPU time of so many runs, or of fewer once it is little enough."""
    least = float("inf")
    for run in range(runs):
        begun = time.thread_time()
        work()
        least = min(least, time.thread_time() - begun)
        if run >= LEAST and least < enough:
            break
    return least


def _yardstick() -> None:
    octets = bytes(range(200)) * 10
    for at in range(len(octets) - 8):
        int.from_bytes(octets[at : at + 2], "big")


def is_quicker(bound: float, kind: str, work: Callable[[], object]) -> bool:
    """Say whether the CPU time of some work is below the bound, for a machine of the usual speed."""
    least = _least(MOST, work, bound / 2)
    WORST[kind] = max(WORST.get(kind, 0.0), least)
    if least < bound:
        return True
    slowness = (
        20.0 if sys.gettrace() is not None else _least(MOST, _yardstick) / YARDSTICK
    )  # a tracer sees each line
    return least < bound * slowness


# --- hostile octets ----------------------------------------------------------------------------------------


def opt(options: bytes = b"", size: int = 65_535) -> bytes:
    return b"\0\0\x29" + size.to_bytes(2, "big") + bytes(4) + len(options).to_bytes(2, "big") + options


def query(labels: list[bytes], qtype: int = QType.CSI, additional: list[bytes] | None = None) -> bytes:
    extra = [opt()] if additional is None else additional
    head = b"\x13\x37\x01\0\0\1\0\0\0\0" + len(extra).to_bytes(2, "big")
    name = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    return head + name + qtype.to_bytes(2, "big") + b"\0\1" + b"".join(extra)


def under_apex(name: Name) -> list[bytes]:
    return names.labels_of(Name(APEX + name))[::-1]


ROOM = names.MAX_NAME_LABELS
DEEP = names.from_labels([b"mail", *[b"a"] * (ROOM - 3), b"_at", b"0" * 56])  # as deep as can be asked for
LONG = names.from_labels([b"mail", b"x" * 63, b"y" * 45, b"_at", b"f" * 56])
NUMBER = identifiers.node_from_text("+123456789012345")
LOST = names.from_labels([b"nowhere", *[b"a"] * (ROOM - 1)])
AUTHORITY = names.from_labels([b"authority", *[b"a"] * (ROOM - 1)])


def hostile_queries() -> Iterator[tuple[str, bytes]]:
    """What costs most, as far as one can tell by reading the reader."""
    full = b"".join(b"\0\x0c\0\x2d" + bytes(45) for _ in range(wire.MAX_OPTIONS))
    for name in (DEEP, LONG, NUMBER, LOST, AUTHORITY, identifiers.node_from_text("+1")):
        for qtype in (*QType, 255, wire.TYPE_SOA):
            yield f"{names.to_text(name)[:20]} {qtype}", query(under_apex(name), qtype, [opt(full)])
    yield "40 labels elsewhere", query([b"a"] * 40)
    yield "41 labels", query([b"a"] * 41)
    yield "longest name", query([b"x" * 63] * 3 + [b"y" * 61])
    yield "binary labels", query([bytes(range(n, n + 6)) for n in range(0, 240, 6)][:40])
    yield "500 labels", query([b"a"] * 500, additional=[])
    yield "empty options", query([b"a"], additional=[opt(b"\0\x0c\0\0" * 240)])
    yield "empty options to the gate's end", query([b"a"], additional=[opt(b"\0\x0c\0\0" * 16), b"\0" * 900])
    yield "two OPTs", query([b"a"], additional=[opt(b"\0\x0c\0\0" * 16)] * 2)
    yield "pointer to itself", query([])[:12] + b"\xc0\x0c\xff\0\0\1"
    yield "counts", query([b"a"])[:4] + b"\0\1\xff\xff\xff\xff\xff\xff" + query([b"a"])[12:]
    yield "questions", query([b"a"])[:4] + b"\xff\xff\0\0\0\0\0\0" + b"\xc0\x0c\0\1\0\1" * 150
    yield "junk", random.Random(1).randbytes(DATAGRAM)
    yield "zeros", bytes(DATAGRAM)
    yield "ones", b"\1" * DATAGRAM
    yield "nothing", b""


QUERIES = dict(hostile_queries())
each_query = pytest.mark.parametrize("what", QUERIES)


def _deep_zone() -> Service:
    """A root with a delegation at every length of one number, hundreds of grants, and a long chain of gaps."""
    lines = ["zone ."]
    for n in range(400):
        name = f"m{n}.example"
        lines.append(binding(name) if n < 40 else f"above {name}")
        lines.append(f"delegate +1 {name} msp")
    digits = identifiers.digits_of(NUMBER)
    lines += [f"delegate +{digits[:n]} m{n}.example msp,csip" for n in range(2, 16)]
    lines += [f"terminate +{n:05}" for n in range(20_000, 21_000)]
    domain = identifiers.node_to_text(Name(DEEP[: DEEP.index(b"_at")]))[1:]
    lines += [f"delegate @{domain.split('.', n)[-1]} m1.example msp deep" for n in range(1, ROOM - 4)]
    return Service(zone_engine("\n".join(lines), versions=9), APEX)


def _full_provider() -> Service:
    digits = identifiers.digits_of(NUMBER)
    held = [block("+" + digits[:n], (15,), tuple(str(e) for e in range(10, 40))) for n in range(1, 15)]
    people = [person(f"+{n}") for n in range(30_000, 31_000)]
    return Service(people_engine([*held, *people], (Role.MSP, Role.CSIP, Role.VALIDATOR)), APEX)


SERVICES = {"root": _deep_zone(), "provider": _full_provider()}


# --- queries -----------------------------------------------------------------------------------------------


@each_query
def test_reading_a_query_is_quick(what: str) -> None:
    assert is_quicker(PARSING, "read_query", lambda: wire.read_query(QUERIES[what]))


@each_query
@pytest.mark.parametrize("server", SERVICES)
def test_an_authority_answers_quickly(server: str, what: str, caplog: pytest.LogCaptureFixture) -> None:
    handle, message = SERVICES[server].handle, QUERIES[what]
    for caller in (UDP, TCP):
        reply = handle(message, caller, NOW)
        _check(message, reply, wire.MAX_UDP if caller is UDP else 65_535)
        assert is_quicker(HANDLING, f"{server} handle {caller.protocol}", lambda: handle(message, caller, NOW))  # noqa: B023 - run at once
    assert caplog.records == []


def test_a_new_denial_each_time_is_quick() -> None:
    numbers = (identifiers.node_from_text(f"+{n}") for n in range(50_000, 60_000))
    handle = SERVICES["provider"].handle
    assert is_quicker(HANDLING, "provider denial", lambda: handle(query(under_apex(next(numbers))), UDP, NOW))


def test_the_first_question_below_hundreds_of_grants_is_quick() -> None:
    service = SERVICES["root"]

    def first() -> None:
        service.engine._granted.clear()
        service.handle(query(under_apex(NUMBER), QType.ZONE), UDP, NOW)

    assert is_quicker(HANDLING, "root handle, nothing remembered", first)


def _check(message: bytes, reply: Verdict, limit: int) -> None:
    if reply is None:
        return
    assert isinstance(reply, bytes)
    assert reply[:2] == message[:2]
    assert reply[2] & 0x80
    assert len(reply) <= limit
    replies.read_reply(reply)


_octets = st.binary(max_size=80)
_damage = st.lists(st.tuples(st.integers(0, 1_023), st.integers(0, 255)), max_size=5)


@given(st.sampled_from(sorted(QUERIES)), _damage, st.integers(0, 1_100), _octets)
def test_damaged_and_random_queries_never_raise(
    what: str, damage: list[tuple[int, int]], end: int, tail: bytes
) -> None:
    message = bytearray(QUERIES[what])
    for at, octet in damage:
        if message:
            message[at % len(message)] = octet
    for octets in (bytes(message), bytes(message[:end]), bytes(message) + tail, tail):
        for service in SERVICES.values():
            _check(octets, service.handle(octets, UDP, NOW), wire.MAX_UDP)


# --- the resolver ------------------------------------------------------------------------------------------


def _crowded() -> World:
    """Sixty providers at one node: a proof of almost two hundred statements."""
    world = World()
    for n in range(60):
        party = f"m{n}.example"
        for line in world.binding_lines(party):
            world.delegate(".", line)
        world.delegate(".", f"delegate +1 {party} msp")
        world.holds[party] = [Listing(1, parse("+14155550123").owner, f"mimi://{party}/u/{n}", ("mls",))]
    return world


async def test_a_resolver_answers_quickly(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    del autojump_clock  # asked for so that time is virtual

    async def body(world: World) -> None:
        resolver = world.resolver
        assert isinstance(resolver, ResolverService)
        assert (await world.ask("+14155550123")).complete
        assert (await world.ask("+14155550124")).complete
        for csi in ("+14155550123", "+14155550124"):  # both are answered from the cache from here on
            for qtype in (QType.CSI, QType.PROOF):
                message = query(under_apex(parse(csi).owner), qtype)
                for caller in (UDP, TCP):
                    verdict = resolver.handle(message, caller, world.clock.now())
                    _check(message, verdict, wire.MAX_UDP if caller is UDP else 65_535)
                    assert isinstance(verdict, bytes)
                    work = _call(resolver, message, caller, world.clock.now())
                    assert is_quicker(HANDLING, f"resolver cached {caller.protocol}", work)
        for what, message in QUERIES.items():
            for caller in (UDP, TCP):
                verdict = resolver.handle(message, caller, world.clock.now())
                if not isinstance(verdict, Later):
                    _check(message, verdict, wire.MAX_UDP if caller is UDP else 65_535)
                work = _call(resolver, message, caller, world.clock.now())
                assert is_quicker(HANDLING, "resolver uncached", work), what

    world = _crowded()
    await run_in(world, body)
    assert caplog.records == []


def _call(resolver: ResolverService, message: bytes, caller: Caller, now: float) -> Callable[[], object]:
    return lambda: resolver.handle(message, caller, now)


@given(st.sampled_from(sorted(QUERIES)), _damage, _octets)
def test_a_resolver_never_raises(what: str, damage: list[tuple[int, int]], tail: bytes) -> None:
    message = bytearray(QUERIES[what])
    for at, octet in damage:
        if message:
            message[at % len(message)] = octet

    async def all_of_them() -> None:
        world = World()
        resolver = ResolverService(world.anchor, world.network, world.clock, world.settings)
        for octets in (bytes(message), bytes(message) + tail, tail):
            verdict = resolver.handle(octets, UDP, world.clock.now())
            if not isinstance(verdict, Later):
                _check(octets, verdict, wire.MAX_UDP)

    trio.run(all_of_them)


# --- replies of others -------------------------------------------------------------------------------------

QUESTION = query([b"a"], additional=[])[12:]


def reply(counts: tuple[int, int, int], records: bytes, most: int) -> bytes:
    head = b"\x13\x37\x80\0\0\1" + b"".join(count.to_bytes(2, "big") for count in counts)
    assert len(head + QUESTION + records) <= most
    return head + QUESTION + records


def hostile_replies(most: int) -> Iterator[tuple[str, bytes]]:
    """Replies of at most so many octets."""
    room = most - 12 - len(QUESTION)

    def filled(what: str, record: bytes) -> tuple[str, bytes]:
        count = min(replies.MAX_RECORDS, room // len(record))
        return what, reply((count, 0, 0), record * count, most)

    empty = b"\0\0\1\0\1" + bytes(6)
    yield filled("most records", empty)
    yield filled("pointers", b"\xc0\x0c" + empty[1:])
    yield filled("names of 40 labels", b"\1a" * 40 + empty)
    yield filled("names of 127 labels", b"\1a" * 127 + empty)
    yield filled("many OPTs", opt(b"\0\x0f\0\2\0\6" * 16))
    for what, text in (("long text", b"x"), ("text that is no UTF-8", b"\xff"), ("controls", b"\x1b")):
        data = b"\0\6" + text * (room - 11 - 4 - 2)
        option = b"\0\x0f" + len(data).to_bytes(2, "big") + data
        yield what, reply((0, 0, 1), opt(option), most)
    yield "sixteen texts", reply((0, 0, 1), opt((b"\0\x0f\0\xc8\0\6" + b"\xff" * 198) * 16), most)
    plain = b"\0\0\1\0\1" + bytes(4) + (room - 11).to_bytes(2, "big") + bytes(room - 11)
    yield "one record", reply((1, 0, 0), plain, most)
    yield "junk", b"\x13\x37\x80\0\0\1\1\0\0\0\0\0" + QUESTION + random.Random(2).randbytes(room)
    yield "ones", b"\x13\x37\x80\0\0\1\1\0\0\0\0\0" + QUESTION + b"\1" * room
    yield "a name without its end", b"\x13\x37\x80\0\0\1\1\0\0\0\0\0" + b"\1a" * (room // 2)


def _reads(message: bytes) -> None:
    with suppress(MalformedError):
        replies.read_reply(message)


@pytest.mark.parametrize(("most", "bound"), [(DATAGRAM, PARSING), (65_535, STREAMED)])
def test_reading_a_reply_is_quick(most: int, bound: float) -> None:
    for what, message in hostile_replies(most):
        assert is_quicker(bound, f"read_reply {most}", lambda: _reads(message)), what  # noqa: B023 - run at once


# --- claims ------------------------------------------------------------------------------------------------


def envelope(kind: Kind, body: bytes) -> bytes:
    count = 0 if kind is Kind.STATUS else 1
    return bytes((kind, count)) + (b"\x0f" + bytes(8) + b"\0\x40" + bytes(64)) * count + body


def hostile_bodies(octets: int, elements: int) -> Iterator[tuple[str, bytes]]:
    """Bodies of at most so many octets, with lists of at most so many elements."""
    long = b"\xdc" + elements.to_bytes(2, "big")

    def filled(element: bytes) -> bytes:
        lists = max(1, min(14, octets // (3 + len(element) * elements)))
        count = min(elements, (octets - 40) // len(element))
        head = long if count == elements else b"\xdc" + count.to_bytes(2, "big")
        return bytes([0x80 | lists]) + b"".join(
            bytes((0xA1, 97 + n)) + head + element * count for n in range(lists)
        )

    yield "numbers", filled(b"\1")
    yield "lists of numbers", filled(b"\x9f" + b"\1" * 15)
    yield "lists of texts", filled(b"\x97" + b"\xa1a" * 7)
    yield "maps", filled(b"\x84" + b"".join(bytes((0xA1, 97 + n, 1)) for n in range(4)))
    yield "nested", filled(b"\x91" * 5 + b"\1")
    yield "claims to be long", b"\x81\xa1a\xdd\x7f\xff\xff\xff" + b"\1" * (octets - 9)
    yield "nested headers", b"\x81\xa1a" + b"\xdd\x7f\xff\xff\xff" * ((octets - 4) // 5)
    yield "long texts", b"\x8e" + b"".join(bytes((0xA1, 97 + n)) + b"\xda\3\xff" + b"x" * 1_023 for n in range(14))
    yield "junk", random.Random(3).randbytes(octets)


def hostile_claims() -> Iterator[tuple[str, bytes]]:
    life = Life(1, 1, NOW, NOW + 60)
    host = ".a" * 18
    for kind in Kind:
        caps = RULES[kind].caps if kind in RULES else statements.STATUS_CAPS
        for what, body in hostile_bodies(caps.octets, caps.elements):
            yield f"{kind.name} of {what}", envelope(kind, body[: caps.octets])
    for tail in (".example", host):
        grants = tuple(Grant(f"a{n:03}{tail}", tuple(sorted(Role))[:2]) for n in range(400))
        delegation = Delegation(life, bytes(16), ".", names.ROOT, grants)
        yield f"400 grants {tail}", statements.seal(delegation, key("x")).to_wire()
        rows = tuple((f"a{n:03}{tail}", Role.MSP, Standing.ASSERTED) for n in range(128))
        yield f"128 rows {tail}", statements.seal(Status(life, names.ROOT, rows)).to_wire()
    values = codec.pack({"x": [[n] for n in range(512)]})
    yield "canonical, of no kind", envelope(Kind.DELEGATION, values)
    yield "cut short", b"\x04\x01"
    yield "longer than any", bytes(65_535)


def test_reading_a_claim_is_quick() -> None:
    for what, octets in hostile_claims():
        read_claim(octets)
        bound = HANDLING if len(octets) <= DATAGRAM else STREAMED
        key_ = "read_claim datagram" if len(octets) <= DATAGRAM else "read_claim stream"
        assert is_quicker(bound, key_, lambda: read_claim(octets)), what  # noqa: B023 - run at once


@given(st.sampled_from([octets for _, octets in hostile_claims()]), _damage)
def test_damaged_claims_never_raise(octets: bytes, damage: list[tuple[int, int]]) -> None:
    changed = bytearray(octets)
    for at, octet in damage:
        changed[at % len(changed)] = octet
    read_claim(bytes(changed))
    read_claim(bytes(changed[: len(changed) // 2]))
