"""Bearer tokens (RFC 6750): whoever shows one is the client that it was given to. Pure.

A server knows tokens by their SHA-256 alone, so that nobody learns one from its configuration. Ours have 256 random
bits: a digest leads nobody back to one. A token that is shown is looked up by its digest in a table; what the time
of that tells is about digests, which nobody chooses.
"""

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Final

TOKEN_OCTETS: Final = 32  # random ones, in a token of ours; RFC 6750 section 5.2 wants none guessed
MAX_TOKEN: Final = 128  # characters of any token; ours have 43
DIGEST_OCTETS: Final = 32
AUTHORIZATION: Final = b"authorization"  # the header field, as HTTP/2 spells it
REFUSED: Final = b'Bearer error="invalid_token"'  # WWW-Authenticate (RFC 6750 section 3.1)
_SCHEME: Final = b"Bearer"
_ALLOWED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=")


def token_from(octets: bytes) -> str:
    """Return the token that is made of random octets."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def is_token(text: str) -> bool:
    """Say whether a text can be a token (RFC 6750 section 2.1), of a length that is taken."""
    return 0 < len(text) <= MAX_TOKEN and _ALLOWED.issuperset(text)


def digest_of(token: str) -> bytes:
    """Return by what a server knows a token."""
    return sha256(token.encode("ascii")).digest()


def authorization(token: str) -> bytes:
    """Write the value of Authorization that shows a token."""
    return _SCHEME + b" " + token.encode("ascii")


def digest_in(field: bytes) -> bytes | None:
    """Read the value of Authorization.

    Returns:
        The digest of the token in it; b"" where it has none that could be one; None where it is of another scheme.
    """
    scheme, _, rest = field.partition(b" ")
    if scheme.lower() != _SCHEME.lower():
        return None
    token = rest.strip(b" ").decode("latin-1")
    return digest_of(token) if is_token(token) else b""
