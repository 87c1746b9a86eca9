"""The two builds of our programs: the hot paths as sources, and compiled from the same sources."""

from enum import StrEnum
from pathlib import Path

PROJECT = Path(__file__).parent.parent
COMPILED_AT = PROJECT / "build" / "compiled"


class Build(StrEnum):
    """A build, by what is added to the names of what runs it."""

    PLAIN = ""
    COMPILED = ", compiled"

    @property
    def path(self) -> str:
        """Where Python is to look for our modules."""
        return f"{COMPILED_AT}:{PROJECT}" if self is Build.COMPILED else str(PROJECT)

    @property
    def why_not(self) -> str:
        """Why it cannot be measured here, or ""."""
        is_there = self is Build.PLAIN or (COMPILED_AT / ".built").exists()
        return "" if is_there else "not compiled; 'make compiled' does it"
