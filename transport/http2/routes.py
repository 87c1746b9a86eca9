"""Which path is answered by whom, and what is refused before a body has come. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from transport.http2.messages import Request, RequestHandler, Response, plain

WITHOUT_BODY = {"GET", "HEAD"}  # a body would mean nothing (RFC 9110 section 9.3.1)
LENGTH_DIGITS = 10  # of a Content-Length; more is more than anything taken here


@dataclass(frozen=True, slots=True)
class Route:
    """What is behind a path.

    Attributes:
        handler: Answers what is let through.
        methods: Those that it takes, in capitals.
        body: The most octets of a body that it takes.
    """

    handler: RequestHandler
    methods: tuple[str, ...]
    body: int = 0


class Routes:
    """A table of paths, each as it is sent, without patterns.

    Args:
        table: By path.
        target: The most octets of path and query.
    """

    def __init__(self, table: Mapping[str, Route], target: int = 2_048) -> None:
        self._table = dict(table)
        self._target = target

    def admit(self, head: Request) -> Response | int:
        """Return why a request is refused, or how many octets its body may have.

        Args:
            head: The request, before its body has come.
        """
        if len(head.path) + len(head.query) > self._target:
            return plain(414, f"more than {self._target} octets of target")
        route = self._table.get(head.path)
        if route is None:
            return plain(404, "nothing here")
        if head.method not in route.methods:
            return plain(405, "not with this method", (b"allow", ", ".join(route.methods).encode()))
        most = 0 if head.method in WITHOUT_BODY else route.body
        announced = head.header(b"content-length")
        if len(announced) > LENGTH_DIGITS or (announced.isdigit() and int(announced) > most):
            return too_long(most)
        return most

    def handler(self, request: Request) -> RequestHandler:
        """Return who answers a request that was admitted."""
        return self._table[request.path].handler


def too_long(most: int) -> Response:
    """Return what is said to a body that is longer than is taken."""
    return plain(413, f"more than {most} octets")
