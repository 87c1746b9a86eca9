"""Random questions as hostile and as ordinary as they come, and asking a service with its fast path in front."""

import random
from collections.abc import Iterator
from ipaddress import ip_network

from fingerpost.gate import Gate
from transport.clients import UNLIMITED, Clients, LimitSettings, NamedClient
from transport.endpoint import Endpoint
from transport.fast_path import NOT_READY, FastPath
from transport.handler import Caller, Handler, Protocol, Verdict
from transport.rates import Rates, shared_table
from zonedata import names, wire
from zonedata.cookies import Cookies, Secrets
from zonedata.names import Name
from zonedata.packets import MAX_BEHIND
from zonedata.wire import QType

CALLERS = {protocol: Caller(Endpoint("192.0.2.9", 4242), protocol) for protocol in Protocol}
SOURCE = bytes((192, 0, 2, 9))
COOKIES = Cookies(Secrets(bytes(range(16))))  # made with no secret, and the same in every process
EVERYBODY = LimitSettings(clients=(NamedClient("all", (ip_network("0.0.0.0/0"),), rate=UNLIMITED),))
_TYPES = [QType.CSI] * 8 + [QType.PROOF] * 3 + [QType.ZONE] * 3 + [wire.TYPE_SOA, 1]
_FLAGS = [b"\x01\x00"] * 8 + [b"\x00\x00", b"\x01\x10", b"\x01\x30"]
_SIZES = [1232] * 5 + [0, 512, 513, 1400, 4096, 65535]
PAUSES = [0.0] * 12 + [0.4, 1, 30, 200, 10_000]  # seconds between two questions
NOW = 1_750_000_000.0  # when random questions are made


def random_questions(rng: random.Random, count: int, owners: list[Name], apex: Name) -> Iterator[bytes]:
    """Make questions; half of them were asked before, by somebody with another id."""
    asked: list[bytes] = []
    for _ in range(count):
        if asked and rng.random() < 0.5:
            yield rng.randbytes(2) + rng.choice(asked[-10:])[2:]
        else:
            asked.append(random_question(rng, owners, apex))
            yield asked[-1]


def random_question(rng: random.Random, owners: list[Name], apex: Name) -> bytes:
    """Make a question: mostly plain, often odd, now and then broken."""
    message = bytearray(
        rng.randbytes(2) + (rng.choice(_FLAGS) if rng.random() < 0.95 else rng.randbytes(2)) + b"\0\1\0\0\0\0\0\0"
    )
    message += _spelled(rng, names.to_wire(rng.choice(owners), apex))
    message += rng.choice(_TYPES).to_bytes(2, "big") + (b"\0\1" if rng.random() < 0.95 else b"\0\3")
    if rng.random() < 0.6:
        size = rng.choice(_SIZES)
        options = rng.choice([b"", b"", b"", b"", random_cookie(rng), random_cookie(rng), b"\0\x0c\0\x04\0\0\0\0"])
        if rng.random() < 0.1:
            options += random_cookie(rng)
        flags = rng.choice([b"\0\0\0\0", b"\0\0\0\0", b"\0\0\x80\0", b"\0\1\0\0"])
        message[11] = 1
        message += b"\0\0\x29" + size.to_bytes(2, "big") + flags + len(options).to_bytes(2, "big") + options
    if rng.random() < 0.1:
        for _ in range(rng.randint(1, 3)):
            message[rng.randrange(len(message))] = rng.randrange(256)
    if rng.random() < 0.03:
        del message[rng.randrange(len(message)) :]
    return bytes(message)


def random_cookie(rng: random.Random) -> bytes:
    """Make a COOKIE option: of a client that begins, of one that is known, or of somebody else."""
    client = rng.randbytes(8)
    known = COOKIES.read(client, SOURCE, NOW)[1]
    cookie = rng.choice([client, client, known, known, known[:-1] + b"\0", rng.randbytes(rng.randrange(45))])
    return b"\0\x0a" + len(cookie).to_bytes(2, "big") + cookie


def _spelled(rng: random.Random, name: bytes) -> bytes:
    """Spell a name as some resolvers do, in letters of random case."""
    if rng.random() < 0.8:
        return name
    return bytes(octet ^ 0x20 if chr(octet).isalpha() and rng.random() < 0.5 else octet for octet in name)


def ask(fast: FastPath, handler: Handler, message: bytes, protocol: Protocol, now: float) -> Verdict:
    """Ask as the listeners do: over UDP the fast path first."""
    if protocol is Protocol.UDP:
        # The question stands somewhere in a buffer, and so does the answer; what is beside them stays as it is, but
        # for what is left behind the answer in its own slot.
        inbox = memoryview(b"\xaa" * 7 + message + b"\xaa" * 5)
        outbox = memoryview(bytearray(b"\xbb" * 4_300))
        octets = fast.answer(inbox, 7, 7 + len(message), SOURCE, outbox, 11, now)
        assert bytes(outbox[:11]) == b"\xbb" * 11
        if octets != NOT_READY:
            end = 11 + octets + MAX_BEHIND
            assert bytes(outbox[end:]) == b"\xbb" * (4_300 - end)
            return bytes(outbox[11 : 11 + octets]) if octets else None
        assert bytes(outbox[11 + wire.MAX_UDP :]) == b"\xbb" * (4_300 - 11 - wire.MAX_UDP)
    return handler(message, CALLERS[protocol], now)


def gated(fast: FastPath, handler: Handler, settings: LimitSettings = EVERYBODY) -> Gate:
    """Put limits before a handler and its fast path, whose cookies are COOKIES."""
    clients = Clients(settings)
    return Gate(fast, handler, clients, Rates(clients, shared_table()), None, COOKIES)
