"""One server that is asked over HTTP/2 again and again: by a relay its gateway, by a client its relay.

A connection is made when somebody asks, and another when that one has ended or is about to. Where a link may have
several, a further one is made once those that are there are full: servers take some hundred requests at a time on
each. A request is sent again, over another, only if the server says that it has not looked at it (RFC 9458 section
6.5); where nobody was there, the next try waits a moment.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Final, Self

import trio

from transport.errors import UnprovenError, UnreachableError
from transport.http2.client import Connect, Http2Client, UntouchedError
from transport.http2.messages import Request, Response
from transport.oblivious.sizes import MAX_SEALED_RESPONSE

SECONDS: Final = 8.0  # for a request and its response: a look-up takes five at most, and connecting some
PAUSE: Final = 1.0  # seconds before another try where nobody was there; who asks meanwhile is told so at once
TRIES: Final = 2  # connections that one request may go over
_NOT_OPEN = "the link is not open"


def _keep_quiet(_reason: str) -> None:
    pass


class HttpLink:
    """Asks; `request` is an `HttpClient`.

    Args:
        authority: Who is asked: host, and port unless that is 443.
        connect: Makes a stream to whoever proves to be it, encrypted and with HTTP/2 agreed on.
        connections: How many there may be that take requests.
        notice: Told with each try why nobody was there, when there is no other connection either; or "" if somebody
            was.
    """

    def __init__(
        self,
        authority: str,
        connect: Connect,
        connections: int = 1,
        notice: Callable[[str], None] = _keep_quiet,
    ) -> None:
        self._authority = authority
        self._connect = connect
        self._connections = connections
        self._notice = notice
        self._clients: list[Http2Client] = []  # oldest first; one leaves when it has ended
        self._failed = -PAUSE  # on trio's clock, when last nobody was there
        self._reason = ""  # why nobody was there
        self._nursery: trio.Nursery | None = None  # while it is open

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Self]:
        """Keep it open: connections are nobody's who asks, since all share them, so they run in a nursery here."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            try:
                yield self
            finally:
                self._nursery = None
                nursery.cancel_scope.cancel()

    async def request(self, request: Request) -> Response:
        """Send a request and return its response.

        Raises:
            UnreachableError: There is none, or none in time.
        """
        deadline = trio.current_time() + SECONDS
        for _ in range(TRIES - 1):
            try:
                return await self._current().request(request, MAX_SEALED_RESPONSE, deadline)
            except UntouchedError:
                pass  # as good as not sent
        return await self._current().request(request, MAX_SEALED_RESPONSE, deadline)

    def _current(self) -> Http2Client:
        if self._nursery is None:
            raise UnreachableError(self._authority, _NOT_OPEN)
        taking = [client for client in self._clients if not client.is_leaving]
        emptiest = max(taking, key=lambda client: client.spare, default=None)
        if emptiest is not None and (emptiest.spare > 0 or not self._may_be_more(taking)):
            return emptiest
        if trio.current_time() < self._failed + PAUSE:
            raise UnreachableError(self._authority, f"nobody was there a moment ago: {self._reason}")
        client = Http2Client(self._authority, self._authority, self._proven)
        self._clients.append(client)
        self._nursery.start_soon(self._keep, client)
        return client

    def _may_be_more(self, taking: list[Http2Client]) -> bool:
        """Say whether another connection may be tried: not while one is, nor a moment after that was in vain."""
        is_trying = not all(client.connected for client in taking)
        return len(taking) < self._connections and not is_trying and trio.current_time() >= self._failed + PAUSE

    async def _keep(self, client: Http2Client) -> None:
        try:
            await client.run()
        finally:
            self._clients.remove(client)
        if not client.connected:
            self._failed = trio.current_time()
            self._reason = client.reason
            if all(other.is_leaving for other in self._clients):
                self._notice(client.reason)

    async def _proven(self) -> trio.abc.Stream:
        try:
            stream = await self._connect()
        except UnprovenError as error:
            raise ConnectionError(error.reason) from error
        self._notice("")
        return stream
