"""How long searches took, counted in buckets. Pure."""

from bisect import bisect_left
from typing import Final

# Upper bounds in seconds: 0.001 is a look into what was proven, 0.05 a walk near by, 5 the end of all patience.
BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Durations:
    """Counts, by the least bound that is not exceeded.

    Attributes:
        counts: One for each bound, and the last for what took longer.
        total: Seconds, of all together.
    """

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds
