"""Asking one party, in virtual time."""

import math
from collections.abc import Callable

import trio

from resolver.asked import Asked, Purpose
from resolver.upstream import Got, Question, Silence, TakenIn, Upstream
from tests.virtual import virtual
from tests.world import APEX, START
from transport.clock import Clock
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.handler import Protocol
from transport.proof import Proof
from transport.resource import USUAL, Resource
from zonedata import replies, wire
from zonedata.identifiers import parse
from zonedata.standing import Standing
from zonedata.wire import QType
from zonedata.zone_statements import Server

OWNER = parse("+14155550123").owner
ENOUGH = TakenIn((), (), is_enough=True)
TakesIn = Callable[[replies.Received], TakenIn]
Behaviour = Callable[[bytes, Protocol], list[bytes]]


class Peers:
    """A dialer whose servers do as a function says."""

    def __init__(self, **behaviours: Behaviour) -> None:
        self.behaviours = behaviours
        self.asked: list[tuple[str, Protocol]] = []

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
        assert (proof, resource) == (None, USUAL)
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


def question(
    servers: str, packets: int = 100, seconds: float = 1.0, ports: str = "both", takes_in: TakesIn | None = None
) -> Question:
    given = {"both": (("tcp", 53), ("udp", 53)), "udp": (("udp", 53),), "tcp": (("tcp", 53),)}[ports]
    made = tuple(Server(f"{s}.example", (f"10.0.0.{'abc'.index(s) + 1}",), given) for s in servers)
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
    upstream = upstream or Upstream(peers, Clock.starting_at(START), APEX, lab_addresses=True)
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
    upstream = Upstream(peers, Clock.starting_at(START), APEX, lab_addresses=True)
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
    upstream = Upstream(peers, Clock.starting_at(START), APEX, lab_addresses=True)
    got = await ask(peers, question("a", seconds=0.2), upstream)
    assert got == Silence(Standing.UNREACHABLE, "timed out")
    assert isinstance(await ask(peers, question("a"), upstream), Silence)
    assert len(peers.asked) == 1


@virtual
async def test_no_address_that_may_be_dialled() -> None:
    strict = Upstream(Peers(a=good), Clock.starting_at(START), APEX, lab_addresses=False)
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
