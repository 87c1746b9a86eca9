"""The terms on which aioquic makes connections of ours: certificates, versions, sizes.

Left out: whether a peer's certificate is the one that is pinned, which is looked at once it is there (`link`).
"""

import logging
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import assert_never

from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.packet import QuicProtocolVersion
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from transport.framing import MAX_MESSAGE, PREFIX
from transport.proof import Certified, Pinned, Proof, Unproven
from transport.quic.doq import ALPN
from transport.tls.credentials import Credentials, CredentialsError

MAX_DATAGRAM = 1_200  # octets that leave at once: with IPv6 and UDP 1,248, which no path fragments (RFC 9000 14.1)
CID = 8  # octets of our connection ids; which of a worker's connections a datagram is for is not to be guessed
VERSIONS = [
    QuicProtocolVersion.VERSION_1
]  # version 2 says the same in other words, and would double a flood's cost
IDLE = 10.0  # seconds without a packet, both ways: what `StreamLimits.idle` and `stream_link.QUIET` say
TICK = 0.000_1  # seconds until a connection is seen to again, at least: its timer may be due by rounding alone
_KEYS = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey | Ed448PrivateKey
_CURVES = {"secp256r1", "secp384r1"}
REPLY_WINDOW = 1 << 20  # octets of replies on their way to us

log = logging.getLogger(__name__)
logging.getLogger("quic").setLevel(logging.CRITICAL)  # it logs what strangers wrote, as often as they like


def server_terms(credentials: Credentials, message: int) -> QuicConfiguration:
    """Return how a server's connections are made.

    Args:
        credentials: What clients are shown.
        message: The longest query, in octets.

    Raises:
        CredentialsError: The key is of a kind that aioquic does not sign with.
    """
    terms = QuicConfiguration(
        is_client=False,
        alpn_protocols=[ALPN],
        connection_id_length=CID,
        idle_timeout=IDLE,
        max_data=0,  # `bounds` has its own
        max_datagram_size=MAX_DATAGRAM,
        max_stream_data=2 * (PREFIX + message),  # aioquic grants more once half of it is used: no query uses more
        supported_versions=list(VERSIONS),
    )
    terms.certificate, *terms.certificate_chain = x509.load_pem_x509_certificates(credentials.chain.pem)
    key = load_pem_private_key(credentials.key, password=None)
    if not isinstance(key, _KEYS) or (isinstance(key, EllipticCurvePrivateKey) and key.curve.name not in _CURVES):
        raise CredentialsError("the key is neither RSA, nor ECDSA on P-256 or P-384, nor Ed25519 or Ed448")
    terms.private_key = key
    return terms


class ServerTerms:
    """How a server's connections are made, by what it is to show at the time.

    Args:
        credentials: Returns what that is; another value when it is something else.
        message: The longest query, in octets.

    Raises:
        CredentialsError: As `server_terms`.
    """

    def __init__(self, credentials: Callable[[], Credentials], message: int) -> None:
        self._source = credentials
        self._message = message
        self._credentials = credentials()
        self._terms = server_terms(self._credentials, message)

    def current(self) -> QuicConfiguration:
        """Return how a connection is made now: as before, if what is to be shown cannot be."""
        credentials = self._source()
        if credentials is not self._credentials:
            self._credentials = credentials
            try:
                self._terms = server_terms(credentials, self._message)
            except CredentialsError as error:
                log.warning("event=reload-failed part=quic reason=%r", str(error))
        return self._terms


def client_terms(proof: Proof) -> QuicConfiguration:
    """Return how a connection is made to somebody who proves who it is in this way.

    Raises:
        CredentialsError: The certificates of authorities cannot be read.
    """
    terms = QuicConfiguration(
        is_client=True,
        alpn_protocols=[ALPN],
        connection_id_length=CID,
        idle_timeout=IDLE,
        max_data=0,
        max_datagram_size=MAX_DATAGRAM,
        max_stream_data=2 * (PREFIX + MAX_MESSAGE),
        supported_versions=list(VERSIONS),
        verify_mode=ssl.CERT_NONE,
    )
    match proof:
        case Certified(host, authorities):
            terms.verify_mode = ssl.CERT_REQUIRED
            terms.server_name = host
            system = ssl.get_default_verify_paths()
            if authorities is not None:
                terms.load_verify_locations(cadata=_pem_of(authorities))
            else:  # whom the system trusts, as over TLS; aioquic has a list of its own
                terms.load_verify_locations(cafile=system.cafile, capath=system.capath)
        case Pinned() | Unproven():
            pass
        case other:
            assert_never(other)
    return terms


def _pem_of(authorities: Path) -> bytes:
    """Return what a file of certificates holds: aioquic would read it once somebody is there, and blame them."""
    try:
        pem = authorities.read_bytes()
        x509.load_pem_x509_certificates(pem)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CredentialsError(f"{authorities}: certificates of authorities cannot be read: {reason}") from error
    return pem
