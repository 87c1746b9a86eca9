"""The problems of oblivious HTTP, said as RFC 9457 has it (RFC 9458 sections 5.3 and 6.5.2). Pure."""

import json
from typing import Final

from transport.http2.messages import Headers, Response
from transport.oblivious.asking import media_type

MEDIA_TYPE: Final = b"application/problem+json"
KEY: Final = "https://iana.org/assignments/http-problem-types#ohttp-key"
DATE: Final = "https://iana.org/assignments/http-problem-types#date"
REPEATED: Final = "about:blank"  # RFC 9457 section 4.2.1: the status says it; RFC 9458 has no type for it
MAX_OCTETS: Final = 1_024  # of a problem; ours have some 120


def said(status: int, kind: str, title: str, *headers: tuple[bytes, bytes]) -> Response:
    """Say a problem."""
    body = json.dumps({"type": kind, "title": title}).encode("ascii")
    kept: Headers = ((b"content-type", MEDIA_TYPE), (b"cache-control", b"no-store"), *headers)
    return Response(status, kept, body)


def type_of(response: Response) -> str:
    """Return the type of the problem that a response says; "" where it says none.

    Args:
        response: Untrusted.
    """
    if media_type(response) != MEDIA_TYPE or len(response.body) > MAX_OCTETS:
        return ""
    try:
        found = json.loads(response.body)
    except (ValueError, RecursionError):
        return ""
    kind = found.get("type") if isinstance(found, dict) else None
    return kind if isinstance(kind, str) else ""
