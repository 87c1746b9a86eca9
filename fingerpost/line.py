"""A connection to a server of others that somebody else can cut: for conversations that block, in a thread.

The time limit of a socket counts for each read of it, so a server that drips keeps a thread for as long as it
likes. Whoever waits for the thread cuts the line when it has waited enough, and the next read fails at once.
"""

import os
import socket
from threading import Lock


class Line:
    """One conversation's connection, before, during and after it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._held: socket.socket | None = None
        self._is_cut = False

    def connect(self, host: str, port: int, seconds: float) -> socket.socket:
        """Connect to the first address of a host that answers; each of them, and each read, may take so long.

        Raises:
            OSError: None answers, or the line was cut.
            UnicodeError: The host cannot be a name.
        """
        fault = OSError("it has no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            try:
                sock = socket.socket(family, kind, protocol)
            except OSError as error:  # a family that the kernel has not got
                fault = error
                continue
            try:
                sock.settimeout(seconds)
                self._hold(sock)
                sock.connect(address)
                if self._is_cut:  # perhaps before there was anything to cut
                    raise TimeoutError
            except OSError as error:
                sock.close()
                fault = error
                continue
            return sock
        raise fault

    def cut(self) -> None:
        """End the conversation, be it over or not; from any thread."""
        with self._lock:
            self._is_cut = True
            self._let_go()

    def _hold(self, sock: socket.socket) -> None:
        """Keep a descriptor of our own: TLS takes the one of the socket away."""
        with self._lock:
            self._let_go()
            if self._is_cut:
                raise TimeoutError
            self._held = socket.socket(fileno=os.dup(sock.fileno()))

    def _let_go(self) -> None:
        if self._held is None:
            return
        try:
            self._held.shutdown(socket.SHUT_RDWR)
        except OSError:  # it is not connected, or no longer
            pass
        finally:
            self._held.close()
            self._held = None
