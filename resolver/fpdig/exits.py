"""Exit statuses. Pure."""

from collections.abc import Iterable
from enum import IntEnum


class Exit(IntEnum):
    """Exit statuses; the first five are dig's. Of several questions the highest counts."""

    ANSWERED = 0  # "none" is an answer
    USAGE = 1
    INCOMPLETE = 2
    UNVERIFIED = 3
    UNKEPT = 7  # the answer, a bundle or a picture could not be written
    BATCH = 8
    UNREACHED = 9
    INTERNAL = 10


def worst(statuses: Iterable[Exit]) -> Exit:
    """Return the status of several questions together."""
    return max(statuses, default=Exit.ANSWERED)
