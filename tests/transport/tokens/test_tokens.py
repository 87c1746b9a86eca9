"""The messages as octets: vectors of RFC 9577 (appendix A) and RFC 9578 (appendix B.2), and hostile octets."""

import json
import secrets
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transport.tokens.test_blind_rsa import drawing
from transport.tokens import blind_rsa, keys, requesting
from transport.tokens.keys import issuer_key
from transport.tokens.tokens import (
    MAX_CHALLENGE,
    REQUEST_OCTETS,
    TOKEN_OCTETS,
    Token,
    TokenChallenge,
    TokenError,
    TokenRequest,
    from_base64url,
    signed_input,
    split,
    to_base64url,
)

GIVEN = json.loads((Path(__file__).parent / "rfc9578.json").read_text())  # the RFC repeats the key
VECTORS: list[dict[str, str]] = GIVEN["vectors"]
NONCE = "e01978182c469e5e026d66558ee186568614f235e41ef7e2378e6f202688abab"
KEY_ID = "ca572f8982a9ca248a3056186322d93ca147266121ddeb5632c07f1f71cd2708"
CONTEXT = "476ac2c935f458e9b2d7af32dacfbd22dd6023ef5887a789f1abe004e79bb5bb"
NAMES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=30)
CHALLENGES = st.builds(
    TokenChallenge,
    st.integers(0, 65_535),
    NAMES.filter(bool),
    st.sampled_from([b"", bytes(32), b"\xff" * 32]),
    NAMES,
)


@pytest.mark.parametrize(
    ("context", "origins", "digest"),
    [
        (CONTEXT, "origin.example", "8e1d5518ec82964255526efd8f9db88205a8ddd3ffb1db298fcc3ad36c42388f"),
        ("", "origin.example", "11e15c91a7c2ad02abd66645802373db1d823bea80f08d452541fb2b62b5898b"),
        ("", "", "b741ec1b6fd05f1e95f8982906aec1612896d9ca97d53eef94ad3c9fe023f7a4"),
        (CONTEXT, "", "b85fb5bc06edeb0e8e8bdb5b3bea8c4fa40837c82e8bcaf5882c81e14817ea18"),
        (CONTEXT, "foo.example,bar.example", "a2a775866b6ae0f98944910c8f48728d8a2735b9157762ddbf803f70e2e8ba3e"),
    ],
)
def test_what_is_signed_is_what_the_rfc_prints(context: str, origins: str, digest: str) -> None:
    challenge = TokenChallenge(2, "issuer.example", bytes.fromhex(context), origins)
    assert TokenChallenge.from_wire(challenge.to_wire()) == challenge
    signed = signed_input(bytes.fromhex(NONCE), challenge.digest, bytes.fromhex(KEY_ID))
    assert signed.hex() == "0002" + NONCE + digest + KEY_ID


@pytest.mark.parametrize("vector", VECTORS, ids=range(len(VECTORS)))
def test_a_token_is_issued_as_the_rfc_prints(vector: dict[str, str]) -> None:
    private = keys.from_pem(bytes.fromhex(GIVEN["skS"]))
    assert keys.spki_of(private.public).hex() == GIVEN["pkS"]
    key = issuer_key(bytes.fromhex(GIVEN["pkS"]), 0)
    challenge = TokenChallenge.from_wire(bytes.fromhex(vector["token_challenge"]))
    draws = [bytes.fromhex(vector[name]) for name in ("nonce", "salt", "blind")]
    requested = requesting.request(challenge.digest, key, drawing(*draws))
    assert requested.to_wire(key).hex() == vector["token_request"]
    assert TokenRequest.from_wire(requested.to_wire(key)).to_wire() == requested.to_wire(key)
    response = blind_rsa.blind_sign(private, requested.message, secrets.token_bytes)
    assert response.hex() == vector["token_response"]
    token = requesting.token_of(challenge.digest, key, requested, response)
    assert token.to_wire().hex() == vector["token"]
    assert Token.from_wire(token.to_wire()) == token


def test_there_are_all_five_vectors() -> None:
    assert len({vector["token"] for vector in VECTORS}) == 5


@given(CHALLENGES)
def test_a_challenge_comes_back(challenge: TokenChallenge) -> None:
    challenge.check()
    assert TokenChallenge.from_wire(challenge.to_wire()) == challenge


@given(
    st.binary(max_size=200)
    | CHALLENGES.map(TokenChallenge.to_wire).flatmap(lambda w: st.binary().map(lambda x: w + x))
)
def test_a_challenge_has_one_spelling_and_other_octets_are_refused(octets: bytes) -> None:
    try:
        challenge = TokenChallenge.from_wire(octets)
    except TokenError:
        return
    assert challenge.to_wire() == octets


@given(st.binary(max_size=400) | st.binary(min_size=352, max_size=352).map(lambda x: b"\0\2" + x))
def test_a_token_has_one_spelling_and_other_octets_are_refused(octets: bytes) -> None:
    try:
        token = Token.from_wire(octets)
    except TokenError:
        assert len(octets) != TOKEN_OCTETS or octets[:2] != b"\0\2"
        return
    assert token.to_wire() == octets


@given(st.binary(max_size=300) | st.binary(min_size=257, max_size=257).map(lambda x: b"\0\2" + x))
def test_a_request_has_one_spelling_and_other_octets_are_refused(octets: bytes) -> None:
    try:
        request = TokenRequest.from_wire(octets)
    except TokenError:
        assert len(octets) != REQUEST_OCTETS or octets[:2] != b"\0\2"
        return
    assert request.to_wire() == octets


@pytest.mark.parametrize(
    "challenge",
    [
        TokenChallenge(2, "", b"", ""),
        TokenChallenge(2, "i" * 256, b"", ""),
        TokenChallenge(2, "issuer example", b"", ""),
        TokenChallenge(2, "issuer.example", b"1", ""),
        TokenChallenge(2, "issuer.example", b"", "o" * 1_025),
        TokenChallenge(2, "issuer.example", b"", "\N{LATIN SMALL LETTER O WITH DIAERESIS}.example"),
        TokenChallenge(2, "issuer.example", b"", "\ud800"),
    ],
)
def test_challenges_that_have_no_form(challenge: TokenChallenge) -> None:
    with pytest.raises(TokenError):
        challenge.check()


def test_a_challenge_that_is_longer_than_any_is_not_read() -> None:
    longest = TokenChallenge(2, "i" * 255, bytes(32), "o" * 1_024)
    assert len(longest.to_wire()) == MAX_CHALLENGE
    assert TokenChallenge.from_wire(longest.to_wire()) == longest
    with pytest.raises(TokenError, match="at most"):
        TokenChallenge.from_wire(bytes(MAX_CHALLENGE + 1))


def test_whom_a_challenge_is_for() -> None:
    challenge = TokenChallenge(2, "issuer.example", b"", "one.example,Two.example")
    assert [challenge.is_for(name) for name in ("one.example", "TWO.example", "three.example", "one", "")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert TokenChallenge(2, "issuer.example", b"", "").is_for("anybody.example")


def test_batches() -> None:
    assert split(b"aabbcc", 2, 3) == [b"aa", b"bb", b"cc"]
    for octets in (b"", b"a", b"aab", b"aabbccdd"):
        with pytest.raises(TokenError):
            split(octets, 2, 3)


@given(st.binary(max_size=50))
def test_base64url_comes_back(octets: bytes) -> None:
    assert from_base64url(to_base64url(octets)) == octets


@given(st.text(st.sampled_from("AQgwZ-_=+/ \n\u00e4"), max_size=12))
def test_base64url_has_one_spelling(text: str) -> None:
    try:
        octets = from_base64url(text)
    except TokenError:
        return
    assert to_base64url(octets) == text


@pytest.mark.parametrize("text", ["QQ", "QQ=", "QR==", "QQ==\n", "+/==", "Q===", "\u00e4"])
def test_other_spellings_of_base64_are_refused(text: str) -> None:
    with pytest.raises(TokenError):
        from_base64url(text)
