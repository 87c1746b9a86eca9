"""The [tls] section of a configuration, key by key, and the typed values that it becomes."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fingerpost import readers
from fingerpost.definitions import Key, Section, WrongError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FORM = "expected NAME FILE, with a name of 1 to 64 of the characters A-Z, a-z, 0-9, '.', '-' and '_'"


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A client that is known when it shows one of the certificates of a file."""

    name: str
    file: Path


def client_certificate(value: Any, folder: Path) -> ClientCertificate:
    """Read `resolver-7 clients/resolver-7.crt`; the path is relative to the file."""
    name, _, file = readers.text(value, folder).partition(" ")
    if not _NAME.fullmatch(name) or not file.strip():
        raise WrongError.because(f"{value[: readers.MAX_SHOWN]!r}, {_FORM}")
    return ClientCertificate(name, folder / file.strip())


_NO_CLIENTS: tuple[ClientCertificate, ...] = ()

CERTIFICATE = Key(
    "certificate",
    readers.path,
    "path",
    "PEM file with the certificate that clients are shown, and after it those that lead to its authority",
)
KEY = Key(
    "key", readers.path, "path", "PEM file of mode 0600 with the certificate's private key, without a passphrase"
)
CLIENTS = Key(
    "clients",
    readers.list_of(client_certificate),
    'array of "NAME FILE"',
    "clients known by a certificate of theirs, in PEM; the others are served all the same, and have no name",
    _NO_CLIENTS,
)
ENCRYPTION = Section(
    "tls",
    "Encryption: what is shown to clients, and which of them are known; SIGHUP has its files read again.",
    (CERTIFICATE, KEY, CLIENTS),
)


@dataclass(frozen=True, slots=True)
class TlsPart:
    """What is shown to clients, and which of them are known."""

    certificate: Path
    key: Path
    clients: tuple[ClientCertificate, ...]
