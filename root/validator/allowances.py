"""How often somebody may ask for something: so many times within a period, counted over the last ones.

Pure. In memory: a restart forgets what was asked, which nobody outside can bring about.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass

from transport import slots

MAX_KEYS = 100_000  # remembered of each sort; who was quiet longest is forgotten first
HOUR = 3_600


@dataclass(frozen=True, slots=True)
class Bound:
    """So many in so many seconds."""

    most: int
    period: int


PER_CSI = (Bound(4, HOUR), Bound(10, 24 * HOUR))  # codes; nobody's telephone is to ring all day because of us
PER_CLIENT = (Bound(20, HOUR), Bound(100, 24 * HOUR))  # codes; a household or an office behind one address
REQUESTS = (Bound(60, 60),)  # of any kind, of one client: each costs a signature and a write to disk


class Allowance:
    """One sort of asking."""

    def __init__(self, bounds: tuple[Bound, ...], max_keys: int = MAX_KEYS) -> None:
        self._bounds = bounds
        self._most = max(bound.most for bound in bounds)
        self._max_keys = max_keys
        self._asked: OrderedDict[bytes, deque[float]] = OrderedDict()  # the last times of each, quietest first

    def wait(self, key: bytes, now: float) -> float:
        """Return for how many seconds this one may not ask; 0 when they may now."""
        times = self._asked.get(key, deque())
        waits = [
            times[-bound.most] + bound.period - now
            for bound in self._bounds
            if len(times) >= bound.most and times[-bound.most] + bound.period > now
        ]
        return max(waits, default=0.0)

    def count(self, key: bytes, now: float) -> None:
        """Take in that this one has asked."""
        times = self._asked.setdefault(key, deque(maxlen=self._most))
        times.append(now)
        self._asked.move_to_end(key)
        if len(self._asked) > self._max_keys:
            self._asked.popitem(last=False)


def client_of(host: str) -> bytes:
    """Return what of an address counts as one client: the same as where connections are counted."""
    return slots.client_of(host)
