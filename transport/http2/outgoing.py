"""What is to be sent on a connection: frames of h2's, and bodies as far as the other side lets them come. Pure."""

from collections import deque

from h2.connection import H2Connection

from transport.http2.frame_gate import resets_in
from transport.http2.limits import MAX_FRAME


class Outgoing:
    """Takes what h2 has to say, and gives bodies to it as windows allow (RFC 9113 section 5.2).

    Attributes:
        resets: RST_STREAM frames of ours so far, those included that h2 sends of itself.

    Args:
        h2: The connection; only this takes octets from it.
    """

    def __init__(self, h2: H2Connection) -> None:
        self._h2 = h2
        self._ready: deque[bytearray] = deque([bytearray()])  # frames, in order; a piece for each write
        self._unsent = 0  # octets in these
        self._bodies: dict[int, memoryview] = {}  # by stream, what is left of them; never empty
        self.resets = 0

    @property
    def unsent(self) -> int:
        """Octets that may be sent and were not taken yet."""
        return self._unsent

    @property
    def queued(self) -> int:
        """Octets that wait, be it for the stream or for the other side's windows."""
        return self._unsent + sum(map(len, self._bodies.values()))

    def add(self, stream_id: int, body: bytes) -> bool:
        """Send a body of at least one octet, and with it end the stream; return whether all of it could go."""
        self._bodies[stream_id] = memoryview(body)
        return self._push(stream_id)

    def add_frame(self, frame: bytes) -> None:
        """Send a frame of which h2 is to know nothing."""
        self.collect()
        self._add(frame)

    def break_off(self) -> None:
        """What follows is to be written apart from what is there."""
        if self._ready[-1]:
            self._ready.append(bytearray())

    def holds(self, stream_id: int) -> bool:
        """Whether some of the body of this stream is yet to go."""
        return stream_id in self._bodies

    def drop(self, stream_id: int) -> None:
        """The stream is no more."""
        self._bodies.pop(stream_id, None)

    def pump(self) -> list[int]:
        """Windows have opened: send what may go, and return the streams of which that was the end."""
        return [stream_id for stream_id in list(self._bodies) if self._push(stream_id)]

    def collect(self) -> None:
        """Take what h2 wants to say; after anything was asked of it, or given to it."""
        frames = self._h2.data_to_send()
        if frames:
            self.resets += resets_in(frames)
            self._add(frames)

    def take(self) -> bytes:
        """Return what is to be written next in one piece, and forget it; nothing when there is nothing."""
        octets = self._ready.popleft()
        if not self._ready:
            self._ready.append(bytearray())
        self._unsent -= len(octets)
        return bytes(octets)

    def _add(self, frames: bytes) -> None:
        self._ready[-1] += frames
        self._unsent += len(frames)

    def _push(self, stream_id: int) -> bool:
        left = self._bodies[stream_id]
        while left:
            room = min(self._h2.local_flow_control_window(stream_id), self._h2.max_outbound_frame_size, MAX_FRAME)
            if room <= 0:
                break
            self._h2.send_data(stream_id, left[:room].tobytes(), end_stream=room >= len(left))
            left = left[room:]
        self.collect()
        if left:
            self._bodies[stream_id] = left
        else:
            del self._bodies[stream_id]
        return not left
