"""Date fields, which bound how long requests must be remembered (RFC 9458 section 6.5.1). Pure.

A client says the minute, not the second: all that ask in the same minute say the same, and a clock that is off by
seconds tells nobody from others (section 6.8).
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

GRAIN: Final = 60  # seconds
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_OCTETS: Final = 29


def coarse(now: float) -> float:
    """Return the middle of the minute."""
    return now // GRAIN * GRAIN + GRAIN / 2


def to_text(now: float) -> bytes:
    """Write an IMF-fixdate (RFC 9110 section 5.6.7), such as `Tue, 15 Nov 1994 08:12:31 GMT`; no locale counts."""
    when = datetime.fromtimestamp(int(now), UTC)
    day, month = _DAYS[when.weekday()], _MONTHS[when.month - 1]
    return f"{day}, {when.day:02} {month} {when.year:04} {when:%H:%M:%S} GMT".encode("ascii")


@lru_cache(64)  # whoever asks in the same minute says the same
def from_text(octets: bytes | None) -> float | None:
    """Read an IMF-fixdate, in the one spelling that it has; None for anything else.

    Args:
        octets: Untrusted; None where there is none.
    """
    if octets is None or len(octets) != _OCTETS:
        return None
    try:
        text = octets.decode("ascii")
        month = _MONTHS.index(text[8:11]) + 1
        year, day = int(text[12:16]), int(text[5:7])
        hour, minute, second = (int(text[start : start + 2]) for start in (17, 20, 23))
        when = datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return None
    return when if to_text(when) == octets else None
