"""The bounded pool in which `Later` work runs, one for all listeners of a process.

Left out: what the work is, and where its reply goes. The pool is given jobs that see to both.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

import trio

from transport.grace import open_lasting_nursery

Job = Callable[[], Awaitable[None]]  # lets nothing out but cancellation

GRACE = 1.0  # seconds for jobs in hand once the pool closes; a look-up that takes longer is asked again anyway


@dataclass(frozen=True, slots=True)
class LaterStatistics:
    """What the pool has done so far.

    Attributes:
        limit: How many jobs may run at a time.
        running: How many do now.
        started: Jobs begun.
        refused: Jobs turned away at the limit.
    """

    limit: int
    running: int
    started: int
    refused: int


class LaterPool:
    """Runs jobs, so many at a time.

    This is the nursery that is handed over: a job belongs neither to the datagram loop nor to the
    connection that asked for it. It fills a cache and may be answering others too, so it goes on when a
    client hangs up, and one bound holds for everything the process has in hand.

    Two doors: `try_start` for datagrams, which are dropped at the limit, and `wait_start` for streams, which
    are read no further. A place that becomes free goes to whoever waits, in order of arrival, before any
    datagram.

    Args:
        limit: How many jobs may run at a time.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._places = trio.Semaphore(limit)
        self._nursery: trio.Nursery | None = None  # owned by `running`
        self._running = 0
        self._started = 0
        self._refused = 0

    @asynccontextmanager
    async def running(self, grace: float = GRACE) -> AsyncGenerator[Self]:
        """Keep the pool open; on leaving, jobs in hand have `grace` seconds to end.

        The listeners that use it belong inside.
        """
        async with open_lasting_nursery(grace) as nursery:
            self._nursery = nursery
            yield self

    def try_start(self, job: Job) -> bool:
        """Start a job, or count a refusal and return False when the pool is full."""
        try:
            self._places.acquire_nowait()
        except trio.WouldBlock:
            self._refused += 1
            return False
        self._start(job)
        return True

    async def wait_start(self, job: Job) -> None:
        """Start a job as soon as there is a place; it has not yet begun when this returns."""
        await self._places.acquire()
        self._start(job)

    def statistics(self) -> LaterStatistics:
        """Return the counters as they are now."""
        return LaterStatistics(self._limit, self._running, self._started, self._refused)

    def _start(self, job: Job) -> None:
        assert self._nursery is not None, "the pool is not running"
        self._running += 1
        self._started += 1
        self._nursery.start_soon(self._run, job)

    async def _run(self, job: Job) -> None:
        try:
            await job()
        finally:
            self._running -= 1
            self._places.release()
