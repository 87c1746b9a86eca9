"""What stands before a daemon, in invented time: who gets an answer, who a short one, and who is told to wait."""

import random
from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from typing import cast

import pytest
import trio

from fingerpost.gate import Gate
from resolver.front import Front
from tests.zonedata.test_cookies import alone, asking
from transport.budgets import KEY_OCTETS, UNPROVEN_SHARE, Budgets, initialised, octets_of
from transport.clients import MAX_RATE, UNLIMITED, Clients, LimitSettings, NamedClient, Quota
from transport.endpoint import Endpoint
from transport.fast_path import NOT_READY, FastPath
from transport.handler import Caller, Handler, Later, Protocol, Verdict
from transport.rates import (
    BURST_SECONDS,
    HANDSHAKE,
    SMALL_FACTOR,
    SMALL_RATE,
    STREAM_FACTOR,
    Rates,
    shared_table,
)
from zonedata import names, padding, replies, wire
from zonedata.cookies import Cookies, RollingSecrets
from zonedata.identifiers import parse
from zonedata.packets import TTLS_STAY, Packets
from zonedata.wire import Ede, QType, Query, Rcode, Reply

NOW = 1_800_000_000.0
APEX = names.from_text("fingerpost.internal.")
ALICE, BOB = "192.0.2.7", "198.51.100.9"
CLIENT = b"abcdefgh"
NOBODY_COUNTED = Quota(UNLIMITED, UNLIMITED)


def question(number: int = 0, *options: tuple[int, bytes]) -> bytes:
    """Ask about one of many people."""
    made = asking(*options)
    tail = made[made.index(b"\xff\0\0\1") :]
    return made[:12] + names.to_wire(parse(f"+1415{number:07}").owner, APEX) + tail


def long_answer(message: bytes, _caller: Caller, _now: float) -> Verdict:
    """Answer with far more than was asked."""
    query = wire.read_query(message)
    if not isinstance(query, Query):
        return query.reply
    return Reply(answer=[wire.record(QType.CSI, 60, b"x" * 900)]).to_wire(query, query.room(in_datagram=True))


class Server:
    """A gate, and asking at it as listeners do."""

    def __init__(
        self,
        settings: LimitSettings,
        handler: Handler = long_answer,
        fast: FastPath | None = None,
    ) -> None:
        clients = Clients(settings)
        table = memoryview(bytearray(octets_of(1)))
        initialised(table, b"k" * KEY_OCTETS)
        self.cookies = Cookies(RollingSecrets(b"m" * 32))
        self.budgets = Budgets(table)
        rates = Rates(clients, shared_table())
        is_dry = settings.is_dry_run
        self.gate = Gate(fast or FastPath(), handler, clients, rates, self.budgets, self.cookies, is_dry)
        self.octets_in = self.octets_out = 0

    def cookie(self, host: str, now: float = NOW) -> tuple[int, bytes]:
        """Make the option of a client that has been here."""
        return 10, self.cookies.read(CLIENT, ip_address(host).packed, now)[1]

    def verdict(
        self,
        message: bytes,
        host: str = ALICE,
        now: float = NOW,
        protocol: Protocol = Protocol.UDP,
        identity: str = "",
    ) -> Verdict:
        if protocol is Protocol.UDP:
            inbox, outbox = memoryview(b"." + message), memoryview(bytearray(4_300))
            octets = self.gate.answer(inbox, 1, 1 + len(message), ip_address(host).packed, outbox, 3, now)
            if octets != NOT_READY:
                return bytes(outbox[3 : 3 + octets]) or None
        return self.gate.handle(message, Caller(Endpoint(host, 4_242), protocol, identity), now)

    def ask(
        self,
        message: bytes,
        host: str = ALICE,
        now: float = NOW,
        protocol: Protocol = Protocol.UDP,
        identity: str = "",
    ) -> bytes | None:
        reply = self.verdict(message, host, now, protocol, identity)
        assert not isinstance(reply, Later)
        self.octets_in += len(message)
        self.octets_out += len(reply or b"")
        return reply


def rcode(reply: bytes | None) -> int:
    assert reply is not None
    return replies.read_reply(reply).rcode


def is_cut(reply: bytes | None) -> bool:
    return reply is not None and bool(reply[2] & 2)


def is_whole(reply: bytes | None) -> bool:
    return reply is not None and len(reply) > 900


def freely(rate: int = 200, *clients: NamedClient, is_dry: bool = False) -> LimitSettings:
    """Limit rates alone."""
    return LimitSettings(rate, NOBODY_COUNTED, clients, is_dry)


# --- reflection ------------------------------------------------------------


@pytest.mark.parametrize("is_ready", [False, True])
@pytest.mark.parametrize(("rate", "most"), [(25, 3.0), (100, 3.0), (190, 3.0), (2_000, 0.5), (10_000, 0.5)])
def test_what_goes_back_to_an_address_that_nothing_proves(rate: int, most: float, is_ready: bool) -> None:
    """Above 20 a second three times the octets at most, at ten times the rate of 200 half of them."""
    packets = Packets()
    message = question()
    if is_ready:
        query = wire.read_query(message)
        reply = long_answer(message, Caller(Endpoint(ALICE, 1), Protocol.UDP), NOW)
        assert isinstance(query, Query)
        assert isinstance(reply, bytes)
        packets.put(query.plain(), query.unaddressed(reply), NOW + 10_000, TTLS_STAY)
    server = Server(freely(), fast=Front(packets, Cookies(RollingSecrets(b"m" * 32))))
    for number in range(min(rate * 60, 60_000)):
        server.ask(message, now=NOW + number / rate)
    assert server.octets_out / server.octets_in <= most
    assert server.octets_out / server.octets_in > 0.2, "and everybody is told something"


@pytest.mark.parametrize("options", [(), ((10, CLIENT),), ((10, bytes(24)),), ((10, bytes(40)),)])
def test_a_flood_that_shows_cookies_of_others_brings_no_more(options: Iterable[tuple[int, bytes]]) -> None:
    for rate, most in ((100, 3.0), (2_000, 0.5)):
        server = Server(freely())
        for number in range(min(rate * 60, 40_000)):
            server.ask(question(0, *options), now=NOW + number / rate)
        assert server.octets_out / server.octets_in <= most


def test_below_twenty_a_second_everybody_gets_whole_answers() -> None:
    server = Server(freely())
    assert all(is_whole(server.ask(question(), now=NOW + n / (SMALL_RATE - 1))) for n in range(1_000))


def test_whoever_proves_an_address_gets_whole_answers_up_to_the_rate() -> None:
    server = Server(freely())
    message = question(0, server.cookie(ALICE))
    assert all(is_whole(server.ask(message, now=NOW + n / 190)) for n in range(190 * 60))


def test_a_replayed_cookie_proves_nothing_at_another_address() -> None:
    server = Server(freely())
    message = question(0, server.cookie(ALICE))
    for _ in range(SMALL_RATE * BURST_SECONDS):
        server.ask(message, BOB)
    reply = server.ask(message, BOB)
    assert rcode(reply) == Rcode.BADCOOKIE
    assert is_whole(server.ask(message, ALICE))
    assert reply is not None
    back = (10, replies_cookie(reply))
    assert is_whole(server.ask(question(0, back), BOB)), "the cookie that came with it does"


def replies_cookie(reply: bytes) -> bytes:
    assert reply[-28:-24] == b"\0\x0a\0\x18"
    return reply[-24:]


def test_a_flood_in_somebodys_name_does_not_reach_who_proves_it() -> None:
    server = Server(freely())
    for number in range(20_000):
        server.ask(question(number), now=NOW + number / 20_000)
    assert is_whole(server.ask(question(0, server.cookie(ALICE)), now=NOW + 1))
    assert is_whole(server.ask(question(), now=NOW + 1, protocol=Protocol.TCP))
    assert any(is_cut(server.ask(question(), now=NOW + 1)) for _ in range(4)), "without a proof one is told how"


def test_ten_times_the_load_from_invented_addresses_leaves_honest_ones_their_answers() -> None:
    """Half of them at least, by way of a stream for those without a cookie; nine of ten with one."""
    server, rng = Server(freely()), random.Random(1)
    honest = [f"10.{n}.0.1" for n in range(100)]
    got = {True: 0, False: 0}
    for second in range(20):
        for _ in range(10 * len(honest)):
            server.ask(question(), str(ip_address(rng.randrange(1 << 30, 1 << 31))), NOW + second)
        for host in honest:
            for has_cookie in (True, False):
                options = [server.cookie(host, NOW + second)] if has_cookie else []
                reply = server.ask(question(0, *options), host, NOW + second)
                if is_cut(reply):
                    reply = server.ask(question(), host, NOW + second, Protocol.TCP)
                got[has_cookie] += is_whole(reply)
    assert got[True] >= 0.9 * 20 * len(honest)
    assert got[False] >= 0.5 * 20 * len(honest)


def test_one_who_floods_leaves_all_others_alone() -> None:
    server = Server(freely())
    whole = 0
    for second in range(20):
        for n in range(2_000):
            server.ask(question(), "203.0.113.5", NOW + second + n / 2_000)
        whole += sum(is_whole(server.ask(question(), f"10.{n}.0.1", NOW + second)) for n in range(10))
    assert whole == 200


# --- cookies ------------------------------------------------------------


@pytest.mark.parametrize("protocol", list(Protocol))
def test_every_answer_to_a_cookie_has_one(protocol: Protocol) -> None:
    server = Server(freely())
    first = server.ask(question(0, (10, CLIENT)), protocol=protocol)
    assert first is not None
    cookie = replies_cookie(first)
    assert cookie[:8] == CLIENT
    assert is_whole(first)
    again = server.ask(question(0, (10, cookie)), protocol=protocol)
    assert again is not None
    assert replies_cookie(again) == cookie
    none = server.ask(question(), protocol=protocol)
    assert none is not None
    assert len(none) == len(first) - 28
    assert rcode(server.ask(question(0, (10, b"short")), protocol=protocol)) == Rcode.FORMERR


async def test_an_answer_that_comes_later_has_one_too() -> None:
    async def work() -> bytes | None:
        reply = long_answer(question(0, (10, CLIENT)), Caller(Endpoint(ALICE, 1), Protocol.UDP), NOW)
        assert isinstance(reply, bytes)
        return reply

    server = Server(freely(), lambda *_: Later(work))
    for protocol in Protocol:
        later = server.verdict(question(0, (10, CLIENT)), protocol=protocol)
        assert isinstance(later, Later)
        reply = await later.work()
        assert reply is not None
        assert replies_cookie(reply)[:8] == CLIENT


def test_a_cookie_may_be_asked_for_alone() -> None:
    server = Server(freely())
    for protocol in (Protocol.UDP, Protocol.TCP):
        reply = server.ask(alone(CLIENT), protocol=protocol)
        assert reply is not None
        cookie = replies_cookie(reply)
        assert reply[3] & 15 == 0
        good = server.ask(alone(cookie), protocol=protocol)
        assert good is not None
        assert good[3] & 15 == 0
        bad = server.ask(alone(cookie), BOB, protocol=protocol)
        assert bad is not None
        assert (bad[3] & 15, bad[17]) == (Rcode.BADCOOKIE & 15, Rcode.BADCOOKIE >> 4)


# --- budgets ------------------------------------------------------------

TEN = LimitSettings(MAX_RATE, Quota(100, 1_000))


def errors(reply: bytes | None) -> tuple[tuple[int, str], ...]:
    assert reply is not None
    return replies.read_reply(reply).errors


@pytest.mark.parametrize("protocol", [Protocol.UDP, Protocol.TCP, Protocol.HTTPS])
def test_over_its_budget_a_client_is_told_when_to_ask_again(protocol: Protocol) -> None:
    server = Server(TEN)
    cookie = [server.cookie(ALICE)] if protocol is Protocol.UDP else []
    got = [server.ask(question(n, *cookie), protocol=protocol) for n in range(105)]
    assert [is_whole(reply) for reply in got] == [True] * 100 + [False] * 5
    assert rcode(got[-1]) == Rcode.REFUSED
    ((code, text),) = errors(got[-1])
    assert code == Ede.PROHIBITED
    wait = int(text.split("retry after ")[1].split()[0])
    assert (NOW + wait) % 86_400 == 0
    assert is_whole(server.ask(question(7, *cookie), protocol=protocol)), "those asked before are answered"
    later = [server.cookie(ALICE, NOW + wait)] if cookie else []
    assert is_whole(server.ask(question(104, *later), now=NOW + wait, protocol=protocol))
    assert server.gate.counts()["over_budget"] == 5


@pytest.mark.parametrize("protocol", [Protocol.TLS, Protocol.HTTPS, Protocol.QUIC])
def test_what_is_refused_over_what_is_encrypted_is_padded(protocol: Protocol) -> None:
    for settings in (TEN, freely(1)):
        server = Server(settings)
        got = [server.ask(question(n), protocol=protocol) for n in range(105)]
        assert rcode(got[-1]) == Rcode.REFUSED
        assert len(got[-1] or b"") == padding.BLOCK
        assert errors(got[-1])[0][0] == Ede.PROHIBITED
        bare = Server(settings)
        in_plain = [bare.ask(question(n), protocol=Protocol.TCP) for n in range(105)]
        assert len(in_plain[-1] or b"") < padding.BLOCK


def test_letters_kinds_of_questions_and_other_options_make_nobody_new() -> None:
    server = Server(TEN)
    plain = question(1)
    for n in range(300):
        octets = bytearray(plain)
        octets[12 + n % 20] ^= 0x20 if chr(octets[12 + n % 20]).isalpha() else 0
        octets[-8:-6] = (512 + n).to_bytes(2, "big")
        server.ask(bytes(octets), protocol=Protocol.TCP)
    for other in (question(1, (12, bytes(9))), plain.replace(b"\xff\0\0\1", b"\xff\1\0\1")):
        server.ask(other, protocol=Protocol.TCP)
    assert server.budgets.charged == 1
    server.ask(plain.replace(b"\xff\0\0\1", b"\xff\2\0\1"), protocol=Protocol.TCP)
    assert server.budgets.charged == 1, "what zones say is public"


@pytest.mark.parametrize("protocol", [Protocol.UDP, Protocol.TCP, Protocol.HTTPS])
def test_no_option_hides_whom_a_question_is_about(protocol: Protocol) -> None:
    server = Server(TEN)
    disguise = (65_001, bytes(4) + b"\0\0\x29\x04\xd0" + bytes(6))
    cookie = [server.cookie(ALICE)] if protocol is Protocol.UDP else []
    got = [server.ask(question(n, *cookie, disguise), protocol=protocol) for n in range(150)]
    assert sum(is_whole(reply) for reply in got) == 100


def test_who_proves_no_address_is_told_to_and_loses_nothing() -> None:
    server = Server(TEN)
    forged = [server.ask(question(n), now=NOW + n / 10) for n in range(50)]
    share = 100 // UNPROVEN_SHARE
    assert all(is_whole(reply) for reply in forged[:share])
    assert all(is_cut(reply) for reply in forged[share:]), "told TC, never REFUSED"
    assert rcode(server.ask(question(49, (10, CLIENT)), now=NOW + 9)) == Rcode.BADCOOKIE
    assert is_whole(server.ask(question(49), protocol=Protocol.TCP, now=NOW + 9))
    assert is_whole(server.ask(question(49), now=NOW + 9)), "and from then on it is known"


def test_a_client_that_is_named_by_what_it_proves_has_its_own_budget() -> None:
    big = NamedClient("big", (), "big.example", MAX_RATE, Quota(300, 3_000))
    server = Server(LimitSettings(MAX_RATE, Quota(100, 1_000), (big,)))

    def answered(identity: str, host: str = ALICE) -> int:
        return sum(
            is_whole(server.ask(question(n), host, protocol=Protocol.TLS, identity=identity)) for n in range(400)
        )

    assert answered("big.example") == 300
    assert answered("big.example", BOB) == 300, "the same people"
    assert answered("") == 100
    assert answered("unknown.example", "203.0.113.1") == 100


def test_a_named_client_without_limits_has_none() -> None:
    free = NamedClient("free", (ip_network("192.0.2.0/24"),), rate=UNLIMITED)
    server = Server(LimitSettings(1, Quota(1, 1), (free,)))
    for protocol in (Protocol.UDP, Protocol.TCP):
        assert all(is_whole(server.ask(question(n), protocol=protocol)) for n in range(500))
    assert server.budgets.charged == 0


# --- rates over streams, and waiting ------------------------------------------------------------


def test_streams_have_a_rate_too() -> None:
    server = Server(freely(10))
    got = [server.ask(question(), protocol=Protocol.TCP) for _ in range(10 * STREAM_FACTOR * BURST_SECONDS + 5)]
    assert is_whole(got[-5])
    assert [rcode(reply) for reply in got[-4:]] == [Rcode.REFUSED] * 4
    assert "retry after 1 s" in errors(got[-1])[0][1]


def test_whoever_has_too_much_in_hand_is_sent_to_a_stream_and_gets_a_cookie() -> None:
    server = Server(freely(MAX_RATE), lambda *_: Later(trio.sleep_forever))
    later = server.verdict(question())
    assert isinstance(later, Later)
    assert is_cut(later.crowded())
    with_one = server.verdict(question(0, (10, CLIENT)))
    assert isinstance(with_one, Later)
    assert replies_cookie(with_one.crowded() or b"")[:8] == CLIENT
    assert server.gate.counts()["over_waiting"] == 2


def test_a_client_with_a_name_is_dropped_instead_as_it_is_not_to_open_streams_under_load() -> None:
    named = NamedClient("resolver", (ip_network(f"{ALICE}/32"),))
    server = Server(freely(MAX_RATE, named), lambda *_: Later(trio.sleep_forever))
    later = server.verdict(question())
    assert isinstance(later, Later)
    assert later.crowded() is None


async def test_a_late_answer_that_is_too_long_is_cut_too() -> None:
    async def work() -> bytes | None:
        reply = long_answer(question(), Caller(Endpoint(ALICE, 1), Protocol.UDP), NOW)
        assert isinstance(reply, bytes)
        return reply

    async def nothing() -> bytes | None:
        return None

    server = Server(freely(), lambda *_: Later(work))
    laters = [server.verdict(question()) for _ in range(SMALL_RATE * BURST_SECONDS + 1)]
    later = laters[-1]
    assert isinstance(later, Later)
    reply = await later.work()
    assert is_cut(reply)
    assert len(reply or b"") <= SMALL_FACTOR * len(question())
    silent = Server(freely(), lambda *_: Later(nothing)).verdict(question(0, (10, CLIENT)))
    assert isinstance(silent, Later)
    assert await silent.work() is None


def test_handshakes_of_one_address_are_limited_and_others_let_in(caplog: pytest.LogCaptureFixture) -> None:
    server = Server(freely(30))
    most = 30 * STREAM_FACTOR // HANDSHAKE * BURST_SECONDS + 1
    assert sum(server.gate.admit(ALICE, NOW) for _ in range(1_000)) == most
    assert server.gate.admit(BOB, NOW)
    assert is_whole(server.ask(question(), protocol=Protocol.TLS)), "a connection that is open is answered"
    assert server.gate.counts()["over_handshake_rate"] == 1_000 - most
    assert [record.message for record in caplog.records] == [
        "event=limited why=handshake_rate client=192.0.2.7 count=1"
    ]


def test_what_is_begun_in_somebody_s_name_is_neither_counted_nor_told(caplog: pytest.LogCaptureFixture) -> None:
    server = Server(freely(30))
    assert all(server.gate.admit(ALICE, NOW, is_proven=False) for _ in range(1_000))
    while server.gate.admit(ALICE, NOW):
        pass
    assert not server.gate.admit(ALICE, NOW, is_proven=False)
    assert server.gate.counts()["over_handshake_rate"] == 1
    assert len(caplog.records) == 1


# --- dry, and hostile ------------------------------------------------------------


def test_dry_all_is_counted_and_nothing_refused(caplog: pytest.LogCaptureFixture) -> None:
    server = Server(LimitSettings(1, Quota(20, 20), is_dry_run=True))
    for n in range(1_000):
        for protocol in (Protocol.UDP, Protocol.TCP):
            assert is_whole(server.ask(question(n), protocol=protocol))
    assert all(server.gate.admit(ALICE, NOW) for _ in range(1_000))
    counts = server.gate.counts()
    assert min(counts[f"over_{why}"] for why in ("rate", "stream_rate", "handshake_rate", "budget")) > 100
    assert counts["over_unproven_budget"] > 100
    lines = [record.message for record in caplog.records]
    assert "event=limited why=rate client=192.0.2.7 count=1 dry_run=yes" in lines
    assert len(lines) < 10, "a line a minute for each kind"


def test_a_line_a_minute_says_how_many_there_were(caplog: pytest.LogCaptureFixture) -> None:
    server = Server(freely(1))
    for minute in range(3):
        for _ in range(100):
            server.ask(question(), now=NOW + 61 * minute)
    lines = [record.message for record in caplog.records if "why=rate" in record.message]
    assert len(lines) == 3
    assert lines[1].startswith("event=limited why=rate client=192.0.2.7 count=")
    assert int(lines[1].split("count=")[1].split()[0]) > 90


def test_no_octets_break_the_gate() -> None:
    rng = random.Random(5)
    settings = (LimitSettings(2, Quota(3, 5)), LimitSettings(2, Quota(3, 5), is_dry_run=True), freely(1))
    servers = [Server(one, lambda message, *_: wire.servfail(message)) for one in settings]
    for _ in range(3_000):
        message = bytearray(rng.choice([question(1), question(2, (10, CLIENT)), alone(CLIENT), rng.randbytes(60)]))
        for _ in range(rng.randrange(4)):
            message[rng.randrange(len(message))] = rng.randrange(256)
        del message[rng.randrange(len(message) + 1) if rng.random() < 0.2 else len(message) :]
        for server in servers:
            for protocol in (Protocol.UDP, Protocol.TCP):
                server.verdict(bytes(message), protocol=protocol)


def test_a_bug_behind_the_gate_costs_one_answer(caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: object) -> Verdict:
        raise RuntimeError("a bug")

    server = Server(freely(), broken)
    assert rcode(server.ask(question())) == Rcode.SERVFAIL
    assert "event=bug-in-gate" in caplog.text


def test_what_a_token_pays_for_is_charged_to_nobody() -> None:
    server = Server(LimitSettings(quota=Quota(3, 30)))
    paying = Caller(Endpoint(ALICE, 4_242), Protocol.HTTPS, is_paid=True)
    for number in range(10):
        assert is_whole(cast("bytes", server.gate.handle(question(number), paying, NOW)))
    for number in range(10, 13):
        assert is_whole(server.ask(question(number), protocol=Protocol.HTTPS))
    assert rcode(server.ask(question(13), protocol=Protocol.HTTPS)) == Rcode.REFUSED
    assert is_whole(cast("bytes", server.gate.handle(question(13), paying, NOW)))
