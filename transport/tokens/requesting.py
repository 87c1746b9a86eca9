"""The client's side of issuance (RFC 9578 sections 6.1 and 6.3): a request, and the token of its answer. Pure."""

from dataclasses import dataclass

from transport.tokens import blind_rsa
from transport.tokens.blind_rsa import PSS_DETERMINISTIC, BlindSignatureError, Draw
from transport.tokens.keys import IssuerKey
from transport.tokens.tokens import NONCE_OCTETS, Token, TokenError, TokenRequest, signed_input


@dataclass(frozen=True, slots=True)
class Requested:
    """A request and what is kept of it until the answer comes.

    Attributes:
        nonce: Of the token that it is to be.
        inverse: Takes the blind out; whoever has it can join the request with the token.
        message: The blinded message.
    """

    nonce: bytes
    inverse: int
    message: bytes

    def to_wire(self, key: IssuerKey) -> bytes:
        """Write the TokenRequest."""
        return TokenRequest(key.truncated, self.message).to_wire()


def request(challenge_digest: bytes, key: IssuerKey, draw: Draw) -> Requested:
    """Make a request for a token. The nonce is drawn first, then the salt, then the blind.

    Raises:
        TokenError: The key is none that a sound issuer has.
    """
    nonce = draw(NONCE_OCTETS)
    signed = signed_input(nonce, challenge_digest, key.key_id)
    try:
        blinded = blind_rsa.blind(key.public, signed, PSS_DETERMINISTIC, draw)
    except BlindSignatureError as error:
        raise TokenError(str(error)) from error
    return Requested(nonce, blinded.inverse, blinded.message)


def token_of(challenge_digest: bytes, key: IssuerKey, requested: Requested, response: bytes) -> Token:
    """Make the token of an answer.

    Raises:
        TokenError: It is not the key's signature over the request.
    """
    signed = signed_input(requested.nonce, challenge_digest, key.key_id)
    try:
        signature = blind_rsa.finalize(key.public, signed, response, requested.inverse, PSS_DETERMINISTIC)
    except BlindSignatureError as error:
        raise TokenError(str(error)) from error
    return Token(requested.nonce, challenge_digest, key.key_id, signature)
