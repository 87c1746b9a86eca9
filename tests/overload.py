"""A resolver behind a pool of look-ups, as its listeners have it, without sockets and in virtual time."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio

from tests.world import APEX, World
from transport.endpoint import Endpoint
from transport.handler import Caller, Later, Protocol
from transport.later import LaterPool
from transport.releases import Releases
from transport.udp_listener import MAX_AGE
from zonedata import identifiers, names, wire
from zonedata.identifiers import node_from_text
from zonedata.names import Name
from zonedata.wire import QType, Rcode


@dataclass(slots=True)
class Counter:
    """Where clients ask over UDP.

    Attributes:
        world: With its resolver.
        pool: Of look-ups.
        answered: When an answer left, and to whom.
    """

    world: World
    pool: LaterPool
    answered: list[tuple[float, str]] = field(default_factory=list)
    releases: Releases = field(default_factory=Releases)

    async def ask(self, host: str, name: Name, patience: float = 2.0) -> float | None:
        """Ask once; return how long the answer took, None when none came in time or it says nothing."""
        start = trio.current_time()
        reply: list[bytes] = []
        come = trio.Event()
        if not self.send(host, name, reply, come):
            return None
        with trio.move_on_after(patience):
            await come.wait()
        is_told = bool(reply) and reply[0][3] & 15 == Rcode.NOERROR
        return trio.current_time() - start if is_told else None

    def send(self, host: str, name: Name, reply: list[bytes] | None = None, come: trio.Event | None = None) -> bool:
        """Send a datagram; False when it was dropped at once."""
        resolver = self.world.resolver
        assert resolver is not None
        caller = Caller(Endpoint(host, 4000), Protocol.UDP)
        message = wire.query_wire(name, APEX, QType.CSI, random.getrandbits(16))
        arrived = self.world.clock.now()
        verdict = resolver.handle(message, caller, arrived)

        def answer(said: bytes | None) -> None:
            now = self.world.clock.now()
            if said is None or now - arrived > MAX_AGE or not self.releases.may_go(host, now - arrived, now):
                return
            self.answered.append((trio.current_time(), host))
            if reply is not None and come is not None:
                reply.append(said)
                come.set()

        if not isinstance(verdict, Later):
            answer(verdict)
            return True

        async def job() -> None:
            answer(await verdict.work())

        return self.pool.try_start(job, caller, message[2:])


@asynccontextmanager
async def counter(world: World, lookups: int = 1_000) -> AsyncIterator[Counter]:
    """Put a pool before the world's resolver."""
    async with LaterPool(lookups).running(grace=0) as pool:
        yield Counter(world, pool)


def number_below(prefix: str, rng: random.Random, digits: int = 11) -> Name:
    """Some number below a prefix."""
    name = node_from_text(prefix)
    while len(identifiers.digits_of(name)) < digits:
        name = names.child(name, str(rng.randrange(10)).encode())
    return name


def bind(world: World, *parties: str, node: str, dead: bool = False) -> None:
    """Have the root grant a node to parties that list nobody."""
    for party in parties:
        world.zones["."].lines += world.binding_lines(party)
        world.delegate(".", f"delegate {node} {party} msp")
        world.holds[party] = []
    world.publish()
    for party in parties:
        world.host(party).is_dead = dead
