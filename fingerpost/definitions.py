"""What a configuration may hold, as values: keys with their types, defaults and documentation.

Validation, error text and the reference that `fingerpost check --reference` prints all come from these. What
they read from TOML has any type, and is narrowed by the readers at once.
"""

import difflib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Generic, TypeVar

from fingerpost.toml_lines import Lines, Where
from zonedata.errors import Fault

T = TypeVar("T")


class Required(Enum):
    """The default of a key that has none."""

    YES = "required"


class WrongError(Exception):
    """What is wrong with one value.

    Attributes:
        mistakes: Each with the index of the array's element at fault, or None for the value as a whole.
    """

    def __init__(self, *mistakes: tuple[int | None, str]) -> None:
        super().__init__("; ".join(reason for _, reason in mistakes))
        self.mistakes = mistakes

    @classmethod
    def because(cls, reason: str) -> "WrongError":
        """Say what is wrong with the value as a whole."""
        return cls((None, reason))


@dataclass(frozen=True, slots=True)
class Key(Generic[T]):
    """One key.

    Attributes:
        name: As it stands in the file.
        read: From what TOML gave and the folder of the file to the value; raises `WrongError`.
        form: What is expected, in a word or two.
        doc: One line for people.
        default: Of a key that is not there.
        inspect: Looks at the file that the value names; raises `WrongError`. Done only where it is needed.
    """

    name: str
    read: Callable[[Any, Path], T]
    form: str
    doc: str
    default: T | Required = Required.YES
    inspect: Callable[[T], None] | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """One table of the file; the name "" is the top of it. `index` counts it in an array of tables."""

    name: str
    doc: str
    keys: tuple[Key[Any], ...]
    index: int | None = None

    def where(self, *rest: str | int) -> Where:
        """Return the place of something in it."""
        if self.index is not None:
            return (self.name, self.index, *rest)
        return (self.name, *rest) if self.name else rest


class Notes:
    """The faults found in one file, each with its line."""

    def __init__(self, path: Path, lines: Lines) -> None:
        self.path = path
        self.faults: list[Fault] = []
        self._lines = lines

    def fault(self, where: Where, reason: str) -> Fault:
        """Return a fault at a place, or at the nearest place around it that is in the file."""
        above = (where[:count] for count in range(len(where), 0, -1))
        line = next((self._lines[place] for place in above if place in self._lines), 0)
        field = ".".join(part for part in where if isinstance(part, str))
        return Fault(self.path, line, field, reason)

    def add(self, where: Where, reason: str) -> None:
        """Note a fault."""
        self.faults.append(self.fault(where, reason))

    def add_wrong(self, where: Where, wrong: WrongError) -> None:
        """Note what a reader found."""
        for index, reason in wrong.mistakes:
            self.add(where if index is None else (*where, index), reason)


class Given:
    """What a file gives for one section; every mistake in it is noted at once.

    Args:
        section: What may stand there.
        table: What stands there; None when the section is not there.
        notes: Takes the mistakes.
    """

    def __init__(self, section: Section, table: dict[str, Any] | None, notes: Notes) -> None:
        self.section = section
        self.is_there = table is not None
        self._notes = notes
        self._named = frozenset(table or ())
        self._values: dict[str, Any] = {}  # of sound keys and of defaults
        if table is not None:
            for key in section.keys:
                self._read_key(key, table)

    def _read_key(self, key: Key[Any], table: dict[str, Any]) -> None:
        where = self.section.where(key.name)
        if key.name in table:
            try:
                self._values[key.name] = key.read(table[key.name], self._notes.path.parent)
            except WrongError as wrong:
                self._notes.add_wrong(where, wrong)
        elif isinstance(key.default, Required):
            self._notes.add(where, f"missing; expected {key.form}: {key.doc}")
        else:
            self._values[key.name] = key.default

    def has(self, key: Key[Any]) -> bool:
        """Say whether the file names the key, be its value right or wrong."""
        return key.name in self._named

    @property
    def is_whole(self) -> bool:
        """Whether the section is there and every key of it has a value."""
        return self.is_there and all(key.name in self._values for key in self.section.keys)

    def get(self, key: Key[T]) -> T | None:
        """Return the value or the default; None when it is missing or wrong."""
        return self._values.get(key.name)

    def __getitem__(self, key: Key[T]) -> T:
        """Return the value or the default of a section that is whole."""
        value: T = self._values[key.name]
        return value

    def inspect(self) -> None:
        """Look at every file that a sound value names."""
        for key in self.section.keys:
            if key.inspect is not None and self.has(key) and key.name in self._values:
                try:
                    key.inspect(self._values[key.name])
                except WrongError as wrong:
                    self._notes.add_wrong(self.section.where(key.name), wrong)


def unknown_reason(name: str, expected: Collection[str], elsewhere: Iterable[Section] = ()) -> str:
    """Say that a key is unknown, and what may have been meant."""
    for section in elsewhere:
        if any(key.name == name for key in section.keys):
            return (
                f"does not belong here, but into [{section.name}]" if section.name else "belongs above all tables"
            )
    near = difflib.get_close_matches(name, expected, 1)
    if near:
        return f"unknown; did you mean '{near[0]}'?"
    return f"unknown; expected one of {', '.join(sorted(expected))}"
