"""With real children, which are small Python programs."""

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest
import trio

from fingerpost.demo import processes
from fingerpost.demo.processes import Children, Failed, all_of, open_children

READY = "import os, sys, time; print('up', flush=True); os.write(int(sys.argv[-1]), b'ready\\n'); time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + READY
LIMIT = 30  # seconds that no test here takes


def python(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def pids(children: Children) -> list[int]:
    return [process.pid for process in children._running.values()]


def open_descriptors() -> set[str]:
    return {entry.name for entry in Path("/proc/self/fd").iterdir()}


async def test_a_daemon_is_started_when_it_says_so_and_ended_on_leaving(tmp_path: Path) -> None:
    with trio.fail_after(LIMIT):
        async with open_children(tmp_path) as children:
            assert await children.start("one", python(READY)) is None
            assert await children.start("two", python(READY)) is None
            started = pids(children)
            assert all(is_alive(pid) for pid in started)
        assert len(started) == 2
        assert not any(is_alive(pid) for pid in started)


async def test_a_daemon_that_dies_at_its_start_is_reported_with_its_output(tmp_path: Path) -> None:
    with trio.fail_after(LIMIT):
        async with open_children(tmp_path) as children:
            failed = await children.start("bad", python("print('port is taken'); raise SystemExit(3)"))
    assert failed == Failed("bad", "ended with status 3", "port is taken")


async def test_a_daemon_that_is_never_ready_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "READY_SECONDS", 0.2)
    with trio.fail_after(LIMIT):
        async with open_children(tmp_path) as children:
            failed = await children.start("slow", python("import time; time.sleep(60)"))
    assert failed is not None
    assert (failed.name, failed.how) == ("slow", "is never ready")


async def test_a_command_that_cannot_be_run_leaves_no_pipe_behind(tmp_path: Path) -> None:
    before = open_descriptors()
    async with open_children(tmp_path) as children:
        with pytest.raises(FileNotFoundError):
            await children.start("none", ["/nowhere/at/all"])
        with pytest.raises(FileNotFoundError):
            await children.complete("none", ["/nowhere/at/all"])
    assert open_descriptors() == before


async def test_a_command_is_run_to_its_end(tmp_path: Path) -> None:
    with trio.fail_after(LIMIT):
        async with open_children(tmp_path) as children:
            assert await children.complete("good", python("print('done')")) is None
            failed = await children.complete("bad", python("print('\\n' * 50 + 'fault'); raise SystemExit(1)"))
            assert pids(children) == []
    assert (tmp_path / "good.log").read_text() == "done\n"
    assert failed is not None
    assert failed.how == "ended with status 1"
    assert failed.output.endswith("fault")
    assert len(failed.output.splitlines()) == processes.TAIL


async def test_a_child_that_will_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "GRACE", 0.2)
    with trio.fail_after(LIMIT):
        async with open_children(tmp_path) as children:
            await children.start("stubborn", python(STUBBORN))
            started = pids(children)
    assert not any(is_alive(pid) for pid in started)


async def test_cancelling_ends_the_children_too(tmp_path: Path) -> None:
    started: list[int] = []
    with trio.fail_after(LIMIT), trio.CancelScope() as scope:
        async with open_children(tmp_path) as children:
            await children.start("one", python(READY))
            started = pids(children)
            scope.cancel()
            await trio.sleep_forever()
    assert len(started) == 1
    assert not is_alive(started[0])


async def test_a_daemon_that_dies_later_is_noticed(tmp_path: Path) -> None:
    with trio.fail_after(LIMIT):
        async with open_children(tmp_path) as children:
            await children.start("one", python(READY))
            await children.start("two", python(READY))
            os.kill(children._running["two"].pid, signal.SIGKILL)
            failed = await children.wait_failed()
    assert failed == Failed("two", "ended with status -9", "up")


async def test_ctrl_c_at_the_terminal_does_not_reach_children(tmp_path: Path) -> None:
    with trio.fail_after(LIMIT):
        async with open_children(tmp_path) as children:
            await children.start("one", python(READY))
            (pid,) = pids(children)
            assert os.getpgid(pid) == pid != os.getpgid(0)


async def test_children_import_what_we_do(tmp_path: Path) -> None:
    with trio.fail_after(LIMIT):
        async with open_children(tmp_path) as children:
            assert (
                await children.complete("import", python("import os; os.chdir('/'); import fingerpost.demo"))
                is None
            )


async def test_the_first_failure_ends_the_others() -> None:
    done: list[str] = []

    async def work(name: str, seconds: float, failed: Failed | None) -> Failed | None:
        await trio.sleep(seconds)
        done.append(name)
        return failed

    bad = Failed("bad", "ended", "")
    with trio.fail_after(LIMIT):
        quick: list[Callable[[], Awaitable[Failed | None]]] = [partial(work, name, 0.0, None) for name in "abc"]
        assert await all_of(quick, 2) is None
        assert sorted(done) == ["a", "b", "c"]
        assert await all_of([partial(work, "x", 60.0, None), partial(work, "y", 0.0, bad)], 2) is bad
    assert "x" not in done


def test_our_own_commands_are_run_by_this_python() -> None:
    assert processes.command("serve", "a.toml") == [sys.executable, "-m", "fingerpost", "serve", "a.toml"]
