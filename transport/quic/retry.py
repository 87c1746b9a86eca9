"""Tokens that prove an address before anything is kept for it (RFC 9000 section 8.1.2). Pure.

A token says when it was made, for whom and for which connection, under a key that only its maker has; so nothing is
remembered about who was sent one. It is no secret, and whoever can read a client's packets may use it for ten
seconds, from the address it is for.
"""

import hmac
from ipaddress import ip_address

from transport.endpoint import Endpoint

LIFETIME = 10  # seconds: a round trip, and a retransmission or two
MAC = 16  # octets; a forger who sends a million tokens a second needs 10^25 years
TIME = 4  # octets: whole seconds of the maker's clock
MOST = TIME + MAC + 20  # octets: with the longest connection id (RFC 9000 section 17.2)


def make_token(key: bytes, source: Endpoint, original: bytes, chosen: bytes, now: float) -> bytes:
    """Return a token for who said to be at `source`.

    Args:
        key: Of who makes tokens, 32 octets.
        source: Where the client's packet seemed to come from.
        original: The destination connection id that the client made up.
        chosen: The one that it is told to use instead.
        now: Seconds of a clock that does not go back.
    """
    time = int(now).to_bytes(TIME)
    return time + _mac(key, time, source, original, chosen) + original


def original_of(token_untrusted: bytes, key: bytes, source: Endpoint, chosen: bytes, now: float) -> bytes | None:
    """Return the connection id that a client made up before it got this token; None if it did not, or long ago.

    Args:
        token_untrusted: What the client shows.
        key: Of who makes tokens.
        source: Where the packet with it came from.
        chosen: The destination connection id of that packet.
        now: As in `make_token`.
    """
    if not TIME + MAC < len(token_untrusted) <= MOST:
        return None
    time, mac = token_untrusted[:TIME], token_untrusted[TIME : TIME + MAC]
    original = token_untrusted[TIME + MAC :]
    if not hmac.compare_digest(mac, _mac(key, time, source, original, chosen)):
        return None
    return original if 0 <= int(now) - int.from_bytes(time) <= LIFETIME else None


def _mac(key: bytes, time: bytes, source: Endpoint, original: bytes, chosen: bytes) -> bytes:
    host = ip_address(source.host.partition("%")[0]).packed
    parts = (time, host, source.port.to_bytes(2), original, chosen)
    text = b"".join(len(part).to_bytes(1) + part for part in parts)
    return hmac.digest(key, text, "sha256")[:MAC]
