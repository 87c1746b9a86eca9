"""Files with a secret in them: read only where nobody but their owner could have read or written them."""

import os
from pathlib import Path

from zonedata.errors import MalformedError, UntrustedError


def read(path: Path, most: int, otherwise: str) -> bytes:
    """Return what a file holds; no more than one octet beyond `most`, by which a longer one is known.

    Args:
        path: The file.
        most: Octets.
        otherwise: What others may have done, and what to do about it: "may know the secrets: make others".

    Raises:
        UntrustedError: Others than the owner may read or write it.
        MalformedError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            octets = file.read(most + 1)
    except OSError as error:
        raise MalformedError(f"cannot be read: {error.strerror}") from error
    if mode & 0o077:
        raise UntrustedError(f"has mode {mode:04o}, so others {otherwise}, chmod 0600")
    return octets
