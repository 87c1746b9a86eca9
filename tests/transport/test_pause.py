"""Pauses shorter than what epoll counts in, by the kernel's clock."""

import errno
import os
import resource
import time

import pytest
import trio

from transport.pause import HAS_TIMERS, Pause

pytestmark = pytest.mark.skipif(not HAS_TIMERS, reason="no timerfd here")
SECONDS = 300e-6


async def test_a_pause_takes_its_time_and_holds_up_nobody() -> None:
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    with Pause(SECONDS) as pause, trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(turn)
            for _ in range(3):
                before, turns = time.monotonic(), 0
                await pause.wait()
                assert time.monotonic() - before >= SECONDS
                assert turns > 0
            nursery.cancel_scope.cancel()


async def test_a_pause_can_be_cancelled_and_made_again() -> None:
    with Pause(0.9) as pause:
        with trio.move_on_after(0.001) as scope:
            await pause.wait()
        assert scope.cancelled_caught
    with Pause(SECONDS) as pause, trio.fail_after(10):
        await pause.wait()


def test_its_descriptor_is_closed() -> None:
    with Pause(SECONDS) as pause:
        os.fstat(pause._fd)
    with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
        os.fstat(pause._fd)


def test_no_descriptors_left_is_told() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = os.dup(0)
    os.close(highest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest, hard))
    try:
        with pytest.raises(OSError, match=os.strerror(errno.EMFILE)):
            Pause(SECONDS)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
