"""`python -m bench.handing WAY COUNT AT_ONCE`: what it costs to have a signature verified by another thread.

Verifies signatures of Ed25519 in one way, in an event loop that has nothing else to do, so many at once, and prints
a line of JSON: microseconds of processor time and of waiting for each, and how many came of a second.
"""

import argparse
import json
import queue
import sys
import threading
import time
from collections.abc import Awaitable, Callable

import trio

from zonedata.keys import PrivateKey

MESSAGE = bytes(250)  # as long as what is signed of an assertion

Check = Callable[[], bool]
Verify = Callable[[Check], Awaitable[bool]]


async def here(check: Check) -> bool:
    """Verify in the event loop."""
    return check()


async def in_trios_thread(check: Check) -> bool:
    """Verify in a thread of trio's."""
    return await trio.to_thread.run_sync(check)


class OwnThread:
    """One plain thread that verifies what is put into its queue, and wakes who asked by trio's token."""

    def __init__(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        self._work: queue.SimpleQueue[tuple[trio.lowlevel.Task, Check, list[bool]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            task, check, found = work
            found.append(check())
            self._token.run_sync_soon(trio.lowlevel.reschedule, task)

    async def verify(self, check: Check) -> bool:
        """Verify in the thread."""
        found: list[bool] = []
        self._work.put((trio.lowlevel.current_task(), check, found))
        await trio.lowlevel.wait_task_rescheduled(lambda _: trio.lowlevel.Abort.FAILED)
        return found[0]

    def close(self) -> None:
        """End the thread."""
        self._work.put(None)
        self._thread.join()


WAYS = ("here", "trio", "own", "threads")


async def _measure(way: str, count: int, at_once: int) -> dict[str, float]:
    key = PrivateKey.generate()
    signature, public = key.sign(MESSAGE), key.public
    own = OwnThread() if way == "own" else None
    verify: Verify = own.verify if own is not None else {"here": here, "trio": in_trios_thread}[way]
    waited = 0.0

    def check() -> bool:
        return public.verifies(signature, MESSAGE)

    async def ask(times: int) -> None:
        nonlocal waited
        for _ in range(times):
            started = time.perf_counter()
            assert await verify(check)
            waited += time.perf_counter() - started

    try:
        await ask(at_once)  # threads are started, and what is fetched once is
        waited, wall, cpu = 0.0, time.perf_counter(), time.process_time()
        async with trio.open_nursery() as nursery:
            for _ in range(at_once):
                nursery.start_soon(ask, count // at_once)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    finally:
        if own is not None:
            own.close()
    return _figures(count // at_once * at_once, wall, cpu, waited)


def _threads(count: int, threads: int) -> dict[str, float]:
    """Verify in plain threads alone: with two cores, two would do twice as much if they could run at once."""
    key = PrivateKey.generate()
    signature, public = key.sign(MESSAGE), key.public

    def run() -> None:
        for _ in range(count // threads):
            assert public.verifies(signature, MESSAGE)

    every = [threading.Thread(target=run) for _ in range(threads)]
    wall, cpu = time.perf_counter(), time.process_time()
    for thread in every:
        thread.start()
    for thread in every:
        thread.join()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return _figures(count, wall, cpu, wall * threads)


def _figures(count: int, wall: float, cpu: float, waited: float) -> dict[str, float]:
    return {"cpu_us": 1e6 * cpu / count, "waited_us": 1e6 * waited / count, "qps": count / wall}


def main(words: list[str] | None = None) -> int:
    """Measure, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.handing", description=__doc__)
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("count", type=int)
    parser.add_argument("at_once", type=int)
    args = parser.parse_args(words)
    if args.way == "threads":
        figures = _threads(args.count, args.at_once)
    else:
        figures = trio.run(_measure, args.way, args.count, args.at_once)
    sys.stdout.write(f"{json.dumps(figures)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
