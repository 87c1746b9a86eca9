"""The keys that sign tokens, in a directory: one for each day, in a file that is called after the day.

    2026-11-22.pem    PKCS #8, mode 0600; signs from that midnight (UTC) to the next, and counts until the one after

They are made some days in advance, so that the directory that resolvers read names them in time, and removed when
their tokens count no more.
"""

import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from transport.tokens import keys
from transport.tokens.blind_rsa import PrivateKey
from transport.tokens.directory import Directory, in_order
from transport.tokens.issuing import REQUEST_PATH, SigningKey
from transport.tokens.keys import PERIOD, REDEEMED_FOR, issuer_key, start_of_period
from transport.tokens.tokens import TokenError
from zonedata.errors import ConfigError, Fault

SUFFIX = ".pem"
MAX_FILE = 16_384  # octets; a key takes 1,704


def load(folder: Path) -> tuple[SigningKey, ...]:
    """Load every key, the earliest first.

    Raises:
        ConfigError: With every fault: a file that cannot be read, that others may read, or that holds no such key.
    """
    found, faults = [], []
    for path in _files(folder):
        try:
            day = _day_of(path)
            found.append(_signing(_read(path), day))
        except TokenError as error:
            faults.append(Fault(path, 0, "", str(error)))
        except OSError as error:
            faults.append(Fault(path, 0, "", f"cannot be read: {error.strerror}"))
    if faults:
        raise ConfigError(faults)
    return tuple(found)


def make(folder: Path, days: int, now: float) -> list[Path]:
    """Make the keys of today and of some days after it that are not there.

    No two keys of the directory end in the same octet, by which requests name them.

    Args:
        folder: Made when it is not there.
        days: After today.
        now: Unix seconds.

    Returns:
        The files that were made.

    Raises:
        ConfigError: As `load`.
        OSError: One cannot be made.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    names = {key.listed.truncated for key in load(folder)}
    made = []
    for day in range(start_of_period(now), start_of_period(now) + (days + 1) * PERIOD, PERIOD):
        path = folder / f"{datetime.fromtimestamp(day, UTC):%Y-%m-%d}{SUFFIX}"
        if path.exists():
            continue
        private = keys.generate()
        while (signing := _signing(private, day)).listed.truncated in names:
            private = keys.generate()
        names.add(signing.listed.truncated)
        if _save(path, keys.to_pem(private)):
            made.append(path)
    return made


def drop(folder: Path, now: float) -> list[Path]:
    """Remove the keys whose tokens count no more, and return which."""
    dropped = []
    for path in _files(folder):
        with suppress(TokenError, OSError):
            if _day_of(path) + REDEEMED_FOR <= now:
                path.unlink()
                dropped.append(path)
    return dropped


def directory_of(signing: Iterable[SigningKey], now: float) -> Directory:
    """Return what the issuer says of itself."""
    return Directory(REQUEST_PATH, in_order((key.listed for key in signing), now))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob(f"*{SUFFIX}") if not path.name.startswith("."))


def _day_of(path: Path) -> int:
    try:
        return int(datetime.strptime(path.name.removesuffix(SUFFIX), "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
    except ValueError as error:
        raise TokenError("is not called after a day, such as 2026-11-22.pem") from error


def _read(path: Path) -> PrivateKey:
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode & 0o777
        pem = file.read(MAX_FILE)
    if mode & 0o077:
        raise TokenError(f"has mode {mode:04o}, so others may have read it: remove it; another is made")
    return keys.from_pem(pem)


def _signing(private: PrivateKey, day: int) -> SigningKey:
    return SigningKey(issuer_key(keys.spki_of(private.public), day), private)


def _save(path: Path, pem: bytes) -> bool:
    """Write a key, whole or not at all, mode 0600; say whether it was not there already."""
    descriptor, name = tempfile.mkstemp(prefix=".", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(name, path)
        except FileExistsError:
            return False
    finally:
        Path(name).unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return True
