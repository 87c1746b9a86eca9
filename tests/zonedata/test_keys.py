import base64
import errno
import hashlib
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from tests.zonedata.builders import NOW, anchor, key, keys_of, life, rootkeys
from tests.zonedata.curve import ORDER, P, small_order_points
from zonedata import codec, keys
from zonedata.errors import MalformedError, UntrustedError
from zonedata.keys import PrivateKey, admit, public_from_text
from zonedata.kinds import Kind
from zonedata.opening import Refusal, Step, read_claim
from zonedata.sealed import Sealed, Signature
from zonedata.zone_statements import Authority, BoundKey


def spellings() -> list[bytes]:
    """Return every 32 octets that a lenient decoder takes for a point of small order."""
    ys = {y for _, y in small_order_points()}
    values = {spelt for y in ys for spelt in (y, y + P) if spelt < 2**255}
    return sorted((value | sign << 255).to_bytes(32, "little") for value in values for sign in (0, 1))


WEAK = spellings()
NOT_CANONICAL = [(P + n).to_bytes(32, "little") for n in (0, 1, 2, 3, 18)]
TOP_BIT = (1 << 255).to_bytes(32, "little")
NOT_CANONICAL += [bytes(a | b for a, b in zip(raw, TOP_BIT, strict=True)) for raw in NOT_CANONICAL]
REFUSED = sorted({*WEAK, *NOT_CANONICAL})


def test_the_points_built_are_those_of_the_threat() -> None:
    assert len(small_order_points()) == 8
    assert len(WEAK) == 14  # identity four, order 2 two, order 4 four, order 8 four
    assert {raw[:31] + bytes([raw[31] & 0x7F]) for raw in WEAK} >= {bytes(32), b"\1" + bytes(31)}


def test_the_threat_is_real_with_the_library_in_use() -> None:
    forged = b"\1" + bytes(63)
    Ed25519PublicKey.from_public_bytes(b"\1" + bytes(31)).verify(forged, b"any message at all")


@pytest.mark.parametrize("raw", REFUSED, ids=bytes.hex)
def test_weak_keys_are_refused_wherever_a_key_enters(raw: bytes) -> None:
    text = "ed25519:" + base64.b64encode(raw).decode()
    entries: list[Callable[[], object]] = [
        lambda: admit(raw),
        lambda: public_from_text(text),
        lambda: BoundKey.from_value({"key": raw, "uses": ["assert"], "from": NOW, "until": NOW + 1}),
    ]
    for enter in entries:
        with pytest.raises((UntrustedError, MalformedError)):
            enter()
    said = rootkeys().to_fields() | life(Kind.ROOTKEYS).to_fields()
    for field in ("root_keys", "zone_keys"):
        assert refused_at(Kind.ROOTKEYS, said | {field: [raw], "threshold": 1}) is Step.BODY
    binding = Authority(life(Kind.AUTHORITY), anchor().tree, ".", "a.example", keys_of("a.example"), ())
    fields = binding.to_fields() | binding.life.to_fields()
    fields["keys"] = [{"key": raw, "uses": ["assert"], "from": NOW, "until": NOW + 1}]
    assert refused_at(Kind.AUTHORITY, fields) is Step.BODY


def refused_at(kind: Kind, fields: dict[str, object]) -> Step | None:
    sealed = Sealed(kind, (Signature(keys.ED25519, bytes(8), bytes(64)),), codec.pack(fields))
    read = read_claim(sealed.to_wire())
    return read.step if isinstance(read, Refusal) else None


@pytest.mark.parametrize("raw", REFUSED, ids=bytes.hex)
def test_signatures_whose_first_half_is_weak_do_not_verify(raw: bytes) -> None:
    assert not key("a").public.verifies(raw + bytes(32), b"message")


def test_a_weak_first_half_is_refused_even_where_the_key_is_sound() -> None:
    seed, message, weak = hashlib.sha256(b"a").digest(), b"message", b"\1" + bytes(31)
    public = key("a").public
    digest = bytearray(hashlib.sha512(seed).digest()[:32])
    digest[0] &= 248
    digest[31] = digest[31] & 63 | 64
    challenge = int.from_bytes(hashlib.sha512(weak + public.raw + message).digest(), "little")
    half = challenge * int.from_bytes(digest, "little") % ORDER
    signature = weak + half.to_bytes(32, "little")
    Ed25519PublicKey.from_public_bytes(public.raw).verify(signature, message)
    assert not public.verifies(signature, message)


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_a_signature_is_over_one_message(message: bytes, other: bytes) -> None:
    signature = key("a").sign(message)
    assert key("a").public.verifies(signature, message)
    assert key("a").public.verifies(signature, other) == (message == other)
    assert not key("b").public.verifies(signature, message)
    assert not key("a").public.verifies(signature[:63], message)
    assert not key("a").public.verifies(signature + b"\0", message)


def test_the_second_half_has_one_spelling() -> None:
    signature = key("a").sign(b"message")
    scalar = int.from_bytes(signature[32:], "little") + ORDER
    assert not key("a").public.verifies(signature[:32] + scalar.to_bytes(32, "little"), b"message")


@given(st.binary(min_size=32, max_size=32))
def test_public_text_round_trip(seed: bytes) -> None:
    public = PrivateKey.from_seed(seed).public
    assert public_from_text(public.to_text()) == public
    assert admit(public.raw) == public


GOOD = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="


@pytest.mark.parametrize(
    "text",
    ["", GOOD[8:], GOOD[:-1], GOOD[:-2], GOOD + "=", GOOD[:-2] + "p=", GOOD + "\n", "ed25519:é", "ed25519:****"],
)
def test_other_spellings_of_a_key_are_refused(text: str) -> None:
    assert public_from_text(GOOD)
    with pytest.raises((MalformedError, UntrustedError)):
        public_from_text(text)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_has_32_octets(length: int) -> None:
    with pytest.raises(UntrustedError, match="octets"):
        admit(b"\2" * length)


def test_private_keys_show_no_secret() -> None:
    private = PrivateKey.from_seed(b"s" * 32)
    assert repr(private) == f"<PrivateKey {private.public.key_id.hex()}>"
    assert (b"s" * 32).hex() not in repr(private)
    assert PrivateKey.generate().public != PrivateKey.generate().public


def test_key_files_round_trip_and_are_private(tmp_path: Path) -> None:
    path = tmp_path / "zone.key"
    key("a").save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.load(path).public == key("a").public
    with pytest.raises(FileExistsError):
        key("b").save(path)
    assert keys.load(path).public == key("a").public


def test_a_key_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key.pem"

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("zonedata.keys.os.fsync", full)
        with pytest.raises(OSError, match="No space left") as raised:
            key("a").save(path)
    assert (raised.value.errno, raised.value.filename) == (errno.ENOSPC, str(path))
    assert list(tmp_path.iterdir()) == []
    key("a").save(path)
    assert keys.load(path).public == key("a").public


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_key_files_that_others_can_read_are_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "zone.key"
    key("a").save(path)
    path.chmod(mode)
    with pytest.raises(UntrustedError, match=f"{mode:04o}"):
        keys.load(path)


def pem(private: ec.EllipticCurvePrivateKey | x25519.X25519PrivateKey, password: bytes) -> bytes:
    hidden = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden)


# An EC key on a curve that the library does not know.
STRANGE = b"""-----BEGIN PRIVATE KEY-----
ME4CAQAwEAYHKoZIzj0CAQYFK4EEAAYENzA1AgEBBA6dTT8Qv8C7AzJcKjU+2aEg
Ax4ABGCEV+eYt1Zy4pVBdVK2oMggwZmmS3YO614pll8=
-----END PRIVATE KEY-----
"""


def test_files_that_hold_no_ed25519_key_are_refused(tmp_path: Path) -> None:
    files = {
        "empty": b"",
        "no PEM": b"hello",
        "elliptic": pem(ec.generate_private_key(ec.SECP256R1()), b""),
        "exchange": pem(x25519.X25519PrivateKey.generate(), b""),
        "encrypted": pem(ec.generate_private_key(ec.SECP256R1()), b"secret"),
        "strange": STRANGE,
    }
    for name, content in files.items():
        path = tmp_path / name
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(MalformedError):
            keys.load(path)
    with pytest.raises(MalformedError, match="cannot be read"):
        keys.load(tmp_path / "absent")
