"""The memory in which it is counted who asked about what: a file that outlives the daemon, or none.

The supervisor opens it before it forks, so all workers see the same octets. What does not fit (another size or
version) is discarded whole, and that is said in the log. A file that is not ours alone, or that another daemon has
open, is left as it is, and memory is used.
"""

import fcntl
import logging
import mmap
import os
import secrets
import stat
from pathlib import Path

from fingerpost.logfmt import quoted
from transport import budgets
from zonedata.store import ours

_ADVICE = ", so others may have read who asked about whom: remove it, or chmod it if you know that nobody did"

log = logging.getLogger(__name__)


def open_table(path: Path | None, mib: int) -> memoryview:
    """Return a table that is usable.

    Args:
        path: Where it is kept; None for memory alone. What is wrong there is logged, and memory is used.
        mib: Its size.
    """
    octets = budgets.octets_of(mib)
    if path is not None:
        try:
            return _in_file(path, octets)
        except OSError as error:
            log.warning("event=budgets-not-kept path=%s reason=%s", quoted(path), quoted(error.strerror or error))
    table = memoryview(mmap.mmap(-1, octets))
    budgets.initialised(table, secrets.token_bytes(budgets.KEY_OCTETS))
    return table


def _in_file(path: Path, octets: int) -> memoryview:
    if path.exists() or path.is_symlink():
        fault = ours.fault_of(path, stat.S_ISREG, ours.ALL, _ADVICE)
        if fault:
            raise OSError(0, fault)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        # Held as long as the file is open anywhere, and a map keeps it open: ours, and that of every worker.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_new = not os.fstat(descriptor).st_size
        is_fit = os.fstat(descriptor).st_size == octets
        if not is_fit:
            os.ftruncate(descriptor, 0)
        os.posix_fallocate(descriptor, 0, octets)  # a disk that is full later kills whoever writes to the map
        table = memoryview(mmap.mmap(descriptor, octets))
    finally:
        os.close(descriptor)
    if is_fit and budgets.is_usable(table):
        return table
    if is_fit:
        table[:] = bytes(octets)
    budgets.initialised(table, secrets.token_bytes(budgets.KEY_OCTETS))
    log.info("event=budgets-begun path=%s reason=%s", quoted(path), "new" if is_new else "does-not-fit")
    return table
