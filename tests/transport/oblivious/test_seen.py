"""The memory of requests, in invented time."""

import os
import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transport.oblivious.seen import ROW, WINDOW, Seen, Sight

NOW = 1_800_000_000.0


def enc(number: int) -> bytes:
    return number.to_bytes(32)


def test_a_request_is_new_once() -> None:
    with Seen(64) as seen:
        assert seen.see(enc(1), NOW, NOW) is Sight.NEW
        assert [seen.see(enc(1), NOW, NOW + later) for later in (0, 1, WINDOW, WINDOW + 1)] == [Sight.SEEN] * 4
        assert seen.see(enc(2), NOW, NOW) is Sight.NEW


@given(st.floats(-WINDOW, WINDOW), st.floats(0, 2 * WINDOW), st.floats(0, 10**7))
def test_it_is_remembered_for_as_long_as_its_date_is_taken(wrong: float, later: float, start: float) -> None:
    begin = NOW + start
    dated = begin + wrong
    with Seen(64) as seen:
        assert seen.see(enc(1), dated, begin) is Sight.NEW
        if abs(dated - (begin + later)) <= WINDOW:
            assert seen.see(enc(1), dated, begin + later) is Sight.SEEN


def test_a_hundred_thousand_repetitions_take_no_memory_and_push_nothing_out() -> None:
    with Seen(1 << 10) as seen:
        before = seen._table.nbytes
        first = [enc(number) for number in range(1_000)]
        assert all(seen.see(one, NOW, NOW) is Sight.NEW for one in first)
        held = bytes(seen._table)
        assert {seen.see(first[number % 1_000], NOW, NOW + number / 1_000) for number in range(100_000)} == {
            Sight.SEEN
        }
        assert bytes(seen._table) == held
        assert seen._table.nbytes == before


def test_a_full_table_refuses_and_forgets_nobody() -> None:
    with Seen(1) as seen:
        assert [seen.see(enc(number), NOW, NOW) for number in range(ROW)] == [Sight.NEW] * ROW
        assert seen.see(enc(ROW), NOW, NOW) is Sight.FULL
        assert {seen.see(enc(number), NOW, NOW + 1) for number in range(ROW)} == {Sight.SEEN}
        over = NOW + WINDOW + 2
        assert seen.see(enc(ROW), over, over) is Sight.NEW, "places become free"


def test_half_a_table_has_room_for_nearly_all() -> None:
    with Seen(1 << 10) as seen:
        found = [seen.see(enc(number), NOW, NOW) for number in range((1 << 10) * ROW // 2)]
        assert found.count(Sight.FULL) <= len(found) // 100
        assert Sight.SEEN not in found


def test_workers_share_it() -> None:
    with Seen(64) as seen:
        assert seen.see(enc(1), NOW, NOW) is Sight.NEW
        child = os.fork()
        if not child:
            status = 0 if (seen.see(enc(1), NOW, NOW), seen.see(enc(2), NOW, NOW)) == (Sight.SEEN, Sight.NEW) else 1
            os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert seen.see(enc(2), NOW, NOW) is Sight.SEEN


def test_of_two_workers_that_are_given_the_same_only_one_answers() -> None:
    with Seen(1 << 10) as seen:
        count, readers = 2_000, []
        begin_reading, begin_writing = os.pipe()
        for _ in range(2):
            reading, writing = os.pipe()
            if not os.fork():
                os.close(begin_writing)
                os.read(begin_reading, 1)  # until the parent closes it
                fresh = bytes(seen.see(enc(number), NOW, NOW) is Sight.NEW for number in range(count))
                os.write(writing, fresh)
                os._exit(0)
            os.close(writing)
            readers.append(reading)
        os.close(begin_reading)
        os.close(begin_writing)
        told = []
        for reading in readers:
            with os.fdopen(reading, "rb") as file:
                told.append(file.read())
            os.wait()
        assert all(one + other == 1 for one, other in zip(*told, strict=True))


def test_the_lock_of_a_worker_that_is_killed_goes_with_it() -> None:
    with Seen(1) as seen:
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            with seen._locked(0):
                os.write(writing, b"x")
                signal.pause()
        assert os.read(reading, 1) == b"x"
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        signal.alarm(5)
        assert seen.see(enc(1), NOW, NOW) is Sight.NEW
        signal.alarm(0)
        for descriptor in (reading, writing):
            os.close(descriptor)


@pytest.mark.parametrize("back", [1, WINDOW, 10 * WINDOW])
def test_a_clock_that_goes_back_forgets_nothing_that_counts(back: float) -> None:
    with Seen(64) as seen:
        assert seen.see(enc(1), NOW, NOW) is Sight.NEW
        if back <= WINDOW:  # else the Date is refused
            assert seen.see(enc(1), NOW, NOW - back) is Sight.SEEN
        assert seen.see(enc(2), NOW - back, NOW - back) is Sight.NEW
