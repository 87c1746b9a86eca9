"""A gateway's secret keys: each out of the one before it, a new one each period, and none that can be gone back to.

Pure. A chain is a seed and the period that it is for. The key of that period is derived from the seed, and so is
the seed of the next; the seed of the one before cannot be found again. So all workers of a daemon, and those after
a restart, have the same keys without asking one another, and whoever takes the file later reads nothing that was
sealed to keys whose time is over (RFC 9458 section 6.6): the file is written anew with the oldest seed that is
still needed, and whoever writes it writes the same.

    period n:   |------ preferred ------|------ still accepted ------|
    published:  from AHEAD before it, after the preferred one, to its end

Left out: the file's mode, and writing it (`fingerpost.oblivious_keys`).
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from transport.oblivious import hpke
from transport.oblivious.hpke import KEY_OCTETS, KeyPair
from transport.oblivious.key_configs import KeyConfig

PERIOD: Final = 86_400  # seconds for which a key is preferred: what one key opens is a day's
STILL: Final = 1  # periods for which it is accepted after that; longer than anybody is told to keep it
AHEAD: Final = 3_600  # seconds before its period in which it is published, and accepted from clocks that are fast
MAX_KEPT: Final = PERIOD * STILL // 2  # seconds for which clients are told to keep a collection
MAX_PERIODS: Final = 36_525  # of PERIOD that a chain is moved on at once: a hundred years, 0.3 s
KEY_IDS: Final = 256  # a period's key has its number modulo this; three at a time are in use at most
_MARK: Final = "ohttp-key-chain-1"
_MAX_TEXT: Final = 256  # characters; ours have some 80
_MAX_DIGITS: Final = 9  # of a period


class KeyChainError(ValueError):
    """A text that is no chain, or one of a time that cannot be."""


@dataclass(frozen=True, slots=True)
class SecretKey:
    """What a gateway opens requests with."""

    config: KeyConfig
    pair: KeyPair


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys at some time.

    Attributes:
        published: What clients are told, the preferred one first.
        accepted: By key identifier, what requests may be sealed to.
        until: Unix seconds from when on they are others.
    """

    published: tuple[KeyConfig, ...]
    accepted: Mapping[int, SecretKey]
    until: float


@dataclass(frozen=True, slots=True)
class KeyChain:
    """All keys from one period on.

    Attributes:
        period: The earliest, in periods of PERIOD since 1970.
        seed: Of its key; 32 octets, secret.
    """

    period: int
    seed: bytes

    def __repr__(self) -> str:
        return f"<KeyChain from {self.period}>"

    @classmethod
    def begun(cls, seed: bytes, now: float) -> "KeyChain":
        """Begin a chain with 32 octets of the system's randomness."""
        return cls(_period_at(now), seed)

    def moved(self, now: float) -> "KeyChain":
        """Return the chain without the keys that are no longer accepted; a clock that goes back changes nothing.

        Raises:
            KeyChainError: It would have to be moved on by more than MAX_PERIODS.
        """
        oldest = _period_at(now) - STILL
        if oldest - self.period > MAX_PERIODS:
            raise KeyChainError(f"begins {oldest - self.period} days ago; is the clock right?")
        return self._from(max(oldest, self.period))

    def is_ahead(self, now: float) -> bool:
        """Say whether it was moved on by a clock that was wrong: its key stays the same until that day."""
        return self.period > _period_at(now) + 1  # who began it may be a little ahead

    def leads_to(self, other: "KeyChain") -> bool:
        """Say whether another is this one, moved on or not."""
        if not 0 <= other.period - self.period <= MAX_PERIODS:
            return False
        return hmac.compare_digest(self._from(other.period).seed, other.seed)

    def _from(self, period: int) -> "KeyChain":
        seed = self.seed
        for _ in range(self.period, period):
            seed = _next(seed)
        return KeyChain(period, seed)

    def keys(self, now: float) -> Keys:
        """Return the keys at a time; those of a chain that begins later begin at once.

        Raises:
            KeyChainError: As `moved`.
        """
        chain = self.moved(now)
        preferred = max(_period_at(now), chain.period)
        coming = max(_period_at(now + AHEAD), preferred)
        made: dict[int, SecretKey] = {}
        seed = chain.seed
        for period in range(chain.period, coming + 1):
            made[period] = _key(period, seed)
            seed = _next(seed)
        published = tuple(made[period].config for period in sorted({preferred, coming}))
        accepted = {key.config.key_id: key for key in made.values()}
        begins = (_period_at(now) + 1) * PERIOD
        until = begins if now >= begins - AHEAD else begins - AHEAD
        return Keys(published, accepted, until)

    def to_text(self) -> str:
        """Write it, for a file that nobody else may read."""
        return f"{_MARK} {self.period} {base64.b64encode(self.seed).decode('ascii')}\n"

    @classmethod
    def from_text(cls, text: str) -> "KeyChain":
        """Read what `to_text` writes, and nothing else.

        Raises:
            KeyChainError: It is none; the text is not repeated.
        """
        words = text[:_MAX_TEXT].split()
        if len(words) != 3 or words[0] != _MARK or not (words[1].isascii() and words[1].isdigit()):
            raise KeyChainError(f"no key chain; expected '{_MARK}', a period and base64")
        if len(words[1]) > _MAX_DIGITS:
            raise KeyChainError("a period that never comes")
        try:
            seed = base64.b64decode(words[2].encode("ascii"), validate=True)
        except (binascii.Error, UnicodeEncodeError):  # whose text has some of the secret
            raise KeyChainError("a seed that is not base64") from None
        chain = cls(int(words[1]), seed)
        if len(seed) != KEY_OCTETS or chain.to_text() != text:
            raise KeyChainError("not as it is written by 'fingerpost keygen'")
        return chain


class KeyRing:
    """The keys of a chain, made when they change and not for each request.

    Args:
        chain: From where on.
    """

    def __init__(self, chain: KeyChain) -> None:
        self._chain = chain
        self._keys: Keys | None = None
        self._since = 0.0

    def __repr__(self) -> str:
        return "<KeyRing>"

    def at(self, now: float) -> Keys:
        """Return the keys at a time.

        Raises:
            KeyChainError: The clock has leapt by more than MAX_PERIODS.
        """
        if self._keys is None or not self._since <= now < self._keys.until:
            self._chain = self._chain.moved(now)
            self._keys, self._since = self._chain.keys(now), now
        return self._keys

    @property
    def chain(self) -> KeyChain:
        """What is to be kept over a restart."""
        return self._chain


def _period_at(now: float) -> int:
    return int(now // PERIOD)


def _next(seed: bytes) -> bytes:
    return hpke.expand(seed, b"fingerpost ohttp next seed", KEY_OCTETS)


def _key(period: int, seed: bytes) -> SecretKey:
    pair = KeyPair.derived(hpke.expand(seed, b"fingerpost ohttp key", KEY_OCTETS))
    return SecretKey(KeyConfig(period % KEY_IDS, pair.public), pair)
