"""What a worker of a resolver needs to take tokens, out of the configuration."""

from fingerpost.tokens.sections import TokensPart
from transport.tokens.listed_keys import ListedKeys
from transport.tokens.redeeming import Redeemer
from transport.tokens.spent import SpentError, SpentTokens
from transport.tokens.tokens import TokenError
from zonedata.errors import MalformedError


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
