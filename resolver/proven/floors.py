"""Floors: how early a statement may not be, because a later one took its place and it would still count.

    later statement seen -> the earlier one has not expired -> a floor, until the earlier one would have expired

A floor says of one name which serials of one party are refused (verification step 9), whether or not the later
statement is still held. It counts while the key that signed the later one is bound to the party for that use; so a
key that is changed takes along what was signed with it, a serial in the far future included.

Of one name there is a floor for each key and kind that raised one. Floors are kept by *group*: the party that the
root itself bound, with all that hangs below it. When there are too many the group with the most loses those that
end first; so whoever makes many of them loses their own. The root's own statements are no group's and go last.
"""

import heapq
from dataclasses import dataclass
from typing import Final, Protocol

from zonedata.holdings import Principal
from zonedata.identifiers import authority_node
from zonedata.kinds import RULES, Kind, Role, Use
from zonedata.life import SKEW_MOST
from zonedata.opening import Signer
from zonedata.person_statements import Assertion, Block, Denial
from zonedata.recipient_statements import Mapping, Revocation, Validation
from zonedata.statements import Statement
from zonedata.zone_statements import Authority, Delegation, Gap

MAX_MARKS: Final = 8  # floors at one name; an authority has at most as many keys
MARK_OCTETS: Final = 8 + 1 + 7 + 5
MEMORY_FLOORS: Final = 50_000  # held in a process without a file; some 300 octets each
_ROLES: Final = tuple(Role)
_BY_ISSUED: Final = 0x80  # in the octet of the kind


@dataclass(frozen=True, slots=True)
class Mark:
    """One floor at a name.

    Attributes:
        key_id: The key that signed the later statement.
        kind: Of the later statement; its use is what the key must be bound for.
        is_by_issued: Whether `least` is of `instant_of` and not of `serial`.
        least: What is below is refused.
        ends: Unix seconds from which the floor is not wanted.
    """

    key_id: bytes
    kind: Kind
    is_by_issued: bool
    least: int
    ends: int

    @property
    def place(self) -> tuple[bytes, Kind, bool]:
        """Identify it among those at one name."""
        return self.key_id, self.kind, self.is_by_issued

    def to_octets(self) -> bytes:
        """Write it: 21 octets."""
        kind = self.kind | (_BY_ISSUED if self.is_by_issued else 0)
        return self.key_id + bytes((kind,)) + self.least.to_bytes(7, "big") + self.ends.to_bytes(5, "big")

    @classmethod
    def from_octets(cls, octets: bytes) -> "Mark":
        """Read it."""
        kind, least, ends = octets[8], int.from_bytes(octets[9:16], "big"), int.from_bytes(octets[16:21], "big")
        return cls(octets[:8], Kind(kind & ~_BY_ISSUED), bool(kind & _BY_ISSUED), least, ends)

    def counts(self, signer: Signer, now: float) -> bool:
        """Say whether it has not ended, and its key is still the party's for that use."""
        if self.ends <= now:
            return False
        use = RULES[self.kind].use
        if use is Use.RECIPIENT:
            return True  # the key is part of the name
        bound = signer.key_for(self.key_id)
        return bound is not None and use in bound.uses and bound.start - SKEW_MOST <= now < bound.end


@dataclass(frozen=True, slots=True)
class Rise:
    """A floor on its way into the floors.

    Attributes:
        principal: The party.
        subject: What the earlier statement is about, as `subject_of` has it.
        mark: The floor.
    """

    principal: Principal
    subject: bytes
    mark: Mark


class Floors(Protocol):
    """Floors, wherever they lie."""

    def barred(self, signer: Signer, statement: Statement, now: float) -> str | None:
        """Say why a statement of a party is too early, or None."""
        ...

    def keep(self, rises: list[Rise], now: float) -> None:
        """Raise floors, for good before this returns; never raises. What cannot be written is counted as lost."""
        ...

    def close(self) -> None:
        """Let go."""
        ...


def subject_of(statement: Statement) -> bytes:
    """Return what a statement is about: of two with the same subject the later stands."""
    name: bytes
    slot = int(statement.kind)
    match statement:
        case Assertion() | Validation():
            name = statement.owner
        case Denial():
            name, slot = statement.owner, slot | _ROLES.index(statement.role) << 5
        case Mapping():
            name = statement.key.raw + statement.owner
        case Block() | Revocation() | Delegation():
            name = statement.node
        case Authority():
            name = authority_node(statement.authority)
        case Gap():
            name = statement.first
        case _:
            name = b""
    return bytes((slot,)) + name


def instant_of(statement: Statement) -> int:
    """Return the Unix seconds by which a DENIAL and what is spoken in its role are ordered."""
    return statement.ordered_at if isinstance(statement, Denial) else statement.life.issued


def merged(marks: list[Mark], new: Mark, now: float) -> list[Mark]:
    """Add a floor to those at a name: the higher and the longer of two of one key; what has ended goes."""
    others = []
    for mark in marks:
        if mark.place == new.place:
            new = Mark(*new.place, max(mark.least, new.least), max(mark.ends, new.ends))
        elif mark.ends > now:
            others.append(mark)
    others.sort(key=lambda mark: -mark.ends)
    return [new, *others[: MAX_MARKS - 1]]


def last_end(marks: list[Mark]) -> int:
    """Return the Unix second from which none of some floors is wanted."""
    return max(mark.ends for mark in marks)


def reason(marks: list[Mark], signer: Signer, statement: Statement, now: float) -> str | None:
    """Say why a statement is too early for one of the floors at its name, or None."""
    for mark in marks:
        said = instant_of(statement) if mark.is_by_issued else statement.life.serial
        if said < mark.least and mark.counts(signer, now):
            what = "issued" if mark.is_by_issued else "serial"
            return f"{what} {said}, but a later {mark.kind.name} was seen: at least {mark.least} until {mark.ends}"
    return None


def group_of(principal: Principal) -> Principal:
    """Return whose floors count together."""
    return principal[:1]


class MemoryFloors:
    """Floors in this process; gone with it."""

    def __init__(self, most: int = MEMORY_FLOORS) -> None:
        self._most = most
        self._count = 0
        self._marks: dict[Principal, dict[tuple[Principal, bytes], list[Mark]]] = {}  # by group, then by name
        self._ends: dict[Principal, list[tuple[int, tuple[Principal, bytes]]]] = {}  # heaps; some of it out of date

    def __len__(self) -> int:
        return self._count

    def barred(self, signer: Signer, statement: Statement, now: float) -> str | None:
        """Say why a statement of a party is too early, or None."""
        of_group = self._marks.get(group_of(signer.principal))
        if not of_group:
            return None
        marks = of_group.get((signer.principal, subject_of(statement)))
        return reason(marks, signer, statement, now) if marks else None

    def keep(self, rises: list[Rise], now: float) -> None:
        """Raise floors."""
        for rise in rises:
            group, key = group_of(rise.principal), (rise.principal, rise.subject)
            of_group = self._marks.setdefault(group, {})
            self._count += key not in of_group
            of_group[key] = merged(of_group.get(key, []), rise.mark, now)
            heap = self._ends.setdefault(group, [])
            heapq.heappush(heap, (last_end(of_group[key]), key))
            if len(heap) > 2 * len(of_group) + 64:
                heap[:] = sorted((last_end(marks), key) for key, marks in of_group.items())
        if rises:
            for group in list(self._ends):
                self._drop_ended(group, now)
            while self._count > self._most:
                self._drop_first(max(self._marks, key=lambda group: len(self._marks[group]) if group else 0))

    def _drop_ended(self, group: Principal, now: float) -> None:
        heap = self._ends[group]
        while heap and heap[0][0] <= now:
            self._drop_first(group)

    def _drop_first(self, group: Principal) -> None:
        ends, key = heapq.heappop(self._ends[group])
        marks = self._marks[group].get(key)
        if marks is not None and last_end(marks) <= ends:
            del self._marks[group][key]
            self._count -= 1
        if not self._ends[group]:
            del self._ends[group]
            self._marks.pop(group, None)

    def close(self) -> None:
        """Do nothing: there is nothing to give back."""
