"""Whom an issuer knows: a file with a line for each client, NAME TOKENS-A-DAY sha256:DIGEST; `#` begins comments.

The digest is of the client's secret, which the issuer does not keep; so the file is no secret. A secret is 32
random octets as text, so nobody can try them all.
"""

import hashlib
import logging
import re
from pathlib import Path

from fingerpost.logfmt import quoted
from transport.tokens.issuing import MAX_SECRET, Client
from zonedata.errors import ConfigError, Fault

MAX_QUOTA = 1_000_000  # tokens a day; two hours of signing
MAX_FILE = 1_048_576  # octets; some 10,000 clients
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")

log = logging.getLogger(__name__)


def read(path: Path) -> tuple[Client, ...]:
    """Read the file.

    Raises:
        ConfigError: With every fault.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE + 1)
    except OSError as error:
        raise ConfigError([Fault(path, 0, "", f"cannot be read: {error.strerror}")]) from error
    if len(raw) > MAX_FILE:
        raise ConfigError([Fault(path, 0, "", f"longer than {MAX_FILE} octets")])
    found: dict[str, Client] = {}
    digests: set[bytes] = set()
    faults: list[Fault] = []
    for number, line in enumerate(raw.decode("ascii", "replace").splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            client = _client(words)
            if client.name in found:
                raise ValueError(f"{client.name} stands here twice")
            if client.digest in digests:
                raise ValueError("this secret is another client's, too")
        except ValueError as error:
            faults.append(Fault(path, number, "", str(error)))
            continue
        found[client.name] = client
        digests.add(client.digest)
    if faults:
        raise ConfigError(faults)
    return tuple(found.values())


def line_of(client: Client) -> str:
    """Write the line of a client."""
    return f"{client.name} {client.quota} sha256:{client.digest.hex()}"


def client_with(name: str, quota: int, secret: str) -> Client:
    """Return a client whose secret is known.

    Raises:
        ValueError: A name or a quota that is none.
    """
    assert len(secret) <= MAX_SECRET, "secrets are drawn by us"
    return _client([name, str(quota), "sha256:" + hashlib.sha256(secret.encode("ascii")).hexdigest()])


class ClientsFile:
    """The file, read again when it has changed.

    Raises:
        ConfigError: It cannot be read, or has faults.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = self._look()
        self._clients = read(path)

    def clients(self) -> tuple[Client, ...]:
        """Return the clients; of a file that has faults now, those that stood there before."""
        stamp = self._look()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._clients = read(self._path)
            except ConfigError as error:
                for fault in error.faults:
                    log.warning("event=clients-not-read reason=%s", quoted(fault.to_text()))
        return self._clients

    def _look(self) -> tuple[int, int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return 0, 0, 0
        return found.st_mtime_ns, found.st_size, found.st_ino


def _client(words: list[str]) -> Client:
    if len(words) != 3:
        raise ValueError("expected three words: NAME TOKENS-A-DAY sha256:DIGEST")
    name, quota, digest = words
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name[:80]!r} is no name: 1 to 64 of the characters a-z, 0-9, '.', '_' and '-'")
    if not (quota.isdigit() and len(quota) <= len(str(MAX_QUOTA)) and 0 < int(quota) <= MAX_QUOTA):
        raise ValueError(f"{quota[:80]!r} is no number of tokens a day from 1 to {MAX_QUOTA}")
    found = _DIGEST.fullmatch(digest)
    if found is None:
        raise ValueError("expected sha256: and 64 digits, as 'fingerpost issuer client' prints it")
    return Client(name, int(quota), bytes.fromhex(found[1]))
