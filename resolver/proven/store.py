"""What a store of proven statements is, for whoever uses one and does not mind where it lies."""

from dataclasses import dataclass
from typing import Protocol

from zonedata.names import Name
from zonedata.opening import Opened, Signer
from zonedata.statements import Statement
from zonedata.zone_statements import Authority

MAX_NEAR = 256  # statements inside one new gap that are looked at in one turn: some 10 ms
# Turns at one gap, for 4,000 statements that it displaces, which took longer when each of them came in. A gap with
# more in it is not kept, and is asked for again: what was looked at has its floor, and the next time it goes on.
MAX_TURNS = 16


class UnusableError(Exception):
    """There is no store at that place, and none can be made; go on with one in memory."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Figures of one store; counts are of this process, sizes of the whole store.

    Attributes:
        hits: Calls of `said`, `zone_for` and `authority` that gave something.
        misses: Calls that gave nothing.
        entries: Keys held: owners, blocks and zones' statements.
        octets: What they take: pages of the file, or an estimate of memory.
        bound: What they may take.
        stored: Statements written.
        refused: Statements not written because a later one is held.
        evicted: Keys that had to go before their end, or were found ended.
        lost: Statements that could not be written: no room, no disk.
        turn: How often an eighth of the bound has been written, since the store was begun.
        floors: Names with floors.
        floors_lost: Floors that could not be written.
        is_failed: Whether the file turned out damaged; memory is used instead of it then.
    """

    hits: int = 0
    misses: int = 0
    entries: int = 0
    octets: int = 0
    bound: int = 0
    stored: int = 0
    refused: int = 0
    evicted: int = 0
    lost: int = 0
    turn: int = 0
    floors: int = 0
    floors_lost: int = 0
    is_failed: bool = False


class Proven(Protocol):
    """A store of statements that were verified when they came in.

    What is given back was put, by the same party, for that owner, and has not ended: `until` is after `now`.
    Its `keep` may have passed: then it still bars older statements, and may not be used otherwise. Whether
    its key still counts is asked by `Holdings` at each use. A store may forget any statement at any time; the
    floors that they raised (`floors`) stay. Times come back rounded down: `until` to the second, `keep` to
    1/KEEP_PARTS s; so nothing lives longer than it did, and what verification made comes back as it was.

    Everything here is called by one thread, but for `flush`, which may run in another at the same time.
    """

    def said(self, signer: Signer, owner: Name, now: float) -> list[Opened[Statement]]:
        """Return what an authority said about an owner: the assertion, a denial a role, blocks, longest first.

        Of blocks, all that speak for the owner.
        """
        ...

    def zone_for(self, signer: Signer, name: Name, now: float) -> list[Opened[Statement]]:
        """Return what a zone said that bears on a name: the gap at or before it, the delegations on the way.

        The gap may end before the name: then it is there to be displaced.
        """
        ...

    def authority(self, signer: Signer, authority: str, now: float) -> Opened[Authority] | None:
        """Return the binding of an authority's name by a zone."""
        ...

    def barred(self, signer: Signer, statement: Statement, now: float) -> str | None:
        """Say why a statement is too early to be believed (verification step 9), or None.

        A later one took its place, it has not expired, and the key of the later one still counts.
        """
        ...

    def put(self, signer: Signer, opened: Opened[Statement], now: float) -> None:
        """Keep a statement of `signer`, unless a later one stands that has not ended and that `signer` vouches for.

        Seen by this process at once, by others after `flush`. What it is about stands in it: its owner, its node,
        its gap, the name it binds. ROOTKEYS, ZONEDIGEST and STATUS are not kept here.
        """
        ...

    @property
    def waiting(self) -> int:
        """How many statements were put and are not written yet."""
        ...

    def flush(self) -> None:
        """Write what was put. Never raises for want of room or disk: then it is lost, and counted."""
        ...

    def statistics(self) -> Statistics:
        """Return the figures."""
        ...

    def close(self) -> None:
        """Write what was put and let go; nothing else may be called afterwards."""
        ...
