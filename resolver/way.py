"""How a resolver is asked: over what, and how it proves who it is. Pure."""

from dataclasses import dataclass
from typing import Final

from transport.handler import Protocol
from transport.proof import Proof
from transport.resource import USUAL, Resource

PORTS: Final = {
    Protocol.UDP: 53,
    Protocol.TCP: 53,
    Protocol.TLS: 853,  # RFC 7858 section 3.1
    Protocol.HTTPS: 443,
    Protocol.QUIC: 853,  # RFC 9250 section 4.1.1
}


@dataclass(frozen=True, slots=True)
class Way:
    """How a resolver is asked.

    Attributes:
        protocol: Over UDP a reply that was cut short is asked for again over TCP; over the others there is one try.
        proof: How the resolver proves who it is; None where nothing is encrypted.
        resource: Where it is asked over HTTPS, and by which token it knows who asks.
    """

    protocol: Protocol = Protocol.UDP
    proof: Proof | None = None
    resource: Resource = USUAL


PLAIN: Final = Way()
STREAM: Final = Way(Protocol.TCP)
