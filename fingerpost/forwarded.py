"""Whom a reverse proxy names in X-Forwarded-For, as proxies write it."""

import logging
import re
from functools import cache
from ipaddress import IPv6Address, ip_address

_WITH_PORT = re.compile(r"\[(?P<six>[^]]*)\](:\d+)?|(?P<four>[\d.]+):\d+")

log = logging.getLogger(__name__)


def address_of(header: str) -> str:
    """Return the address that a header names last, which is the one that the proxy itself has added.

    Some proxies add a port, and those that listen for IPv4 on an IPv6 socket write `::ffff:192.0.2.1`.

    Raises:
        ValueError: It names none.
    """
    last = header.rpartition(",")[2].strip()
    found = _WITH_PORT.fullmatch(last)
    address = ip_address((found["six"] or found["four"]) if found else last)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


@cache
def complain_of(proxy: str) -> None:
    """Log that a proxy of ours names nobody: once for each, for it does so with every request."""
    log.warning(
        'event=proxy-names-nobody proxy=%s reason="X-Forwarded-For ends in no address; its clients count as one"',
        proxy,
    )
