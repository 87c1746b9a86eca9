"""What libsodium verifies is what OpenSSL verifies, under the rule for points; shown case by case and at random."""

import hashlib
from itertools import product

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tests.zonedata.curve import ORDER, Point, add, base, challenge, encoded, small_order_points, times
from zonedata import ed25519
from zonedata.errors import UntrustedError
from zonedata.keys import PrivateKey, admit, is_sound_point

SECRET, NONCE = 3**150, 5**100  # scalars, neither of which any library would choose
MESSAGES = [bytes([n]) * n for n in range(12)]
SEEDS = st.binary(min_size=32, max_size=32)

# RFC 8032 section 7.1, tests 1 to 3 and SHA(abc): seed, public key, message, signature.
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        b"",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
            "d25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        b"\x72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
            "387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        b"\xaf\x82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
            "4a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        hashlib.sha512(b"abc").digest(),
        (
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e030"
            "3dca179c138ac17ad9bef1177331a704"
        ),
    ),
]


def verdict(public: bytes, signature: bytes, message: bytes) -> bool:
    """Verify with what is in use; OpenSSL under the rule for points must say the same."""
    try:
        verdict = admit(public).verifies(signature, message)
    except UntrustedError:
        verdict = False
    sound = is_sound_point(public) and is_sound_point(signature[:32])
    assert verdict == (sound and ed25519.by_openssl(public, signature, message))
    return verdict


def made(secret: int, public: bytes, r: bytes, message: bytes) -> bytes:
    """Sign with a key and a first half that need not be what the scalars come to."""
    half = (NONCE + challenge(r, public, message) * secret) % ORDER
    return r + half.to_bytes(32, "little")


@pytest.fixture(scope="module")
def torsion() -> list[Point]:
    return sorted(small_order_points())


def test_nothing_but_libsodium_is_in_use() -> None:
    assert ed25519.verify is ed25519.by_libsodium


@pytest.mark.parametrize(("seed", "public", "message", "signature"), VECTORS, ids=["1", "2", "3", "SHA(abc)"])
def test_vectors_of_rfc_8032(seed: str, public: str, message: bytes, signature: str) -> None:
    private = PrivateKey.from_seed(bytes.fromhex(seed))
    assert private.public.raw.hex() == public
    assert private.sign(message).hex() == signature
    assert verdict(bytes.fromhex(public), bytes.fromhex(signature), message)


@pytest.mark.parametrize("length", [0, 1, 111, 112, 1_000, 100_000])
def test_messages_have_any_length(length: int) -> None:
    private, message = PrivateKey.generate(), bytes(length)
    signature = private.sign(message)
    assert verdict(private.public.raw, signature, message)
    assert not verdict(private.public.raw, signature, message + b"\0")


@given(SEEDS, st.binary(max_size=300), st.integers(0))
def test_what_is_signed_verifies_and_no_bit_of_it_can_be_another(seed: bytes, message: bytes, at: int) -> None:
    private = PrivateKey.from_seed(seed)
    signature = private.sign(message)
    assert signature == Ed25519PrivateKey.from_private_bytes(seed).sign(message)
    whole = private.public.raw + signature + message
    assert verdict(whole[:32], whole[32:96], whole[96:])
    at %= 8 * len(whole)
    changed = (int.from_bytes(whole, "little") ^ 1 << at).to_bytes(len(whole), "little")
    assert not verdict(changed[:32], changed[32:96], changed[96:])


@given(SEEDS, st.binary(min_size=64, max_size=64), st.binary(max_size=300))
def test_octets_at_random_are_no_signature(public: bytes, signature: bytes, message: bytes) -> None:
    assert not verdict(public, signature, message)


@given(SEEDS, st.integers(1, 15))
def test_the_second_half_is_below_the_order(seed: bytes, times_more: int) -> None:
    private = PrivateKey.from_seed(seed)
    signature = private.sign(b"message")
    half = int.from_bytes(signature[32:], "little") + times_more * ORDER
    if half < 2**256:
        assert not verdict(private.public.raw, signature[:32] + half.to_bytes(32, "little"), b"message")


def test_points_of_small_order_are_refused_as_key_and_as_first_half(torsion: list[Point]) -> None:
    sound = encoded(times(SECRET, base()))
    for point, message in product(torsion, MESSAGES):
        weak = encoded(point)
        r = encoded(times(NONCE, base()))
        half = challenge(weak, sound, message) * SECRET % ORDER
        assert not verdict(sound, weak + half.to_bytes(32, "little"), message)
        assert not verdict(weak, made(0, weak, r, message), message)
        assert not verdict(weak, weak + bytes(32), message)


def test_points_of_mixed_order_count_where_both_sides_have_the_same_octets(torsion: list[Point]) -> None:
    secret_point, nonce_point = times(SECRET, base()), times(NONCE, base())
    counted = set()
    for of_key, of_r in product(torsion, torsion):
        public, r = encoded(add(secret_point, of_key)), encoded(add(nonce_point, of_r))
        for message in MESSAGES:
            # S B is R and the challenge times the key, if what both have of small order vanishes.
            left = add(of_r, times(challenge(r, public, message), of_key))
            assert verdict(public, made(SECRET, public, r, message), message) == (left == (0, 1))
            counted.add((of_key != (0, 1), of_r != (0, 1), left == (0, 1)))
    clean, only_r, only_key, both = (False, False), (False, True), (True, False), (True, True)
    assert counted == {
        (*clean, True), (*only_r, False), (*only_key, True), (*only_key, False), (*both, True), (*both, False),
    }  # fmt: skip


def test_the_signature_that_asks_for_the_cofactor_is_right_with_it_alone(torsion: list[Point]) -> None:
    public, signature, message = ed25519._RIGHT_BY_COFACTOR
    of_order_two = next(point for point in torsion if point[0] == 0 and point[1] != 1)
    r, half = add(base(), of_order_two), int.from_bytes(signature[32:], "little")
    assert (encoded(base()), encoded(r)) == (public, signature[:32])
    right = add(r, times(challenge(signature[:32], public, message), base()))
    assert times(half, base()) != right
    assert times(8 * half, base()) == times(8, right)
    assert is_sound_point(public)
    assert is_sound_point(signature[:32])
    assert not verdict(public, signature, message)


def test_a_library_that_multiplies_by_the_cofactor_does_not_verify() -> None:
    assert ed25519.first_exact(lambda *_: True, ed25519.by_openssl) is ed25519.by_openssl
    assert ed25519.first_exact(ed25519.by_openssl, ed25519.by_libsodium) is ed25519.by_openssl


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_seed_has_32_octets(length: int) -> None:
    with pytest.raises(ValueError, match="seed"):
        PrivateKey.from_seed(bytes(length))
