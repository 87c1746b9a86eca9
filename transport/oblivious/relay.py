"""The relay: takes sealed requests of clients and posts them on to one gateway, without a word of whose they are.

It opens nothing and can open nothing. What goes on is made anew, never copied: the method, the gateway's path, the
one media type and the octets, so no field of the client's can come along, nor any that names it (RFC 9458 section
6.2). What comes back is held to two forms, a sealed response or the one problem that a client can do something
about, so that nothing else of the gateway's reaches the client either.

It counts, and keeps nothing of a request once that is answered. It never sends one twice (section 6.5). Whoever
asks too often is told so here, since behind the relay nobody can tell clients apart (section 6.2.2).

Left out: how many requests are in hand, in all and of one client (`later.LaterPool`); connections, deadlines, and
whether the gateway is who it says it is (`asking.HttpClient`).
"""

import logging
from dataclasses import asdict, dataclass
from typing import Final

from transport.clients import CHARGED, PASSES, source_of
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.http2.messages import Request, Response, plain
from transport.oblivious import places, problems
from transport.oblivious.asking import HttpClient, media_type
from transport.oblivious.encapsulation import OVERHEAD, REQUEST_TYPE, RESPONSE_TYPE
from transport.oblivious.sizes import MAX_SEALED_REQUEST, MAX_SEALED_RESPONSE
from transport.rates import Rates

MAX_IN_HAND: Final = 1_000  # requests at a time; each holds some 10 KB and waits for seconds at most
MAX_OF_ONE: Final = 25  # of these of one client, half a second of its rate: look-ups may take five seconds each
CONNECTIONS: Final = 10  # to the gateway: servers take some 100 requests at a time on each, so all of these
RETRY: Final = (b"retry-after", b"1")  # seconds; rates are counted by the second
_OF_THE_REQUEST = (400, 422)  # statuses of the gateway that say something of the request to whoever sealed it
_BUSY = (429, 503)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class RelayCounts:
    """What a relay has done so far.

    Attributes:
        forwarded: Requests that were posted to the gateway.
        answered: Of these, those that came back sealed.
        refused: Of these, those that the gateway has no key for.
        unreachable: Of these, those to which nothing came.
        unusable: Of these, those to which something else came.
        dropped: Of these, those that were given up for newer ones, since too many were in hand.
        misdirected: Requests for another path, of another method or media type, too short or too long.
        limited: Requests of clients that ask too often.
    """

    forwarded: int = 0
    answered: int = 0
    refused: int = 0
    unreachable: int = 0
    unusable: int = 0
    dropped: int = 0
    misdirected: int = 0
    limited: int = 0


class Relay:
    """Posts on what it is sent.

    Args:
        gateway: Asks the one gateway.
        gateway_path: Where the gateway takes requests.
        rates: How often a client may ask.
        path: Where clients post.
        names_clients: Whether each request is logged with its client; for who hunts an abuse.
    """

    def __init__(
        self,
        gateway: HttpClient,
        gateway_path: str,
        rates: Rates,
        path: str = places.RELAY,
        *,
        names_clients: bool = False,
    ) -> None:
        self.counts = RelayCounts()
        self._gateway = gateway
        self._gateway_path = gateway_path
        self._rates = rates
        self._path = path
        self._names_clients = names_clients

    def statistics(self) -> dict[str, int]:
        """Return the counters as they are now."""
        return asdict(self.counts)

    async def handle(self, request: Request, client: Endpoint, now: float) -> Response:
        """Answer a request; lets nothing out but cancellation.

        Args:
            request: Untrusted.
            client: Who sent it; goes nowhere from here.
            now: Unix seconds.
        """
        response = self._refused(request, client, now)
        if response is None:
            response = await self._forwarded(request)
        if self._names_clients:
            log.info("event=relayed client=%s status=%d", client.host, response.status)
        return response

    def _refused(self, request: Request, client: Endpoint, now: float) -> Response | None:
        """Say why a request does not go on; None where it does."""
        if self._rates.proven_verdict(source_of(client.host), now) not in {PASSES, CHARGED}:
            self.counts.limited += 1
            return plain(429, "too often", RETRY)
        refused = refusal(request, self._path)
        if refused is not None:
            self.counts.misdirected += 1
        return refused

    async def _forwarded(self, request: Request) -> Response:
        self.counts.forwarded += 1
        try:
            came = await self._gateway(forwarded(request, self._gateway_path))
        except UnreachableError:
            self.counts.unreachable += 1
            return plain(504, "nothing came from the gateway")
        except Exception:  # the barrier: a bug costs one request
            log.exception("event=internal-error part=relay")
            return plain(500, "a bug of ours")
        except BaseException:  # cancelled: somebody else has its place
            self.counts.dropped += 1
            raise
        return self._returned(came)

    def _returned(self, came: Response) -> Response:
        """Make the client's response out of the gateway's, untrusted as that is."""
        if came.status == 200 and media_type(came) == RESPONSE_TYPE and len(came.body) <= MAX_SEALED_RESPONSE:
            self.counts.answered += 1
            return Response(200, ((b"content-type", RESPONSE_TYPE), (b"cache-control", b"no-store")), came.body)
        if came.status in _OF_THE_REQUEST and problems.type_of(came) == problems.KEY:
            self.counts.refused += 1
            return problems.said(came.status, problems.KEY, "the gateway has no key that opens this")
        self.counts.unusable += 1
        if came.status in _BUSY:
            return plain(503, "the gateway takes no more now", RETRY)
        return plain(502, "the gateway sent nothing that can be passed on")


def refusal(request: Request, path: str) -> Response | None:
    """Say what is wrong with a request; None where it may go on. There is one target, so nothing in it names any.

    Args:
        request: Untrusted.
        path: Where requests are taken.
    """
    if request.path != path or request.query:
        return plain(404, "nothing is here")
    if request.method != "POST":
        return plain(405, "POST a sealed request", (b"allow", b"POST"))
    if media_type(request) != REQUEST_TYPE:
        return plain(415, f"expected {REQUEST_TYPE.decode('ascii')}")
    if len(request.body) > MAX_SEALED_REQUEST:
        return plain(413, f"more than {MAX_SEALED_REQUEST} octets")
    if len(request.body) < OVERHEAD:
        return plain(400, "too short to be a sealed request")
    return None


def forwarded(request: Request, path: str) -> Request:
    """Return what is posted to the gateway: of the client's request nothing but its octets."""
    return Request("POST", path, headers=((b"content-type", REQUEST_TYPE),), body=request.body)
