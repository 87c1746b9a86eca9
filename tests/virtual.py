"""Running async tests in virtual time: a decorator, so that a test names only what it uses."""

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import trio
from trio.testing import MockClock

from tests.world import World, run_in


def virtual(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run the test under a clock that jumps to the next deadline when everybody waits."""

    @functools.wraps(test)
    def run(**fixtures: Any) -> None:
        async def main() -> None:
            await test(**fixtures)

        trio.run(main, clock=MockClock(autojump_threshold=0))

    return run


def in_world(build: Callable[[], World]) -> Callable[[Callable[..., Awaitable[None]]], Callable[..., None]]:
    """Run the test in virtual time with a world as its first argument, its resolver started."""

    def decorate(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
        @virtual
        async def run(**fixtures: Any) -> None:
            await run_in(build(), lambda world: test(world, **fixtures))

        signature = inspect.signature(test)
        run.__name__, run.__doc__ = test.__name__, test.__doc__
        others = list(signature.parameters.values())[1:]
        run.__signature__ = signature.replace(parameters=others)  # type: ignore[attr-defined]  # pytest reads it
        return run

    return decorate
