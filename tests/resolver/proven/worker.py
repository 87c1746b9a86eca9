"""One of several processes on one store: puts, asks, and ends with 1 as soon as something is not as it was put.

python -m tests.resolver.proven.worker PLACE SEED ROUNDS
"""

import random
import sys
import threading
from functools import cache
from pathlib import Path

from resolver.proven.shared import MIN_SIZE, SharedProven
from tests.resolver.proven.making import ROOT_ZONE, A, assertion, delegation, opened
from tests.zonedata.builders import NOW, number
from tests.zonedata.samples import TREE
from zonedata.opening import Opened
from zonedata.statements import Statement

PEOPLE, SERIALS = 60, 3


@cache
def word(person: int, serial: int) -> Opened[Statement]:
    owner = number(f"+1415{person:07}")
    return opened(assertion(owner, serial, user=f"{person}.{serial}"), until=NOW + 1000, keep=NOW + person)


@cache
def grant(person: int, serial: int) -> Opened[Statement]:
    return opened(delegation(f"+{person + 1}", serial), until=NOW + 1000)


def check(proven: SharedProven, person: int) -> int:
    """Return how many statements about a person are there; all must be true."""
    found = proven.said(A, number(f"+1415{person:07}"), NOW)
    assert all(one in [word(person, serial) for serial in range(SERIALS)] for one in found), found
    node = number(f"+{person + 1}")
    zone = [one for one in proven.zone_for(ROOT_ZONE, node, NOW) if getattr(one.statement, "node", None) == node]
    assert all(one in [grant(person, serial) for serial in range(SERIALS)] for one in zone), zone
    return len(found) + len(zone)


def main(place: str, seed: str, rounds: str) -> None:
    proven = SharedProven.open(Path(place), TREE, MIN_SIZE)
    choose = random.Random(int(seed))
    last: dict[int, int] = {}
    for number_of_round in range(int(rounds)):
        writer = threading.Thread(target=proven.flush)
        writer.start()
        for _ in range(20):
            person = choose.randrange(PEOPLE)
            serial = choose.randrange(SERIALS)
            proven.put(A, word(person, serial), NOW)
            proven.put(ROOT_ZONE, grant(person, serial), NOW)
            last[person] = max(last.get(person, 0), serial)
            for one in proven.said(A, number(f"+1415{person:07}"), NOW):
                assert one.statement.life.serial >= last[person], "an older serial has come back"
            check(proven, choose.randrange(PEOPLE))
        writer.join()
        if number_of_round == 0:
            sys.stdout.write("running\n")
            sys.stdout.flush()
    figures = proven.statistics()
    assert not figures.is_failed, figures
    assert not figures.lost, figures
    proven.close()


class _Here:
    """The store of a process that is told what to do."""

    proven: SharedProven


def open_here(place: Path) -> None:
    _Here.proven = SharedProven.open(place, TREE, MIN_SIZE)


def put_here(person: int, serial: int) -> None:
    _Here.proven.put(A, word(person, serial), NOW)


def flush_here() -> int:
    _Here.proven.flush()
    return _Here.proven.statistics().refused


def serials_here(person: int) -> list[int]:
    return [one.statement.life.serial for one in _Here.proven.said(A, number(f"+1415{person:07}"), NOW)]


if __name__ == "__main__":
    main(*sys.argv[1:])
