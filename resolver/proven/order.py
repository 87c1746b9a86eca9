"""Putting a statement into a table by the rules of order (verification step 9).

For what a zone said the rules are those of `ZoneHoldings`, applied to what lies near the new statement. So the gaps
of a zone never overlap in a table, and no name lies inside one.
"""

from dataclasses import dataclass
from itertools import islice

from resolver.proven.entry import Entry, split
from resolver.proven.keys import AUTHORITY, DELEGATION, GAP, Keys
from resolver.proven.store import MAX_NEAR
from resolver.proven.table import Changing
from zonedata.errors import MalformedError
from zonedata.holdings import ZoneHoldings
from zonedata.identifiers import authority_node
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


def add(table: Changing, keys: Keys, put: Put) -> bool:
    """Put a statement into a table; False when something later stands there."""
    match put.opened.statement:
        case Assertion() | Denial() | Validation() | Mapping() as said:
            return _add_said(table, keys, put, said.owner)
        case Block() | Revocation():
            return _add_said(table, keys, put, None)
        case _:
            return _add_zone(table, keys, put)


def _add_said(table: Changing, keys: Keys, put: Put, owner: Name | None) -> bool:
    entries = []
    for entry in split(table.get(put.key) or b""):
        if entry.until <= put.now:
            continue
        if entry.slot != put.entry.slot:
            entries.append(entry)
        elif entry.rest != put.entry.rest:
            held = read(entry, keys, put.signer, put.key, owner)
            if held is not None and overtakes(held, put.opened, put.signer, put.now):
                return False
    table.put(put.key, b"".join(entry.to_octets() for entry in (*entries, put.entry)))
    return True


def _add_zone(table: Changing, keys: Keys, put: Put) -> bool:
    near = _near(table, keys, put)
    if not near:
        table.put(put.key, put.entry.to_octets())
        return True
    held = ZoneHoldings()
    seeds: dict[bytes, Opened[Statement]] = {}
    for key, octets in near:
        entry = split(octets)[0]
        opened = read(entry, keys, put.signer, key, None) if entry.until > put.now else None
        if opened is not None and held.add(opened, put.signer, put.now) is None:
            seeds[key] = opened
    is_added = held.add(put.opened, put.signer, put.now) is None and len(near) <= MAX_NEAR
    staying = {id(opened) for opened in held.all()}
    for key, _ in near:
        if key not in seeds or id(seeds[key]) not in staying:
            table.delete(key)
    if is_added:
        table.put(put.key, put.entry.to_octets())
    return is_added


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
