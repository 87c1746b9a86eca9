"""A validator's register: what it vouches for, which changes while it is served.

The rest of a store is built whole and never changes; who proved possession of a number a moment ago, or gave it up,
must show at once. So this is asked anew for each question, and replies made of it are not kept ready.
"""

from typing import Protocol

from zonedata.names import Name


class Register(Protocol):
    """Reading a register."""

    def about(self, owner: Name) -> list[bytes]:
        """Return the entries about a CSI (`store.layout.entry`): its VALIDATION, and its recipient's MAPPING."""
        ...
