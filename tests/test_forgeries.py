"""Packets that nobody asked for, and referrals that send us at somebody: on a whole tree, in virtual time."""

import random
from collections import Counter
from collections.abc import Callable

import trio

from resolver.allowance import WALK_PACKETS
from resolver.ear import Ear
from resolver.servers import MOST_STRANGE
from resolver.upstream import TRIES
from tests.overload import number_below
from tests.resolver.small import ALICE, in_small_world, small
from tests.virtual import in_world
from tests.world import APEX, RESOLVER, Host, World, Zone
from transport.endpoint import Endpoint
from transport.handler import Caller, Protocol
from zonedata import identifiers, names, replies, wire
from zonedata.identifiers import parse
from zonedata.wire import QType

FORGED = 65_536  # datagrams, one for each id


def with_id(message: bytes, number: int) -> bytes:
    return number.to_bytes(2, "big") + message[2:]


# --- off the path ----------------------------------------------------------------------------------------------


@in_small_world
async def test_every_id_ahead_of_the_true_answer_wins_nothing(world: World) -> None:
    """Sixteen times all ids there are: the first that is wrong leads to TCP, where nobody off the path can be."""
    false = world.host("beta.example").handler

    def forge(query: bytes, reply: bytes) -> list[bytes]:
        said = false(query, Caller(RESOLVER, Protocol.UDP), world.clock.now())
        assert isinstance(said, bytes)
        return [*(with_id(said, (query[0] * 256 + query[1] + n) % FORGED) for n in range(1, FORGED)), reply]

    world.host("alpha.example").lies = forge
    for _ in range(16):
        answer = await world.ask(ALICE)
        assert answer.complete
        assert [reach.msp for reach in answer.reaches] == ["alpha.example"]
        asked = [packet.protocol for packet in world.network.packets if packet.host == "alpha.example"]
        assert asked == [Protocol.UDP, Protocol.TCP]
        world.sent()
        await trio.sleep(301)


def test_a_million_guesses_at_a_query_are_heard_by_nobody() -> None:
    query = wire.query_wire(parse(ALICE).owner, APEX, QType.CSI, 0x1234)
    read = wire.read_query(query)
    assert isinstance(read, wire.Query)
    reply = wire.Reply().to_wire(read, 512)
    ear = Ear(query, len(query) - len(wire.OPT), 512, has_stream=False)
    for number in range(FORGED):
        if number != 0x1234:
            assert not ear.hears(with_id(reply, number))
    for at in range(2, len(query) - len(wire.OPT)):
        for bit in range(8):
            changed = bytearray(reply)
            changed[at] ^= 1 << bit
            if ear.hears(bytes(changed)):
                assert at in {2, 3} or 6 <= at < 12, "id, QR, opcode and the question are compared octet by octet"
                assert ear.reply is not None
                ear.reply = None
    assert ear.reply is None


@in_small_world
async def test_a_thousand_clients_and_one_name_are_one_question(world: World) -> None:
    async with trio.open_nursery() as nursery:
        for _ in range(1_000):
            nursery.start_soon(world.ask, ALICE)
    asked = Counter((packet.host, packet.name) for packet in world.network.packets if packet.host != "resolver")
    assert asked["alpha.example", names.to_text(parse(ALICE).owner)] == 1
    assert asked["beta.example", names.to_text(parse(ALICE).owner)] == 1
    assert max(asked.values()) <= 2, "one to the root was cut short, and asked again over TCP"


@in_small_world
async def test_many_numbers_of_one_prefix_ask_the_root_once(world: World) -> None:
    rng = random.Random(1)
    numbers = [f"+1415555{n:04}" for n in rng.sample(range(100, 10_000), 100)]
    async with trio.open_nursery() as nursery:
        for number in numbers:
            nursery.start_soon(world.ask, number)
    assert world.sent().count(".") <= 2


@in_small_world
async def test_a_port_that_refuses_makes_no_storm(world: World) -> None:
    """What ICMP says ends the try; it is neither tried again at once nor asked about anything else meanwhile."""
    await world.ask(ALICE)
    world.sent()
    world.host("alpha.example").is_refusing = True
    rng = random.Random(1)
    for _ in range(100):
        answer = await world.ask("+1" + "".join(identifiers.digits_of(number_below("+1415555", rng)))[1:])
        assert not answer.complete
        await trio.sleep(0.1)
    assert world.sent().count("alpha.example") <= 3, "at once, after 5 s, and after 10 s more"


# --- bad answers first -----------------------------------------------------------------------------------------


def _mutations(rng: random.Random) -> Callable[[bytes, bytes], list[bytes]]:
    def lie(query: bytes, reply: bytes) -> list[bytes]:
        question_end = replies.names_end(query, 12) + 4
        made = [
            reply[:12],
            reply[: rng.randrange(len(reply))],
            query,
            reply[:2] + bytes((reply[2] & 0x7F,)) + reply[3:],  # no reply
            reply[:2] + bytes((reply[2] | 0x28,)) + reply[3:],  # another opcode
            reply[:2] + bytes((reply[2] | 2,)) + reply[3:question_end] + rng.randbytes(20),  # TC, with junk
            reply[:6] + b"\xff\xff" + reply[8:],
            reply + b"\0",
            rng.randbytes(rng.randrange(1_400)),
            query[:2] + b"\x80\0\0\1" + rng.randbytes(40),
        ]
        rng.shuffle(made)
        return [*made, reply]

    return lie


def test_whatever_comes_ahead_of_the_true_answer_the_client_gets_the_true_one() -> None:
    held: list[set[bytes]] = []

    def seen(world: World) -> None:
        assert world.resolver is not None
        zones = world.resolver.finder.cache.held.zones.values()
        held.append({opened.sealed.to_wire() for zone in zones for opened in zone.all()})

    @in_small_world
    async def clean(world: World) -> None:
        assert (await world.ask(ALICE)).complete
        seen(world)

    clean()
    for seed in range(40):
        rng = random.Random(seed)

        @in_small_world
        async def dirty(world: World, rng: random.Random = rng) -> None:
            for host in world.network.hosts.values():
                if host.name != "resolver":
                    host.lies = _mutations(rng)
            answer = await world.ask(ALICE)
            assert answer.complete
            assert [reach.msp for reach in answer.reaches] == ["alpha.example"]
            seen(world)

        dirty()
    assert all(one == held[0] for one in held), "and nothing else is held"


@in_small_world
async def test_a_million_unwanted_answers_change_nothing_that_is_held(world: World) -> None:
    assert world.resolver is not None
    finder = world.resolver.finder
    await world.ask(ALICE)
    octets = sum(zone.octets for zone in finder.cache.held.zones.values())
    proven = finder.cache.proven.statistics().entries
    unwanted = [wire.Reply(answer=[wire.record(QType.CSI, 300, bytes(n))]) for n in range(100)]
    for number in range(100, 200):  # of other questions, with whatever id
        other = wire.query_wire(parse(f"+14155550{number}").owner, APEX, QType.CSI, number)
        read = wire.read_query(other)
        assert isinstance(read, wire.Query)
        made = [one.to_wire(read, 1_232) for one in unwanted]
        world.host("alpha.example").lies = lambda query, reply, made=made: [
            *(query[:2] + one[2:] for one in made * 100),
            reply,
        ]
        assert (await world.ask(f"+1415555{number}0")).complete
    await world.ask(ALICE)
    assert sum(zone.octets for zone in finder.cache.held.zones.values()) == octets
    assert finder.cache.proven.statistics().entries <= proven + 2 * 100, "what the true answers said"


# --- sent at somebody ------------------------------------------------------------------------------------------

VICTIM = "10.66.66.66"
NAMES = 120


def referring() -> World:
    """A registry that grants one node to as many names as are asked at all, all of them at somebody's address."""
    world = World()
    world.zones["."].lines += world.binding_lines("evil.example")
    world.delegate(".", "delegate +1 evil.example registry")
    zone = world.zones["evil.example"] = Zone("evil.example", ["+1"])
    for n in range(NAMES):
        party = f"v{n}.evil.example"
        world._addresses[party] = VICTIM
        zone.lines += [*world.binding_lines(party), f"delegate +1415 {party} msp"]
    world.network.hosts[Endpoint(VICTIM, 53)] = Host("victim", lambda *_: None, is_dead=True)
    return world


@in_world(referring)
async def test_a_referral_to_a_thousand_dead_servers_sends_few_packets_at_whoever_is_there(world: World) -> None:
    """As NXNS: 32 packets for one question, 100 for a thousand questions in a minute."""
    assert world.resolver is not None
    rng = random.Random(1)
    start = trio.current_time()
    found = await world.resolver.finder.find(number_below("+1415", rng))
    assert not found.judgement.complete
    assert world.sent().count("victim") <= MOST_STRANGE
    async with trio.open_nursery() as nursery:
        for n in range(1, 1_000):
            await trio.sleep_until(start + n * 0.06)
            nursery.start_soon(world.resolver.finder.find, number_below("+1415", rng))
    assert 59 < trio.current_time() - start < 70
    assert MOST_STRANGE + world.sent().count("victim") <= 100


def mutual() -> World:
    """Two registries that delegate to each other, at the same node, at a deeper one, and to themselves."""
    world = World()
    for party, other in (("a.example", "b.example"), ("b.example", "a.example")):
        world.zones["."].lines += world.binding_lines(party)
        zone = world.zones[party] = Zone(party, ["+1"])
        zone.lines += [f"above {other}", f"above {party}"]
        for node in ("+1", "+14", "+141", "+1415", "+14155", "+141555", "+1415555"):
            zone.lines += [f"delegate {node} {other} registry", f"delegate {node} {party} registry"]
    world.delegate(".", "delegate +1 a.example registry")
    return world


@in_world(mutual)
async def test_registries_that_delegate_to_each_other_end_the_walk(world: World) -> None:
    assert world.resolver is not None
    found = await world.resolver.finder.find(parse(ALICE).owner)
    assert len(world.sent()) <= 2 * WALK_PACKETS, "each a datagram, and a stream where it was cut short"
    assert found.judgement.complete, "nobody else is granted anything there"
    assert not found.judgement.found


@in_world(mutual)
async def test_registries_that_are_silent_are_asked_a_few_times_for_each_step_of_the_back_off(world: World) -> None:
    """As TsuNAME: a hundred clients that ask on for ten minutes."""
    for host in world.network.hosts.values():
        host.is_dead = host.name in {"a.example", "b.example"}
    assert world.resolver is not None
    rng = random.Random(1)
    start = trio.current_time()
    counts = []
    while trio.current_time() < start + 600:
        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(world.resolver.finder.find, number_below("+1415", rng))
        counts.append(world.sent().count("a.example"))
        await trio.sleep(1)
    assert counts[0] <= 10 * TRIES, "those that came before it was known to be silent"
    steps = 7  # 5, 10, 20, 40, 80, 160 and 300 s
    assert 0 < sum(counts[1:]) <= steps * TRIES


# --- what goes upstream ----------------------------------------------------------------------------------------


@in_world(small)
async def test_nothing_of_a_client_goes_upstream(world: World) -> None:
    """Neither its options (client subnet, cookie, anything), nor its flags, its id, its spelling or its address."""
    options = b"\0\x08\0\x08\0\1\x20\0\xc6\x33\x64\x07" + b"\0\x0a\0\x08" + b"\xc0" * 8 + b"\xfd\xe9\0\4beef"
    opt = b"\0\0\x29\x04\xd0\0\0\x80\0" + len(options).to_bytes(2, "big") + options
    plain = wire.query_wire(parse(ALICE).owner, APEX, QType.PROOF, 0xBEEF, wire.FLAG_RD | wire.FLAG_CD)
    message = plain[: -len(wire.OPT)].replace(b"e164", b"E164") + opt
    for encrypted in (False, True):
        if encrypted:
            world.encrypt(".", "alpha.example", "beta.example")
            lines = world.zones["."].lines
            lines[:] = [line for line in lines if not line.startswith(("server ", "key "))]
            lines += [*world.binding_lines("alpha.example"), *world.binding_lines("beta.example")]
            world.publish()
            world.start_resolver()
        world.sent()
        reply = await world.network.exchange(RESOLVER, Protocol.UDP, message, lambda _: True)
        assert reply is not None
        sent = [packet for packet in world.network.packets if packet.host != "resolver"]
        assert {packet.host for packet in sent} == {".", "alpha.example", "beta.example"}
        for packet in sent:
            out = packet.message
            assert packet.protocol is (Protocol.TLS if encrypted else packet.protocol)
            assert out[2:12] == b"\0\0\0\1\0\0\0\0\0\1", "no flag, one question, one additional record"
            end = replies.names_end(out, 12) + 4
            assert out[end:].startswith(wire.OPT[:-2])
            size = int.from_bytes(out[end + 9 : end + 11], "big")
            shown = wire.read_options(out, end + 11, end + 11 + size)
            assert shown is not None
            assert [code for code, _ in shown] == ([wire.OPTION_PADDING] if encrypted else [])
            assert not any(shown[0][1]) if encrypted else True
            assert b"E164" not in out
            assert b"beef" not in out
            depth = names.depth(names.from_text(packet.name))
            whole = names.depth(parse(ALICE).owner)
            assert depth == whole if packet.qtype == QType.CSI else depth < whole
        assert {packet.message[:2] for packet in sent} != {b"\xbe\xef"}
