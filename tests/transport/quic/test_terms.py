"""On what terms connections are made."""

import logging

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa

from tests.transport.quic.wires import credentials, made_for
from transport.quic.terms import ServerTerms, server_terms
from transport.tls.credentials import Credentials, CredentialsError


def _with(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | dsa.DSAPrivateKey,
) -> Credentials:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Credentials(credentials().chain, pem)


def test_keys_that_the_library_signs_with_are_taken() -> None:
    for key in (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        rsa.generate_private_key(65_537, 2_048),
        ed25519.Ed25519PrivateKey.generate(),
    ):
        assert server_terms(_with(key), 1_024).private_key is not None


def test_others_are_refused() -> None:
    for key in (ec.generate_private_key(ec.SECP521R1()), dsa.generate_private_key(2_048)):
        with pytest.raises(CredentialsError, match="neither RSA, nor ECDSA on P-256"):
            server_terms(_with(key), 1_024)


def test_terms_follow_what_is_to_be_shown_and_stay_where_that_cannot_be(caplog: pytest.LogCaptureFixture) -> None:
    shown = [made_for("one.example")]
    terms = ServerTerms(lambda: shown[-1], 1_024)
    one = terms.current()
    assert terms.current() is one
    shown.append(made_for("two.example"))
    two = terms.current()
    assert two.certificate != one.certificate
    shown.append(_with(ec.generate_private_key(ec.SECP521R1())))
    with caplog.at_level(logging.WARNING):
        assert terms.current() is two
        assert terms.current() is two
    assert len(caplog.records) == 1


def test_the_library_logs_nothing_of_what_strangers_wrote() -> None:
    assert not logging.getLogger("quic").isEnabledFor(logging.WARNING)
