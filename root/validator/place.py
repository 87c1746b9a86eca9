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

from zonedata.errors import MalformedError

DATA, LOCKS, WRITER = "data.mdb", "lock.mdb", "writer"


def prepare(path: Path) -> None:
    """Make the directory if it is not there, and check that it is ours.

    Raises:
        MalformedError: It cannot be made, or others may write it.
    """
    try:
        path.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise MalformedError(f"register {path} cannot be made: {error.strerror}") from error
    check(path)


def is_there(path: Path) -> bool:
    """Say whether there is a register, whatever it is like."""
    return os.path.lexists(path / DATA)


def check(path: Path) -> None:
    """Refuse a directory that is not ours alone.

    Raises:
        MalformedError: It is not there, is no directory, is another user's, or others may write it.
    """
    try:
        _check_ours(path, stat.S_ISDIR)
        for name in (DATA, LOCKS, WRITER):
            if os.path.lexists(path / name):
                _check_ours(path / name, stat.S_ISREG)
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


def _check_ours(path: Path, is_kind: Callable[[int], bool]) -> None:
    found = path.lstat()
    if not is_kind(found.st_mode):
        raise MalformedError(f"register {path} is no plain file or directory")
    if found.st_uid != os.geteuid():
        raise MalformedError(f"register {path} belongs to user {found.st_uid}, not to us")
    if found.st_mode & 0o077:
        raise MalformedError(
            f"register {path} has mode {stat.S_IMODE(found.st_mode):04o}; others may have read or changed whom we "
            "vouch for: chmod it to 0700, files to 0600, if you know that nobody did"
        )
