"""User and password for a server of others, in a file that nobody else reads: two lines."""

import os
from pathlib import Path

from zonedata.errors import MalformedError, UntrustedError

MAX_FILE = 1_024  # octets; nobody types more


def read(path: Path) -> tuple[str, str]:
    """Return user and password.

    Raises:
        UntrustedError: Others than the owner may read or write the file.
        MalformedError: It cannot be read, does not hold two lines, or has characters beyond ASCII.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            raw = file.read(MAX_FILE + 1)
    except OSError as error:
        raise MalformedError(f"cannot be read: {error.strerror}") from error
    if mode & 0o077:
        raise UntrustedError(f"has mode {mode:04o}, so others may have read it: change the password, chmod 0600")
    try:
        lines = raw.decode("ascii").splitlines()
    except UnicodeDecodeError:  # whose text has an octet of the password
        raise MalformedError("has characters beyond ASCII, which no mail server is sent") from None
    if len(raw) > MAX_FILE or len(lines) != 2 or not all(lines):
        raise MalformedError("does not hold two lines, user and password")
    return lines[0], lines[1]
