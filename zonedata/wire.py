"""DNS messages by hand: the gate, the question, the reply (RFC 1035 section 4, RFC 6891, RFC 8914).

A message is looked at octet by octet before anything is built from it, so that no input costs more than a
fraction of a millisecond: names are bounded, compression is followed nowhere (a question's name may hold no
pointer, and the owners of records are skipped: statements carry their own names).

Queries are read by `read_query`; what does not pass the gate is answered by `Rejected`. Both sides write with
`Reply.to_wire` and `query_wire`. Replies are read in `replies`.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from zonedata import names
from zonedata.names import Name
from zonedata.padding import QUERY_BLOCK, padded

MAX_QUERY: Final = 1_024  # octets; ours are under 300, cookies and padding included
MAX_UDP: Final = 1_232  # octets; above this a datagram may be fragmented (DNS flag day 2020)
MAX_STREAM: Final = 65_535  # octets; RFC 1035 section 4.2.2
MIN_UDP: Final = 512  # RFC 1035 section 2.3.4: what a client without EDNS takes
MAX_OPTIONS: Final = 16  # of one OPT record; long lists of empty options are an attack on parsers
MAX_QUERY_ADDITIONAL: Final = 2  # an OPT, and a TSIG one day

CLASS_IN: Final = 1
TYPE_SOA: Final = 6
TYPE_OPT: Final = 41
OPTION_COOKIE: Final = 10
OPTION_PADDING: Final = 12  # RFC 7830
OPTION_EDE: Final = 15
OPTION_HEAD: Final = 4  # octets of an option before its data
CLIENT_COOKIE: Final = 8  # octets; RFC 7873 section 4
MIN_COOKIES: Final = 16  # octets of both cookies, the client's and the server's; RFC 7873 section 4
MAX_COOKIES: Final = 40
COOKIE_ROOM: Final = 28  # octets of the option that goes into a reply: code, length, both cookies (RFC 9018)
POINTER_TO_QUESTION: Final = b"\xc0\x0c"
RECORD_OCTETS: Final = 12  # of a record whose owner is that pointer, besides its data
OPT: Final = b"\0" + TYPE_OPT.to_bytes(2, "big") + MAX_UDP.to_bytes(2, "big") + bytes(6)  # what ends our questions

FLAG_QR, FLAG_AA, FLAG_TC, FLAG_RD, FLAG_RA, FLAG_AD, FLAG_CD = (
    0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0020, 0x0010,
)  # fmt: skip


class QType(IntEnum):
    """Question types of ours, from the range for private use (RFC 6895 section 3.1)."""

    CSI = 65_280
    PROOF = 65_281
    ZONE = 65_282


class Rcode(IntEnum):
    """Response codes that we use (RFC 1035, RFC 6891)."""

    NOERROR = 0
    FORMERR = 1
    SERVFAIL = 2
    NXDOMAIN = 3
    NOTIMP = 4
    REFUSED = 5
    BADVERS = 16
    BADCOOKIE = 23  # RFC 7873 section 8


class Ede(IntEnum):
    """Extended errors that we use (RFC 8914 section 5.2)."""

    OTHER = 0
    STALE = 3
    BOGUS = 6
    EXPIRED = 7
    NOT_READY = 14
    PROHIBITED = 18
    NOT_AUTHORITATIVE = 20
    NO_REACHABLE_AUTHORITY = 22
    NETWORK_ERROR = 23
    INVALID_DATA = 24


class Section(IntEnum):
    """Where a record stands in a message."""

    ANSWER = 0
    AUTHORITY = 1
    ADDITIONAL = 2


@dataclass(slots=True, unsafe_hash=True)  # one a look-up: decision 0016
class Query:
    """A question that passed the gate.

    Attributes:
        id: Message id.
        flags: The second 16 bits as they came.
        question: The octets of the question section as they came, to be echoed.
        labels: Labels of the name, leaf first, lower case.
        qtype: What is asked for.
        qclass: 1 is IN.
        udp_size: What the client takes over UDP, less the room of the cookie in the reply; 0 when it sent no EDNS.
        cookie: What its COOKIE option holds, of a length that is allowed; b"" when it sent none.
    """

    id: int
    flags: int
    question: bytes
    labels: list[bytes]
    qtype: int
    qclass: int
    udp_size: int
    cookie: bytes = b""

    def room(self, *, in_datagram: bool) -> int:
        """Return how many octets a reply to it may have."""
        if in_datagram:
            return min(MAX_UDP, self.udp_size or MIN_UDP)
        return MAX_STREAM - COOKIE_ROOM if self.cookie else MAX_STREAM

    def plain(self) -> bytes:
        """Return the octets after the id of the plainest query with the same reply.

        Of the flags RD and CD show in replies, of EDNS its presence and the size; the rest of a query, the case of
        its letters, cookies, padding, does not.
        """
        edns = b""
        if self.udp_size:
            edns = b"\0\0\x29" + min(MAX_UDP, self.udp_size).to_bytes(2, "big") + bytes(6)
        flags = (self.flags & (FLAG_RD | FLAG_CD)).to_bytes(2, "big")
        return b"".join(
            (flags, b"\0\1\0\0\0\0\0", bytes((bool(edns),)), self.question[:-4].lower(), self.question[-4:], edns)
        )

    def unaddressed(self, reply: bytes) -> bytes:
        """Return the reply to itself as the reply to its `plain` form, to be kept."""
        end = 12 + len(self.question)
        return reply[:12] + reply[12 : end - 4].lower() + reply[end - 4 :]

    def addressed(self, reply: bytes) -> bytes:
        """Return the reply to its `plain` form as the reply to itself: its id, its spelling of the question."""
        return self.id.to_bytes(2, "big") + reply[2:12] + self.question + reply[12 + len(self.question) :]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message that did not pass.

    Attributes:
        reply: What to send back: id, flags and at most the question are echoed, nothing else; None is silence.
    """

    reply: bytes | None


def read_query(message: bytes) -> Query | Rejected:
    """Pass a message through the gate and read its question.

    Args:
        message: Whole, without the length of RFC 7766.
    """
    if not 12 <= len(message) <= MAX_QUERY:
        return Rejected(None)
    flags = int.from_bytes(message[2:4], "big")
    if flags & FLAG_QR:
        return Rejected(None)  # a reply is never answered, or two servers would talk for ever
    if (flags >> 11) & 0xF:
        return Rejected(_error(message, flags, Rcode.NOTIMP))
    if message[4:10] != b"\0\1\0\0\0\0" or int.from_bytes(message[10:12], "big") > MAX_QUERY_ADDITIONAL:
        return Rejected(_error(message, flags, Rcode.FORMERR))
    labels: list[bytes] = []
    at = 12
    end = len(message)
    while at < end and (length := message[at]):
        too_long = at + length + 2 > 12 + names.MAX_WIRE_NAME  # with its own length and the root's
        if length > names.MAX_LABEL or too_long or len(labels) == names.MAX_LABELS:
            return Rejected(_error(message, flags, Rcode.FORMERR))
        labels.append(message[at + 1 : at + 1 + length].lower())
        at += 1 + length
    if at + 5 > end:
        return Rejected(_error(message, flags, Rcode.FORMERR))
    question = message[12 : at + 5]
    rcode, size, cookie = _read_edns(message, at + 5, int.from_bytes(message[10:12], "big"))
    if rcode is not Rcode.NOERROR:
        return Rejected(_error(message, flags, rcode, question))
    qtype, qclass = (int.from_bytes(message[at + n : at + n + 2], "big") for n in (1, 3))
    return Query(int.from_bytes(message[:2], "big"), flags, question, labels, qtype, qclass, size, cookie)


def _read_edns(message: bytes, at: int, count: int) -> tuple[Rcode, int, bytes]:
    """Return `Query.udp_size` and `Query.cookie` of the one OPT record behind NOERROR; else why it is no good."""
    size = 0
    cookie: bytes | None = b""
    for _ in range(count):
        if message[at : at + 1] != b"\0" or at + 11 > len(message):
            return Rcode.FORMERR, 0, b""  # not at the root: neither OPT nor a TSIG of ours
        rtype = int.from_bytes(message[at + 1 : at + 3], "big")
        end = at + 11 + int.from_bytes(message[at + 9 : at + 11], "big")
        if rtype != TYPE_OPT or size or end > len(message):
            return Rcode.FORMERR, 0, b""
        if message[at + 6]:
            return Rcode.BADVERS, 0, b""
        options = read_options(message, at + 11, end)
        cookie = None if options is None else cookie_among(options)
        if cookie is None:
            return Rcode.FORMERR, 0, b""
        size = size_for(int.from_bytes(message[at + 3 : at + 5], "big"), cookie)
        at = end
    return (Rcode.NOERROR if at == len(message) else Rcode.FORMERR), size, cookie or b""


def size_for(size: int, cookie: bytes) -> int:
    """Return what there is for a reply without its cookie, where a client takes `size` octets over UDP."""
    size = max(MIN_UDP, size)
    return min(MAX_UDP, size) - COOKIE_ROOM if cookie else size


def cookie_among(options: list[tuple[int, bytes]]) -> bytes | None:
    """Return what the first COOKIE option holds, b"" when there is none; None when its length is not allowed."""
    for code, data in options:
        if code == OPTION_COOKIE:  # all others are ignored (RFC 7873 section 5.2)
            return data if len(data) == CLIENT_COOKIE or MIN_COOKIES <= len(data) <= MAX_COOKIES else None
    return b""


def read_options(message: bytes, at: int, end: int) -> list[tuple[int, bytes]] | None:
    """Read the options of an OPT record; None when they are too many or do not fit."""
    found: list[tuple[int, bytes]] = []
    while at < end:
        stop = at + 4 + int.from_bytes(message[at + 2 : at + 4], "big")
        if at + 4 > end or stop > end or len(found) == MAX_OPTIONS:
            return None
        found.append((int.from_bytes(message[at : at + 2], "big"), message[at + 4 : stop]))
        at = stop
    return found


def _error(message: bytes, flags: int, rcode: Rcode, question: bytes = b"") -> bytes:
    """Write an error from the id, the flags and the question alone; nothing else is echoed."""
    kept = FLAG_QR | (flags & (0x7800 | FLAG_RD | FLAG_CD))
    extended = b"\0\0\x29" + MAX_UDP.to_bytes(2, "big") + bytes((rcode >> 4, 0, 0, 0, 0, 0)) if rcode > 15 else b""
    head = (kept | rcode & 15).to_bytes(2, "big") + bytes((0, bool(question), 0, 0, 0, 0, 0, bool(extended)))
    return message[:2] + head + question + extended


def cut_short(message: bytes) -> bytes | None:
    """Answer that there is more than a datagram takes, whatever there is: who gets it asks over a stream."""
    return told_briefly(message, Rcode.NOERROR, FLAG_TC)


def told_briefly(message: bytes, rcode: Rcode, flags: int = 0) -> bytes | None:
    """Answer with a code and flags alone; None when the message deserves no answer."""
    query = read_query(message)
    return query.reply if isinstance(query, Rejected) else Reply(rcode, flags).to_wire(query, MIN_UDP)


def servfail(message: bytes) -> bytes | None:
    """Answer SERVFAIL from the header alone; for the barrier around a bug of ours."""
    if len(message) < 12 or message[2] & 0x80:
        return None
    return _error(message, int.from_bytes(message[2:4], "big"), Rcode.SERVFAIL)


def record(rtype: int, ttl: int, rdata: bytes) -> bytes:
    """Write a record whose owner is the question's name."""
    head = rtype.to_bytes(2, "big") + b"\0\1" + ttl.to_bytes(4, "big") + len(rdata).to_bytes(2, "big")
    return POINTER_TO_QUESTION + head + rdata


def soa_record(query: Query, apex: Name, serial: int, ttl: int) -> bytes:
    """Write the SOA that goes with an answer of nothing (RFC 2308 section 3).

    Its owner is the apex, as a pointer into the question; the name asked must hang under the apex.
    """
    at = 12 + len(query.question) - 4 - len(names.to_wire(names.ROOT, apex))
    pointer = (0xC000 | at).to_bytes(2, "big")
    times = b"".join(n.to_bytes(4, "big") for n in (serial & 0xFFFFFFFF, 3_600, 600, 604_800, ttl))
    rdata = pointer + b"\x0ahostmaster" + pointer + times
    head = TYPE_SOA.to_bytes(2, "big") + b"\0\1" + ttl.to_bytes(4, "big") + len(rdata).to_bytes(2, "big")
    return pointer + head + rdata


@dataclass(slots=True)
class Reply:
    """What is to be said to a query.

    Attributes:
        rcode: The response code.
        flags: Of AA, RA and AD those that are set; QR, RD and CD follow by themselves.
        answer: Records of each section, whole.
        authority: As `answer`.
        additional: As `answer`; the OPT record follows by itself.
        errors: Extended errors, each with a text for people.
        optional: Additional records that may be left out when they do not fit.
    """

    rcode: Rcode = Rcode.NOERROR
    flags: int = 0
    answer: list[bytes] = field(default_factory=list)
    authority: list[bytes] = field(default_factory=list)
    additional: list[bytes] = field(default_factory=list)
    errors: list[tuple[Ede, str]] = field(default_factory=list)
    optional: list[bytes] = field(default_factory=list)

    def to_wire(self, query: Query, limit: int, room: int = 0) -> bytes:
        """Lay the reply into a message of at most `limit` octets; what is too long becomes TC and no records.

        Args:
            query: What it answers.
            limit: Octets.
            room: If any, a multiple of this is what the message is padded to, if the query has EDNS (RFC 7830).
        """
        opt = self._opt(self.errors) if query.udp_size else b""
        flags = FLAG_QR | self.flags | (query.flags & (FLAG_RD | FLAG_CD)) | self.rcode & 15
        sections = [self.answer, self.authority, list(self.additional)]
        size = 12 + len(query.question) + len(opt) + sum(len(r) for section in sections for r in section)
        if size > limit and self.errors and opt:
            size -= len(opt)
            opt = self._opt([])  # extended errors go first, and alone if that is enough (RFC 8914 section 3)
            size += len(opt)
        if size > limit:
            sections, flags = [[], [], []], flags | FLAG_TC
        else:
            for extra in self.optional:
                if size + len(extra) <= limit:
                    sections[2].append(extra)
                    size += len(extra)
        if room and opt:
            opt = _padded_opt(opt, min(padded(size + OPTION_HEAD, room), limit) - size)
        counts = [1, len(sections[0]), len(sections[1]), len(sections[2]) + bool(opt)]
        head = b"".join(n.to_bytes(2, "big") for n in (query.id, flags, *counts))
        return b"".join([head, query.question, *sections[0], *sections[1], *sections[2], opt])

    def _opt(self, errors: list[tuple[Ede, str]]) -> bytes:
        options = b""
        for code, text in errors:
            data = code.to_bytes(2, "big") + text.encode()[:120]
            options += OPTION_EDE.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data
        head = b"\0" + TYPE_OPT.to_bytes(2, "big") + MAX_UDP.to_bytes(2, "big")
        return head + bytes((self.rcode >> 4, 0, 0, 0)) + len(options).to_bytes(2, "big") + options


def _padded_opt(opt: bytes, octets: int) -> bytes:
    """Make an OPT record so many octets longer; where not even an option fits, leave it."""
    if octets < OPTION_HEAD:
        return opt
    length = int.from_bytes(opt[9:11], "big") + octets
    option = OPTION_PADDING.to_bytes(2, "big") + (octets - OPTION_HEAD).to_bytes(2, "big")
    return opt[:9] + length.to_bytes(2, "big") + opt[11:] + option + bytes(octets - OPTION_HEAD)


def query_wire(name: Name, apex: Name, qtype: int, message_id: int, flags: int = 0) -> bytes:
    """Write a question with EDNS.

    Args:
        name: What is asked about.
        apex: Under which it hangs at that server.
        qtype: A `QType`.
        message_id: 16 bits.
        flags: RD and CD as wanted.
    """
    head = message_id.to_bytes(2, "big") + flags.to_bytes(2, "big") + b"\0\1\0\0\0\0\0\1"
    return head + names.to_wire(name, apex) + qtype.to_bytes(2, "big") + b"\0\1" + OPT


def padded_query(query: bytes) -> bytes:
    """Pad a question of `query_wire`, so that its length tells little: for encrypted transports alone.

    Numbers of 8 digits and of 15 come to the same length, and so do most mail addresses.
    """
    head = len(query) - len(OPT)
    return query[:head] + _padded_opt(query[head:], padded(len(query) + OPTION_HEAD, QUERY_BLOCK) - len(query))
