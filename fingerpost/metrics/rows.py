"""Samples of several processes in shared memory: each writes a row of its own, anybody adds them up.

    row of a worker: | which half | octets, checksum, samples | octets, checksum, samples |

A writer fills the half that nobody reads and only then points at it, so a process killed while it writes leaves
what it wrote before. Once a worker has died, the supervisor moves its counters into a row of their own, `past`,
with the number of its life: whoever adds up leaves out lives that are in it already, so a sum is never less than
the one before. The memory is anonymous, made before the fork; it ends with the daemon.
"""

import json
import mmap
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from fingerpost.metrics.families import Samples, Type, family_of

HALF: Final = 65_536  # octets; some 150 samples of 60 octets each are 10,000
ROW: Final = 2 * HALF + 1
_HEAD: Final = 8  # octets before the samples: how many, and their checksum
TRIES: Final = 8  # looks at a row that is being written; each time two more would have to be, between two octets


class Rows:
    """The rows of all workers, and that of the dead.

    Args:
        count: How many workers there may be at a time.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._memory = mmap.mmap(-1, (count + 1) * ROW)

    def write(self, row: int, life: int, samples: Mapping[str, float]) -> None:
        """Write the samples of a worker; called by it alone.

        Args:
            row: Which, from 0.
            life: Number of this worker's life, greater than those of whoever had the row before.
            samples: All that it has counted; a later writing takes their place.

        Raises:
            ValueError: They do not fit.
        """
        self._put(row, {"life": life, "samples": samples})

    def bury(self, row: int) -> None:
        """Move the counters of a worker that has died to those of the past; called by the supervisor alone."""
        left = self._get(row)
        if left is None:
            return
        past = self._past()
        if past["lives"].get(str(row), -1) >= left["life"]:
            return
        added = past["samples"]
        for key, value in left["samples"].items():
            if family_of(key).type is not Type.GAUGE:
                added[key] = added.get(key, 0) + value
        past["lives"][str(row)] = left["life"]
        self._put(self._count, past)

    def total(self) -> Samples:
        """Return the sums over all workers, those of the past among them."""
        rows = [(row, self._get(row)) for row in range(self._count)]
        past = self._past()  # after the rows: whoever was buried in between is in it, and left out of them
        return _added(
            [
                past["samples"],
                *(one["samples"] for row, one in rows if one and one["life"] > past["lives"].get(str(row), -1)),
            ]
        )

    def _past(self) -> dict[str, Any]:  # as JSON gives it; we wrote it ourselves
        return self._get(self._count) or {"lives": {}, "samples": {}}

    def _put(self, row: int, content: dict[str, Any]) -> None:
        octets = json.dumps(content).encode()
        if len(octets) > HALF - _HEAD:
            raise ValueError(f"{len(octets)} octets of samples, at most {HALF - _HEAD} fit")
        other = 1 - self._memory[row * ROW]
        start = row * ROW + 1 + other * HALF
        self._memory[start : start + _HEAD + len(octets)] = (
            len(octets).to_bytes(4) + zlib.crc32(octets).to_bytes(4) + octets
        )
        self._memory[row * ROW] = other

    def _get(self, row: int) -> dict[str, Any] | None:
        for _ in range(TRIES):
            start = row * ROW + 1 + self._memory[row * ROW] * HALF
            length = min(int.from_bytes(self._memory[start : start + 4]), HALF - _HEAD)
            octets = self._memory[start + _HEAD : start + _HEAD + length]
            if octets and zlib.crc32(octets) == int.from_bytes(self._memory[start + 4 : start + _HEAD]):
                found: dict[str, Any] = json.loads(octets)
                return found
        return None


def _added(several: Iterable[Samples]) -> Samples:
    total: Samples = {}
    for samples in several:
        for key, value in samples.items():
            total[key] = total.get(key, 0) + value
    return total
