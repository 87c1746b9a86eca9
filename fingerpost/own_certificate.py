"""The part of `fingerpost keygen` that makes certificates for TLS, and shows the pins of those that are there."""

import base64
import time
from collections.abc import Iterator
from pathlib import Path

from fingerpost.files import write_whole
from transport.tls.certificates import DAYS, self_signed
from transport.tls.credentials import CredentialsError, read_chain
from zonedata.errors import ConfigError, Fault

MAX_DAYS = 36_500  # of a certificate; a wish for more is a mistake
_PRIVATE = 0o600


def make(names: list[str], certificate: Path, key: Path, days: int | None) -> str:
    """Make a key and a certificate that it signs itself, and return the line that `pin_line` has for it.

    Raises:
        ConfigError: A name cannot stand in a certificate, or it would live too long.
        OSError: One of the two cannot be written; then neither is there.
    """
    days = DAYS if days is None else days
    if not 0 < days <= MAX_DAYS:
        raise ConfigError([Fault(certificate, 0, "", f"--days {days}, expected 1 to {MAX_DAYS}")])
    try:
        public, secret = self_signed(tuple(names), time.time(), days)
    except ValueError as error:
        raise ConfigError([Fault(certificate, 0, "", f"cannot be made for {' '.join(names)}: {error}")]) from error
    write_whole(key, secret.decode("ascii"), _PRIVATE)
    try:
        write_whole(certificate, public.decode("ascii"))
    except OSError:
        key.unlink()
        raise
    (line,) = pin_lines([certificate])
    return line


def pin_lines(files: list[Path]) -> Iterator[str]:
    """Yield a line for each certificate: its file, its pin as zone sources have it, and the same in base64.

    Raises:
        ConfigError: With a fault for each file that holds none; nothing is yielded then.
    """
    pins, faults = [], []
    for file in files:
        try:
            pins.append((file, read_chain(file).pin))
        except CredentialsError as error:
            faults.append(Fault(file, 0, "", str(error)))
    if faults:
        raise ConfigError(faults)
    for file, pin in pins:
        yield f"{file} pin={pin.hex()} {base64.b64encode(pin).decode('ascii')}"
