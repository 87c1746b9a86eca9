"""How fast and how much may be asked of one party, whoever asks: the turns of questions on their way out.

Somebody who asks for random numbers below one prefix has the resolver ask for each of them (water torture). So of
one zone or authority so much is asked a second (as Unbound's `ratelimit`), and of one server so much at a time,
less while it is silent (as BIND's `fetches-per-server`; `servers` counts). Who comes too early waits for a moment,
so that an honest batch is slowed and loses nothing; beyond that nothing is asked, and the answer says so.

A shell for its waiting alone. In each worker apart.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

import trio

from resolver.servers import Door, Servers, Turn

BURST_SECONDS: Final = 1.0  # of its rate that may be asked of a party at once
PATIENCE: Final = 0.5  # seconds that a question waits for its turn: half of what it has for an authority
MOST_WAITING: Final = 200  # for a server: a fifth of the look-ups that a worker has in hand


@dataclass(slots=True)
class Pace:
    """How much was asked of one party lately (the generic cell rate algorithm, ITU-T I.371).

    Attributes:
        spent: On trio's clock, until when its budget is spent.
    """

    spent: float = 0.0

    def delay(self, now: float, interval: float) -> float:
        """Take a question's turn, and return the seconds until it; below 0 when that would be too long.

        Args:
            now: On trio's clock.
            interval: Seconds from one question to the next.
        """
        spent = max(self.spent, now)
        ahead = spent - now - BURST_SECONDS
        if ahead > PATIENCE:
            return -1.0
        self.spent = spent + interval
        return max(ahead, 0.0)


@dataclass(slots=True, eq=False)
class _Waiting:
    """A question that waits for its turn at a server."""

    turn: Turn = Turn.LATER
    told: trio.Event = field(default_factory=trio.Event)


class Outbound:
    """Gives turns. One for each resolver.

    Args:
        servers: Count what is in flight.
        rate: Questions a second to one party.
    """

    def __init__(self, servers: Servers, rate: int) -> None:
        self._servers = servers
        self._interval = 1.0 / rate
        self._waiting: dict[str, deque[_Waiting]] = {}  # by the doors' keys, in order; never an empty one

    def at_once(self, door: Door, pace: Pace, now: float, at: float) -> bool:
        """Take a turn, if it is to be had without waiting: nearly always. Who had one calls `leave`.

        Args:
            door: Which.
            pace: Of its party.
            now: Unix seconds.
            at: The same on trio's clock.
        """
        spent = max(pace.spent, at)
        if spent - at > BURST_SECONDS or (self._waiting and door.key in self._waiting):
            return False
        if self._servers.take(door, now) is not Turn.NOW:
            return False
        pace.spent = spent + self._interval
        return True

    async def turn(self, door: Door, pace: Pace, now: float, deadline: float) -> bool:
        """Wait until a server may be asked; False when that would take too long. Who had a turn calls `leave`.

        Args:
            door: Which.
            pace: Of its party.
            now: Unix seconds.
            deadline: On trio's clock.
        """
        delay = pace.delay(trio.current_time(), self._interval)
        if delay:
            if delay < 0 or trio.current_time() + delay >= deadline:
                return False
            await trio.sleep(delay)
        if door.key not in self._waiting:  # else those who came before have theirs first
            turn = self._servers.take(door, now)
            if turn is not Turn.LATER:
                return turn is Turn.NOW
        return await self._wait(door, now, deadline)

    async def _wait(self, door: Door, now: float, deadline: float) -> bool:
        waiting = self._waiting.setdefault(door.key, deque())
        if len(waiting) >= MOST_WAITING:
            return False
        one = _Waiting()
        waiting.append(one)
        try:
            with trio.move_on_at(min(deadline, trio.current_time() + PATIENCE)):
                await one.told.wait()
        except trio.Cancelled:
            if one.turn is Turn.NOW:  # in the same moment; it is the next one's
                self.leave(door, now)
            raise
        finally:
            if one.turn is Turn.LATER:
                waiting.remove(one)
                if not waiting:
                    del self._waiting[door.key]
        return one.turn is Turn.NOW

    def leave(self, door: Door, now: float) -> None:
        """A try has ended: those who wait longest may have turns."""
        servers = self._servers
        servers.leave(door)
        waiting = self._waiting.get(door.key)
        while waiting:
            turn = Turn.NEVER if servers.is_left_alone(door, now) else servers.take(door, now)
            if turn is Turn.LATER:
                return
            one = waiting.popleft()
            one.turn = turn
            one.told.set()
            if not waiting:
                del self._waiting[door.key]
