"""DNS cookies (RFC 7873), made so that other servers check them, too (RFC 9018): who asks is where it says.

    client cookie, 8 octets | version 1, reserved, timestamp | SipHash-2-4 of all before it and the client's address

A server keeps nothing: it makes a cookie out of what is asked and a secret, and whoever shows it again has received
it at that address. Secrets are shared by all servers of one address; `Secrets` are written in a file,
`RollingSecrets` follow from one number and the time.

Only the server's side: we send none to others' servers (decision 0030). Pure.
"""

import hmac
import struct
from hashlib import blake2b
from typing import Final

from nacl.bindings import crypto_shorthash_siphash24

from zonedata.wire import (
    CLIENT_COOKIE,
    COOKIE_ROOM,
    FLAG_CD,
    FLAG_QR,
    FLAG_RD,
    MAX_STREAM,
    MAX_UDP,
    OPT,
    OPTION_COOKIE,
    Rcode,
    cookie_among,
    read_options,
)

SECRET_OCTETS: Final = 16  # SipHash-2-4's key
COOKIES: Final = 24  # octets of both, as RFC 9018 makes them
MAX_AGE: Final = 3_600  # seconds for which a cookie proves anything (RFC 9018 section 4.3)
RENEWED_AGE: Final = 1_800  # seconds after which the client is given another (RFC 9018 section 4.3)
MAX_AHEAD: Final = 300  # seconds by which clocks of servers that share a secret may differ (RFC 9018 section 4.3)
ROLL_SECONDS: Final = 86_400  # for which a secret of `RollingSecrets` makes cookies; RFC 7873 section 7.1: a day
MAX_SEEN: Final = 8_192  # cookies that need not be hashed again for a while; some 2 MB
_VERSION: Final = b"\1\0\0\0"  # and three reserved octets
_STAMP: Final = struct.Struct(">I")
_OPTION: Final = struct.Struct(f">HH{COOKIES}s")
_OPT_HEAD: Final = OPT[:5]  # owner, type and size of every OPT record of ours
_OPT_OCTETS: Final = 11  # of an OPT record without options
_LENGTH_AT: Final = 9  # in an OPT record: how many octets its options have
_COOKIE_ONLY: Final = b"\0\0\0\0\0\0\0\1"  # counts of a query for a cookie and nothing else

assert _OPTION.size == COOKIE_ROOM


class Secrets:
    """What cookies are made with, and what those that are out there were made with.

    Args:
        active: 16 octets; makes cookies.
        others: Accepted too: what another server of this address makes already, or made until a while ago.
    """

    def __init__(self, active: bytes, others: tuple[bytes, ...] = ()) -> None:
        self._active = active
        self._accepted = (active, *others)

    def making(self, _stamp: int) -> bytes:
        """Return what a cookie of that time is made with."""
        return self._active

    def accepted(self, _stamp: int) -> tuple[bytes, ...]:
        """Return what a cookie of that time may have been made with."""
        return self._accepted


class RollingSecrets(Secrets):
    """Secrets that follow from one and the time, so that all who know that one agree without a word.

    Args:
        master: 32 octets.
    """

    def __init__(self, master: bytes) -> None:
        super().__init__(b"")
        self._master = master
        self._day = -1
        self._made = b""

    def making(self, stamp: int) -> bytes:
        """See `Secrets.making`."""
        day = stamp // ROLL_SECONDS
        if day != self._day:
            self._made = blake2b(day.to_bytes(8, "big"), key=self._master, digest_size=SECRET_OCTETS).digest()
            self._day = day
        return self._made

    def accepted(self, stamp: int) -> tuple[bytes, ...]:
        """See `Secrets.accepted`: a cookie says itself when it was made."""
        return (self.making(stamp),)


class Cookies:
    """Reads cookies and makes those that go back.

    Args:
        secrets: Of all servers that answer at our address.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._seen: dict[bytes, float] = {}  # good ones with their address, and until when they need no other

    def take_over(self, secrets: Secrets) -> None:
        """Use other secrets from now on."""
        self._secrets = secrets
        self._seen.clear()

    def read(self, cookie: bytes, source: bytes, now: float) -> tuple[bool, bytes]:
        """Say whether a cookie proves an address, and which one goes into the reply.

        Args:
            cookie: What the option holds, of a length that RFC 7873 allows.
            source: The 4 or 16 octets of the address.
            now: Unix seconds.
        """
        stamp = int(now) & 0xFFFFFFFF
        if len(cookie) == COOKIES and cookie[CLIENT_COOKIE] == 1:  # the reserved octets may be any (section 4.2)
            known = self._seen.get(cookie + source)  # of this length alone: a longer one may end in half an address
            if known is not None and now < known:
                return True, cookie
            made = int.from_bytes(cookie[12:16], "big")
            age = (stamp - made) & 0xFFFFFFFF  # serial number arithmetic, past 2106 as before it
            age -= (age & 0x80000000) << 1
            if -MAX_AHEAD <= age <= MAX_AGE:
                for secret in self._secrets.accepted(made):
                    if hmac.compare_digest(_hashed(cookie[:16], source, secret), cookie[16:]):
                        if age <= RENEWED_AGE and secret == self._secrets.making(stamp):
                            self._remember(cookie + source, now + RENEWED_AGE - age)
                            return True, cookie
                        return True, self._made(cookie[:CLIENT_COOKIE], source, stamp)
        return False, self._made(cookie[:CLIENT_COOKIE], source, stamp)

    def _made(self, client: bytes, source: bytes, stamp: int) -> bytes:
        head = client + _VERSION + _STAMP.pack(stamp)
        return head + _hashed(head, source, self._secrets.making(stamp))

    def _remember(self, known: bytes, until: float) -> None:
        if len(self._seen) >= MAX_SEEN:
            self._seen.clear()  # whoever fills it has addresses of its own, and makes others hash again, no more
        self._seen[known] = until


def _hashed(head: bytes, source: bytes, secret: bytes) -> bytes:
    digest: bytes = crypto_shorthash_siphash24(head + source, secret)
    return digest


# --- cookies in replies --------------------------------------------------------------------------------------


def add_cookie(outbox: memoryview, to: int, octets: int, cookie: bytes) -> int:
    """Put a COOKIE option at the end of a reply of ours, whose last record is an OPT record.

    Args:
        outbox: Has the reply, and room for COOKIE_ROOM octets behind it.
        to: Where it begins.
        octets: How many it has.
        cookie: Both cookies.

    Returns:
        How many octets it has now; a reply without an OPT record stays as it is.
    """
    end = to + octets
    if outbox[end - _OPT_OCTETS : end] == OPT:  # an option's text, which could end so, holds no zero octets
        at = end - _OPT_OCTETS
    else:
        found = _opt_in(bytes(outbox[to:end]))
        if found < 0:
            return octets
        at = to + found
    length = end - at - _OPT_OCTETS + COOKIE_ROOM
    outbox[at + _LENGTH_AT] = length >> 8
    outbox[at + _LENGTH_AT + 1] = length & 0xFF
    _OPTION.pack_into(outbox, end, OPTION_COOKIE, COOKIES, cookie)
    return octets + COOKIE_ROOM


def with_cookie(reply: bytes, cookie: bytes) -> bytes:
    """Return a reply of ours with a COOKIE option; one without an OPT record, or without room, stays as it is."""
    at = _opt_in(reply)
    if at < 0 or len(reply) + COOKIE_ROOM > MAX_STREAM:
        return reply
    length = len(reply) - at - _OPT_OCTETS + COOKIE_ROOM
    option = _OPTION.pack(OPTION_COOKIE, COOKIES, cookie)
    return b"".join((reply[: at + _LENGTH_AT], length.to_bytes(2, "big"), reply[at + _OPT_OCTETS :], option))


def _opt_in(reply: bytes) -> int:
    """Return where the OPT record that ends a reply of ours begins, -1 when none does."""
    at = reply.rfind(_OPT_HEAD)
    if at < 12 or at + _OPT_OCTETS > len(reply) or not reply[10] | reply[11]:
        return -1
    length = int.from_bytes(reply[at + _LENGTH_AT : at + _OPT_OCTETS], "big")
    return at if at + _OPT_OCTETS + length == len(reply) else -1


# --- queries for a cookie alone ------------------------------------------------------------------------------


def asked_alone(message: bytes) -> bytes | None:
    """Return the cookie of a query that has no question and asks for a server cookie (RFC 7873 section 5.4).

    None when the message is anything else.
    """
    at = 12 + _OPT_OCTETS
    is_query = len(message) >= at and not message[2] & 0xF8 and message[4:12] == _COOKIE_ONLY
    if not is_query or message[12:15] != OPT[:3] or message[18]:
        return None
    if at + int.from_bytes(message[at - 2 : at], "big") != len(message):
        return None
    options = read_options(message, at, len(message))
    return (cookie_among(options) or None) if options is not None else None


def answer_alone(message: bytes, cookie: bytes, *, is_refused: bool) -> bytes:
    """Answer such a query.

    Args:
        message: The query.
        cookie: Both cookies that go back.
        is_refused: Whether it came with a server cookie that is no good.
    """
    rcode = Rcode.BADCOOKIE if is_refused else Rcode.NOERROR
    flags = FLAG_QR | int.from_bytes(message[2:4], "big") & (FLAG_RD | FLAG_CD) | rcode & 15
    opt = OPT[:3] + MAX_UDP.to_bytes(2, "big") + bytes((rcode >> 4, 0, 0, 0, 0, 0))
    return with_cookie(message[:2] + flags.to_bytes(2, "big") + _COOKIE_ONLY + opt, cookie)
