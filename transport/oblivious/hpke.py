"""Hybrid public key encryption in base mode (RFC 9180): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and two AEADs.

Pure but for `KeyPair.generate`. X25519, HMAC, HKDF-Expand and the AEADs are libraries'; what stands here is how
they are put together, with the export of secrets that those libraries' own HPKE leaves out. Left out: the modes
that authenticate the sender, since nobody is to learn who sends.
"""

import hmac
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

KEM_ID: Final = 0x0020  # DHKEM(X25519, HKDF-SHA256), section 7.1
KDF_ID: Final = 0x0001  # HKDF-SHA256, section 7.2
KEY_OCTETS: Final = 32  # of secret and public keys, of `enc`, and of a digest: Nsk, Npk, Nenc, Nsecret and Nh
NONCE_OCTETS: Final = 12  # Nn of both AEADs
TAG_OCTETS: Final = 16  # Nt of both AEADs
MAX_EXPORT: Final = 255 * KEY_OCTETS  # octets; HKDF-Expand gives no more
_BASE: Final = b"\0"  # the mode, section 5
_KEM_SUITE: Final = b"KEM" + KEM_ID.to_bytes(2)
_NOTHING_SHARED: Final = bytes(KEY_OCTETS)


class HpkeError(ValueError):
    """A key that shares no secret, or a ciphertext that does not open; why is nobody's business."""


class Aead(IntEnum):
    """The AEADs, by their numbers (section 7.3)."""

    AES_128_GCM = 0x0001
    CHACHA20_POLY1305 = 0x0003

    @property
    def key_octets(self) -> int:
        """The length of its key, Nk."""
        return 16 if self is Aead.AES_128_GCM else 32

    def seal(self, key: bytes, nonce: bytes, aad: bytes, plaintext: bytes) -> bytes:
        """Encrypt; the tag stands at the end."""
        return self._cipher(key).encrypt(nonce, plaintext, aad)

    def open(self, key: bytes, nonce: bytes, aad: bytes, ciphertext: bytes) -> bytes:
        """Decrypt.

        Raises:
            HpkeError: It was not sealed so.
        """
        try:
            return self._cipher(key).decrypt(nonce, ciphertext, aad)
        except InvalidTag as error:
            raise HpkeError("does not open") from error

    def _cipher(self, key: bytes) -> AESGCM | ChaCha20Poly1305:
        return AESGCM(key) if self is Aead.AES_128_GCM else ChaCha20Poly1305(key)


def extract(salt: bytes, key_material: bytes) -> bytes:
    """HKDF-Extract with SHA-256 (RFC 5869 section 2.2)."""
    return hmac.digest(salt, key_material, "sha256")


def expand(pseudorandom_key: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand with SHA-256 (RFC 5869 section 2.3)."""
    return HKDFExpand(hashes.SHA256(), length, info).derive(pseudorandom_key)


def _labeled_extract(suite: bytes, salt: bytes, label: bytes, key_material: bytes) -> bytes:
    return extract(salt, b"HPKE-v1" + suite + label + key_material)


def _labeled_expand(suite: bytes, secret: bytes, label: bytes, info: bytes, length: int) -> bytes:
    return expand(secret, length.to_bytes(2) + b"HPKE-v1" + suite + label + info, length)


# --- keys -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A secret key and its public key, 32 octets each; never printed."""

    secret: bytes = field(repr=False)
    public: bytes
    _private: X25519PrivateKey = field(repr=False, compare=False)

    @classmethod
    def of(cls, secret: bytes) -> "KeyPair":
        """Return the pair of a secret key."""
        private = X25519PrivateKey.from_private_bytes(secret)
        return cls(secret, private.public_key().public_bytes_raw(), private)

    @classmethod
    def generate(cls) -> "KeyPair":
        """Make one from the system's randomness."""
        private = X25519PrivateKey.generate()
        return cls(private.private_bytes_raw(), private.public_key().public_bytes_raw(), private)

    @classmethod
    def derived(cls, key_material: bytes) -> "KeyPair":
        """Make one out of key material of 32 octets or more, always the same (section 7.1.3)."""
        secret = _labeled_extract(_KEM_SUITE, b"", b"dkp_prk", key_material)
        return cls.of(_labeled_expand(_KEM_SUITE, secret, b"sk", b"", KEY_OCTETS))

    def shared_with(self, public: bytes, encapsulated: bytes, recipient: bytes) -> bytes:
        """Return the shared secret of the KEM (section 4.1); a point of small order is refused (section 7.1.4)."""
        if len(public) != KEY_OCTETS:
            raise HpkeError(f"public key of {len(public)} octets, expected {KEY_OCTETS}")
        try:
            agreed = self._private.exchange(X25519PublicKey.from_public_bytes(public))
        except ValueError as error:
            raise HpkeError("public key shares no secret with anybody") from error
        if hmac.compare_digest(agreed, _NOTHING_SHARED):  # the library looks, too; a later one may not
            raise HpkeError("public key shares no secret with anybody")
        pseudorandom = _labeled_extract(_KEM_SUITE, b"", b"eae_prk", agreed)
        return _labeled_expand(_KEM_SUITE, pseudorandom, b"shared_secret", encapsulated + recipient, KEY_OCTETS)


# --- contexts -------------------------------------------------------------------------------------------------


@cache
def _beginning(aead: Aead) -> tuple[bytes, bytes]:
    """Return what all contexts with an AEAD begin with: the suite; the mode and the hash of an empty psk_id."""
    suite = b"HPKE" + KEM_ID.to_bytes(2) + KDF_ID.to_bytes(2) + aead.to_bytes(2)
    return suite, _BASE + _labeled_extract(suite, b"", b"psk_id_hash", b"")


class _Context:
    """The key schedule of base mode (section 5.1), and what both sides do with it."""

    def __init__(self, shared: bytes, info: bytes, aead: Aead) -> None:
        suite, beginning = _beginning(aead)
        context = beginning + _labeled_extract(suite, b"", b"info_hash", info)
        secret = _labeled_extract(suite, shared, b"secret", b"")
        self.aead = aead
        self._suite = suite
        self._key = _labeled_expand(suite, secret, b"key", context, aead.key_octets)
        self._base_nonce = int.from_bytes(_labeled_expand(suite, secret, b"base_nonce", context, NONCE_OCTETS))
        self._exporter_secret = _labeled_expand(suite, secret, b"exp", context, KEY_OCTETS)
        self._sequence = 0

    def export(self, context: bytes, length: int) -> bytes:
        """Return a secret that only the two sides can make (section 5.3); at most MAX_EXPORT octets."""
        return _labeled_expand(self._suite, self._exporter_secret, b"sec", context, length)

    def _nonce(self) -> bytes:
        return (self._base_nonce ^ self._sequence).to_bytes(NONCE_OCTETS)


class Sender(_Context):
    """Who encrypts; made by `sending`."""

    def seal(self, aad: bytes, plaintext: bytes) -> bytes:
        """Encrypt the next message (section 5.2); nobody can send 2^96 of them."""
        sealed = self.aead.seal(self._key, self._nonce(), aad, plaintext)
        self._sequence += 1
        return sealed


class Receiver(_Context):
    """Who decrypts; made by `receiving`."""

    def open(self, aad: bytes, ciphertext: bytes) -> bytes:
        """Decrypt the next message (section 5.2).

        Raises:
            HpkeError: It is not the next, or was not sealed so; the next one stays the next.
        """
        opened = self.aead.open(self._key, self._nonce(), aad, ciphertext)
        self._sequence += 1
        return opened


def sending(public: bytes, info: bytes, aead: Aead, ephemeral: KeyPair) -> tuple[bytes, Sender]:
    """Begin to encrypt to a public key (SetupBaseS, section 5.1.1).

    Args:
        public: The recipient's, 32 octets.
        info: Both sides have the same, or nothing opens.
        aead: Of the recipient's choice.
        ephemeral: Generated for this context alone: a second use of one gives everything away.

    Returns:
        `enc`, 32 octets that the recipient needs, and the context.

    Raises:
        HpkeError: The public key shares no secret with anybody.
    """
    encapsulated = ephemeral.public
    return encapsulated, Sender(ephemeral.shared_with(public, encapsulated, public), info, aead)


def receiving(encapsulated: bytes, recipient: KeyPair, info: bytes, aead: Aead) -> Receiver:
    """Begin to decrypt (SetupBaseR, section 5.1.1).

    Args:
        encapsulated: `enc`, untrusted.
        recipient: Whose public key the sender had.
        info: As the sender has it.
        aead: As the sender has chosen it.

    Raises:
        HpkeError: `enc` shares no secret with anybody.
    """
    return Receiver(recipient.shared_with(encapsulated, encapsulated, recipient.public), info, aead)
