"""When a worker that has died is started again: at once, then after waits that double.

Pure. A worker that died once met bad luck or a bug that is seldom met, and what waits in its sockets should wait
no longer than it must. One that dies again and again burns a core without answering anybody.
"""

from dataclasses import dataclass

FIRST_WAIT = 0.25  # seconds, after the second death in a row: ten times what a start takes
MAX_WAIT = 4.0  # seconds; clients give up after about five, and four starts in a quarter of a minute cost nothing
LIVED = 30.0  # seconds; whoever lived so long can live, and its next death is the first again


@dataclass(frozen=True, slots=True)
class Restarts:
    """What is remembered of one worker's deaths in a row.

    Attributes:
        wait: Seconds from its next death to its next start, if it dies young.
    """

    wait: float = 0.0

    def died(self, started: float, now: float) -> tuple["Restarts", float]:
        """Say what to remember, and when to start it again.

        Args:
            started: When the one that died was started, in seconds of any clock.
            now: On the same clock.
        """
        wait = 0.0 if now - started >= LIVED else self.wait
        return Restarts(min(max(2 * wait, FIRST_WAIT), MAX_WAIT)), now + wait
