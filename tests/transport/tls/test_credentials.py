import os
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.certificates import write_certificate
from tests.transport.tls.shaking import credentials
from transport.tls import credentials as credentials_module
from transport.tls.certificates import BACKDATED, pin_of, self_signed
from transport.tls.credentials import MAX_FILE, CredentialsError, read_chain, read_key

DAY = 86_400


def test_a_certificate_and_its_key_are_read(tmp_path: Path) -> None:
    begun = time.time()
    read = credentials(tmp_path, "one.example", "192.0.2.1")
    (der,) = read.chain.certificates
    assert read.chain.pin == pin_of(der)
    assert abs(read.chain.begins + BACKDATED.total_seconds() - begun) < 5
    assert abs(read.chain.ends - begun - 3_650 * DAY) < 5
    assert read.key == (tmp_path / "tls.key").read_bytes()
    alternative = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert [str(name.value) for name in alternative.value] == ["one.example", "192.0.2.1"]


def test_nothing_secret_is_printed(tmp_path: Path) -> None:
    read = credentials(tmp_path)
    assert "PRIVATE" not in repr(read)
    assert len(repr(read)) < 300


def test_the_first_of_a_chain_is_the_one_that_counts(tmp_path: Path) -> None:
    for stem in ("leaf", "above"):
        write_certificate(tmp_path, f"{stem}.example", stem=stem)
    both = (tmp_path / "leaf.crt").read_bytes() + b"# and above it\n" + (tmp_path / "above.crt").read_bytes()
    (tmp_path / "chain.crt").write_bytes(both)
    chain = read_chain(tmp_path / "chain.crt")
    assert len(chain.certificates) == 2
    assert chain.pin == read_chain(tmp_path / "leaf.crt").pin
    assert read_key(tmp_path / "leaf.key", chain).chain is chain
    with pytest.raises(CredentialsError, match="is not the key of the certificate"):
        read_key(tmp_path / "above.key", chain)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "holds no certificate in PEM that can be read"),
        (
            b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
            "holds no certificate in PEM that can be read",
        ),
        (b"\xff" * (MAX_FILE + 1), f"is longer than {MAX_FILE} octets"),
    ],
)
def test_what_is_no_certificate_is_said(tmp_path: Path, content: bytes | None, reason: str) -> None:
    file = tmp_path / "tls.crt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CredentialsError) as caught:
        read_chain(file)
    assert str(caught.value) == reason


def test_a_chain_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, _ = write_certificate(tmp_path)
    certificate.write_bytes(certificate.read_bytes() * 3)
    monkeypatch.setattr(credentials_module, "MAX_CHAIN", 2)
    with pytest.raises(CredentialsError, match="holds 3 certificates, at most 2 are allowed"):
        read_chain(certificate)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path)
    for mode in (0o640, 0o604, 0o620):
        key.chmod(mode)
        with pytest.raises(CredentialsError, match=f"key file has mode {mode:04o}, so others may have read it"):
            read_key(key, read_chain(certificate))


def test_what_is_no_key_is_said(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path)
    chain = read_chain(certificate)
    made = serialization.load_pem_private_key(key.read_bytes(), None)
    locked = made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    for content in (b"", certificate.read_bytes(), locked, os.urandom(500)):
        key.write_bytes(content)
        with pytest.raises(CredentialsError, match="holds no unencrypted private key in PEM"):
            read_key(key, chain)
    key.unlink()
    with pytest.raises(CredentialsError, match="cannot be read: No such file or directory"):
        read_key(key, chain)


def test_days_are_as_asked_and_pins_are_of_the_key() -> None:
    public, secret = self_signed(("x" * 80 + ".example",), 1_000_000.0, 7)
    made = x509.load_pem_x509_certificate(public)
    assert made.not_valid_after_utc.timestamp() == 1_000_000 + 7 * DAY
    key = serialization.load_pem_private_key(secret, None).public_key()
    spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert spki in made.public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize("octets", [b"", b"\x30\x03\x02\x01\x01", bytes(range(100))])
def test_what_has_no_pin_is_a_value_error(octets: bytes) -> None:
    with pytest.raises(ValueError, match="parsing"):
        pin_of(octets)
