"""Who is to be served before others when there is too much to do. Pure."""

from enum import IntEnum
from functools import lru_cache
from ipaddress import ip_network
from typing import Final

from transport.clients import NamedClient, source_of
from transport.handler import Caller, Protocol
from transport.networks import Networks

SITE: Final = (
    56  # bits of an IPv6 address that are one client: what a site is given (RFC 6177), as `clients` has it
)
MAX_REMEMBERED: Final = 4_096  # addresses whose client or rank is remembered


class Entitled(IntEnum):
    """How well a client is known; the least entitled give way first."""

    ANYBODY = 0  # a datagram can come from anywhere
    PROVEN = 1  # its address is proven, by a connection
    NAMED = 2  # it has proved who it is, or the operator names its address


def entitled(caller: Caller) -> Entitled:
    """Return how well a client is known by what it has shown alone."""
    if caller.identity:
        return Entitled.NAMED
    return Entitled.ANYBODY if caller.protocol is Protocol.UDP else Entitled.PROVEN


def client_of(caller: Caller) -> str:
    """Return under what a client is counted: its name, its address, or of IPv6 that of its site.

    Datagrams are counted apart: nothing proves where they come from, so they take no place of who is there.
    """
    if caller.identity:
        return caller.identity
    host = caller.endpoint.host
    client = _site(host) if ":" in host else host
    return f"{client} datagrams" if caller.protocol is Protocol.UDP else client


@lru_cache(maxsize=MAX_REMEMBERED)
def _site(host: str) -> str:
    return str(ip_network((host.partition("%")[0], SITE), strict=False))


class Entitlement:
    """Knows the clients that an operator names.

    Args:
        clients: By their networks; that alone makes them known, as it gives them a rate of their own.
    """

    def __init__(self, clients: tuple[NamedClient, ...]) -> None:
        networks = [network for client in clients for network in client.networks]
        self._networks = Networks(networks) if networks else None
        self._named: dict[str, bool] = {}  # by address

    def of(self, caller: Caller) -> Entitled:
        """Return how well a client is known."""
        rank = entitled(caller)
        if rank is Entitled.NAMED or self._networks is None:
            return rank
        host = caller.endpoint.host
        named = self._named.get(host)
        if named is None:
            if len(self._named) >= MAX_REMEMBERED:
                self._named.clear()
            named = self._named[host] = self._networks.longest(source_of(host)) >= 0
        return Entitled.NAMED if named else rank
