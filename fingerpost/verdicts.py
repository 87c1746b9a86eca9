"""What the limits of a daemon have come to: counts for statistics, and a line in the log now and then.

Pure but for the log. A flood costs a line a minute for each kind, with an address to begin looking at.
"""

import logging
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import Final

LINE_EVERY: Final = 60.0  # seconds

log = logging.getLogger(__name__)


class Kind(StrEnum):
    """Why somebody was held up."""

    RATE = "rate"  # too many datagrams a second
    STREAM_RATE = "stream_rate"  # too many queries a second over streams
    HANDSHAKE = "handshake_rate"  # too many handshakes a second
    LONG = "long_reply"  # a reply too long for an address that nothing proves
    UNPROVEN = "unproven_budget"  # the share of a budget that is for such addresses is used up
    BUDGET = "budget"  # a budget is used up
    WAITING = "waiting"  # too many questions in hand


@dataclass(slots=True)
class _Account:
    count: int = 0
    told: int = 0  # of these, in lines of the log
    next_line: float = 0.0


class Noted:
    """Counts verdicts by kind.

    Args:
        is_dry: Whether nobody was held up in the end.
    """

    def __init__(self, *, is_dry: bool = False) -> None:
        self._is_dry = is_dry
        self._accounts = {kind: _Account() for kind in Kind}

    def add(self, kind: Kind, source: bytes, now: float) -> None:
        """Count one, of an address of 4 or 16 octets."""
        account = self._accounts[kind]
        account.count += 1
        if now < account.next_line:
            return
        account.next_line = now + LINE_EVERY
        since = account.count - account.told
        account.told = account.count
        dry = " dry_run=yes" if self._is_dry else ""
        log.warning("event=limited why=%s client=%s count=%d%s", kind.value, ip_address(source), since, dry)

    def counts(self) -> dict[str, int]:
        """Return how often each kind was counted."""
        return {f"over_{kind.value}": account.count for kind, account in self._accounts.items()}
