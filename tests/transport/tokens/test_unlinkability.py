"""That nobody can say which token came of which request, as far as a test can show it.

What the issuer sees of a client is the blinded message; what the resolver sees is the token. For any of the one and
any of the other there is a blind that makes the one of the other, exactly one, and blinds are drawn from all with
equal chance. So whatever was seen fits every pairing alike, for somebody with the private key and no end of time.
"""

import hashlib
import secrets
from itertools import product
from pathlib import Path

from tests.transport.tokens.mint import CHALLENGE, NOON, answered, asked, signing_key
from transport.tokens import authentication
from transport.tokens.blind_rsa import HASH_OCTETS, encode
from transport.tokens.grants import Grants
from transport.tokens.issuing import Client, admit
from transport.tokens.redeeming import Redeemed, Redeemer
from transport.tokens.spent import MIN_CAPACITY, SpentTokens

CLIENTS = [Client(name, 10, hashlib.sha256(name.encode()).digest()) for name in ("ann", "bob", "cid")]


def test_every_request_could_have_become_every_token() -> None:
    key = signing_key()
    n, e = key.listed.public.n, key.listed.public.e
    requested = [asked(key.listed) for _ in range(4)]
    tokens = [answered(key, one) for one in requested]
    blinds = set()
    for one, token in product(requested, tokens):
        # The signature's power is the encoded message, salt and all: whoever has a token can compute it.
        message = pow(int.from_bytes(token.authenticator, "big"), e, n)
        blinded = int.from_bytes(one.message, "big")
        # So the blind is the e-th root of blinded / message: it is there, and it is one.
        blind = key.private.power(blinded * pow(message, -1, n) % n, secrets.token_bytes)
        assert message * pow(blind, e, n) % n == blinded
        assert 0 < blind < n
        # And with it this request's answer would have been unblinded to that very token.
        answer = key.private.power(blinded, secrets.token_bytes)
        assert answer * pow(blind, -1, n) % n == int.from_bytes(token.authenticator, "big")
        blinds.add(blind)
    assert len(blinds) == len(requested) * len(tokens)


def test_the_salt_is_the_token_s_and_not_the_request_s() -> None:
    """The one thing in the encoded message beside what the token says; it shows in the token, and only there."""
    key = signing_key()
    requested = asked(key.listed)
    token = answered(key, requested)
    n, e = key.listed.public.n, key.listed.public.e
    encoded = pow(int.from_bytes(token.authenticator, "big"), e, n).to_bytes(256, "big")
    digest = encoded[-HASH_OCTETS - 1 : -1]
    found = [salt for salt in (bytes(48),) if encode(token.signed, 2_047, salt)[-HASH_OCTETS - 1 : -1] == digest]
    assert found == [], "it is drawn"
    assert digest not in requested.message


def test_what_the_issuer_keeps_and_what_the_resolver_keeps_have_nothing_in_common(tmp_path: Path) -> None:
    key = signing_key()
    grants = Grants(tmp_path / "grants")
    spent = SpentTokens(tmp_path / "spent", MIN_CAPACITY)
    redeemer = Redeemer(CHALLENGE, lambda _: (key.listed,), spent)
    said, shown = [], []
    for client in CLIENTS:
        for _ in range(5):
            requested = asked(key.listed)
            said.append(requested.to_wire(key.listed))
            admit(client, said[-1], 1, (key,), grants, NOON)
            token = answered(key, requested)
            shown.append(token.to_wire())
            assert redeemer.redeem(authentication.authorization(token), NOON) == Redeemed()
    grants.close()
    spent.close()
    of_issuer = (tmp_path / "grants").read_bytes() + b"".join(said)
    (path,) = (tmp_path / "spent").iterdir()
    of_resolver = path.read_bytes()[4_096:] + b"".join(
        token[:66] + token[98:] for token in shown
    )  # less the key's id
    for client in CLIENTS:
        assert client.name.encode() in of_issuer
        assert client.name.encode() not in of_resolver
    length = 8  # octets in common by chance: some 2^-38
    pieces = {of_issuer[at : at + length] for at in range(len(of_issuer) - length)}
    pieces = {piece for piece in pieces if len(set(piece)) > 4}  # no rows of zeroes
    assert not [at for at in range(len(of_resolver) - length) if of_resolver[at : at + length] in pieces]
