"""The control socket as a file: opened before anything is forked, guarded by its mode, removed at the end."""

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

OWNER_MAY, GROUP_MAY = 0o600, 0o660
BACKLOG: Final = 16  # people and scripts
MAX_PATH: Final = 107  # octets, of the kernel (unix(7))


@contextmanager
def opened(path: Path, mode: int = OWNER_MAY) -> Iterator[socket.socket]:
    """Listen at a path; what a daemon that was killed left there is replaced.

    Raises:
        OSError: Somebody else listens there, something else lies there, or the directory is not ours to write.
    """
    if len(os.fsencode(path)) > MAX_PATH:
        raise OSError(0, f"longer than the {MAX_PATH} octets that a socket's path may have")
    _remove_dead(path)
    before = os.umask(0o777 & ~mode)  # the socket is there with its mode from the first moment
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(str(path))
    except OSError:
        sock.close()
        raise
    finally:
        os.umask(before)
    inode = path.lstat().st_ino
    with sock:
        sock.listen(BACKLOG)
        sock.setblocking(False)
        try:
            yield sock
        finally:
            with suppress(OSError):
                if path.lstat().st_ino == inode:  # else it is somebody else's by now
                    path.unlink()


def _remove_dead(path: Path) -> None:
    """Remove a socket at which nobody listens.

    Raises:
        OSError: Somebody does, or it is no socket.
    """
    try:
        kind = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(kind):
        raise OSError(0, "is there already, and is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
        else:
            raise OSError(0, "a daemon listens there already")
