"""DNS over dedicated QUIC connections (RFC 9250), as far as it is about octets on one stream. Pure.

Left out: replies, which `framing` frames like those on any stream, and what a query means.
"""

from enum import IntEnum

from transport.framing import PREFIX

ALPN = "doq"  # RFC 9250 section 4.1.1
ID = 2  # octets of id at the start of a message
NO_ID = bytes(ID)  # streams tell queries apart, and an id would only tell clients apart (section 4.2.1)


class Code(IntEnum):
    """Why a stream or a connection ends (RFC 9250 section 4.3)."""

    NO_ERROR = 0x0
    INTERNAL_ERROR = 0x1
    PROTOCOL_ERROR = 0x2
    REQUEST_CANCELLED = 0x3
    EXCESSIVE_LOAD = 0x4
    UNSPECIFIED_ERROR = 0x5


class BreachError(ValueError):
    """The other side does what RFC 9250 calls a protocol error; the connection ends with it (section 4.3.3)."""


class QueryStream:
    """Takes the octets of a client's stream as they come, and gives the one query that is on it.

    Args:
        limit: The longest query allowed, in octets.
        since: When its first octet came, on whatever clock its owner uses.
    """

    def __init__(self, limit: int, since: float) -> None:
        self._limit = limit
        self._octets = bytearray()
        self.since = since

    def feed(self, data: bytes, is_end: bool) -> bytes | None:
        """Take the next octets, and return the query once it is whole and its stream has ended.

        A query whose stream has not ended waits for that: until then another message could follow it, which is an
        error and not a second query (section 4.2).

        Raises:
            BreachError: A message is announced that is empty, longer than allowed or without an id; or there is
                more than one, or less; or its id is not 0.
        """
        octets = self._octets
        octets += data
        end = PREFIX
        if len(octets) >= PREFIX:
            length = int.from_bytes(octets[:PREFIX])
            if not ID <= length <= self._limit:
                raise BreachError(f"message of {length} octets announced, {ID} to {self._limit} are allowed")
            end += length
            if len(octets) > end:
                raise BreachError("more than one message on a stream")
            if octets[PREFIX : PREFIX + ID].strip(b"\0"):
                raise BreachError("the id of a message is not 0")
        if not is_end:
            return None
        if len(octets) < end:
            raise BreachError("the stream ended within a message")
        return bytes(octets[PREFIX:])
