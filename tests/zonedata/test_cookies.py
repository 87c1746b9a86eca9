"""DNS cookies: RFC 9018's own examples, and what is taken for a cookie and what not."""

from ipaddress import ip_address

import dns.edns
import dns.message
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonedata import names, wire
from zonedata.cookies import (
    COOKIES,
    MAX_AGE,
    MAX_AHEAD,
    MAX_SEEN,
    RENEWED_AGE,
    ROLL_SECONDS,
    Cookies,
    RollingSecrets,
    Secrets,
    add_cookie,
    answer_alone,
    asked_alone,
    with_cookie,
)
from zonedata.packets import TTLS_STAY, Packets, asked_in, cookie_in, plain_form, ready_reply
from zonedata.wire import COOKIE_ROOM, Ede, QType, Query, Rcode, Rejected, Reply

SECRET = bytes.fromhex("e5e973e5a6b2a43f48e7dc849e37bfcf")
OLD, NEW = bytes.fromhex("dd3bdf9344b678b185a6f5cb60fca715"), bytes.fromhex("445536bcd2513298075a5d379663c962")
CLIENT = bytes.fromhex("2464c4abcf10c957")
ALICE = ip_address("198.51.100.100").packed
BOB = ip_address("203.0.113.203").packed
SIX = ip_address("2001:db8:220:1:59de:d0f4:8769:82b8").packed
LEARNT = bytes.fromhex("2464c4abcf10c957010000005cf79f111f8130c3eee29480")
START = 1_559_731_985.0
APEX = names.from_text("fingerpost.internal.")
OWNER = names.from_text("5.1.4.1.e164.")

# --- RFC 9018, appendix A --------------------------------------------------------------------------------------


def test_a_new_server_cookie_is_learnt() -> None:
    assert Cookies(Secrets(SECRET)).read(CLIENT, ALICE, START) == (False, LEARNT)


def test_the_same_client_learns_a_renewed_one() -> None:
    renewed = bytes.fromhex("2464c4abcf10c957010000005cf7a871d4a564a1442aca77")
    assert Cookies(Secrets(SECRET)).read(LEARNT, ALICE, 1_559_734_385) == (True, renewed)


def test_another_client_whose_reserved_octets_are_not_zero() -> None:
    shown = bytes.fromhex("fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5")
    renewed = bytes.fromhex("fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e")
    cookies = Cookies(Secrets(SECRET))
    assert cookies.read(shown, BOB, 1_559_734_700) == (False, renewed), "by then it is too old to prove anything"
    assert cookies.read(shown, BOB, 0x5CF78F71 + MAX_AGE)[0]
    assert not cookies.read(shown[:11] + b"\0" + shown[12:], BOB, 0x5CF78F71)[0], "they are hashed as they came"


def test_an_ipv6_client_after_the_secret_has_changed() -> None:
    shown = bytes.fromhex("22681ab97d52c298010000005cf7c57926556bd0934c72f8")
    renewed = bytes.fromhex("22681ab97d52c298010000005cf7c609a6bb79d16625507a")
    assert Cookies(Secrets(NEW, (OLD,))).read(shown, SIX, 1_559_741_961) == (True, renewed)
    assert Cookies(Secrets(NEW)).read(shown, SIX, 1_559_741_961) == (False, renewed)
    assert Cookies(Secrets(OLD, (NEW,))).read(shown, SIX, 1_559_741_961) == (True, shown)


# --- what proves an address ------------------------------------------------------------


def test_a_cookie_proves_one_address_with_one_client_cookie_for_an_hour() -> None:
    cookies = Cookies(Secrets(SECRET))
    for _ in range(2):  # the second time out of memory
        assert cookies.read(LEARNT, ALICE, START) == (True, LEARNT)
        assert not cookies.read(LEARNT, BOB, START)[0], "replayed from another address"
        assert not cookies.read(LEARNT[:-1] + b"\0", ALICE, START)[0]
        assert not cookies.read(b"\0" + LEARNT[1:], ALICE, START)[0]
    assert cookies.read(LEARNT, ALICE, START + RENEWED_AGE) == (True, LEARNT)
    proven, renewed = cookies.read(LEARNT, ALICE, START + RENEWED_AGE + 1)
    assert proven
    assert renewed != LEARNT
    assert renewed[:8] == CLIENT
    assert cookies.read(LEARNT, ALICE, START + MAX_AGE)[0]
    assert not cookies.read(LEARNT, ALICE, START + MAX_AGE + 1)[0]
    assert Cookies(Secrets(SECRET)).read(LEARNT, ALICE, START - MAX_AHEAD)[0], "another server's clock is ahead"
    assert not Cookies(Secrets(SECRET)).read(LEARNT, ALICE, START - MAX_AHEAD - 1)[0]


@pytest.mark.parametrize(
    "cookie", [CLIENT, LEARNT[:16], LEARNT + b"\0", LEARNT + bytes(16), CLIENT + b"\2" + LEARNT[9:]]
)
def test_what_is_no_cookie_of_ours_proves_nothing(cookie: bytes) -> None:
    assert Cookies(Secrets(SECRET)).read(cookie, ALICE, START) == (False, LEARNT)


def test_a_cookie_of_ones_own_with_half_an_address_behind_it_proves_no_other() -> None:
    """Somebody at an IPv6 address that ends in the victim's IPv4 address; memory must not mix them up."""
    cookies = Cookies(Secrets(SECRET))
    own = SIX[:12] + ALICE
    learnt = cookies.read(CLIENT, own, START)[1]
    assert cookies.read(learnt, own, START)[0]
    forged = learnt + own[:12]
    assert forged + ALICE == learnt + own
    assert cookies.read(forged, ALICE, START) == (False, LEARNT)


def test_times_past_2106_are_compared_as_serial_numbers() -> None:
    cookies = Cookies(Secrets(SECRET))
    made = cookies.read(CLIENT, ALICE, 2.0**32 - 10)[1]
    assert cookies.read(made, ALICE, 2.0**32 + 100)[0]
    assert not cookies.read(made, ALICE, 2.0**32 + MAX_AGE)[0]


def test_rolling_secrets_agree_and_let_cookies_live_over_a_change() -> None:
    one, other = (Cookies(RollingSecrets(b"m" * 32)) for _ in range(2))
    before = 20_000.0 * ROLL_SECONDS - 60
    made = one.read(CLIENT, ALICE, before)[1]
    assert other.read(made, ALICE, before + 1)[0]
    proven, renewed = Cookies(RollingSecrets(b"m" * 32)).read(made, ALICE, before + 120)
    assert proven
    assert renewed != made, "the day's own secret makes the next one"
    assert one.read(renewed, ALICE, before + 180)[0]
    assert not Cookies(RollingSecrets(b"n" * 32)).read(made, ALICE, before)[0]


def test_what_is_remembered_is_bounded_and_ends_with_the_secrets() -> None:
    cookies = Cookies(Secrets(SECRET))
    for number in range(MAX_SEEN + 5):
        client = number.to_bytes(8, "big")
        assert cookies.read(cookies.read(client, ALICE, START)[1], ALICE, START)[0]
    assert len(cookies._seen) <= MAX_SEEN
    made = cookies.read(CLIENT, ALICE, START)[1]
    assert cookies.read(made, ALICE, START)[0]
    cookies.take_over(Secrets(NEW))
    assert not cookies.read(made, ALICE, START)[0]


@given(st.binary(min_size=8, max_size=40), st.sampled_from([ALICE, SIX]), st.floats(0, 2**33))
def test_no_cookie_breaks_anything(cookie: bytes, source: bytes, now: float) -> None:
    proven, back = Cookies(RollingSecrets(b"m" * 32)).read(cookie, source, now)
    assert not proven
    assert len(back) == COOKIES
    assert back[:8] == cookie[:8]


# --- in messages ------------------------------------------------------------


def asking(*options: tuple[int, bytes], size: int = 1_232, qtype: int = QType.CSI) -> bytes:
    """A question with options."""
    plain = wire.query_wire(OWNER, APEX, qtype, 7, wire.FLAG_RD)
    octets = b"".join(code.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data for code, data in options)
    return plain[:-8] + size.to_bytes(2, "big") + bytes(4) + len(octets).to_bytes(2, "big") + octets


@pytest.mark.parametrize("length", [0, 1, 7, 9, 15, 41, 60])
def test_a_malformed_cookie_is_a_malformed_message(length: int) -> None:
    message = asking((10, bytes(length)))
    read = wire.read_query(message)
    assert isinstance(read, Rejected)
    assert read.reply is not None
    assert read.reply[3] & 15 == Rcode.FORMERR
    assert plain_form(message) is None
    assert cookie_in(message) == b""


@pytest.mark.parametrize("length", [8, 16, 24, 40])
def test_of_several_cookies_the_first_counts(length: int) -> None:
    first = bytes(range(length))
    for message in (asking((10, first)), asking((12, bytes(30)), (10, first), (10, b"x"))):
        read = wire.read_query(message)
        assert isinstance(read, Query)
        assert read.cookie == first
        plain = plain_form(message)
        assert plain is not None
        assert plain[2] == first == cookie_in(message)
        assert plain[0] == read.plain()
        assert asked_in(message) == (names.to_wire(OWNER, APEX), first)


@pytest.mark.parametrize(("size", "room"), [(0, 484), (512, 484), (600, 572), (1_232, 1_204), (4_096, 1_204)])
def test_the_reply_to_a_cookie_leaves_room_for_one(size: int, room: int) -> None:
    message = asking((10, CLIENT), size=size)
    read = wire.read_query(message)
    assert isinstance(read, Query)
    assert read.room(in_datagram=True) == room
    plain = plain_form(message)
    assert plain is not None
    assert plain[0] == read.plain()


@pytest.mark.parametrize("before", [b"", QType.CSI.to_bytes(2, "big") + b"\0\1", b"\0\xff\0\0\1", bytes(40)])
def test_an_option_that_looks_like_the_end_of_a_plain_question_hides_nobody(before: bytes) -> None:
    """Or whoever appends one could ask about everybody and be charged for nobody."""
    for size in (512, 1_232):
        record = b"\0\0\x29" + size.to_bytes(2, "big") + bytes(6)
        message = asking((65_001, before + record))
        assert isinstance(wire.read_query(message), Query)
        assert asked_in(message) == (names.to_wire(OWNER, APEX), b"")
        with_cookie = asking((10, CLIENT), (65_001, before + record))
        assert asked_in(with_cookie) == (names.to_wire(OWNER, APEX), CLIENT)
        assert cookie_in(with_cookie) == CLIENT


@given(st.binary(max_size=60), st.integers(0, 65_535), st.sampled_from([QType.CSI, QType.ZONE, 1, 6]))
def test_both_readings_of_a_question_agree_on_its_cookie(tail: bytes, size: int, qtype: int) -> None:
    message = asking(size=size, qtype=qtype)[:-2] + len(tail).to_bytes(2, "big") + tail
    read = wire.read_query(message)
    plain = plain_form(message)
    if isinstance(read, Rejected):
        assert plain is None
        assert cookie_in(message) == b""
        return
    assert cookie_in(message) == read.cookie
    assert asked_in(message) == (names.to_wire(OWNER, APEX) if qtype == QType.CSI else b"", read.cookie)
    if qtype >= 0xFF00:
        assert plain is not None
        assert (plain[0], plain[2]) == (read.plain(), read.cookie)


@pytest.mark.parametrize(
    "errors", [[], [(Ede.STALE, "")], [(Ede.BOGUS, "refused: a.example"), (Ede.OTHER, "é" * 50)]]
)
@pytest.mark.parametrize("rcode", [Rcode.NOERROR, Rcode.REFUSED, Rcode.BADCOOKIE])
def test_a_cookie_stands_behind_what_the_reply_says_already(errors: list[tuple[Ede, str]], rcode: Rcode) -> None:
    read = wire.read_query(asking((10, CLIENT)))
    assert isinstance(read, Query)
    reply = Reply(rcode, answer=[wire.record(QType.CSI, 60, b"data")], errors=errors).to_wire(read, 1_204)
    whole = with_cookie(reply, LEARNT)
    outbox = memoryview(bytearray(b"\xaa" * 3 + reply + b"\xaa" * 50))
    octets = add_cookie(outbox, 3, len(reply), LEARNT)
    assert bytes(outbox[3 : 3 + octets]) == whole
    assert len(whole) == len(reply) + COOKIE_ROOM
    theirs = dns.message.from_wire(whole)
    assert theirs.rcode() == int(rcode)
    assert [option for option in theirs.options if isinstance(option, dns.edns.CookieOption)] == [
        dns.edns.CookieOption(LEARNT[:8], LEARNT[8:])
    ]
    assert len(theirs.options) == len(errors) + 1


def test_a_reply_without_edns_stays_as_it_is() -> None:
    plain = wire.query_wire(OWNER, APEX, QType.CSI, 7)
    read = wire.read_query(plain[:11] + b"\0" + plain[12:-11])
    assert isinstance(read, Query)
    reply = Reply(answer=[wire.record(QType.CSI, 60, wire.OPT[:5] + b"x")]).to_wire(read, 500)
    assert with_cookie(reply, LEARNT) == reply
    outbox = memoryview(bytearray(reply + bytes(60)))
    assert add_cookie(outbox, 0, len(reply), LEARNT) == len(reply)
    assert bytes(outbox[: len(reply)]) == reply


@pytest.mark.parametrize(("octets", "grows"), [(wire.MAX_STREAM - COOKIE_ROOM, True), (wire.MAX_STREAM, False)])
def test_no_reply_grows_beyond_what_a_stream_carries(octets: int, grows: bool) -> None:
    read = wire.read_query(asking((10, CLIENT)))
    assert isinstance(read, Query)
    empty = len(Reply(answer=[wire.record(QType.CSI, 60, b"")]).to_wire(read, wire.MAX_STREAM))
    reply = Reply(answer=[wire.record(QType.CSI, 60, bytes(octets - empty))]).to_wire(read, wire.MAX_STREAM)
    assert len(reply) == octets
    assert (with_cookie(reply, LEARNT) != reply) == grows


def test_a_ready_reply_carries_the_cookie() -> None:
    packets, cookies = Packets(), Cookies(Secrets(SECRET))
    message = asking((10, CLIENT))
    read = wire.read_query(message)
    assert isinstance(read, Query)
    reply = Reply(answer=[wire.record(QType.CSI, 60, b"data")]).to_wire(read, 1_204)
    packets.put(read.plain(), read.unaddressed(reply), START + 9, TTLS_STAY)
    outbox = memoryview(bytearray(1_500))
    octets = ready_reply(packets, cookies, memoryview(message), 0, len(message), ALICE, outbox, 0, START)
    assert bytes(outbox[:octets]) == with_cookie(reply, LEARNT)
    plain = asking()
    assert ready_reply(packets, cookies, memoryview(plain), 0, len(plain), ALICE, outbox, 0, START) == 0


# --- asked for a cookie alone ------------------------------------------------------------


def alone(cookie: bytes, flags: bytes = b"\1\0") -> bytes:
    """A query without a question."""
    option = b"\0\x0a" + len(cookie).to_bytes(2, "big") + cookie
    opt = b"\0\0\x29\x04\xd0" + bytes(4) + len(option).to_bytes(2, "big") + option
    return b"\1\2" + flags + b"\0\0\0\0\0\0\0\1" + opt


def test_whoever_asks_for_a_cookie_alone_gets_one() -> None:
    assert asked_alone(alone(CLIENT)) == CLIENT
    theirs = dns.message.from_wire(answer_alone(alone(CLIENT), LEARNT, is_refused=False))
    assert theirs.rcode() == 0
    assert not theirs.question
    assert theirs.options == (dns.edns.CookieOption(LEARNT[:8], LEARNT[8:]),)
    refused = dns.message.from_wire(answer_alone(alone(LEARNT), LEARNT, is_refused=True))
    assert int(refused.rcode()) == int(Rcode.BADCOOKIE)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        alone(b""),
        alone(b"1234567"),
        alone(CLIENT) + b"\0",
        alone(CLIENT)[:-1],
        alone(CLIENT, b"\x81\0"),
        alone(CLIENT, b"\x28\0"),
        asking((10, CLIENT)),
        alone(CLIENT)[:18] + b"\1" + alone(CLIENT)[19:],
    ],
)
def test_what_does_not_ask_for_a_cookie_alone(message: bytes) -> None:
    assert asked_alone(message) is None


@given(st.binary(max_size=80))
def test_any_octets_may_be_asked_alone(octets: bytes) -> None:
    for message in (octets, alone(CLIENT)[:12] + octets):
        cookie = asked_alone(message)
        assert cookie is None or len(cookie) == 8 or 16 <= len(cookie) <= 40
