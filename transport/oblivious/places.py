"""Paths that everybody knows, or that one may expect."""

from typing import Final

WELL_KNOWN: Final = "/.well-known/ohttp-gateway"  # RFC 9540 section 4: a gateway's requests, and its keys
RELAY: Final = "/relay"  # RFC 9458 leaves it to the relay
