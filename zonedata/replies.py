"""DNS replies that came, read by hand: is it the reply to this query, and what does it hold.

As bounded as the gate in `wire`: no compression is followed (statements carry their own names), and records,
labels and texts have limits, so that 64 KiB of anything cost a few milliseconds.
"""

import struct
from dataclasses import dataclass
from typing import Final

from zonedata import names
from zonedata.errors import MalformedError
from zonedata.wire import FLAG_TC, MIN_UDP, OPTION_EDE, TYPE_OPT, Section, read_options

MAX_RECORDS: Final = 512  # of a reply: a proof with 64 authorities has some 300
MAX_TEXT: Final = 240  # octets read of an extended error's text; ours have at most 120
_SECTIONS: Final = tuple(Section)
_HEADER: Final = struct.Struct(">2x5H")  # all but the id
_RECORD: Final = struct.Struct(">H2xIH")  # type, class, TTL, length of data


@dataclass(slots=True)  # one a look-up: decision 0016
class Record:
    """A record of a reply; its owner is not kept, statements carry their own names."""

    section: Section
    rtype: int
    ttl: int
    rdata: bytes


@dataclass(slots=True)  # one a look-up: decision 0016
class Received:
    """A reply that was read.

    Attributes:
        flags: The second 16 bits.
        rcode: With the upper bits of EDNS.
        records: All but OPT, in order.
        errors: Extended errors with their texts.
        udp_size: What the sender takes over UDP; 0 when it sent no EDNS.
    """

    flags: int
    rcode: int
    records: tuple[Record, ...]
    errors: tuple[tuple[int, str], ...]
    udp_size: int = 0

    @property
    def is_truncated(self) -> bool:
        """Say whether the whole must be fetched over a stream."""
        return bool(self.flags & FLAG_TC)


def answers(message: bytes, query: bytes, question_end: int = 0) -> bool:
    """Say whether a message is a reply to exactly this query: id, QR, opcode and question, octet by octet.

    Args:
        message: What came.
        query: What was asked.
        question_end: Where the question ends in it, if that is known.
    """
    question_end = question_end or names_end(query, 12) + 4
    return (
        len(message) >= question_end
        and message[:2] == query[:2]
        and message[2] & 0xF8 == 0x80
        and message[4:6] == b"\0\1"
        and message[12:question_end] == query[12:question_end]
    )


def names_end(message: bytes, at: int) -> int:
    """Return where a name ends, following no pointer.

    Raises:
        MalformedError: It does not end, or has more labels than any name of ours.
    """
    for _ in range(names.MAX_LABELS + 1):
        if at >= len(message):
            break
        length = message[at]
        if length >= 0xC0:
            return at + 2
        if length == 0:
            return at + 1
        at += 1 + length
    raise MalformedError("a name in the message has too many labels or does not end")


def read_reply(  # noqa: C901 - one pass, and it says what is wrong where it is
    message: bytes, start: int | None = None
) -> Received:
    """Read a reply whose question was already compared.

    Args:
        message: The reply.
        start: Where its one question ends, if that is known.

    Raises:
        MalformedError: Cut short, too many records, a second OPT, or octets left over.
    """
    if len(message) < 12:
        raise MalformedError("reply is shorter than a header")
    flags, questions, *counts = _HEADER.unpack_from(message)
    if questions > 1 or sum(counts) > MAX_RECORDS:
        raise MalformedError(f"reply with {questions} questions and {sum(counts)} records")
    size = len(message)
    if start is None:
        start = names_end(message, 12) + 4 if questions else 12
    at = start
    records: list[Record] = []
    errors: list[tuple[int, str]] = []
    rcode, udp_size = flags & 15, 0
    for section, count in zip(_SECTIONS, counts, strict=True):
        for _ in range(count):
            first = message[at : at + 1]  # nearly always a pointer or, of OPT, the root
            at = at + 2 if first >= b"\xc0" else at + 1 if first == b"\0" else names_end(message, at)
            if at + 10 > size:
                raise MalformedError("record is cut short")
            rtype, ttl, length = _RECORD.unpack_from(message, at)
            end = at + 10 + length
            if end > size:
                raise MalformedError("record is cut short")
            if rtype == TYPE_OPT:
                if udp_size:
                    raise MalformedError("reply with more than one OPT record")
                udp_size = max(MIN_UDP, int.from_bytes(message[at + 2 : at + 4], "big"))
                rcode |= message[at + 4] << 4
                options = read_options(message, at + 10, end) or []
                errors += [_ede(data) for code, data in options if code == OPTION_EDE and len(data) >= 2]
            else:
                records.append(Record(section, rtype, ttl if ttl < 2**31 else 0, message[at + 10 : end]))
            at = end
    if at != size:
        raise MalformedError("octets are left over after the last record")
    return Received(flags, rcode, tuple(records), tuple(errors), udp_size)


def _ede(data: bytes) -> tuple[int, str]:
    text = data[2 : 2 + MAX_TEXT].decode("utf-8", "replace").rstrip("\0")
    return int.from_bytes(data[:2], "big"), "".join(c if c.isprintable() else "?" for c in text)
