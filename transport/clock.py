"""The time of day, from a clock that does not jump.

`now` is the wall clock's time when the clock was made, plus trio's clock since. Trio's clock drifts from the
wall, so once a minute the two are compared, and `now` moves towards the wall by at most a sixtieth of the
time since the last comparison. So a drift is gone in a minute, while a wall clock that jumps by an hour, or
ten years, is followed by one second a minute: it can neither age nor revive what is cached.

Left out: the machine being suspended, during which trio's clock stands still. That is a jump like any other,
and a process that slept for hours is better restarted.
"""

import time
from collections.abc import Callable
from typing import Final, Self

import trio

COMPARE_EVERY: Final = 60.0  # seconds; crystals drift by some 50 µs/s, so about 3 ms are to be made up each time
MAX_SLEW: Final = 1 / 60  # of the time passed; NTP slews by 1/2000, so a disciplined wall clock is always followed


class Clock:
    """Tells Unix seconds; made and read inside a trio run.

    Args:
        wall: The wall clock.
    """

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall  # trusted only as far as MAX_SLEW
        self._anchor = wall()  # what `now` was at `_anchored`
        self._anchored = trio.current_time()

    @classmethod
    def starting_at(cls, start: float) -> Self:
        """Make one that says `start` now and knows no wall: under trio's MockClock all time is virtual."""
        begun = trio.current_time()
        return cls(lambda: start + trio.current_time() - begun)

    def now(self) -> float:
        """Return Unix seconds."""
        passed = trio.current_time() - self._anchored
        if passed < COMPARE_EVERY:
            return self._anchor + passed
        here = self._anchor + passed
        bound = MAX_SLEW * passed
        self._anchor = here + min(max(self._wall() - here, -bound), bound)
        self._anchored += passed
        return self._anchor
