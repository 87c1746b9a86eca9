"""The target behind a gateway: DNS over HTTPS at one path (RFC 8484), POST alone. Pure.

GET is left out: a question in a path would not be shorter, and nobody on the way keeps what is sealed.
"""

from functools import partial
from typing import Final

from transport.handler import Caller, Handler, Later
from transport.oblivious.asking import media_type
from transport.oblivious.messages import Answer, LaterResponse, Request, Response, plain
from transport.oblivious.sizes import MAX_QUERY

MEDIA_TYPE: Final = b"application/dns-message"
PATH: Final = "/dns-query"  # RFC 8484 section 4.1.1 has it in its examples, and so has everybody


class DnsTarget:
    """Answers requests out of a handler of DNS messages.

    Args:
        handler: Answers them.
        path: At which they are answered.
    """

    def __init__(self, handler: Handler, path: str = PATH) -> None:
        self._handler = handler
        self._path = path

    def __call__(self, request: Request, caller: Caller, now: float) -> Answer:
        """Answer a request; whether it holds a DNS message is the handler's to judge."""
        if request.path != self._path:
            return plain(404, "nothing is here")
        if request.method != "POST":
            return plain(405, "POST a DNS message", (b"allow", b"POST"))
        if media_type(request) != MEDIA_TYPE:
            return plain(415, f"expected {MEDIA_TYPE.decode('ascii')}")
        if len(request.body) > MAX_QUERY:
            return plain(413, f"more than {MAX_QUERY} octets")
        verdict = self._handler(request.body, caller, now)
        return LaterResponse(partial(_later, verdict)) if isinstance(verdict, Later) else _response(verdict)


async def _later(later: Later) -> Response:
    return _response(await later.work())


def _response(message: bytes | None) -> Response:
    if message is None:  # silence, which HTTP has no room for
        return plain(504, "no answer")
    return Response(200, ((b"content-type", MEDIA_TYPE),), message)
