"""HPKE against the examples of RFC 9180, appendices A.1.1 and A.2.1."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transport.oblivious import hpke
from transport.oblivious.hpke import Aead, HpkeError, KeyPair

PLAINTEXT = bytes.fromhex("4265617574792069732074727574682c20747275746820626561757479")
INFO = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
SMALL_ORDER = [
    bytes(32),
    b"\1" + bytes(31),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
]


@dataclass(frozen=True)
class Example:
    aead: Aead
    ikm_e: str
    pk_e: str
    sk_e: str
    ikm_r: str
    pk_r: str
    sk_r: str
    sealed: dict[int, str]
    exported: dict[str, str]


A_1 = Example(
    Aead.AES_128_GCM,
    "7268600d403fce431561aef583ee1613527cff655c1343f29812e66706df3234",
    "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431",
    "52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736",
    "6db9df30aa07dd42ee5e8181afdb977e538f5e1fec8a06223f33f7013e525037",
    "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d",
    "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8",
    {
        0: "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a",
        1: "af2d7e9ac9ae7e270f46ba1f975be53c09f8d875bdc8535458c2494e8a6eab251c03d0c22a56b8ca42c2063b84",
        2: "498dfcabd92e8acedc281e85af1cb4e3e31c7dc394a1ca20e173cb72516491588d96a19ad4a683518973dcc180",
        4: "583bd32bc67a5994bb8ceaca813d369bca7b2a42408cddef5e22f880b631215a09fc0012bc69fccaa251c0246d",
        255: "7175db9717964058640a3a11fb9007941a5d1757fda1a6935c805c21af32505bf106deefec4a49ac38d71c9e0a",
        256: "957f9800542b0b8891badb026d79cc54597cb2d225b54c00c5238c25d05c30e3fbeda97d2e0e1aba483a2df9f2",
    },
    {
        "": "3853fe2b4035195a573ffc53856e77058e15d9ea064de3e59f4961d0095250ee",
        "00": "2e8f0b54673c7029649d4eb9d5e33bf1872cf76d623ff164ac185da9e88c21a5",
        "54657374436f6e74657874": "e9e43065102c3836401bed8c3c3c75ae46be1639869391d62c61f1ec7af54931",
    },
)
A_2 = Example(
    Aead.CHACHA20_POLY1305,
    "909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db583a904b",
    "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a",
    "f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600",
    "1ac01f181fdf9f352797655161c58b75c656a6cc2716dcb66372da835542e1df",
    "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a",
    "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb",
    {
        0: "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28",
        1: "6b53c051e4199c518de79594e1c4ab18b96f081549d45ce015be002090bb119e85285337cc95ba5f59992dc98c",
        2: "71146bd6795ccc9c49ce25dda112a48f202ad220559502cef1f34271e0cb4b02b4f10ecac6f48c32f878fae86b",
        4: "63357a2aa291f5a4e5f27db6baa2af8cf77427c7c1a909e0b37214dd47db122bb153495ff0b02e9e54a50dbe16",
        255: "18ab939d63ddec9f6ac2b60d61d36a7375d2070c9b683861110757062c52b8880a5f6b3936da9cd6c23ef2a95c",
        256: "7a4a13e9ef23978e2c520fd4d2e757514ae160cd0cd05e556ef692370ca53076214c0c40d4c728d6ed9e727a5b",
    },
    {
        "": "4bbd6243b8bb54cec311fac9df81841b6fd61f56538a775e7c80a9f40160606e",
        "00": "8c1df14732580e5501b00f82b10a1647b40713191b7c1240ac80e2b68808ba69",
        "54657374436f6e74657874": "5acb09211139c43b3090489a9da433e8a30ee7188ba8b0a9a1ccf0c229283e53",
    },
)
BOTH = pytest.mark.parametrize("example", [A_1, A_2], ids=["A.1.1", "A.2.1"])


@BOTH
def test_key_pairs_are_derived_as_in_the_examples(example: Example) -> None:
    for ikm, secret, public in (
        (example.ikm_e, example.sk_e, example.pk_e),
        (example.ikm_r, example.sk_r, example.pk_r),
    ):
        pair = KeyPair.derived(bytes.fromhex(ikm))
        assert (pair.secret.hex(), pair.public.hex()) == (secret, public)
        assert pair == KeyPair.of(bytes.fromhex(secret))


@BOTH
def test_the_examples_are_sealed_opened_and_exported(example: Example) -> None:
    enc, sender = hpke.sending(
        bytes.fromhex(example.pk_r), INFO, example.aead, KeyPair.of(bytes.fromhex(example.sk_e))
    )
    assert enc.hex() == example.pk_e
    receiver = hpke.receiving(enc, KeyPair.of(bytes.fromhex(example.sk_r)), INFO, example.aead)
    for number in range(257):
        aad = f"Count-{number}".encode()
        sealed = sender.seal(aad, PLAINTEXT)
        assert sealed.hex() == example.sealed.get(number, sealed.hex())
        assert receiver.open(aad, sealed) == PLAINTEXT
    for context, exported in example.exported.items():
        for side in (sender, receiver):
            assert side.export(bytes.fromhex(context), 32).hex() == exported


@pytest.mark.parametrize("point", SMALL_ORDER, ids=lambda point: point.hex()[:8])
def test_a_point_that_shares_no_secret_is_refused_on_both_sides(point: bytes) -> None:
    with pytest.raises(HpkeError, match="shares no secret"):
        hpke.sending(point, INFO, Aead.AES_128_GCM, KeyPair.generate())
    with pytest.raises(HpkeError, match="shares no secret"):
        hpke.receiving(point, KeyPair.generate(), INFO, Aead.AES_128_GCM)


def test_what_is_changed_or_for_another_does_not_open() -> None:
    pair = KeyPair.generate()
    enc, sender = hpke.sending(pair.public, INFO, Aead.AES_128_GCM, KeyPair.generate())
    sealed = sender.seal(b"", PLAINTEXT)
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for other, info, aead, octets, aad in (
        (KeyPair.generate(), INFO, Aead.AES_128_GCM, sealed, b""),
        (pair, INFO + b"x", Aead.AES_128_GCM, sealed, b""),
        (pair, INFO, Aead.CHACHA20_POLY1305, sealed, b""),
        (pair, INFO, Aead.AES_128_GCM, changed, b""),
        (pair, INFO, Aead.AES_128_GCM, sealed, b"x"),
        (pair, INFO, Aead.AES_128_GCM, b"", b""),
    ):
        with pytest.raises(HpkeError, match="does not open"):
            hpke.receiving(enc, other, info, aead).open(aad, octets)
    receiver = hpke.receiving(enc, pair, INFO, Aead.AES_128_GCM)
    with pytest.raises(HpkeError):
        receiver.open(b"", changed)
    assert receiver.open(b"", sealed) == PLAINTEXT, "what did not open does not count"


@given(st.binary(max_size=80), st.binary(max_size=80), st.sampled_from(Aead))
def test_any_octets_raise_one_error(enc: bytes, sealed: bytes, aead: Aead) -> None:
    for encapsulated in (enc, enc[:32].ljust(32, b"\7")):
        with pytest.raises(HpkeError):
            hpke.receiving(encapsulated, KeyPair.of(b"\5" * 32), INFO, aead).open(b"", sealed)


def test_every_key_is_another() -> None:
    assert len({KeyPair.generate().secret for _ in range(100)}) == 100


def test_no_pair_is_printed_with_its_secret() -> None:
    pair = KeyPair.of(b"\5" * 32)
    assert repr(pair.secret) not in repr(pair)
