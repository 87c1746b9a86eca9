"""Why a request is refused: a sentence for who asked, a word without anybody's name for the log, a status."""

from zonedata.errors import MalformedError, UntrustedError
from zonedata.validator_requests import RequestError

# As HTTP counts.
OK, MALFORMED, UNTRUSTED, CONFLICT, LIMITED, UNDELIVERED, UNAVAILABLE = 200, 400, 403, 409, 429, 502, 503


class TurnedAwayError(Exception):
    """A request is refused. Its text is for people.

    Attributes:
        status: As HTTP counts.
        why: The same in a word for the log.
    """

    def __init__(self, status: int, why: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.why = why

    @classmethod
    def of(cls, error: MalformedError | UntrustedError, why: str) -> "TurnedAwayError":
        """Return the same for octets that are not what they should be.

        Args:
            error: What is wrong with them.
            why: The word, unless the error has one.
        """
        if isinstance(error, RequestError):
            return cls(UNTRUSTED, error.why, str(error))
        return cls(MALFORMED if isinstance(error, MalformedError) else UNTRUSTED, why, str(error))
