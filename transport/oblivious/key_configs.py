"""Key configurations: the keys to which requests may be sealed, as `application/ohttp-keys` (RFC 9458 section 3).

Pure. Whoever reads a collection must have it from the gateway itself: a key that somebody else has put in its place
opens everything to them, and a key that is one client's alone tells its requests from all others (section 7). How
that is seen to is `client`'s docstring's.
"""

from dataclasses import dataclass
from typing import Final

from transport.oblivious.hpke import KDF_ID, KEM_ID, KEY_OCTETS, Aead

MEDIA_TYPE: Final = b"application/ohttp-keys"
MAX_OCTETS: Final = 4_096  # of a collection; one of ours has 45 a key, and three keys at most
MAX_CONFIGS: Final = 16  # in a collection; old and new ones during a change are two or three
MAX_ALGORITHMS: Final = 16  # of a key; three KDFs with three AEADs are nine
_LENGTH = 2  # octets of a length
_ALGORITHM = 4  # octets of a KDF's and an AEAD's numbers
_HEAD = 3  # octets of key identifier and KEM
_OUR_AEADS = frozenset(Aead)


class KeyConfigError(ValueError):
    """Octets that are no collection of key configurations, or one of which we can use none."""


@dataclass(frozen=True, slots=True)
class KeyConfig:
    """One key of a gateway that we can seal to.

    Attributes:
        key_id: 0 to 255; what a sealed request names it by.
        public: X25519, 32 octets.
        aeads: Those that may be used with it, as the gateway prefers; the KDF is HKDF-SHA256.
    """

    key_id: int
    public: bytes
    aeads: tuple[Aead, ...] = (Aead.AES_128_GCM, Aead.CHACHA20_POLY1305)


def to_wire(configs: tuple[KeyConfig, ...]) -> bytes:
    """Write a collection, the preferred key first."""
    return b"".join(len(one).to_bytes(_LENGTH) + one for one in map(_one_to_wire, configs))


def _one_to_wire(config: KeyConfig) -> bytes:
    algorithms = b"".join(KDF_ID.to_bytes(2) + aead.to_bytes(2) for aead in config.aeads)
    head = config.key_id.to_bytes(1) + KEM_ID.to_bytes(2) + config.public
    return head + len(algorithms).to_bytes(_LENGTH) + algorithms


def from_wire(octets: bytes) -> tuple[KeyConfig, ...]:
    """Read a collection and keep what we can use of it, in its order.

    A collection of which any part is wrong is discarded as a whole (section 3.2): what one client makes of a broken
    one and another does not would tell them apart. What is sound and of a kind that we do not know is passed over.

    Args:
        octets: Untrusted as to form, trusted as to whose they are.

    Raises:
        KeyConfigError: They are no collection, or nothing in it can be used.
    """
    if len(octets) > MAX_OCTETS:
        raise KeyConfigError(f"key configurations of {len(octets)} octets, at most {MAX_OCTETS} are allowed")
    parts: list[bytes] = []
    at = 0
    while at < len(octets):
        if len(parts) == MAX_CONFIGS:
            raise KeyConfigError(f"more than {MAX_CONFIGS} key configurations")
        end = at + _LENGTH + int.from_bytes(octets[at : at + _LENGTH])
        if at + _LENGTH > len(octets) or end > len(octets):
            raise KeyConfigError("key configurations are cut short")
        parts.append(octets[at + _LENGTH : end])
        at = end
    usable = [config for config in map(one_from_wire, parts) if config is not None]
    if not usable:
        raise KeyConfigError("no key configuration that can be used: X25519, HKDF-SHA256 and AES-GCM or ChaCha20")
    if len({config.key_id for config in usable}) != len(usable):
        raise KeyConfigError("two key configurations have one identifier")
    return tuple(usable)


def one_from_wire(octets: bytes) -> KeyConfig | None:
    """Read one configuration; None when it is of a kind that we cannot use.

    Raises:
        KeyConfigError: It is none.
    """
    if len(octets) < _HEAD:
        raise KeyConfigError("key configuration is cut short")
    if int.from_bytes(octets[1:_HEAD]) != KEM_ID:
        return None  # how long its key is is not known, so nothing more can be said of it
    at = _HEAD + KEY_OCTETS
    length = int.from_bytes(octets[at : at + _LENGTH])
    algorithms = octets[at + _LENGTH :]
    if len(octets) < at + _LENGTH or len(algorithms) != length or not length or length % _ALGORITHM:
        raise KeyConfigError("key configuration whose lengths do not agree")
    if length > MAX_ALGORITHMS * _ALGORITHM:
        raise KeyConfigError(f"more than {MAX_ALGORITHMS} algorithms for one key")
    pairs = [algorithms[start : start + _ALGORITHM] for start in range(0, length, _ALGORITHM)]
    numbers = [int.from_bytes(pair[2:]) for pair in pairs if int.from_bytes(pair[:2]) == KDF_ID]
    aeads = tuple(dict.fromkeys(Aead(number) for number in numbers if number in _OUR_AEADS))
    return KeyConfig(octets[0], octets[_HEAD:at], aeads) if aeads else None
