"""The client: asks a DNS message of a gateway, by way of a relay.

Whom it trusts for what: the relay, not to tell the gateway who asks; the gateway, not to tell the relay what was
asked; and whoever gives it the gateway's keys, for everything (`gateway_keys`).

Everything that leaves here is as long as everything else, and says nothing of who sends it: no cookies, no agent,
and a Date that all have in common who ask in that minute. The key of each request is new. What comes back sealed
can only come from who has the gateway's key; what comes back otherwise, the relay may have made up.
"""

from collections.abc import Callable
from dataclasses import dataclass

from transport.errors import UnreachableError
from transport.http2.doh import MAX_QUERY, PATH, reply_in, request_for
from transport.http2.messages import MakeHeaders, Request, Response, no_headers
from transport.oblivious import binary_http, dates, problems
from transport.oblivious.asking import HttpClient, media_type
from transport.oblivious.binary_http import BinaryHttpError, BinaryRequest, BinaryResponse
from transport.oblivious.encapsulation import REQUEST_TYPE, RESPONSE_TYPE, EncapsulationError, seal_request
from transport.oblivious.gateway_keys import GatewayKeys
from transport.oblivious.hpke import KeyPair
from transport.oblivious.key_configs import KeyConfig
from transport.oblivious.sizes import REQUEST


@dataclass(frozen=True, slots=True)
class Via:
    """By way of whom, and whom.

    Attributes:
        relay_path: Where the relay takes requests.
        authority: The gateway: host, and port unless that is 443, as it says in its configuration.
        path: Of its DNS resource.
    """

    relay_path: str
    authority: str
    path: str = PATH


class _KeyRefusedError(Exception):
    """The gateway, or the relay in its name, says that it does not have the key."""


class ObliviousExchange:
    """Asks, one message at a time or many at once.

    Args:
        relay: Asks the relay.
        via: By way of whom, and whom.
        keys: The gateway's keys.
        fields: Makes the fields of a request for the gateway's target, such as a token; what is one client's alone
            tells it from others. May raise UnreachableError.
        generate: Makes the key of each request.
    """

    def __init__(
        self,
        relay: HttpClient,
        via: Via,
        keys: GatewayKeys,
        fields: MakeHeaders = no_headers,
        generate: Callable[[], KeyPair] = KeyPair.generate,
    ) -> None:
        self._relay = relay
        self._via = via
        self._keys = keys
        self._fields = fields
        self._generate = generate

    async def exchange(self, message: bytes, now: float) -> bytes:
        """Return the reply to a DNS message.

        A message goes out a second time in two cases only, each time sealed anew: where the key was refused and
        there is another by now, and where the gateway says, sealed, that our clock is wrong (section 6.5.2).

        Args:
            message: With its id.
            now: Unix seconds.

        Raises:
            UnreachableError: There is no reply to be had; why is in it.
            ValueError: The message is longer than any that can be asked.
        """
        if len(message) > MAX_QUERY:
            raise ValueError(f"message of {len(message)} octets, at most {MAX_QUERY} can be asked")
        configs = await self._keys.at(now)
        try:
            return await self._asked(message, configs[0], now)
        except _KeyRefusedError:
            newer = await self._keys.instead_of(configs, now)
        if newer == configs:
            raise self._failed("the gateway does not take the key that it publishes, or so the relay says")
        try:
            return await self._asked(message, newer[0], now)
        except _KeyRefusedError:
            raise self._failed("the gateway does not take its new key either, or so the relay says") from None

    async def _asked(self, message: bytes, config: KeyConfig, now: float) -> bytes:
        """Ask, with the Date that the gateway says if ours is wrong."""
        inner = await self._sealed(message, config, dates.to_text(dates.coarse(now)))
        theirs = binary_http.value_of(inner.headers, b"date")
        answer = Response(inner.status, inner.headers, inner.content)
        if problems.type_of(answer) == problems.DATE and theirs is not None and dates.from_text(theirs) is not None:
            inner = await self._sealed(message, config, theirs)  # for this request alone, and never kept
            answer = Response(inner.status, inner.headers, inner.content)
        try:
            return reply_in(answer, message)
        except ValueError as error:
            raise self._failed(f"the gateway answers with {error}") from error

    async def _sealed(self, message: bytes, config: KeyConfig, date: bytes) -> BinaryResponse:
        """Send one sealed request and return what came back sealed."""
        via = self._via
        asked = request_for(message, via.path)
        headers = (*asked.headers, (b"date", date), *self._fields())
        origin = b"https", via.authority.encode()
        request = BinaryRequest(asked.method.encode(), *origin, asked.path.encode(), headers, asked.body)
        try:
            filled = binary_http.encode_request(request, REQUEST)
            sealed = seal_request(config, config.aeads[0], filled, self._generate())
        except (BinaryHttpError, EncapsulationError) as error:
            raise self._failed(str(error)) from error
        kind = (b"content-type", REQUEST_TYPE)
        response = await self._relay(Request("POST", via.relay_path, headers=(kind,), body=sealed.octets))
        if problems.type_of(response) == problems.KEY:
            raise _KeyRefusedError
        if response.status != 200 or media_type(response) != RESPONSE_TYPE:
            raise self._failed(f"the relay says {response.status}")
        try:
            return binary_http.decode_response(sealed.open_response(response.body))
        except (EncapsulationError, BinaryHttpError) as error:
            raise self._failed(f"what the relay passed on is no answer: {error}") from error

    def _failed(self, reason: str) -> UnreachableError:
        return UnreachableError(self._via.authority, reason)
