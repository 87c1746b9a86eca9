"""What can go wrong with bytes, trust and configuration, as three exceptions.

Expected outcomes (a denial, a referral, a refused statement) are values elsewhere. These are raised where
the caller cannot go on with what it was given. `UnreachableError` belongs to transport.
"""

from dataclasses import dataclass
from pathlib import Path


class MalformedError(ValueError):
    """Bytes or text are not what their format demands."""


class UntrustedError(Exception):
    """A key, a signature or an anchor may not be believed."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake in something a person wrote.

    Attributes:
        where: The file it stands in.
        line: Line number from 1; 0 when the fault is the file itself.
        field: The key or field at fault, or "" when it is the whole line.
        reason: What is wrong, what was expected and what to do.
    """

    where: Path
    line: int
    field: str
    reason: str

    def to_text(self) -> str:
        """Return `FILE:LINE: FIELD: REASON`, the form every checker of ours prints."""
        place = f"{self.where}:{self.line}" if self.line else str(self.where)
        return f"{place}: {self.field}: {self.reason}" if self.field else f"{place}: {self.reason}"


class ConfigError(Exception):
    """Every fault found in what a person wrote, all of them at once."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(fault.to_text() for fault in faults))
        self.faults = faults
