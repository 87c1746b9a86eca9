"""RSA blind signatures (RFC 9474). Pure: whatever is to be random is drawn by a function that is handed in.

    client                                   issuer
    message = prepare(...)
    blinded = blind(public, message, ...)
                        blinded.message ->
                                             blind_sign(private, message, ...)
                        <- blind signature
    finalize(public, message, signature, blinded.inverse, ...)

No library that we use offers the bare RSA operation, so it is Python's `pow` here, by the Chinese remainder
theorem. `pow` takes a time that depends on its operands. So the operand is multiplied with the `e`-th power of a
new random number each time, which is taken out of the result again (base blinding, against the attack that RFC 9474
section 7.1 names), and the exponents get random multiples of their orders added: what a client can choose and what
is computed with have nothing to do with each other. That is for an issuer on a machine of its own; whoever shares
its processor may measure more than time. Verification is `cryptography`'s.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from math import gcd

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

Draw = Callable[[int], bytes]  # so many octets that nobody can foresee, such as `secrets.token_bytes`

EXPONENT = 65_537
MIN_BITS, MAX_BITS = 2_048, 4_096  # below, too weak; above, slow, and no vector of the RFC goes there
HASH_OCTETS = 48  # SHA-384
PREFIX_OCTETS = 32  # RFC 9474 section 4.1
EXPONENT_BLIND_OCTETS = 8  # of the random factor of the order, which makes an exponent 64 bits longer
_ZEROES = bytes(8)
_SHA384 = hashes.SHA384()


class BlindSignatureError(ValueError):
    """What was handed in cannot be blinded, signed or finalized. Its text is the RFC's name for that."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One of the four (RFC 9474 section 5).

    Attributes:
        name: The RFC's.
        salt: Octets of the PSS salt.
        is_randomized: Whether 32 random octets stand before the message, for messages that might be guessed.
    """

    name: str
    salt: int
    is_randomized: bool


PSS_RANDOMIZED = Variant("RSABSSA-SHA384-PSS-Randomized", HASH_OCTETS, is_randomized=True)
PSSZERO_RANDOMIZED = Variant("RSABSSA-SHA384-PSSZERO-Randomized", 0, is_randomized=True)
PSS_DETERMINISTIC = Variant("RSABSSA-SHA384-PSS-Deterministic", HASH_OCTETS, is_randomized=False)
PSSZERO_DETERMINISTIC = Variant("RSABSSA-SHA384-PSSZERO-Deterministic", 0, is_randomized=False)
VARIANTS = (PSS_RANDOMIZED, PSSZERO_RANDOMIZED, PSS_DETERMINISTIC, PSSZERO_DETERMINISTIC)


class PublicKey:
    """What verifies. Equal to another of the same numbers.

    Attributes:
        n: The modulus.
        e: The public exponent.
        octets: Of the modulus, and so of every message and signature under the key.

    Raises:
        BlindSignatureError: A modulus of another size, or numbers that no key has.
    """

    __slots__ = ("_verifier", "e", "n", "octets")

    def __init__(self, n: int, e: int = EXPONENT) -> None:
        if not MIN_BITS <= n.bit_length() <= MAX_BITS or n % 2 == 0:
            raise BlindSignatureError(f"modulus of {n.bit_length()} bits, expected {MIN_BITS} to {MAX_BITS}, odd")
        try:
            self._verifier = rsa.RSAPublicNumbers(e, n).public_key()
        except ValueError as error:
            raise BlindSignatureError(f"no RSA key: {error}") from error
        self.n = n
        self.e = e
        self.octets = (n.bit_length() + 7) // 8

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and (self.n, self.e) == (other.n, other.e)

    __hash__ = None  # type: ignore[assignment]  # nobody keeps keys in sets

    def verifies(self, message: bytes, signature: bytes, variant: Variant) -> bool:
        """Say whether a signature is the key's over a prepared message (RSASSA-PSS-VERIFY, RFC 8017 8.1.2)."""
        if len(signature) != self.octets:
            return False
        scheme = padding.PSS(mgf=padding.MGF1(_SHA384), salt_length=variant.salt)
        try:
            self._verifier.verify(signature, message, scheme, _SHA384)
        except InvalidSignature:
            return False
        return True


class PrivateKey:
    """What signs. Never printed.

    Args:
        p: A prime.
        q: Another.
        e: The public exponent.

    Raises:
        BlindSignatureError: These are not the primes of a key.
    """

    __slots__ = ("_dp", "_dq", "_inverse", "p", "public", "q")

    def __init__(self, p: int, q: int, e: int = EXPONENT) -> None:
        self.public = PublicKey(p * q, e)
        try:
            self._dp, self._dq = pow(e, -1, p - 1), pow(e, -1, q - 1)
            self._inverse = pow(q, -1, p)
        except ValueError as error:
            raise BlindSignatureError("these are not the primes of a key") from error
        self.p, self.q = p, q

    def __repr__(self) -> str:
        return f"<PrivateKey of {self.public.n.bit_length()} bits>"

    def power(self, base: int, draw: Draw) -> int:
        """Return the private power of a number below the modulus (RSASP1, RFC 8017 5.2.1); see the module's text.

        Raises:
            BlindSignatureError: What was drawn has no inverse; a chance below 2^-1000.
        """
        n, e = self.public.n, self.public.e
        r = uniform(n, draw)
        away = _inverse_of(r, n, "signing failure")
        base = base * pow(r, e, n) % n
        at_p = pow(base % self.p, self._dp + _multiple(self.p - 1, draw), self.p)
        at_q = pow(base % self.q, self._dq + _multiple(self.q - 1, draw), self.q)
        power = at_q + (at_p - at_q) * self._inverse % self.p * self.q
        return power * away % n


@dataclass(frozen=True, slots=True)
class Blinded:
    """A message that is blinded, and how the signature over it is unblinded.

    Attributes:
        message: For the issuer.
        inverse: For the client alone.
    """

    message: bytes
    inverse: int


def prepare(message: bytes, variant: Variant, draw: Draw) -> bytes:
    """Return what is to be signed for a message (RFC 9474 section 4.1)."""
    return draw(PREFIX_OCTETS) + message if variant.is_randomized else message


def blind(public: PublicKey, message: bytes, variant: Variant, draw: Draw) -> Blinded:
    """Blind a prepared message (RFC 9474 section 4.2). The salt is drawn first, then the blind.

    Raises:
        BlindSignatureError: "invalid input" or "blinding error": somebody has found a factor of the modulus.
    """
    n = public.n
    m = int.from_bytes(encode(message, n.bit_length() - 1, draw(variant.salt)), "big")
    if gcd(m, n) != 1:
        raise BlindSignatureError("invalid input")
    r = uniform(n, draw)
    inverse = _inverse_of(r, n, "blinding error")
    return Blinded((m * pow(r, public.e, n) % n).to_bytes(public.octets, "big"), inverse)


def blind_sign(private: PrivateKey, message: bytes, draw: Draw) -> bytes:
    """Sign a blinded message (RFC 9474 section 4.3), and look whether the result is right before it is given away.

    A wrong result, by a fault of the machine, would give away the key.

    Raises:
        BlindSignatureError: "unexpected input size", "message representative out of range", "signing failure".
    """
    public = private.public
    m = representative(public, message)
    s = private.power(m, draw)
    if pow(s, public.e, public.n) != m:
        raise BlindSignatureError("signing failure")
    return s.to_bytes(public.octets, "big")


def representative(public: PublicKey, message: bytes) -> int:
    """Return the number that a blinded message stands for.

    Raises:
        BlindSignatureError: "unexpected input size", "message representative out of range".
    """
    if len(message) != public.octets:
        raise BlindSignatureError("unexpected input size")
    m = int.from_bytes(message, "big")
    if m >= public.n:
        raise BlindSignatureError("message representative out of range")
    return m


def finalize(public: PublicKey, message: bytes, signature: bytes, inverse: int, variant: Variant) -> bytes:
    """Unblind a signature over a prepared message, and verify it (RFC 9474 section 4.4).

    Raises:
        BlindSignatureError: "unexpected input size", "invalid signature".
    """
    if len(signature) != public.octets:
        raise BlindSignatureError("unexpected input size")
    s = int.from_bytes(signature, "big") * inverse % public.n
    unblinded = s.to_bytes(public.octets, "big")
    if not public.verifies(message, unblinded, variant):
        raise BlindSignatureError("invalid signature")
    return unblinded


def encode(message: bytes, bits: int, salt: bytes) -> bytes:
    """Encode a message for signing (EMSA-PSS-ENCODE, RFC 8017 section 9.1.1) with SHA-384, also for MGF1.

    Args:
        message: The prepared message.
        bits: Of the result, at most: one fewer than the modulus has.
        salt: Random, of the variant's length.

    Raises:
        BlindSignatureError: "encoding error": there is no room.
    """
    octets = (bits + 7) // 8
    room = octets - HASH_OCTETS - 1  # of the masked data
    if room < len(salt) + 1:
        raise BlindSignatureError("encoding error")
    digest = hashlib.sha384(_ZEROES + hashlib.sha384(message).digest() + salt).digest()
    data = int.from_bytes(b"\x01" + salt, "big")
    mask = int.from_bytes(_mask(digest, room), "big")
    masked = (data ^ mask) & ((1 << (bits - 8 * (HASH_OCTETS + 1))) - 1)
    return masked.to_bytes(room, "big") + digest + b"\xbc"


def _mask(seed: bytes, octets: int) -> bytes:
    """Return the mask of MGF1 (RFC 8017 appendix B.2.1)."""
    blocks = -(-octets // HASH_OCTETS)
    return b"".join(hashlib.sha384(seed + count.to_bytes(4, "big")).digest() for count in range(blocks))[:octets]


def uniform(end: int, draw: Draw) -> int:
    """Draw a number from 1 to below an end, each as likely as the others: by drawing until one fits."""
    bits = end.bit_length()
    octets = (bits + 7) // 8
    while True:
        number = int.from_bytes(draw(octets), "big") >> (8 * octets - bits)
        if 0 < number < end:
            return number


def _multiple(order: int, draw: Draw) -> int:
    return order * int.from_bytes(draw(EXPONENT_BLIND_OCTETS), "big")


def _inverse_of(number: int, modulus: int, failure: str) -> int:
    try:
        return pow(number, -1, modulus)
    except ValueError as error:
        raise BlindSignatureError(failure) from error
