"""The directory of a shared store: whose it is, whether what lies there may be used, and who uses it.

    lock      held while somebody opens or closes the store
    users     held shared by every process that has it open
    state     format, size, boot id, `open` or `closed`
    data.mdb  the store itself; lock.mdb beside it is LMDB's

The store is written without waiting for the disk. Whatever processes do, the kernel keeps what they wrote; but
after a crash of the machine nobody knows what has reached the disk. So a store of another boot is used only if it
was closed: the last process that closed it had it written out.
"""

import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from resolver.proven.store import UnusableError
from zonedata.store import ours

FORMAT = "fingerpost proven statements 2"
DATA, LOCKS = "data.mdb", "lock.mdb"
_ADVICE = ", so others may have written what we would believe: remove it, or chmod it if you know that nobody did"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Place:
    """A directory of ours, of a size. Of one process; opened and closed once.

    Attributes:
        data: The file of the store.
    """

    def __init__(self, path: Path, size: int, boot: str | None = None) -> None:
        """Take a directory, making it if it is not there.

        Raises:
            UnusableError: It cannot be made, or others may write it.
        """
        self.path = path
        self.data = path / DATA
        self._boot = boot if boot is not None else _boot_id()
        self._size = size
        self._users = -1
        self._opened: tuple[int, int] | None = None
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            _check_ours(path, stat.S_ISDIR)
            for name in ("lock", "users", "state", DATA, LOCKS):
                if (path / name).is_symlink() or (path / name).exists():
                    _check_ours(path / name, stat.S_ISREG)
        except OSError as error:
            raise UnusableError(f"store {path}: {error.strerror}") from error

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold off everybody who would open or close the store meanwhile."""
        descriptor = _open(self.path / "lock")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def is_good(self) -> bool:
        """Say whether what lies there is of our format and size and whole."""
        try:
            lines = (self.path / "state").read_text("ascii").splitlines()
        except (OSError, UnicodeDecodeError):
            return False
        same_boot = self._lines(is_closed=False)
        if not self.data.exists() or len(lines) != len(same_boot) or lines[:2] != same_boot[:2]:
            return False
        return lines[3] == "closed" or lines[2:] == same_boot[2:]

    def discard(self) -> None:
        """Take away what lies there; who has it open goes on with it alone."""
        for name in ("state", DATA, LOCKS):
            (self.path / name).unlink(missing_ok=True)

    def enter(self) -> None:
        """Mark the store as open, once it can be used. While `alone`."""
        self._users = _open(self.path / "users")
        fcntl.flock(self._users, fcntl.LOCK_SH)
        self._opened = self._identity()
        self._write(is_closed=False)

    def leave(self, *, is_written_out: bool) -> None:
        """Mark the store as closed, if this process was the last and nobody has begun another. While `alone`."""
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        else:
            if is_written_out and self._opened == self._identity():
                self._write(is_closed=True)
        finally:
            os.close(self._users)

    def spoil(self) -> None:
        """Have the store discarded by whoever opens it next, unless that has been done. While `alone`."""
        if self._opened == self._identity():
            (self.path / "state").unlink(missing_ok=True)

    def _identity(self) -> tuple[int, int] | None:
        try:
            found = self.data.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _lines(self, *, is_closed: bool) -> list[str]:
        return [FORMAT, f"size {self._size}", f"boot {self._boot}", "closed" if is_closed else "open"]

    def _write(self, *, is_closed: bool) -> None:
        new = self.path / "state.new"
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write("".join(f"{line}\n" for line in self._lines(is_closed=is_closed)))
            file.flush()
            os.fsync(descriptor)
        new.replace(self.path / "state")


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _check_ours(path: Path, is_kind: Callable[[int], bool]) -> None:
    if fault := ours.fault_of(path, is_kind, ours.WRITING, _ADVICE):
        raise UnusableError(f"store {path} {fault}")


def _boot_id() -> str:
    try:
        return BOOT_ID.read_text("ascii").strip()
    except OSError as error:
        raise UnusableError(f"store: {BOOT_ID} cannot be read, so nobody knows what a crash has left") from error
