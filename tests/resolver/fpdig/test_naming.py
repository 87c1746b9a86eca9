"""The addresses of a server that is given by its name; a resolver in memory stands for the system's."""

import socket
from typing import Any

import pytest
import trio

from resolver.fpdig.naming import MAX_ADDRESSES, find_endpoints
from transport.endpoint import Endpoint
from transport.errors import UnreachableError


class Names(trio.abc.HostnameResolver):
    """Knows one name."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def getaddrinfo(self, host: bytes | None, port: Any, *_: Any) -> Any:
        await trio.lowlevel.checkpoint()
        if host != b"dns.example":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        families = [socket.AF_INET6 if ":" in one else socket.AF_INET for one in self.addresses]
        tails = [(0, 0) if ":" in one else () for one in self.addresses]
        return [
            (family, socket.SOCK_STREAM, 6, "", (one, port, *tail))
            for family, one, tail in zip(families, self.addresses, tails, strict=True)
        ]

    async def getnameinfo(self, *_: Any) -> Any:
        raise AssertionError("nobody wants a name")


async def test_an_address_is_itself_and_a_name_has_its_addresses_in_their_order() -> None:
    trio.socket.set_custom_hostname_resolver(Names("2001:db8::1", "192.0.2.1", "2001:db8::1"))
    for host in ("192.0.2.9", "::1"):
        assert await find_endpoints(Endpoint(host, 853)) == [Endpoint(host, 853)]
    found = await find_endpoints(Endpoint("dns.example", 853))
    assert found == [Endpoint("2001:db8::1", 853), Endpoint("192.0.2.1", 853)]


async def test_so_many_addresses_are_tried_and_no_more() -> None:
    trio.socket.set_custom_hostname_resolver(Names(*(f"192.0.2.{n}" for n in range(MAX_ADDRESSES + 5))))
    assert len(await find_endpoints(Endpoint("dns.example", 53))) == MAX_ADDRESSES


async def test_a_name_without_an_address_is_unreachable() -> None:
    trio.socket.set_custom_hostname_resolver(Names())
    with pytest.raises(UnreachableError, match="its address was not found: Name or service"):
        await find_endpoints(Endpoint("other.example", 53))
