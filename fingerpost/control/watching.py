"""What watchers are told over HTTP: whether the daemon lives, whether it is ready, what it has counted.

`/health`: the desk's event loop turns, and the supervisor answers it. `/ready`: every worker answers questions, and
none of them is ending; a reload does not change that. `/metrics`: as Prometheus reads it.
"""

from collections.abc import Awaitable, Callable

from fingerpost.metrics.exposition import MEDIA_TYPE, to_text
from fingerpost.metrics.rows import Rows
from transport.http_listener import HttpReply, HttpRequest

NOT_READ = HttpReply(405, b"GET and HEAD are understood\n", headers=(("Allow", "GET, HEAD"),))
NOT_THERE = HttpReply(404, b"there are /health, /ready and /metrics\n")


class Watching:
    """Answers watchers; `handle` is an `HttpHandler`.

    Args:
        rows: What was counted.
        why_not: Returns why the daemon is not ready, "" when it is; None when nobody answers.
    """

    def __init__(self, rows: Rows, why_not: Callable[[], Awaitable[str | None]]) -> None:
        self._rows = rows
        self._why_not = why_not

    async def handle(self, request: HttpRequest) -> HttpReply:
        """Answer one request."""
        if request.method not in {"GET", "HEAD"}:
            return NOT_READ
        match request.target.partition("?")[0]:
            case "/metrics":
                return HttpReply(200, to_text(self._rows.total()).encode(), MEDIA_TYPE)
            case "/health":
                lives = await self._why_not() is not None
                return HttpReply(200, b"ok\n") if lives else HttpReply(503, b"the supervisor does not answer\n")
            case "/ready":
                why = await self._why_not()
                return (
                    HttpReply(200, b"ready\n") if why == "" else HttpReply(503, f"{why or 'no answer'}\n".encode())
                )
            case _:
                return NOT_THERE
