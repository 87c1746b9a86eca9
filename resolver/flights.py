"""Single flight: equal questions at one time share one search.

The search runs in the resolver's own nursery and not in the first caller's task, so that a client that goes away
takes nothing from the others; this is the one nursery that is handed over. What is shared is a value, never an
exception.
"""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import trio

K = TypeVar("K")
V = TypeVar("V")


class Flights(Generic[K, V]):
    """Searches under way, by question."""

    def __init__(self) -> None:
        self._under_way: dict[K, _Flight[V]] = {}  # owned by the searches; each takes itself out when it ends

    def __len__(self) -> int:
        return len(self._under_way)

    async def share(self, key: K, search: Callable[[], Awaitable[V]], nursery: trio.Nursery) -> V:
        """Wait for the search of this question, starting it when nobody has.

        Args:
            key: What makes two questions equal.
            search: Finds the value; lets nothing out but cancellation.
            nursery: Where the search runs.
        """
        flight = self._under_way.get(key)
        if flight is None:
            flight = self._under_way[key] = _Flight()
            nursery.start_soon(self._fly, key, search, flight)
        await flight.landed.wait()
        return flight.value[0]

    async def _fly(self, key: K, search: Callable[[], Awaitable[V]], flight: "_Flight[V]") -> None:
        try:
            flight.value.append(await search())
        finally:
            del self._under_way[key]
        flight.landed.set()


class _Flight(Generic[V]):
    """One search and those who wait for it; `value` holds one element once it has landed."""

    __slots__ = ("landed", "value")

    def __init__(self) -> None:
        self.landed = trio.Event()
        self.value: list[V] = []
