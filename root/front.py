"""What an authority answers in place: assertions about numbers straight out of the store, and ready replies.

A plain question for CSI about a number costs one read of the store and is laid out here, octet by octet; it is what
an MSP is asked all day. Everything else is laid out by `service` once and kept ready for a while.
"""

from typing import Final

from root.engine import Engine
from transport.fast_path import NOT_READY, FastPath
from zonedata import names, wire
from zonedata.cookies import Cookies
from zonedata.identifiers import MAX_DIGITS
from zonedata.names import Name
from zonedata.packets import Packets, ready_reply
from zonedata.store.layout import Table, Tables
from zonedata.wire import CLASS_IN, FLAG_AA, FLAG_QR, FLAG_RD, MAX_UDP, MIN_UDP, QType

_QUESTION_TAIL: Final = QType.CSI.to_bytes(2, "big") + CLASS_IN.to_bytes(2, "big")
_RECORD_HEAD: Final = wire.POINTER_TO_QUESTION + _QUESTION_TAIL
_OPT_HEAD: Final = b"\0\0\x29"  # the root's name, and the type
_OPT_REST: Final = bytes(6)  # no extended rcode, version 0, no flags, no options
_OUR_OPT: Final = _OPT_HEAD + MAX_UDP.to_bytes(2, "big") + _OPT_REST
_OPT_OCTETS: Final = len(_OUR_OPT)
_COUNTS: Final = (b"\0\1\0\0\0\0\0\0", b"\0\1\0\0\0\0\0\1")  # of a query without EDNS, and of one with
_REPLY_COUNTS: Final = (b"\0\1\0\1\0\0\0\0", b"\0\1\0\1\0\0\0\1")
_LENGTHS: Final = tuple(b"\1" * count for count in range(MAX_DIGITS + 1))  # of the labels of a number


def _heads() -> dict[bytes, tuple[bytes, bool]]:
    """Return the header of the reply for each header of a plain query, ids left out, and whether it has EDNS."""
    return {
        flags.to_bytes(2, "big") + _COUNTS[edns]: (
            (FLAG_QR | FLAG_AA | flags).to_bytes(2, "big") + _REPLY_COUNTS[edns],
            bool(edns),
        )
        for flags in (0, FLAG_RD)
        for edns in (0, 1)
    }


class Front(FastPath):
    """The fast path of an authority's datagram listeners (`transport.fast_path.FastPath`).

    Args:
        engine: Whose answers.
        apex: Under which the authority answers.
        packets: Filled by the service.
        cookies: Of the daemon.
    """

    def __init__(self, engine: Engine, apex: Name, packets: Packets, cookies: Cookies) -> None:
        self._tables = engine.assertions
        self._packets = packets
        self._cookies = cookies
        self._suffix = names.to_wire(names.from_text("e164."), apex)
        self._heads = _heads()
        self.assertions = 0  # given straight out of the store

    @property
    def ready(self) -> int:
        """How many replies were given because they were ready."""
        return sum(self._packets.given)

    def take_over(self, engine: Engine) -> None:
        """Answer for another engine from now on."""
        self._tables = engine.assertions
        self._packets.clear()

    def answer(  # noqa: PLR0913, PLR0917 - as FastPath
        self, inbox: memoryview, at: int, end: int, source: bytes, outbox: memoryview, to: int, now: float, /
    ) -> int:
        """See `FastPath.answer`."""
        if self._tables is not None:
            found = self._assertion(self._tables, bytes(inbox[at:end]), now)
            if found is not None:
                self.assertions += 1
                outbox[to : to + len(found)] = found
                return len(found)
        return ready_reply(self._packets, self._cookies, inbox, at, end, source, outbox, to, now) or NOT_READY

    def _assertion(self, tables: Tables, message: bytes, now: float) -> bytes | None:
        """Return the reply with a number's assertion; None when this is another question, or there is none."""
        head = self._heads.get(message[2:12])
        if head is None:
            return None
        tail = len(message)
        room = MIN_UDP
        if head[1]:
            tail -= _OPT_OCTETS
            if message[tail : tail + 3] != _OPT_HEAD or message[tail + 5 :] != _OPT_REST:
                return None
            room = message[tail + 3] * 256 + message[tail + 4]
        suffix_at = tail - 4 - len(self._suffix)
        if message[suffix_at:tail] != self._suffix + _QUESTION_TAIL:
            return None
        digits = message[12:suffix_at]
        count = len(digits) // 2
        if count > MAX_DIGITS or digits[::2] != _LENGTHS[count]:
            return None
        value = tables.get(Table.ASSERTIONS, b"e164\0" + digits[::-1].replace(b"\1", b"\0"))
        if value is None:
            return None
        ttl = int.from_bytes(value[8:12], "big")
        if int.from_bytes(value[:8], "big") - now < ttl:
            return None  # its TTL is cut, or it has ended; the service sees to both
        opt = _OUR_OPT if head[1] else b""
        reply = b"".join((message[:2], head[0], message[12:tail], _RECORD_HEAD, value[8:], opt))
        return reply if len(reply) <= min(max(room, MIN_UDP), MAX_UDP) else None
