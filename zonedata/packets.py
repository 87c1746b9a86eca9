"""Replies ready to be sent again: a bounded cache, keyed by the question as it came, without its id.

A reply is kept as octets together with where its TTLs stand, so that giving it again is copying it and writing the
id and the seconds that are left. Nothing is parsed, verified or decided on a hit; whoever put it in said until when
it counts.

Bounded by octets, counted as the interpreter keeps them. When it is full, room is made as a clock does it: the hand
goes round, spares what was used since it came by, and drops the rest.

Owned by one process. Trusted for: what is in it goes out as it is. Its loss costs the work of laying replies out.
"""

import struct
from dataclasses import dataclass
from typing import Final

from zonedata.cookies import COOKIES, Cookies, add_cookie
from zonedata.kinds import MAX_TTL
from zonedata.replies import names_end
from zonedata.wire import (
    CLIENT_COOKIE,
    FLAG_CD,
    MAX_QUERY,
    MAX_UDP,
    OPTION_COOKIE,
    TYPE_OPT,
    TYPE_SOA,
    QType,
    Query,
    cookie_among,
    cut_short,
    read_options,
    read_query,
    size_for,
)

# An entry is the reply without its id, then where its TTLs stand, then this: until when it counts, what its TTLs
# count down to (both Unix seconds), slot, most TTL, sort, how many TTLs. The reply stands first so that it can be
# copied without being cut out before; what follows it is copied along, and overwritten or never sent.
_FOOT: Final = struct.Struct("<ddIIBB")
_FOOT_OCTETS: Final = 26
_OFFSET: Final = struct.Struct("<H")
_TTL: Final = struct.Struct(">I")
_COUNTS_AT_4: Final = struct.Struct(">4H")
_TYPE_AND_LENGTH: Final = struct.Struct(">H6xH")
MAX_TTLS: Final = 64  # records of a reply that is kept; longer ones are laid out each time
OVERHEAD: Final = 2 * 33 + 60 + 9  # octets: two bytes objects, a place in the dictionary, and its slot on the clock
MAX_OCTETS: Final = 64 * 2**20  # of one process; some 120,000 answers
_LEAST_MARK: Final = 0xFE
PADDED_MARK: Final = bytes((_LEAST_MARK,))  # ends the keys of replies over encrypted streams, which are padded
STREAM_MARK: Final = b"\xff"  # ends those of replies over plain streams, which have more room than datagrams
OPT_HEAD: Final = b"\0" + TYPE_OPT.to_bytes(2, "big")
_TAIL_OCTETS: Final = 8  # of an OPT record without options, from its size on
_OPT_OCTETS: Final = 11  # of the whole record
_LEAST_QUERY: Final = 12 + 1 + 4  # octets: header, the root's name, type and class
MAX_BEHIND: Final = 2 * MAX_TTLS + _FOOT_OCTETS  # octets of an entry after its reply
_SIZES: Final = (
    512, 1_220, 1_232, 1_280, 1_400, 1_410, 1_432, 1_440, 1_452, 1_472, 2_048, 4_000, 4_096, 8_192, 65_494, 65_535,
)  # fmt: skip
_NAME_END: Final = b"\0\xff"  # the root's label, and the first octet of our types
_ABOUT_PEOPLE: Final = (QType.CSI.to_bytes(2, "big"), QType.PROOF.to_bytes(2, "big"))
_ONE_COOKIE: Final = tuple(  # the length of the options, and the head of the only one, as most clients send it
    (4 + octets).to_bytes(2, "big") + OPTION_COOKIE.to_bytes(2, "big") + octets.to_bytes(2, "big")
    for octets in (CLIENT_COOKIE, COOKIES)
)
_NOT_PLAIN: Final = 0xF8  # QR and the opcode, in the first octet of the flags
_COUNTS: Final = b"\0\1\0\0\0\0\0"  # one question, no answer, no authority, fewer than 256 additional records
SORTS: Final = 8  # kinds of replies that statistics tell apart

assert _FOOT.size == _FOOT_OCTETS


@dataclass(slots=True)  # one a look-up: decision 0016
class Ages:
    """How the TTLs of a kept reply go down.

    Attributes:
        to: Unix seconds to which they count.
        most: They are never more.
    """

    to: float
    most: int = MAX_TTL

    def ttl(self, now: float) -> int:
        """Return the TTL at a time; at least a second, since 0 is for what was never to be kept."""
        return min(max(int(self.to - now), 1), self.most)


TTLS_STAY: Final = Ages(0.0)  # they are given as they are


class Packets:
    """A cache of replies.

    Args:
        octets: It takes no more than this.
    """

    def __init__(self, octets: int = MAX_OCTETS) -> None:
        self._most = octets
        self._entries: dict[bytes, bytes] = {}
        self._keys: list[bytes] = []  # by slot; b"" where nothing is
        self._used = bytearray()  # by slot: 1 when it was given since the hand came by
        self._free: list[int] = []  # slots
        self._hand = 0
        self.octets = 0
        self.evicted = 0
        self.given = [0] * SORTS  # replies given, by sort

    def __len__(self) -> int:
        return len(self._entries)

    def write(self, key: bytes, message_id: bytes, now: float, outbox: memoryview, to: int) -> int:
        """Write the reply to a question.

        Args:
            key: The question's octets after the id.
            message_id: Its id.
            now: Unix seconds.
            outbox: Takes the reply, and up to MAX_BEHIND octets behind it that mean nothing.
            to: Where it is to begin.

        Returns:
            The octets of the reply, 0 when none is kept.
        """
        entry = self._entries.get(key)
        if entry is None:
            return 0
        size: int = len(entry)
        foot: tuple[float, float, int, int, int, int] = _FOOT.unpack_from(entry, size - _FOOT_OCTETS)
        until, base, slot, most, sort, count = foot
        if until <= now:
            return 0
        self._used[slot] = 1
        self.given[sort] += 1
        pair = _PAIRS[size] if size < len(_PAIRS) else None
        if pair is None:
            pair = _pair(size)
        pair.pack_into(outbox, to, message_id, entry)
        at: int = size - _FOOT_OCTETS - 2 * count
        octets: int = at + 2
        if count:
            ttl = min(max(int(base - now), 1), most)  # as Ages.ttl
            while at < size - _FOOT_OCTETS:
                _TTL.pack_into(outbox, to + entry[at] + 256 * entry[at + 1], ttl)
                at += 2
        return octets

    def get(self, key: bytes, now: float) -> bytes | None:
        """Return the reply to a question with two zero octets for its id, or None."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        whole = memoryview(bytearray(len(entry) + 2))
        octets = self.write(key, b"\0\0", now, whole, 0)
        return bytes(whole[:octets]) if octets else None

    def put(self, key: bytes, reply: bytes, until: float, ages: "Ages", sort: int = 0) -> None:
        """Keep a reply.

        Args:
            key: The question's octets after the id.
            reply: Whole.
            until: Unix seconds until which it may be given.
            ages: How its TTLs go down.
            sort: For statistics, below SORTS.
        """
        offsets = ttls_of(reply) if ages is not TTLS_STAY else []
        if len(offsets) > MAX_TTLS:
            return
        self.drop(key)
        slot = self._place(OVERHEAD + len(key) + _FOOT_OCTETS + 2 * len(offsets) + len(reply))
        if slot is None:
            return
        foot = _FOOT.pack(until, ages.to, slot, ages.most, sort, len(offsets))
        entry = reply[2:] + b"".join(map(_OFFSET.pack, offsets)) + foot
        self._entries[key] = entry
        self._keys[slot] = key
        self._used[slot] = 0
        self.octets += OVERHEAD + len(key) + len(entry)

    def drop(self, key: bytes) -> None:
        """Forget a reply."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            slot = _FOOT.unpack_from(entry, len(entry) - _FOOT_OCTETS)[2]
            self._keys[slot] = b""
            self._free.append(slot)
            self.octets -= OVERHEAD + len(key) + len(entry)

    def clear(self) -> None:
        """Forget all."""
        self._entries.clear()
        self._keys.clear()
        self._used.clear()
        self._free.clear()
        self._hand = 0
        self.octets = 0

    def _place(self, octets: int) -> int | None:
        """Make room; return a free slot, None when even the whole would be too little."""
        if octets > self._most:
            return None
        while self.octets + octets > self._most:
            if self._hand >= len(self._keys):
                self._hand = 0
            key = self._keys[self._hand]
            if key and self._used[self._hand]:
                self._used[self._hand] = 0
            elif key:
                self.drop(key)
                self.evicted += 1
            self._hand += 1
        if self._free:
            return self._free.pop()
        self._keys.append(b"")
        self._used.append(0)
        return len(self._keys) - 1


def ready_reply(  # noqa: PLR0913, PLR0917 - as FastPath
    packets: Packets,
    cookies: Cookies,
    inbox: memoryview,
    at: int,
    end: int,
    source: bytes,
    outbox: memoryview,
    to: int,
    now: float,
) -> int:
    """Write the reply to the message at `inbox[at:end]` if one is kept; return its octets, 0 when none is.

    Most clients ask in a plain form, but for the size they announce: what they send, its end exchanged, is the key.
    The rest, with cookies, padding, letters in random case, is brought into a plain form first. To a cookie goes
    one back.
    """
    length = end - at
    parts = _PARTS[length] if length <= MAX_QUERY else None
    if parts is None:
        parts = _parts(length)
        if parts is None:
            return 0
    cut: tuple[bytes, bytes, bytes] = parts.unpack_from(inbox, at)
    message_id, middle, tail = cut
    octets = 0
    if tail[_TAIL_OCTETS - 1] < _LEAST_MARK:  # no plain form ends so; a stream's reply may be too long
        octets = packets.write(middle + _TAILS.get(tail, tail), message_id, now, outbox, to)
    if octets == 0:
        message = bytes(inbox[at:end])
        plain = plain_form(message)
        if plain is None:
            return 0
        key, question_end, cookie = plain
        octets = packets.write(key, message_id, now, outbox, to)
        if octets == 0:
            return 0
        outbox[to + 12 : to + question_end] = message[12:question_end]
        if cookie:
            octets = add_cookie(outbox, to, octets, cookies.read(cookie, source, now)[1])
    return octets


def cut_short_reply(message: bytes, outbox: memoryview, to: int) -> int:
    """Write a reply that sends whoever asked to a stream; return its octets, 0 when the message deserves none."""
    reply = cut_short(message)
    if reply is None:
        return 0
    outbox[to : to + len(reply)] = reply
    return len(reply)


def plain_form(message: bytes) -> tuple[bytes, int, bytes] | None:
    """Return the key under which the reply to an odd message may be kept, where its question ends, and its cookie.

    As `wire.Query.plain`, but without walking the name: the question is taken to end at the first octets that look
    like its end. Where that is wrong, what stands before them is no name, so there is no reply under the key. None
    when the message is no question for CSI or PROOF, or when its EDNS is not sound. The cookie is what its option
    holds, b"" without one.
    """
    name_end = message.find(_NAME_END, 12) + 1
    end = name_end + 4
    if not name_end or message[2] & _NOT_PLAIN or message[4:11] != _COUNTS or len(message) > MAX_QUERY:
        return None
    opt, cookie = b"", b""
    if message[11] == 1:
        at = end + 11
        if message[end : end + 3] != OPT_HEAD or message[end + 6 : end + 7] != b"\0":
            return None
        if at != len(message):
            if message[at - 2 : at + 4] in _ONE_COOKIE and len(message) == at + 4 + message[at + 3]:
                cookie = message[at + 4 :]
            else:
                length = int.from_bytes(message[at - 2 : at], "big")
                options = read_options(message, at, at + length) if at + length == len(message) else None
                among = cookie_among(options) if options is not None else None
                if among is None:
                    return None
                cookie = among
        opt = _opt(size_for(int.from_bytes(message[end + 3 : end + 5], "big"), cookie))
    elif message[11] or end != len(message):
        return None
    flags = bytes((message[2] & 1, message[3] & FLAG_CD))  # RD is the lowest bit of the first
    key = flags + message[4:12] + message[12:name_end].lower() + message[name_end:end] + opt
    return key, end, cookie


def asked_in(message: bytes) -> tuple[bytes, bytes]:
    """Return whom a message is about, as the octets of the name in lower case, and its cookie; b"" for neither.

    A question for anything but CSI and PROOF is about nobody. Where no answer will come, the name means nothing.
    """
    if _ends_plainly(message):
        type_at = len(message) - _OPT_OCTETS - 4  # behind the name stand its type and class
        return message[12:type_at].lower() if message[type_at : type_at + 2] in _ABOUT_PEOPLE else b"", b""
    plain = plain_form(message)
    if plain is None:
        query = read_query(message)
        return b"", query.cookie if isinstance(query, Query) else b""
    key, end, cookie = plain
    type_at = end - 4
    return key[10 : type_at - 2] if message[type_at : type_at + 2] in _ABOUT_PEOPLE else b"", cookie


def cookie_in(message: bytes) -> bytes:
    """Return the cookie that any message has, b"" when it has none; quickly where that is seen at its end."""
    if len(message) < _LEAST_QUERY or not message[11] or _ends_plainly(message):
        return b""
    return asked_in(message)[1]


def _ends_plainly(message: bytes) -> bool:
    """Say whether a message's OPT record has no options; the end of one that has can look so, too."""
    return message[-_TAIL_OCTETS:] in _TAILS and message.find(OPT_HEAD, 12) == len(message) - _OPT_OCTETS


def _opt(size: int) -> bytes:
    """Write the OPT record of a plain query that takes so many octets."""
    return OPT_HEAD + min(MAX_UDP, size).to_bytes(2, "big") + bytes(6)


def _tails() -> dict[bytes, bytes]:
    """Return the end of the plain query for that of each query whose OPT record has no options.

    For sizes that clients announce, with and without the DO bit; others are brought into a plain form.
    """
    ends = (size.to_bytes(2, "big") + b"\0\0" + do + b"\0\0\0" for size in _SIZES for do in (b"\0", b"\x80"))
    return {end: _opt(size_for(int.from_bytes(end[:2], "big"), b""))[-_TAIL_OCTETS:] for end in ends}


def _parts(octets: int) -> struct.Struct | None:
    """Return what cuts a message of so many octets into id, middle and what may be its OPT record's tail.

    One call for all three: out of a view of a buffer each slice makes two objects. None where nothing is ready.
    """
    if not _LEAST_QUERY <= octets <= MAX_QUERY:
        return None
    made = _PARTS[octets] = struct.Struct(f"2s{octets - 2 - _TAIL_OCTETS}s{_TAIL_OCTETS}s")
    return made


def _pair(octets: int) -> struct.Struct:
    """Return what writes an id, and behind it an entry of so many octets; made each time for those of streams."""
    made = struct.Struct(f"2s{octets}s")
    if octets < len(_PAIRS):
        _PAIRS[octets] = made
    return made


_PARTS: Final[list[struct.Struct | None]] = [None] * (MAX_QUERY + 1)  # by octets, made when first needed
_PAIRS: Final[list[struct.Struct | None]] = [None] * (MAX_UDP + MAX_BEHIND + 1)  # likewise
_TAILS: Final = _tails()  # a message without an OPT record ends otherwise, or its key is under no reply


def ttls_of(reply: bytes) -> list[int]:
    """Return where the TTLs of a reply of ours stand: of every record but OPT, and the minimum of an SOA."""
    questions, answers, authority, additional = _COUNTS_AT_4.unpack_from(reply, 4)
    at = names_end(reply, 12) + 4 if questions else 12
    found: list[int] = []
    for _ in range(answers + authority + additional):
        at = at + 2 if reply[at] >= 0xC0 else names_end(reply, at)
        rtype, length = _TYPE_AND_LENGTH.unpack_from(reply, at)
        end = at + 10 + length
        if rtype != TYPE_OPT:
            found.append(at + 4)
        if rtype == TYPE_SOA:
            found.append(end - 4)
        at = end
    return found
