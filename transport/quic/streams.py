"""How far each stream of one client's connection is: a query coming in, taken, answered, acknowledged.

Pure but for the connection's list of what is live. Left out: what queries mean, and ending anything (session).
"""

import math

from transport.quic.bounds import Bounds
from transport.quic.doq import QueryStream
from transport.quic.limits import QuicLimits
from transport.slots import Slots


class ClientStreams:
    """The streams of one connection.

    Args:
        bounds: Knows which are live.
        limits: What is put up with.
        slots: Say how much less of it at the present load.
        now: On trio's clock, as everywhere here.
    """

    def __init__(self, bounds: Bounds, limits: QuicLimits, slots: Slots, now: float) -> None:
        self._bounds = bounds
        self._limits = limits
        self._slots = slots
        self._halves: dict[int, QueryStream] = {}  # whose query is not whole; the oldest first
        self._unacknowledged: dict[int, int] = {}  # live ones we know of, with the octets of reply on their way
        self._strange: frozenset[int] = frozenset()  # live ones of which nothing has come that we could read
        self._strange_since = now
        self._progress = now  # when replies were last acknowledged, or there were none
        self._resets = 0
        self._resets_since = now

    @property
    def queued(self) -> int:
        """Octets of replies that the client has not acknowledged."""
        return sum(self._unacknowledged.values())

    def feed(self, stream_id: int, data: bytes, is_end: bool, now: float) -> bytes | None:
        """Take octets of a stream; return its query once that is whole.

        Raises:
            BreachError: As `QueryStream.feed`.
        """
        query = self._halves.get(stream_id)
        if query is None:
            if stream_id in self._unacknowledged:  # the end of a query once more
                return None
            query = self._halves[stream_id] = QueryStream(self._limits.message, now)
            self._unacknowledged[stream_id] = 0
        message = query.feed(data, is_end)
        if message is not None:
            del self._halves[stream_id]
        return message

    def take_back(self, stream_id: int, now: float) -> bool:
        """Learn that the client wants nothing more of a stream; return whether it does so too often."""
        self._halves.pop(stream_id, None)
        self._unacknowledged.setdefault(stream_id, 0)
        if now - self._resets_since > self._limits.resets_within:
            self._resets, self._resets_since = 0, now
        self._resets += 1
        return self._resets > self._limits.resets

    def is_answered(self, stream_id: int) -> bool:
        """Whether a reply is on its way."""
        return bool(self._unacknowledged.get(stream_id))

    def answer(self, stream_id: int, octets: int, now: float) -> None:
        """Learn that a reply is on its way."""
        if not self.queued:
            self._progress = now
        self._unacknowledged[stream_id] = octets

    def take_stock(self, now: float) -> bool:
        """See what has been acknowledged and what nothing can be read of; return whether any stream is over."""
        live = self._bounds.live
        over = [stream_id for stream_id in self._unacknowledged if stream_id not in live]
        for stream_id in over:
            del self._unacknowledged[stream_id]
        if over:
            self._progress = now
        if len(live) == len(self._unacknowledged):
            self._strange = frozenset()
        elif not self._strange:
            self._look_at_strangers(now)
        return bool(over)

    def query_due(self) -> float:
        """Return until when what has begun is waited for."""
        since = math.inf
        if self._halves:
            since = next(iter(self._halves.values())).since
        if self._strange:
            since = min(since, self._strange_since)
        return since + self._slots.patience(self._limits.whole_message)

    def is_query_late(self, now: float) -> bool:
        """Whether something that has begun has been waited for long enough.

        Streams of which nothing can be read come and go on a way that loses packets, so they have to be the same.
        """
        if self.query_due() > now:
            return False
        if self._halves or not self._strange:
            return True
        before = self._strange
        self._look_at_strangers(now)
        return bool(before & self._strange)

    def reading_due(self) -> float:
        """Return until when the next acknowledgement is waited for."""
        return self._progress + self._slots.patience(self._limits.stuck) if self.queued else math.inf

    def _look_at_strangers(self, now: float) -> None:
        known = self._unacknowledged
        self._strange = frozenset(stream_id for stream_id in self._bounds.live if stream_id not in known)
        self._strange_since = now
