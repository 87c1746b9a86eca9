"""Ports on the loopback address: found free, held until a daemon is to take them; and one where nobody is.

A shell, of sockets that never carry anything.
"""

import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from fingerpost.demo.sources import LOOPBACK
from transport.endpoint import MAX_PORT

TRIES = 50  # for a number that is free for UDP and for TCP


class TakenError(Exception):
    """The port that was asked for is not free."""


class Held:
    """One number, bound for UDP and TCP and answering nothing."""

    def __init__(self, port: int = 0) -> None:
        """Bind a number; 0 takes any that is free for both.

        Raises:
            TakenError: It is not free.
        """
        for _ in range(TRIES):
            self._tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                self._tcp.bind((LOOPBACK, port))
                self.port: int = self._tcp.getsockname()[1]
                self._udp.bind((LOOPBACK, self.port))
            except OSError as error:
                self.release()
                if port:
                    raise TakenError(f"port {port} of {LOOPBACK} is not free: {error.strerror}") from error
            else:
                return
        raise TakenError(f"no port of {LOOPBACK} is free for both UDP and TCP")

    def refuse(self) -> None:
        """Hear nobody: a socket that is connected to itself leaves what others send to be refused at once."""
        self._udp.connect((LOOPBACK, self.port))

    def release(self) -> None:
        """Give the number back."""
        self._tcp.close()
        self._udp.close()


def _held(fixed: int, wished: int) -> Held:
    if fixed or not 0 < wished <= MAX_PORT:
        return Held(fixed)
    try:
        return Held(wished)
    except TakenError:
        return Held()


@contextmanager
def hold(
    names: Iterable[str], nobody: str, fixed: dict[str, int], wished: dict[str, int] | None = None
) -> Iterator[dict[str, Held]]:
    """Hold a number for each name, and one for `nobody` that refuses; all are released at the end.

    Args:
        names: Who will take one.
        nobody: Who will not.
        fixed: Numbers that a name must have.
        wished: Numbers that a name has if they are free.

    Raises:
        TakenError: One is not free.
    """
    held: dict[str, Held] = {}
    try:
        wished = wished or {}
        for name in dict.fromkeys((*sorted(fixed), *wished, *names, nobody)):
            held[name] = _held(fixed.get(name, 0), wished.get(name, 0))
        held[nobody].refuse()
        yield held
    finally:
        for one in held.values():
            one.release()
