"""How many held answers leave for one address at a time. Pure.

Somebody who has an address asked from makes a resolver hold many answers back, with authorities of his own that are
slow, and then has all of them ready at once: a pulse at his victim that is far above what he ever sent (DNSBomb,
CVE-2024-33655). So of what was held, so many go to one address in any tenth of a second, and the rest is dropped.
"""

from collections import OrderedDict, deque
from typing import Final

WINDOW: Final = 0.1  # seconds
MOST: Final = 100  # answers that were held, to one address in any window; as many look-ups as a client has in hand
HELD: Final = 0.05  # seconds; what is ready sooner comes as evenly as it was asked for
MAX_REMEMBERED: Final = 10_000  # addresses; more than that are not answered within one window


class Releases:
    """Counts what was held and is released."""

    def __init__(self) -> None:
        self._times: OrderedDict[str, deque[float]] = OrderedDict()  # by address; who was released to last is last

    def may_go(self, host: str, age: float, now: float) -> bool:
        """Say whether an answer may be sent, and count it.

        Args:
            host: To whom.
            age: Seconds since it was asked for.
            now: In seconds, on any clock that goes forward.
        """
        if age < HELD:
            return True
        times = self._times.get(host)
        if times is None:
            if len(self._times) >= MAX_REMEMBERED:
                self._times.popitem(last=False)
            times = self._times[host] = deque(maxlen=MOST)
        if len(times) == MOST and now - times[0] < WINDOW:
            return False
        times.append(now)
        self._times.move_to_end(host)
        return True
