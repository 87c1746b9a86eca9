"""An issuer's directory (RFC 9578 section 4): where it takes requests, and its keys. Pure; JSON to values and back.

`not-after` beside `not-before` is ours: until when tokens of a key are taken. Others pass over it.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from transport.tokens.keys import PERIOD, IssuerKey, issuer_key
from transport.tokens.tokens import BLIND_RSA, TokenError, from_base64url, to_base64url

WELL_KNOWN = "/.well-known/private-token-issuer-directory"
MEDIA_TYPE = "application/private-token-issuer-directory"
MAX_DIRECTORY = 65_536  # octets; 64 keys take some 36,000
MAX_KEYS = 64  # two months of them
MAX_AT_ONCE = 2  # keys whose tokens count at one time: today's and yesterday's; of many, each could be a client's
MAX_URI = 1_024
MAX_TIME = 2**40  # Unix seconds; farther than anybody plans, and exact in every JSON


@dataclass(frozen=True, slots=True)
class Directory:
    """What an issuer says of itself.

    Attributes:
        request_uri: Where it takes requests, absolute or relative to the directory.
        keys: Those of token type 0x0002, in order of preference.
    """

    request_uri: str
    keys: tuple[IssuerKey, ...]

    @classmethod
    def from_json(cls, octets: bytes) -> "Directory":
        """Read one; keys of other token types are passed over.

        Raises:
            TokenError: It is none, or has more than we read.
        """
        if len(octets) > MAX_DIRECTORY:
            raise TokenError(f"directory of {len(octets)} octets, at most {MAX_DIRECTORY} are read")
        try:
            given = json.loads(octets.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise TokenError("directory is no JSON") from error
        if not isinstance(given, dict):
            raise TokenError("directory is no JSON object")
        uri, listed = given.get("issuer-request-uri"), given.get("token-keys")
        if not isinstance(uri, str) or not 0 < len(uri) <= MAX_URI or not uri.isascii() or not uri.isprintable():
            raise TokenError("directory without a sound 'issuer-request-uri'")
        if not isinstance(listed, list) or len(listed) > MAX_KEYS:
            raise TokenError(f"directory without 'token-keys', or with more than {MAX_KEYS}")
        keys = tuple(_key(one) for one in listed if not isinstance(one, dict) or one.get("token-type") == BLIND_RSA)
        if len({key.key_id for key in keys}) != len(keys):
            raise TokenError("directory lists a key twice")
        for key in keys:
            at_once = sum(one.not_before <= key.not_before < one.not_after for one in keys)
            if at_once > MAX_AT_ONCE:
                raise TokenError(
                    f"directory with {at_once} keys that count at one time; clients could be told by them"
                )
        return cls(uri, keys)

    def to_json(self) -> bytes:
        """Write it."""
        keys = [
            {
                "token-type": BLIND_RSA,
                "token-key": to_base64url(key.spki),
                "not-before": key.not_before,
                "not-after": key.not_after,
            }
            for key in self.keys
        ]
        given = {"issuer-request-uri": self.request_uri, "token-keys": keys}
        return json.dumps(given, indent=1).encode("ascii") + b"\n"

    def issuing(self, now: float) -> IssuerKey | None:
        """Return the key that tokens are asked of now.

        Raises:
            TokenError: There are several: by more than one a day an issuer could tell its clients apart.
        """
        found = [key for key in self.keys if key.issues(now)]
        if len(found) > 1:
            raise TokenError(f"{len(found)} keys issue at this time; tokens of different keys can be told apart")
        return found[0] if found else None


def in_order(keys: Iterable[IssuerKey], now: float) -> tuple[IssuerKey, ...]:
    """Return the keys that are to be listed: the one that issues, those to come, those that are only redeemed."""

    def rank(key: IssuerKey) -> tuple[int, int]:
        if now < key.not_before:
            return 1, key.not_before
        return (0, 0) if now < key.not_before + PERIOD else (2, -key.not_before)

    return tuple(sorted((key for key in keys if now < key.not_after), key=rank))


def _key(given: Any) -> IssuerKey:
    if not isinstance(given, dict):
        raise TokenError("directory with a key that is no JSON object")
    text = given.get("token-key")
    if not isinstance(text, str):
        raise TokenError("directory with a key without 'token-key'")
    begin, end = _time(given.get("not-before", 0)), _time(given.get("not-after", MAX_TIME))
    if end <= begin:
        raise TokenError("directory with a key that ends before it begins")
    return issuer_key(from_base64url(text), begin, end)


def _time(given: Any) -> int:
    if type(given) is not int or not 0 <= given <= MAX_TIME:
        raise TokenError("directory with a time that is none")
    return given
