"""Issuers' keys: on the wire, on disk, and when each counts. Pure but for making keys.

Each key issues for one day, from midnight to midnight UTC, and its tokens are taken until the end of the next day.
So what a client may have of one key is its quota of a day; it cannot save up more than two days'; and all tokens of
a day are alike. RFC 9578 leaves the rotation to the issuer.
"""

import hashlib
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from transport.tokens.blind_rsa import EXPONENT, BlindSignatureError, PrivateKey, PublicKey
from transport.tokens.tokens import BITS, MODULUS_OCTETS, TokenError

DAY = 86_400
PERIOD = DAY  # seconds for which a key issues
REDEEMED_FOR = 2 * DAY  # from the beginning of the period; so a token that was fetched at its end lives for a day
SKEW = 300  # seconds that clocks of clients and resolvers may be wrong; longer, and keys of two days would issue
_HEAD = (
    bytes.fromhex(  # SEQUENCE { id-RSASSA-PSS { SHA-384, MGF1 with SHA-384, 48 }, BIT STRING { SEQUENCE { INTEGER
        "30820152303d06092a864886f70d01010a3030a00d300b0609608648016503040202"
        "a11a301806092a864886f70d010108300b0609608648016503040202a2030201300382010f003082010a0282010100"
    )
)
_TAIL = bytes.fromhex("0203010001")  # INTEGER 65537
SPKI_OCTETS = len(_HEAD) + MODULUS_OCTETS + len(_TAIL)


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """A public key of an issuer and when it counts.

    Attributes:
        public: What verifies.
        spki: Its SubjectPublicKeyInfo in DER, as RFC 9578 section 6.5 has it.
        key_id: SHA-256 of that.
        not_before: Unix seconds from which it issues.
        not_after: Unix seconds from which no token of it is taken.
    """

    public: PublicKey
    spki: bytes
    key_id: bytes
    not_before: int
    not_after: int

    @property
    def truncated(self) -> int:
        """Return the octet by which requests name it."""
        return self.key_id[-1]

    def issues(self, now: float, skew: float = 0) -> bool:
        """Say whether it is the key for issuing, as far as clocks agree."""
        return self.not_before - skew <= now < self.not_before + PERIOD + skew

    def is_redeemed(self, now: float) -> bool:
        """Say whether tokens of it are taken; a client whose clock is ahead has it a little earlier."""
        return self.not_before - SKEW <= now < self.not_after


def issuer_key(spki: bytes, not_before: int, not_after: int | None = None) -> IssuerKey:
    """Read a key as directories and challenges have it.

    Args:
        spki: SubjectPublicKeyInfo in DER, in the one spelling that RFC 9578 gives it.
        not_before: Unix seconds.
        not_after: Unix seconds; None for as long as our keys last.

    Raises:
        TokenError: It is none of token type 0x0002.
    """
    if len(spki) != SPKI_OCTETS or not spki.startswith(_HEAD) or not spki.endswith(_TAIL):
        raise TokenError(f"no RSA key of {BITS} bits for RSASSA-PSS with SHA-384, with e = {EXPONENT}")
    n = int.from_bytes(spki[len(_HEAD) : -len(_TAIL)], "big")
    try:
        public = PublicKey(n)  # refuses what has fewer bits; there is no room for more
    except BlindSignatureError as error:
        raise TokenError(str(error)) from error
    end = not_before + REDEEMED_FOR if not_after is None else not_after
    return IssuerKey(public, spki, hashlib.sha256(spki).digest(), not_before, end)


def spki_of(public: PublicKey) -> bytes:
    """Write a public key of token type 0x0002."""
    assert (public.n.bit_length(), public.e) == (BITS, EXPONENT), "keys are checked where they are made"
    return _HEAD + public.n.to_bytes(MODULUS_OCTETS, "big") + _TAIL


def start_of_period(now: float) -> int:
    """Return the last midnight, UTC."""
    return int(now) // PERIOD * PERIOD


def generate() -> PrivateKey:
    """Make a key; some 100 ms."""
    numbers = rsa.generate_private_key(EXPONENT, BITS).private_numbers()
    return PrivateKey(numbers.p, numbers.q)


def to_pem(private: PrivateKey) -> bytes:
    """Write a private key, PKCS #8 in PEM without a passphrase."""
    p, q, e = private.p, private.q, private.public.e
    d = pow(e, -1, (p - 1) * (q - 1))
    crt = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
    numbers = rsa.RSAPrivateNumbers(p, q, d, *crt, rsa.RSAPublicNumbers(e, p * q))
    return numbers.private_key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def from_pem(pem: bytes) -> PrivateKey:
    """Read a private key.

    Raises:
        TokenError: It is none of token type 0x0002, or has a passphrase.
    """
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise TokenError("holds no unencrypted private key in PEM") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TokenError("holds a key of another kind than RSA")
    numbers = key.private_numbers()
    public = numbers.public_numbers
    if (public.n.bit_length(), public.e) != (BITS, EXPONENT):
        raise TokenError(
            f"holds an RSA key of {public.n.bit_length()} bits, e = {public.e}; expected {BITS}, {EXPONENT}"
        )
    return PrivateKey(numbers.p, numbers.q)
