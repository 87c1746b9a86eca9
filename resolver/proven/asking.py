"""The three questions to a store, over the tables it consists of, newest first."""

from collections.abc import Iterator, Sequence
from typing import cast

from resolver.proven.entry import split
from resolver.proven.keys import AUTHORITY, BLOCK, DELEGATION, GAP, Keys
from resolver.proven.order import overtakes, read
from resolver.proven.table import Table
from zonedata import names
from zonedata.identifiers import authority_node
from zonedata.names import Name
from zonedata.opening import Opened, Signer
from zonedata.person_statements import Block
from zonedata.recipient_statements import Revocation
from zonedata.statements import Statement
from zonedata.zone_statements import Authority


class Asking:
    """Asks on behalf of one party at one instant.

    Attributes:
        used: Keys at which something was found, for the table to keep.
    """

    __slots__ = ("_keys", "_now", "_signer", "_tables", "used")

    def __init__(self, keys: Keys, tables: Sequence[Table], signer: Signer, now: float) -> None:
        self.used: list[bytes] = []
        self._keys = keys
        self._tables = tables
        self._signer = signer
        self._now = now

    def said(self, owner: Name) -> list[Opened[Statement]]:
        """Return what the party said about an owner."""
        found: dict[object, Opened[Statement]] = {}
        key = self._keys.about(self._signer.principal, owner)
        blocks = self._keys.tagged(self._signer.principal, BLOCK)
        for table in self._tables:
            self._take(found, key, table.get(key), owner)
            for at, octets in _above(table, blocks, owner):
                self._take(found, at, octets, None)
        said = [opened for opened in found.values() if _is_about(opened.statement, owner)]
        above = [cast("Opened[Block]", opened) for opened in found.values() if isinstance(opened.statement, Block)]
        speaking = [block for block in above if block.statement.speaks_for(owner)]
        return [*said, *sorted(speaking, key=lambda block: -len(block.statement.node))]

    def zone_for(self, name: Name) -> list[Opened[Statement]]:
        """Return the gap at or before a name, and the delegations on the way to it."""
        found: dict[object, Opened[Statement]] = {}
        gaps = self._keys.tagged(self._signer.principal, GAP)
        delegations = self._keys.tagged(self._signer.principal, DELEGATION)
        nodes = [delegations + node for node in names.ancestors(name)]
        for table in self._tables:
            before = table.at_or_before(gaps + name)
            if before is not None and before[0].startswith(gaps):
                self._take(found, *before, None)
            for key in nodes:
                self._take(found, key, table.get(key), None)
        return list(found.values())

    def authority(self, authority: str) -> Opened[Authority] | None:
        """Return the binding of a name."""
        found: dict[object, Opened[Statement]] = {}
        key = self._keys.tagged(self._signer.principal, AUTHORITY, authority_node(authority))
        for table in self._tables:
            self._take(found, key, table.get(key), None)
        return cast("Opened[Authority] | None", next(iter(found.values()), None))

    def _take(
        self, found: dict[object, Opened[Statement]], key: bytes, octets: bytes | None, owner: Name | None
    ) -> None:
        """Add what is in an entry list; of two tables' words at one place that of the newer stands, if it may."""
        for entry in split(octets) if octets else ():
            if entry.until <= self._now:
                continue
            opened = read(entry, self._keys, self._signer, key, owner)
            if opened is None:
                continue
            place = (key, entry.slot)
            newer = found.get(place)
            if newer is None or overtakes(opened, newer, self._signer, self._now):
                found[place] = opened
            self.used.append(key)


def _is_about(statement: Statement, owner: Name) -> bool:
    """Say whether what was found is about the owner; blocks are looked at apart."""
    if isinstance(statement, Revocation):
        return statement.speaks_for(owner)
    return not isinstance(statement, Block)


def _above(table: Table, prefix: bytes, owner: Name) -> Iterator[tuple[bytes, bytes]]:
    """Yield what lies at the ancestors of a name and at the name itself, longest first.

    Two steps where one block lies above, one where there is none near; each step goes at least one label up.
    """
    probe = owner
    while (found := table.at_or_before(prefix + probe)) is not None and found[0].startswith(prefix):
        node = Name(found[0][len(prefix) :])
        if names.covers(node, owner):
            yield found
            if not node:
                return
            probe = names.ancestor(node, names.depth(node) - 1)
        else:
            probe = _common(node, probe)


def _common(one: Name, other: Name) -> Name:
    """Return the longest name above both."""
    common = [a for a, b in zip(names.ancestors(one), names.ancestors(other), strict=False) if a == b]
    return common[-1]
