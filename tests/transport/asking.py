"""Asking a server done by hand through a pool of ports."""

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio
from trio.testing import wait_all_tasks_blocked

from transport.datagram_pool import DatagramPool
from transport.endpoint import Endpoint
from transport.errors import UnreachableError


class Server:
    """A server done by hand: it knows what came from where, and answers what a test likes."""

    def __init__(self) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        self.sock.bind(("127.0.0.1", 0))
        self.endpoint = Endpoint(*self.sock.getsockname())

    def receive(self) -> tuple[bytes, int]:
        """Return the next message and the port it came from."""
        message, address = self.sock.recvfrom(100)
        return message, address[1]

    def reply(self, datagram: bytes, port: int) -> None:
        self.sock.sendto(datagram, ("127.0.0.1", port))


@asynccontextmanager
async def pooling(most: int | None = None) -> AsyncGenerator[tuple[DatagramPool, Server, trio.Nursery]]:
    """Run a pool beside a server; the nursery is for those who ask."""
    server = Server()
    with trio.fail_after(20), server.sock:
        pool = DatagramPool(most)
        async with trio.open_nursery() as running:
            running.start_soon(pool.run)
            async with trio.open_nursery() as asking:
                yield pool, server, asking
            running.cancel_scope.cancel()


@dataclass(slots=True)
class Asker:
    """One who asks, as a resolver does: it hears its reply, and guesses at it."""

    pool: DatagramPool
    endpoint: Endpoint
    own: bytes
    question: bytes
    leaves_on_guess: bool = True
    port: int = 0
    looks: int = 0
    guesses: int = 0
    got: bytes | None = None
    failure: str = ""
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)

    def accept(self, datagram: bytes) -> bool:
        self.looks += 1
        if datagram == self.own + self.question:
            return True
        if datagram[2:] != self.question:
            return False
        self.guesses += 1
        return self.leaves_on_guess

    async def ask(self) -> None:
        with self.scope:
            try:
                self.got = await self.pool.exchange(self.endpoint, self.own + self.question, self.accept)
            except UnreachableError as error:
                self.failure = error.reason


async def waiting(
    pool: DatagramPool, server: Server, nursery: trio.Nursery, count: int, question: bytes = b"?"
) -> list[Asker]:
    """Return askers whose messages have been received, with ids from 0."""
    askers = [Asker(pool, server.endpoint, n.to_bytes(2), question) for n in range(count)]
    for asker in askers:
        nursery.start_soon(asker.ask)
        await wait_all_tasks_blocked()
        asker.port = server.receive()[1]
    return askers
