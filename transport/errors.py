"""The exceptions of this room.

Foreign exceptions (OSError, trio's broken and closed resources) become these where they are caught, with `from`.
Left out: malformed bytes, which are the handler's to judge.
"""


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
