"""Single flight: equal questions at one time share one search.

The search runs in the task of whoever asks first: over sockets that is a job of the daemon's own pool and not a
client's task, so a client that goes away takes nothing from the others. Should it be cancelled all the same, one of
those who wait begins anew. What is shared is a value, never an exception.
"""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import trio

K = TypeVar("K")
V = TypeVar("V")


class Flights(Generic[K, V]):
    """Searches under way, by question."""

    def __init__(self) -> None:
        self._under_way: dict[K, _Flight[V]] = {}  # each search takes itself out when it ends

    def __len__(self) -> int:
        return len(self._under_way)

    async def share(self, key: K, search: Callable[[], Awaitable[V]]) -> V:
        """Search, or wait for the search of this question that is under way.

        Args:
            key: What makes two questions equal.
            search: Finds the value; lets nothing out but cancellation.
        """
        while (flight := self._under_way.get(key)) is not None:
            await flight.landed.wait()
            if flight.value:
                return flight.value[0]
        flight = self._under_way[key] = _Flight()
        try:
            value = await search()
            flight.value.append(value)
            return value
        finally:
            del self._under_way[key]
            flight.landed.set()


class _Flight(Generic[V]):
    """One search and those who wait for it; `value` holds one element unless it was cancelled."""

    __slots__ = ("landed", "value")

    def __init__(self) -> None:
        self.landed = trio.Event()
        self.value: list[V] = []
