"""Files whose faults are told with their names: written whole or not at all, and read."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from zonedata.errors import ConfigError, Fault, MalformedError, UntrustedError

T = TypeVar("T")


def reading(file: Path, read: Callable[[Path], T]) -> T:
    """Read a file that the command line names.

    Raises:
        ConfigError: What is wrong with it, said of the file.
    """
    try:
        return read(file)
    except (MalformedError, UntrustedError) as error:
        raise ConfigError([Fault(file, 0, "", str(error))]) from error


def write_whole(path: Path, text: str, mode: int = 0o644) -> None:
    """Put a text in the place of a file: a new file beside it, synced, then renamed.

    Raises:
        OSError: Nothing was changed; its `filename` is the path.
    """
    try:
        _write_whole(path, text, mode)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _write_whole(path: Path, text: str, mode: int) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
