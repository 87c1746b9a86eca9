"""The lifetime that every statement carries, and when it counts."""

from dataclasses import dataclass
from typing import Any, Final

from zonedata.errors import MalformedError
from zonedata.fields import Fields
from zonedata.kinds import MAX_TTL

SKEW_PART: Final = 0.1  # of the lifetime: what two honest clocks may differ by
SKEW_LEAST: Final = 60  # seconds; short-lived denials need at least this
SKEW_MOST: Final = 3_600  # seconds; a year-long statement is not to be a day early
MAX_AHEAD: Final = 86_400  # seconds by which `serial`, a time of signing, may be above `issued`: no key leaps far
MAX_SERIAL: Final = 2**53  # whole in every language's numbers
MAX_TIME: Final = 2**40  # Unix seconds; some 34,000 years on


@dataclass(slots=True, unsafe_hash=True)  # one a look-up: decision 0016
class Life:
    """Times and order of a statement.

    Attributes:
        ttl: Seconds for which it may be cached.
        serial: Orders the statements of one signer about one name.
        issued: Unix seconds of its signing.
        expires: Unix seconds from which it says nothing.
    """

    ttl: int
    serial: int
    issued: int
    expires: int

    def to_fields(self) -> dict[str, Any]:
        """Return the fields of the body."""
        return {"ttl": self.ttl, "serial": self.serial, "issued": self.issued, "expires": self.expires}

    @classmethod
    def from_fields(cls, fields: Fields) -> "Life":
        """Read the fields of the body."""
        life = cls(
            fields.number("ttl", MAX_TTL),
            fields.number("serial", MAX_SERIAL),
            fields.number("issued", MAX_TIME),
            fields.number("expires", MAX_TIME),
        )
        if life.issued >= life.expires:
            raise MalformedError("statement expires before it is issued")
        return life

    @property
    def skew(self) -> float:
        """Seconds by which `issued` may lie ahead of our clock. Expiry is never stretched."""
        return min(max((self.expires - self.issued) * SKEW_PART, SKEW_LEAST), SKEW_MOST)

    def refusal_at(self, now: float, max_life: int, serials: int = 1) -> str | None:
        """Say why it does not count at `now`, or None when it does.

        Args:
            now: Unix seconds.
            max_life: Seconds that its kind may live.
            serials: How many serials its kind has for a second.
        """
        if self.expires - self.issued > max_life:
            return f"lifetime of {self.expires - self.issued} s, at most {max_life} s are allowed"
        if self.serial > (self.issued + MAX_AHEAD) * serials:
            return f"serial {self.serial} is too far above the time of issue"
        if now < self.issued - self.skew:
            return f"issued {self.issued - now:.0f} s in the future"
        if now >= self.expires:
            return f"expired {now - self.expires:.0f} s ago"
        return None


def are_usual(ttl: Any, serial: Any, issued: Any, expires: Any) -> bool:
    """Say whether these are fields that `Life.from_fields` reads."""
    if type(ttl) is int and type(serial) is int and type(issued) is int and type(expires) is int:
        return 0 <= ttl <= MAX_TTL and 0 <= serial <= MAX_SERIAL and 0 <= issued < expires <= MAX_TIME
    return False
