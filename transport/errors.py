"""The exceptions of this room.

Foreign exceptions (OSError, trio's broken and closed resources) become these where they are caught, with `from`.
Left out: malformed bytes, which are the handler's to judge.
"""

import errno
from typing import Final

_OF_OURS: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class UnreachableError(Exception):
    """No answer could be had from there.

    Attributes:
        endpoint: Whom we asked, as text.
        reason: What stood in the way.
    """

    def __init__(self, endpoint: str, reason: str) -> None:
        super().__init__(f"{endpoint}: {reason}")
        self.endpoint = endpoint
        self.reason = reason


class UnprovenError(UnreachableError):
    """Somebody is there, and did not prove to be whom we meant to ask; nothing of ours was sent.

    Never a reason to ask over something that is not encrypted: that is what whoever stands there may want.
    """


class CrowdedError(UnreachableError):
    """There is no room here for one exchange more. It says nothing of the other side, which was not asked."""


def kind_of(error: OSError) -> type[UnreachableError]:
    """Return as what an error of the system is to be told: that there is no room here, or that nobody is there."""
    return CrowdedError if error.errno in _OF_OURS else UnreachableError
