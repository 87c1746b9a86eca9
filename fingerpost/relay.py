"""`fingerpost relay`: a relay, from its sockets to its end.

configuration -> certificate read -> sockets opened -> listeners running -> ready -> signals -> end

SIGHUP makes it go over to a new certificate, as it does a daemon.
"""

import argparse
import logging
import os
import socket
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import trio

from fingerpost import readiness, relay_configuration, relaying
from fingerpost import relay_sections as r
from fingerpost.arguments import Subparsers, add_command
from fingerpost.listening import Opened
from fingerpost.readiness import Readiness
from fingerpost.relay_configuration import RelayConfiguration
from fingerpost.served_tls import ServedTls
from transport.clients import Clients, source_of
from transport.clock import Clock
from transport.endpoint import Endpoint
from transport.entitlement import Entitlement
from transport.handler import Protocol
from transport.http2.limits import SEALED_QUEUED, Http2Limits
from transport.http2.listener import serve_https
from transport.http2.messages import RequestHandler
from transport.http2.routes import Route, Routes
from transport.later import LaterPool
from transport.oblivious.http_link import HttpLink
from transport.oblivious.relay import CONNECTIONS, MAX_IN_HAND, MAX_OF_ONE, Relay
from transport.oblivious.sizes import MAX_SEALED_REQUEST
from transport.rates import Rates, shared_table
from transport.slots import StreamLimits
from transport.tcp_listener import TcpListener, open_tcp
from transport.tls.client import ClientTls
from transport.tls.stream import Alpn
from zonedata.errors import ConfigError

_EPILOG = """\
Takes sealed requests of clients at the addresses in [relay], in HTTP/2 over
TLS, and posts them to its one gateway. It sees who asks, and not what; the
gateway sees what, and not who. Run it apart from any gateway.

signals:
  TERM, INT   end gracefully, with status 0
  HUP         the certificate and its key are read again; if they are not
              sound, it goes on with the old ones

examples:
  fingerpost relay relay.toml
  fingerpost relay relay.toml --ready-fd 3 3>ready
"""

log = logging.getLogger(__name__)


def add_parser(subparsers: Subparsers) -> None:
    """Add it to the tree."""
    parser = add_command(subparsers, "relay", "post sealed requests on, so that no resolver sees who asks", _EPILOG)
    parser.add_argument("config", type=Path, metavar="CONFIG", help="a configuration with [relay]")
    readiness.add_argument(parser)
    parser.set_defaults(refuse=parser.error)


def run(args: argparse.Namespace) -> int:
    """Relay until told to end, and return the exit status."""
    readiness.check(args)
    configuration = relay_configuration.read(args.config)
    tls = ServedTls(configuration, time.time(), r.RELAY)
    with ExitStack() as stack:
        opened = [_opened(configuration, stack, index, one) for index, one in enumerate(configuration.relay.listen)]
        ready = Readiness(tuple(opened), args.ready_fd)
        trio.run(_relay, configuration.relay, tls, [one.socks[0] for one in opened], ready)
    log.info("event=stopped")
    return 0


async def _relay(part: r.RelayPart, tls: ServedTls, sockets: list[socket.socket], ready: Readiness) -> None:
    clock, connect = Clock(), partial(_connected, part, ClientTls())
    async with (
        HttpLink(part.gateway.authority, connect, CONNECTIONS, relaying.GatewayWatch().notice).running() as link,
        LaterPool(MAX_IN_HAND, Entitlement(part.rates.clients).of, MAX_OF_ONE).running() as later,
    ):
        clients = Clients(part.rates)
        rates = Rates(clients, shared_table())
        relay = Relay(link.request, part.gateway.path, rates, part.path, names_clients=part.logs_clients)

        def admit(host: str, now: float, *, is_proven: bool = True) -> bool:
            source = source_of(host)
            return rates.passes_handshake(source, clients.of_source(source), now, is_proven=is_proven)

        async def serve(
            sock: socket.socket, handler: RequestHandler, *, task_status: trio.TaskStatus[TcpListener]
        ) -> None:
            routes = Routes({part.path: Route(handler, ("POST",), MAX_SEALED_REQUEST)})
            secure = partial(tls.server.handshake, alpn=Alpn.H2)
            http = Http2Limits(queued=SEALED_QUEUED)
            serving = partial(serve_https, limits=StreamLimits(), secure=secure, admit=admit, http=http)
            await serving(sock, routes, clock, later, task_status=task_status)

        def reload() -> None:
            tls.reload(clock.now())

        await relaying.run(relay, [partial(serve, sock) for sock in sockets], ready.tell, reload)


async def _connected(part: r.RelayPart, tls: ClientTls) -> trio.abc.Stream:
    """Connect to the gateway, at one of its addresses, and have it prove that it is."""
    if part.address is not None:
        return await tls.connect(part.address, part.proof, Alpn.H2)
    found = await trio.socket.getaddrinfo(part.gateway.host, part.gateway.port, type=socket.SOCK_STREAM)
    hosts = dict.fromkeys(str(address[0]) for *_, address in found)
    endpoints = [Endpoint(host, part.gateway.port) for host in hosts]
    return await tls.connect_any(endpoints, part.proof, Alpn.H2)


def _opened(configuration: RelayConfiguration, stack: ExitStack, index: int, endpoint: Endpoint) -> Opened:
    try:
        sock = stack.enter_context(open_tcp(endpoint))
    except OSError as error:
        reason = f"cannot listen on {endpoint.to_text()}: {os.strerror(error.errno or 0)}"
        raise ConfigError([configuration.fault(r.RELAY.where(r.LISTEN.name, index), reason)]) from error
    return Opened(Protocol.HTTPS, Endpoint(*sock.getsockname()[:2]), (sock,))
