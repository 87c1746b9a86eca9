"""SQLite files that are ours alone and lose nothing: for what is written seldom and must not be forgotten.

A transaction is on the disk, directory entry and all, before it is acknowledged (`synchronous = EXTRA`: with less,
a journal that comes back after a loss of power would undo what was acknowledged). Any number of processes may have
one open; writers wait for one another.
"""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE = 10.0  # seconds to wait for another writer; a transaction takes some milliseconds

Cursor = sqlite3.Cursor


class DatabaseError(Exception):
    """A file that cannot be used; nothing has changed."""


class Database:
    """One file, open in one process; from several threads, but one at a time.

    Args:
        path: The file.
        kind: What it holds, as a number that the file carries (`application_id`).
        schema: Statements that make the tables where there are none.
        create: Whether to make the file where there is none.

    Raises:
        DatabaseError: It cannot be opened, is another kind of file, or others may read or write it.
    """

    def __init__(self, path: Path, kind: int, schema: tuple[str, ...], *, create: bool = True) -> None:
        self._path = path
        _check_ours(path, create=create)
        try:
            self._connection = sqlite3.connect(path, PATIENCE, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise DatabaseError(f"{path}: {error}") from error
        try:
            self._connection.execute("PRAGMA synchronous = EXTRA")
            self._connection.execute("PRAGMA secure_delete = ON")
            self._connection.execute("PRAGMA trusted_schema = OFF")
            with self.writing() as cursor:
                (found,) = cursor.execute("PRAGMA application_id").fetchone()
                (version,) = cursor.execute("PRAGMA schema_version").fetchone()
                if found == 0 and version == 0:
                    for statement in (*schema, f"PRAGMA application_id = {kind}"):
                        cursor.execute(statement)
                elif found != kind:
                    raise DatabaseError(f"{path}: holds something else")
        except DatabaseError:
            self.close()
            raise
        except sqlite3.Error as error:
            self.close()
            raise DatabaseError(f"{path}: {error}") from error

    @contextmanager
    def writing(self) -> Iterator[Cursor]:
        """Read and change it: all of it at the end, on the disk, or nothing if an exception ends it.

        Raises:
            DatabaseError: It cannot be read or written.
        """
        try:
            cursor = self._connection.cursor()
            cursor.execute("BEGIN IMMEDIATE")
            try:
                yield cursor
                cursor.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    cursor.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise DatabaseError(f"{self._path}: {error}") from error

    def close(self) -> None:
        """Let go of it."""
        self._connection.close()


def _check_ours(path: Path, *, create: bool) -> None:
    """Make the file where there is none, with mode 0600; refuse one that others may have read or written.

    A file that is there is not opened: closing it again would take the locks of another `Database` of this process.
    """
    try:
        if create:
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        found = path.lstat()
    except OSError as error:
        raise DatabaseError(f"{path}: {error.strerror}") from error
    if not stat.S_ISREG(found.st_mode):
        raise DatabaseError(f"{path}: is no plain file")
    if found.st_uid != os.geteuid():
        raise DatabaseError(f"{path}: belongs to user {found.st_uid}, not to us")
    if found.st_mode & 0o077:
        raise DatabaseError(f"{path}: has mode {stat.S_IMODE(found.st_mode):04o}; expected 0600")
