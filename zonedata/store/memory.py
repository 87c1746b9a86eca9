"""A store in memory: for tests, small zones and whatever is built to be looked at once."""

from collections.abc import Iterable, Iterator

from zonedata.ordered import Ordered
from zonedata.store.layout import Table


class MemoryTables:
    """Tables as ordered mappings."""

    def __init__(self, entries: Iterable[tuple[Table, bytes, bytes]] = ()) -> None:
        self._tables: dict[Table, Ordered[bytes]] = {table: Ordered() for table in Table}
        for table, key, value in entries:
            self._tables[table].put(key, value)

    def get(self, table: Table, key: bytes) -> bytes | None:
        """Return the entry at exactly that key."""
        return self._tables[table].get(key)

    def at_or_before(self, table: Table, key: bytes) -> tuple[bytes, bytes] | None:
        """Return the last entry whose key is not after `key`."""
        return self._tables[table].at_or_before(key)

    def scan(self, table: Table) -> Iterator[tuple[bytes, bytes]]:
        """Go through a table in canonical order."""
        held = self._tables[table]
        for key in held:
            value = held.get(key)
            assert value is not None
            yield key, value
