"""What runs in a worker: one authority or one resolver, in an event loop of its own.

    forked -> store or resolver opened -> listeners running -> ready -> TERM -> graceful end

What is made before the fork, and is the same in all workers, is in `Shared`. What cannot cross a fork is made here:
the event loop, the environment of the store, sockets for asking others, and what a resolver remembers.
"""

import gc
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import assert_never

import trio

from fingerpost import logfmt, served_https, served_quic
from fingerpost.configuration import Configuration
from fingerpost.listening import Opened
from fingerpost.logfmt import quoted
from fingerpost.sections import ResolverPart
from fingerpost.served_store import ServedStore
from fingerpost.served_tls import ServedTls
from fingerpost.shared_limits import Limiting, SharedLimits
from fingerpost.supervisor import Seat
from fingerpost.tokens.taking import taking
from resolver.cache import Stores
from resolver.front import Front
from resolver.policy import Policy
from resolver.proven.memory import MemoryProven
from resolver.proven.shared import MIN_SIZE, SharedProven
from resolver.proven.store import Proven, UnusableError
from resolver.remembered import InFile, InMemory, Remembers
from resolver.service import SORTS, ResolverService
from resolver.settings import Settings
from resolver.trees import Trees
from transport.clock import Clock
from transport.dialer import SocketDialer
from transport.entitlement import Entitlement
from transport.fast_path import FastPath
from transport.handler import Admit, Handler, Protocol
from transport.later import LaterPool
from transport.slots import StreamLimits
from transport.tcp_listener import TcpListener, serve_tcp
from transport.tokens.redeeming import Redeemer
from transport.udp_listener import UdpListener, serve_udp
from zonedata.errors import ConfigError, MalformedError, UntrustedError
from zonedata.keys import PrivateKey
from zonedata.packets import Packets
from zonedata.trust import Trust

WRITE_EVERY = 0.05  # seconds; other workers see what one has learnt after that, and a killed one loses that much
AUTHORITY_JOBS = 1  # an authority answers at once and never starts a job; the pool needs a bound all the same

GARBAGE_EVERY = 20_000  # objects more than before; look-ups leave no cycles, and looking at 700 costs 15 % of each

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shared:
    """What the supervisor makes before it forks; every worker, and every successor of one, finds it.

    Attributes:
        configuration: Sound, and read once: a change of the file is taken over by starting anew.
        sockets: Every address, with a socket for each worker.
        trust: Whom a resolver believes, of several trees with what each speaks for; None in an authority.
        deny_key: What an authority signs denials with, if it does.
        limits: Who has asked how much, in memory that all workers share.
        tls: What is shown to clients over TLS, if anything is spoken over it.
        gateway: What answers sealed requests, if there is such a thing.
    """

    configuration: Configuration
    sockets: tuple[Opened, ...]
    trust: Trust | Policy | None
    deny_key: PrivateKey | None
    limits: SharedLimits
    tls: ServedTls | None = None
    gateway: served_https.Gateway | None = None


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


@dataclass(frozen=True, slots=True)
class Daemon:
    """What answers, what it does on SIGHUP, and what it has counted besides its listeners."""

    handler: Handler
    fast: FastPath
    admit: Admit
    clock: Clock
    jobs: int
    reload: Callable[[], None]
    counts: Callable[[], dict[str, int]]


def _daemon(shared: Shared) -> AbstractAsyncContextManager[Daemon]:
    return _resolver(shared, shared.trust) if shared.trust is not None else _authority(shared)


@asynccontextmanager
async def _authority(shared: Shared) -> AsyncIterator[Daemon]:
    store = ServedStore(shared.configuration, shared.deny_key)
    try:
        log.info("event=store-opened serial=%d", store.serial)
        limiting = Limiting(shared.configuration, shared.limits)
        front = store.front(limiting.cookies)
        gate = limiting.gate(front, store.handle)

        def counts() -> dict[str, int]:
            given = {"assertions": front.assertions, "ready": front.ready}
            return {**given, **gate.counts()}

        def reload() -> None:
            limiting.reload()
            store.reload()

        yield Daemon(gate.handle, gate, gate.admit, Clock(), AUTHORITY_JOBS, reload, counts)
    finally:
        store.close()


@asynccontextmanager
async def _resolver(shared: Shared, trust: Trust | Policy) -> AsyncIterator[Daemon]:
    configuration = shared.configuration
    resolver = configuration.resolver
    assert resolver is not None, "whoever has a trust has a resolver"
    clock = Clock()
    settings = Settings(
        apex=configuration.apex,
        lab_addresses=resolver.lab_addresses,
        allow_plain_upstream=resolver.allow_plain_upstream,
        upstream_rate=resolver.upstream_rate,
    )
    stores = _stores_of(resolver, trust)
    async with AsyncExitStack() as stack:
        dialer = await stack.enter_async_context(SocketDialer())
        for one in stores.values():
            await stack.enter_async_context(_written_behind(one.proven))
        if isinstance(trust, Policy):
            service = ResolverService(Trees(trust, dialer, clock, settings, stores), dialer, clock, settings)
        else:
            service = ResolverService(trust, dialer, clock, settings, stores[trust.tree])
        limiting = Limiting(configuration, shared.limits)
        gate = limiting.gate(Front(service.packets, limiting.cookies), service.handle)

        def reload() -> None:
            if configuration.limits.cookie_secrets is None:
                log.info("event=reload-not-needed")
            limiting.reload()

        def counts() -> dict[str, int]:
            ready = {f"ready_{outcome}": service.packets.given[sort] for outcome, sort in SORTS.items()}
            figures = [one.proven.statistics() for one in stores.values()]
            kept = {"kept": len(service.packets), "kept_octets": service.packets.octets}
            known = {
                "proven_hits": sum(one.hits for one in figures),
                "proven_misses": sum(one.misses for one in figures),
                "proven": sum(one.entries for one in figures),
                "floors": sum(one.floors for one in figures),
                "floors_lost": sum(one.floors_lost for one in figures),
            }
            return {**ready, **kept, **known, **gate.counts()}

        yield Daemon(gate.handle, gate, gate.admit, clock, resolver.lookups, reload, counts)


def _stores_of(resolver: ResolverPart, trust: Trust | Policy) -> dict[bytes, Stores]:
    """Open what each tree keeps: the only one's in the directory itself, of several each in one of its own."""
    packets, size = Packets(resolver.memory << 20), resolver.cache_size << 20
    if isinstance(trust, Trust):
        return {trust.tree: _stores(packets, resolver.cache, trust.tree, size)}
    share = max(MIN_SIZE, size // len(trust.trees))
    place = resolver.cache
    return {
        tree: _stores(packets, place / tree.hex() if place is not None else None, tree, share)
        for tree in (one.trust.tree for one in trust.trees)
    }


def _stores(packets: Packets, place: Path | None, tree: bytes, size: int) -> Stores:
    """Open what all workers share; versions of the root's keys lie beside it, if that is a place of ours."""
    proven = _proven(place, tree, size)
    kept: Remembers = InFile(place) if place is not None and isinstance(proven, SharedProven) else InMemory()
    return Stores(packets, proven, kept)


def _proven(place: Path | None, tree: bytes, size: int) -> Proven:
    """Open what was proven; go on without it when that cannot be had."""
    if place is None:
        return MemoryProven(tree)
    try:
        return SharedProven.open(place, tree, size)
    except UnusableError as error:
        log.warning("event=cache-unusable reason=%s", quoted(str(error)))
        return MemoryProven(tree)


@asynccontextmanager
async def _written_behind(proven: Proven) -> AsyncIterator[None]:
    """Write what was proven in a thread of its own, some times a second; close the store at the end."""

    async def write() -> None:
        while True:
            await trio.sleep(WRITE_EVERY)
            if proven.waiting:
                await trio.to_thread.run_sync(proven.flush)

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(write)
            yield
            nursery.cancel_scope.cancel()
    finally:
        proven.close()


async def _run(shared: Shared, seat: Seat) -> None:
    """Run the daemon inside, its listeners innermost, until it is to end."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGHUP) as signals:
        listeners: list[tuple[Opened, UdpListener | TcpListener]] = []
        seat.take_signals()
        async with (
            _daemon(shared) as daemon,
            LaterPool(daemon.jobs, Entitlement(shared.configuration.limits.settings.clients).of).running() as later,
            taking(shared.configuration.tokens) as redeemer,
            trio.open_nursery() as nursery,
        ):
            for opened in shared.sockets:
                sock, serving = opened.socks[seat.number], _serving(opened.protocol, daemon, shared, redeemer)
                listener = await nursery.start(serving, sock, daemon.handler, daemon.clock, later)
                listeners.append((opened, listener))
            nursery.start_soon(_end_when_orphaned, seat, nursery.cancel_scope)
            seat.say_ready()
            async for number in signals:
                if number != signal.SIGHUP:
                    break
                daemon.reload()
                if shared.tls is not None:
                    shared.tls.reload(daemon.clock.now())
            nursery.cancel_scope.cancel()
            _tell_counts(daemon, listeners, later)
            if shared.gateway is not None:
                log.info("event=statistics %s", _pairs(shared.gateway.statistics()))
            if redeemer is not None:
                log.info(
                    "event=statistics %s", _pairs({f"tokens_{word}": n for word, n in redeemer.counts.items()})
                )


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


def _tell_counts(
    daemon: Daemon, listeners: list[tuple[Opened, UdpListener | TcpListener]], later: LaterPool
) -> None:
    for opened, listener in listeners:
        log.info("event=statistics %s %s", opened.to_text(), _pairs(asdict(listener.statistics())))
    pool = later.statistics()
    turned_away = {"crowded": pool.crowded, "evicted": pool.evicted}
    log.info("event=statistics %s", _pairs(daemon.counts() | turned_away))


def _pairs(counts: dict[str, int]) -> str:
    return " ".join(f"{name}={count}" for name, count in counts.items())


async def _end_when_orphaned(seat: Seat, scope: trio.CancelScope) -> None:
    await trio.lowlevel.wait_readable(seat.lifeline)
    log.warning("event=stopping reason=%s", quoted("the supervisor is gone"))
    scope.cancel()
