"""`fingerpost serve`: an authority or a resolver, from its sockets to its end.

    sockets opened -> store or anchor opened -> listeners running -> ready -> signals -> graceful end

SIGTERM and SIGINT end it: nothing more is taken, what is in hand has a second or two; a second signal ends it at
once. SIGHUP makes an authority go over to a newly signed store.
"""

import argparse
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import trio

from fingerpost.arguments import Subparsers, add_command
from fingerpost.configuration import Configuration, read
from fingerpost.listening import Opened, opened_sockets
from fingerpost.sections import AUTHORITY, RESOLVER
from fingerpost.served_store import ServedStore
from fingerpost.upstream import trust_of
from resolver.service import ResolverService
from resolver.settings import Settings
from transport.clock import Clock
from transport.dialer import SocketDialer
from transport.handler import Handler, Protocol
from transport.later import LaterPool
from transport.slots import StreamLimits
from transport.tcp_listener import serve_tcp
from transport.udp_listener import serve_udp
from zonedata.trust import Trust

AUTHORITY_JOBS = 1  # an authority answers at once and never starts a job; the pool needs a bound all the same
FIRST_OWN_FD = 3  # below are the standard streams, which are not ours to close

_EPILOG = """\
Answers at the addresses in [listen]: as an authority from the store that 'fingerpost sign' made, or as a resolver
that walks the tree from the root. Log lines go to standard error; 'event=ready' is the last one of the start.

signals:
  TERM, INT   end gracefully, with status 0
  HUP         an authority opens the store that is there now; when that fails it goes on with the old one

examples:
  fingerpost serve msp.toml
  fingerpost serve resolver.toml --ready-fd 3 3>ready
"""

log = logging.getLogger(__name__)


def add_parser(subparsers: Subparsers) -> None:
    """Add it to the tree."""
    parser = add_command(subparsers, "serve", "answer questions, as an authority or as a resolver", _EPILOG)
    parser.add_argument("config", type=Path, metavar="CONFIG", help="a configuration with [listen]")
    parser.add_argument(
        "--ready-fd", type=int, metavar="N", help="when ready, write a line with every address to this descriptor"
    )
    parser.set_defaults(refuse=parser.error)


def run(args: argparse.Namespace) -> int:
    """Serve until told to end, and return the exit status."""
    if args.ready_fd is not None:
        try:
            os.fstat(args.ready_fd)
        except OSError:
            args.refuse(f"--ready-fd {args.ready_fd}: this descriptor is not open")
    configuration = read(args.config, inspect=(AUTHORITY.name, RESOLVER.name))
    with opened_sockets(configuration) as sockets:
        ready = partial(_say_ready, sockets, args.ready_fd)
        if configuration.resolver is not None:
            trust = trust_of(configuration)
            _serve(sockets, ready, configuration.resolver.lookups, partial(_resolver, configuration, trust))
        else:
            store = ServedStore(configuration)
            try:
                _serve(sockets, ready, AUTHORITY_JOBS, partial(_authority, store))
            finally:
                store.close()
    log.info("event=stopped")
    return 0


@dataclass(frozen=True, slots=True)
class Daemon:
    """What answers, and what it does on SIGHUP."""

    handler: Handler
    clock: Clock
    reload: Callable[[], None]


Opening = Callable[[], AbstractAsyncContextManager[Daemon]]


@asynccontextmanager
async def _authority(store: ServedStore) -> AsyncIterator[Daemon]:
    log.info("event=store-opened serial=%d", store.serial)
    yield Daemon(store.handle, Clock(), store.reload)


@asynccontextmanager
async def _resolver(configuration: Configuration, trust: Trust) -> AsyncIterator[Daemon]:
    assert configuration.resolver is not None, "the caller has looked"
    clock = Clock()
    settings = Settings(apex=configuration.apex, lab_addresses=configuration.resolver.lab_addresses)
    async with SocketDialer() as dialer:
        service = ResolverService(trust, dialer, clock, settings)
        yield Daemon(service.handle, clock, lambda: log.info("event=reload-not-needed"))


def _serve(sockets: list[Opened], ready: Callable[[], None], jobs: int, opening: Opening) -> None:
    trio.run(_run, sockets, ready, jobs, opening)


async def _run(sockets: list[Opened], ready: Callable[[], None], jobs: int, opening: Opening) -> None:
    """Run the daemon inside, its listeners innermost, until a signal ends it."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        async with opening() as daemon, LaterPool(jobs).running() as later, trio.open_nursery() as nursery:
            for opened in sockets:
                serving = (
                    serve_udp if opened.protocol is Protocol.UDP else partial(serve_tcp, limits=StreamLimits())
                )
                await nursery.start(serving, opened.sock, daemon.handler, daemon.clock, later)
                log.info("event=listening protocol=%s address=%s", opened.protocol, opened.endpoint.to_text())
            ready()
            async for number in signals:
                if number != signal.SIGHUP:
                    log.info("event=stopping signal=%s", signal.Signals(number).name)
                    break
                daemon.reload()
            nursery.cancel_scope.cancel()


def _say_ready(sockets: list[Opened], descriptor: int | None) -> None:
    text = " ".join(opened.to_text() for opened in sockets)
    log.info("event=ready %s", text)
    if descriptor is None:
        return
    try:
        os.write(descriptor, f"ready {text}\n".encode())
    except OSError as error:  # whoever wanted to know has gone
        log.warning("event=ready-not-told descriptor=%d reason=%s", descriptor, error.strerror)
    if descriptor >= FIRST_OWN_FD:
        os.close(descriptor)
