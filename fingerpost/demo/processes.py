"""Children of this process: run to the end, or started and known to be ready; all ended when we leave.

A shell around `trio`'s processes. Each child is in a session of its own, so that Ctrl-C at the terminal reaches
this process alone, which ends them in its own way. What they write goes to a file each.
"""

import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, STDOUT

import trio

import fingerpost

GRACE = 5.0  # seconds from asking a child to end to ending it
READY_SECONDS = 60.0  # for a daemon to say that it listens; one takes less than a second where nothing else runs
TAIL = 20  # lines of a child's output that are shown when it fails


@dataclass(frozen=True, slots=True)
class Failed:
    """A child that ended when it should not have, or never became ready.

    Attributes:
        name: Which.
        how: In a few words.
        output: The end of what it wrote.
    """

    name: str
    how: str
    output: str


def command(*words: str) -> list[str]:
    """Return the command line of one of our own commands."""
    return [sys.executable, "-m", "fingerpost", *words]


class Children:
    """The children, and where their output goes. Made by `open_children`."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: dict[str, trio.Process] = {}  # owned here; ended by `end`

    async def complete(self, name: str, words: list[str]) -> Failed | None:
        """Run a command to its end; a `Failed` when it fails."""
        process = await self._open(name, words, ())
        status = await process.wait()
        del self._running[name]
        return self._failed(name, f"ended with status {status}") if status else None

    async def start(self, name: str, words: list[str]) -> Failed | None:
        """Start a daemon and return when it says that it is ready, or will never be.

        The command line is given `--ready-fd N`: a pipe into which the daemon writes a line.
        """
        ours, theirs = os.pipe()
        is_ready = False
        async with trio.lowlevel.FdStream(ours) as pipe:
            try:
                process = await self._open(name, [*words, "--ready-fd", str(theirs)], (theirs,))
            finally:
                os.close(theirs)
            with trio.move_on_after(READY_SECONDS):
                async with trio.open_nursery() as nursery:

                    async def until_it_ends() -> None:
                        await process.wait()
                        nursery.cancel_scope.cancel()

                    nursery.start_soon(until_it_ends)
                    is_ready = bool(await pipe.receive_some(64))
                    if is_ready:
                        nursery.cancel_scope.cancel()
        if is_ready:
            return None
        how = f"ended with status {process.returncode}" if process.returncode is not None else "is never ready"
        return self._failed(name, how)

    async def wait_failed(self) -> Failed:
        """Wait until one of the daemons ends, which none does by itself."""
        ended: list[Failed] = []
        async with trio.open_nursery() as nursery:

            async def until_it_ends(name: str, process: trio.Process) -> None:
                status = await process.wait()
                ended.append(self._failed(name, f"ended with status {status}"))
                nursery.cancel_scope.cancel()

            for name, process in self._running.items():
                nursery.start_soon(until_it_ends, name, process)
        return ended[0]

    async def end(self) -> None:
        """Ask all to end, wait, and end those that do not."""
        self._signal(signal.SIGTERM)
        with trio.move_on_after(GRACE):
            await self._wait()
        self._signal(signal.SIGKILL)
        await self._wait()
        self._running.clear()

    async def _wait(self) -> None:
        for process in self._running.values():
            await process.wait()

    def _signal(self, number: signal.Signals) -> None:
        """Signal each child that has not ended, with all that it has started."""
        for process in self._running.values():
            if process.returncode is None:  # else its number may be somebody else's by now
                os.killpg(process.pid, number)

    async def _open(self, name: str, words: list[str], descriptors: tuple[int, ...]) -> trio.Process:
        here = str(Path(fingerpost.__file__).parent.parent)  # children import what we do, wherever that lies
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])]),
        }
        with self._log(name).open("ab") as log:
            process = await trio.lowlevel.open_process(
                words,
                stdin=DEVNULL,
                stdout=log,
                stderr=STDOUT,
                pass_fds=descriptors,
                start_new_session=True,
                env=environment,
            )
        self._running[name] = process
        return process

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _failed(self, name: str, how: str) -> Failed:
        lines = self._log(name).read_text(errors="replace").splitlines()
        return Failed(name, how, "\n".join(lines[-TAIL:]))


@asynccontextmanager
async def open_children(logs: Path) -> AsyncIterator[Children]:
    """Open a place for children, with a directory for their output; leaving ends them, however it is left."""
    children = Children(logs)
    try:
        yield children
    finally:
        with trio.CancelScope(shield=True):
            await children.end()


async def all_of(works: Iterable[Callable[[], Awaitable[Failed | None]]], at_once: int) -> Failed | None:
    """Do several things side by side; the first failure ends the others and is returned."""
    failed: list[Failed] = []
    gate = trio.CapacityLimiter(at_once)
    async with trio.open_nursery() as nursery:

        async def do(work: Callable[[], Awaitable[Failed | None]]) -> None:
            async with gate:
                failure = await work()
            if failure is not None:
                failed.append(failure)
                nursery.cancel_scope.cancel()

        for work in works:
            nursery.start_soon(do, work)
    return failed[0] if failed else None
