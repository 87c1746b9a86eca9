"""A client's secret, in a file that nobody else reads: one line; `resolver.bearer_file` reads it."""

import os
from pathlib import Path


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
