"""DNS over HTTPS (RFC 8484): a message as a request and as a response, for either side. Pure.

A request has one spelling: POST with the message as its body and nothing after the path, or GET with `dns=` and the
message in base64url without padding, and nothing else. So nobody hides a mark in the spelling by which a client
could be known again.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable

from transport.handler import Caller, Handler, Later
from transport.http2.messages import Answer, LaterResponse, Request, Response, plain
from transport.http2.routes import Route
from transport.resource import USUAL

MEDIA_TYPE = b"application/dns-message"
PATH = USUAL.path
PARAMETER = "dns="
MAX_QUERY = 1_024  # octets; as on a stream without HTTP (`StreamLimits.message`)
ID = 2  # octets of id at the start of a message

NO_ID = bytes(ID)  # so that equal questions are equal requests (RFC 8484 section 4.1)


def doh_route(handler: Handler) -> Route:
    """Return the route by which questions come to a handler of messages, as every listener has it."""

    def answer(request: Request, caller: Caller, now: float) -> Answer:
        message = message_of(request)
        if isinstance(message, Response):
            return message
        match handler(message, caller, now):
            case None:
                return plain(400, "not a question that is answered here")
            case Later() as later:
                return LaterResponse(_responding(later), caller=caller)
            case reply:
                return response_to(reply)

    return Route(answer, ("GET", "POST"), MAX_QUERY)


def message_of(request: Request) -> bytes | Response:
    """Return the message in a request, or what is wrong with the request."""
    if request.method == "GET":
        return _parameter(request.query)
    if request.query:
        return plain(400, "nothing is expected after the path")
    if request.header(b"content-type").lower() != MEDIA_TYPE:
        return plain(415, MEDIA_TYPE.decode())
    if not request.body:
        return plain(400, "no message")
    return request.body


def response_to(reply: bytes) -> Response:
    """Return the response with a reply.

    Nobody is to keep it, although RFC 8484 section 5.1 would have its TTL said: a number would show in the length
    of what is encrypted (section 9), and caches of programs are files that say who was asked about.
    """
    return Response(200, ((b"content-type", MEDIA_TYPE), (b"cache-control", b"no-store")), reply)


def request_for(message: bytes, path: str = PATH, method: str = "POST") -> Request:
    """Return the request with a message, whose id stays behind."""
    anonymous = NO_ID + message[ID:]
    accept = (b"accept", MEDIA_TYPE)
    if method == "GET":
        return Request("GET", path, PARAMETER + urlsafe_b64encode(anonymous).rstrip(b"=").decode(), (accept,))
    return Request("POST", path, "", (accept, (b"content-type", MEDIA_TYPE)), anonymous)


def reply_in(response: Response, message: bytes) -> bytes:
    """Return the reply in a response, with the id of the message that was asked.

    Raises:
        ValueError: There is none; the text says why.
    """
    if response.status != 200:
        why = ": no token that counts here" if response.status == 401 else ""
        raise ValueError(f"HTTP status {response.status}{why}")
    if response.header(b"content-type").lower() != MEDIA_TYPE:
        raise ValueError(f"a body that is not {MEDIA_TYPE.decode()}")
    if response.body[:ID] != NO_ID:
        raise ValueError("a message with an id that was not sent")
    return message[:ID] + response.body[ID:]


def _parameter(query: str) -> bytes | Response:
    text = query.removeprefix(PARAMETER)
    if len(text) == len(query):
        return plain(400, "only dns= is expected after the path")
    if len(text) > -(-MAX_QUERY * 4 // 3):
        return plain(414, f"more than {MAX_QUERY} octets of message")
    try:
        message = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):  # of characters that are not ASCII, the latter
        message = b""
    if not message or urlsafe_b64encode(message).rstrip(b"=").decode() != text:
        return plain(400, "dns= takes base64url without padding, in its one spelling")
    return message


def _responding(later: Later) -> Callable[[], Awaitable[Response]]:
    async def work() -> Response:
        reply = await later.work()
        if reply is None:
            return plain(503, "no answer")
        return response_to(reply)

    return work
