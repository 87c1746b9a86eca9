"""With real processes: small programs that supervise workers which do next to nothing.

Each program says on standard output what happens in it; its log goes to standard error. Both end when the last
process that holds them has.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.fingerpost.daemons import PATIENCE, PROJECT, wait_until

BEGINNING = """
import os, select, signal, sys, time
from fingerpost import logfmt, supervisor
from fingerpost.supervisor import Supervisor

ends = []

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

def prepare(seat):
    signal.signal(signal.SIGTERM, lambda *_: ends.append(1))
    signal.signal(signal.SIGHUP, lambda *_: say("reload", seat.number))
    seat.take_signals()

def serve(seat):
    prepare(seat)
    seat.say_ready()
    say("pid", seat.number, os.getpid())
    while not ends:
        if select.select([seat.lifeline], [], [], 0.01)[0]:
            say("orphaned", seat.number)
            return 0
    say("ended", seat.number)
    return 0

work = serve
count = 2
"""
END = """
logfmt.begin()
try:
    status = Supervisor(count, work, lambda: say("ready")).run()
finally:
    say("left")
say("status", status)
"""
STUBBORN = """
def work(seat):
    seat.say_ready()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    say("pid", seat.number, os.getpid())
    time.sleep(60)
"""


class Program:
    """A program that runs."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.process = process
        self.log = log
        assert process.stdout is not None
        self._out: BinaryIO = process.stdout  # type: ignore[assignment]  # Popen's pipes are buffered readers
        self.said: list[str] = []
        self.pids: dict[int, int] = {}

    def next(self) -> str:
        """Return the next line that it says, "" at the end of all its processes."""
        line = self._out.readline().decode().rstrip("\n")
        self.said.append(line)
        if line.startswith("pid "):
            _, number, pid = line.split()
            self.pids[int(number)] = int(pid)
        return line

    def until(self, pattern: str, times: int = 1) -> None:
        """Read on until a line has come so many times, counted from the beginning."""
        while sum(bool(re.fullmatch(pattern, line)) for line in self.said) < times:
            assert self.next(), (self.said, self.log.read_text())

    def rest(self) -> int:
        """Read all that is still said, and return the status."""
        while self.next():
            pass
        return self.process.wait(PATIENCE)

    def events(self) -> list[str]:
        return re.findall(r"event=(\S+)", self.log.read_text())


@contextmanager
def program(folder: Path, text: str = "") -> Iterator[Program]:
    log = folder / "log"
    with log.open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-c", BEGINNING + text + END],
            env={**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": ""},
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=err,
            start_new_session=True,
        )
    timer = signal.getsignal(signal.SIGALRM)
    signal.signal(signal.SIGALRM, lambda *_: os.killpg(process.pid, signal.SIGKILL))
    signal.alarm(int(PATIENCE))
    try:
        yield Program(process, log)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, timer)
        process.kill()
        process.communicate()


@contextmanager
def standard_input() -> Iterator[Callable[[], None]]:
    """Give programs a standard input whose end comes when we say so."""
    reading, writing = os.pipe()
    kept = os.dup(0)
    os.dup2(reading, 0)
    os.close(reading)
    try:
        with os.fdopen(writing, "wb") as end:
            yield end.close
    finally:
        os.dup2(kept, 0)
        os.close(kept)


def test_all_are_ready_then_that_is_said_once(tmp_path: Path) -> None:
    with program(tmp_path) as it:
        it.until("ready")
        it.until(r"pid \d \d+", 2)
        it.process.send_signal(signal.SIGTERM)
        assert it.rest() == 0
    assert sorted(it.pids) == [0, 1]
    assert it.said.count("ready") == 1
    assert sorted(it.said[-5:-3]) == ["ended 0", "ended 1"]
    assert it.said[-3:] == ["left", "status 0", ""]
    assert it.events() == ["worker-started", "worker-started", "stopping"]


def test_a_worker_that_dies_is_replaced_and_ready_is_not_said_again(tmp_path: Path) -> None:
    with program(tmp_path) as it:
        it.until("ready")
        it.until(r"pid \d \d+", 2)
        first = dict(it.pids)
        os.kill(first[1], signal.SIGKILL)
        it.until(r"pid 1 \d+", 2)
        assert it.pids[0] == first[0]
        assert it.pids[1] != first[1]
        it.process.send_signal(signal.SIGTERM)
        assert it.rest() == 0
    assert it.said.count("ready") == 1
    assert f"event=worker-died worker=1 pid={first[1]} reason=SIGKILL" in it.log.read_text()
    assert it.events() == ["worker-started", "worker-started", "worker-died", "worker-started", "stopping"]


def test_one_that_dies_again_and_again_is_waited_for(tmp_path: Path) -> None:
    """Starts at once, at once, after 0.25 and after 0.5 seconds; ending does not wait for the next."""
    text = """
def work(seat):
    prepare(seat)
    seat.say_ready()
    say("at", time.monotonic())
    return 3
count = 1
"""
    with program(tmp_path, text) as it:
        it.until(r"at .*", 4)
        times = [float(line.split()[1]) for line in it.said if line.startswith("at ")]
        it.process.send_signal(signal.SIGTERM)
        assert it.rest() == 0
    assert times[3] - times[0] >= 0.75
    assert 'reason="status 3"' in it.log.read_text()


@pytest.mark.parametrize(
    ("ending", "event"),
    [
        ("return 1", "worker-died"),
        ("raise ValueError('too bad')", "internal-error"),
        ("raise SystemExit(0)", "internal-error"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "worker-died"),
        ("return 0", "worker-died"),  # before it was ready, that is no good end either
    ],
)
def test_one_that_fails_at_the_start_ends_all(tmp_path: Path, ending: str, event: str) -> None:
    text = f"""
def work(seat):
    if seat.number == 1:
        {ending}
    return serve(seat)
"""
    with program(tmp_path, text) as it:
        assert it.rest() == 0
    assert "ready" not in it.said
    assert it.said[-4:] == ["ended 0", "left", "status 1", ""]  # left once: nobody else came up there
    assert event in it.events()
    assert "worker-died" in it.events()


def test_one_that_fails_while_it_ends_is_told(tmp_path: Path) -> None:
    text = """
def work(seat):
    return serve(seat) or 5 * seat.number
"""
    with program(tmp_path, text) as it:
        it.until(r"pid \d \d+", 2)
        it.process.send_signal(signal.SIGTERM)
        it.rest()
    assert it.said[-2] == "status 1"
    assert "event=worker-died worker=1 pid=" in it.log.read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_two_signals_at_once_are_one_wish(tmp_path: Path, number: signal.Signals) -> None:
    text = """
def work(seat):
    status = serve(seat)
    sys.stdin.read()
    return status
supervisor.ONCE_SECONDS = 30.0
"""
    with standard_input() as close, program(tmp_path, text) as it:
        it.until("ready")
        it.until(r"pid \d \d+", 2)
        it.process.send_signal(number)
        it.until(r"ended \d", 2)
        it.process.send_signal(number)
        os.killpg(it.process.pid, number)
        os.kill(it.process.pid, signal.SIGHUP)
        close()
        it.rest()
    assert it.said[-2] == "status 0"
    assert "worker-killed" not in it.events()


def test_hup_reaches_every_worker(tmp_path: Path) -> None:
    with program(tmp_path) as it:
        it.until("ready")
        it.process.send_signal(signal.SIGHUP)
        it.until("reload .")
        it.until("reload .", 2)
        assert {line for line in it.said if "reload" in line} == {"reload 0", "reload 1"}
        it.process.send_signal(signal.SIGTERM)
        assert it.rest() == 0


def test_no_signal_is_lost_before_a_worker_takes_them(tmp_path: Path) -> None:
    text = """
def work(seat):
    say("pid", seat.number, os.getpid())
    sys.stdin.read()
    return serve(seat)
count = 1
"""
    with standard_input() as close, program(tmp_path, text) as it:
        it.until(r"pid 0 \d+")
        os.kill(it.pids[0], signal.SIGHUP)
        it.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "stopping" in it.events(), it.log.read_text)
        close()
        it.rest()
    assert "reload 0" in it.said
    assert it.said[-2] == "status 0"
    assert "ready" not in it.said  # it was told to end before


def test_a_second_signal_kills(tmp_path: Path) -> None:
    with program(tmp_path, STUBBORN + "supervisor.END_SECONDS = 50.0") as it:
        it.until(r"pid \d \d+", 2)
        it.until("ready")
        while it.process.poll() is None:  # those that come at once are one wish
            it.process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                it.process.wait(0.05)
        it.rest()
    assert it.said[-2] == "status 1"
    assert it.events().count("worker-killed") == 2


def test_those_that_do_not_end_are_killed_after_a_while(tmp_path: Path) -> None:
    with program(tmp_path, STUBBORN + "supervisor.END_SECONDS = 0.2") as it:
        it.until(r"pid \d \d+", 2)
        it.until("ready")
        it.process.send_signal(signal.SIGTERM)
        it.rest()
    assert it.said[-2] == "status 1"
    assert it.events()[-2:] == ["worker-killed", "worker-killed"]


def test_workers_see_that_their_supervisor_is_gone(tmp_path: Path) -> None:
    """One of them is itself a successor, and none keeps the lifeline of another open."""
    with program(tmp_path) as it:
        it.until("ready")
        it.until(r"pid \d \d+", 2)
        os.kill(it.pids[0], signal.SIGKILL)
        it.until(r"pid 0 \d+", 2)
        it.process.kill()
        assert it.rest() == -signal.SIGKILL
    assert {"orphaned 0", "orphaned 1"} <= set(it.said)


def test_a_worker_holds_nothing_of_the_supervisor_or_of_others(tmp_path: Path) -> None:
    text = """
def held():
    listed = os.listdir("/proc/self/fd")  # the listing itself is among them
    return {number for number in listed if os.path.exists("/proc/self/fd/" + number)}
before = held()
def work(seat):
    say("more", *(held() - before - {str(seat.lifeline), str(seat._mouth)}))
    return serve(seat)
count = 3
"""
    with program(tmp_path, text) as it:
        it.until("more.*", 3)
        assert [line for line in it.said if line.startswith("more")] == ["more"] * 3


def test_it_goes_on_when_nobody_reads_its_log(tmp_path: Path) -> None:
    text = """
reading, writing = os.pipe()
os.close(reading)
os.dup2(writing, 2)
os.close(writing)
"""
    with program(tmp_path, text) as it:
        it.until("ready")
        it.until(r"pid \d \d+", 2)
        os.kill(it.pids[1], signal.SIGKILL)
        it.until(r"pid 1 \d+", 2)
        it.process.send_signal(signal.SIGTERM)
        it.rest()
    assert it.said[-2] == "status 0"


def test_a_fork_that_fails_is_tried_again(tmp_path: Path) -> None:
    text = """
fork, calls = os.fork, []
def seldom():
    calls.append(1)
    if len(calls) in FAILING:
        raise BlockingIOError(11, "Resource temporarily unavailable")
    return fork()
os.fork = seldom
"""
    with program(tmp_path, text + "FAILING = (3, 4)") as it:
        it.until("ready")
        it.until(r"pid \d \d+", 2)
        os.kill(it.pids[0], signal.SIGKILL)
        it.until(r"pid 0 \d+", 2)
        it.process.send_signal(signal.SIGTERM)
        it.rest()
    assert it.said[-2] == "status 0"
    assert it.events().count("worker-not-started") == 2
    with program(tmp_path, text + "FAILING = (2,)") as it:  # at the start it ends the daemon
        assert it.rest() == 1
    assert it.said[-2:] == ["left", ""]
    assert "BlockingIOError" in it.log.read_text()
    assert "status" not in " ".join(it.said)
