"""Whom a resolver believes and asks first, from its configuration."""

from dataclasses import replace

from fingerpost import sections as s
from fingerpost.configuration import Configuration
from transport.endpoint import Endpoint
from zonedata import addresses, trust
from zonedata.errors import ConfigError
from zonedata.trust import Trust
from zonedata.zone_statements import Server


def trust_of(configuration: Configuration) -> Trust:
    """Read the anchor, with the servers that the configuration gives in the place of its own.

    Raises:
        ConfigError: There is no server that may be asked.
        MalformedError, UntrustedError: The file has changed since the configuration was read.
    """
    resolver = configuration.resolver
    assert resolver is not None, "the caller has looked"
    anchor = trust.read_anchor(resolver.anchor)
    if resolver.root:
        return replace(anchor, servers=tuple(_server(n, endpoint) for n, endpoint in enumerate(resolver.root, 1)))
    if not anchor.servers:
        reason = (
            "names no servers of the root; set 'root', or take the anchor file that 'fingerpost sign' completes "
            "when the root zone has a line 'server . ...'"
        )
        raise ConfigError([configuration.fault(s.RESOLVER.where(s.TRUST.name), reason)])
    if not resolver.lab_addresses and not any(_may_be_dialled(server) for server in anchor.servers):
        reason = "names servers of the root at private addresses only; 'lab_addresses = true' allows them"
        raise ConfigError([configuration.fault(s.RESOLVER.where(s.TRUST.name), reason)])
    return anchor


def _may_be_dialled(server: Server) -> bool:
    return any(
        addresses.refusal_of(address, port) is None for address in server.addresses for _, port in server.ports
    )


def _server(number: int, endpoint: Endpoint) -> Server:
    name = f"root-{number}.invalid"  # for logs; a name that can never be anybody's (RFC 6761)
    return Server(name, (endpoint.host,), (("tcp", endpoint.port), ("udp", endpoint.port)))
