"""A route whose requests may each say by a bearer token who sends them (RFC 6750 section 2.1). Pure.

no Authorization, or of another scheme -> the route for everybody
a token that is known                  -> the route, its caller named; a certificate's name gives way
a token that is not                    -> 401, so that nobody whose token was changed goes on without a name
more than one Authorization            -> 400
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from transport import bearer
from transport.handler import Caller
from transport.http2.messages import Answer, Request, plain
from transport.http2.routes import Route

NOBODY: Final[Mapping[bytes, str]] = {}


def named_route(route: Route, others: Route, holders: Mapping[bytes, str]) -> Route:
    """Return a route with tokens taken before it.

    Args:
        route: Of whoever has a name.
        others: Of everybody else; takes the same methods and bodies.
        holders: The name of each client, by the digest of its token. Where no name is to be taken, NOBODY.
    """

    def answer(request: Request, caller: Caller, now: float) -> Answer:
        field = request.header(bearer.AUTHORIZATION)
        if not field:
            if any(name == bearer.AUTHORIZATION for name, _ in request.headers):
                return plain(400, "Authorization more than once, or empty")
            return others.handler(request, caller, now)
        digest = bearer.digest_in(field)
        if digest is None:
            return others.handler(request, caller, now)
        name = holders.get(digest)
        if name is None:
            return plain(401, "a token that nobody has here", (b"www-authenticate", bearer.REFUSED))
        return route.handler(request, replace(caller, identity=name), now)

    return replace(others, handler=answer)
