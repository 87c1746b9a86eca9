"""An authority's messages, read by our reader and by dnspython."""

import logging
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from root.engine import DENIAL_TTL, Engine
from root.service import NEGATIVE_TTL, Service
from root.signing import ASSERTION_LIFE, ASSERTION_TTL, ZONE_LIFE
from tests.root.builders import (
    APEX,
    NOW,
    SERIAL,
    binding,
    people_engine,
    person,
    read,
    service,
    zone_engine,
)
from transport.endpoint import Endpoint
from transport.handler import Caller, Protocol
from zonedata import names, replies, wire
from zonedata.identifiers import node_from_text
from zonedata.kinds import Kind, Role
from zonedata.names import ROOT, Name
from zonedata.padding import QUERY_BLOCK
from zonedata.replies import Received
from zonedata.wire import FLAG_AA, FLAG_RD, FLAG_TC, Ede, QType, Rcode, Section

UDP, TCP = (Caller(Endpoint("192.0.2.7", 4_000), protocol) for protocol in (Protocol.UDP, Protocol.TCP))
ZONE = service(
    zone_engine(
        f"zone .\n{binding('a.example')}{binding('b.example')}"
        "delegate +1 a.example msp\ndelegate +1415 b.example msp\n",
        versions=2,
    )
)
PEOPLE = service(people_engine([person("+14155550123")]))
NUMBER, NOBODY = node_from_text("+14155550123"), node_from_text("+14155550124")
AD = 0x0020


def ask(to: Service, message: bytes, caller: Caller = TCP, now: float = NOW) -> Received:
    """Ask, compare with dnspython's reading, and return ours."""
    reply = to.handle(message, caller, now)
    assert isinstance(reply, bytes)
    assert replies.answers(reply, message)
    received = replies.read_reply(reply)
    theirs = dns.message.from_wire(reply)
    counts = [
        sum(len(rrset) for rrset in section) for section in (theirs.answer, theirs.authority, theirs.additional)
    ]
    ours = [len({r.rdata for r in received.records if r.section is section}) for section in Section]
    assert counts == ours
    assert theirs.rcode() == received.rcode
    return received


def about(name: Name, qtype: int = QType.CSI, flags: int = 0) -> bytes:
    return wire.query_wire(name, APEX, qtype, 0x5A5A, flags)


def without_edns(message: bytes) -> bytes:
    return message[:11] + b"\0" + message[12:-11]


def kinds(received: Received, section: Section) -> list[str]:
    return [
        "SOA" if record.rtype == wire.TYPE_SOA else read(record.rdata).kind.name
        for record in received.records
        if record.section is section
    ]


def laid_out(received: Received) -> tuple[list[str], list[str], list[str]]:
    answer, authority, additional = (kinds(received, section) for section in Section)
    return answer, authority, additional


# --- zones -------------------------------------------------------------------------------------------------


def test_a_referral_is_not_authoritative_and_has_its_path_in_authority() -> None:
    for qtype in (QType.CSI, QType.PROOF):
        received = ask(ZONE, about(NUMBER, qtype))
        assert (received.rcode, received.flags & FLAG_AA) == (Rcode.NOERROR, 0)
        assert laid_out(received) == ([], ["GAP", "DELEGATION", "DELEGATION"], ["AUTHORITY", "AUTHORITY"])
        assert {record.rtype for record in received.records} == {QType.ZONE}


def test_zone_questions_are_answered_with_authority() -> None:
    received = ask(ZONE, about(NUMBER, QType.ZONE))
    assert received.flags & FLAG_AA
    assert laid_out(received) == (["GAP", "DELEGATION", "DELEGATION"], [], ["AUTHORITY", "AUTHORITY"])
    received = ask(ZONE, about(names.from_text("a.example.authority."), QType.ZONE))
    assert laid_out(received) == (["AUTHORITY"], [], [])
    received = ask(ZONE, about(names.from_text("x.example.authority."), QType.ZONE))
    assert laid_out(received) == (["GAP"], [], [])
    for text, kind in (("1.rootkeys.", "ROOTKEYS"), ("rootkeys.", "ROOTKEYS"), ("zonedigest.", "ZONEDIGEST")):
        assert laid_out(ask(ZONE, about(names.from_text(text), QType.ZONE))) == ([kind], [], [])


def test_what_does_not_fit_in_a_datagram_is_whole_over_a_stream() -> None:
    bindings = "".join(binding(f"m{n}.example") + f"delegate +1 m{n}.example msp\n" for n in range(12))
    root = service(zone_engine(f"zone .\n{bindings}"))
    whole = ask(root, about(NUMBER, QType.ZONE), TCP)
    assert not whole.is_truncated
    assert len(kinds(whole, Section.ADDITIONAL)) == 12
    cut = ask(root, about(NUMBER, QType.ZONE), UDP)
    assert cut.is_truncated
    assert cut.records == ()
    assert cut.flags & ~FLAG_TC == whole.flags


def test_a_zone_question_is_whole_or_truncated_where_a_referral_leaves_bindings_out() -> None:
    bindings = "".join(binding(f"m{n}.example") for n in range(3))
    root = service(
        zone_engine(f"zone .\n{bindings}" + "".join(f"delegate +1 m{n}.example msp\n" for n in range(3)))
    )
    received = ask(root, about(NUMBER, QType.ZONE), UDP)
    assert received.is_truncated
    received = ask(root, about(NUMBER, QType.CSI), UDP)
    assert not received.is_truncated
    answer, authority, additional = laid_out(received)
    assert (answer, authority) == ([], ["GAP", "DELEGATION"])
    assert 0 < len(additional) < 3


# --- people ------------------------------------------------------------------------------------------------


def test_an_assertion_is_the_answer() -> None:
    for qtype in (QType.CSI, QType.PROOF):
        received = ask(PEOPLE, about(NUMBER, qtype, FLAG_RD))
        assert received.flags & (FLAG_AA | FLAG_RD | wire.FLAG_RA | AD) == FLAG_AA | FLAG_RD
        assert laid_out(received) == (["ASSERTION"], [], [])
        [record] = received.records
        assert (record.rtype, record.ttl) == (qtype, ASSERTION_TTL)


def test_a_denial_stands_where_its_type_has_it_and_absence_is_never_nxdomain() -> None:
    received = ask(PEOPLE, about(NOBODY))
    assert (received.rcode, received.flags & FLAG_AA) == (Rcode.NOERROR, FLAG_AA)
    assert laid_out(received) == ([], ["DENIAL", "SOA"], [])
    denial, soa = received.records
    assert (denial.rtype, denial.ttl, soa.ttl) == (QType.CSI, DENIAL_TTL, NEGATIVE_TTL)
    received = ask(PEOPLE, about(NOBODY, QType.PROOF))
    assert laid_out(received) == (["DENIAL"], [], [])
    assert received.flags & FLAG_AA


def test_who_is_asked_in_two_roles_says_both() -> None:
    both = service(people_engine([person("+14155550123")], (Role.MSP, Role.CSIP)))
    assert laid_out(ask(both, about(NUMBER))) == (["ASSERTION"], ["DENIAL"], [])
    assert laid_out(ask(both, about(NUMBER, QType.PROOF))) == (["ASSERTION", "DENIAL"], [], [])
    assert laid_out(ask(both, about(NOBODY))) == ([], ["DENIAL", "DENIAL", "SOA"], [])


@pytest.mark.parametrize("to", [ZONE, PEOPLE], ids=["zone", "people"])
@pytest.mark.parametrize("qtype", [1, 28, 255])
def test_of_other_types_there_is_nothing_for_a_minute(to: Service, qtype: int) -> None:
    for name in (NUMBER, ROOT, node_from_text("+")):
        received = ask(to, about(name, qtype))
        assert (received.rcode, received.flags & FLAG_AA) == (Rcode.NOERROR, FLAG_AA)
        assert laid_out(received) == ([], ["SOA"], [])
        assert received.records[0].ttl == NEGATIVE_TTL


@pytest.mark.parametrize("to", [ZONE, PEOPLE], ids=["zone", "people"])
def test_the_apex_has_an_soa_with_the_serial(to: Service) -> None:
    received = ask(to, about(ROOT, wire.TYPE_SOA))
    assert received.flags & FLAG_AA
    assert laid_out(received) == (["SOA"], [], [])
    [soa] = dns.message.from_wire(cast("bytes", to.handle(about(ROOT, wire.TYPE_SOA), UDP, NOW))).answer[0]
    assert soa.serial == SERIAL
    assert laid_out(ask(to, about(NUMBER, wire.TYPE_SOA))) == ([], ["SOA"], [])


# --- what is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("another apex", wire.query_wire(NUMBER, names.from_text("other.internal."), QType.CSI, 1)),
        ("no apex", wire.query_wire(NUMBER, ROOT, QType.CSI, 1)),
        ("the root of the DNS", wire.query_wire(ROOT, ROOT, QType.CSI, 1)),
        ("a number of nobody here", about(node_from_text("+2"))),
        ("a name of no scheme", about(names.from_text("x.y."))),
        ("class CHAOS", about(NUMBER)[:-13] + b"\0\3" + about(NUMBER)[-11:]),
        ("class ANY", about(NUMBER)[:-13] + b"\0\xff" + about(NUMBER)[-11:]),
        ("version.bind", wire.query_wire(names.from_text("version.bind."), ROOT, 16, 1)),
    ],
)
def test_refused_with_the_reason(what: str, message: bytes) -> None:
    to = service(people_engine([person("+14155550123")], scope="+1"))
    received = ask(to, message)
    assert received.rcode == Rcode.REFUSED, what
    assert received.errors == ((Ede.NOT_AUTHORITATIVE, "not in a zone of a.example"),)
    assert received.records == ()
    assert not received.flags & FLAG_AA


def test_a_name_with_other_characters_is_no_name_of_ours() -> None:
    message = bytearray(about(NUMBER))
    message[13] = ord("*")
    assert ask(PEOPLE, bytes(message)).rcode == Rcode.REFUSED


def test_upper_case_asks_the_same_and_is_echoed() -> None:
    message = about(NUMBER)
    shouted = message[:12] + message[12:-15].upper() + message[-15:]
    assert shouted != message
    assert laid_out(ask(PEOPLE, shouted)) == (["ASSERTION"], [], [])


def test_what_does_not_pass_the_gate_is_answered_by_it() -> None:
    assert PEOPLE.handle(b"", UDP, NOW) is None
    assert PEOPLE.handle(about(NUMBER) + b"\0", UDP, NOW) == wire.read_query(about(NUMBER) + b"\0").reply  # type: ignore[union-attr]  # rejected
    notify = about(NUMBER)[:2] + b"\x20" + about(NUMBER)[3:]
    assert dns.message.from_wire(cast("bytes", PEOPLE.handle(notify, TCP, NOW))).rcode() == dns.rcode.NOTIMP


# --- sizes -------------------------------------------------------------------------------------------------


def sized(message: bytes, size: int) -> bytes:
    return message[:-8] + size.to_bytes(2, "big") + message[-6:]


def test_a_datagram_is_as_long_as_the_client_takes_and_never_longer_than_1232() -> None:
    message = about(NUMBER, QType.ZONE)
    root = service(zone_engine(f"zone .\n{binding('a.example')}delegate +1 a.example msp\n"))
    whole = cast("bytes", root.handle(message, TCP, NOW))
    assert 512 + 11 < len(whole) < wire.MAX_UDP
    for size in (0, 512, len(whole) - 1, len(whole), 1_232, 4_096, 65_535):
        reply = cast("bytes", root.handle(sized(message, size), UDP, NOW))
        assert len(reply) <= min(max(size, 512), 1_232)
        fits = len(whole) <= min(max(size, 512), 1_232)
        assert bool(reply[2] & 0x02) != fits, size
    assert root.handle(sized(message, 512), TCP, NOW) == whole
    cut = cast("bytes", root.handle(without_edns(message), UDP, NOW))
    assert cut[2] & 0x02
    assert len(cast("bytes", root.handle(without_edns(message), TCP, NOW))) == len(whole) - 11


def test_without_edns_a_datagram_has_512_octets_and_no_opt() -> None:
    message = without_edns(about(NUMBER))
    received = ask(PEOPLE, message, UDP)
    assert laid_out(received) == (["ASSERTION"], [], [])
    reply = cast("bytes", PEOPLE.handle(message, UDP, NOW))
    assert dns.message.from_wire(reply).edns == -1
    cut = cast("bytes", ZONE.handle(without_edns(about(NUMBER, QType.ZONE)), UDP, NOW))
    assert len(cut) == len(without_edns(about(NUMBER)))
    assert cut[2] & 0x02


# --- time --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("left", [1, 59, ASSERTION_TTL - 1, ASSERTION_TTL, ASSERTION_TTL + 1])
def test_a_ttl_never_outlives_the_statement(left: int) -> None:
    received = ask(PEOPLE, about(NUMBER), now=NOW + ASSERTION_LIFE - left)
    assert [record.ttl for record in received.records] == [min(left, ASSERTION_TTL)]


def test_what_has_expired_is_an_error_and_never_absence() -> None:
    questions = [
        (PEOPLE, about(NUMBER), NOW + ASSERTION_LIFE),
        (ZONE, about(NUMBER, QType.ZONE), NOW + ZONE_LIFE),
        (ZONE, about(NUMBER), NOW + ZONE_LIFE),
    ]
    for asked, question, then in questions:
        received = ask(asked, question, now=then)
        assert received.rcode == Rcode.SERVFAIL
        assert received.records == ()
        assert [code for code, _ in received.errors] == [Ede.EXPIRED]
        assert ask(asked, question, now=then - 1).rcode == Rcode.NOERROR
    received = ask(ZONE, about(names.from_text("rootkeys."), QType.ZONE), now=NOW + ZONE_LIFE)
    assert laid_out(received) == (["ROOTKEYS"], [], [])  # these live for a year


# --- the barrier -------------------------------------------------------------------------------------------


class _Broken:
    authority = "broken.example"
    serial = 1

    def answer(self, _name: Name, _qtype: int, _now: float) -> None:
        raise ZeroDivisionError


def test_a_bug_costs_one_answer_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    broken = Service(cast("Engine", _Broken()), APEX)
    message = about(NUMBER, flags=FLAG_RD)
    with caplog.at_level(logging.ERROR):
        reply = broken.handle(message, UDP, NOW)
    assert reply == message[:2] + b"\x81\x02" + bytes(8)
    [record] = caplog.records
    assert record.getMessage() == f"event=bug-in-handler authority=broken.example octets={len(message)}"
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


def test_cancellation_passes_the_barrier() -> None:
    class _Cancelled(_Broken):
        def answer(self, _name: Name, _qtype: int, _now: float) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Service(cast("Engine", _Cancelled()), APEX).handle(about(NUMBER), UDP, NOW)


_labels = st.lists(
    st.binary(min_size=1, max_size=8) | st.sampled_from([b"1", b"e164", b"mail", b"authority"]), max_size=8
)


@given(_labels, st.integers(0, 65_535), st.sampled_from([UDP, TCP]), st.sampled_from([ZONE, PEOPLE]))
def test_any_name_and_type_is_answered_well_formed(
    labels: list[bytes], qtype: int, caller: Caller, to: Service
) -> None:
    below = b"".join(bytes([len(one)]) + one for one in labels)
    message = about(ROOT, QType.CSI)
    message = message[:12] + below + message[12:-15] + qtype.to_bytes(2, "big") + message[-13:]
    reply = to.handle(message, caller, NOW)
    assert isinstance(reply, bytes)
    assert replies.read_reply(reply).rcode in {Rcode.NOERROR, Rcode.REFUSED}
    assert Kind.ROOTKEYS.name not in laid_out(replies.read_reply(reply))[1]


@pytest.mark.parametrize("to", [ZONE, PEOPLE])
def test_a_padded_question_is_answered_like_one_that_is_not(to: Service) -> None:
    for qtype in (QType.ZONE, QType.CSI, QType.PROOF):
        for name in (NUMBER, NOBODY, node_from_text("+1415")):
            plain = wire.query_wire(name, APEX, qtype, 7)
            padded = wire.padded_query(plain)
            assert len(padded) % QUERY_BLOCK == 0
            assert len(padded) > len(plain)
            assert to.handle(padded, TCP, NOW) == to.handle(plain, TCP, NOW)
            assert dns.message.from_wire(padded).options[0].otype == wire.OPTION_PADDING
