import pytest
import trio

from resolver.flights import Flights
from tests.virtual import virtual


@virtual
async def test_equal_questions_share_one_search() -> None:
    flights: Flights[str, int] = Flights()
    searches, values = [], []

    async def search() -> int:
        searches.append(1)
        await trio.sleep(1)
        return len(searches)

    async def ask() -> None:
        values.append(await flights.share("one", search))

    async with trio.open_nursery() as nursery:
        for _ in range(1000):
            nursery.start_soon(ask)
    assert len(searches) == 1
    assert values == [1] * 1000
    assert len(flights) == 0


@virtual
async def test_those_who_wait_begin_anew_when_whoever_began_is_cancelled() -> None:
    flights: Flights[str, str] = Flights()
    got, begun = [], []

    async def search() -> str:
        begun.append(trio.current_time())
        await trio.sleep(1)
        return "found"

    async def impatient() -> None:
        with trio.move_on_after(0.1):
            await flights.share("one", search)

    async def patient() -> None:
        await trio.sleep(0.05)
        got.append(await flights.share("one", search))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(impatient)
        nursery.start_soon(patient)
        nursery.start_soon(patient)
    assert got == ["found", "found"]
    assert len(begun) == 2


@virtual
async def test_a_search_that_is_cancelled_leaves_nothing_behind() -> None:
    flights: Flights[str, str] = Flights()

    async def never() -> str:
        await trio.sleep_forever()
        raise AssertionError

    with trio.move_on_after(0):
        async with trio.open_nursery():
            await flights.share("one", never)
    assert len(flights) == 0


@virtual
async def test_what_a_search_raises_is_not_hidden() -> None:
    flights: Flights[str, str] = Flights()

    async def broken() -> str:
        raise ZeroDivisionError

    with pytest.RaisesGroup(ZeroDivisionError):
        async with trio.open_nursery():
            await flights.share("one", broken)
