"""What a worker of a resolver needs to take tokens, out of the configuration."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import trio

from fingerpost.tokens.sections import TokensPart
from transport.tokens.listed_keys import ListedKeys
from transport.tokens.redeeming import Redeemer
from transport.tokens.spent import SpentError, SpentTokens
from transport.tokens.tokens import TokenError
from zonedata.errors import MalformedError

SYNC_EVERY: Final = 1.0  # seconds: what a loss of power may make spendable again


@asynccontextmanager
async def taking(part: TokensPart | None) -> AsyncIterator[Redeemer | None]:
    """Take tokens inside, if any are; what was spent is brought to the disk by a thread, once a second.

    Raises:
        MalformedError: As `redeemer_of`.
    """
    if part is None:
        yield None
        return
    redeemer, spent = redeemer_of(part)

    async def sync() -> None:
        while True:
            await trio.sleep(SYNC_EVERY)
            await trio.to_thread.run_sync(spent.sync)

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sync)
            yield redeemer
            nursery.cancel_scope.cancel()
    finally:
        spent.sync()
        spent.close()


def redeemer_of(part: TokensPart) -> tuple[Redeemer, SpentTokens]:
    """Open everything. In each worker, after the fork; `SpentTokens.sync` belongs into a thread, once a second.

    Raises:
        MalformedError: The directory is none, or what was spent cannot be kept.
    """
    try:
        spent = SpentTokens(part.spent, part.capacity)
        return Redeemer(part.challenge, ListedKeys(part.directory), spent), spent
    except (TokenError, SpentError) as error:
        raise MalformedError(str(error)) from error
