"""The directory of a register: ours alone.

    data.mdb  the register; lock.mdb beside it is LMDB's
    writer    held by the daemon that changes it

What lies there is believed as it is: the entries are signed, but who could write it could take a CSI from its
recipient with the next signature. So it is refused if others may write it.
"""

import fcntl
import os
import stat
from collections.abc import Callable
from pathlib import Path

from root.validator import pages
from zonedata.errors import MalformedError
from zonedata.store import ours

DATA, LOCKS, WRITER = "data.mdb", "lock.mdb", "writer"
_ADVICE = (
    "; others may have read or changed whom we vouch for: chmod it to 0700, files to 0600, if you know that "
    "nobody did"
)
LOCKS_OCTETS = 80 * 1_024  # 64 for each of 1,024 readers, some for itself, and whole pages


def prepare(path: Path) -> None:
    """Make the directory if it is not there, check that it is ours, and take the room that LMDB's locks need.

    Raises:
        MalformedError: It cannot be made or written, others may write it, or it is cut short.
    """
    try:
        path.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise MalformedError(f"register {path} cannot be made: {error.strerror}") from error
    check(path)
    try:
        _reserve_locks(path)
    except OSError as error:
        raise MalformedError(f"register {path} cannot be written: {error.strerror}") from error


def is_there(path: Path) -> bool:
    """Say whether there is a register, whatever it is like."""
    return os.path.lexists(path / DATA)


def check(path: Path, owner: int | None = None) -> None:
    """Refuse a directory that is not one user's alone, and a register that is not whole.

    Args:
        path: The directory.
        owner: Id of that user; None is ours.

    Raises:
        MalformedError: It is not there, no directory, another user's, cut short, or others may write it.
    """
    try:
        _check_ours(path, stat.S_ISDIR, owner)
        for name in (DATA, LOCKS, WRITER):
            if os.path.lexists(path / name):
                _check_ours(path / name, stat.S_ISREG, owner)
        if is_there(path):
            _check_whole(path / DATA)
    except OSError as error:
        raise MalformedError(f"register {path}: {error.strerror}") from error


def hold(path: Path) -> int:
    """Become the one daemon that changes it; the descriptor is held as long as that lasts.

    Raises:
        MalformedError: Another is.
    """
    descriptor = os.open(path / WRITER, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise MalformedError(
            f"register {path} is another daemon's: one 'fingerpost validate' has it open"
        ) from error
    return descriptor


def sync(path: Path) -> None:
    """Have the disk know the directory and what lies in it; LMDB sees to what is in its files alone."""
    for folder in (path, path.parent):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _check_ours(path: Path, is_kind: Callable[[int], bool], owner: int | None) -> None:
    if fault := ours.fault_of(path, is_kind, ours.ALL, _ADVICE, owner):
        raise MalformedError(f"register {path} {fault}")


def _check_whole(path: Path) -> None:
    if path.stat().st_size == 0:
        raise MalformedError(f"register {path} is empty: restore a whole copy, or remove it to begin anew")
    if pages.is_cut_short(path):
        raise MalformedError(f"register {path} is cut short: restore a whole copy")


def _reserve_locks(path: Path) -> None:
    """Have the disk hold all of LMDB's locks: it maps that file too, and a full disk would end us by a signal.

    Raises:
        OSError: The disk is full.
    """
    descriptor = os.open(path / LOCKS, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, LOCKS_OCTETS)
    finally:
        os.close(descriptor)
