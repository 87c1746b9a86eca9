"""Requests and responses, whole, and the shape of what answers them. Pure."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from transport.handler import Caller

Headers = tuple[tuple[bytes, bytes], ...]  # names in lower case (RFC 9113 section 8.2)

TEXT = b"text/plain; charset=utf-8"

MakeHeaders = Callable[[], Headers]  # of one request, such as a token that pays for it


def no_headers() -> Headers:
    """Return none."""
    return ()


@dataclass(frozen=True, slots=True)
class Request:
    """A request.

    Attributes:
        method: Such as POST.
        path: Up to the question mark, as it was sent.
        query: What stands after the question mark, "" without one.
        headers: Without the pseudo-headers.
        body: All of it.
    """

    method: str
    path: str
    query: str = ""
    headers: Headers = ()
    body: bytes = b""

    def header(self, name: bytes) -> bytes:
        """Return the value of a header; b"" where there is none, or more than one."""
        return _single(self.headers, name)


@dataclass(frozen=True, slots=True)
class Response:
    """What a request comes to. The length of the body is sent with it; it stands in no header here."""

    status: int
    headers: Headers = ()
    body: bytes = b""

    def header(self, name: bytes) -> bytes:
        """Return the value of a header; b"" where there is none, or more than one."""
        return _single(self.headers, name)


def plain(status: int, text: str, *headers: tuple[bytes, bytes]) -> Response:
    """Return a response with a line of text, which nobody is to keep."""
    kept = ((b"content-type", TEXT), (b"cache-control", b"no-store"), *headers)
    return Response(status, kept, f"{text}\n".encode())


def not_now() -> Response:
    """Return what is said where work was given up for something newer."""
    return plain(503, "not now")


@dataclass(frozen=True, slots=True)
class LaterResponse:
    """Work for a task of its own.

    Attributes:
        work: Returns the response.
        cut_short: Returns it where the work was cancelled; never raises.
        caller: For whom it is, where that is not simply whoever has connected.
    """

    work: Callable[[], Awaitable[Response]]
    cut_short: Callable[[], Response] = not_now
    caller: Caller | None = None


Answer = Response | LaterResponse
RequestHandler = Callable[[Request, Caller, float], Answer]  # the request, who sent it, now in Unix seconds


def _single(headers: Headers, name: bytes) -> bytes:
    values = [value for one, value in headers if one == name]
    return values[0] if len(values) == 1 else b""
