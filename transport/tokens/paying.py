"""A route whose requests may each bring a token that pays for it (RFC 9577). Pure but for what the redeemer keeps.

request with a good token -> the route, its caller marked as one who has paid
request with another      -> 401, and for what tokens are asked; with several, too
request without           -> the route, as if there were no tokens
"""

from dataclasses import replace

from transport.handler import Caller
from transport.http2.messages import Answer, Request, plain
from transport.http2.routes import Route
from transport.tokens.redeeming import Redeemed, Redeemer

UNAUTHORIZED = 401  # RFC 9577 section 2.1


def paid_route(route: Route, redeemer: Redeemer) -> Route:
    """Return the same route with tokens taken before it."""

    def answer(request: Request, caller: Caller, now: float) -> Answer:
        fields = [value for name, value in request.headers if name == b"authorization"]
        if not fields:
            return route.handler(request, caller, now)
        field = fields[0].decode("latin-1") if len(fields) == 1 else ""  # several are none
        if not isinstance(redeemer.redeem(field, now), Redeemed):
            challenge = b"www-authenticate", redeemer.challenge(now).encode("ascii")
            return plain(UNAUTHORIZED, "a token that pays for nothing", challenge)
        return route.handler(request, replace(caller, is_paid=True), now)

    return replace(route, handler=answer)
