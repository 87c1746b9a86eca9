"""URLs of HTTP servers that we ask: in TLS, or on this machine; and why one did not answer, in words."""

import http.client
from ipaddress import ip_address
from urllib.parse import urlsplit

from zonedata.errors import MalformedError


def check(text: str, *, allow_plain: bool) -> str:
    """Return the URL.

    Raises:
        MalformedError: It is none of HTTP, or would leave this machine in the clear although that is not allowed.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise MalformedError(f"{text[:80]!r} is no URL: {error}") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or port == 0:
        raise MalformedError(f"{text[:80]!r} is no URL such as https://validator.example/")
    if parts.username is not None or not text.isascii() or not text.isprintable() or " " in text:
        raise MalformedError(f"{text[:80]!r} is no URL such as https://validator.example/")
    if parts.scheme == "http" and not allow_plain and not _is_here(parts.hostname):
        raise MalformedError(f"{text[:80]!r} would leave this machine in the clear; expected https://")
    return text


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def reason_of(error: Exception) -> str:
    """Say why an exchange failed, of what `http.client` and sockets raise."""
    match error:
        case OSError(strerror=str(reason)) if reason:
            return reason
        case http.client.RemoteDisconnected():
            return "it closed the connection without a reply"
        case TimeoutError():
            return "it took too long"
        case http.client.IncompleteRead():
            return "the reply was cut short"
        case http.client.HTTPException():
            return "it does not reply in HTTP"
        case _:
            return str(error) or type(error).__name__
