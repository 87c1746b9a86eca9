"""A client's secret, in a file that nobody else reads: one line."""

import os
from pathlib import Path

from transport.tokens.issuing import MAX_SECRET
from zonedata.errors import MalformedError, UntrustedError


def write(path: Path, secret: str) -> None:
    """Write it with mode 0600; an existing file is never overwritten.

    Raises:
        OSError: It is there, or cannot be written; `filename` is the path.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secret + "\n")
            file.flush()
            os.fsync(file.fileno())
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def read(path: Path) -> str:
    """Return it.

    Raises:
        UntrustedError: Others than the owner may read or write the file.
        MalformedError: It cannot be read, or does not hold one line.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            raw = file.read(MAX_SECRET + 2)
    except OSError as error:
        raise MalformedError(f"cannot be read: {error.strerror}") from error
    if mode & 0o077:
        raise UntrustedError(f"has mode {mode:04o}, so others may have read it: ask for another, chmod 0600")
    try:
        words = raw.decode("ascii").split()
    except UnicodeDecodeError:  # whose text has an octet of the secret
        words = []
    if len(words) != 1 or len(words[0]) > MAX_SECRET or not words[0].isprintable():
        raise MalformedError("does not hold one line, the secret")
    return words[0]
