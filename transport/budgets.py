"""How many different things a client may ask about, in a day and in ten days: against reading a directory out.

A rate does not help against that: at 50 a second everybody is looked up in the end. So what counts is what a client
has not asked about before. An identifier is new to a client for which it was not counted on the last ten days; new
ones are counted, others cost nothing. Octets come in, and for how long to wait goes out; what they name is not
known here.

Every client has one account, and so has its network, which may ask eight times as much. A datagram whose address
nothing proves may use up a tenth of both, so that whoever forges addresses takes no more from their holders; it is
not remembered as seen, but what the holder has asked about before is answered.

All is in one table of fixed size (`transport.sketch`, `transport.fingerprints`), shared by workers as plain memory:

    header | fingerprints of (client, identifier) | clients | networks | unproven

- Accounts are never pushed out: more sources than there is room for make counts too high, never too low, and
  invented ones those of unproven datagrams alone.
- Fingerprints are: where more are in use than there is room for, an identifier is counted again.

Decision 0028 has the rates of error. Losing the table, or the last write of a killed worker, costs counts alone.
"""

import struct
from hashlib import blake2b
from typing import Final

from transport.clients import UNLIMITED, Client, client_part, network_part
from transport.fingerprints import Fingerprints
from transport.sketch import Sketch

MIB: Final = 1 << 20
MIN_SIZE: Final = 1  # MiB
MAX_SIZE: Final = 65_536
DEFAULT_SIZE: Final = 64  # MiB; room for 4 million fingerprints: 8,000 clients with 500 contacts each
DAYS: Final = 10
DAY: Final = 86_400  # seconds
NETWORK_FACTOR: Final = 8  # times the budget of a client, for its network
UNPROVEN_SHARE: Final = (
    10  # of a budget, what datagrams may use up whose address nothing proves: one part of so many
)
KEY_OCTETS: Final = 32
HEADER_OCTETS: Final = 4_096
_MAGIC: Final = b"fingerpost budgets 1\n"
_HEADER: Final = struct.Struct(f"<{len(_MAGIC)}sxxxQ{KEY_OCTETS}s")
# Of 32 parts of what follows the header:
_FINGERPRINT_PARTS: Final = 20
_CLIENT_PARTS: Final = 6
_NETWORK_PARTS: Final = 2
_UNPROVEN_PARTS: Final = 4


def initialised(table: memoryview, key: bytes) -> None:
    """Make octets an empty table.

    Args:
        table: Zero octets, as many as `octets_of` says.
        key: 32 random ones, which nobody who asks knows.
    """
    _HEADER.pack_into(table, 0, _MAGIC, len(table), key)


def is_usable(table: memoryview) -> bool:
    """Say whether octets are a table of this version and of their size."""
    if len(table) < HEADER_OCTETS:
        return False
    head: tuple[bytes, int, bytes] = _HEADER.unpack_from(table, 0)
    magic, size, key = head
    return magic == _MAGIC and size == len(table) and key != bytes(KEY_OCTETS)


def octets_of(mib: int) -> int:
    """Return how many octets a table of a size has."""
    return mib * MIB


class Budgets:
    """Counts what is new to whom.

    Args:
        table: One that is usable.
    """

    def __init__(self, table: memoryview) -> None:
        part = (len(table) - HEADER_OCTETS) // 32
        at = HEADER_OCTETS
        self.known = Fingerprints(table, at, part * _FINGERPRINT_PARTS, DAYS)
        at += part * _FINGERPRINT_PARTS
        self.clients = Sketch(table, at, part * _CLIENT_PARTS, DAYS)
        at += part * _CLIENT_PARTS
        self.networks = Sketch(table, at, part * _NETWORK_PARTS, DAYS)
        at += part * _NETWORK_PARTS
        self.unproven = Sketch(table, at, part * _UNPROVEN_PARTS, 1)
        key: bytes = _HEADER.unpack_from(table, 0)[2]
        self._pairs = blake2b(key=key, digest_size=16, person=b"pair")  # copied for each, which is quicker
        self._accounts = blake2b(key=key, digest_size=32, person=b"account")
        self.charged = 0  # new identifiers counted so far

    def charge(self, client: Client, source: bytes, identifier: bytes, now: float, *, is_proven: bool) -> int:
        """Count a question, if it is new to whoever asks and there is budget left.

        Args:
            client: Whose limits count.
            source: The 4 or 16 octets of the address.
            identifier: What is asked about.
            now: Unix seconds.
            is_proven: Whether the address, or who the client is, has been proven.

        Returns:
            0 when it may be answered; else after how many seconds there is budget again.
        """
        account = client_part(source)
        if client.name:
            account = b"client: " + client.name.encode()  # longer than any address
        day = int(now) // DAY
        pairs = self._pairs.copy()
        pairs.update(bytes((len(account),)) + account + identifier)
        pair = pairs.digest()
        if self.known.has(pair, day):
            return 0
        whose = [(self.clients, self._digest(account), 1)]
        if not client.name:
            whose.append((self.networks, self._digest(network_part(source)), NETWORK_FACTOR))
        quota = client.quota
        read: list[int] = []
        for sketch, digest, factor in whose:
            most_today, most = quota.day * factor, quota.ten_days * factor
            unproven = self.unproven.counts(digest, day)[0]
            share = _share(most_today, most)
            if not is_proven and unproven >= share:
                return _until_midnight(now)
            today, total = sketch.counts(digest, day)
            taken = min(unproven, share)
            if most_today != UNLIMITED and today + taken >= most_today:
                return _until_midnight(now)
            if most != UNLIMITED and total + taken >= most:
                days = sketch.days_until(digest, day, most - taken)
                return _until_midnight(now) + max(0, days - 1) * DAY
            read.append(today if is_proven else unproven)
        for (sketch, digest, _), count in zip(whose, read, strict=True):
            (sketch if is_proven else self.unproven).add(digest, day, count)
        if is_proven:
            self.known.add(pair, day)
        self.charged += 1
        return 0

    def _digest(self, account: bytes) -> bytes:
        accounts = self._accounts.copy()
        accounts.update(account)
        return accounts.digest()


def _share(most_today: int, most: int) -> int:
    """Return how much of a budget unproven datagrams may use up in a day."""
    by_ten_days = most // DAYS if most != UNLIMITED else most_today
    by_day = most_today if most_today != UNLIMITED else by_ten_days
    return max(1, min(by_day, by_ten_days) // UNPROVEN_SHARE)


def _until_midnight(now: float) -> int:
    return DAY - int(now) % DAY
