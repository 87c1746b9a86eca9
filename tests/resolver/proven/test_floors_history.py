"""In any history of putting, writing, waiting, restarts, crashes and key changes the old stays old."""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from resolver.proven.shared import FLOORS, MIN_SIZE, SharedProven
from tests.resolver.proven.barring import BOTH, PHONE, is_barred, said
from tests.resolver.proven.making import A
from tests.zonedata.builders import NOW, bound
from tests.zonedata.samples import TREE
from zonedata.kinds import Use
from zonedata.opening import Opened, Signer
from zonedata.statements import Statement

# --- any history ---------------------------------------------------------------------------------------

SIGNERS = {
    "both": BOTH,
    "old": replace(A, keys=(bound("old", Use.ASSERT),)),
    "new": replace(A, keys=(bound("new", Use.ASSERT),)),
}


class History(RuleBasedStateMachine):
    """The model: pairs of an earlier and a later statement that met in the store."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp())
        self.proven = self.open()
        self.now: float = NOW
        self.held: Opened[Statement] | None = None  # what is written
        self.waiting: list[tuple[Signer, float, Opened[Statement]]] = []
        self.met: list[tuple[Opened[Statement], Opened[Statement]]] = []  # earlier, later
        self.size = MIN_SIZE

    def open(self, size: int = MIN_SIZE) -> SharedProven:
        return SharedProven.open(self.place / "proven", TREE, size)

    def teardown(self) -> None:
        self.proven.close()
        shutil.rmtree(self.place)

    @initialize()
    def begin(self) -> None:
        self.put("both", 5, 50, 40, "old")

    @rule(
        whose=st.sampled_from(list(SIGNERS)),
        serial=st.integers(1, 9),
        lives=st.integers(1, 90),
        until=st.integers(1, 90),
        by=st.sampled_from(["old", "new"]),
    )
    def put(self, whose: str, serial: int, lives: int, until: int, by: str) -> None:
        signer = SIGNERS[whose]
        one = said(serial, lives, at=self.now, by=by, until=self.now + min(until, lives))
        if signer.key_for(one.key_id) is None:
            return
        self.proven.put(signer, one, self.now)
        self.waiting.append((signer, self.now, one))

    def write(self) -> None:
        for signer, now, one in self.waiting:
            if self.held is None:
                self.held = one
                continue
            earlier, later = self.held, one
            is_late = self.held.until > now and signer.vouches_for(self.held, now)
            if is_late and self.held.statement.life.serial > one.statement.life.serial:
                earlier, later = one, self.held
            self.held = later
            if earlier.statement.life.serial < later.statement.life.serial and earlier.statement.life.expires > now:
                self.met.append((earlier, later))
        self.waiting.clear()

    @rule()
    def flush(self) -> None:
        self.proven.flush()
        self.write()

    @rule()
    def restart(self) -> None:
        self.write()
        self.proven.close()
        self.proven = self.open(self.size)

    @rule()
    def crash(self) -> None:
        """What was not written is gone; the rest is as the kernel has it."""
        self.proven._environment.close()
        self.proven._floors.close()
        self.proven._place.leave(is_written_out=False)
        self.waiting.clear()
        self.proven = self.open(self.size)

    @rule()
    def lose_the_cache(self) -> None:
        """As after a crash of the machine, or with another size."""
        self.write()
        self.proven.close()
        self.size += 4096
        self.proven = self.open(self.size)
        self.held = None

    @rule(seconds=st.integers(0, 30))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule(whose=st.sampled_from(list(SIGNERS)), serial=st.integers(0, 9))
    def replay(self, whose: str, serial: int) -> None:
        """What is earlier than something that took the place of what would still count is barred; no more is."""
        signer = SIGNERS[whose]
        counting = [later for _, later in self.met if signer.key_for(later.key_id) is not None]
        must = any(
            serial < later.statement.life.serial and earlier.statement.life.expires > self.now
            for earlier, later in self.met
            if later in counting
        )
        may = any(serial < later.statement.life.serial for later in counting) and any(
            earlier.statement.life.expires > self.now for earlier, _ in self.met
        )
        barred = is_barred(self.proven, signer, said(serial, at=self.now), self.now)
        assert barred or not must
        assert may or not barred


TestHistory = History.TestCase


# --- a process that ends at any of its writings ----------------------------------------------------------


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_process_that_ends_at_a_commit_has_kept_the_floor_of_all_it_let_go(tmp_path: Path, moment: str) -> None:
    ended = 0
    for commit in range(1, 12):
        place = tmp_path / f"{commit}"
        command = [sys.executable, "-m", "tests.resolver.proven.ending", str(place), str(commit), moment]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
        flushed = done.stdout.count("flushed")
        ended += done.returncode == 9
        assert done.returncode in {0, 9}, done.stderr
        proven = SharedProven.open(place, TREE, MIN_SIZE)
        held = [one.statement.life.serial for one in proven.said(BOTH, PHONE, NOW)]
        barred = [serial for serial in range(1, 7) if is_barred(proven, BOTH, said(serial))]
        assert not held or barred >= list(range(1, held[0])), (commit, held, barred)
        assert barred >= list(range(1, flushed)), (commit, flushed, barred)
        proven.close()
    assert ended > 8
    assert ended < 11, "the last rounds see the whole of it"


def test_a_killed_process_loses_what_it_had_not_written_and_nothing_more(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.resolver.proven.ending", str(tmp_path / "p"), "0", "killed"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == -9, done.stderr
    proven = SharedProven.open(tmp_path / "p", TREE, MIN_SIZE)
    assert [one.statement.life.serial for one in proven.said(BOTH, PHONE, NOW)] == [3]
    assert [serial for serial in range(1, 7) if is_barred(proven, BOTH, said(serial))] == [1, 2]
    proven.close()


def test_the_floors_lie_beside_the_cache(tmp_path: Path) -> None:
    proven = SharedProven.open(tmp_path, TREE, MIN_SIZE)
    assert (tmp_path / FLOORS / "data.mdb").exists()
    proven.close()
