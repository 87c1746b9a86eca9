"""One server that is asked in DNS over HTTPS: a `StreamLink` by another protocol.

Holds a connection and, once the server says that it is going away, begins another for what is asked from then on;
what the server has not looked at goes there as well.

Left out: which endpoint has which link, and trying again where a connection had ended (dialer).
"""

from dataclasses import replace

import trio

from transport.bearer import AUTHORIZATION, authorization
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.http2.client import LIMITS, Connect, Http2Client, UntouchedError
from transport.http2.doh import reply_in, request_for
from transport.http2.limits import ClientLimits
from transport.http2.messages import Headers, MakeHeaders, Request, Response, no_headers
from transport.proof import Certified, Proof
from transport.resource import USUAL, Resource
from transport.stream_link import Accept

HTTPS_PORT = 443  # needs not be said (RFC 9110 section 4.2.2)
TRIES = 2  # connections that one exchange may go over: a server that sends everybody away is not asked for ever


def authority_of(endpoint: Endpoint, proof: Proof) -> str:
    """Return whom URIs of a server name: the host that its certificate is for, or else its address."""
    host = proof.host if isinstance(proof, Certified) else endpoint.host
    host = f"[{host}]" if ":" in host else host
    return host if endpoint.port == HTTPS_PORT else f"{host}:{endpoint.port}"


class DohLink:
    """A link that connects when it is run, and carries exchanges until it ends; never a second time.

    Attributes:
        connected: Whether it got as far as being connected.
        ended: Whether it is over; `exchange` then only raises.

    Args:
        endpoint: Who is there, for errors.
        connect: Makes a stream, encrypted and with `h2` agreed on.
        authority: Who is asked, as it stands in URIs.
        resource: Where questions go, by which method, and as whom.
        limits: What is put up with.
        fields: Makes further header fields of a request, such as a token. May raise UnreachableError.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - whom, how, and with what
        self,
        endpoint: Endpoint,
        connect: Connect,
        authority: str,
        resource: Resource = USUAL,
        limits: ClientLimits = LIMITS,
        fields: MakeHeaders = no_headers,
    ) -> None:
        self._endpoint = endpoint.to_text()
        self._fields = fields
        self._connect = connect
        self._authority = authority
        self._resource = resource
        self._own: Headers = ((AUTHORIZATION, authorization(resource.bearer)),) if resource.bearer else ()
        self._limits = limits
        self._client = self._new_client()  # the newest
        self._running = 0  # clients
        self._nursery: trio.Nursery | None = None  # while it is run
        self.ended = False

    @property
    def connected(self) -> bool:
        """Whether the newest connection got as far as being one."""
        return self._client.connected

    async def exchange(self, message: bytes, accept: Accept) -> bytes:
        """Send a message and return the reply to it, with its id.

        Raises:
            UnreachableError: There is none, or one that is not accepted.
        """
        asked = request_for(message, self._resource.path, "GET" if self._resource.is_get else "POST")
        response = await self._ask(replace(asked, headers=(*asked.headers, *self._own, *self._fields())))
        try:
            reply = reply_in(response, message)
        except ValueError as error:
            raise UnreachableError(self._endpoint, f"answers with {error}") from error
        if not accept(reply):
            raise UnreachableError(self._endpoint, "answers something else than it was asked")
        return reply

    async def run(self) -> None:
        """Connect and carry exchanges until no connection is left; whoever still waits is told why."""
        try:
            async with trio.open_nursery() as self._nursery:
                self._start()
        finally:
            self._nursery = None
            self.ended = True

    async def _ask(self, request: Request) -> Response:
        for _ in range(TRIES - 1):
            try:
                return await self._current().request(request)
            except UntouchedError:
                if self.ended:
                    raise
        return await self._current().request(request)

    def _current(self) -> Http2Client:
        if self._client.is_leaving and not self.ended and self._nursery is not None:
            self._client = self._new_client()
            self._start()
        return self._client

    def _start(self) -> None:
        assert self._nursery is not None, "only while it is run"
        self._running += 1
        self._nursery.start_soon(self._keep, self._client)

    async def _keep(self, client: Http2Client) -> None:
        try:
            await client.run()
        finally:
            self._running -= 1
            self.ended = not self._running  # in one step with its end: nothing can be started any more

    def _new_client(self) -> Http2Client:
        return Http2Client(self._endpoint, self._authority, self._connect, self._limits)
