"""Certificates and keys in files: read, and looked at, so that what is wrong is said of the file that has it.

A shell for files alone. Left out: what certificates are used for.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

MAX_FILE = 65_536  # octets; a chain with large keys takes some 10,000
MAX_CHAIN = 16  # certificates in one file


class CredentialsError(ValueError):
    """What is wrong with a certificate or a key, without the file's name."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The certificates of one file.

    Attributes:
        pem: The file.
        certificates: Each in DER, the first of them the one that the others are there to vouch for.
        pin: SHA-256 of the first one's SubjectPublicKeyInfo, 32 octets.
        begins: Unix seconds from which the first one counts.
        ends: Unix seconds until which it does.
    """

    pem: bytes = field(repr=False)
    certificates: tuple[bytes, ...] = field(repr=False)
    pin: bytes
    begins: float
    ends: float


@dataclass(frozen=True, slots=True)
class Credentials:
    """A certificate, those above it, and its key; made by `read_key` alone.

    Attributes:
        chain: What is shown.
        key: The private key in PEM. Never printed.
    """

    chain: Chain
    key: bytes = field(repr=False)


def read_chain(file: Path) -> Chain:
    """Read the certificates of a file in PEM, of which there is at least one.

    Raises:
        CredentialsError: The file cannot be read, or holds none, or something that is none.
    """
    from cryptography import x509  # noqa: PLC0415 - few programs read certificates, and it takes long to import
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415 - as above

    from transport.tls.certificates import pin_of  # noqa: PLC0415 - as above

    pem, _ = _read(file)
    try:
        found = x509.load_pem_x509_certificates(pem)
        certificates = tuple(one.public_bytes(Encoding.DER) for one in found)
        pin = pin_of(certificates[0])
        begins, ends = found[0].not_valid_before_utc.timestamp(), found[0].not_valid_after_utc.timestamp()
    except (ValueError, x509.InvalidVersion) as error:
        raise CredentialsError("holds no certificate in PEM that can be read") from error
    if len(found) > MAX_CHAIN:
        raise CredentialsError(f"holds {len(found)} certificates, at most {MAX_CHAIN} are allowed")
    return Chain(pem, certificates, pin, begins, ends)


def read_key(file: Path, chain: Chain) -> Credentials:
    """Read the key of the first certificate of a chain.

    Raises:
        CredentialsError: The file cannot be read, may be read by others, holds no key in PEM without a passphrase,
            or one that is not the certificate's.
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - as above

    from transport.tls.certificates import pin_of_key  # noqa: PLC0415 - as above

    pem, mode = _read(file)
    if mode & 0o077:
        raise CredentialsError(
            f"key file has mode {mode:04o}, so others may have read it: "
            "take another key, or chmod 0600 it if you know that nobody did"
        )
    try:
        key = serialization.load_pem_private_key(pem, password=None)
        pin = pin_of_key(key.public_key())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CredentialsError("holds no unencrypted private key in PEM") from error
    if pin != chain.pin:
        raise CredentialsError("is not the key of the certificate")
    return Credentials(chain, pem)


def _read(file: Path) -> tuple[bytes, int]:
    """Return what a file holds, and its mode."""
    try:
        with file.open("rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode & 0o777
            octets = opened.read(MAX_FILE + 1)
    except OSError as error:
        raise CredentialsError(f"cannot be read: {error.strerror}") from error
    if len(octets) > MAX_FILE:
        raise CredentialsError(f"is longer than {MAX_FILE} octets")
    return octets, mode
