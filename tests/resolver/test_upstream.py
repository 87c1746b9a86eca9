"""Asking one party, in virtual time."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import trio

from resolver.asked import Asked, Purpose
from resolver.outbound import MOST_WAITING, Outbound, Pace
from resolver.servers import FIRST_BACKOFF, FIRST_IN_FLIGHT, MOST_IN_FLIGHT, MOST_STRANGE, Servers, doors_of
from resolver.settings import Settings
from resolver.upstream import Got, Question, Silence, TakenIn, Upstream
from tests.virtual import virtual
from tests.world import START, pin_of_party
from transport.clock import Clock
from transport.endpoint import Endpoint
from transport.errors import CrowdedError, UnprovenError, UnreachableError
from transport.handler import Protocol
from transport.proof import Pinned, Proof
from transport.resource import USUAL, Resource
from zonedata import replies, wire
from zonedata.identifiers import parse
from zonedata.standing import Standing
from zonedata.wire import QType
from zonedata.zone_statements import Server

LAB = Settings(lab_addresses=True, allow_plain_upstream=True)
OWNER = parse("+14155550123").owner
ENOUGH = TakenIn((), (), is_enough=True)
TakesIn = Callable[[replies.Received], TakenIn]
Behaviour = Callable[[bytes, Protocol], list[bytes]]


class Peers:
    """A dialer whose servers do as a function says."""

    def __init__(self, **behaviours: Behaviour) -> None:
        self.behaviours = behaviours
        self.asked: list[tuple[str, Protocol]] = []
        self.proofs: list[Proof | None] = []
        self.messages: list[bytes] = []

    async def exchange(
        self,
        endpoint: Endpoint,
        protocol: Protocol,
        message: bytes,
        accept: Callable[[bytes], bool],
        deadline: float = math.inf,
        *,
        proof: Proof | None = None,
        resource: Resource = USUAL,
    ) -> bytes | None:
        assert protocol.is_encrypted == (proof is not None)
        assert resource == USUAL
        self.proofs.append(proof)
        self.messages.append(message)
        name = "abc"[int(endpoint.host[-1]) - 1]
        self.asked.append((name, protocol))
        await trio.sleep(0.01)
        for reply in self.behaviours[name](message, protocol):
            if accept(reply):
                return reply
        await trio.sleep_until(deadline)
        return None


def good(query: bytes, _: Protocol) -> list[bytes]:
    read = wire.read_query(query)
    assert isinstance(read, wire.Query)
    return [wire.Reply().to_wire(read, 65_535)]


def silent(_query: bytes, _protocol: Protocol) -> list[bytes]:
    return []


def gone(_query: bytes, _protocol: Protocol) -> list[bytes]:
    raise UnreachableError("there", "connection refused")


def cut(query: bytes, protocol: Protocol) -> list[bytes]:
    whole = good(query, protocol)[0]
    return [whole] if protocol is Protocol.TCP else [whole[:2] + bytes((whole[2] | 2,)) + whole[3:]]


def refusing(query: bytes, protocol: Protocol) -> list[bytes]:
    whole = good(query, protocol)[0]
    return [whole[:3] + b"\x05" + whole[4:]]


def odd(query: bytes, protocol: Protocol) -> list[bytes]:
    whole = good(query, protocol)[0]
    return [whole[:3] + b"\x0d" + whole[4:]]


def long(query: bytes, protocol: Protocol) -> list[bytes]:
    read = wire.read_query(query)
    assert isinstance(read, wire.Query)
    reply = wire.Reply(answer=[wire.record(QType.CSI, 1, bytes(9_000))] * 2)
    return [reply.to_wire(read, 65_535 if protocol is Protocol.TCP else 1_232)]


PORTS = {
    "both": (("tcp", 53), ("udp", 53)),
    "udp": (("udp", 53),),
    "tcp": (("tcp", 53),),
    "tls": (("tls", 853),),
    "all": (("tcp", 53), ("tls", 853), ("udp", 53)),
}


def question(
    servers: str, packets: int = 100, seconds: float = 1.0, ports: str = "both", takes_in: TakesIn | None = None
) -> Question:
    given = PORTS[ports]
    pin = pin_of_party("a") if "tls" in dict(given) else b""
    made = tuple(Server(f"{s}.example", (f"10.0.0.{'abc'.index(s) + 1}",), given, pin) for s in servers)
    left = iter(range(packets))
    return Question(
        ("alpha.example",),
        made,
        OWNER,
        QType.CSI,
        Purpose.PERSON,
        seconds,
        lambda: next(left, None) is not None,
        takes_in or (lambda _: ENOUGH),
    )


async def ask(peers: Peers, asked: Question, upstream: Upstream | None = None) -> Got | Silence:
    upstream = upstream or Upstream(peers, Clock.starting_at(START), LAB)
    seen: list[Asked] = []
    got = await upstream.ask(asked, seen.append)
    if isinstance(got, Got):
        assert got.protocol is seen[-1].protocol
    return got


@virtual
async def test_fails_over_to_the_next_server() -> None:
    peers = Peers(a=silent, b=good)
    assert isinstance(await ask(peers, question("ab")), Got)
    assert peers.asked == [("a", Protocol.UDP)] * 2 + [("b", Protocol.UDP)]


@virtual
async def test_a_refused_port_is_not_tried_again() -> None:
    peers = Peers(a=gone, b=good)
    assert isinstance(await ask(peers, question("ab")), Got)
    assert peers.asked == [("a", Protocol.UDP), ("b", Protocol.UDP)]
    alone = Peers(a=gone)
    assert await ask(alone, question("a")) == Silence(Standing.UNREACHABLE, "connection refused")
    assert len(alone.asked) == 1


@virtual
async def test_a_silent_one_is_tried_three_times_within_its_second() -> None:
    peers = Peers(a=silent)
    start = trio.current_time()
    got = await ask(peers, question("a"))
    assert isinstance(got, Silence)
    assert got.standing is Standing.UNREACHABLE
    assert len(peers.asked) == 3
    assert trio.current_time() - start <= 1.0


@virtual
async def test_one_that_was_silent_is_left_alone_and_then_asked_again() -> None:
    peers = Peers(a=silent)
    upstream = Upstream(peers, Clock.starting_at(START), LAB)
    await ask(peers, question("a"), upstream)
    peers.asked.clear()
    again = await ask(peers, question("a"), upstream)
    assert isinstance(again, Silence)
    assert "left alone" in again.why
    assert peers.asked == []
    await trio.sleep(5)
    peers.behaviours["a"] = good
    assert isinstance(await ask(peers, question("a"), upstream), Got)


@virtual
async def test_a_cut_reply_is_fetched_over_tcp() -> None:
    peers = Peers(a=cut)
    got = await ask(peers, question("a"))
    assert isinstance(got, Got)
    assert not got.reply.is_truncated
    assert got.protocol is Protocol.TCP
    only_udp = await ask(Peers(a=cut), question("a", ports="udp"))
    assert isinstance(only_udp, Got)
    assert only_udp.reply.is_truncated


@virtual
async def test_a_server_with_streams_only() -> None:
    peers = Peers(a=good)
    assert isinstance(await ask(peers, question("a", ports="tcp")), Got)
    assert peers.asked == [("a", Protocol.TCP)]
    gone_got = await ask(Peers(a=gone), question("a", ports="tcp"))
    assert isinstance(gone_got, Silence)


@virtual
async def test_refused_is_a_reason_of_its_own() -> None:
    assert await ask(Peers(a=refusing), question("a")) == Silence(Standing.REFUSED, "answered REFUSED")
    assert await ask(Peers(a=odd), question("a")) == Silence(Standing.REFUSED, "answered rcode 13")
    assert isinstance(await ask(Peers(a=refusing, b=good), question("ab")), Got)


@virtual
async def test_the_allowance_ends_the_asking() -> None:
    peers = Peers(a=silent, b=silent)
    got = await ask(peers, question("ab", packets=3))
    assert isinstance(got, Silence)
    assert len(peers.asked) == 3
    assert (await ask(Peers(a=good), question("a", packets=0))) == Silence(
        Standing.UNASKED, "the allowance of the question is spent"
    )


@virtual
async def test_the_deadline_marks_the_server_that_was_waited_for() -> None:
    peers = Peers(a=silent)
    upstream = Upstream(peers, Clock.starting_at(START), LAB)
    got = await ask(peers, question("a", seconds=0.2), upstream)
    assert got == Silence(Standing.UNREACHABLE, "timed out")
    assert isinstance(await ask(peers, question("a"), upstream), Silence)
    assert len(peers.asked) == 1


@virtual
async def test_no_address_that_may_be_dialled() -> None:
    strict = Upstream(Peers(a=good), Clock.starting_at(START), Settings(allow_plain_upstream=True))
    got = await strict.ask(question("a"), lambda _: None)
    assert isinstance(got, Silence)
    assert "may be dialled" in got.why


@virtual
async def test_an_endless_reply_about_a_person_is_not_read() -> None:
    got = await ask(Peers(a=long), question("a"))
    assert isinstance(got, Silence)


@virtual
async def test_a_reply_that_is_not_enough_sends_us_to_the_next_server() -> None:
    peers = Peers(a=good, b=good, c=silent)
    verdicts = iter([TakenIn((), (), is_enough=False), ENOUGH])
    got = await ask(peers, question("ab", takes_in=lambda _: next(verdicts)))
    assert isinstance(got, Got)
    assert got.is_enough
    assert [name for name, _ in peers.asked] == ["a", "b"]
    poor = await ask(Peers(a=good, c=silent), question("ac", takes_in=lambda _: TakenIn((), (), is_enough=False)))
    assert isinstance(poor, Got), "what a server did say is not lost because the next one is silent"
    assert not poor.is_enough


@virtual
async def test_a_guessed_id_ends_the_listening_only_where_there_is_a_stream_to_turn_to() -> None:
    def guessing(query: bytes, protocol: Protocol) -> list[bytes]:
        true = good(query, protocol)[0]
        return [bytes((true[0] ^ 1,)) + true[1:], true]

    by_stream, by_datagram = Peers(a=guessing), Peers(a=guessing)
    assert isinstance(await ask(by_stream, question("a")), Got)
    assert [protocol for _, protocol in by_stream.asked] == [Protocol.UDP, Protocol.TCP]
    assert isinstance(await ask(by_datagram, question("a", ports="udp")), Got)
    assert [protocol for _, protocol in by_datagram.asked] == [Protocol.UDP]


@virtual
async def test_a_datagram_longer_than_we_take_is_passed_over() -> None:
    def inflated(query: bytes, protocol: Protocol) -> list[bytes]:
        read = wire.read_query(query)
        assert isinstance(read, wire.Query)
        padded = wire.Reply(answer=[wire.record(QType.CSI, 1, bytes(1_300))])
        return [padded.to_wire(read, 65_535), *good(query, protocol)]

    got = await ask(Peers(a=inflated), question("a", ports="udp"))
    assert isinstance(got, Got)
    assert got.reply.records == ()


@virtual
async def test_a_stream_that_hangs_leaves_time_for_the_other_servers() -> None:
    def behind_a_wall(query: bytes, protocol: Protocol) -> list[bytes]:
        return [] if protocol is Protocol.TCP else cut(query, protocol)

    peers = Peers(a=behind_a_wall, b=good)
    start = trio.current_time()
    assert isinstance(await ask(peers, question("ab")), Got)
    assert trio.current_time() - start < 1.0
    only_streams = Peers(a=silent, b=good)
    assert isinstance(await ask(only_streams, question("ab", ports="tcp")), Got)
    assert only_streams.asked == [("a", Protocol.TCP), ("b", Protocol.TCP)]


@virtual
async def test_want_of_room_here_is_told_and_is_held_against_nobody() -> None:
    def crowded(_query: bytes, _protocol: Protocol) -> list[bytes]:
        raise CrowdedError("there", "256 links are in use already")

    peers = Peers(a=crowded)
    upstream = Upstream(peers, Clock.starting_at(START), LAB)
    for ports in ("tls", "udp"):
        got = await ask(peers, question("a", ports=ports), upstream)
        assert got == Silence(Standing.LIMITED, "256 links are in use already")
    peers.behaviours["a"] = good
    for ports in ("tls", "udp"):
        assert isinstance(await ask(peers, question("a", ports=ports), upstream), Got)


# --- over TLS ------------------------------------------------------------------------------------------------


def other(_query: bytes, _protocol: Protocol) -> list[bytes]:
    raise UnprovenError("there", "has another key than its pin")


@virtual
async def test_who_offers_tls_is_asked_over_tls_alone_with_the_pin_that_is_signed() -> None:
    for ports in ("tls", "all"):
        peers = Peers(a=good)
        got = await ask(peers, question("a", ports=ports))
        assert isinstance(got, Got)
        assert (got.protocol, peers.asked) == (Protocol.TLS, [("a", Protocol.TLS)])
        assert peers.proofs == [Pinned(pin_of_party("a"))]


@virtual
async def test_another_key_is_a_reason_of_its_own_and_never_leads_to_plain() -> None:
    peers = Peers(a=other, b=gone)
    upstream = Upstream(peers, Clock.starting_at(START), LAB)
    standing, why = Standing.UNAUTHENTICATED, "has another key than its pin"
    assert await ask(peers, question("ab", ports="all"), upstream) == Silence(standing, why)
    assert peers.asked == [("a", Protocol.TLS), ("b", Protocol.TLS)]
    again = await ask(peers, question("ab", ports="all"), upstream)
    assert isinstance(again, Silence)
    assert again.standing is standing, "while it is left alone, too"
    assert len(peers.asked) == 2
    assert isinstance(await ask(Peers(a=other, b=good), question("ab", ports="tls")), Got)


@virtual
async def test_a_silent_tls_server_leaves_time_for_the_others() -> None:
    peers = Peers(a=silent, b=silent, c=good)
    start = trio.current_time()
    assert isinstance(await ask(peers, question("abc", ports="tls")), Got)
    assert trio.current_time() - start <= 1.0
    assert peers.asked == [(name, Protocol.TLS) for name in "abc"], "once each: streams repeat by themselves"


@virtual
async def test_plain_dns_stays_on_this_machine_unless_it_is_allowed_out() -> None:
    peers = Peers(a=good)
    strict = Upstream(peers, Clock.starting_at(START), Settings(lab_addresses=True))
    assert await ask(peers, question("a"), strict) == Silence(
        Standing.UNENCRYPTED, "its servers take plain DNS alone, which is not allowed"
    )
    assert peers.asked == []
    assert isinstance(await ask(peers, question("a", ports="tls"), strict), Got)


@virtual
async def test_what_goes_out_encrypted_is_padded_and_what_goes_out_in_plain_is_not() -> None:
    peers = Peers(a=good)
    for text in ("+14155550123", "+4930123456", "a@example.com", "someone@" + "a" * 60 + ".example.org"):
        for ports in ("tls", "udp"):
            asked = replace(question("a", ports=ports), name=parse(text).owner)
            assert isinstance(await ask(peers, asked), Got)
    encrypted, plain = peers.messages[::2], peers.messages[1::2]
    assert {len(message) % 128 for message in encrypted} == {0}
    assert len({len(message) for message in encrypted[:2]}) == 1
    for message in plain:
        assert message.endswith(wire.OPT)


# --- how much ------------------------------------------------------------------------------------------------


async def many(upstream: Upstream, count: int, made: Callable[[int], Question]) -> list[Got | Silence]:
    """Ask at once, and return what came of it."""
    results: list[Got | Silence] = []

    async def one(number: int) -> None:
        results.append(await upstream.ask(made(number)))

    async with trio.open_nursery() as nursery:
        for number in range(count):
            nursery.start_soon(one, number)
    return results


def standings(results: list[Got | Silence]) -> Counter[str]:
    return Counter(one.standing if isinstance(one, Silence) else "got" for one in results)


@virtual
async def test_of_one_party_so_much_is_asked_a_second_and_a_batch_is_slowed_before_anything_is_lost() -> None:
    peers = Peers(a=good)
    upstream = Upstream(peers, Clock.starting_at(START), replace(LAB, upstream_rate=100))
    await ask(peers, question("a"), upstream)
    start = trio.current_time()
    for _ in range(3):  # it turns out to be quick, and more may be in flight
        await many(upstream, 20, lambda _: question("a"))
    assert standings(await many(upstream, 70, lambda _: question("a")))["got"] == 70
    assert 0.25 < trio.current_time() - start < 0.5, "131 of which 100 could go at once"
    peers.asked.clear()
    flood = standings(await many(upstream, 500, lambda _: question("a")))
    assert flood[Standing.LIMITED] >= 400
    assert flood["got"] == len(peers.asked) <= 60
    await trio.sleep(2)
    assert isinstance(await ask(peers, question("a"), upstream), Got)


@virtual
async def test_a_silent_server_has_few_questions_in_flight_and_then_none() -> None:
    peers = Peers(a=silent)
    upstream = Upstream(peers, Clock.starting_at(START), LAB)
    results = await many(upstream, 1_000, lambda _: question("a"))
    assert set(standings(results)) == {Standing.UNREACHABLE, Standing.LIMITED}
    assert len(peers.asked) <= 3 * FIRST_IN_FLIGHT
    peers.asked.clear()
    await many(upstream, 1_000, lambda _: question("a"))
    assert peers.asked == [], "left alone"
    await trio.sleep(FIRST_BACKOFF)
    await many(upstream, 1_000, lambda _: question("a"))
    assert len(peers.asked) == 3, "one question finds out"
    peers.behaviours["a"] = good
    await trio.sleep(2 * FIRST_BACKOFF)
    assert isinstance(await ask(peers, question("a"), upstream), Got)
    results = await many(upstream, 50, lambda _: question("a"))
    assert standings(results)["got"] == 50, "those that had to wait had their turn"


@virtual
async def test_no_more_than_so_many_are_in_flight_at_a_quick_server() -> None:
    peers = Peers(a=good)
    upstream = Upstream(peers, Clock.starting_at(START), replace(LAB, upstream_rate=100_000))
    at_once, most = 0, 0
    true = peers.exchange

    async def counted(*args: Any, **options: Any) -> bytes | None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        try:
            return await true(*args, **options)
        finally:
            at_once -= 1

    peers.exchange = counted  # type: ignore[method-assign]  # to count what is in flight
    results = await many(upstream, 200, lambda _: question("a"))
    assert standings(results)["got"] == 200
    assert FIRST_IN_FLIGHT < most <= MOST_IN_FLIGHT


@virtual
async def test_only_so_many_wait_for_one_server() -> None:
    peers = Peers(a=good)
    upstream = Upstream(peers, Clock.starting_at(START), replace(LAB, upstream_rate=100_000))
    results = standings(await many(upstream, 1_000, lambda _: question("a")))
    assert results["got"] == FIRST_IN_FLIGHT + MOST_WAITING
    assert results[Standing.LIMITED] == 1_000 - results["got"]


@virtual
async def test_a_turn_that_comes_too_late_for_one_goes_to_the_next() -> None:
    servers, pace = Servers(), Pace()
    [door] = doors_of(("a.example",), question("a").servers, lab_addresses=True, allow_plain=True).open
    for _ in range(FIRST_IN_FLIGHT):
        servers.silent(door)  # one at a time
    outbound = Outbound(servers, 1_000)
    assert outbound.at_once(door, pace, START, trio.current_time())
    turns: list[bool] = []
    scopes = [trio.CancelScope(), trio.CancelScope()]

    async def wait(scope: trio.CancelScope) -> None:
        with scope:
            turns.append(await outbound.turn(door, pace, START, math.inf))

    async with trio.open_nursery() as nursery:
        for scope in scopes:
            nursery.start_soon(wait, scope)
            await trio.sleep(0.01)
        scopes[0].cancel()
        outbound.leave(door, START)  # in the same moment, and it is the turn of the first
    assert turns == [True]


@virtual
async def test_whoever_names_a_stranger_as_many_servers_has_him_met_with_few_packets() -> None:
    """One registry binds a thousand names at one address: 32 packets at once, and one a second from then on."""
    peers = Peers(a=silent)
    upstream = Upstream(peers, Clock.starting_at(START), LAB)

    def under(*registry: str) -> Callable[[int], Question]:
        return lambda number: replace(question("a"), party=(*registry, f"{number}.example"))

    start = trio.current_time()
    await many(upstream, 1_000, under("evil.example"))
    assert len(peers.asked) <= MOST_STRANGE + 1
    while trio.current_time() < start + 60:
        await trio.sleep(1)
        await many(upstream, 20, under("evil.example", "below.example"))
    assert len(peers.asked) <= 100
    peers.behaviours["a"] = good
    peers.asked.clear()
    assert isinstance(await ask(peers, question("a"), upstream), Got), "whoever the root binds is met as always"


@virtual
async def test_ids_are_drawn_evenly() -> None:
    """Chi-square over both octets: 255 degrees of freedom, so above 400 once in 10^7 runs."""
    peers = Peers(a=good)
    upstream = Upstream(peers, Clock.starting_at(START), replace(LAB, upstream_rate=1_000_000))
    for _ in range(8_000):
        await upstream.ask(question("a"))
    for octet in (0, 1):
        counted = Counter(message[octet] for message in peers.messages)
        expected = len(peers.messages) / 256
        assert sum((counted[value] - expected) ** 2 / expected for value in range(256)) < 400
