"""Lines of a source as JSON objects: numbered, bounded, each mistake with its line and field.

What a source says, its own reader knows (`listings`, `revocations`); here is what all of them have in common.
"""

import io
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from zonedata.errors import Fault, MalformedError

Report = Callable[[Fault], None]


class FieldError(MalformedError):
    """One mistake on the line being read; `field` says where."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


def numbered(file: io.BufferedReader, most: int) -> Iterator[tuple[int, bytes]]:
    """Number the lines; of one that is too long comes the beginning, and `text_of` passes over its rest."""
    return enumerate(iter(partial(file.readline, most + 1), b""), 1)


def text_of(file: io.BufferedReader, raw: bytes, most: int) -> str:
    """Return the line that was just read without its end; nothing where there is nothing to read.

    Raises:
        FieldError: It is too long, or no text.
    """
    if len(raw) > most:
        while raw and not raw.endswith(b"\n"):
            raw = file.readline(most + 1)
        raise FieldError("", f"line of more than {most} octets")
    try:
        return raw.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise FieldError("", "not UTF-8 text") from error


def object_of(text: str) -> dict[str, Any]:
    """Read a line as a JSON object in which no field is said twice.

    Raises:
        FieldError: It is none.
    """
    try:
        value = json.loads(text, object_pairs_hook=once_each)
    except (ValueError, RecursionError) as error:
        raise FieldError("", f"not a JSON object: {error}") from error
    if not isinstance(value, dict):
        raise FieldError("", "not a JSON object")
    return value


def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its fields; with one said twice it would be a guess which one is meant."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a field is said twice")
    return value


def only(value: dict[str, Any], allowed: set[str]) -> None:
    """Refuse fields that are not known, since a misspelt one would do nothing."""
    for name in value:
        if name not in allowed:
            shown = name[:40].encode("unicode_escape").decode()  # it may hold what no terminal should be sent
            raise FieldError(shown, f"unknown field; expected {', '.join(sorted(allowed))}")


def text_field(value: dict[str, Any], field: str) -> str:
    """Return a field that must be there as text."""
    text = value.get(field)
    if not isinstance(text, str):
        raise FieldError(field, "missing, or not text")
    return text


def fault_of(path: Path, number: int, error: FieldError) -> Fault:
    """Return a mistake with its place."""
    return Fault(path, number, error.field, str(error))
