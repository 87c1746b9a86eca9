"""Generated data that is used again while nothing that made it has changed.

A shell: each thing has a small file beside it that says what it was made from. Signed data is made anew before it
expires, so the stamp has a date.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zonedata.store.layout import FORMAT

FRESH = 2 * 86_400  # seconds; zones live for seven days, and a run must end well before


def made(path: Path, what: dict[str, Any], make: Callable[[], None]) -> Path:
    """Return a path after making what is there, unless it was made from the same.

    Args:
        path: A file, or a link to a store.
        what: What it is made from.
        make: Makes it.
    """
    stamp = path.with_name(path.name + ".stamp")
    said = {**what, "format": FORMAT.decode()}
    if path.exists() and stamp.exists():
        before = json.loads(stamp.read_text())
        if before.pop("made") > time.time() - FRESH and before == json.loads(json.dumps(said)):
            return path
    stamp.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    make()
    stamp.write_text(json.dumps({**said, "made": time.time()}))
    return path
