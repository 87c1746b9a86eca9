"""The file of secrets for DNS cookies, which servers of one address share: three lines at most.

    active 0123...    makes cookies, and is accepted
    staging 4567...   accepted: other servers may make cookies with it already
    previous 89ab...  accepted: cookies made with it are still out there

So that no cookie is refused while several servers go over to another secret: add it on all of them, activate it
on all, and drop the previous one after an hour, when no cookie made with it counts any more. These are the steps of
NSD and Unbound, whose secrets are the same 16 octets (RFC 9018).
"""

from dataclasses import dataclass, field
from pathlib import Path

from fingerpost.files import write_whole
from zonedata import private_file
from zonedata.cookies import SECRET_OCTETS, Secrets
from zonedata.errors import MalformedError

MAX_FILE = 1_024  # octets; three lines
ROLES = ("active", "staging", "previous")


@dataclass(frozen=True, slots=True)
class CookieFile:
    """The secrets; None for one that there is not."""

    active: bytes = field(repr=False)
    staging: bytes | None = field(default=None, repr=False)
    previous: bytes | None = field(default=None, repr=False)

    def secrets(self) -> Secrets:
        """Return them as they are used."""
        return Secrets(self.active, tuple(one for one in (self.staging, self.previous) if one is not None))

    def added(self, secret: bytes) -> "CookieFile":
        """Return them with one more, to be activated later.

        Raises:
            MalformedError: One is waiting already, or this one is among them.
        """
        if self.staging is not None:
            raise MalformedError("has a staging secret already: activate it, or drop it, first")
        if secret in {self.active, self.previous}:
            raise MalformedError("has this secret already")
        return CookieFile(self.active, secret, self.previous)

    def activated(self) -> "CookieFile":
        """Return them with the staging one active and the active one previous.

        Raises:
            MalformedError: There is no staging one.
        """
        if self.staging is None:
            raise MalformedError("has no staging secret; 'add' makes one")
        return CookieFile(self.staging, None, self.active)

    def dropped(self) -> "CookieFile":
        """Return them without the previous one; where there is none, without the staging one.

        Raises:
            MalformedError: There is neither.
        """
        if self.previous is not None:
            return CookieFile(self.active, self.staging)
        if self.staging is None:
            raise MalformedError("has the active secret alone, which cannot be dropped")
        return CookieFile(self.active)

    def named(self) -> list[tuple[str, bytes]]:
        """Return each secret with its role."""
        found = zip(ROLES, (self.active, self.staging, self.previous), strict=True)
        return [(role, secret) for role, secret in found if secret is not None]


def read(path: Path) -> CookieFile:
    """Read a file.

    Raises:
        UntrustedError: Others than the owner may read or write it.
        MalformedError: It cannot be read, or does not hold what it should.
    """
    raw = private_file.read(path, MAX_FILE, "may know the secrets: make others")
    found: dict[str, bytes] = {}
    lines = raw.decode("ascii", "replace").splitlines() if len(raw) <= MAX_FILE else [""]
    for number, line in enumerate(lines, 1):
        role, _, text = line.partition(" ")
        if role not in ROLES or role in found:
            raise MalformedError(f"line {number} does not begin with {', '.join(ROLES)}, each once")
        found[role] = secret_from(text)
    if "active" not in found:
        raise MalformedError("has no active secret")
    return CookieFile(found["active"], found.get("staging"), found.get("previous"))


def write(path: Path, secrets: CookieFile) -> None:
    """Write a file whole, for its owner alone."""
    write_whole(path, "".join(f"{role} {secret.hex()}\n" for role, secret in secrets.named()), 0o600)


def secret_from(text: str) -> bytes:
    """Read a secret of 32 hexadecimal digits, as NSD, Unbound and BIND write them.

    Raises:
        MalformedError: It is none; what it is instead is not said.
    """
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        secret = b""
    if len(secret) != SECRET_OCTETS:
        raise MalformedError(f"a secret is not {2 * SECRET_OCTETS} hexadecimal digits")
    return secret
