"""How long sealed messages are, whatever is in them, so that their length says nothing to the relay.

Every request has one length. So has every response but those that are longer than it, which have another: the relay
learns that an answer is a very long one, and nothing else. A binary HTTP message is filled up with zeros before it
is sealed (RFC 9292 section 3.8, RFC 9458 section 6.2.3).
"""

from typing import Final

from transport.oblivious.encapsulation import OVERHEAD

REQUEST: Final = 2_048  # octets of a binary HTTP request: the longest query, a token of 500, and all around them
SEALED_REQUEST: Final = REQUEST + OVERHEAD
RESPONSES: Final = (8_192, 66_560)  # octets of a binary HTTP response: an answer with its proof; any DNS message
MAX_CONTENT: Final = 66_048  # octets of what an answer has in it, so that 512 are left for what stands around that
MAX_SEALED_REQUEST: Final = (
    4_096  # of others' clients, who fill up otherwise or not at all; 100 on a connection wait
)
MAX_SEALED_RESPONSE: Final = RESPONSES[-1] + 64  # with nonce and tag


def response_size(octets: int) -> int:
    """Return to how much a binary HTTP response of so many octets is filled up."""
    return next(size for size in RESPONSES if octets <= size)
