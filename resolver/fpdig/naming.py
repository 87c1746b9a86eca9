"""The addresses of a resolver that was given by its name. A shell: the system's own resolver is asked."""

import socket

import trio

from resolver.fpdig.url import is_name
from transport.endpoint import Endpoint
from transport.errors import UnreachableError

MAX_ADDRESSES = 8  # of one name that are tried; more are a mistake or an attack on our patience


async def find_endpoints(server: Endpoint) -> list[Endpoint]:
    """Return where a server is: itself when its host is an address, else each address of its name, in their order.

    Raises:
        UnreachableError: The name has no address, or nobody could be asked for it.
    """
    if not is_name(server.host):
        return [server]
    try:
        found = await trio.socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise UnreachableError(server.to_text(), f"its address was not found: {error.strerror}") from error
    hosts = dict.fromkeys(str(address[0]) for *_, address in found)
    return [Endpoint(host, server.port) for host in hosts][:MAX_ADDRESSES]


async def as_named(server: Endpoint) -> list[Endpoint]:
    """Return a server by its name alone: a relay knows where it is, and nobody is to hear that we ask for it."""
    return [server]
