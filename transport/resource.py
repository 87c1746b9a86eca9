"""Where DNS over HTTPS is asked at a server, and by which method. Pure."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Resource:
    """What stands in requests (RFC 8484 section 4.1).

    Attributes:
        path: Of the server's URI template.
        is_get: Whether questions are asked by GET, whose answers caches on the way may keep, and not by POST.
    """

    path: str = "/dns-query"  # RFC 8484 names none; this is in its examples, and what servers and clients take
    is_get: bool = False


USUAL: Final = Resource()
