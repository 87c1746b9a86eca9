"""Messages on a stream: two octets of length before each (RFC 1035 section 4.2.2, RFC 7766 section 8).

Pure. A length that cannot be is refused as soon as its two octets are there, before anything is gathered
for it. Left out: how long to wait for the rest.
"""

from typing import Self

PREFIX = 2  # octets of length
MAX_MESSAGE = 65_535  # what two octets can say


class FramingError(ValueError):
    """The other side announced a length that is not allowed; nothing after it can be understood."""


def frame(message: bytes) -> bytes:
    """Return the message with its length before it.

    Raises:
        ValueError: It is empty, or longer than two octets can say.
    """
    if not 0 < len(message) <= MAX_MESSAGE:
        raise ValueError(f"message of {len(message)} octets, a stream carries 1 to {MAX_MESSAGE}")
    return len(message).to_bytes(PREFIX) + message


def split(octets: bytes) -> tuple[list[bytes], int]:
    """Take the whole messages off the beginning of what came; for whoever reads many at a time.

    Returns:
        The messages, and how many octets they took with their lengths.

    Raises:
        FramingError: An empty message is announced.
    """
    found = []
    at, end = 0, len(octets)
    while at + PREFIX <= end:
        length = octets[at] << 8 | octets[at + 1]
        if not length:
            raise FramingError(f"message of 0 octets announced, 1 to {MAX_MESSAGE} are allowed")
        start = at + PREFIX
        if start + length > end:
            break
        at = start + length
        found.append(octets[start:at])
    return found, at


class Deframer:
    """Takes octets as they come and gives whole messages.

    Iterating gives what is whole now; feed more and iterate again. It holds one unfinished message and what
    was fed since the last iteration.

    Args:
        limit: The longest message allowed, in octets.
    """

    def __init__(self, limit: int = MAX_MESSAGE) -> None:
        self._limit = limit
        self._buffer = bytearray()

    @property
    def partial(self) -> bool:
        """Whether something has come that was not yet given out."""
        return bool(self._buffer)

    def feed(self, data: bytes | bytearray) -> None:
        """Take the next octets of the stream."""
        self._buffer += data

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        """Return the next whole message.

        Raises:
            FramingError: The next message is announced as empty or as longer than allowed. It stays so.
        """
        if len(self._buffer) < PREFIX:
            raise StopIteration
        length = int.from_bytes(self._buffer[:PREFIX])
        if not 0 < length <= self._limit:
            raise FramingError(f"message of {length} octets announced, 1 to {self._limit} are allowed")
        end = PREFIX + length
        if len(self._buffer) < end:
            raise StopIteration
        message = bytes(self._buffer[PREFIX:end])
        del self._buffer[:end]
        return message
