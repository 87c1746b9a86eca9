"""`fingerpost serve`: an authority or a resolver, from its sockets to its end.

    configuration -> sockets opened -> keys or anchor read -> workers forked -> all ready -> signals -> end

This process opens, reads and checks everything, so that what is wrong is said once and nothing is half started.
Then it supervises workers, which do all the answering. SIGTERM and SIGINT end them: nothing more is taken, what is
in hand has a second or two; a second signal ends them at once. SIGHUP makes an authority go over to a newly signed
store, and both to a new certificate.
"""

import argparse
import logging
import os
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from fingerpost import readiness, served_quic, worker
from fingerpost.arguments import Subparsers, add_command
from fingerpost.configuration import Configuration, read
from fingerpost.control.steering import Steering
from fingerpost.gateway_sections import OBLIVIOUS
from fingerpost.limit_sections import LIMITS
from fingerpost.listening import Opened, opened_sockets
from fingerpost.readiness import Readiness
from fingerpost.sections import AUTHORITY, MAX_WORKERS, RESOLVER
from fingerpost.served_https import Gateway
from fingerpost.served_store import ServedStore
from fingerpost.served_tls import ServedTls
from fingerpost.shared import Shared
from fingerpost.shared_limits import prepared
from fingerpost.supervisor import Seat, Supervisor
from fingerpost.tokens.sections import TOKENS
from fingerpost.tokens.taking import redeemer_of
from fingerpost.tree_tables import TREE
from fingerpost.upstream import trust_of
from zonedata import keys

if TYPE_CHECKING:
    from fingerpost.control.desk import Desk

_EPILOG = """\
Answers at the addresses in [listen]: as an authority from the store that
'fingerpost sign' made, or as a resolver that walks the tree from the root.
[process] says with how many workers; one that dies is replaced. Log lines go
to standard error; 'event=ready' is the last one of the start.

signals:
  TERM, INT   end gracefully, with status 0; a second one kills, with status 1
  HUP         an authority opens the store that is there now, and the files of
              [tls] and secrets for cookies are read again; what fails goes on
              with the old one

examples:
  fingerpost serve msp.toml
  fingerpost serve resolver.toml --ready-fd 3 3>ready
"""

log = logging.getLogger(__name__)


def add_parser(subparsers: Subparsers) -> None:
    """Add it to the tree."""
    parser = add_command(subparsers, "serve", "answer questions, as an authority or as a resolver", _EPILOG)
    parser.add_argument("config", type=Path, metavar="CONFIG", help="a configuration with [listen]")
    readiness.add_argument(parser)
    parser.set_defaults(refuse=parser.error)


def run(args: argparse.Namespace) -> int:
    """Serve until told to end, and return the exit status."""
    readiness.check(args)
    inspected = (AUTHORITY.name, RESOLVER.name, TREE.name, LIMITS.name, OBLIVIOUS.name, TOKENS.name)
    configuration = read(args.config, inspect=inspected)
    workers = configuration.process.workers or cores()
    with opened_sockets(configuration, workers) as sockets, _desk(configuration, workers) as desk:
        shared = _prepared(configuration, sockets, desk)
        ready = Readiness(shared.sockets, args.ready_fd)

        def work(seat: Seat) -> int:
            ready.close()
            if desk is None:
                return worker.work(shared, seat)
            if seat.number < workers:
                desk.close()
                return worker.work(shared, seat)
            for opened in sockets:
                opened.close()
            return desk.work(seat)

        def reload() -> None:
            if shared.tls is not None:
                shared.tls.reload(time.time())

        if desk is None:
            status = Supervisor(workers, work, ready.tell, reload).run()
        else:
            steering = Steering(desk.channels.supervisor[1])
            status = Supervisor(workers + 1, work, ready.tell, reload, desk.rows.bury, steering, desk.name_of).run()
    log.info("event=stopped")
    return status


def _gateway(configuration: Configuration) -> Gateway | None:
    """Make what answers sealed requests, if the configuration has it."""
    if configuration.oblivious is None:
        return None
    from fingerpost.served_gateway import ServedGateway  # noqa: PLC0415 - takes long to import, and few have it

    return ServedGateway(configuration.oblivious)


def _desk(configuration: Configuration, workers: int) -> AbstractContextManager["Desk | None"]:
    """Open what answers `fingerpost ctl` and watchers, if the configuration has it."""
    if not configuration.control.is_wanted:
        return nullcontext()
    from fingerpost.control.desk_sockets import opened_desk  # noqa: PLC0415 - as above

    return opened_desk(configuration, workers)


def cores() -> int:
    """Return on how many cores this process may run; no more than there may be workers."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system can that be asked
        count = os.cpu_count() or 1
    return min(count, MAX_WORKERS)


def _prepared(configuration: Configuration, sockets: tuple[Opened, ...], desk: "Desk | None") -> Shared:
    """Make what all workers share; what would stop them is found here."""
    authority = configuration.authority
    asked = None if desk is None else (desk.channels, desk.rows)
    tls = ServedTls(configuration, time.time()) if configuration.tls is not None else None
    if configuration.listen.quic and tls is not None:
        served_quic.prepare(configuration, tls)
    if authority is None:
        trust, limits = trust_of(configuration), prepared(configuration)
        if configuration.tokens is not None:
            redeemer_of(configuration.tokens)[1].close()  # each worker opens it again
        return Shared(configuration, sockets, trust, None, limits, tls, _gateway(configuration), asked)
    deny_key = keys.load(authority.deny_key) if authority.deny_key is not None else None
    ServedStore(configuration, deny_key).close()  # LMDB cannot cross a fork: each worker opens it again
    return Shared(configuration, sockets, None, deny_key, prepared(configuration), tls, desk=asked)
