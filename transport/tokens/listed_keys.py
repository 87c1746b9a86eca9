"""The keys of an issuer as a resolver has them: its directory in a file, read again when it has changed."""

import logging
import os
from pathlib import Path

from transport.tokens.directory import MAX_DIRECTORY, Directory
from transport.tokens.keys import IssuerKey
from transport.tokens.tokens import TokenError

LOOK_EVERY = 10.0  # seconds between looks at the file; a key is listed days before it counts

log = logging.getLogger(__name__)


class ListedKeys:
    """The file and what stood in it last.

    Args:
        path: An issuer's directory, in JSON.

    Raises:
        TokenError: It cannot be read, or is none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = self._look()
        self._keys = read(path).keys
        self._looked = 0.0

    def __call__(self, now: float) -> tuple[IssuerKey, ...]:
        """Return the keys; of a file that has become unreadable, those that stood there before."""
        if not 0 <= now - self._looked < LOOK_EVERY:
            self._looked = now
            stamp = self._look()
            if stamp != self._stamp:
                self._stamp = stamp
                try:
                    self._keys = read(self._path).keys
                except TokenError as error:
                    log.warning('event=token-keys-not-read path="%s" reason="%s"', self._path, error)
        return self._keys

    def _look(self) -> tuple[int, int, int]:
        try:
            found = os.stat(self._path)  # noqa: PTH116 - as short, and twice as fast
        except OSError:
            return 0, 0, 0
        return found.st_mtime_ns, found.st_size, found.st_ino


def read(path: Path) -> Directory:
    """Read a directory out of a file.

    Raises:
        TokenError: It cannot be read, or is none.
    """
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_DIRECTORY + 1)
    except OSError as error:
        raise TokenError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        return Directory.from_json(octets)
    except TokenError as error:
        raise TokenError(f"{path}: {error}") from error
