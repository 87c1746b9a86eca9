"""Ed25519 over octets, as RFC 8032 has it: the seam to the libraries. Who is believed is for `keys`.

libsodium signs and verifies at two thirds of what OpenSSL takes. Section 5.1.7 of the RFC leaves open whether the
equation is multiplied by the cofactor. Here it is not: R is compared by its octets, or verifiers would differ on
what whoever has a key can make. libsodium does so up to 1.0.20; its later sources multiply. So it is asked once, at
the start, and where it would accept more, OpenSSL verifies.
"""

from collections.abc import Callable

from nacl.bindings import crypto_sign, crypto_sign_keypair, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import BadSignatureError

SIGNATURE_OCTETS = 64
PUBLIC_OCTETS = 32
SEED_OCTETS = 32

# A public key, a signature, a message. The key is the base point B, R is B and the point of order two, S is 1 and
# the challenge: right when it is multiplied by the cofactor, else wrong.
_RIGHT_BY_COFACTOR = (
    b"X" + b"f" * 31,
    b"\x95" + b"\x99" * 31 + bytes.fromhex("cb88090fe116309da75e53b628dfe8dc7ba29364f7510b2fbd7888bc0987c501"),
    b"",
)

# Takes the 32 octets of a public key, the 64 of a signature, and the message.
Verify = Callable[[bytes, bytes, bytes], bool]


def by_libsodium(public: bytes, signature: bytes, message: bytes) -> bool:
    """Verify, in 41 us where OpenSSL takes 67."""
    try:
        crypto_sign_open(signature + message, public)
    except BadSignatureError:
        return False
    return True


def by_openssl(public: bytes, signature: bytes, message: bytes) -> bool:
    """Verify with what `cryptography` brings; it knows every point, of small order too."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - with libsodium, nothing needs it
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - as above

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def first_exact(*ways: Verify) -> Verify:
    """Return the first way to verify that does not multiply by the cofactor."""
    return next(way for way in ways if not way(*_RIGHT_BY_COFACTOR))


verify = first_exact(by_libsodium, by_openssl)


def sign(secret: bytes, message: bytes) -> bytes:
    """Return the 64 octets of the signature.

    Args:
        secret: As `secret_of` makes it; no other length is safe.
        message: Of any length.
    """
    return crypto_sign(message, secret)[:SIGNATURE_OCTETS]


def secret_of(seed: bytes) -> bytes:
    """Return the seed and the public key in one, which saves computing the latter for each signature.

    Raises:
        ValueError: The seed has not 32 octets.
    """
    return crypto_sign_seed_keypair(seed)[1]


def new_secret() -> bytes:
    """Make one, as `secret_of`, from the system's randomness."""
    return crypto_sign_keypair()[1]
