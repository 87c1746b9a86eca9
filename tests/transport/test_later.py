# ruff: noqa: ARG001 - a test has virtual time by asking for `autojump_clock`, and needs no more of it

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from transport.later import LaterPool, LaterStatistics


async def test_at_the_limit_a_datagram_is_refused_and_counted(lookup_pause: trio.Event) -> None:
    async with LaterPool(2).running() as pool:
        assert [pool.try_start(lookup_pause.wait) for _ in range(3)] == [True, True, False]
        assert pool.statistics() == LaterStatistics(limit=2, running=2, started=2, refused=1)
        lookup_pause.set()
        await wait_all_tasks_blocked()
        assert pool.statistics() == LaterStatistics(limit=2, running=0, started=2, refused=1)
        assert pool.try_start(lookup_pause.wait)


async def test_streams_wait_in_order_and_come_before_datagrams() -> None:
    log: list[str] = []
    pauses = {name: trio.Event() for name in ("first", "second", "third")}

    async def wait_and_start(pool: LaterPool, name: str) -> None:
        async def job() -> None:
            log.append(name)
            await pauses[name].wait()

        await pool.wait_start(job)

    async with LaterPool(1).running() as pool, trio.open_nursery() as nursery:
        for name in pauses:
            nursery.start_soon(wait_and_start, pool, name)
            await wait_all_tasks_blocked()
        assert log == ["first"]
        pauses["first"].set()
        await wait_all_tasks_blocked()
        assert not pool.try_start(pauses["first"].wait)
        assert log == ["first", "second"]
        pauses["second"].set()
        await wait_all_tasks_blocked()
        assert log == ["first", "second", "third"]
        pauses["third"].set()


async def test_who_gives_up_waiting_takes_no_place(lookup_pause: trio.Event) -> None:
    async with LaterPool(1).running() as pool:
        await pool.wait_start(lookup_pause.wait)
        with trio.CancelScope() as scope:
            scope.cancel()
            await pool.wait_start(lookup_pause.wait)
        lookup_pause.set()
        await wait_all_tasks_blocked()
        assert pool.statistics() == LaterStatistics(limit=1, running=0, started=1, refused=0)
        assert pool.try_start(lookup_pause.wait)


async def test_jobs_in_hand_have_a_grace(autojump_clock: MockClock) -> None:
    log: list[float] = []

    async def job(seconds: float) -> None:
        await trio.sleep(seconds)
        log.append(seconds)

    with trio.move_on_after(10):
        async with LaterPool(2).running(grace=1.0) as pool:
            assert pool.try_start(lambda: job(10.5))
            assert pool.try_start(lambda: job(11.5))
            await trio.sleep_forever()
    assert log == [10.5]
    assert pool.statistics().running == 0


def test_starting_in_a_closed_pool_is_a_bug() -> None:
    with pytest.raises(AssertionError, match="not running"):
        LaterPool(1).try_start(trio.sleep_forever)
