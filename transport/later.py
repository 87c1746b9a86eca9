"""The bounded pool in which `Later` work runs, one for all listeners of a process.

Left out: what the work is, and where its reply goes. The pool is given jobs that see to both.

Bounds and who gives way. So many jobs run at a time, and so many of one client. Half of the places are kept by
whoever has them until the job has ended; of the other half, when all are taken, the oldest is given to a newcomer
once it has been in hand for `OLD` seconds (as Unbound's `jostle-timeout`): first those of clients that nobody
knows, then of those whose address is proven, then of those with a name, and none of a client that stands above the
newcomer. A datagram sent again shares the place of the first, and its age.
"""

from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Self

import trio

from transport.entitlement import Entitled, client_of, entitled
from transport.grace import open_lasting_nursery
from transport.handler import Caller

Job = Callable[[], Awaitable[None]]  # lets nothing out but cancellation

GRACE = 1.0  # seconds for jobs in hand once the pool closes; a look-up that takes longer is asked again anyway
OLD: Final = 0.2  # seconds; nearly all look-ups have ended by then, and the rest wait for somebody silent
MOST_EACH: Final = 100  # jobs of one client at a time, as many as one connection may have on its way
MOST_AGAIN: Final = 3  # times that a question is answered again while the first is in hand; stubs try three times


@dataclass(frozen=True, slots=True)
class LaterStatistics:
    """What the pool has done so far.

    Attributes:
        limit: How many jobs may run at a time.
        running: How many do now.
        started: Jobs begun.
        refused: Jobs turned away at the limit.
        crowded: Jobs turned away because their client has as many in hand as it may.
        evicted: Jobs that had to give way to newer ones.
    """

    limit: int
    running: int
    started: int
    refused: int
    crowded: int = 0
    evicted: int = 0


@dataclass(slots=True, eq=False)
class _Held:
    """A place, and what runs in it.

    Attributes:
        client: Whose it is.
        rank: How well that client is known.
        since: On trio's clock, when it was taken; sending again does not renew it.
        question: What was asked over a datagram; None over a stream.
        lasts: Whether it is kept until the job has ended.
        is_lost: Whether another has it now.
        scopes: Around what runs in it, if it may be lost.
        again: How often the question was sent again.
    """

    client: str
    rank: Entitled
    since: float
    question: bytes | None
    lasts: bool
    is_lost: bool = False
    scopes: list[trio.CancelScope] = field(default_factory=list)
    again: int = 0


@dataclass(slots=True, eq=False)
class _Waiter:
    """A stream that waits for a place."""

    client: str
    rank: Entitled
    served: trio.Event = field(default_factory=trio.Event)
    held: _Held | None = None


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
        rank: How well a client is known.
        each: How many may be of one client that has no name.
    """

    def __init__(self, limit: int, rank: Callable[[Caller], Entitled] = entitled, each: int = MOST_EACH) -> None:
        self._limit = limit
        self._rank = rank
        self._each = each
        self._nursery: trio.Nursery | None = None  # owned by `running`
        self._lasting = 0  # places of the half that is kept
        self._fleeting: tuple[OrderedDict[_Held, None], ...]  # places of the other half, by rank, oldest first
        self._fleeting = tuple(OrderedDict() for _ in Entitled)
        self._of: dict[str, int] = {}  # places by client; none at 0
        self._asked: dict[tuple[str, bytes], _Held] = {}  # over datagrams
        self._waiting: deque[_Waiter] = deque()
        self._running = 0
        self._started = 0
        self._refused = 0
        self._crowded = 0
        self._evicted = 0

    @asynccontextmanager
    async def running(self, grace: float = GRACE) -> AsyncGenerator[Self]:
        """Keep the pool open; on leaving, jobs in hand have `grace` seconds to end.

        The listeners that use it belong inside.
        """
        async with open_lasting_nursery(grace) as nursery:
            self._nursery = nursery
            yield self

    def try_start(self, job: Job, caller: Caller | None = None, question: bytes | None = None) -> bool:
        """Start a job, or count a refusal and return False when the pool is full, or the client has enough.

        Args:
            job: What to run.
            caller: For whom; None for somebody who stands for nobody else.
            question: What was asked, without its id: if the client has the same in hand, this shares its place.
        """
        client, rank = self._who(caller)
        if question is not None:
            first = self._asked.get((client, question))
            if first is not None:
                return self._again(first, job)
        if self._somebody_waits() or (held := self._place(client, rank, question)) is None:
            if self._is_crowded(client, rank):
                self._crowded += 1
            else:
                self._refused += 1
            return False
        self._start(job, held)
        return True

    async def wait_start(self, job: Job, caller: Caller | None = None) -> None:
        """Start a job as soon as there is a place; it has not yet begun when this returns."""
        await trio.lowlevel.checkpoint_if_cancelled()
        client, rank = self._who(caller)
        held = self._place(client, rank, None)
        if held is None:
            held = await self._wait(_Waiter(client, rank))
        else:
            await trio.lowlevel.cancel_shielded_checkpoint()  # who has a place gets to use it
        self._start(job, held)

    def has_enough(self, caller: Caller) -> bool:
        """Say whether a client has as many jobs in hand as it may."""
        return self._is_crowded(client_of(caller), self._rank(caller))

    def statistics(self) -> LaterStatistics:
        """Return the counters as they are now."""
        return LaterStatistics(
            self._limit, self._running, self._started, self._refused, self._crowded, self._evicted
        )

    def _who(self, caller: Caller | None) -> tuple[str, Entitled]:
        assert self._nursery is not None, "the pool is not running"
        return ("", Entitled.NAMED) if caller is None else (client_of(caller), self._rank(caller))

    def _is_crowded(self, client: str, rank: Entitled) -> bool:
        """Say whether a client has as much in hand as it may: half of all where it has a name, or is nobody."""
        most = max(1, self._limit // 2) if rank is Entitled.NAMED else self._each
        return bool(client) and self._of.get(client, 0) >= most

    def _again(self, first: _Held, job: Job) -> bool:
        """Run what a question that was sent again needs, in the place of the first."""
        if first.again >= MOST_AGAIN:
            self._crowded += 1
            return False
        first.again += 1
        assert self._nursery is not None, "the pool is not running"
        self._nursery.start_soon(self._run, job, first)
        return True

    def _place(self, client: str, rank: Entitled, question: bytes | None) -> _Held | None:
        """Take a place, of somebody else if need be."""
        if self._is_crowded(client, rank):
            return None
        if self._running >= self._limit and not self._make_room(rank):
            return None
        lasts = self._lasting < self._limit - self._limit // 2
        held = _Held(client, rank, trio.current_time(), question, lasts)
        self._running += 1
        self._of[client] = self._of.get(client, 0) + 1
        if lasts:
            self._lasting += 1
        else:
            self._fleeting[rank][held] = None
        if question is not None:
            self._asked[client, question] = held
        return held

    def _make_room(self, rank: Entitled) -> bool:
        """Take the place of what is old, of the least entitled first; nobody gives way to who stands below."""
        old = trio.current_time() - OLD
        for held in (next(iter(fleeting), None) for fleeting in self._fleeting[: rank + 1]):
            if held is not None and held.since <= old:
                self._evicted += 1
                self._leave(held)
                held.is_lost = True
                for scope in held.scopes:
                    scope.cancel()
                return True
        return False

    async def _wait(self, waiter: _Waiter) -> _Held:
        self._waiting.append(waiter)
        try:
            while waiter.held is None:
                with trio.move_on_after(OLD):
                    await waiter.served.wait()
                if self._waiting and self._waiting[0] is waiter:
                    self._somebody_waits()  # meanwhile somebody may be old enough to give way
        except trio.Cancelled:
            if waiter.held is not None:
                self._leave(waiter.held)
            else:
                self._waiting.remove(waiter)
            raise
        return waiter.held

    def _somebody_waits(self) -> bool:
        """Give places to those who wait, in order, and say whether anybody still waits for one.

        Who has enough in hand is passed over: what they wait for is an end of their own.
        """
        for waiter in [*self._waiting] if self._waiting else ():
            waiter.held = self._place(waiter.client, waiter.rank, None)
            if waiter.held is not None:
                self._waiting.remove(waiter)
                waiter.served.set()
            elif not self._is_crowded(waiter.client, waiter.rank):
                return True
        return False

    def _leave(self, held: _Held) -> None:
        """Give a place back, once."""
        if held.is_lost:
            return
        held.is_lost = True
        self._running -= 1
        if held.lasts:
            self._lasting -= 1
        else:
            del self._fleeting[held.rank][held]
        left = self._of[held.client] - 1
        if left:
            self._of[held.client] = left
        else:
            del self._of[held.client]
        if held.question is not None:
            del self._asked[held.client, held.question]

    def _start(self, job: Job, held: _Held) -> None:
        assert self._nursery is not None, "the pool is not running"
        self._started += 1
        self._nursery.start_soon(self._run_first, job, held)

    async def _run_first(self, job: Job, held: _Held) -> None:
        try:
            await self._run(job, held)
        finally:
            self._leave(held)
            self._somebody_waits()

    async def _run(self, job: Job, held: _Held) -> None:
        if held.lasts:
            await job()
            return
        with trio.CancelScope() as scope:
            held.scopes.append(scope)
            if held.is_lost:  # before it began; it is told as everybody is
                scope.cancel()
            await job()
