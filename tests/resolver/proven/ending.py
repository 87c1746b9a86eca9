"""A process that puts serial after serial about one owner and ends at a commit: before it, after it, or killed.

python -m tests.resolver.proven.ending PLACE COMMIT before|after|killed
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import lmdb

from resolver.proven.shared import MIN_SIZE, SharedProven
from tests.resolver.proven.barring import BOTH, said
from tests.zonedata.builders import NOW
from tests.zonedata.samples import TREE

ENDED = 9


class Committing:
    """A writing transaction that counts."""

    commits = 0

    def __init__(self, transaction: lmdb.Transaction, at: int, moment: str) -> None:
        self.transaction, self.at, self.moment = transaction, at, moment

    def __enter__(self) -> lmdb.Transaction:
        return self.transaction

    def __exit__(self, *error: object) -> None:
        Committing.commits += error[0] is None
        if Committing.commits == self.at and self.moment == "before":
            os._exit(ENDED)
        self.transaction.__exit__(*error)
        if Committing.commits == self.at and self.moment == "after":
            os._exit(ENDED)


class Counting:
    """An environment whose writing transactions count; everything else is LMDB's."""

    def __init__(self, environment: lmdb.Environment, at: int, moment: str) -> None:
        self.environment, self.at, self.moment = environment, at, moment

    def __getattr__(self, name: str) -> Any:
        return getattr(self.environment, name)

    def begin(self, *, write: bool = False) -> Any:
        transaction = self.environment.begin(write=write)
        return Committing(transaction, self.at, self.moment) if write else transaction


def main(place: str, commit: str, moment: str) -> None:
    proven = SharedProven.open(Path(place), TREE, MIN_SIZE)
    for environment in (proven._environment, proven._floors):
        environment._lmdb = Counting(environment._lmdb, int(commit), moment)  # type: ignore[assignment]  # stands for it
    for serial in range(1, 6):
        proven.put(BOTH, said(serial), NOW)
        if moment == "killed" and serial == 4:
            os.kill(os.getpid(), signal.SIGKILL)
        proven.flush()
        sys.stdout.write("flushed\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
