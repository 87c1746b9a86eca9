"""Keys on the wire and on disk, and when they count."""

import hashlib

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from tests.transport.tokens.mint import MIDNIGHT, NOON, private_key, signing_key
from transport.tokens import keys
from transport.tokens.keys import DAY, SKEW, SPKI_OCTETS, issuer_key, start_of_period
from transport.tokens.tokens import TokenError

PEM = serialization.Encoding.PEM
PKCS8 = serialization.PrivateFormat.PKCS8


def test_a_public_key_comes_back_and_is_known_by_its_digest() -> None:
    spki = keys.spki_of(private_key().public)
    key = issuer_key(spki, MIDNIGHT)
    assert (len(spki), key.public) == (SPKI_OCTETS, private_key().public)
    assert (key.key_id, key.truncated) == (hashlib.sha256(spki).digest(), hashlib.sha256(spki).digest()[31])
    known = serialization.load_der_public_key(spki)
    assert isinstance(known, rsa.RSAPublicKey)
    assert known.public_numbers().n == private_key().public.n


def test_a_private_key_comes_back() -> None:
    pem = keys.to_pem(private_key())
    assert keys.from_pem(pem).public == private_key().public
    assert isinstance(serialization.load_pem_private_key(pem, None), rsa.RSAPrivateKey)


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"nonsense",
        keys.to_pem(private_key())[:-60],
        rsa.generate_private_key(65_537, 3_072).private_bytes(PEM, PKCS8, serialization.NoEncryption()),
        rsa.generate_private_key(3, 2_048).private_bytes(PEM, PKCS8, serialization.NoEncryption()),
        ec.generate_private_key(ec.SECP256R1()).private_bytes(PEM, PKCS8, serialization.NoEncryption()),
        rsa.generate_private_key(65_537, 2_048).private_bytes(
            PEM, PKCS8, serialization.BestAvailableEncryption(b"secret")
        ),
    ],
    ids=["empty", "nonsense", "cut short", "3072 bits", "e is 3", "another kind", "with a passphrase"],
)
def test_other_private_keys_are_refused(pem: bytes) -> None:
    with pytest.raises(TokenError):
        keys.from_pem(pem)


@given(st.binary(max_size=400) | st.integers(0, SPKI_OCTETS * 8 - 1))
def test_other_public_keys_are_refused(octets: bytes | int) -> None:
    spki = keys.spki_of(private_key().public)
    if isinstance(octets, int):
        changed = bytearray(spki)
        changed[octets // 8] ^= 1 << octets % 8
        octets = bytes(changed)
    try:
        key = issuer_key(octets, 0)
    except TokenError:
        return
    assert key.spki == keys.spki_of(key.public), "one spelling, whatever the modulus"
    assert key.public.n.bit_length() == 2_048


@pytest.mark.parametrize("first", [0x00, 0x7F])
def test_a_modulus_of_fewer_bits_is_refused(first: int) -> None:
    spki = bytearray(keys.spki_of(private_key().public))
    spki[-5 - 256] = first
    with pytest.raises(TokenError, match="bits"):
        issuer_key(bytes(spki), 0)


def test_a_key_issues_for_a_day_and_is_redeemed_for_two() -> None:
    key = signing_key().listed
    assert start_of_period(NOON) == start_of_period(MIDNIGHT) == key.not_before == MIDNIGHT
    assert [key.issues(when) for when in (MIDNIGHT - 1, MIDNIGHT, MIDNIGHT + DAY - 1, MIDNIGHT + DAY)] == [
        False,
        True,
        True,
        False,
    ]
    early, late = MIDNIGHT - SKEW, MIDNIGHT + DAY + SKEW
    assert [key.issues(when, SKEW) for when in (early - 1, early, late - 1, late)] == [False, True, True, False]
    end = MIDNIGHT + 2 * DAY
    assert [key.is_redeemed(when) for when in (early - 1, early, end - 1, end)] == [False, True, True, False]
