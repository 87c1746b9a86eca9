"""What an issuer does with a request: who asks, is it sound, may they have so many, sign. Pure but for the grants.

A body is one TokenRequest (RFC 9578 section 6.1), or up to 1,000 of them, one after the other, which is our own
addition; the reply has as many blind signatures in the same order.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from transport.tokens import blind_rsa
from transport.tokens.blind_rsa import BlindSignatureError, Draw, PrivateKey
from transport.tokens.grants import Granting, Grants
from transport.tokens.keys import SKEW, IssuerKey
from transport.tokens.tokens import REQUEST_OCTETS, TokenError, TokenRequest, split

REQUEST_TYPE = "application/private-token-request"  # one of them
RESPONSE_TYPE = "application/private-token-response"
BATCH_TYPE = "application/vnd.fingerpost.token-requests"  # one after the other; answered in the same manner
BATCH_RESPONSE_TYPE = "application/vnd.fingerpost.token-responses"
REQUEST_PATH = "/token-request"
MAX_BATCH = 1_000  # some 5 s of work; others have their turn meanwhile
MAX_BODY = MAX_BATCH * REQUEST_OCTETS
MAX_SECRET = 128  # characters of a client's secret
_BEARER = "bearer "


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody whom the issuer knows.

    Attributes:
        name: For the log and the grants.
        quota: Tokens of one key, so of one day.
        digest: SHA-256 of the secret; the issuer does not have the secret itself.
    """

    name: str
    quota: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key of the issuer, both halves."""

    listed: IssuerKey
    private: PrivateKey


@dataclass(frozen=True, slots=True)
class Batch:
    """What may be signed.

    Attributes:
        key: With which key.
        messages: Blinded, each sound.
        left: How many tokens of this key the client may still have.
        is_new: Whether it is granted for the first time.
    """

    key: SigningKey
    messages: tuple[bytes, ...]
    left: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing is signed.

    Attributes:
        status: Of HTTP.
        reason: For the client's person.
        why: A word for the log.
    """

    status: int
    reason: str
    why: str


def client_of(field: str, clients: Iterable[Client]) -> Client | None:
    """Return whose secret an Authorization field shows (Bearer, RFC 6750); it is compared with everybody's."""
    scheme, secret = field[: len(_BEARER)], field[len(_BEARER) :]
    digest = hashlib.sha256(secret.encode("latin-1", "replace")).digest()
    found = None
    for client in clients:
        if hmac.compare_digest(client.digest, digest):
            found = client
    return found if scheme.lower() == _BEARER and 0 < len(secret) <= MAX_SECRET else None


def admit(  # noqa: PLR0913, PLR0917 - what is asked, by whom, and of whom
    client: Client, body: bytes, most: int, keys: Sequence[SigningKey], grants: Grants, now: float
) -> Batch | Refusal:
    """Look at a request, and grant it; the grant is on the disk when this returns.

    Args:
        client: Who asks.
        body: What is to be signed.
        most: How many requests it may hold.
        keys: All that the issuer has.
        grants: What was granted.
        now: Unix seconds.

    Raises:
        DatabaseError: The grants cannot be written; nothing is granted.
    """
    try:
        requests = [TokenRequest.from_wire(one) for one in split(body, REQUEST_OCTETS, most)]
        key = _key_for(requests, keys, now)
        messages = tuple(request.blinded_message for request in requests)
        for message in messages:
            blind_rsa.representative(key.listed.public, message)
    except (TokenError, BlindSignatureError) as error:
        return Refusal(422, str(error), "malformed")
    digest = hashlib.sha256(b"".join(messages)).digest()
    listed = key.listed
    grant = grants.grant(listed.key_id, client.name, digest, len(messages), client.quota, listed.not_after)
    if grant.granting is Granting.OVER:
        return Refusal(429, f"{grant.left} of {client.quota} tokens are left for this key's day", "quota")
    return Batch(key, messages, grant.left, grant.granting is Granting.NEW)


def sign(batch: Batch, messages: Sequence[bytes], draw: Draw) -> bytes:
    """Sign some messages of a batch: some 5 ms each."""
    return b"".join(blind_rsa.blind_sign(batch.key.private, message, draw) for message in messages)


def _key_for(requests: Sequence[TokenRequest], keys: Sequence[SigningKey], now: float) -> SigningKey:
    names = {request.truncated_key_id for request in requests}
    if len(names) != 1:
        raise TokenError("requests for several keys; one batch is for one key")
    (name,) = names
    found = [key for key in keys if key.listed.truncated == name and key.listed.issues(now, SKEW)]
    found.sort(
        key=lambda key: not key.listed.issues(now)
    )  # of two that clocks may disagree about, the one of today
    if not found:
        raise TokenError("no such key issues now; read the directory again")
    return found[0]
