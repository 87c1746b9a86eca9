"""Opening the sockets that a configuration names, all of them or none."""

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


@dataclass(frozen=True, slots=True)
class Opened:
    """A bound socket; for TCP it is listening already.

    Attributes:
        protocol: What is spoken there.
        endpoint: Where it is, also when the kernel was asked for any free port.
        sock: The socket, closed by whoever opened all of them.
    """

    protocol: Protocol
    endpoint: Endpoint
    sock: socket.socket

    def to_text(self) -> str:
        """Return `udp=127.0.0.1#5301`."""
        return f"{self.protocol}={self.endpoint.to_text()}"


@contextmanager
def opened_sockets(configuration: Configuration) -> Iterator[list[Opened]]:
    """Open every socket of [listen]; they are closed at the end.

    Raises:
        ConfigError: With a fault for each that cannot be had; none is open then.
    """
    wanted = [
        (key.name, index, protocol, endpoint, opening)
        for key, protocol, endpoints, opening in (
            (s.UDP, Protocol.UDP, configuration.listen.udp, open_udp),
            (s.TCP, Protocol.TCP, configuration.listen.tcp, open_tcp),
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
                found.append(_opened(stack, protocol, endpoint, opening))
            except OSError as error:
                reason = f"cannot listen on {endpoint.to_text()} ({protocol}): {os.strerror(error.errno or 0)}"
                faults.append(configuration.fault(s.LISTEN.where(key, index), reason))
        if faults:
            raise ConfigError(faults)
        yield found


def _opened(
    stack: ExitStack, protocol: Protocol, endpoint: Endpoint, opening: Callable[[Endpoint], socket.socket]
) -> Opened:
    sock = stack.enter_context(opening(endpoint))
    return Opened(protocol, Endpoint(*sock.getsockname()[:2]), sock)
