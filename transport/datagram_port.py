"""One connected datagram socket, and which of the exchanges that wait on it a datagram is for.

A port is on the way to one endpoint, and the kernel lets nothing in that has another source. Several exchanges
wait on it at once, so a datagram is matched by its id, with four rules:

- An id is asked with once in a port's life. A reply, however late, is never taken for another's.
- What has the id of an exchange is offered to that one alone, even if somebody else put the same question.
- What has the id of an exchange that is over is late, or sent twice: ignored.
- What has an id that was never asked with here is somebody's guess. Every exchange that waits here is offered
  it, since only `accept` can tell a guess at its own reply from noise, and nobody asks from this port again: it
  has been found.

Left out: which port an exchange leaves from, and when a port has lived long enough (datagram_pool).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import trio

from transport.datagram import MAX_DATAGRAM, READ_SIZE, open_datagram_socket
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.stream_link import ID, Accept

MAX_EXCHANGES: Final = 32  # from one port: a thirty-second of the cost of opening is little, and few hear a guess
LOOKS: Final = 64  # calls of `accept` between two looks at the event loop: a forger sends thousands of datagrams


@dataclass(slots=True, eq=False)
class Exchange:
    """One message, until its reply is there.

    Attributes:
        message: What is asked, id first.
        accept: Whether a datagram is the reply.
        task: Who waits; rescheduled once: when one of the two below is set, or, with neither, in time.
        reply: What `accept` took.
        error: Why no reply can come any more.
    """

    message: bytes
    accept: Accept
    task: trio.lowlevel.Task
    reply: bytes | None = None
    error: Exception | None = None


Told = Callable[["DatagramPort"], None]


class DatagramPort:
    """A socket from a port that the kernel picked at random, and those who wait on it.

    All of it is synchronous: who sends waits elsewhere, and who reads is told when to.

    Attributes:
        sock: What to watch for being readable; ours to read, write and close.
        in_flight: How many exchanges wait here.
        is_taking: Whether it takes more exchanges.
        is_closed: Whether the socket is closed.
        is_aged: The pool's mark: it was there at the last tick.

    Args:
        endpoint: Who is asked.
        retired: Told once, when this port takes no more exchanges.
        rested: Told when the last exchange in flight has ended.

    Raises:
        OSError: There is no descriptor left, no way there, or the like.
    """

    def __init__(self, endpoint: Endpoint, retired: Told, rested: Told) -> None:
        self.endpoint = endpoint
        self.in_flight = 0
        self.is_taking = True
        self.is_closed = False
        self.is_aged = False
        self._retired = retired
        self._rested = rested
        self._asked: dict[bytes, Exchange | None] = {}  # by id; None once it is over; at most MAX_EXCHANGES
        self.sock = open_datagram_socket(endpoint.family)
        try:
            self.sock.connect((endpoint.host, endpoint.port))
        except OSError:
            self.sock.close()
            raise

    def has_asked_with(self, own: bytes) -> bool:
        """Whether an id is spent here."""
        return own in self._asked

    def send(self, exchange: Exchange) -> None:
        """Send the message of an exchange, which waits here from now on.

        Raises:
            OSError: It was not sent. The reason may be older: the kernel says here too what became of an earlier
                datagram.
        """
        own = exchange.message[:ID]
        assert self.is_taking, "a retired port was asked from"
        assert own not in self._asked, "an id was asked with twice"
        self.sock.send(exchange.message)
        self._asked[own] = exchange
        self.in_flight += 1
        if len(self._asked) >= MAX_EXCHANGES:
            self.retire()

    def leave(self, exchange: Exchange) -> None:
        """Forget an exchange: it is over, one way or another."""
        self._asked[exchange.message[:ID]] = None
        self.in_flight -= 1
        if not self.in_flight:
            self._rested(self)

    def waits_for(self, own: bytes) -> bool:
        """Whether the exchange of an id has not ended."""
        return self._asked.get(own) is not None

    def give_up(self, own: bytes) -> None:
        """End the exchange of an id without a reply, if it still waits."""
        exchange = self._asked.get(own)
        if exchange is not None:
            self._end(exchange)

    def retire(self) -> None:
        """Take no more exchanges."""
        if self.is_taking:
            self.is_taking = False
            self._retired(self)

    def fail(self, reason: str, cause: BaseException | None = None) -> None:
        """Tell everybody who waits here that no reply can come any more, and take no more exchanges."""
        self.retire()
        for exchange in self._waiting():
            exchange.error = UnreachableError(self.endpoint.to_text(), reason)
            exchange.error.__cause__ = cause
            self._end(exchange)

    def close(self) -> None:
        """Close the socket, on which nobody waits."""
        assert not self.in_flight, "somebody still waits here"
        self.is_closed = True
        self.sock.close()

    def read(self) -> int:
        """Hand out what has arrived, and return how many looks that took: little more than `LOOKS` at most.

        What is left stays with the kernel, in order. Nothing is passed over: whoever could make us look away
        from guesses could guess at leisure.
        """
        looks = 0
        while looks < LOOKS and not self.is_closed:
            try:
                datagram_untrusted = self.sock.recv(READ_SIZE)
            except BlockingIOError:
                break
            except OSError as error:
                self.fail(error.strerror or str(error), error)
                break
            looks += 1
            if len(datagram_untrusted) <= MAX_DATAGRAM:
                looks += self._deliver_untrusted(datagram_untrusted)
        return looks

    def _deliver_untrusted(self, datagram: bytes) -> int:
        """Return how many were offered it needlessly."""
        own = datagram[:ID]
        if own in self._asked:
            exchange = self._asked[own]
            if exchange is not None:
                self._offer(exchange, datagram)
            return 0
        waiting = self._waiting()
        self.retire()
        for exchange in waiting:
            self._offer(exchange, datagram)
        return len(waiting)

    def _offer(self, exchange: Exchange, datagram: bytes) -> None:
        try:
            if not exchange.accept(datagram):
                return
        except Exception as error:  # noqa: BLE001 - one caller's bug must not end the reading for all others
            exchange.error = error
        else:
            exchange.reply = datagram
        self._end(exchange)

    def _end(self, exchange: Exchange) -> None:
        self.leave(exchange)
        trio.lowlevel.reschedule(exchange.task)

    def _waiting(self) -> list[Exchange]:
        return [exchange for exchange in self._asked.values() if exchange is not None]
