"""What commands print: results on standard output, reasons on standard error, a line at a time."""

import errno
import os
import sys
from contextlib import suppress
from typing import NoReturn

from resolver.fpdig.output import silence

STANDARD_OUTPUT = "standard output"  # the `filename` of errors of it


def say(line: str) -> None:
    """Print a line of the result.

    Raises:
        OSError: Standard output does not take it; `BrokenPipeError` when nobody reads it any more.
    """
    if sys.stdout is None:  # it was closed before we began
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), STANDARD_OUTPUT)
    try:
        sys.stdout.write(line + "\n")
    except OSError as error:
        _give_up(error)


def flush() -> None:
    """Have everything written that was said, while it can still be told when that fails.

    Raises:
        OSError: As `say`.
    """
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except OSError as error:
            _give_up(error)


def _give_up(error: OSError) -> NoReturn:
    """Say which stream it is; what that still holds goes nowhere."""
    silence(sys.stdout)
    raise OSError(error.errno, error.strerror, STANDARD_OUTPUT) from error


def complain(line: str) -> None:
    """Print a reason for not doing what was asked; there is nowhere to say that standard error takes nothing."""
    if sys.stderr is not None:
        with suppress(OSError):
            sys.stderr.write(line + "\n")
