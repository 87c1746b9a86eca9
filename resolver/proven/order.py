"""Putting a statement into a table by the rules of order (verification step 9).

For what a zone said the rules are those of `ZoneHoldings`, applied to what lies near the new statement. So the gaps
of a zone never overlap in a table, and no name lies inside one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from resolver.proven.entry import KIND_BITS, Entry, role_in, split
from resolver.proven.floors import Rise
from resolver.proven.keys import AUTHORITY, BLOCK, DELEGATION, GAP, Keys
from resolver.proven.store import MAX_NEAR, MAX_TURNS
from resolver.proven.supersession import meets, rise_of
from resolver.proven.table import Changing
from zonedata.errors import MalformedError
from zonedata.holdings import ZoneHoldings
from zonedata.identifiers import authority_node
from zonedata.kinds import Kind, Role
from zonedata.names import Name
from zonedata.opening import Opened, Signer
from zonedata.person_statements import Assertion, Block, Denial
from zonedata.recipient_statements import Mapping, Revocation, Validation
from zonedata.statements import Statement
from zonedata.zone_statements import Authority, Delegation, Gap


@dataclass(slots=True)  # one a look-up: decision 0016
class Put:
    """A statement on its way into a store.

    Attributes:
        signer: Who said it.
        opened: What was said.
        key: Where it belongs.
        entry: The statement, packed.
        now: Unix seconds at which it was put.
    """

    signer: Signer
    opened: Opened[Statement]
    key: bytes
    entry: Entry
    now: float


def read(entry: Entry, keys: Keys, signer: Signer, key: bytes, owner: Name | None) -> Opened[Statement] | None:
    """Open an entry, if it is what its place says it is."""
    try:
        opened = entry.open()
    except MalformedError:
        return None
    return opened if keys.fits(signer, opened.statement, key, owner) else None


def overtakes(held: Opened[Statement], new: Opened[Statement], signer: Signer, now: float) -> bool:
    """Say whether what is held, and has not ended, is later and signed by a key that still counts."""
    if isinstance(new.statement, Mapping) and held.key_id != new.key_id:
        return False  # another recipient's, for whom the validator vouched before
    return held.statement.life.serial > new.statement.life.serial and signer.vouches_for(held, now)


class Superseding:
    """Collects which floors the statements of a batch raise."""

    __slots__ = ("rises",)

    def __init__(self) -> None:
        self.rises: list[Rise] = []

    def look(self, put: Put, entry: Entry, keys: Keys, key: bytes) -> None:
        """Look at what lies beside a statement: a DENIAL and what is spoken in its role displace each other."""
        new = put.opened.statement
        if meets(new, entry.slot & KIND_BITS, role_in(entry.slot)):
            owner = new.node if isinstance(new, Revocation) else getattr(new, "owner", None)
            if entry.slot & KIND_BITS == Kind.REVOCATION:
                owner = None  # it lies under its node, not under a hash of the owner
            held = read(entry, keys, put.signer, key, owner)
            if held is not None:
                self.note(put, held, put.opened)

    def note_zone(
        self, put: Put, before: Iterable[Opened[Statement]], staying: set[int], *, is_later: bool
    ) -> None:
        """Look at what a zone had said near a statement, and what of it stays."""
        for opened in before:
            if id(opened) in staying and opened.statement.life.serial > put.opened.statement.life.serial:
                self.note(put, put.opened, opened)
            elif is_later and id(opened) not in staying:
                self.note(put, opened, put.opened)

    def note(self, put: Put, old: Opened[Statement], later: Opened[Statement]) -> None:
        """Look at two statements of the party, of which the later takes the place of the other."""
        rise = rise_of(put.signer.principal, old.statement, later, put.now)
        if rise is not None:
            self.rises.append(rise)


def add(table: Changing, keys: Keys, put: Put, superseding: Superseding | None = None) -> bool:
    """Put a statement into a table; False when something later stands there.

    Args:
        table: Where to.
        keys: Those of the store.
        put: What.
        superseding: Told what took the place of what; floors are raised once, where the statement comes to stand.
    """
    match put.opened.statement:
        case Denial() as denial if denial.role is Role.CSIP:
            if superseding is not None:
                revoked = keys.tagged(put.signer.principal, BLOCK, denial.owner)
                for entry in split(table.get(revoked) or b""):
                    superseding.look(put, entry, keys, revoked)
            return _add_said(table, keys, put, denial.owner, superseding)
        case Assertion() | Denial() | Validation() | Mapping() as said:
            return _add_said(table, keys, put, said.owner, superseding)
        case Block():
            return _add_said(table, keys, put, None, superseding)
        case Revocation() as revocation:
            if superseding is not None and not revocation.is_block:
                about = keys.about(put.signer.principal, revocation.node)
                for entry in split(table.get(about) or b""):
                    superseding.look(put, entry, keys, about)
            return _add_said(table, keys, put, None, superseding)
        case _:
            return _add_zone(table, keys, put, superseding)


def _add_said(table: Changing, keys: Keys, put: Put, owner: Name | None, superseding: Superseding | None) -> bool:
    entries = []
    for entry in split(table.get(put.key) or b""):
        if entry.slot != put.entry.slot:
            if superseding is not None and owner is not None:
                superseding.look(put, entry, keys, put.key)
            if entry.until > put.now:
                entries.append(entry)
        elif entry.rest != put.entry.rest:
            held = read(entry, keys, put.signer, put.key, owner)
            if held is None:
                continue
            if entry.until > put.now and overtakes(held, put.opened, put.signer, put.now):
                if superseding is not None:
                    superseding.note(put, put.opened, held)
                return False
            is_other = isinstance(held.statement, Mapping) and held.key_id != put.opened.key_id
            if superseding is not None and not is_other:
                superseding.note(put, held, put.opened)
    table.put(put.key, b"".join(entry.to_octets() for entry in (*entries, put.entry)))
    return True


def _add_zone(table: Changing, keys: Keys, put: Put, superseding: Superseding | None) -> bool:
    for _ in range(MAX_TURNS):
        near = _near(table, keys, put)
        if not near:
            table.put(put.key, put.entry.to_octets())
            return True
        is_later = _clear_near(table, keys, put, near, superseding)
        if not is_later:
            return False
        if len(near) <= MAX_NEAR:
            table.put(put.key, put.entry.to_octets())
            return True
    return False  # something is left in the gap; what was looked at is gone, and has its floor


def _clear_near(
    table: Changing, keys: Keys, put: Put, near: list[tuple[bytes, bytes]], superseding: Superseding | None
) -> bool:
    """Take away what of that near a statement gives way to it; say whether nothing of it is later."""
    held = ZoneHoldings()
    before = {key: opened for key, octets in near if (opened := _read_first(octets, keys, put, key)) is not None}
    seeds = {
        key: opened
        for key, opened in before.items()
        if opened.until > put.now and held.add(opened, put.signer, put.now) is None
    }
    is_later = held.add(put.opened, put.signer, put.now) is None
    staying = {id(opened) for opened in held.all()}
    for key, _ in near:
        if key not in seeds or id(seeds[key]) not in staying:
            table.delete(key)
    if superseding is not None:
        superseding.note_zone(put, before.values(), staying, is_later=is_later)
    return is_later


def _read_first(octets: bytes, keys: Keys, put: Put, key: bytes) -> Opened[Statement] | None:
    return read(split(octets)[0], keys, put.signer, key, None)


def _near(table: Changing, keys: Keys, put: Put) -> list[tuple[bytes, bytes]]:
    """Return what the rules of order look at: the same key, the gap it may lie in, and what lies in a gap."""
    principal = put.signer.principal
    gaps = keys.tagged(principal, GAP)
    match put.opened.statement:
        case Gap() as gap:
            found: list[tuple[bytes, bytes]] = []
            for tag in (GAP, DELEGATION, AUTHORITY):
                prefix = keys.tagged(principal, tag)
                following = prefix + gap.next if gap.next else prefix[:-1] + bytes((prefix[-1] + 1,))
                found += islice(table.between(prefix + gap.first, following), MAX_NEAR + 1)
            name: bytes = gap.first
        case Delegation() as delegation:
            found, name = _at(table, put.key), delegation.node
        case Authority() as authority:
            found, name = _at(table, put.key), authority_node(authority.authority)
        case other:
            raise AssertionError(other.kind)
    before = table.at_or_before(gaps + name)
    if before is not None and before[0].startswith(gaps):
        found.append(before)
    return found


def _at(table: Changing, key: bytes) -> list[tuple[bytes, bytes]]:
    octets = table.get(key)
    return [(key, octets)] if octets is not None else []
