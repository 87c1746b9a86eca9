"""What runs in a relay: listeners that are handed it, until it is told to end; and what it says of itself.

    listeners running -> ready -> [HUP -> reload] -> TERM or INT -> no more is taken, what is in hand ends -> counts

It says how many, and never who: with each hour's counts nobody is told apart from the others. And it says when the
gateway cannot be reached.
"""

import logging
import signal
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import trio

from fingerpost.logfmt import quoted
from transport.handler import Caller
from transport.http2.messages import LaterResponse, Request, RequestHandler
from transport.oblivious.relay import Relay

COUNTS_EVERY = 3_600.0  # seconds; in shorter times there may have been one client alone

HttpServer = Callable[..., Awaitable[None]]
"""Serves one address: called with a `RequestHandler` and, as `nursery.start` does it, a `task_status`, until it is
cancelled."""

log = logging.getLogger(__name__)


class GatewayWatch:
    """Says when the gateway cannot be reached any more, or for another reason, and when it can again."""

    def __init__(self) -> None:
        self._reason = ""

    def notice(self, reason: str) -> None:
        """Take why it could not be reached just now; "" if it was."""
        if reason == self._reason:
            return
        self._reason = reason
        if reason:
            log.warning("event=gateway-unreachable reason=%s", quoted(reason))
        else:
            log.info("event=gateway-reached")


def handler_of(relay: Relay) -> RequestHandler:
    """Return what listeners are handed."""

    def handle(request: Request, client: Caller, now: float) -> LaterResponse:
        return LaterResponse(partial(relay.handle, request, client.endpoint, now))

    return handle


async def run(
    relay: Relay, servers: Sequence[HttpServer], is_ready: Callable[[], None], reload: Callable[[], None]
) -> None:
    """Work until SIGTERM or SIGINT; `reload` is called at each SIGHUP, and never raises."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        async with trio.open_nursery() as nursery:
            for serve in servers:
                await nursery.start(serve, handler_of(relay))
            nursery.start_soon(_tell_counts_hourly, relay)
            is_ready()
            async for number in signals:
                if number != signal.SIGHUP:
                    break
                reload()
            nursery.cancel_scope.cancel()
    tell_counts(relay)


def tell_counts(relay: Relay) -> None:
    """Log how many of each kind there were so far."""
    log.info("event=statistics %s", " ".join(f"{name}={count}" for name, count in relay.statistics().items()))


async def _tell_counts_hourly(relay: Relay) -> None:
    while True:
        await trio.sleep(COUNTS_EVERY)
        tell_counts(relay)
