"""Issuers in a test: keys that are made once, and whole tokens in one call."""

import secrets
from functools import cache

from transport.tokens import blind_rsa, keys, requesting
from transport.tokens.blind_rsa import PrivateKey
from transport.tokens.issuing import SigningKey
from transport.tokens.keys import DAY, IssuerKey, issuer_key
from transport.tokens.requesting import Requested
from transport.tokens.tokens import BLIND_RSA, Token, TokenChallenge

NOON = 1_800_014_400.0  # of a day that begins at MIDNIGHT
MIDNIGHT = 1_799_971_200
CHALLENGE = TokenChallenge(BLIND_RSA, "issuer.example", b"", "resolver.example")


@cache
def private_key(number: int = 0) -> PrivateKey:
    """Return one of some keys, the same all through a run."""
    del number
    return keys.generate()


def signing_key(number: int = 0, begins: int | None = None) -> SigningKey:
    """Return the key of a day: of MIDNIGHT, or so many days after it."""
    private = private_key(number)
    begins = MIDNIGHT + number * DAY if begins is None else begins
    return SigningKey(issuer_key(keys.spki_of(private.public), begins), private)


def asked(key: IssuerKey, challenge: TokenChallenge = CHALLENGE) -> Requested:
    return requesting.request(challenge.digest, key, secrets.token_bytes)


def answered(key: SigningKey, requested: Requested, challenge: TokenChallenge = CHALLENGE) -> Token:
    signature = blind_rsa.blind_sign(key.private, requested.message, secrets.token_bytes)
    return requesting.token_of(challenge.digest, key.listed, requested, signature)


def token(key: SigningKey | None = None, challenge: TokenChallenge = CHALLENGE) -> Token:
    """Return a token that nobody has spent."""
    key = key or signing_key()
    return answered(key, asked(key.listed, challenge), challenge)
