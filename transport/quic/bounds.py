"""What aioquic lets a stranger make us keep, bounded from outside.

aioquic bounds much of what RFC 9000 leaves to an endpoint, and not all: its windows for octets double whenever
half of one is used and never shrink, so that a hole before them keeps any number of octets; a message of the
handshake may announce 16 MB, and half a megabyte may lie behind a hole in it; what was sent and never
acknowledged is remembered for as long as the connection lasts; keys are renewed as often as asked. And the pieces
of a handshake that wait behind holes are gone through one by one for each that comes: 40 KB of single octets, from
whatever source, would take a second of a core. `Bounds` puts a window of fixed size in the place of the first, and
says of the others when there is more than any honest client needs.

There is no public way to any of this. So this file, and no other, looks into aioquic's insides; its tests show
each bound biting, which is how a release that has moved them is found, and why its version is held.
"""

from collections.abc import Collection

from aioquic.quic.connection import Limit, QuicConnection
from aioquic.quic.events import ConnectionTerminated
from aioquic.quic.packet import QuicFrameType
from aioquic.tls import Epoch
from cryptography import x509

MAX_UNACKNOWLEDGED = 512  # packets: `QuicLimits.queued` octets of replies, and what acknowledges queries alone
MAX_KEY_UPDATES = 32  # RFC 9001 section 6.6 asks for one in 8 million packets at the least
MAX_PIECES = 64  # of a handshake that wait for others before them; browsers send some twenty, in any order


class Window(Limit):
    """A limit that stays where we put it; aioquic doubles its own."""

    def __init__(self, frame_type: int, name: str, value: int) -> None:
        self._value = value
        super().__init__(frame_type, name, value)

    @property
    def value(self) -> int:  # an attribute of theirs, which `open_to` alone is to change
        """How far the other side may go, counted from the beginning."""
        return self._value

    @value.setter
    def value(self, value: int) -> None:
        """Take no notice of a doubling."""

    def open_to(self, value: int) -> None:
        """Let the other side go so far."""
        self._value = max(value, self._value)


class Bounds:
    """Holds one connection within bounds; made with it, before it has received or sent anything.

    Args:
        connection: Whose insides are looked into.
        streams: How many streams the other side may have open at a time; 0 where only we open any.
        octets: How many octets it may send that nobody has taken yet, since others are missing before them.
        handshake: Octets of handshake messages that it may send, in each of the handshake's phases.
    """

    def __init__(self, connection: QuicConnection, streams: int, octets: int, handshake: int) -> None:
        self._connection = connection
        self._most_octets = octets
        self._handshake = handshake
        self._key_phase = 0
        self._key_updates = 0
        self._octets = Window(QuicFrameType.MAX_DATA, "max_data", octets)
        connection._local_max_data = self._octets
        connection._local_max_streams_bidi = Limit(QuicFrameType.MAX_STREAMS_BIDI, "max_streams_bidi", streams)
        connection._local_max_streams_uni = Limit(QuicFrameType.MAX_STREAMS_UNI, "max_streams_uni", 0)

    @property
    def live(self) -> Collection[int]:
        """The streams that either side has opened and that are not over; also those of which no event told."""
        return self._connection._streams.keys()

    @property
    def has_begun(self) -> bool:
        """Whether any packet could be read yet, in a server."""
        return self._connection._peer_cid.sequence_number is not None

    @property
    def ending(self) -> ConnectionTerminated | None:
        """Why the connection is over, once either side has closed it, be it said to the other or not."""
        return self._connection._close_event

    @property
    def may_open(self) -> bool:
        """Whether the other side lets us open a stream now."""
        connection = self._connection
        return connection.get_next_available_stream_id() // 4 < connection._remote_max_streams_bidi

    def open_window(self) -> None:
        """Move the window on when half of it is used: not each time, since that is a frame to be acknowledged."""
        octets = self._octets
        if octets.value - octets.used < self._most_octets // 2:
            receivers = [stream.receiver for stream in self._connection._streams.values()]
            held = sum(receiver.highest_offset - receiver.starting_offset() for receiver in receivers)
            octets.open_to(octets.used - held + self._most_octets)

    def excess(self) -> str:
        """Return what there is too much of, or ""; asked after each datagram, since each may be too much."""
        connection = self._connection
        for stream in connection._crypto_streams.values():
            if stream.receiver.highest_offset > self._handshake:
                return "handshake messages"
            if len(stream.receiver._ranges) > MAX_PIECES:
                return "pieces of handshake messages"
        for space in connection._spaces.values():
            if len(space.sent_packets) > MAX_UNACKNOWLEDGED:
                return "packets not acknowledged"
        phase = connection._cryptos[Epoch.ONE_RTT].key_phase if connection._cryptos else 0
        if phase != self._key_phase:  # a datagram has one packet with a short header, and so one update at most
            self._key_phase = phase
            self._key_updates += 1
        return "key updates" if self._key_updates > MAX_KEY_UPDATES else ""

    def is_overfull(self, most: int) -> bool:
        """Whether more than `most` octets have come on a live stream, be they in order or not."""
        return any(stream.receiver.highest_offset > most for stream in self._connection._streams.values())

    def peer_certificate(self) -> x509.Certificate | None:
        """Return what the other side has shown, and has shown to have the key of; None before that."""
        return self._connection.tls._peer_certificate

    def forget(self) -> None:
        """Give all memory back at once. The connection is of no use any more.

        It consists of some hundreds of objects that point at each other through it, for which the collector of
        garbage would come round once there are very many.
        """
        vars(self._connection).clear()
