"""Messages by hand, held against dnspython: what we write it reads alike, what we refuse stays small and silent."""

import random
import struct
from dataclasses import replace

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonedata import names, replies, wire
from zonedata.errors import MalformedError
from zonedata.names import Name
from zonedata.replies import Received, Record
from zonedata.wire import Ede, QType, Query, Rcode, Rejected, Reply, Section

APEX = names.from_text("fingerpost.internal.")
NUMBER = names.from_text("3.2.1.0.5.5.5.5.1.4.1.e164.")
QUERY = wire.query_wire(NUMBER, APEX, QType.PROOF, 0x1234, wire.FLAG_RD)
QUESTION_END = 12 + len(names.to_wire(NUMBER, APEX)) + 4
BARE = QUERY[:11] + b"\0" + QUERY[12:QUESTION_END]  # the same without EDNS

label = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=12).map(str.encode)
name = st.lists(label, max_size=12).map(names.from_labels)
apex = st.lists(label, max_size=3).map(names.from_labels)
qtype = st.sampled_from([*QType, 1, 6, 255])
flag_bits = st.sampled_from([0, wire.FLAG_RD, wire.FLAG_CD, wire.FLAG_RD | wire.FLAG_CD])
record = st.builds(wire.record, st.sampled_from(QType), st.integers(0, 2**31 - 1), st.binary(max_size=60))
sections = st.lists(record, max_size=4)
errors = st.lists(st.tuples(st.sampled_from(Ede), st.text("abc def.", max_size=30)), max_size=3)
written = st.builds(
    Reply,
    st.sampled_from([Rcode.NOERROR, Rcode.SERVFAIL, Rcode.REFUSED, Rcode.NXDOMAIN]),
    st.sampled_from([0, wire.FLAG_AA, wire.FLAG_RA | wire.FLAG_AD]),
    sections,
    sections,
    sections,
    errors,
    sections,
)


def read(message: bytes) -> Query:
    query = wire.read_query(message)
    assert isinstance(query, Query)
    return query


def rejection(message: bytes) -> bytes | None:
    rejected = wire.read_query(message)
    assert isinstance(rejected, Rejected), rejected
    return rejected.reply


def opt(size: int = 1_232, version: int = 0, options: bytes = b"") -> bytes:
    return b"\0\0\x29" + struct.pack(">HBBHH", size, 0, version, 0, len(options)) + options


def asking(labels: list[bytes], additional: int = 0, rest: bytes = b"") -> bytes:
    head = b"\xab\xcd\x01\x00\0\1\0\0\0\0" + additional.to_bytes(2, "big")
    return head + b"".join(bytes([len(one)]) + one for one in labels) + b"\0\xff\x01\0\x01" + rest


def with_counts(message: bytes, *counts: int) -> bytes:
    return message[:4] + b"".join(count.to_bytes(2, "big") for count in counts) + message[12:]


# --- queries -----------------------------------------------------------------------------------------------


@given(name, apex, qtype, st.integers(0, 65_535), flag_bits)
def test_a_query_is_read_as_it_was_written_and_dnspython_agrees(
    asked: Name, above: Name, rtype: int, message_id: int, flags: int
) -> None:
    octets = wire.query_wire(asked, above, rtype, message_id, flags)
    query = read(octets)
    assert names.from_wire(query.labels, above) == asked
    assert (query.id, query.flags, query.qtype, query.qclass, query.udp_size) == (
        message_id, flags, rtype, wire.CLASS_IN, wire.MAX_UDP,
    )  # fmt: skip
    theirs = dns.message.from_wire(octets)
    [question] = theirs.question
    assert question.name == dns.name.from_text(names.to_text(Name(above + asked)))
    assert (theirs.id, theirs.opcode(), question.rdtype, question.rdclass) == (message_id, 0, rtype, 1)
    assert (theirs.edns, theirs.payload, theirs.flags & 0x01F0) == (0, wire.MAX_UDP, flags)
    assert (theirs.answer, theirs.authority, theirs.additional) == ([], [], [])


@given(name.filter(bool), qtype, st.sampled_from([None, 0, 511, 512, 4_096]), st.booleans())
def test_queries_of_dnspython_are_read_alike(asked: Name, rtype: int, size: int | None, chaos: bool) -> None:
    theirs = dns.message.make_query(
        names.to_text(asked), dns.rdatatype.RdataType.make(rtype), "CH" if chaos else "IN",
        use_edns=-1 if size is None else 0, payload=size or 0,
    )  # fmt: skip
    query = read(theirs.to_wire())
    assert query.labels == names.labels_of(asked)[::-1]
    assert (query.id, query.qtype, query.qclass) == (theirs.id, rtype, 3 if chaos else 1)
    assert query.udp_size == (0 if size is None else max(size, 512))


def test_case_is_read_lower_and_echoed_as_it_came() -> None:
    mixed = asking([b"Ab0", b"E164", b"FingerPost", b"InTernal"])
    query = read(mixed)
    assert query.labels == [b"ab0", b"e164", b"fingerpost", b"internal"]
    assert query.question == mixed[12:]
    assert b"FingerPost\x08InTernal" in Reply().to_wire(query, 512)
    assert b"FingerPost\x08InTernal" in (rejection(with_counts(mixed, 1, 0, 0, 1)) or b"")


# --- the gate ----------------------------------------------------------------------------------------------

LONGEST = [b"x" * 63] * 3 + [b"y" * 61]  # 255 octets with the root
FULL_OPTIONS = b"\0\x0c\0\0" * wire.MAX_OPTIONS  # padding of no octets


@pytest.mark.parametrize(
    "message",
    [
        asking([]),
        asking([b"x" * 63]),
        asking(LONGEST),
        asking([b"x"] * names.MAX_LABELS),
        asking([b"x"], 1, opt(options=FULL_OPTIONS)),
        asking([b"x"], 1, opt(size=0)),
        asking([b"x"], 1, opt(options=b"\0\x0c\x03\xb5" + bytes(949))),
    ],
    ids=["root", "label 63", "name 255", "40 labels", "16 options", "size 0", "1000 octets"],
)
def test_the_gate_lets_through_up_to_each_limit(message: bytes) -> None:
    query = read(message)
    assert query.question == message[12 : 12 + len(query.question)]
    assert sum(len(one) + 1 for one in query.labels) + 1 == len(query.question) - 4
    dns.message.from_wire(message)


def test_a_message_of_exactly_the_longest_length_passes() -> None:
    head = asking([b"x"], 1, opt())
    padded = asking(
        [b"x"], 1, opt(options=b"\0\x0c" + (1_020 - len(head)).to_bytes(2, "big") + bytes(1_020 - len(head)))
    )
    assert len(padded) == wire.MAX_QUERY
    assert read(padded).udp_size == wire.MAX_UDP


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("nothing", b""),
        ("header cut short", QUERY[:11]),
        ("a reply", QUERY[:2] + b"\x81\x00" + QUERY[4:]),
        ("a reply that is malformed too", QUERY[:2] + b"\xa9\x00" + bytes(8)),
        ("longer than any query", QUERY + bytes(wire.MAX_QUERY + 1 - len(QUERY))),
        ("much longer", QUERY + bytes(4_000)),
    ],
)
def test_silence(what: str, message: bytes) -> None:
    assert rejection(message) is None, what


@pytest.mark.parametrize(
    ("what", "message", "question"),
    [
        ("no question", with_counts(QUERY, 0, 0, 0, 1), False),
        ("two questions", with_counts(QUERY, 2, 0, 0, 1), False),
        ("256 questions", with_counts(QUERY, 256, 0, 0, 1), False),
        ("an answer", with_counts(QUERY, 1, 1, 0, 1), False),
        ("an authority", with_counts(QUERY, 1, 0, 1, 1), False),
        ("three additional", with_counts(QUERY, 1, 0, 0, 3), False),
        ("header alone", with_counts(QUERY[:12], 1, 0, 0, 0), False),
        ("name without its end", QUERY[:20], False),
        ("name, and no type", BARE[:-4], False),
        ("half a class", BARE[:-1], False),
        ("pointer alone", asking([])[:12] + b"\xc0\x0c\xff\x01\0\x01", False),
        ("pointer after a label", asking([])[:12] + b"\x01x\xc0\x0c\xff\x01\0\x01", False),
        ("label of 64 octets", asking([b"x" * 64]), False),
        ("label type 01", asking([b"x" * 65]), False),
        ("label type 10", asking([b"x" * 130]), False),
        ("name of 256 octets", asking([*LONGEST[:3], b"y" * 62]), False),
        ("name of 257 octets", asking([*LONGEST[:3], b"y" * 61, b"z"]), False),
        ("41 labels", asking([b"x"] * 41), False),
        ("127 labels", asking([b"x"] * 127), False),
        ("additional that is not there", with_counts(BARE, 1, 0, 0, 1), True),
        ("trailing octet", BARE + b"\0", True),
        ("trailing octet after the OPT", QUERY + b"\0", True),
        ("OPT below a name", asking([b"x"], 1, b"\x01x" + opt()), True),
        ("OPT cut short", QUERY[:-1], True),
        ("OPT longer than the message", asking([b"x"], 1, opt()[:-1] + b"\x01"), True),
        ("two OPTs", asking([b"x"], 2, opt() + opt()), True),
        ("two OPTs of size 0", asking([b"x"], 2, opt(0) + opt(0)), True),
        ("a record that is no OPT", asking([b"x"], 1, b"\0\0\x01" + opt()[3:]), True),
        ("17 options", asking([b"x"], 1, opt(options=FULL_OPTIONS + b"\0\x0a\0\0")), True),
        ("option longer than the OPT", asking([b"x"], 1, opt(options=b"\0\x0a\0\x01")), True),
        ("option without a length", asking([b"x"], 1, opt(options=b"\0\x0a\0")), True),
    ],
)  # fmt: skip
def test_formerr(what: str, message: bytes, question: bool) -> None:
    assert rejection(message) == _error_of(message, Rcode.FORMERR, with_question=question), what


@pytest.mark.parametrize("opcode", range(1, 16))
def test_other_opcodes_are_not_implemented(opcode: int) -> None:
    message = QUERY[:2] + bytes([opcode << 3 | 1]) + QUERY[3:]
    assert rejection(message) == _error_of(message, Rcode.NOTIMP, with_question=False)


@pytest.mark.parametrize("version", [1, 255])
def test_another_edns_version_is_badvers_and_says_ours(version: int) -> None:
    message = asking([b"x"], 1, opt(version=version))
    reply = rejection(message)
    assert reply is not None
    theirs = dns.message.from_wire(reply)
    assert (theirs.rcode(), theirs.edns, theirs.payload) == (dns.rcode.BADVERS, 0, wire.MAX_UDP)
    assert [question.name.to_text() for question in theirs.question] == ["x."]
    assert len(reply) == 12 + 7 + 11


def _error_of(message: bytes, rcode: Rcode, *, with_question: bool) -> bytes:
    """Write by other means what an error must be: id, opcode, RD, CD and at most the question come back."""
    flags = struct.unpack(">H", message[2:4])[0]
    kept = 0x8000 | flags & 0b0111_1001_0001_0000 | rcode
    end = message.index(b"\0", 12) + 5 if with_question else 12
    head = message[:2] + struct.pack(">HHHHH", kept, with_question, 0, 0, 0)
    return head + message[12:end]


@given(st.integers(0, 0x7FFF), st.sampled_from([BARE + b"\0", QUERY[:20]]))
def test_errors_echo_no_flag_but_opcode_rd_and_cd(flags: int, message: bytes) -> None:
    reply = rejection(message[:2] + flags.to_bytes(2, "big") + message[4:])
    assert reply is not None
    got = int.from_bytes(reply[2:4], "big")
    assert got & ~0xF == 0x8000 | flags & (0x7800 | wire.FLAG_RD | wire.FLAG_CD)
    assert got & 0xF == (Rcode.NOTIMP if flags & 0x7800 else Rcode.FORMERR)
    assert len(reply) <= len(message)


def test_an_error_never_repeats_what_came_after_the_question() -> None:
    secret = b"\0\x0a\0\x10" + b"0123456789abcdef"
    for message in (
        asking([b"x"], 2, opt(options=secret) + opt()),
        asking([b"x"], 1, opt(version=1, options=secret)),
        asking([b"x"], 1, opt(options=secret) + b"\0"),
    ):
        assert b"0123456789abcdef" in message
        reply = rejection(message)
        assert reply is not None
        assert b"0123" not in reply


@given(st.binary(max_size=60), st.integers(0, 4))
def test_random_octets_are_read_or_rejected(tail: bytes, zeros: int) -> None:
    for message in (tail, QUERY[:4] + tail, QUERY[:12] + tail, QUERY[:QUESTION_END] + tail + bytes(zeros)):
        _check_read(message)


@given(st.lists(st.tuples(st.integers(0, len(QUERY) - 1), st.integers(0, 255)), max_size=4), st.integers(12, 80))
def test_damaged_queries_are_read_or_rejected(changes: list[tuple[int, int]], end: int) -> None:
    message = bytearray(QUERY)
    for at, octet in changes:
        message[at] = octet
    _check_read(bytes(message[:end]))
    _check_read(bytes(message))


def _check_read(message: bytes) -> None:
    got = wire.read_query(message)
    if isinstance(got, Query):
        assert message[12:].startswith(got.question)
        assert len(got.labels) <= names.MAX_LABELS
        assert len(got.question) <= names.MAX_WIRE_NAME + 4
        if len(message) <= 12 + len(got.question) + len(opt()):  # no options: each has rules of its own
            dns.message.from_wire(message)  # what passes our gate is well-formed to others too
    elif got.reply is not None:
        assert got.reply[:2] == message[:2]
        assert len(got.reply) <= max(len(message), 12 + len(message[12:]) + 11)
        assert dns.message.from_wire(got.reply).flags & dns.flags.QR


# --- replies -----------------------------------------------------------------------------------------------


@given(written, st.sampled_from([QUERY, BARE]), flag_bits, st.sampled_from([512, 1_232, 65_535]))
def test_replies_are_read_as_they_were_written_and_dnspython_agrees(
    reply: Reply, asked: bytes, flags: int, limit: int
) -> None:
    query = read(asked[:2] + flags.to_bytes(2, "big") + asked[4:])
    octets = reply.to_wire(query, limit)
    assert len(octets) <= limit
    assert replies.answers(octets, asked)
    received = replies.read_reply(octets)
    theirs = dns.message.from_wire(octets)
    _check_equal(received, theirs)
    assert received.rcode == reply.rcode
    assert received.flags & 0x0110 == flags
    assert (theirs.edns >= 0) == bool(query.udp_size)
    if received.is_truncated:
        assert received.records == ()
        assert received.errors == ()
        whole = sum(map(len, [*reply.answer, *reply.authority, *reply.additional]))
        assert len(octets) + whole > limit
        return
    assert received.flags & (wire.FLAG_AA | wire.FLAG_RA | wire.FLAG_AD) == reply.flags
    for section, held in ((Section.ANSWER, reply.answer), (Section.AUTHORITY, reply.authority)):
        assert [r.rdata for r in received.records if r.section is section] == [one[12:] for one in held]
    extra = [one.rdata for one in received.records if one.section is Section.ADDITIONAL]
    assert extra[: len(reply.additional)] == [one[12:] for one in reply.additional]
    assert len(extra) <= len(reply.additional) + len(reply.optional)
    if received.errors or not reply.errors or not query.udp_size:
        assert received.errors == (tuple((int(c), t) for c, t in reply.errors) if query.udp_size else ())
    else:
        assert len(octets) + 130 * len(reply.errors) > limit, "errors go when there is no room for them"


def _check_equal(received: Received, theirs: dns.message.Message) -> None:
    """Compare section by section, record by record."""
    assert received.flags & 0xFFF0 == theirs.flags & 0xFFF0
    assert received.rcode == theirs.rcode()
    for section, rrsets in zip(Section, (theirs.answer, theirs.authority, theirs.additional), strict=True):
        ours = sorted((r.rtype, r.rdata) for r in received.records if r.section is section)
        if any(rtype == wire.TYPE_SOA for rtype, _ in ours):
            continue  # holds names; looked at where it is made
        seen = sorted((int(s.rdtype), one.to_wire() or b"") for s in rrsets for one in s)
        assert seen == sorted(set(ours))  # dnspython keeps sets
        for rrset in rrsets:
            assert [rrset.name] == [question.name for question in theirs.question]
    said = [
        (int(option.code), option.text or "") for option in theirs.options if isinstance(option, dns.edns.EDEOption)
    ]
    assert received.errors == tuple(said)


@pytest.mark.parametrize("above", [".", "fingerpost.internal.", "a.b.c.example."])
@pytest.mark.parametrize("below", [".", "e164.", "3.2.1.e164."])
def test_the_soa_stands_at_the_apex(above: str, below: str) -> None:
    top = names.from_text(above)
    query = read(wire.query_wire(names.from_text(below), top, QType.CSI, 7))
    octets = Reply(flags=wire.FLAG_AA, authority=[wire.soa_record(query, top, 2**32 + 5, 60)]).to_wire(query, 512)
    [rrset] = dns.message.from_wire(octets).authority
    assert (rrset.name.to_text(), rrset.ttl, rrset.rdtype) == (above, 60, dns.rdatatype.SOA)
    [soa] = rrset
    assert soa.to_text() == f"{above} hostmaster.{above.lstrip('.')} 5 3600 600 604800 60"
    [record_read] = replies.read_reply(octets).records
    assert (record_read.section, record_read.rtype, record_read.ttl) == (Section.AUTHORITY, wire.TYPE_SOA, 60)


def test_optional_records_fill_what_room_is_left() -> None:
    query = read(QUERY)
    big, small = wire.record(QType.ZONE, 5, bytes(300)), wire.record(QType.ZONE, 5, bytes(30))
    reply = Reply(answer=[small], optional=[big, big, small])
    bare = len(Reply(answer=[small]).to_wire(query, 512))
    for room, kept in ((0, 0), (41, 0), (42, 1), (312, 1), (353, 1), (354, 2), (665, 2), (666, 3)):
        received = replies.read_reply(reply.to_wire(query, bare + room))
        assert not received.is_truncated
        assert len(received.records) == 1 + kept, room


def test_a_reply_of_exactly_the_limit_fits_and_one_more_octet_does_not() -> None:
    query = read(QUERY)
    reply = Reply(answer=[wire.record(QType.CSI, 5, bytes(700))], errors=[(Ede.STALE, "old")])
    whole = reply.to_wire(query, 65_535)
    assert reply.to_wire(query, len(whole)) == whole
    cut = replies.read_reply(reply.to_wire(query, len(whole) - 1))
    assert (cut.is_truncated, len(cut.records), cut.errors) == (False, 1, ()), "errors go first (RFC 8914)"
    bare = len(Reply(answer=reply.answer).to_wire(query, 65_535))
    cut = replies.read_reply(reply.to_wire(query, bare - 1))
    assert (cut.is_truncated, cut.records, cut.errors) == (True, (), ())


def test_not_even_errors_make_a_reply_longer_than_the_limit() -> None:
    query = read(asking(LONGEST, 1, opt(512)))
    reply = Reply(Rcode.SERVFAIL, errors=[(Ede.BOGUS, "x" * 200), (Ede.NETWORK_ERROR, "y" * 200)])
    assert len(reply.to_wire(query, 1_232)) > 512
    cut = reply.to_wire(query, 512)
    assert len(cut) <= 512
    received = replies.read_reply(cut)
    assert (received.rcode, received.is_truncated, received.errors) == (Rcode.SERVFAIL, False, ())


def test_texts_of_errors_are_cut_and_made_printable() -> None:
    query = read(QUERY)
    reply = Reply(errors=[(Ede.OTHER, "z" * 500), (Ede.BOGUS, "a\x1b[31m\nb\0")])
    assert replies.read_reply(reply.to_wire(query, 1_232)).errors == ((0, "z" * 120), (6, "a?[31m?b"))


def test_a_long_text_of_somebody_else_is_not_read_to_its_end() -> None:
    option = b"\0\x0f" + (30_002).to_bytes(2, "big") + b"\0\6" + b"q" * 30_000
    reply = (
        with_counts(QUERY[:QUESTION_END], 1, 0, 0, 1)[:2] + b"\x80" + QUERY[3:QUESTION_END] + opt(options=option)
    )
    assert replies.read_reply(reply).errors == ((6, "q" * replies.MAX_TEXT),)


def test_texts_that_are_not_utf8_and_options_of_others_are_taken_as_they_are() -> None:
    options = b"\0\x03\0\x02ns" + b"\0\x0f\0\x04\0\x16\xff\xfe" + b"\0\x0f\0\x01\0"
    reply = QUERY[:2] + b"\x80" + QUERY[3:QUESTION_END] + opt(options=options)
    assert replies.read_reply(reply).errors == ((22, "\ufffd\ufffd"),)


def test_edns_gives_the_upper_bits_of_the_rcode() -> None:
    reply = QUERY[:2] + b"\x80\x07" + QUERY[4:QUESTION_END] + b"\0\0\x29\x04\xd0\x01\0\0\0\0\0"
    assert replies.read_reply(reply).rcode == 0x17
    assert dns.message.from_wire(reply).rcode() == 0x17


def test_a_ttl_with_the_top_bit_is_nothing() -> None:
    ttls = [0, 1, 2**31 - 1, 2**31, 2**32 - 1]
    reply = Reply(answer=[wire.record(QType.CSI, ttl, b"") for ttl in ttls]).to_wire(read(QUERY), 1_232)
    assert [one.ttl for one in replies.read_reply(reply).records] == [0, 1, 2**31 - 1, 0, 0]  # RFC 2181 section 8


RECORD = wire.record(QType.CSI, 60, b"data")
HEAD = QUERY[:2] + b"\x80\x00" + QUERY[4:QUESTION_END]


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("shorter than a header", HEAD[:11]),
        ("two questions", with_counts(HEAD, 2, 0, 0, 0)),
        ("question cut short", with_counts(HEAD, 1, 0, 0, 0)[:-1]),
        ("question without its end", with_counts(HEAD, 1, 0, 0, 0)[:20]),
        ("header alone, one question", with_counts(HEAD, 1, 0, 0, 0)[:12]),
        ("record that is not there", with_counts(HEAD, 1, 1, 0, 0)),
        ("record without its length", with_counts(HEAD, 1, 1, 0, 0) + RECORD[:11]),
        ("data cut short", with_counts(HEAD, 1, 1, 0, 0) + RECORD[:-1]),
        ("octets left over", with_counts(HEAD, 1, 1, 0, 0) + RECORD + b"\0"),
        ("a record more than counted", with_counts(HEAD, 1, 0, 1, 0) + RECORD + RECORD),
        ("513 records", with_counts(HEAD, 1, 513, 0, 0) + RECORD * 513),
        ("513 records in three sections", with_counts(HEAD, 1, 171, 171, 171) + RECORD * 513),
        ("owner of 127 labels", with_counts(HEAD, 1, 1, 0, 0) + b"\x01x" * 127 + b"\0" + RECORD[2:]),
        ("owner that runs on", with_counts(HEAD, 1, 1, 0, 0) + b"\x3f" * 30),
        ("pointer at the very end", with_counts(HEAD, 1, 1, 0, 0) + b"\xc0"),
        ("two OPTs", with_counts(HEAD, 1, 0, 0, 2) + opt() + opt()),
    ],
)
def test_malformed_replies(what: str, message: bytes) -> None:
    with pytest.raises(MalformedError):
        replies.read_reply(message)
    assert what


def test_the_most_records_and_a_reply_without_a_question_are_read() -> None:
    assert len(replies.read_reply(with_counts(HEAD, 1, 512, 0, 0) + RECORD * 512).records) == 512
    bare = with_counts(HEAD, 0, 1, 0, 0)[:12] + b"\0" + RECORD[2:]
    assert replies.read_reply(bare).records == (Record(Section.ANSWER, QType.CSI, 60, b"data"),)


def test_owners_written_out_or_as_pointers_are_passed_over() -> None:
    owner = names.to_wire(NUMBER, APEX)
    message = with_counts(HEAD, 1, 3, 0, 0) + owner + RECORD[2:] + b"\x01x\xc0\x0c" + RECORD[2:] + RECORD
    assert [one.rdata for one in replies.read_reply(message).records] == [b"data"] * 3
    most = b"\x01x" * 40 + b"\0"
    assert replies.names_end(most, 0) == len(most)


@given(st.lists(st.tuples(st.integers(2, 300), st.integers(0, 255)), max_size=5), st.integers(0, 400), written)
def test_damaged_replies_are_read_or_malformed(changes: list[tuple[int, int]], end: int, reply: Reply) -> None:
    message = bytearray(reply.to_wire(read(QUERY), 1_232))
    for at, octet in changes:
        message[at % len(message)] = octet
    for octets in (bytes(message), bytes(message[:end])):
        try:
            received = replies.read_reply(octets)
        except MalformedError:
            continue
        assert sum(len(one.rdata) for one in received.records) <= len(octets)


@given(st.binary(max_size=100))
def test_random_octets_are_no_reply_or_read(octets: bytes) -> None:
    for message in (octets, HEAD[:12] + octets, HEAD + octets):
        replies.answers(message, QUERY)
        try:
            replies.read_reply(message)
        except MalformedError:
            continue


# --- is it a reply to this? --------------------------------------------------------------------------------


def test_only_the_same_id_and_question_answer() -> None:
    reply = Reply().to_wire(read(QUERY), 512)
    assert replies.answers(reply, QUERY)
    for at in (*range(2), *range(4, 6), *range(12, QUESTION_END)):
        changed = reply[:at] + bytes([reply[at] ^ 0x20]) + reply[at + 1 :]
        assert not replies.answers(changed, QUERY), at
    for flag in (0x80, 0x08, 0x40):  # QR gone, another opcode
        assert not replies.answers(reply[:2] + bytes([reply[2] ^ flag]) + reply[3:], QUERY)
    for flag in (0x01, 0x02, 0x04):  # RD, TC, AA say nothing about whose reply it is
        assert replies.answers(reply[:2] + bytes([reply[2] ^ flag]) + reply[3:], QUERY)
    assert not replies.answers(reply[: QUESTION_END - 1], QUERY)
    assert not replies.answers(b"", QUERY)


# --- the barrier's answer ----------------------------------------------------------------------------------


def test_servfail_from_the_header_alone() -> None:
    reply = wire.servfail(QUERY)
    assert reply == QUERY[:2] + b"\x81\x02" + bytes(8)
    assert reply is not None
    assert dns.message.from_wire(reply).rcode() == dns.rcode.SERVFAIL
    assert wire.servfail(QUERY[:11]) is None
    assert wire.servfail(reply) is None


def test_a_reply_without_edns_to_a_client_without_it() -> None:
    reply = Reply(Rcode.REFUSED, errors=[(Ede.NOT_AUTHORITATIVE, "no")]).to_wire(read(BARE), 512)
    assert reply == BARE[:2] + b"\x81\x05" + b"\0\1" + bytes(6) + BARE[12:]


def test_what_is_written_does_not_change_the_reply() -> None:
    reply = Reply(answer=[RECORD], additional=[RECORD], optional=[RECORD])
    before = replace(reply, answer=list(reply.answer), additional=list(reply.additional))
    rng = random.Random(1)
    octets = {reply.to_wire(read(QUERY), rng.randint(1_000, 1_232)) for _ in range(3)}
    assert len(octets) == 1
    assert reply == before
