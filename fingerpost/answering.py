"""An authority or a resolver, put together in a worker: what answers, without its listeners.

What cannot cross a fork is made here: the environment of the store, sockets for asking others, and what a resolver
remembers.
"""

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trio

from fingerpost.control.attending import Verb
from fingerpost.control.server_verbs import servers_forgotten, servers_shown
from fingerpost.logfmt import quoted
from fingerpost.sections import ResolverPart
from fingerpost.served_store import ServedStore
from fingerpost.shared import Shared
from fingerpost.shared_limits import Limiting
from resolver.cache import Stores
from resolver.durations import Durations
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
from transport.fast_path import FastPath
from transport.handler import Admit, Handler
from zonedata.packets import Packets
from zonedata.trust import Trust

WRITE_EVERY = 0.05  # seconds; other workers see what one has learnt after that, and a killed one loses that much
AUTHORITY_JOBS = 1  # an authority answers at once and never starts a job; the pool needs a bound all the same

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Daemon:
    """What answers, what it does on SIGHUP, what it has counted besides its listeners, what the desk may ask."""

    handler: Handler
    fast: FastPath
    admit: Admit
    clock: Clock
    jobs: int
    reload: Callable[[], None]
    counts: Callable[[], dict[str, int]]
    verbs: Mapping[str, Verb]
    durations: Durations | None = None


def opened(shared: Shared) -> AbstractAsyncContextManager[Daemon]:
    """Open what the configuration says that the daemon is."""
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

        yield Daemon(
            gate.handle,
            gate,
            gate.admit,
            Clock(),
            AUTHORITY_JOBS,
            reload,
            counts,
            {"zone show": lambda _: [store.to_text()]},
        )
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

        verbs = {
            "servers show": lambda words: servers_shown(service.servers, words, clock.now()),
            "servers forget": lambda words: servers_forgotten(service.servers, words),
        }

        def counts() -> dict[str, int]:
            searched = {f"searched_{outcome}": count for outcome, count in service.searched.items()}
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
            return {**ready, **searched, **kept, **known, **gate.counts()}

        yield Daemon(
            gate.handle, gate, gate.admit, clock, resolver.lookups, reload, counts, verbs, service.durations
        )


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
