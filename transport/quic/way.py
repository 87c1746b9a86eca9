"""The way to one server: datagrams there and back, on a socket or in a test."""

import logging
from typing import Protocol

import trio

from transport.datagram import READ_SIZE, open_datagram_socket
from transport.endpoint import Endpoint

log = logging.getLogger(__name__)


class Way(Protocol):
    """Datagrams to one endpoint, and from it alone."""

    def send(self, datagram: bytes) -> None:
        """Send one, or lose it."""
        ...

    async def receive(self) -> bytes:
        """Return the next one.

        Raises:
            OSError: Somebody on the way says that nobody is there; there may be more to receive all the same.
        """
        ...

    def close(self) -> None:
        """Be done with it."""
        ...


class SocketWay:
    """A way on a socket of its own, into which the kernel lets nothing from anywhere else.

    Raises:
        OSError: There is no way there.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._sock = open_datagram_socket(endpoint.family)
        try:
            self._sock.connect((endpoint.host, endpoint.port))
        except OSError:
            self._sock.close()
            raise

    def send(self, datagram: bytes) -> None:
        """See `Way.send`."""
        try:
            self._sock.send(datagram)
        except OSError as error:  # no buffer, or an ICMP message
            log.debug("event=datagram-lost reason=%r", error.strerror)

    async def receive(self) -> bytes:
        """See `Way.receive`."""
        while True:
            await trio.lowlevel.wait_readable(self._sock)
            try:
                return self._sock.recv(READ_SIZE)
            except BlockingIOError:
                continue

    def close(self) -> None:
        """See `Way.close`."""
        self._sock.close()
