"""The world of `world`, on real sockets: each of its hosts on a port of loopback, UDP and TCP alike."""

import math
import socket
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass

import trio

from resolver.service import ResolverService
from tests.world import World
from transport.dialer import Dialer, SocketDialer
from transport.endpoint import Endpoint
from transport.handler import Caller, Handler, Protocol, Verdict
from transport.later import LaterPool
from transport.proof import Proof
from transport.resource import USUAL, Resource
from transport.slots import StreamLimits
from transport.tcp_listener import open_tcp, serve_tcp
from transport.udp_listener import open_udp, serve_udp

HOST = "127.0.0.1"
TRIES = 20  # at a UDP port whose TCP twin is free too


def open_pair() -> tuple[socket.socket, socket.socket]:
    """Open a UDP and a TCP socket on one free port."""
    for _ in range(TRIES):
        datagrams = open_udp(Endpoint(HOST, 0))
        try:
            return datagrams, open_tcp(Endpoint(HOST, datagrams.getsockname()[1]))
        except OSError:
            datagrams.close()
    raise AssertionError("no port is free for both")


@dataclass(slots=True)
class _Detour:
    """A dialer that finds the addresses of the world on loopback."""

    dialer: Dialer
    ways: dict[Endpoint, Endpoint]

    async def exchange(
        self,
        endpoint: Endpoint,
        protocol: Protocol,
        message: bytes,
        accept: Callable[[bytes], bool],
        deadline: float = math.inf,
        *,
        proof: Proof | None = None,
        resource: Resource = USUAL,
    ) -> bytes | None:
        return await self.dialer.exchange(
            self.ways[endpoint], protocol, message, accept, deadline, proof=proof, resource=resource
        )


@dataclass(frozen=True, slots=True)
class Loopback:
    """Where everybody is, and how often each was asked; the resolver's name is `resolver`.

    `detour` finds the addresses of the world, `dialer` the true ones.
    """

    ports: dict[str, int]
    dialer: Dialer
    detour: Dialer
    asked: Counter[str]


@asynccontextmanager
async def on_loopback(world: World) -> AsyncGenerator[Loopback]:
    """Publish a world and serve all of it, with a resolver in front."""
    world.publish()
    async with SocketDialer() as dialer, LaterPool(64).running(grace=0) as later, trio.open_nursery() as nursery:
        ways: dict[Endpoint, Endpoint] = {}
        asked: Counter[str] = Counter()
        detour = _Detour(dialer, ways)
        resolver = ResolverService(world.anchor, detour, world.clock, world.settings)
        with ExitStack() as sockets:

            async def serve(name: str, handler: Handler) -> int:
                def counted(message: bytes, caller: Caller, now: float) -> Verdict:
                    asked[name] += 1
                    return handler(message, caller, now)

                datagrams, streams = (sockets.enter_context(sock) for sock in open_pair())
                await nursery.start(serve_udp, datagrams, counted, world.clock, later)
                limited = StreamLimits()
                await nursery.start(lambda task_status: serve_tcp(
                    streams, counted, world.clock, later, limits=limited, task_status=task_status
                ))  # fmt: skip
                port: int = datagrams.getsockname()[1]
                return port

            ports: dict[str, int] = {}
            for endpoint, host in world.network.hosts.items():
                ports[host.name] = await serve(host.name, host.handler)
                ways[endpoint] = Endpoint(HOST, ports[host.name])
            ports["resolver"] = await serve("resolver", resolver.handle)
            try:
                yield Loopback(ports, dialer, detour, asked)
            finally:
                nursery.cancel_scope.cancel()
