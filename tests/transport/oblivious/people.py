"""Client, relay and gateway in one process, each with a record of all octets that it saw."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from transport.clients import Clients, LimitSettings, Quota
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.handler import Caller, Handler, Protocol, Verdict
from transport.http2.doh import PATH, doh_route
from transport.http2.messages import Answer, LaterResponse, Request, Response
from transport.http2.routes import Route, Routes
from transport.oblivious.asking import HttpClient
from transport.oblivious.binary_http import Fields
from transport.oblivious.client import ObliviousExchange, Via
from transport.oblivious.gateway import Gateway
from transport.oblivious.gateway_keys import FetchedKeys, GatewayKeys
from transport.oblivious.key_chain import KeyChain, KeyRing
from transport.oblivious.places import RELAY as RELAY_PATH
from transport.oblivious.places import WELL_KNOWN
from transport.oblivious.relay import Relay
from transport.oblivious.seen import Seen
from transport.oblivious.target import sealed_target
from transport.rates import BUCKETS, Rates

NOW = 1_800_000_030.0  # the middle of a minute
AUTHORITY = "resolver.example"
CLIENT = Endpoint("203.0.113.77", 40_123)
RELAY = Endpoint("198.51.100.5", 50_001)
QUERY = b"\x12\x34\1\0\0\1\0\0\0\0\0\0\x013\x012\x011\x010\x015\x015\x015\x015\x011\x014\x011\4e164\0\xff\1\0\1"
ANSWER = QUERY[:2] + b"\x81\x80" + QUERY[4:] + b"sip:alice@alpha.example"


@dataclass
class Record:
    """All that one party came to see, as octets."""

    octets: list[bytes] = field(default_factory=list)

    def note(self, *seen: object) -> None:
        for one in seen:
            self.octets.append(one if isinstance(one, bytes) else repr(one).encode())

    def note_message(self, message: Request | Response) -> None:
        self.note(message)
        self.note(message.body, *(part for pair in message.headers for part in pair))

    @property
    def whole(self) -> bytes:
        return b"\n".join(self.octets)


async def settled(answer: Answer) -> Response:
    return await answer.work() if isinstance(answer, LaterResponse) else answer


class World:
    """One relay, one gateway, and any number of clients.

    Args:
        handler: Answers; ANSWER where there is none.
        before: What stands before it, such as what takes tokens.

    Attributes:
        now: What every clock says.
        posted: Every request that the relay posted on.
        between: What somebody does to a request between relay and gateway.
    """

    def __init__(
        self, handler: Handler | None = None, before: Callable[[Route], Route] = lambda route: route
    ) -> None:
        self.now = NOW
        self.seen_by_relay, self.seen_by_gateway = Record(), Record()
        self.posted: list[Request] = []
        self.between: Callable[[Request], Request] = lambda request: request
        self.questions: list[bytes] = []
        self.callers: list[Caller] = []
        self.seen = Seen(1 << 8)
        self._handler = handler or self.answer
        target = sealed_target(Routes({PATH: before(doh_route(self._record(self._handler)))}))
        self.gateway = Gateway(AUTHORITY, KeyRing(KeyChain.begun(bytes(32), self.now)), self.seen, target)
        self.relay = relay_to(self.ask_gateway)

    def answer(self, message: bytes, _caller: Caller, _now: float) -> bytes | None:
        return message[:2] + ANSWER[2:]

    def _record(self, handler: Handler) -> Handler:
        def record(message: bytes, caller: Caller, now: float) -> Verdict:
            self.seen_by_gateway.note(message, caller, now)
            self.questions.append(message)
            self.callers.append(caller)
            return handler(message, caller, now)

        return record

    async def ask_gateway(self, request: Request) -> Response:
        """Carry a request from the relay to the gateway: the relay's `HttpClient`."""
        self.seen_by_relay.note_message(request)
        self.posted.append(request)
        request = self.between(request)
        self.seen_by_gateway.note_message(request)
        response = await settled(self.gateway.handle(request, Caller(RELAY, Protocol.HTTPS), self.now))
        self.seen_by_gateway.note_message(response)
        self.seen_by_relay.note_message(response)
        return response

    def relay_for(self, client: Endpoint) -> HttpClient:
        """Return how a client asks the relay."""

        async def ask(request: Request) -> Response:
            self.seen_by_relay.note(client)
            self.seen_by_relay.note_message(request)
            response = await self.relay.handle(request, client, self.now)
            self.seen_by_relay.note_message(response)
            return response

        return ask

    async def ask_for_keys(self, request: Request) -> Response:
        """Carry a request from somewhere directly to the gateway."""
        somewhere = Caller(Endpoint("192.0.2.200", 1), Protocol.HTTPS)
        return await settled(self.gateway.handle(request, somewhere, self.now))

    def client(
        self,
        keys: GatewayKeys | None = None,
        endpoint: Endpoint = CLIENT,
        relay: HttpClient | None = None,
        fields: Fields = (),
        authority: str = AUTHORITY,
    ) -> ObliviousExchange:
        keys = keys or FetchedKeys(self.ask_for_keys, AUTHORITY)
        relay = relay or self.relay_for(endpoint)
        return ObliviousExchange(relay, Via(RELAY_PATH, authority), keys, lambda: fields)


def relay_to(gateway: HttpClient, rate: int = 100_000, *, names_clients: bool = False) -> Relay:
    """Return a relay with a table of its own."""
    table = memoryview(bytearray(8 * BUCKETS)).cast("Q")
    rates = Rates(Clients(LimitSettings(rate, Quota(0, 0))), table)
    return Relay(gateway, WELL_KNOWN, rates, names_clients=names_clients)


class Listening(logging.Handler):
    """Keeps every log line that comes."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def unreachable(reason: str = "gone") -> Callable[[Request], Awaitable[Response]]:
    async def ask(_request: Request) -> Response:
        raise UnreachableError("198.51.100.5#443", reason)

    return ask
