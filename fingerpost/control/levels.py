"""`log level`: what a process logs, shown and set while it runs."""

import logging
from collections.abc import Iterator
from typing import Final

from fingerpost.control.attending import RefusedError

LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def levels(words: list[str]) -> Iterator[str]:
    """Set the level if there is a word, and say what it is.

    Raises:
        RefusedError: There is no such level.
    """
    root = logging.getLogger()
    if words:
        level = LEVELS.get(words[0])
        if level is None:
            raise RefusedError(f"'{words[0]}' is no level; there are {', '.join(LEVELS)}")
        root.setLevel(level)
    yield f"level={logging.getLevelName(root.level).lower()}"
