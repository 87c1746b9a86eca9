"""Header fields: what RFC 9577 (appendix A.2) prints, other schemes beside ours, and hostile text."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transport.tokens import authentication
from transport.tokens.authentication import Challenge, authenticate, authorization, challenges_of, token_of
from transport.tokens.tokens import Token, TokenChallenge, TokenError, to_base64url

KEY = bytes.fromhex(json.loads((Path(__file__).parent / "rfc9578.json").read_text())["pkS"])
CHALLENGE = (
    "0002000e6973737565722e6578616d706c65208a3e83a33d98005d2f30bef419fa6bf4cd5c6005e36b1285bbb4ccd40fa4b383"
    "000e6f726967696e2e6578616d706c65"
)
OTHER_TYPE = "0001" + CHALLENGE[4:]
OURS = (
    'PrivateToken challenge="AAIADmlzc3Vlci5leGFtcGxlIIo-g6M9mABdLzC-9Bn6a_TNXGAF42sShbu0zNQPpLODAA5vcmlnaW4uZXhh'
    f'bXBsZQ==", token-key="{to_base64url(KEY)}",unknownChallengeAttribute="ignore-me", max-age="10"'
)
THEIRS = (
    'PrivateToken challenge="AAEADmlzc3Vlci5leGFtcGxlIIo-g6M9mABdLzC-9Bn6a_TNXGAF42sShbu0zNQPpLODAA5vcmlnaW4uZXhh'
    'bXBsZQ==", token-key="67H-0zgxA2HAjQx1dpaWcSluBemaF9eSbfwopT-r1In6wPgryoYkmmaPOlv6s3TJ",'
    'unknownChallengeAttribute="ignore-me", max-age="10"'
)
TOKEN = Token(bytes(32), bytes(range(32)), b"\xff" * 32, bytes(256))
FIELD = to_base64url(TOKEN.to_wire())


def asked(wire: str = CHALLENGE, key: bytes = KEY, max_age: int | None = 10) -> Challenge:
    return Challenge(TokenChallenge.from_wire(bytes.fromhex(wire)), key, max_age)


def test_challenges_are_read_as_the_rfc_prints_them() -> None:
    assert challenges_of(OURS) == [asked()]
    other = bytes.fromhex(
        "ebb1fed338310361c08d0c7576969671296e05e99a17d7926dfc28a53fabd489fac0f82bca86249a668f3a5bfab374c9"
    )
    assert challenges_of(f"{OURS}, {THEIRS}") == [asked(), asked(OTHER_TYPE, other)]


def test_what_is_written_is_read() -> None:
    for challenge in (asked(), asked(key=b""), asked(max_age=None), asked(max_age=0)):
        assert challenges_of(authenticate(challenge)) == [challenge]
    assert token_of(authorization(TOKEN)) == TOKEN


def test_a_client_answers_what_is_for_its_resolver() -> None:
    assert asked().is_acceptable("Origin.example")
    assert not asked().is_acceptable("other.example")
    assert not asked(OTHER_TYPE, b"").is_acceptable("origin.example"), "of a type that we have not got"


def test_schemes_of_others_stand_beside_ours() -> None:
    field = f'Basic realm="a, \\"b\\" PrivateToken", Negotiate oYICAjCC==, {OURS}, Digest qop="auth", nonce=x ,,'
    assert challenges_of(field) == [asked()]
    assert challenges_of("Basic, Bearer") == []


@pytest.mark.parametrize(
    "field",
    [
        "PrivateToken max-age=10",
        "PrivateToken challenge=AAI",
        'PrivateToken challenge="AA=="',
        OURS.replace('max-age="10"', 'max-age="ten"'),
        OURS.replace("MIIB", "MIIBMIIB"),
    ],
)
def test_challenges_that_are_not_well_formed_are_passed_over(field: str) -> None:
    assert challenges_of(field) == []
    assert challenges_of(f"{field}, {OURS}") == [asked()]


@pytest.mark.parametrize(
    "field",
    [
        f"PrivateToken token={FIELD}",
        f'privatetoken token="{FIELD}"',
        f'PRIVATETOKEN   TOKEN = "{FIELD}" , other=1, another="a,b=c \\" d"',
        f'PrivateToken other=x, token="\\{FIELD}"',
    ],
)
def test_a_token_may_be_written_in_these_ways(field: str) -> None:
    assert token_of(field) == TOKEN


@pytest.mark.parametrize(
    "field",
    [
        "",
        "PrivateToken",
        "PrivateToken token",
        "PrivateToken token=",
        'PrivateToken token="',
        'PrivateToken token=""',
        f"PrivateToken {FIELD}",
        f"Bearer {FIELD}",
        f"Bearer token={FIELD}",
        f"token={FIELD}",
        f"PrivateToken token={FIELD}, token={FIELD}",
        f"PrivateToken token={FIELD}, Basic abc",
        f"PrivateToken token={FIELD}, PrivateToken token={FIELD}",
        f"PrivateToken token={FIELD[:-4]}",
        f"PrivateToken token={FIELD}AAAA",
        f"PrivateToken token={FIELD}{' ' * 1_000}",
        f'PrivateToken token="{FIELD}" x',
        f"PrivateToken token={FIELD.replace('A', '+', 1)}",
        f"PrivateToken token={FIELD}, " + ",".join(f"a{n}=b" for n in range(65)),
        "PrivateToken token=\u00e4",
        f"Private Token token={FIELD}",
    ],
)
def test_what_redeems_no_token_is_refused(field: str) -> None:
    with pytest.raises(TokenError):
        token_of(field)


@given(st.text(st.sampled_from('PrivateToken challenge="AI=,\\ \t\u00e4-_/'), max_size=60) | st.text(max_size=60))
def test_no_text_does_harm(text: str) -> None:
    for read in (token_of, challenges_of):
        for field in (text, f"PrivateToken {text}", f"{OURS},{text}"):
            try:
                read(field)
            except TokenError:
                continue


def test_long_fields_are_not_read() -> None:
    with pytest.raises(TokenError, match="at most"):
        token_of("x" * (authentication.MAX_AUTHORIZATION + 1))
    with pytest.raises(TokenError, match="at most"):
        challenges_of("x" * (authentication.MAX_AUTHENTICATE + 1))
