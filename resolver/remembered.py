"""The newest version of the root's keys that was verified, kept over restarts, so that versions never go back.

The file holds every version after the anchor's, as blocks of an anchor file. Nothing in it is believed for being
there: each version is verified again, from the anchor on. So whoever can write it can make a resolver forget, and
not believe.
"""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from zonedata import trust
from zonedata.errors import MalformedError, UntrustedError
from zonedata.opening import Claim, read_claim
from zonedata.trust import Trust

FILE = "rootkeys.pem"
MAX_OCTETS = 4 * 2**20  # some 450 versions of the longest; with more since the anchor, the anchor wants renewing

log = logging.getLogger(__name__)


class Remembers(Protocol):
    """Keeps versions of the root's keys."""

    def newest(self, anchor: Trust) -> Trust:
        """Return the newest version that is kept and follows from the anchor, or the anchor."""
        ...

    def keep(self, newest: Trust, anchor: Trust) -> None:
        """Keep the versions since the anchor, if they are more than are kept. Never raises."""
        ...


class InMemory:
    """Keeps nothing: the process that caught up is the one that knows."""

    def newest(self, anchor: Trust) -> Trust:
        """Return the anchor."""
        return anchor

    def keep(self, newest: Trust, anchor: Trust) -> None:
        """Do nothing."""


class InFile:
    """Keeps them in a directory of ours, which all workers share."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path = directory / FILE

    def newest(self, anchor: Trust) -> Trust:
        """Return the newest version that is kept and follows from the anchor, or the anchor."""
        newest = anchor
        try:
            for claim in self._claims():
                version = getattr(claim.statement, "version", 0)
                if version > newest.rootkeys.version:
                    newest = trust.advance(newest, claim)
        except FileNotFoundError:
            pass
        except (MalformedError, UntrustedError, OSError, UnicodeDecodeError) as error:
            log.warning("event=rootkeys-not-remembered version=%d reason=%s", newest.rootkeys.version, error)
        return newest

    def _claims(self) -> Iterator[Claim]:
        with self._path.open("rb") as file:
            raw = file.read(MAX_OCTETS + 1)
        if len(raw) > MAX_OCTETS:
            raise MalformedError(f"longer than {MAX_OCTETS} octets")
        for sealed in trust.read_blocks(raw.decode("ascii")):
            claim = read_claim(sealed.to_wire())
            if not isinstance(claim, Claim):
                raise MalformedError(claim.why)
            yield claim

    def keep(self, newest: Trust, anchor: Trust) -> None:
        """Keep the versions since the anchor, if they are more than are kept."""
        try:
            with self._alone():
                if (
                    newest.rootkeys.version > self.newest(anchor).rootkeys.version
                ):  # else another worker was quicker
                    self._write("".join(map(trust.to_pem, newest.chain)))
        except OSError as error:
            log.warning("event=rootkeys-not-kept version=%d reason=%s", newest.rootkeys.version, error.strerror)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _write(self, text: str) -> None:
        new = self._path.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        new.replace(self._path)
