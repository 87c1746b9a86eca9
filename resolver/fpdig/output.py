"""The process's two streams, and what becomes of words that they do not take."""

import errno
import os
import sys
from typing import TextIO

from resolver.fpdig import usage
from resolver.fpdig.exits import Exit


class UnwrittenError(Exception):
    """A stream takes no words. Its text says which and why.

    Attributes:
        is_unread: Whether that is because nobody reads any more, which is nothing to complain of.
    """

    def __init__(self, stream: str, error: OSError) -> None:
        super().__init__(f"{stream}: {error.strerror}")
        self.is_unread = isinstance(error, BrokenPipeError)


def unwritten_in(error: BaseException) -> UnwrittenError | None:
    """Return the first within an error or a group of them, as nurseries raise it."""
    if isinstance(error, UnwrittenError):
        return error
    if isinstance(error, BaseExceptionGroup):
        return next((found for one in error.exceptions if (found := unwritten_in(one)) is not None), None)
    return None


def out(text: str) -> None:
    """Write text to standard output.

    Raises:
        UnwrittenError: It is full or closed, or nobody reads it any more.
    """
    try:
        if sys.stdout is None:  # it was closed before we began
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        silence(sys.stdout)
        raise UnwrittenError("standard output", error) from error


def err(line: str) -> None:
    """Write a line to standard error; there is nowhere to say that it is full or closed.

    Raises:
        UnwrittenError: Nobody reads it any more.
    """
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
    except OSError as error:
        silence(sys.stderr)
        if isinstance(error, BrokenPipeError):
            raise UnwrittenError("standard error", error) from error


def silence(stream: TextIO | None) -> None:
    """Let what a stream still holds go nowhere: the last flush would fail again, and say so."""
    if stream is not None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def refuse(faults: list[str]) -> Exit:
    """Say what is wrong with the command line, and return the status of that."""
    for fault in faults:
        err(f"fpdig: {fault}")
    err(usage.BRIEF.removesuffix("\n"))
    return Exit.USAGE
