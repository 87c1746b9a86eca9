"""Opening the sockets that a configuration names, all of them or none.

Each worker has a socket of its own at every address, and the kernel spreads clients over them by address and port
(SO_REUSEPORT). The first socket of an address is opened alone, and lets others beside it only once it is there:
so an address that anybody else has, be it another daemon of the same user that shares it among its own workers, is
refused. Whoever opened them keeps them open: what has come for a worker that died waits there for its successor.
"""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from fingerpost import sections as s
from fingerpost.configuration import Configuration
from transport.endpoint import Endpoint
from transport.handler import Protocol
from transport.tcp_listener import open_tcp
from transport.udp_listener import open_udp
from zonedata.errors import ConfigError, Fault

_Opening = Callable[[Endpoint, bool], socket.socket]  # where, and whether beside sockets that are there already


@dataclass(frozen=True, slots=True)
class Opened:
    """An address at which we are; for streams the sockets are listening already.

    Attributes:
        protocol: What is spoken there.
        endpoint: Where it is, also when the kernel was asked for any free port.
        socks: A socket for each worker, by its number; closed by whoever opened all of them.
    """

    protocol: Protocol
    endpoint: Endpoint
    socks: tuple[socket.socket, ...]

    def close(self) -> None:
        """Close all sockets: in this process nobody answers there."""
        for sock in self.socks:
            sock.close()

    def leave_to(self, number: int) -> None:
        """Close the sockets of all workers but one: in its process the others are only in the way."""
        for other, sock in enumerate(self.socks):
            if other != number:
                sock.close()

    def to_text(self) -> str:
        """Return `udp=127.0.0.1#5301`."""
        return f"{self.protocol}={self.endpoint.to_text()}"


@contextmanager
def opened_sockets(configuration: Configuration, workers: int) -> Iterator[tuple[Opened, ...]]:
    """Open every socket of [listen], for so many workers; they are closed at the end.

    Raises:
        ConfigError: With a fault for each that cannot be had; none is open then.
    """
    wanted = [
        (key.name, index, protocol, endpoint, opening)
        for key, protocol, endpoints, opening in (
            (s.UDP, Protocol.UDP, configuration.listen.udp, open_udp),
            (s.TCP, Protocol.TCP, configuration.listen.tcp, open_tcp),
            (s.TLS, Protocol.TLS, configuration.listen.tls, open_tcp),
            (s.HTTPS, Protocol.HTTPS, configuration.listen.https, open_tcp),
            (s.QUIC, Protocol.QUIC, configuration.listen.quic, open_udp),
        )
        for index, endpoint in enumerate(endpoints)
    ]
    if not wanted:
        raise ConfigError([configuration.fault(s.LISTEN.where(), "has no address; nothing would be heard")])
    found: list[Opened] = []
    faults: list[Fault] = []
    with ExitStack() as stack:
        for key, index, protocol, endpoint, opening in wanted:
            try:
                found.append(_opened(stack, protocol, endpoint, opening, workers))
            except OSError as error:
                reason = f"cannot listen on {endpoint.to_text()} ({protocol}): {os.strerror(error.errno or 0)}"
                faults.append(configuration.fault(s.LISTEN.where(key, index), reason))
        if faults:
            raise ConfigError(faults)
        yield tuple(found)


def _opened(stack: ExitStack, protocol: Protocol, endpoint: Endpoint, opening: _Opening, workers: int) -> Opened:
    first = stack.enter_context(opening(endpoint, False))
    here = Endpoint(*first.getsockname()[:2])
    if workers > 1:
        first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    others = [stack.enter_context(opening(here, True)) for _ in range(1, workers)]
    return Opened(protocol, here, (first, *others))
