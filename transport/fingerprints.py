"""Which pairs were seen on the last days: fingerprints of 64 bits in a table of fixed size, 16 to a set.

A full set gives up its oldest fingerprint; what is forgotten so is merely taken for new once more. That two pairs
have one fingerprint in one set happens once in 10^18 looks. Zero octets are an empty table; any octets are sound.
"""

import struct
from typing import Final

WAYS: Final = 16  # fingerprints of a set: at three quarters of the room, two of a hundred find no place
SET_OCTETS: Final = WAYS * (8 + 2)
_FINGERPRINTS: Final = struct.Struct(f"<{WAYS}Q")
_DAYS: Final = struct.Struct(f"<{WAYS}H")
_PAIR: Final = struct.Struct("<QQ")
_DAYS_AT: Final = WAYS * 8
_ONE: Final = struct.Struct("<Q")
_ONE_DAY: Final = struct.Struct("<H")
_MASK: Final = 0xFFFF  # of days, kept in 16 bits: 179 years


class Fingerprints:
    """A set-associative table of fingerprints and of the day of each.

    Args:
        table: Octets, which others may share.
        at: Where ours begin.
        octets: How many are ours.
        days: For how many days a fingerprint counts.
    """

    def __init__(self, table: memoryview, at: int, octets: int, days: int) -> None:
        self._table = table
        self._at = at
        self._sets = octets // SET_OCTETS
        self._days = days
        assert self._sets > 0, "no room for a single set"

    @property
    def room(self) -> int:
        """How many fingerprints there is room for."""
        return self._sets * WAYS

    def has(self, digest: bytes, day: int) -> bool:
        """Say whether a pair was added on one of the last days.

        Args:
            digest: 16 octets of the pair, keyed.
            day: Days since 1970.
        """
        pair: tuple[int, int] = _PAIR.unpack(digest)
        at = self._at + pair[0] % self._sets * SET_OCTETS
        held: tuple[int, ...] = _FINGERPRINTS.unpack_from(self._table, at)
        if pair[1] not in held:
            return False
        way = held.index(pair[1])
        then: tuple[int] = _ONE_DAY.unpack_from(self._table, at + _DAYS_AT + 2 * way)
        return self._counts(then[0], day)

    def add(self, digest: bytes, day: int) -> None:
        """Remember a pair that is not there, in the place of the oldest in its set."""
        pair: tuple[int, int] = _PAIR.unpack(digest)
        at = self._at + pair[0] % self._sets * SET_OCTETS
        held: tuple[int, ...] = _FINGERPRINTS.unpack_from(self._table, at)
        way = (
            held.index(pair[1])
            if pair[1] in held
            else held.index(0)
            if 0 in held
            else self._oldest(at, day, pair[1])
        )
        _ONE.pack_into(self._table, at + 8 * way, pair[1])
        _ONE_DAY.pack_into(self._table, at + _DAYS_AT + 2 * way, day & _MASK)

    def _oldest(self, at: int, day: int, start: int) -> int:
        """Return the fingerprint of a full set that is to give way."""
        days: tuple[int, ...] = _DAYS.unpack_from(self._table, at + _DAYS_AT)
        way = 0
        oldest = -1
        for offset in range(WAYS):
            one = (start + offset) % WAYS  # not always the first of those that are equally old
            age = (day - days[one]) & _MASK if self._counts(days[one], day) else _MASK
            if age > oldest:
                way, oldest = one, age
        return way

    def _counts(self, then: int, day: int) -> bool:
        age = (day - then) & _MASK
        return age < self._days or age == _MASK  # tomorrow's: a clock went back a little over midnight
