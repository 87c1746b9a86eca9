"""How the other side of an encrypted exchange proves who it is. Pure.

Left out: looking at what it shows, which is `tls`'s.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Pinned:
    """By the one key that it may have, however its certificate came to be (RFC 7858 section 4.2).

    Attributes:
        pin: SHA-256 of the key's SubjectPublicKeyInfo.
    """

    pin: bytes


@dataclass(frozen=True, slots=True)
class Certified:
    """By a certificate for a name, from an authority that is trusted (RFC 8310 section 8.1).

    Attributes:
        host: The name, or an IP address as text.
        authorities: File with the certificates of authorities; None for those that the system trusts.
    """

    host: str
    authorities: Path | None = None


@dataclass(frozen=True, slots=True)
class Unproven:
    """Not at all: nobody who merely listens learns anything, and whoever can change packets can be it.

    What RFC 8310 calls the opportunistic profile, and what dig and kdig do with `+tls` alone. Never chosen for
    anybody, only by a person who asks for it.
    """


Proof = Pinned | Certified | Unproven
