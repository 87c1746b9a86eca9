"""What all three parties have in common: somebody who is asked in HTTP, and what kind of thing a message holds."""

from collections.abc import Awaitable, Callable

from transport.http2.messages import Request, Response

HttpClient = Callable[[Request], Awaitable[Response]]
"""Asks one server, known by its certificate or its pin, and bounds time and octets; raises `UnreachableError`."""


def media_type(message: Request | Response) -> bytes:
    """Return the media type without parameters, in lower case; b"" where there is none, or more than one."""
    return message.header(b"content-type").partition(b";")[0].strip().lower()
