"""Blind signatures against the vectors of RFC 9474 (appendix A), and what is refused."""

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from tests.transport.tokens.mint import private_key
from transport.tokens import blind_rsa
from transport.tokens.blind_rsa import (
    PSS_DETERMINISTIC,
    PSSZERO_DETERMINISTIC,
    VARIANTS,
    BlindSignatureError,
    PrivateKey,
    PublicKey,
    Variant,
)

GIVEN = json.loads((Path(__file__).parent / "rfc9474.json").read_text())  # the RFC repeats the key and the message
VECTORS: list[dict[str, str]] = GIVEN["vectors"]


def number(text: str) -> int:
    return int(text, 16)


def drawing(*octets: bytes) -> Callable[[int], bytes]:
    """Draw what stands here, in order, and nothing after it."""
    left = list(octets)

    def draw(count: int) -> bytes:
        drawn = left.pop(0)
        assert len(drawn) == count
        return drawn

    return draw


@pytest.fixture(params=VECTORS, ids=lambda vector: vector["name"])
def vector(request: pytest.FixtureRequest) -> dict[str, str]:
    found: dict[str, str] = request.param
    return found


def test_there_is_a_vector_for_each_variant() -> None:
    assert {one["name"] for one in VECTORS} == {variant.name for variant in VARIANTS}


def test_it_computes_what_the_rfc_prints(vector: dict[str, str]) -> None:
    (variant,) = [one for one in VARIANTS if one.name == vector["name"]]
    private = PrivateKey(number(GIVEN["p"]), number(GIVEN["q"]), number(GIVEN["e"]))
    public = private.public
    assert (public.n, public.octets) == (number(GIVEN["n"]), 512)

    message = bytes.fromhex(GIVEN["msg"])
    prepared = blind_rsa.prepare(message, variant, drawing(bytes.fromhex(vector["msg_prefix"])))
    assert prepared.hex() == vector["msg_prefix"] + GIVEN["msg"]
    salt = bytes.fromhex(vector["salt"])
    if "encoded_msg" in vector:
        assert blind_rsa.encode(prepared, public.n.bit_length() - 1, salt).hex() == vector["encoded_msg"]
    inverse = number(vector["inv"])
    blind = pow(inverse, -1, public.n).to_bytes(public.octets, "big")
    blinded = blind_rsa.blind(public, prepared, variant, drawing(salt, blind))
    assert (blinded.inverse, blinded.message.hex()) == (inverse, vector["blinded_msg"])

    signature = blind_rsa.blind_sign(private, blinded.message, secrets.token_bytes)
    assert signature.hex() == vector["blind_sig"]
    unblinded = blind_rsa.finalize(public, prepared, signature, blinded.inverse, variant)
    assert unblinded.hex() == vector["sig"]
    for other in VARIANTS:
        assert public.verifies(prepared, unblinded, other) is (other.salt == variant.salt)
    assert not public.verifies(prepared + b".", unblinded, variant)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_anybody_can_verify_what_came_of_it(variant: Variant) -> None:
    private = private_key()
    prepared = blind_rsa.prepare(b"hello", variant, secrets.token_bytes)
    assert (len(prepared), prepared.endswith(b"hello")) == (37 if variant.is_randomized else 5, True)
    blinded = blind_rsa.blind(private.public, prepared, variant, secrets.token_bytes)
    signature = blind_rsa.blind_sign(private, blinded.message, secrets.token_bytes)
    unblinded = blind_rsa.finalize(private.public, prepared, signature, blinded.inverse, variant)
    theirs = rsa.RSAPublicNumbers(private.public.e, private.public.n).public_key()
    scheme = padding.PSS(mgf=padding.MGF1(hashes.SHA384()), salt_length=variant.salt)
    theirs.verify(unblinded, prepared, scheme, hashes.SHA384())  # raises where it is not good


def test_the_same_message_is_blinded_differently_each_time_and_signed_alike() -> None:
    private = private_key()
    one, other = (blind_rsa.blind(private.public, b"m", PSSZERO_DETERMINISTIC, secrets.token_bytes) for _ in "12")
    assert one.message != other.message
    signed = [blind_rsa.blind_sign(private, one.message, secrets.token_bytes) for _ in "12"]
    assert signed[0] == signed[1], "what is drawn while signing leaves no trace"


def test_only_messages_of_the_key_s_size_are_signed() -> None:
    private = private_key()
    n = private.public.n
    for message, why in (
        (b"", "unexpected input size"),
        (bytes(255), "unexpected input size"),
        (bytes(257), "unexpected input size"),
        (n.to_bytes(256, "big"), "message representative out of range"),
        (b"\xff" * 256, "message representative out of range"),
    ):
        with pytest.raises(BlindSignatureError, match=why):
            blind_rsa.blind_sign(private, message, secrets.token_bytes)
    assert blind_rsa.blind_sign(private, (n - 1).to_bytes(256, "big"), secrets.token_bytes) == (n - 1).to_bytes(256)


def test_a_wrong_result_is_never_given_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a fault in one half of the computation alone, what comes out tells a prime of the key."""
    private = private_key()
    right = PrivateKey.power

    def faulty(self: PrivateKey, base: int, draw: Callable[[int], bytes]) -> int:
        return (right(self, base, draw) + self.p) % self.public.n

    monkeypatch.setattr(PrivateKey, "power", faulty)
    with pytest.raises(BlindSignatureError, match="signing failure"):
        blind_rsa.blind_sign(private, bytes(255) + b"\x02", secrets.token_bytes)


@pytest.mark.parametrize(
    "change", [lambda s: s[:-1], lambda s: s + b"\0", lambda s: bytes(len(s)), lambda s: s[::-1]]
)
def test_a_signature_that_is_none_is_not_finalized(change: Callable[[bytes], bytes]) -> None:
    private = private_key()
    blinded = blind_rsa.blind(private.public, b"m", PSS_DETERMINISTIC, secrets.token_bytes)
    signature = blind_rsa.blind_sign(private, blinded.message, secrets.token_bytes)
    with pytest.raises(BlindSignatureError, match=r"unexpected input size|invalid signature"):
        blind_rsa.finalize(private.public, b"m", change(signature), blinded.inverse, PSS_DETERMINISTIC)


def test_another_key_s_signature_is_not_finalized() -> None:
    blinded = blind_rsa.blind(private_key().public, b"m", PSS_DETERMINISTIC, secrets.token_bytes)
    message = bytes(1) + blinded.message[1:]
    signature = blind_rsa.blind_sign(private_key(1), message, secrets.token_bytes)
    with pytest.raises(BlindSignatureError, match="invalid signature"):
        blind_rsa.finalize(private_key().public, b"m", signature, blinded.inverse, PSS_DETERMINISTIC)


def test_who_knows_a_factor_is_told_that_this_is_no_blind() -> None:
    private = private_key()
    with pytest.raises(BlindSignatureError, match="blinding error"):
        blind_rsa.blind(private.public, b"m", PSSZERO_DETERMINISTIC, drawing(b"", private.p.to_bytes(256, "big")))


def test_a_message_that_shares_a_factor_with_the_modulus_is_not_blinded(monkeypatch: pytest.MonkeyPatch) -> None:
    private = private_key()
    monkeypatch.setattr(blind_rsa, "encode", lambda *_: (private.q * 3).to_bytes(256, "big"))
    with pytest.raises(BlindSignatureError, match="invalid input"):
        blind_rsa.blind(private.public, b"m", PSSZERO_DETERMINISTIC, secrets.token_bytes)


@pytest.mark.parametrize(
    ("n", "e"),
    [(2**2047 + 2, 65_537), (2**2046 + 1, 65_537), (2**4096 + 1, 65_537), (0, 65_537), (-5, 3), (2**2047 + 1, 2)],
)
def test_numbers_that_no_key_has(n: int, e: int) -> None:
    with pytest.raises(BlindSignatureError):
        PublicKey(n, e)


def test_primes_that_no_key_has() -> None:
    private = private_key()
    with pytest.raises(BlindSignatureError, match="primes"):
        PrivateKey(private.p, private.p)
    bad = next(n for n in range(private.p - 1, 0, -1) if n % 65_537 == 1 and n % 2 == 1)
    with pytest.raises(BlindSignatureError, match="primes"):
        PrivateKey(bad, private.q)


def test_a_private_key_is_not_printed() -> None:
    private = private_key()
    assert repr(private) == "<PrivateKey of 2048 bits>"


def test_what_fits_no_modulus_is_not_encoded() -> None:
    assert len(blind_rsa.encode(b"m", 8 * (48 + 48 + 2), bytes(48))) == 98
    with pytest.raises(BlindSignatureError, match="encoding error"):
        blind_rsa.encode(b"m", 8 * (48 + 48 + 1), bytes(48))


@given(st.integers(1, 2_000), st.randoms(use_true_random=False))
def test_numbers_are_drawn_from_one_to_below_the_end(end: int, source: Any) -> None:
    if end > 1:
        assert 0 < blind_rsa.uniform(end, source.randbytes) < end


def test_every_number_is_as_likely() -> None:
    octets = iter(bytes([one]) for one in range(256))
    drawn = []
    try:
        while True:
            drawn.append(blind_rsa.uniform(100, lambda _: next(octets)))
    except StopIteration:
        pass
    assert sorted(drawn) == sorted(list(range(1, 100)) * 2)
