"""The gateway: opens sealed requests, has its target answer, and seals the answers (RFC 9458 sections 5 and 6.3).

    request -> method, type, length -> opened -> binary HTTP -> this origin? -> Date -> seen before?
            -> target -> filled up -> sealed

What is wrong before a request is opened is said openly, and after that sealed (section 5.2). The target is told
where the relay is, and nothing of the client: there is nothing to tell. Like a handler it never waits and never
raises.

It answers for one origin, which is its own: it forwards to nobody (section 6.3). Its keys are at the same path, for
GET (RFC 9540 section 4). Which path that is, is its caller's to say.
"""

import logging
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Final

from transport.handler import Caller, Protocol
from transport.http2.messages import Answer, LaterResponse, Request, RequestHandler, Response, plain
from transport.oblivious import binary_http, dates, key_configs, problems
from transport.oblivious.asking import media_type
from transport.oblivious.binary_http import BinaryHttpError, BinaryRequest, BinaryResponse
from transport.oblivious.encapsulation import (
    REQUEST_TYPE,
    RESPONSE_TYPE,
    EncapsulationError,
    OpenedRequest,
    UnknownKeyError,
    open_request,
)
from transport.oblivious.key_chain import MAX_KEPT, KeyChainError, KeyRing
from transport.oblivious.seen import WINDOW, Seen, Sight
from transport.oblivious.sizes import MAX_CONTENT, MAX_SEALED_REQUEST, response_size

CROWDED_SECONDS: Final = b"60"  # until places have become free, as far as anybody can say

log = logging.getLogger(__name__)


@dataclass(slots=True)
class GatewayCounts:
    """What a gateway has done so far.

    Attributes:
        answered: Requests that the target was given.
        keys_given: Times that the keys were asked for.
        misdirected: Requests of another method or type, too long, or for another origin.
        unopened: Requests that do not open with a key of ours.
        malformed: Requests that are too short to be sealed, or that opened and are no binary HTTP.
        misdated: Requests without a Date, or with one outside the window.
        repeated: Requests that were seen before.
        crowded: Requests refused since there was no place to remember them in.
    """

    answered: int = 0
    keys_given: int = 0
    misdirected: int = 0
    unopened: int = 0
    malformed: int = 0
    misdated: int = 0
    repeated: int = 0
    crowded: int = 0


class Gateway:
    """Answers what comes.

    Args:
        authority: Its origin, as clients name it: host, and port unless that is 443.
        keys: Its keys.
        seen: What was asked lately; shared by all workers.
        target: Answers what was sealed; paths there are its to judge.
        draw: Returns so many octets of the system's randomness.
    """

    def __init__(
        self,
        authority: str,
        keys: KeyRing,
        seen: Seen,
        target: RequestHandler,
        draw: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.counts = GatewayCounts()
        self._authority = authority.lower().encode("ascii")
        self._keys = keys
        self._seen = seen
        self._target = target
        self._draw = draw

    def statistics(self) -> dict[str, int]:
        """Return the counters as they are now."""
        return {f"oblivious_{name}": count for name, count in asdict(self.counts).items()}

    def handle(self, request: Request, relay: Caller, now: float) -> Answer:
        """Answer a request.

        Args:
            request: Untrusted.
            relay: Who sent it.
            now: Unix seconds.
        """
        try:
            return self._handle(request, relay, now)
        except Exception:  # the barrier: a bug costs one request
            log.exception("event=internal-error part=gateway")
            return plain(500, "a bug of ours")

    def _handle(self, request: Request, relay: Caller, now: float) -> Answer:
        try:
            keys = self._keys.at(now)
        except KeyChainError as error:
            log.error("event=no-oblivious-keys reason=%s", error)  # noqa: TRY400 - it says where by itself
            return plain(503, "no keys")
        if request.method == "GET":
            self.counts.keys_given += 1
            kept = f"public, max-age={MAX_KEPT}".encode("ascii")
            headers = ((b"content-type", key_configs.MEDIA_TYPE), (b"cache-control", kept))
            return Response(200, headers, key_configs.to_wire(keys.published))
        refused = _refusal(request)
        if refused is not None:
            self.counts.misdirected += 1
            return refused
        try:
            opened = open_request(request.body, keys.accepted)
        except UnknownKeyError as error:
            self.counts.unopened += 1
            return problems.said(422, problems.KEY, str(error))
        except EncapsulationError as error:
            self.counts.malformed += 1
            return plain(400, str(error))
        answer = self._answer(opened, relay, now)
        if isinstance(answer, LaterResponse):
            work, cut_short = partial(self._work, opened, answer), partial(self._cut_short, opened, answer)
            return LaterResponse(work, cut_short, answer.caller)
        return self._sealed(opened, answer)

    def _answer(self, opened: OpenedRequest, relay: Caller, now: float) -> Answer:
        """Answer what was sealed."""
        try:
            inner = binary_http.decode_request(opened.request)
        except BinaryHttpError as error:
            self.counts.malformed += 1
            return plain(400, str(error))
        if inner.scheme.lower() != b"https" or inner.authority.lower() != self._authority:
            self.counts.misdirected += 1
            return plain(421, "this gateway answers for itself alone")
        if any(name == b"expect" for name, _ in inner.headers):  # section 5.1
            self.counts.misdirected += 1
            return plain(417, "nothing can be expected before the end")
        dated = dates.from_text(binary_http.value_of(inner.headers, b"date"))
        if dated is None or abs(dated - now) > WINDOW:
            self.counts.misdated += 1
            title = "date field in request outside of acceptable range"
            return problems.said(400, problems.DATE, title, (b"date", dates.to_text(now)))
        sight = self._seen.see(opened.encapsulated, dated, now)
        if sight is Sight.SEEN:
            self.counts.repeated += 1
            return problems.said(425, problems.REPEATED, "this request was answered before; seal a new one")
        if sight is Sight.FULL:
            self.counts.crowded += 1
            return plain(503, "more requests than can be remembered", (b"retry-after", CROWDED_SECONDS))
        self.counts.answered += 1
        return self._target(_plain(inner), Caller(relay.endpoint, Protocol.HTTPS, relay.identity), now)

    async def _work(self, opened: OpenedRequest, later: LaterResponse) -> Response:
        return self._sealed_or_bug(opened, await later.work())

    def _cut_short(self, opened: OpenedRequest, later: LaterResponse) -> Response:
        """Seal what the target says where its work was given up: it is not the relay's to see (section 5.2)."""
        return self._sealed_or_bug(opened, later.cut_short())

    def _sealed_or_bug(self, opened: OpenedRequest, response: Response) -> Response:
        try:
            return self._sealed(opened, response)
        except Exception:  # the barrier, as above
            log.exception("event=internal-error part=gateway")
            return plain(500, "a bug of ours")

    def _sealed(self, opened: OpenedRequest, response: Response) -> Response:
        """Fill up and seal what the target, or this gateway, says to whoever sealed the request."""
        if len(response.body) > MAX_CONTENT:
            log.error("event=too-long part=gateway octets=%d", len(response.body))
            response = plain(502, "the answer is too long")
        encoded = binary_http.encode_response(BinaryResponse(response.status, response.headers, response.body))
        filled = encoded.ljust(response_size(len(encoded)), b"\0")
        octets = opened.seal_response(filled, self._draw(opened.nonce_octets))
        headers = ((b"content-type", RESPONSE_TYPE), (b"cache-control", b"no-store"))
        return Response(200, headers, octets)


def _refusal(request: Request) -> Response | None:
    """Say what is wrong with the outer request, before anything is opened."""
    if request.method != "POST":
        return plain(405, "POST a sealed request, or GET the keys", (b"allow", b"GET, POST"))
    if media_type(request) != REQUEST_TYPE:
        return plain(415, f"expected {REQUEST_TYPE.decode('ascii')}")
    if len(request.body) > MAX_SEALED_REQUEST:
        return plain(413, f"more than {MAX_SEALED_REQUEST} octets")
    return None


def _plain(inner: BinaryRequest) -> Request:
    path, _, query = inner.path.decode("ascii").partition("?")
    return Request(inner.method.decode("ascii"), path, query, inner.headers, inner.content)
