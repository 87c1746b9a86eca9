"""What a worker of a resolver needs to take tokens, out of the configuration, and what it does beside that.

What waits for the disk is done by threads: what was spent is synced once a second, and the file of a key is made
before its day begins, so that no look-up waits for it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import trio

from fingerpost.tokens.sections import TokensPart
from transport.clock import Clock
from transport.tokens.listed_keys import ListedKeys
from transport.tokens.redeeming import Redeemer
from transport.tokens.spent import SpentError, SpentTokens
from transport.tokens.tokens import TokenError
from zonedata.errors import MalformedError

SYNC_EVERY: Final = 1.0  # seconds: what a loss of power may make spendable again
PREPARE_EVERY: Final = 60.0  # seconds; a key is known for days, and for an hour it is time to be ready for it


@asynccontextmanager
async def taking(part: TokensPart | None) -> AsyncIterator[Redeemer | None]:
    """Take tokens inside, if any are.

    Raises:
        MalformedError: As `redeemer_of`.
    """
    if part is None:
        yield None
        return
    redeemer, spent = redeemer_of(part)
    clock = Clock()

    async def prepare() -> None:
        while True:
            now = clock.now()
            for key in redeemer.due(now):
                try:
                    await trio.to_thread.run_sync(spent.prepare, key.key_id, key.not_after, now)
                except SpentError as error:
                    redeemer.complain(str(error), now)
            await trio.sleep(PREPARE_EVERY)

    async def sync() -> None:
        while True:
            await trio.sleep(SYNC_EVERY)
            await trio.to_thread.run_sync(spent.sync)

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(prepare)
            nursery.start_soon(sync)
            yield redeemer
            nursery.cancel_scope.cancel()
    finally:
        spent.sync()
        spent.close()


def redeemer_of(part: TokensPart) -> tuple[Redeemer, SpentTokens]:
    """Open everything. In each worker, after the fork.

    Raises:
        MalformedError: The directory is none, or what was spent cannot be kept.
    """
    try:
        spent = SpentTokens(part.spent, part.capacity)
        return Redeemer(part.challenge, ListedKeys(part.directory), spent), spent
    except (TokenError, SpentError) as error:
        raise MalformedError(str(error)) from error
