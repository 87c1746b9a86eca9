"""A client with real sockets, by way of a relay that is a real program."""

import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import trio

from transport.endpoint import Endpoint
from transport.oblivious import places
from transport.oblivious.client import ObliviousExchange, Via
from transport.oblivious.gateway_keys import FetchedKeys
from transport.oblivious.http_link import HttpLink
from transport.proof import Certified
from transport.tls.client import ClientTls
from transport.tls.stream import Alpn

CLIENT = "127.0.0.77"  # an address of this machine that nobody else in the tests has
RELAY = """[relay]
listen = ["127.0.0.1#0"]
certificate = "relay.crt"
key = "relay.key"
gateway = "https://localhost:{port}"
address = "127.0.0.1#{port}"
authorities = "gateway.crt"
"""


async def _from(host: str, endpoint: Endpoint) -> trio.abc.Stream:
    """Connect from an address of ours that nobody else here has."""
    sock = trio.socket.socket(socket.AF_INET)
    await sock.bind((host, 0))
    await sock.connect((endpoint.host, endpoint.port))
    return trio.SocketStream(sock)


async def _opened(stack: AsyncExitStack, port: int, authority: str, host: str) -> HttpLink:
    tls = ClientTls(partial(_from, host))
    proof = Certified("localhost", Path(authority))
    connect = partial(tls.connect, Endpoint("127.0.0.1", port), proof, Alpn.H2)
    return await stack.enter_async_context(HttpLink(f"localhost:{port}", connect).running())


@asynccontextmanager
async def client(relay: int, gateway: int, authority: str, host: str = CLIENT) -> AsyncGenerator[ObliviousExchange]:
    """Ask a gateway by way of a relay, and for its keys directly; both are ports of this machine."""
    async with AsyncExitStack() as stack:
        to_relay = await _opened(stack, relay, "relay.crt", host)
        to_gateway = await _opened(stack, gateway, "gateway.crt", host)
        keys = FetchedKeys(to_gateway.request, authority)
        yield ObliviousExchange(to_relay.request, Via(places.RELAY, authority), keys)
