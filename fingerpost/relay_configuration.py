"""A relay's configuration from its file: one section, and every fault at once."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fingerpost import relay_sections as r
from fingerpost.configuration import tables_of, text_of
from fingerpost.definitions import Given, Notes, unknown_reason
from fingerpost.tls_sections import TlsPart
from fingerpost.toml_lines import Where, lines_of
from zonedata.errors import ConfigError, Fault


@dataclass(frozen=True, slots=True)
class RelayConfiguration:
    """What one file says, sound.

    Attributes:
        path: The file.
        relay: Its one section.
    """

    path: Path
    relay: r.RelayPart
    _notes: Notes = field(repr=False, compare=False)

    @property
    def tls(self) -> TlsPart:
        """What clients are shown; none of them is known."""
        return TlsPart(self.relay.certificate, self.relay.key, ())

    def fault(self, where: Where, reason: str) -> Fault:
        """Return a fault at the line where a key stands: for what shows only in use."""
        return self._notes.fault(where, reason)


def is_one(path: Path) -> bool:
    """Say whether a file that can be read has a [relay]."""
    try:
        return r.RELAY.name in tables_of(path, text_of(path))
    except ConfigError:
        return False


def read(path: Path) -> RelayConfiguration:
    """Read a relay's configuration.

    Raises:
        ConfigError: With every fault.
    """
    text = text_of(path)
    tables = tables_of(path, text)
    notes = Notes(path, lines_of(text))
    table = tables.get(r.RELAY.name)
    if not isinstance(table, dict):
        notes.add((r.RELAY.name,), "missing; expected a table: [relay] on a line of its own")
        raise ConfigError(notes.faults)
    for name in tables.keys() - {r.RELAY.name}:
        notes.add((name,), "has no place in a relay's file, which has [relay] alone")
    known = {key.name for key in r.RELAY.keys}
    for name in table.keys() - known:
        notes.add(r.RELAY.where(name), unknown_reason(name, known))
    given = Given(r.RELAY, table, notes)
    for where, reason in _disagreements(given):
        notes.add(where, reason)
    given.inspect()
    if notes.faults:
        raise ConfigError(sorted(notes.faults, key=lambda fault: fault.line))
    return RelayConfiguration(path, r.relay_part(given), notes)


def _disagreements(given: Given) -> Iterator[tuple[Where, str]]:
    if given.get(r.LISTEN) == ():
        yield r.RELAY.where(r.LISTEN.name), "has no address; nobody could post"
    if given.has(r.PIN) and given.has(r.AUTHORITIES):
        yield r.RELAY.where(r.PIN.name), "stands beside 'authorities'; the gateway proves itself in one way"
