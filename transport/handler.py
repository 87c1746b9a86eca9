"""What a listener is handed: a function from a message to what is to happen with it.

A handler is an ordinary function, never waits and never raises: it is its own barrier for bugs. What needs
waiting goes into a `Later`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from typing import Protocol as Interface

from transport.endpoint import Endpoint


class Protocol(StrEnum):
    """Over what a message comes or goes."""

    UDP = "udp"
    TCP = "tcp"


@dataclass(slots=True, unsafe_hash=True)  # one a look-up: decision 0016
class Caller:
    """Who sent a message.

    Attributes:
        endpoint: Where it says it comes from. On UDP nothing proves that.
        protocol: Over what it came.
    """

    endpoint: Endpoint
    protocol: Protocol


@dataclass(slots=True)  # one a look-up: decision 0016
class Later:
    """Work for a task of its own.

    Attributes:
        work: Returns the reply, or None for silence; lets nothing out but cancellation.
    """

    work: Callable[[], Awaitable[bytes | None]]


Verdict = bytes | Later | None  # answer now, answer later, stay silent
Handler = Callable[[bytes, Caller, float], Verdict]  # the message, who sent it, now in Unix seconds

NOT_READY: Final = -1  # of `FastPath.answer`: nothing is ready, the handler is to be asked


class FastPath(Interface):
    """Answers datagrams in place, out of what is ready; asked before the handler.

    It stands in the innermost loop, so it takes and gives numbers and buffers. Like a handler it never waits and
    never raises.
    """

    def answer(  # noqa: PLR0913, PLR0917 - numbers into buffers instead of slices of them: a slice costs as much as the rest
        self, inbox: memoryview, at: int, end: int, source: bytes, outbox: memoryview, to: int, now: float, /
    ) -> int:
        """Answer the message at `inbox[at:end]` into `outbox[to:]`, which has room for any datagram.

        Args:
            inbox: Has the message.
            at: Where it begins.
            end: Where it ends.
            source: The 4 or 16 octets of the IP address it says it comes from. Nothing proves that.
            outbox: Takes the answer; what stands behind it, as far as a datagram may reach, is anybody's.
            to: Where it is to begin.
            now: Unix seconds.

        Returns:
            The octets of the answer, 0 to stay silent, NOT_READY when the handler is to be asked.
        """
        ...


class NothingReady:
    """The fast path of a listener that has none."""

    def answer(  # noqa: PLR0913, PLR0917 - as FastPath
        self, inbox: memoryview, at: int, end: int, source: bytes, outbox: memoryview, to: int, now: float, /
    ) -> int:
        """See `FastPath.answer`."""
        del inbox, at, end, source, outbox, to, now
        return NOT_READY
