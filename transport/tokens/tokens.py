"""The messages of Privacy Pass as octets: TokenChallenge and Token (RFC 9577), TokenRequest (RFC 9578). Pure.

A TokenResponse is the 256 octets of a blind signature and nothing else, so it has no type of its own.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Final

BLIND_RSA: Final = 0x0002  # token type, RFC 9578 section 8.2.2
BITS: Final = 2_048  # of its keys, no more and no fewer
MODULUS_OCTETS: Final = BITS // 8
KEY_ID_OCTETS: Final = 32
NONCE_OCTETS: Final = 32
DIGEST_OCTETS: Final = 32
CONTEXT_OCTETS: Final = 32  # or none at all
MAX_NAME: Final = 255  # octets of an issuer's name: a host name and a port
MAX_ORIGINS: Final = 1_024  # octets of origin names; a resolver has one or two
MAX_CHALLENGE: Final = 2 + 2 + MAX_NAME + 1 + CONTEXT_OCTETS + 2 + MAX_ORIGINS
INPUT_OCTETS: Final = 2 + NONCE_OCTETS + DIGEST_OCTETS + KEY_ID_OCTETS
TOKEN_OCTETS: Final = INPUT_OCTETS + MODULUS_OCTETS
REQUEST_OCTETS: Final = 2 + 1 + MODULUS_OCTETS
RESPONSE_OCTETS: Final = MODULUS_OCTETS


class TokenError(ValueError):
    """Octets or text that are not what their format demands."""


@dataclass(frozen=True, slots=True)
class TokenChallenge:
    """For what tokens are asked (RFC 9577 section 2.1.1).

    Attributes:
        token_type: 0x0002, or one that we do not know.
        issuer_name: Whose tokens, as the authority of a URI.
        redemption_context: 32 octets, or none: then tokens may be fetched beforehand.
        origin_info: At whom they count, names with commas between them; "" at anybody who trusts the issuer.
    """

    token_type: int
    issuer_name: str
    redemption_context: bytes
    origin_info: str

    @classmethod
    def from_wire(cls, wire: bytes) -> "TokenChallenge":
        """Read one.

        Raises:
            TokenError: It is none, or longer than any of ours.
        """
        if len(wire) > MAX_CHALLENGE:
            raise TokenError(f"challenge of {len(wire)} octets, at most {MAX_CHALLENGE} are read")
        kind, rest = _cut(wire, 2)
        name, rest = _vector(rest, 2)
        context, rest = _vector(rest, 1)
        origins, rest = _vector(rest, 2)
        if rest:
            raise TokenError(f"{len(rest)} octets after a challenge")
        challenge = cls(int.from_bytes(kind, "big"), _text(name), context, _text(origins))
        challenge.check()
        return challenge

    def check(self) -> None:
        """Refuse what has no wire form.

        Raises:
            TokenError: A name that is empty, too long or not printable ASCII; a context of another length.
        """
        if not 0 < len(self.issuer_name) <= MAX_NAME:
            raise TokenError(f"issuer's name of {len(self.issuer_name)} octets, expected 1 to {MAX_NAME}")
        if len(self.redemption_context) not in {0, CONTEXT_OCTETS}:
            raise TokenError(f"redemption context of {len(self.redemption_context)} octets, expected none or 32")
        if len(self.origin_info) > MAX_ORIGINS:
            raise TokenError(f"names of origins of {len(self.origin_info)} octets, at most {MAX_ORIGINS} are read")
        for text in (self.issuer_name, self.origin_info):
            _text(text.encode("utf-8", "surrogatepass"))

    def to_wire(self) -> bytes:
        """Write it."""
        name, origins = self.issuer_name.encode("ascii"), self.origin_info.encode("ascii")
        context = self.redemption_context
        return b"".join(
            (
                self.token_type.to_bytes(2, "big"),
                len(name).to_bytes(2, "big") + name,
                len(context).to_bytes(1, "big") + context,
                len(origins).to_bytes(2, "big") + origins,
            )
        )

    @property
    def digest(self) -> bytes:
        """Return what tokens for it are bound to."""
        return hashlib.sha256(self.to_wire()).digest()

    def is_for(self, origin: str) -> bool:
        """Say whether tokens for it count at an origin (RFC 9577 section 2.1.1: letters of any case are alike)."""
        return not self.origin_info or origin.lower() in self.origin_info.lower().split(",")


@dataclass(frozen=True, slots=True)
class Token:
    """A token (RFC 9577 section 2.2), of type 0x0002.

    Attributes:
        nonce: 32 octets that the client drew.
        challenge_digest: Of the challenge that it is for.
        key_id: Of the key that signed it.
        authenticator: The signature.
    """

    nonce: bytes
    challenge_digest: bytes
    key_id: bytes
    authenticator: bytes

    @classmethod
    def from_wire(cls, wire: bytes) -> "Token":
        """Read one.

        Raises:
            TokenError: It is none, or of another type.
        """
        if wire[:2] != BLIND_RSA.to_bytes(2, "big"):
            raise TokenError(f"token of type {wire[:2].hex()!r}, expected 0002")
        if len(wire) != TOKEN_OCTETS:
            raise TokenError(f"token of {len(wire)} octets, expected {TOKEN_OCTETS}")
        return cls(wire[2:34], wire[34:66], wire[66:98], wire[98:])

    def to_wire(self) -> bytes:
        """Write it."""
        return self.signed + self.authenticator

    @property
    def signed(self) -> bytes:
        """Return what the signature covers, the AuthenticatorInput of RFC 9577 section 2.2.3."""
        return signed_input(self.nonce, self.challenge_digest, self.key_id)


def signed_input(nonce: bytes, challenge_digest: bytes, key_id: bytes) -> bytes:
    """Return what the signature of a token covers."""
    return BLIND_RSA.to_bytes(2, "big") + nonce + challenge_digest + key_id


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What a client asks an issuer to sign (RFC 9578 section 6.1), of type 0x0002.

    Attributes:
        truncated_key_id: The last octet of the key's id.
        blinded_message: 256 octets.
    """

    truncated_key_id: int
    blinded_message: bytes

    @classmethod
    def from_wire(cls, wire: bytes) -> "TokenRequest":
        """Read one.

        Raises:
            TokenError: It is none, or of another type.
        """
        if wire[:2] != BLIND_RSA.to_bytes(2, "big"):
            raise TokenError(f"request of token type {wire[:2].hex()!r}, expected 0002")
        if len(wire) != REQUEST_OCTETS:
            raise TokenError(f"request of {len(wire)} octets, expected {REQUEST_OCTETS}")
        return cls(wire[2], wire[3:])

    def to_wire(self) -> bytes:
        """Write it."""
        return BLIND_RSA.to_bytes(2, "big") + self.truncated_key_id.to_bytes(1, "big") + self.blinded_message


def split(octets: bytes, size: int, most: int) -> list[bytes]:
    """Cut a batch into its messages, which stand one after the other.

    Raises:
        TokenError: It holds none, more than so many, or a part of one.
    """
    count, rest = divmod(len(octets), size)
    if rest or not 0 < count <= most:
        raise TokenError(f"{len(octets)} octets, expected 1 to {most} messages of {size} each")
    return [octets[at : at + size] for at in range(0, len(octets), size)]


def to_base64url(octets: bytes) -> str:
    """Write octets as RFC 9577 has them in header fields: with padding."""
    return base64.urlsafe_b64encode(octets).decode("ascii")


def from_base64url(text: str) -> bytes:
    """Read what `to_base64url` writes, and no other spelling of it.

    Raises:
        TokenError: It is none.
    """
    try:
        octets = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise TokenError("not base64url with padding") from error
    if to_base64url(octets) != text:
        raise TokenError("not the one base64url of its octets")
    return octets


def _cut(octets: bytes, count: int) -> tuple[bytes, bytes]:
    if len(octets) < count:
        raise TokenError("cut short")
    return octets[:count], octets[count:]


def _vector(octets: bytes, prefix: int) -> tuple[bytes, bytes]:
    length, rest = _cut(octets, prefix)
    return _cut(rest, int.from_bytes(length, "big"))


def _text(octets: bytes) -> str:
    if not all(0x20 < octet < 0x7F for octet in octets):
        raise TokenError("name with characters beyond printable ASCII")
    return octets.decode("ascii")
