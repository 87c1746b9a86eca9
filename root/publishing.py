"""From sources to a store: read, put in order, sign, build, swap in. The shell around `signing` and `sorting`.

    zone source                        -> signing -> store.disk.build -> swapped in
    listings -> sound? -> in order     -> signing -> store.disk.build -> swapped in

Nothing is swapped in when there was any fault: the faults are known at the latest when the last entry has been
made, and then an exception ends the building, which leaves the old store as it was.

Left out: what a configuration says, and the anchor file, which are the commands'.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from root.signing import (
    ASSERTION_LIFE,
    ASSERTION_TTL,
    BLOCK_LIFE,
    Entry,
    Signing,
    next_serial,
    rootkeys_entries,
    sign_listings,
    sign_revocations,
    sign_zone,
)
from root.sorting import in_order
from zonedata import names, statements
from zonedata.errors import ConfigError, Fault, MalformedError
from zonedata.identifiers import authority_node
from zonedata.keys import PrivateKey
from zonedata.kinds import RULES
from zonedata.life import Life
from zonedata.listings import BlockListing, Listing, read_listings
from zonedata.names import Name
from zonedata.person_statements import MAX_FEATURES, Assertion, Block
from zonedata.revocations import RevocationLine, read_revocations
from zonedata.sealed import Sealed
from zonedata.store.disk import DiskTables, build
from zonedata.store.layout import Table, data_of
from zonedata.zonefile import read_zone

MAX_FAULTS = 1_000  # reported of one run; who has more begins with these
_SURELY_SHORT = 100  # octets of SSI and of features: below it an assertion fits, however long its names
_SAMPLE_TIME = 2**31  # a time as long in a body as today's, for measuring what is not yet signed


class _Faults:
    """What was found so far."""

    def __init__(self) -> None:
        self.found: list[Fault] = []

    def report(self, fault: Fault) -> None:
        """Note one."""
        if len(self.found) < MAX_FAULTS:
            self.found.append(fault)

    def check(self) -> None:
        """Raise all of them, if there are any."""
        if self.found:
            raise ConfigError(sorted(self.found, key=lambda fault: (fault.where, fault.line)))


@dataclass(frozen=True, slots=True)
class ZoneWork:
    """A zone to be published.

    Attributes:
        source: Its source.
        zone: Whose zone it must be, "." for the root.
        tree: Id of the tree that it belongs to.
        versions: Of the root's keys, oldest first, for the root to serve.
    """

    source: Path
    zone: str
    tree: bytes
    versions: tuple[Sealed, ...] = ()

    def entries(self, signing: Signing) -> Generator[Entry, None, None]:
        """Sign it.

        Raises:
            ConfigError: With every fault of the source, or with the statement that cannot be made.
        """
        source = read_zone(self.source)
        if source.zone != self.zone:
            reason = f"is the zone of {source.zone}, expected that of {self.zone}"
            raise ConfigError([Fault(self.source, 0, "zone", reason)])
        try:
            yield from rootkeys_entries(self.versions)
            yield from sign_zone(source, self.tree, signing)
        except MalformedError as error:
            raise ConfigError([Fault(self.source, 0, "", str(error))]) from error

    def check(self, now: float) -> None:
        """Go through all of it without keeping anything.

        Raises:
            ConfigError: As `entries`.
        """
        for _ in self.entries(Signing(PrivateKey.generate(), int(now), int(now))):
            pass


@dataclass(frozen=True, slots=True)
class ListingsWork:
    """An MSP's listings to be published.

    Attributes:
        sources: Files, each NDJSON or CSV.
        msp: Whose word.
        nodes: Where it answers; every listing and revocation must lie below one of them.
        revocations: Files of what it revokes, where it is a CSIP.
        revoke_key: Signs these; the signing's own key if None.
    """

    sources: tuple[Path, ...]
    msp: str
    nodes: tuple[Name, ...]
    revocations: tuple[Path, ...] = ()
    revoke_key: PrivateKey | None = None

    def entries(self, signing: Signing) -> Generator[Entry, None, None]:
        """Sign them, as long as there is no fault.

        Raises:
            ConfigError: With every fault, after the last entry.
        """
        faults = _Faults()
        ordered = self._ordered(faults.report)
        yield from sign_listings((m for m in ordered if not faults.found), self.msp, self.nodes, signing)
        revoked = self._revoked(signing.now, faults.report)
        faults.check()
        revoking = replace(signing, key=self.revoke_key) if self.revoke_key is not None else signing
        yield from sign_revocations(revoked, self.msp, revoking)

    def check(self, now: float) -> None:
        """Go through all of them without signing.

        Raises:
            ConfigError: As `entries`.
        """
        faults = _Faults()
        for _ in self._ordered(faults.report):
            pass
        self._revoked(now, faults.report)
        faults.check()

    def _ordered(self, report: Callable[[Fault], None]) -> Iterator[Listing | BlockListing]:
        """Yield all of them in canonical order; of two about one name, in one file or two, the first."""
        return in_order(((path, self._sound(path, report)) for path in self.sources), report)

    def _revoked(self, now: float, report: Callable[[Fault], None]) -> list[RevocationLine]:
        """Return what is revoked, in canonical order; held whole, since it is far less than what is listed."""
        lines: dict[Name, RevocationLine] = {}
        for path in self.revocations:
            for line in read_revocations(path, now, report):
                field = "block" if line.is_block else "csi"
                if not any(names.covers(node, line.node) for node in self.nodes):
                    reason = f"not below any of the nodes at which {self.msp} answers"
                    report(Fault(path, line.line, field, reason))
                elif lines.setdefault(line.node, line) is not line:
                    report(Fault(path, line.line, field, "said before; one line a name"))
        return [lines[node] for node in sorted(lines)]

    def _sound(self, path: Path, report: Callable[[Fault], None]) -> Iterator[Listing | BlockListing]:
        for listing in read_listings(path, self.msp, report):
            if isinstance(listing, Listing) and listing.owner.startswith(self.nodes) and _is_surely_short(listing):
                yield listing
                continue
            reason = self._refusal_of(listing)
            if reason is None:
                yield listing
            else:
                report(Fault(path, listing.line, _field_of(listing), reason))

    def _refusal_of(self, listing: Listing | BlockListing) -> str | None:
        """Say why a listing cannot be signed, or would never be asked for."""
        name = listing.owner if isinstance(listing, Listing) else listing.node
        if not any(names.covers(node, name) for node in self.nodes):
            return f"not below any of the nodes at which {self.msp} answers"
        return self._refusal_of_statement(listing)

    def _refusal_of_statement(self, listing: Listing | BlockListing) -> str | None:
        """Make the statement and read it back, as whoever verifies it will."""
        said: Assertion | Block
        if isinstance(listing, Listing):
            life = Life(ASSERTION_TTL, _SAMPLE_TIME, _SAMPLE_TIME, _SAMPLE_TIME + ASSERTION_LIFE)
            said = Assertion(life, listing.owner, self.msp, listing.ssi, listing.features, listing.recipient)
        else:
            life = Life(ASSERTION_TTL, _SAMPLE_TIME, _SAMPLE_TIME, _SAMPLE_TIME + BLOCK_LIFE)
            said = Block(life, listing.node, self.msp, listing.template, listing.lengths, listing.exceptions)
        body = statements.to_body(said)
        most = RULES[said.kind].caps.octets
        if len(body) > most:
            return f"the statement would have {len(body)} octets, at most {most} are allowed"
        try:
            statements.read_untrusted(Sealed(said.kind, (), body))
        except MalformedError as error:
            return str(error)
        return None


def _is_surely_short(listing: Listing) -> bool:
    """Say whether a listing is like nearly all are; signing a million must not make each statement twice."""
    _line, _owner, ssi, features, _recipient = listing
    return len(ssi) <= _SURELY_SHORT and ssi.isprintable() and _are_surely_few(features)


@lru_cache(maxsize=1_000)
def _are_surely_few(features: tuple[str, ...]) -> bool:
    return len(features) <= MAX_FEATURES and sum(map(len, features)) <= _SURELY_SHORT


def _field_of(listing: Listing | BlockListing) -> str:
    return "csi" if isinstance(listing, Listing) else "block"


# --- building ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Published:
    """What came of it.

    Attributes:
        statements: How many the store holds.
        serial: Of this signing.
        root_binding: AUTHORITY of ".", where a zone binds it: for the anchor file.
    """

    statements: int
    serial: int
    root_binding: Sealed | None = None


def publish(work: ZoneWork | ListingsWork, key: PrivateKey, store: Path, now: int) -> Published:
    """Sign and swap in.

    Args:
        work: What.
        key: The zone's key, or the MSP's for assertions.
        store: Where readers look; what is there stays until the new one is whole.
        now: Unix seconds of signing.

    Raises:
        ConfigError: With every fault of the sources; the old store is untouched.
        OSError: The disk is full, or the like; the old store is untouched.
    """
    signing = Signing(key, now, next_serial(now, _serial_at(store)))
    with closing(work.entries(signing)) as entries:
        count = build(store, entries)
    with closing(DiskTables(store)) as tables:
        binding = tables.get(Table.AUTHORITIES, authority_node("."))
    return Published(count, signing.serial, Sealed.from_wire(data_of(binding)) if binding else None)


def _serial_at(store: Path) -> int:
    """Return the serial of the store that is there; one that cannot be read is about to be replaced."""
    try:
        with closing(DiskTables(store)) as tables:
            return int(tables.get(Table.META, b"serial") or b"0")
    except ValueError:
        return 0
