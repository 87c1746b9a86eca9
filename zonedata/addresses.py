"""Which server addresses may be dialled.

A delegation names addresses, and whoever asks sends packets there. So addresses that point inward are
refused by the registry that signs them and again by the resolver that would use them (a named switch allows
them for laboratories and the demonstration, off by default).
"""

import ipaddress

from zonedata.errors import MalformedError

LOW_PORTS = frozenset({53, 443, 853})  # below 1024 only these serve DNS; others would be somebody's mail server
FIRST_FREE_PORT = 1024
_INWARD = tuple(  # what the library calls global, but leads to IPv4 addresses of any kind, or to a site's own
    ipaddress.IPv6Network(text) for text in ("::/96", "64:ff9b::/96", "2002::/16", "fec0::/10")
)


def canonical(text: str) -> str:
    """Return the one spelling of an IP address.

    Raises:
        MalformedError: It is none.
    """
    if "%" in text:  # an interface of one machine, and any text at all
        raise MalformedError(f"{text[:60]!r} is no IP address: it names an interface")
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise MalformedError(f"{text[:60]!r} is no IP address") from error


def refusal_of(address: str, port: int) -> str | None:
    """Say why a server address must not be dialled in the open Internet, or None."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ip
    if not ip.is_global or ip.is_multicast or any(ip in network for network in _INWARD):
        return f"address {address} is private, loopback, link-local, multicast or reserved"
    if port < FIRST_FREE_PORT and port not in LOW_PORTS:
        return f"port {port} is below 1024 and none of 53, 443, 853"
    return None
