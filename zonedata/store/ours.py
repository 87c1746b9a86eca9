"""Whether what lies somewhere is ours alone, so that it may be believed as it is."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

WRITING, ALL = 0o022, 0o077  # what others may not do: change it; change or read it


def fault_of(
    path: Path, is_kind: Callable[[int], bool], others_may_not: int, advice: str, owner: int | None = None
) -> str:
    """Say why a file or directory may not be used, in words to be read after its path; "" when it may.

    Args:
        path: Which; a symbolic link is not followed.
        is_kind: Of `stat`, such as `S_ISREG`, which takes a mode.
        others_may_not: Bits of the mode, `WRITING` or `ALL`.
        advice: Stands after a mode that lets them: what may have happened, and what to do.
        owner: Id of the user whose it is to be; None is ours.

    Raises:
        OSError: It is not there, or cannot be looked at.
    """
    found = path.lstat()
    if not is_kind(found.st_mode):
        return "is no plain file or directory"
    if found.st_uid != (os.geteuid() if owner is None else owner):
        return f"belongs to user {found.st_uid}, not to {'us' if owner is None else f'user {owner}'}"
    if found.st_mode & others_may_not:
        return f"has mode {stat.S_IMODE(found.st_mode):04o}{advice}"
    return ""
