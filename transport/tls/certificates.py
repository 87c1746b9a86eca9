"""Certificates: making one for oneself, and the pin by which others know its key. Pure but for making keys.

Who is known by a pin needs no authority to vouch for them: a certificate signed with its own key will do, and may
be replaced by any other of the same key (RFC 7858 section 4.2).
"""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.x509.oid import NameOID

DAYS = 3_650  # of a certificate that only its pin makes believable; nobody looks at its dates
BACKDATED = timedelta(hours=1)  # whose clock is a little behind is to take it too


def pin_of(certificate: bytes) -> bytes:
    """Return the SHA-256 of the SubjectPublicKeyInfo of a certificate in DER, 32 octets.

    Raises:
        ValueError: It is none, or of a version or for a key of a kind that nobody knows.
    """
    try:
        return pin_of_key(x509.load_der_x509_certificate(certificate).public_key())
    except (UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise ValueError(f"not a certificate as they are used: {error}") from error


def pin_of_key(key: PublicKeyTypes) -> bytes:
    """Return the SHA-256 of a public key as SubjectPublicKeyInfo, 32 octets."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))
    return digest.finalize()


def self_signed(names: tuple[str, ...], now: float, days: int = DAYS) -> tuple[bytes, bytes]:
    """Make a key (ECDSA on P-256, which every TLS library takes) and a certificate that it signs itself.

    Args:
        names: Host names and IP addresses as text, at least one.
        now: Unix seconds.
        days: Until it ends.

    Returns:
        The certificate and the key, both in PEM.

    Raises:
        ValueError: A name cannot stand in a certificate, or the end is beyond what can.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])  # RFC 5280: 64 at most
    begin = datetime.fromtimestamp(now, UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin - BACKDATED)
        .not_valid_after(begin + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False)
        # Who trusts several certificates of one name finds the right one by these (RFC 5280 section 4.2.1).
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), secret


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
