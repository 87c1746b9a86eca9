"""Where DNS over HTTPS is asked at a server, by which method, and as whom. Pure."""

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Resource:
    """What stands in requests (RFC 8484 section 4.1).

    Attributes:
        path: Of the server's URI template.
        is_get: Whether questions are asked by GET, whose answers caches on the way may keep, and not by POST.
        bearer: The token by which the server knows its client (`transport.bearer`), "" to ask without a name. Shown
            only to a server that has proven who it is.
    """

    path: str = "/dns-query"  # RFC 8484 names none; this is in its examples, and what servers and clients take
    is_get: bool = False
    bearer: str = field(default="", repr=False)


USUAL: Final = Resource()
