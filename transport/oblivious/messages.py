"""HTTP requests and responses as plain values, and what carries them as callables.

What client, relay and gateway do is said in these; which HTTP carries them is their caller's.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from transport.handler import Caller

Headers = tuple[tuple[bytes, bytes], ...]  # names in lower case

TEXT = b"text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """A request.

    Attributes:
        method: Such as POST.
        path: Up to the question mark.
        query: What stands after the question mark, "" without one.
        headers: Without those that say where it goes and how long it is.
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
    """What a request comes to; `headers` is without those that say how long it is."""

    status: int
    headers: Headers = ()
    body: bytes = b""

    def header(self, name: bytes) -> bytes:
        """Return the value of a header; b"" where there is none, or more than one."""
        return _single(self.headers, name)


@dataclass(frozen=True, slots=True)
class LaterResponse:
    """Work for a task of its own.

    Attributes:
        work: Returns the response.
    """

    work: Callable[[], Awaitable[Response]]


Answer = Response | LaterResponse
RequestHandler = Callable[[Request, Caller, float], Answer]  # the request, who sent it, now in Unix seconds


def plain(status: int, text: str, *headers: tuple[bytes, bytes]) -> Response:
    """Return a response with a line of text, which nobody is to keep."""
    kept = ((b"content-type", TEXT), (b"cache-control", b"no-store"), *headers)
    return Response(status, kept, f"{text}\n".encode())


def _single(headers: Headers, name: bytes) -> bytes:
    values = [value for one, value in headers if one == name]
    return values[0] if len(values) == 1 else b""
