"""How work outlives the listener that began it: a nursery that is cancelled a little later than its body.

To stop a server well, one stops taking work, lets the work in hand end, and gives up on it after a while.
In trio all of it sits under one cancel scope, which ends everything at once. Here the body is cancelled with
the scope, and the tasks get `grace` seconds more.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import trio


@asynccontextmanager
async def open_lasting_nursery(grace: float) -> AsyncGenerator[trio.Nursery]:
    """Open a nursery whose tasks survive the end of the body by `grace` seconds at most.

    It makes no difference whether the body ends by itself, by an error or by cancellation. Leaving waits for
    the tasks, shielded; it takes `grace` seconds at worst. Errors come out in an exception group, as from
    any nursery.
    """
    ended = trio.Event()

    async def hold(*, task_status: trio.TaskStatus[trio.Nursery]) -> None:
        async with trio.open_nursery() as lasting:
            lasting.cancel_scope.shield = True
            task_status.started(lasting)
            await ended.wait()
            lasting.cancel_scope.deadline = trio.current_time() + grace

    async with trio.open_nursery() as nursery:
        lasting = await nursery.start(hold)
        try:
            yield lasting
        finally:
            ended.set()
