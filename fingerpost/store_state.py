"""What a store holds, without answering from it."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from zonedata import names
from zonedata.errors import MalformedError
from zonedata.names import Name
from zonedata.store.disk import DiskTables
from zonedata.store.layout import Table, plain_entry

_NEVER = b"\xff" * 8  # later than any time in an entry


@dataclass(frozen=True, slots=True)
class StoreState:
    """What a store holds.

    Attributes:
        serial: Of its signing.
        statements: How many.
        expires: When the first of them expires, in Unix seconds; None when there are none. Versions of the
            root's keys other than the newest may expire: they show the way to it.
    """

    serial: int
    statements: int
    expires: int | None


def owner_of(store: Path) -> str:
    """Say whose statements a store holds.

    Raises:
        MalformedError: It is not there or no store.
    """
    with closing(DiskTables(store)) as tables:
        return (tables.get(Table.META, b"authority") or b"").decode(errors="replace")


def nodes_of(store: Path) -> tuple[str, tuple[Name, ...]]:
    """Say whose statements a store holds, and at which nodes they answer.

    Raises:
        MalformedError: It is not there or no store.
    """
    with closing(DiskTables(store)) as tables:
        lines = (tables.get(Table.META, b"nodes") or b"").decode().split("\n")
        owner = (tables.get(Table.META, b"authority") or b"").decode(errors="replace")
        return owner, tuple(names.from_text(line) for line in lines if line)


def look_into(store: Path) -> StoreState:
    """Go through a store and say what it holds.

    Raises:
        MalformedError: It is not there or no store.
    """
    with closing(DiskTables(store)) as tables:
        try:
            return StoreState(int(tables.get(Table.META, b"serial") or b"0"), *_count(tables))
        except ValueError as error:
            raise MalformedError(f"store {store} is damaged: {error}") from error


def _count(tables: DiskTables) -> tuple[int, int | None]:
    count, first = 0, _NEVER
    for table in Table:
        for _, value in tables.scan(table) if table is not Table.META else ():
            count += 1
            if table is not Table.ROOTKEYS:
                first = min(first, plain_entry(table, value)[:8])
    newest = tables.at_or_before(Table.ROOTKEYS, b"\xff" * 4)
    if newest is not None:
        first = min(first, newest[1][:8])
    return count, int.from_bytes(first, "big") if count else None
