"""Ed25519 keys: admitted, identified, kept on disk.

Some encodings of Ed25519 points verify signatures that nobody made: with the eight points of small order one
fixed signature passes for many messages, and not every library refuses them all. So a public key is admitted
once, where it enters (zone source, AUTHORITY, ROOTKEYS, anchor file), and the first half of every signature
is held to the same rule. RFC 8032 section 5.1.3 is the decoding that this completes.

Private keys lie in PEM files (RFC 5958) with mode 0600. A file that others can read is refused, not repaired:
its secret may be out.
"""

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from zonedata import ed25519
from zonedata.errors import MalformedError, UntrustedError

ED25519: Final = 15  # the number DNSSEC has for it (RFC 8080), so that there is one table fewer
KEY_ID_OCTETS: Final = 8
SIGNATURE_OCTETS: Final = ed25519.SIGNATURE_OCTETS
PUBLIC_OCTETS: Final = ed25519.PUBLIC_OCTETS
_TEXT_MARK: Final = "ed25519:"
_P = 2**255 - 19
_SMALL_ORDER: Final = frozenset(
    int.from_bytes(bytes.fromhex(text), "little")
    for text in (
        "00" * 32,
        "01" + "00" * 31,
        "ec" + "ff" * 30 + "7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    )
)


def is_sound_point(encoded: bytes) -> bool:
    """Say whether 32 octets are a canonical encoding of a y that no point of small order has."""
    y = int.from_bytes(encoded, "little") & (2**255 - 1)
    return y < _P and y not in _SMALL_ORDER


def key_id_of(raw: bytes) -> bytes:
    """Return the first 8 octets of SHA-256 of the public key."""
    return hashlib.sha256(raw).digest()[:KEY_ID_OCTETS]


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An admitted public key. Made by `admit` alone.

    Attributes:
        raw: The 32 octets of RFC 8032.
        key_id: What envelopes name it by.
    """

    raw: bytes
    key_id: bytes

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Say whether the signature is this key's over the message."""
        if len(signature) != SIGNATURE_OCTETS or not is_sound_point(signature[:32]):
            return False
        return ed25519.verify(self.raw, signature, message)

    def to_text(self) -> str:
        """Write `ed25519:` and base64, as zone sources have it."""
        return _TEXT_MARK + base64.b64encode(self.raw).decode("ascii")


def admit(raw: bytes) -> PublicKey:
    """Admit a public key.

    Raises:
        UntrustedError: Wrong length, a non-canonical encoding, or a point of small order.
    """
    if len(raw) != PUBLIC_OCTETS:
        raise UntrustedError(f"Ed25519 public key of {len(raw)} octets, expected {PUBLIC_OCTETS}")
    if not is_sound_point(raw):
        raise UntrustedError("Ed25519 public key is of small order or not canonical; it proves nothing")
    return PublicKey(raw, key_id_of(raw))


def public_from_text(text: str) -> PublicKey:
    """Read the form that `PublicKey.to_text` writes.

    Raises:
        MalformedError: Not that form.
        UntrustedError: As `admit`.
    """
    if not text.startswith(_TEXT_MARK):
        raise MalformedError(f"key {text[:40]!r}: expected '{_TEXT_MARK}' and base64")
    try:
        key = admit(base64.b64decode(text[len(_TEXT_MARK) :].encode("ascii"), validate=True))
    except (binascii.Error, UnicodeEncodeError) as error:
        raise MalformedError(f"key {text[:40]!r} is not base64: {error}") from error
    if key.to_text() != text:
        raise MalformedError(f"key {text[:40]!r} is not the canonical base64 of its octets")
    return key


class PrivateKey:
    """A signing key. Never printed; equal only to itself."""

    __slots__ = ("_secret", "public")

    def __init__(self, secret: bytes) -> None:
        self._secret = secret  # as `ed25519.secret_of` makes it
        self.public = admit(secret[ed25519.SEED_OCTETS :])

    def __repr__(self) -> str:
        return f"<PrivateKey {self.public.key_id.hex()}>"

    def sign(self, message: bytes) -> bytes:
        """Return the 64 octets of the signature."""
        return ed25519.sign(self._secret, message)

    @classmethod
    def generate(cls) -> "PrivateKey":
        """Make a new key from the system's randomness."""
        return cls(ed25519.new_secret())

    @classmethod
    def from_seed(cls, seed: bytes) -> "PrivateKey":
        """Make the key of a 32-octet secret; for vectors, and for keys kept elsewhere."""
        return cls(ed25519.secret_of(seed))

    def save(self, path: Path) -> None:
        """Write the PEM file, whole or not at all, with mode 0600; an existing file is never overwritten.

        Raises:
            FileExistsError: There is one already; a key that is lost is lost for good.
            OSError: It cannot be written; its `filename` is the path.
        """
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - few programs write or read keys
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - as above

        pem = Ed25519PrivateKey.from_private_bytes(self._secret[: ed25519.SEED_OCTETS]).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(pem)
                file.flush()
                os.fsync(file.fileno())
        except BaseException as error:
            path.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise OSError(error.errno, error.strerror, str(path)) from error
            raise


def load(path: Path) -> PrivateKey:
    """Read a PEM file.

    Raises:
        UntrustedError: Others than the owner may read or write the file.
        MalformedError: It is not there, cannot be read, or holds no unencrypted Ed25519 key.
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - few programs write or read keys
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - as above

    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            pem = file.read(16_384)
    except OSError as error:
        raise MalformedError(f"key file cannot be read: {error.strerror}") from error
    if mode & 0o077:
        raise UntrustedError(
            f"key file has mode {mode:04o}, so others may have read it: "
            "make a new key with 'fingerpost keygen', or chmod 0600 it if you know that nobody did"
        )
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise MalformedError("key file holds no unencrypted private key in PEM") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise MalformedError("key file holds a key of another kind than Ed25519")
    return PrivateKey.from_seed(key.private_bytes_raw())
