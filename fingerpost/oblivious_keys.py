"""The file of a gateway's secret keys: mode 0600, and written anew when keys in it are over.

Every worker of a daemon, and every daemon of a gateway that has a copy, makes the same keys out of it. Whoever
notices that a key is over writes the file without it, whole; all that could write it write the same, so it does not
matter who does, or whether two do. Only what the keys in use have come from is written over: what an operator has
put there meanwhile stays, and what was taken away stays away. Where the file is not written, keys go on all the
same, and it is said in the log: what is lost is that the old ones cannot be found again.
"""

import logging
import os
from pathlib import Path

from fingerpost.files import write_whole
from fingerpost.logfmt import quoted
from transport.oblivious.hpke import KEY_OCTETS
from transport.oblivious.key_chain import KeyChain, KeyChainError, KeyRing, Keys
from zonedata.errors import MalformedError, UntrustedError

MODE = 0o600
MAX_FILE = 1_024  # octets; ours have 80
SEED_OCTETS = KEY_OCTETS

log = logging.getLogger(__name__)


def read(path: Path) -> KeyChain:
    """Read the file.

    Raises:
        UntrustedError: Others than the owner may read or write it.
        MalformedError: It cannot be read, or is no such file.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            raw = file.read(MAX_FILE)
    except OSError as error:
        raise MalformedError(f"cannot be read: {error.strerror}") from error
    if mode & 0o077:
        raise UntrustedError(
            f"has mode {mode:04o}, so others may have read it: make a new one with 'fingerpost keygen', "
            "or chmod 0600 it if you know that nobody did"
        )
    try:
        return KeyChain.from_text(raw.decode("ascii"))
    except UnicodeDecodeError:  # whose text has an octet of the secret
        raise MalformedError("is no file of 'fingerpost keygen --oblivious'") from None
    except KeyChainError as error:
        raise MalformedError(str(error)) from error


def make(path: Path, seed: bytes, now: float) -> None:
    """Begin a chain in a new file, with 32 octets of the system's randomness.

    Raises:
        FileExistsError: There is one already; what was sealed to it could not be opened any more.
        OSError: It cannot be written; its `filename` is the path.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(KeyChain.begun(seed, now).to_text())
        file.flush()
        os.fsync(file.fileno())


class FileRing(KeyRing):
    """Keys out of a file, which is written anew when some of them are over.

    Args:
        path: The file.

    Raises:
        UntrustedError, MalformedError: As `read`.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(read(path))
        self._path = path
        self._kept = self.chain
        self._given: Keys | None = None

    def at(self, now: float) -> Keys:
        """Return the keys at a time; see `KeyRing.at`."""
        keys = super().at(now)
        if self.chain != self._kept:
            self._kept = self.chain
            self._keep()
        if keys is not self._given and self.chain.is_ahead(now):
            log.warning("event=oblivious-keys-ahead file=%s", quoted(str(self._path)))
        self._given = keys
        return keys

    def _keep(self) -> None:
        try:
            there = read(self._path)
            if there.leads_to(self.chain):
                if there != self.chain:  # another has not been faster
                    write_whole(self._path, self.chain.to_text(), MODE)
                return
            if self.chain.leads_to(there):  # by a clock that goes before ours
                return
            reason = "holds other keys than are in use; who has put them there restarts the daemon"
        except (MalformedError, UntrustedError) as error:
            reason = str(error)
        except OSError as error:
            reason = error.strerror or str(error)
        log.warning("event=oblivious-keys-not-written file=%s reason=%s", quoted(str(self._path)), quoted(reason))
