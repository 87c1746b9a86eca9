import os
import sys
from pathlib import Path

import pytest

from bench import cpu
from bench.processes import FailedError, complete, find, replaced, running, timed

needs_tools = pytest.mark.skipif(find("setpriv") is None or find("taskset") is None, reason="no util-linux")
STUBBORN = """
import pathlib, signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path(sys.argv[1]).touch()
time.sleep(600)
"""


@needs_tools
def test_a_daemon_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    mark = tmp_path / "ready"
    words = [sys.executable, "-c", STUBBORN, str(mark)]
    session = 0

    def use() -> None:
        nonlocal session
        with running("some", words, tmp_path / "log", mark.exists) as daemon:
            session = daemon.session
            assert len(cpu.members(session)) == 2
            assert daemon.spent().nanoseconds > 0
            assert os.sched_getaffinity(session) == {0}
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        use()
    assert cpu.members(session) == []


@needs_tools
def test_a_worker_is_killed_before_its_successor_is_asked(tmp_path: Path) -> None:
    mark = tmp_path / "ready"
    words = [sys.executable, "-c", STUBBORN, str(mark)]
    with running("some", words, tmp_path / "log", mark.exists) as daemon:
        (worker,) = daemon.workers()
        seen: list[bool] = []

        def answers() -> bool:
            seen.append(worker in daemon.workers())
            return True

        assert replaced(daemon, answers) > 0
        assert seen == [False]
    mark.unlink()
    with (
        running("some", words, tmp_path / "log", mark.exists) as daemon,
        pytest.raises(FailedError, match="some did"),
    ):
        replaced(daemon, lambda: False)


@needs_tools
def test_a_daemon_that_ends_at_once_is_told_with_its_log(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "raise SystemExit('the reason')"]
    with pytest.raises(FailedError, match="the reason"), running("some", words, tmp_path / "log", lambda: False):
        pass


def test_a_command_that_fails_says_why(tmp_path: Path) -> None:
    assert complete([sys.executable, "-c", "print('well')"], tmp_path) == "well\n"
    with pytest.raises(FailedError, match="the reason"):
        complete([sys.executable, "-c", "raise SystemExit('the reason')"], tmp_path)


@needs_tools
def test_a_command_is_timed_with_its_children(tmp_path: Path) -> None:
    burn = "import time\nwhile time.process_time() < 0.2: pass\nprint('well')"
    words = [sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}])"]
    done = timed(words, tmp_path)
    assert 0.2 <= done.cpu <= done.seconds * 2
    assert done.output == "well\n"
    with pytest.raises(FailedError, match="status 3"):
        timed([sys.executable, "-c", "raise SystemExit(3)"], tmp_path)
