import multiprocessing
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import permutations
from pathlib import Path
from typing import Any

import lmdb
import pytest

from resolver.proven import shared
from resolver.proven.shared import MAX_SIZE, MIN_SIZE, SharedProven
from resolver.proven.store import UnusableError
from tests.resolver.proven import worker
from tests.resolver.proven.barring import BOTH, is_barred, put, said
from tests.resolver.proven.making import ROOT_ZONE, A, assertion, delegation, opened
from tests.zonedata.builders import NOW, number
from tests.zonedata.samples import TREE
from zonedata.names import Name
from zonedata.opening import Opened
from zonedata.statements import Statement

OWNER = number("+14155550123")
ROOM = Path(__file__).parents[3]


def owner_of(n: int) -> Name:
    return number(f"+1{n:010}")


def word(n: int) -> Opened[Statement]:
    return opened(assertion(owner_of(n), user=str(n)))


def begin(place: Path, rounds: int, seed: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.resolver.proven.worker", str(place), str(seed), str(rounds)]
    return subprocess.Popen(command, cwd=ROOM, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def running(process: subprocess.Popen[str]) -> subprocess.Popen[str]:
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n", process.communicate()
    return process


def test_it_is_there_after_a_restart(tmp_path: Path) -> None:
    proven = SharedProven.open(tmp_path / "proven", TREE, MIN_SIZE)
    proven.put(A, word(1), NOW)
    proven.close()
    again = SharedProven.open(tmp_path / "proven", TREE, MIN_SIZE)
    assert again.said(A, owner_of(1), NOW) == [word(1)]
    again.close()


@pytest.fixture
def two(tmp_path: Path) -> Iterator[list[ProcessPoolExecutor]]:
    """Two other processes, each with the store open."""
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawning) as one, ProcessPoolExecutor(1, spawning) as other:
        for process in (one, other):
            process.submit(worker.open_here, tmp_path / "proven").result()
        yield [one, other]


def test_two_see_what_either_has_written(two: list[ProcessPoolExecutor]) -> None:
    for person, (new, old) in enumerate(permutations(two)):
        new.submit(worker.put_here, person, 2).result()
        assert old.submit(worker.serials_here, person).result() == []
        old.submit(worker.put_here, person, 1).result()
        assert old.submit(worker.serials_here, person).result() == [1]
        new.submit(worker.flush_here).result()
        assert old.submit(worker.serials_here, person).result() == [2], "what waits is older than what is there"
        assert old.submit(worker.flush_here).result() == 1
        assert new.submit(worker.serials_here, person).result() == [2]


def test_another_tree_sees_nothing(tmp_path: Path) -> None:
    for tree, is_there in ((TREE, True), (bytes(16), False), (TREE, True)):
        proven = SharedProven.open(tmp_path / "proven", tree, MIN_SIZE)
        if proven.statistics().entries == 0:
            proven.put(A, word(1), NOW)
            proven.put(ROOT_ZONE, opened(delegation("+1")), NOW)
        assert bool(proven.said(A, owner_of(1), NOW)) is is_there
        assert bool(proven.zone_for(ROOT_ZONE, owner_of(1), NOW)) is is_there
        proven.close()


def test_what_cannot_be_opened_for_another_reason_is_not_discarded(tmp_path: Path) -> None:
    proven = SharedProven.open(tmp_path / "proven", TREE, MIN_SIZE)
    proven.put(A, word(1), NOW)
    with pytest.raises(UnusableError, match="already open"):
        SharedProven.open(tmp_path / "proven", TREE, MIN_SIZE)
    proven.close()
    again = SharedProven.open(tmp_path / "proven", TREE, MIN_SIZE)
    assert again.said(A, owner_of(1), NOW) == [word(1)]
    again.close()


def test_several_processes_write_and_read_and_are_killed(tmp_path: Path) -> None:
    place, choose = tmp_path / "proven", random.Random(1)
    keeper = SharedProven.open(place, TREE, MIN_SIZE)
    victims = [running(begin(place, 10**6, seed)) for seed in range(2)]
    steady = begin(place, 20, 99)
    for seed in range(6):
        at = choose.randrange(2)
        victims[at].send_signal(signal.SIGKILL)
        _, said = victims[at].communicate()
        assert victims[at].returncode == -signal.SIGKILL, f"it ended by itself: {said}"
        sum(worker.check(keeper, person) for person in range(worker.PEOPLE))
        keeper.put(A, worker.word(seed, 1), NOW)
        keeper.flush()
        victims[at] = running(begin(place, 10**6, seed + 10))
    _, errors = steady.communicate(timeout=60)
    assert steady.returncode == 0, errors
    for victim in victims:
        victim.kill()
        victim.communicate()
    assert sum(worker.check(keeper, person) for person in range(worker.PEOPLE)) == 2 * worker.PEOPLE
    assert keeper.statistics().lost == 0
    keeper.close()
    again = SharedProven.open(place, TREE, MIN_SIZE)
    assert sum(worker.check(again, person) for person in range(worker.PEOPLE)) == 2 * worker.PEOPLE
    again.close()


@pytest.fixture(scope="module")
def many() -> list[Opened[Statement]]:
    template = word(0)
    made: list[Opened[Statement]] = []
    for n in range(40_000):
        body = template.sealed.body.replace(
            b"0.0.0.0.0.0.0.0.0.0.1.e164.", (f"{n:010}"[::-1].replace("", ".")[1:-1] + ".1.e164.").encode()
        )
        sealed = type(template.sealed)(template.sealed.kind, template.sealed.signatures, body)
        made.append(Opened(assertion(owner_of(n), user="0"), sealed, template.key_id, NOW + 90.0, NOW + 60.0))
    random.Random(2).shuffle(made)
    return made


def test_a_full_store_evicts_the_oldest_and_keeps_what_is_used(tmp_path: Path, many: list[Opened[Any]]) -> None:
    proven = SharedProven.open(tmp_path / "proven", TREE, MIN_SIZE)
    used = many[:50]
    for at in range(0, len(many), 250):
        for one in many[at : at + 250]:
            proven.put(A, one, NOW)
        for one in used:
            found = proven.said(A, one.statement.owner, NOW)
            assert found in ([one], [])
        proven.flush()
    figures = proven.statistics()
    assert figures.lost == 0
    assert figures.stored == len(many)
    assert figures.evicted == len(many) - figures.entries
    assert figures.octets <= figures.bound * 1.1
    assert figures.entries * 300 < figures.bound < figures.entries * 800

    def still(part: list[Opened[Any]]) -> float:
        return sum(proven.said(A, one.statement.owner, NOW) == [one] for one in part) / len(part)

    assert still(used) > 0.9
    assert still(many[-2000:]) > 0.95
    assert still(many[50:8_000]) < 0.1
    proven.close()


def test_ended_statements_go_first(tmp_path: Path, many: list[Opened[Any]]) -> None:
    proven = SharedProven.open(tmp_path / "proven", TREE, MIN_SIZE)
    lasting, now = many[:4000], NOW + 100.0
    for at in range(0, len(many), 1000):
        for one in many[at : at + 1000]:
            ends = NOW + 1000.0 if at < 4000 else now + 1 + at / 1000
            proven.put(A, Opened(one.statement, one.sealed, one.key_id, ends, ends), now + at / 1000)
        proven.flush()
    there = sum(bool(proven.said(A, one.statement.owner, now)) for one in lasting)
    assert there < len(lasting), "they are the oldest and nobody asked"
    assert proven.statistics().lost == 0
    proven.close()


def test_a_reader_that_hangs_costs_statements_and_no_error(tmp_path: Path, many: list[Opened[Any]]) -> None:
    proven = SharedProven.open(tmp_path / "proven", TREE, MIN_SIZE)
    stuck = proven._environment.begin()
    stuck.get(b"x", db=proven._environment.tables[0])
    for one in many[:20_000]:
        proven.put(A, one, NOW)
    proven.flush()
    figures = proven.statistics()
    assert figures.lost > 0
    assert not figures.is_failed
    stuck.abort()
    proven.put(A, many[-1], NOW)
    proven.flush()
    assert proven.said(A, many[-1].statement.owner, NOW) == [many[-1]]
    assert proven.statistics().lost == figures.lost
    proven.close()


def test_a_reader_that_was_killed_costs_nothing(tmp_path: Path) -> None:
    place = tmp_path / "proven"
    proven = SharedProven.open(place, TREE, MIN_SIZE)
    proven.put(A, worker.word(0, 0), NOW)
    proven.flush()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.resolver.proven.reader", str(place)],
        cwd=ROOM,
        stdout=subprocess.PIPE,
        text=True,
    ) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "reading\n"
        reader.kill()
    for at in range(2_000):  # each writes some pages anew, and none that the reader saw may be used again
        proven.put(A, worker.word(at % worker.PEOPLE, at % worker.SERIALS), NOW)
        proven.flush()
    figures = proven.statistics()
    assert (figures.lost, figures.evicted) == (0, 0)
    proven.close()


def test_fill_is_putting_many(tmp_path: Path, many: list[Opened[Any]]) -> None:
    proven = SharedProven.open(tmp_path / "proven", TREE, 4 * MIN_SIZE)
    assert proven.fill(((A, one) for one in many[:5000]), NOW) == 5000
    assert all(proven.said(A, one.statement.owner, NOW) == [one] for one in many[:5000:50])
    assert proven.statistics().entries == 5000
    proven.close()


def test_what_nobody_writes_is_written_at_a_number(
    tmp_path: Path, many: list[Opened[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "MAX_PENDING", 10)
    proven = SharedProven.open(tmp_path / "proven", TREE, MIN_SIZE)
    for one in many[:10]:
        assert proven.statistics().stored == 0
        proven.put(A, one, NOW)
    assert proven.statistics().stored == 10
    proven.close()


class Breaking:
    """A transaction that fails, as on a full or damaged disk."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __call__(self, **_: bool) -> Any:
        raise self.error


def test_a_disk_that_fails_costs_statements_and_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proven = SharedProven.open(tmp_path / "proven", TREE, MIN_SIZE)
    with monkeypatch.context() as patch:
        patch.setattr(proven._environment, "begin", Breaking(lmdb.DiskError("no space left")))
        proven.put(A, word(1), NOW)
        proven.flush()
        assert proven.said(A, owner_of(1), NOW) == []
        assert proven.statistics().lost == 1
    proven.put(A, word(1), NOW)
    assert proven.said(A, owner_of(1), NOW) == [word(1)]
    proven.close()


def test_a_damaged_file_is_left_alone_and_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    proven = SharedProven.open(tmp_path / "proven", TREE, MIN_SIZE)
    proven.put(A, word(1), NOW)
    proven.flush()
    with monkeypatch.context() as patch:
        patch.setattr(proven._environment, "begin", Breaking(lmdb.CorruptedError("page")))
        assert proven.said(A, owner_of(1), NOW) == []
        assert proven.said(A, owner_of(1), NOW) == []
    assert proven.statistics().is_failed
    assert proven.said(A, owner_of(1), NOW) == []
    assert [one.getMessage() for one in caplog.records] == [
        f'event=cache-damaged path="{tmp_path / "proven"}" reason="page"'
    ]
    proven.put(A, word(2), NOW)
    assert proven.said(A, owner_of(2), NOW) == [word(2)]
    proven.flush()
    assert proven.said(A, owner_of(2), NOW) == [word(2)]  # in memory from now on
    figures = proven.statistics()
    assert (figures.entries, figures.lost) == (1, 0)
    proven.close()
    again = SharedProven.open(tmp_path / "proven", TREE, MIN_SIZE)
    assert again.statistics().entries == 0
    again.close()


def test_floors_are_raised_for_good_when_the_file_beside_them_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proven = SharedProven.open(tmp_path / "proven", TREE, MIN_SIZE)
    with monkeypatch.context() as patch:
        patch.setattr(proven._environment, "begin", Breaking(lmdb.CorruptedError("page")))
        put(proven, BOTH, said(1))  # finds it damaged as it is written
    put(proven, BOTH, said(5))
    assert is_barred(proven, BOTH, said(1))
    proven.close()
    again = SharedProven.open(tmp_path / "proven", TREE, MIN_SIZE)
    assert is_barred(again, BOTH, said(1))
    again.close()


@pytest.mark.parametrize("size", [0, MIN_SIZE - 1, MAX_SIZE + 1])
def test_sizes_out_of_bounds(tmp_path: Path, size: int) -> None:
    with pytest.raises(UnusableError, match="expected"):
        SharedProven.open(tmp_path / "proven", TREE, size)


def test_no_room_for_all_of_it_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(UnusableError, match="No space left on device"):
        SharedProven.open(tmp_path / "proven", TREE, MIN_SIZE)
    monkeypatch.undo()
    proven = SharedProven.open(tmp_path / "proven", TREE, MIN_SIZE)
    assert (tmp_path / "proven" / "data.mdb").stat().st_blocks * 512 >= MIN_SIZE
    proven.close()
