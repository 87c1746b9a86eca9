import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import cpu
from bench.cpu import TICKS, Memory, Spent

DAEMON = 100
FILE = Path("/some/where/data.mdb")


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A /proc with a daemon, its child, and a stranger."""
    tasks = {
        DAEMON: ("100 (na) (med) S", DAEMON, {"100": 5, "101": 7}),
        200: ("200 (worker) R", DAEMON, {"200": 11}),
        300: ("300 (other) R", 300, {"300": 1_000}),
        400: ("400 (ended) Z", DAEMON, {"400": 1_000}),
    }
    for pid, (head, session, threads) in tasks.items():
        place = tmp_path / str(pid)
        times = " ".join(map(str, (10, 20, 30, 40)))
        place.mkdir()
        (place / "stat").write_text(f"{head} 1 {session} {session} 0 -1 4194304 1 2 3 4 {times} 20 0 1 0\n")
        for thread, spent in threads.items():
            (place / "task" / thread).mkdir(parents=True)
            (place / "task" / thread / "schedstat").write_text(f"{spent} 99 3\n")
        heap = "55d0-55d1 rw-p 00000000 00:00 0      [heap]\nRss:  10 kB\nPss:    7 kB\nPss_Dirty: 7 kB\n"
        file = f"7f00-7f01 r--s 00000000 fe:00 77     {FILE}\nRss:  9 kB\nPss:    4 kB\n"
        (place / "smaps").write_text(heap + file + heap)
    (tmp_path / "version").write_text("no process")
    return tmp_path


def test_threads_and_children_are_counted_and_strangers_are_not(proc: Path) -> None:
    assert cpu.spent(DAEMON, proc) == Spent(5 + 7 + 11, 2 * (10 + 20 + 30 + 40))
    assert cpu.memory(DAEMON, None, proc) == Memory(2 * (7 + 4 + 7) * 1024)


def test_the_pages_of_a_file_are_told_apart(proc: Path) -> None:
    found = cpu.memory(DAEMON, FILE, proc)
    assert found == Memory(2 * (7 + 4 + 7) * 1024, 2 * 4 * 1024)
    assert found.own == 2 * 14 * 1024
    assert cpu.memory(DAEMON, FILE.parent, proc).mapped == 0


def test_a_process_that_has_just_ended_is_no_trouble(proc: Path) -> None:
    (proc / "200" / "stat").unlink()
    (proc / "100" / "task" / "101" / "schedstat").unlink()
    (proc / "100" / "smaps").unlink()
    assert cpu.spent(DAEMON, proc).nanoseconds == 5
    assert cpu.memory(DAEMON, FILE, proc) == Memory(0, 0)


def test_a_thread_that_ended_in_between_is_found_in_the_ticks() -> None:
    before = Spent(5_000_000_000, 500)
    assert Spent(6_500_000_000, 500 + TICKS).seconds_since(before) == 1.5
    assert Spent(5_100_000_000, 500 + TICKS).seconds_since(before) == 1.0


def test_a_real_process_spends_what_it_says() -> None:
    words = "import time\nwhile time.process_time() < 0.3: pass\nprint(time.process_time(), flush=True)\ninput()"
    both = subprocess.PIPE
    command = [sys.executable, "-c", words]
    with subprocess.Popen(command, stdin=both, stdout=both, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        said = float(process.stdout.readline())
        measured = cpu.spent(process.pid).nanoseconds / 1e9
        held = cpu.memory(process.pid)
        process.communicate("\n")
    assert said == pytest.approx(measured, rel=0.1)
    assert 2**20 < held.own == held.resident < 2**30


def test_our_own_session_has_us_in_it() -> None:
    assert str(os.getpid()) in [place.name for place in cpu.members(os.getsid(0))]
