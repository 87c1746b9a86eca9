"""Daemons of a benchmark: started on a core of their own, known to be ready, and ended whatever happens.

Each is in a session of its own, so that Ctrl-C reaches only us and we end them; and each is told by the kernel to
end should we be killed. What they print goes to a file.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench import cpu
from bench.builds import Build

SERVING_CORE = 0  # of what is measured
LOADING_CORE = 1  # of the load generator, and of authorities where a resolver is measured
READY_SECONDS = 300.0  # a million names are loaded first
LOOK_EVERY = 0.1  # seconds between two looks whether a daemon is ready
GONE_EVERY = 0.002  # seconds between two looks whether what was killed is gone
GRACE = 10.0  # seconds from asking a daemon to end to ending it
TAIL = 15  # lines of a log that are shown
SYSTEM_PATHS = "/usr/sbin:/sbin"  # where daemons are, and root's shell alone may look


class FailedError(Exception):
    """A program ended when it should not have, or never became ready; says which and shows its log's end."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """A daemon that answers.

    Attributes:
        name: For people.
        session: Its process and its session.
        ready_seconds: From its start until it was ready.
        ready_cpu: Processor seconds until then.
    """

    name: str
    session: int
    ready_seconds: float
    ready_cpu: float

    def spent(self) -> cpu.Spent:
        """Return the processor time that it has taken."""
        return cpu.spent(self.session)

    def workers(self) -> list[int]:
        """Return its processes other than the first."""
        return [int(place.name) for place in cpu.members(self.session) if int(place.name) != self.session]

    def memory(self, file: Path | None = None) -> cpu.Memory:
        """Return what it holds in memory, the pages of a file told apart."""
        return cpu.memory(self.session, file)


def find(program: str) -> str | None:
    """Return where a program is installed."""
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), SYSTEM_PATHS]))


def pinned(words: Sequence[str], *cores: int) -> list[str]:
    """Return the command that runs another on certain cores, on one alone as a rule."""
    there = os.cpu_count() or 1
    return ["taskset", "--cpu-list", ",".join(str(core % there) for core in cores), *words]


def ending_with_us(words: Sequence[str]) -> list[str]:
    """Return the command that runs another, which the kernel ends should we be killed."""
    return ["setpriv", "--pdeathsig", "KILL", *words]


def environment(build: Build = Build.PLAIN) -> dict[str, str]:
    """Return the environment in which our own programs find themselves, in one build or the other."""
    return {**os.environ, "PYTHONPATH": build.path, "PYTHONSAFEPATH": "1"}


def fingerpost(*words: str) -> list[str]:
    """Return the command line of one of our own commands."""
    return [sys.executable, "-m", "fingerpost", *words]


def complete(words: Sequence[str], place: Path) -> str:
    """Run a command to its end in a directory, and return what it printed.

    Raises:
        FailedError: It failed.
    """
    done = subprocess.run(words, cwd=place, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise FailedError(f"{' '.join(words[:4])} ended with status {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a command that was timed.

    Attributes:
        cpu: Processor seconds, its children's with them.
        seconds: From its start to its end.
        output: What it printed.
    """

    cpu: float
    seconds: float
    output: str


def timed(words: Sequence[str], place: Path, build: Build = Build.PLAIN) -> Done:
    """Run a command of ours to its end in a directory, and return what it took.

    Raises:
        FailedError: It failed.
    """
    with tempfile.TemporaryFile("w+") as out:  # not a pipe: reading it would take time from the command
        started = time.monotonic()
        process = subprocess.Popen(ending_with_us(words), cwd=place, env=environment(build), stdout=out)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise FailedError(f"{' '.join(words[:8])} ended with status {process.returncode}")
        out.seek(0)
        return Done(used.ru_utime + used.ru_stime, seconds, out.read())


@contextmanager
def running(
    name: str, words: Sequence[str], log: Path, ready: Callable[[], bool], core: int = SERVING_CORE
) -> Iterator[Daemon]:
    """Run a daemon that is asked whether it is ready, and end it."""
    started = time.monotonic()
    with _started(words, log, core, (), environment()) as process:
        while not ready():
            _check(name, process, log, started)
            time.sleep(LOOK_EVERY)
        yield _daemon(name, process, started)


@contextmanager
def running_fingerpost(
    name: str, config: Path, log: Path, core: int = SERVING_CORE, build: Build = Build.PLAIN
) -> Iterator[Daemon]:
    """Run a daemon of ours, which says by itself when it is ready, and end it."""
    reading, writing = os.pipe()
    started = time.monotonic()
    words = fingerpost("serve", str(config), "--ready-fd", str(writing))
    with (
        os.fdopen(reading, "rb") as pipe,
        os.fdopen(writing, "wb") as theirs,
        _started(words, log, core, (writing,), environment(build)) as process,
    ):
        theirs.close()  # so that the daemon's end is the pipe's end
        if not pipe.readline():
            raise FailedError(f"{name} never became ready: {_tail(log)}")
        yield _daemon(name, process, started)


@contextmanager
def _started(
    words: Sequence[str], log: Path, core: int, descriptors: tuple[int, ...], variables: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file:
        process = subprocess.Popen(
            ending_with_us(pinned(words, core)),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            pass_fds=descriptors,
            start_new_session=True,
            env=variables,
            cwd=log.parent,
        )
    try:
        yield process
    finally:
        _end(process)


def replaced(daemon: Daemon, answers: Callable[[], bool]) -> float:
    """Kill the one worker of a daemon, and return after how many seconds its successor has answered.

    Args:
        daemon: It.
        answers: Asks it something, once the killed one is gone.

    Raises:
        FailedError: There was no answer.
    """
    (worker,) = daemon.workers()
    started = time.monotonic()
    os.kill(worker, signal.SIGKILL)
    while worker in daemon.workers():
        time.sleep(GONE_EVERY)
    if not answers():
        raise FailedError(f"{daemon.name} did not answer after its worker was killed")
    return time.monotonic() - started


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask a daemon to end, wait for it, and end what is left of its session."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
    while left := cpu.members(process.pid):  # not our children, so all that can be done is to look again
        for place in left:
            with suppress(ProcessLookupError):
                os.kill(int(place.name), signal.SIGKILL)
        process.poll()
        time.sleep(GONE_EVERY)
    process.wait()


def _daemon(name: str, process: subprocess.Popen[bytes], started: float) -> Daemon:
    used = cpu.spent(process.pid)
    return Daemon(name, process.pid, time.monotonic() - started, used.nanoseconds / 1e9)


def _check(name: str, process: subprocess.Popen[bytes], log: Path, started: float) -> None:
    if process.poll() is not None:
        raise FailedError(f"{name} ended with status {process.returncode}: {_tail(log)}")
    if time.monotonic() - started > READY_SECONDS:
        raise FailedError(f"{name} was not ready after {READY_SECONDS:g} seconds: {_tail(log)}")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-TAIL:])
