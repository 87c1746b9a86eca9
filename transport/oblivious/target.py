"""What answers sealed requests: the routes that would answer them if they had come in the open. Pure."""

from transport.handler import Caller
from transport.http2.messages import Answer, Request, RequestHandler, Response
from transport.http2.routes import Routes, too_long


def sealed_target(routes: Routes) -> RequestHandler:
    """Return the target of a gateway.

    Args:
        routes: Without the gateway's own: nothing is sealed twice.
    """

    def answer(request: Request, caller: Caller, now: float) -> Answer:
        most = routes.admit(request)
        if isinstance(most, Response):
            return most
        if len(request.body) > most:
            return too_long(most)
        return routes.handler(request)(request, caller, now)

    return answer
