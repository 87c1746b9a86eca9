"""A process that reads in a store, and goes on reading until it is killed.

python -m tests.resolver.proven.reader PLACE
"""

import signal
import sys
from pathlib import Path

from resolver.proven.shared import MIN_SIZE, SharedProven
from tests.zonedata.samples import TREE


def main(place: str) -> None:
    proven = SharedProven.open(Path(place), TREE, MIN_SIZE)
    with proven._environment.begin() as transaction:
        transaction.get(b"x", db=proven._environment.tables[0])
        sys.stdout.write("reading\n")
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
