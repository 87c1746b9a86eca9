"""What a listener is handed: a function from a message to what is to happen with it.

A handler is an ordinary function, never waits and never raises: it is its own barrier for bugs. What needs
waiting goes into a `Later`.
"""

import typing
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from transport.endpoint import Endpoint


class Protocol(StrEnum):
    """Over what a message comes or goes."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"  # RFC 7858
    HTTPS = "https"  # RFC 8484
    QUIC = "quic"  # RFC 9250

    @property
    def is_encrypted(self) -> bool:
        """Whether nobody on the way can read it."""
        return self not in {Protocol.UDP, Protocol.TCP}


@dataclass(slots=True, unsafe_hash=True)  # one a look-up: decision 0016
class Caller:
    """Who sent a message.

    Attributes:
        endpoint: Where it says it comes from. On UDP nothing proves that.
        protocol: Over what it came.
        identity: The name of a client that has proved who it is, by its certificate or a bearer token; else "".
        is_paid: Whether a token that tells nothing of its owner pays for this message.
    """

    endpoint: Endpoint
    protocol: Protocol
    identity: str = ""
    is_paid: bool = False


def _silence() -> None:
    return None


@dataclass(slots=True)  # one a look-up: decision 0016
class Later:
    """Work for a task of its own.

    Attributes:
        work: Returns the reply, or None for silence; lets nothing out but cancellation.
        crowded: Returns what a datagram is told instead where its client has as much in hand as it may, or None.
    """

    work: Callable[[], Awaitable[bytes | None]]
    crowded: Callable[[], bytes | None] = _silence


Verdict = bytes | Later | None  # answer now, answer later, stay silent
Handler = Callable[[bytes, Caller, float], Verdict]  # the message, who sent it, now in Unix seconds


class Admit(typing.Protocol):
    """Says whether an address may begin one more encrypted connection, which costs what dozens of questions do.

    An ordinary function as well; never waits and never raises.
    """

    def __call__(self, host: str, now: float, /, *, is_proven: bool = True) -> bool:
        """Return whether it may, and count it if nobody else can have begun it in that address's name.

        Args:
            host: Where it comes from.
            now: Unix seconds.
            is_proven: Whether that is certain; if not, nothing is counted.
        """
        ...


def admit_all(_host: str, _now: float, *, is_proven: bool = True) -> bool:  # noqa: ARG001 - as `Admit` has it
    """Let everybody in."""
    return True
