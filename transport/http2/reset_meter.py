"""How many streams were reset lately. Pure."""

from collections import deque


class ResetMeter:
    """Counts what was reset lately.

    Args:
        most: So many in `window` are let pass.
        window: Seconds.
    """

    def __init__(self, most: int, window: float) -> None:
        self._window = window
        self._times: deque[float] = deque(maxlen=most)
        self._seen = 0

    def is_too_much(self, total: int, now: float) -> bool:
        """Take note of how many there were in all by now, and return whether too many of them are recent."""
        fresh, self._seen = total - self._seen, total
        for _ in range(fresh):
            if len(self._times) == self._times.maxlen and now - self._times[0] < self._window:
                return True
            self._times.append(now)
        return False
