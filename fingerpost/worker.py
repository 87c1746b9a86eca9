"""What runs in a worker: one authority or one resolver, in an event loop of its own.

    forked -> store or resolver opened -> listeners running -> ready -> TERM -> graceful end

What is made before the fork, and is the same in all workers, is in `Shared`.
"""

import gc
import logging
import signal
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial
from typing import assert_never

import trio

from fingerpost import answering, logfmt, served_https, served_quic
from fingerpost.answering import Daemon
from fingerpost.control.attending import attend
from fingerpost.control.levels import levels
from fingerpost.listening import Opened
from fingerpost.logfmt import quoted
from fingerpost.metrics.families import Samples
from fingerpost.metrics.rows import Rows
from fingerpost.metrics.samples import samples_of
from fingerpost.shared import Shared
from fingerpost.supervisor import Seat
from fingerpost.tokens.taking import taking
from transport.entitlement import Entitlement
from transport.handler import Protocol
from transport.later import LaterPool
from transport.slots import StreamLimits
from transport.tcp_listener import TcpListener, serve_tcp
from transport.tokens.redeeming import Redeemer
from transport.udp_listener import UdpListener, serve_udp
from zonedata.errors import ConfigError, MalformedError, UntrustedError

TELL_EVERY = 1.0  # seconds between two looks at what was counted; a killed worker loses that much of it
GARBAGE_EVERY = 20_000  # objects more than before; look-ups leave no cycles, and looking at 700 costs 15 % of each

VERBS = {"log level": levels}

log = logging.getLogger(__name__)


def work(shared: Shared, seat: Seat) -> int:
    """Answer questions until told to end, and return the exit status."""
    logfmt.identify(f"worker={seat.number}")
    gc.set_threshold(GARBAGE_EVERY)
    for opened in shared.sockets:
        opened.leave_to(seat.number)
    try:
        trio.run(_run, shared, seat)
    except ConfigError as error:
        reasons = [fault.to_text() for fault in error.faults]
    except (MalformedError, UntrustedError, OSError) as error:
        reasons = [str(error)]
    else:
        return 0
    for reason in reasons:
        log.error("event=worker-failed reason=%s", quoted(reason))
    return 1


async def _run(shared: Shared, seat: Seat) -> None:
    """Run the daemon inside, its listeners innermost, until it is to end."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGHUP) as signals:
        listeners: list[tuple[Opened, UdpListener | TcpListener]] = []
        seat.take_signals()
        async with (
            answering.opened(shared) as daemon,
            LaterPool(daemon.jobs, Entitlement(shared.configuration.limits.settings.clients).of).running() as later,
            taking(shared.configuration.tokens) as redeemer,
            trio.open_nursery() as nursery,
        ):
            for opened in shared.sockets:
                sock, serving = opened.socks[seat.number], _serving(opened.protocol, daemon, shared, redeemer)
                listener = await nursery.start(serving, sock, daemon.handler, daemon.clock, later)
                listeners.append((opened, listener))
            nursery.start_soon(_end_when_orphaned, seat, nursery.cancel_scope)

            def counted() -> Samples:
                told = [(opened.protocol.value, asdict(listener.statistics())) for opened, listener in listeners]
                return samples_of(told, _counts(daemon, later, shared, redeemer), daemon.durations)

            if shared.desk is not None:
                channels, rows = shared.desk
                nursery.start_soon(_tell, rows, seat, counted)
                nursery.start_soon(attend, channels.worker_end(seat.number), {**VERBS, **daemon.verbs})
            seat.say_ready()
            async for number in signals:
                if number != signal.SIGHUP:
                    break
                daemon.reload()
                if shared.tls is not None:
                    shared.tls.reload(daemon.clock.now())
            nursery.cancel_scope.cancel()
            if shared.desk is not None:
                shared.desk[1].write(seat.number, seat.life, counted())
            for opened, listener in listeners:
                log.info("event=statistics %s %s", opened.to_text(), _pairs(asdict(listener.statistics())))
            log.info("event=statistics %s", _pairs(_counts(daemon, later, shared, redeemer)))


def _serving(
    protocol: Protocol, daemon: Daemon, shared: Shared, redeemer: Redeemer | None
) -> Callable[..., Awaitable[None]]:
    """Return what serves a socket of a protocol."""
    settings = shared.configuration.limits.settings
    match protocol:
        case Protocol.UDP:
            return partial(serve_udp, fast=daemon.fast)
        case Protocol.TCP:
            return partial(serve_tcp, limits=StreamLimits())
        case Protocol.TLS:
            assert shared.tls is not None, "a configuration with such a listener has a [tls]"
            secure = shared.tls.server.handshake
            return partial(serve_tcp, limits=StreamLimits(), protocol=protocol, secure=secure, admit=daemon.admit)
        case Protocol.QUIC:
            assert shared.tls is not None, "a configuration with such a listener has a [tls]"
            return served_quic.serving(shared.tls, daemon.admit)
        case Protocol.HTTPS:
            assert shared.tls is not None, "a configuration with such a listener has a [tls]"
            return served_https.serving(shared.tls, daemon.admit, shared.gateway, redeemer, settings.bearers)
        case other:
            assert_never(other)


def _counts(daemon: Daemon, later: LaterPool, shared: Shared, redeemer: Redeemer | None) -> dict[str, int]:
    """Return everything that is counted besides listeners."""
    pool = asdict(later.statistics())
    del pool["limit"]  # says the configuration
    gateway = shared.gateway.statistics() if shared.gateway is not None else {}
    tokens = redeemer.counts if redeemer is not None else {}
    return daemon.counts() | pool | gateway | {f"tokens_{word}": count for word, count in tokens.items()}


async def _tell(rows: Rows, seat: Seat, counted: Callable[[], Samples]) -> None:
    """Write what was counted where the desk reads it, again and again."""
    while True:
        rows.write(seat.number, seat.life, counted())
        await trio.sleep(TELL_EVERY)


def _pairs(counts: dict[str, int]) -> str:
    return " ".join(f"{name}={count}" for name, count in counts.items())


async def _end_when_orphaned(seat: Seat, scope: trio.CancelScope) -> None:
    await trio.lowlevel.wait_readable(seat.lifeline)
    log.warning("event=stopping reason=%s", quoted("the supervisor is gone"))
    scope.cancel()
