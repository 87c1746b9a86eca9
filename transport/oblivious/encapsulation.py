"""Requests sealed to a gateway, and responses sealed to a request (RFC 9458 section 4). Pure but for one nonce.

    request   key identifier, KEM, KDF, AEAD | enc | sealed request
    response  nonce                          | sealed response

What is sealed is a binary HTTP message; its length shows, so whoever seals fills it up (`binary_http`, `sizes`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from transport.oblivious import hpke
from transport.oblivious.hpke import KDF_ID, KEM_ID, KEY_OCTETS, NONCE_OCTETS, TAG_OCTETS, Aead, HpkeError, KeyPair
from transport.oblivious.key_chain import SecretKey
from transport.oblivious.key_configs import KeyConfig

REQUEST_TYPE: Final = b"message/ohttp-req"
RESPONSE_TYPE: Final = b"message/ohttp-res"
_HEADER: Final = 7  # octets: key identifier, KEM, KDF, AEAD
OVERHEAD: Final = _HEADER + KEY_OCTETS + TAG_OCTETS  # octets of a sealed request beyond what is in it
_REQUEST_LABEL: Final = b"message/bhttp request"
_RESPONSE_LABEL: Final = b"message/bhttp response"


class EncapsulationError(ValueError):
    """Octets that are no sealed request, or no response to ours."""


class UnknownKeyError(EncapsulationError):
    """A request sealed to a key that we do not have, or no longer, or for which it does not open (section 6.4)."""


def nonce_octets(aead: Aead) -> int:
    """Return how long the nonce of a response is (section 4.2)."""
    return max(NONCE_OCTETS, aead.key_octets)


@dataclass(frozen=True, slots=True)
class _Exchange:
    """What both sides of one exchange have in common, out of which the key of its response is made."""

    aead: Aead
    encapsulated: bytes
    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, context: hpke.Sender | hpke.Receiver, encapsulated: bytes) -> "_Exchange":
        aead = context.aead
        return cls(aead, encapsulated, context.export(_RESPONSE_LABEL, nonce_octets(aead)))

    def response_key(self, nonce: bytes) -> tuple[bytes, bytes]:
        """Return key and nonce of the AEAD (section 4.4, steps 3 to 5)."""
        pseudorandom = hpke.extract(self.encapsulated + nonce, self.secret)
        key = hpke.expand(pseudorandom, b"key", self.aead.key_octets)
        return key, hpke.expand(pseudorandom, b"nonce", NONCE_OCTETS)


# --- the client's side ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SealedRequest:
    """A request on its way.

    Attributes:
        octets: What is sent.
    """

    octets: bytes
    _exchange: _Exchange

    def open_response(self, octets: bytes) -> bytes:
        """Return the binary HTTP response.

        Args:
            octets: Untrusted.

        Raises:
            EncapsulationError: They are no response to this request.
        """
        exchange = self._exchange
        length = nonce_octets(exchange.aead)
        if len(octets) < length + TAG_OCTETS:
            raise EncapsulationError("response is cut short")
        try:
            return exchange.aead.open(*exchange.response_key(octets[:length]), b"", octets[length:])
        except HpkeError as error:
            raise EncapsulationError("response does not open; it is none to this request") from error


def seal_request(config: KeyConfig, aead: Aead, request: bytes, ephemeral: KeyPair) -> SealedRequest:
    """Seal a binary HTTP request (section 4.3).

    Args:
        config: The gateway's key, certainly the gateway's.
        aead: One of `config.aeads`.
        request: Filled up already.
        ephemeral: Generated for this request alone.

    Raises:
        EncapsulationError: The gateway's key cannot be used.
    """
    header = config.key_id.to_bytes(1) + KEM_ID.to_bytes(2) + KDF_ID.to_bytes(2) + aead.to_bytes(2)
    try:
        encapsulated, sender = hpke.sending(config.public, _info(header), aead, ephemeral)
    except HpkeError as error:
        raise EncapsulationError(f"the gateway's key {config.key_id} cannot be used: {error}") from error
    octets = header + encapsulated + sender.seal(b"", request)
    return SealedRequest(octets, _Exchange.of(sender, encapsulated))


# --- the gateway's side ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenedRequest:
    """A request that has come.

    Attributes:
        request: The binary HTTP request, untrusted.
        encapsulated: `enc`, which is another for each request that is no repetition.
    """

    request: bytes
    encapsulated: bytes
    _exchange: _Exchange

    def seal_response(self, response: bytes, nonce: bytes) -> bytes:
        """Seal a binary HTTP response (section 4.4).

        Args:
            response: Filled up already.
            nonce: `nonce_octets` of the system's randomness, for this response alone.
        """
        exchange = self._exchange
        return nonce + exchange.aead.seal(*exchange.response_key(nonce), b"", response)

    @property
    def nonce_octets(self) -> int:
        """How long the nonce is to be."""
        return nonce_octets(self._exchange.aead)


def open_request(octets: bytes, keys: Mapping[int, SecretKey]) -> OpenedRequest:
    """Open a sealed request (section 4.3).

    Args:
        octets: Untrusted; as long as the caller lets them be.
        keys: Those that are accepted now, by identifier.

    Raises:
        UnknownKeyError: It is not for one of these keys, or does not open with it.
        EncapsulationError: It is too short to be one.
    """
    if len(octets) < OVERHEAD:
        raise EncapsulationError(f"sealed request of {len(octets)} octets, at least {OVERHEAD} are needed")
    header, encapsulated, sealed = (
        octets[:_HEADER],
        octets[_HEADER : _HEADER + KEY_OCTETS],
        octets[_HEADER + KEY_OCTETS :],
    )
    kem, kdf, number = (int.from_bytes(header[at : at + 2]) for at in (1, 3, 5))
    key = keys.get(header[0])
    if key is None or (kem, kdf) != (KEM_ID, KDF_ID) or number not in key.config.aeads:
        raise UnknownKeyError("key identifier unknown, or not with these algorithms")
    try:
        receiver = hpke.receiving(encapsulated, key.pair, _info(header), Aead(number))
        request = receiver.open(b"", sealed)
    except HpkeError as error:
        raise UnknownKeyError("does not open with the key that it names") from error
    return OpenedRequest(request, encapsulated, _Exchange.of(receiver, encapsulated))


def _info(header: bytes) -> bytes:
    return _REQUEST_LABEL + b"\0" + header
