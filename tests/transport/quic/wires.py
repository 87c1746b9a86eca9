"""A QUIC server and its clients on a wire in memory, in virtual time: lossy and out of order as a test likes."""

import random
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import trio
from aioquic.quic import events
from aioquic.quic.connection import QuicConnection
from cryptography import x509

from transport.clock import Clock
from transport.endpoint import Endpoint
from transport.framing import frame
from transport.handler import Admit, Caller, Handler, Later, Verdict, admit_all
from transport.later import LaterPool
from transport.proof import Unproven
from transport.quic.limits import QuicLimits
from transport.quic.server import QuicServer
from transport.quic.session import QuicService
from transport.quic.terms import ServerTerms, client_terms
from transport.quic.way import Way
from transport.slots import Slots
from transport.tls.certificates import pin_of_key, self_signed
from transport.tls.credentials import Chain, Credentials

NOW = 1_800_000_000.0
THERE = Endpoint("192.0.2.1", 853)
HERE = Endpoint("192.0.2.9", 40_000)
USUAL = QuicLimits()
STEP = 0.001  # seconds between two looks of a client done by hand: as often as acknowledgements are due


@cache
def credentials() -> Credentials:
    """Return a certificate for 192.0.2.1, 127.0.0.1 and ns.example, with its key."""
    return made_for("ns.example", "192.0.2.1", "127.0.0.1")


def made_for(*names: str) -> Credentials:
    certificate, key = self_signed(names, time.time())
    return Credentials(Chain(certificate, (), pin_of_pem(certificate), 0.0, 0.0), key)


def pin_of_pem(certificate: bytes) -> bytes:
    return pin_of_key(x509.load_pem_x509_certificate(certificate).public_key())


def echo(message: bytes, _caller: Caller, _now: float) -> Verdict:
    """Answer with the message; `later` in it takes a second, `silent` has no answer, `huge` a long one."""
    if b"silent" in message:
        return None
    if b"huge" in message:
        return message + bytes(60_000)
    if b"later" in message:

        async def work() -> bytes:
            await trio.sleep(1)
            return message

        return Later(work)
    return message


@dataclass
class Wire:
    """Carries datagrams between a server and clients.

    Attributes:
        to_server: Octets carried there, by client.
        to_client: Octets carried back, by client; the first is of those that the server sent, lost or not.
        sizes: Of every datagram the server sent.
    """

    server: QuicServer
    nursery: trio.Nursery
    delay: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    dice: random.Random = field(default_factory=lambda: random.Random(853))
    clients: dict[Endpoint, Callable[[bytes], None]] = field(default_factory=dict)
    to_server: Counter[Endpoint] = field(default_factory=Counter)
    to_client: Counter[Endpoint] = field(default_factory=Counter)
    sizes: list[int] = field(default_factory=list)

    def send_to_server(self, datagram: bytes, source: Endpoint) -> None:
        self.to_server[source] += len(datagram)

        def deliver() -> None:
            now = trio.current_time()
            for reply in self.server.receive_untrusted(datagram, source, now):
                self._send_to_client(reply, source)
            self.flush()

        self._carry(deliver)

    def flush(self) -> None:
        for datagram, endpoint in self.server.flush(trio.current_time()):
            self._send_to_client(datagram, endpoint)

    def _send_to_client(self, datagram: bytes, endpoint: Endpoint) -> None:
        self.to_client[endpoint] += len(datagram)
        self.sizes.append(len(datagram))
        if endpoint in self.clients:
            take = self.clients[endpoint]
            self._carry(lambda: take(datagram))

    def _carry(self, deliver: Callable[[], None]) -> None:
        if self.dice.random() < self.loss:
            return
        if not self.delay:
            deliver()
            return

        async def carry() -> None:
            await trio.sleep(self.delay + self.dice.random() * self.jitter)
            deliver()

        self.nursery.start_soon(carry)


class MemoryWay:
    """A link's way on a wire."""

    def __init__(self, wire: Wire, source: Endpoint = HERE) -> None:
        self._wire, self._source = wire, source
        self._put, self._get = trio.open_memory_channel[bytes](10_000)
        wire.clients[source] = self._put.send_nowait

    def send(self, datagram: bytes) -> None:
        self._wire.send_to_server(datagram, self._source)

    async def receive(self) -> bytes:
        return await self._get.receive()

    def close(self) -> None:
        self._wire.clients.pop(self._source, None)


@dataclass
class Stage:
    """A server that runs, and the wire to it."""

    server: QuicServer
    service: QuicService
    wire: Wire
    nursery: trio.Nursery

    def open_way(self, _endpoint: Endpoint) -> Way:
        return MemoryWay(self.wire)

    def is_bare(self) -> bool:
        """Whether nothing is left of any connection."""
        server: Any = self.server
        kept = (server.directory, server._sessions, server._places, server._touched, server._jobs, server._alarms)
        return not any(kept) and not self.service.slots.taken


@asynccontextmanager
async def serving(
    handler: Handler = echo,
    *,
    limits: QuicLimits = USUAL,
    jobs: int = 64,
    admit: Admit = admit_all,
    delay: float = 0.0,
    jitter: float = 0.0,
    loss: float = 0.0,
) -> AsyncGenerator[Stage]:
    """Run a server on a wire that carries datagrams so (see `Wire`)."""
    async with LaterPool(jobs).running(grace=0) as later, trio.open_nursery() as nursery:
        service = QuicService(handler, Clock.starting_at(NOW), limits, Slots(limits))
        server = QuicServer(service, ServerTerms(credentials, limits.message).current, later, admit, bytes(32))
        wire = Wire(server, nursery, delay, jitter, loss)
        nursery.start_soon(server.run, wire.flush)
        yield Stage(server, service, wire, nursery)
        nursery.cancel_scope.cancel()


class Raw:
    """A client done by hand, which can do what no honest one does.

    Attributes:
        connection: aioquic's; a test does with it what it likes, and calls `settle`.
        replies: What has come on each stream.
        ended: Streams on which the reply has ended.
        resets: Code of each stream that the server has reset.
    """

    def __init__(self, wire: Wire, source: Endpoint = HERE, alpn: str = "doq") -> None:
        terms = client_terms(Unproven())
        terms.alpn_protocols, terms.max_data = [alpn], 1 << 20
        self.connection: Any = QuicConnection(configuration=terms)
        self.wire, self.source = wire, source
        self.replies: dict[int, bytes] = {}
        self.ended: set[int] = set()
        self.resets: dict[int, int] = {}
        self._inbox: list[bytes] = []
        wire.clients[source] = self._inbox.append

    @property
    def code(self) -> int | None:
        """With which code the connection was closed, by either side."""
        event = self.connection._close_event
        return None if event is None else event.error_code

    async def connect(self) -> None:
        """Do the handshake."""
        self.connection.connect(THERE, trio.current_time())
        await self.settle()
        assert self.connection._handshake_confirmed or self.code is not None

    def ask(self, message: bytes, stream_id: int | None = None, is_end: bool = True) -> int:
        """Put a message on a stream of its own; `settle` sends it."""
        return self.put(frame(message), stream_id, is_end)

    def put(self, octets: bytes, stream_id: int | None = None, is_end: bool = True) -> int:
        """Put octets on a stream."""
        if stream_id is None:
            stream_id = self.connection.get_next_available_stream_id()
        self.connection.send_stream_data(stream_id, octets, end_stream=is_end)
        return stream_id

    async def settle(self, seconds: float = 0.02) -> None:
        """Send, receive and acknowledge for a while."""
        until = trio.current_time() + seconds
        while True:
            self.step()
            if trio.current_time() >= until:
                return
            await trio.sleep(STEP)

    def step(self) -> None:
        now = trio.current_time()
        for datagram in self._inbox:
            self.connection.receive_datagram(datagram, THERE, now)
        self._inbox.clear()
        timer = self.connection.get_timer()
        if timer is not None and timer <= now:
            self.connection.handle_timer(now)
        while (event := self.connection.next_event()) is not None:
            match event:
                case events.StreamDataReceived(stream_id=stream_id, data=data, end_stream=is_end):
                    self.replies[stream_id] = self.replies.get(stream_id, b"") + data
                    if is_end:
                        self.ended.add(stream_id)
                case events.StreamReset(stream_id=stream_id, error_code=code):
                    self.resets[stream_id] = code
                case _:
                    pass
        for datagram, _ in self.connection.datagrams_to_send(now):
            self.wire.send_to_server(datagram, self.source)


def first_flight() -> list[bytes]:
    """Return the datagrams with which a client begins."""
    connection = QuicConnection(configuration=client_terms(Unproven()))
    connection.connect(THERE, trio.current_time())
    return [datagram for datagram, _ in connection.datagrams_to_send(trio.current_time())]


def query(text: bytes) -> bytes:
    """Return a message as it goes over QUIC, of which nobody here reads more than the id."""
    return b"\0\0" + text


def elsewhere(number: int) -> Endpoint:
    """Return where one of many other clients is."""
    return Endpoint(f"198.51.{number // 200}.{number % 200}", 50_000)


async def connected(stage: Stage, source: Endpoint = HERE) -> Raw:
    """Return a client that has shaken hands."""
    client = Raw(stage.wire, source)
    await client.connect()
    assert client.code is None
    return client
