# ruff: noqa: ARG001 - a test has virtual time by asking for `autojump_clock`, and needs no more of it

import pytest
import trio
from trio.testing import MockClock

from transport.grace import open_lasting_nursery


async def _note(log: list[str], seconds: float) -> None:
    try:
        await trio.sleep(seconds)
        log.append(f"{seconds} done")
    except trio.Cancelled:
        log.append(f"{seconds} given up")
        raise


async def test_after_cancellation_tasks_have_the_grace(autojump_clock: MockClock) -> None:
    log: list[str] = []
    begun = trio.current_time()
    with trio.move_on_after(10) as scope:
        async with open_lasting_nursery(2) as lasting:
            lasting.start_soon(_note, log, 11)
            lasting.start_soon(_note, log, 13)
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert log == ["11 done", "13 given up"]
    assert trio.current_time() - begun == pytest.approx(12)


async def test_a_body_that_ends_leaves_the_same_grace(autojump_clock: MockClock) -> None:
    log: list[str] = []
    async with open_lasting_nursery(2) as lasting:
        lasting.start_soon(_note, log, 1)
        lasting.start_soon(_note, log, 3)
    assert log == ["1 done", "3 given up"]


async def test_nothing_in_hand_costs_no_time(autojump_clock: MockClock) -> None:
    begun = trio.current_time()
    async with open_lasting_nursery(2):
        pass
    assert trio.current_time() == begun


async def test_an_error_of_a_task_ends_the_body() -> None:
    async def fail() -> None:
        await trio.lowlevel.checkpoint()
        raise ArithmeticError

    with pytest.RaisesGroup(pytest.RaisesGroup(ArithmeticError)):
        async with open_lasting_nursery(2) as lasting:
            lasting.start_soon(fail)
            await trio.sleep_forever()


async def test_an_error_of_the_body_leaves_the_grace(autojump_clock: MockClock) -> None:
    log: list[str] = []
    with pytest.RaisesGroup(ArithmeticError):
        async with open_lasting_nursery(2) as lasting:
            lasting.start_soon(_note, log, 1)
            await trio.lowlevel.checkpoint()
            raise ArithmeticError
    assert log == ["1 done"]
