"""The command as a whole: once in full in a process of its own, else in here with a small plan."""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fingerpost.demo import carriers, checking, command, processes
from fingerpost.demo.plan import Plan
from fingerpost.demo.ports import Held

LIMIT = 240  # seconds that the slowest machine may take
HERE = Path(__file__).parents[3]


@pytest.fixture
def small(small_plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "make_plan", lambda *_: small_plan)


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    return parser.parse_args(["demo", *words])


def started(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "fingerpost", "demo", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=HERE,
        start_new_session=True,
    )


def ours(place: Path) -> list[int]:
    """Return the processes whose command line names a file in a directory."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if f"{place}/".encode() in line:
                found.append(int(entry.name))
    return found


def test_once_in_full(tmp_path: Path) -> None:
    place = tmp_path / "new" / "tree"
    whole = started("--once", "--dir", str(place))
    out, err = whole.communicate(timeout=LIMIT)
    assert (whole.returncode, err) == (0, ""), out + err
    count = len(json.loads((place / "demo.json").read_text())["samples"])
    assert count >= 50
    assert f"{count} of {count} are as they must be." in out
    assert "+14155550123: found, complete, verified" in out
    assert max(len(line) for line in out.splitlines() if str(place) not in line) <= 80
    assert ours(place) == []


def test_it_stays_until_ctrl_c(small: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt() -> None:
        while "Ctrl-C ends everything" not in "".join(seen):
            time.sleep(0.05)
        running.extend(ours(place))
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    assert small is None
    place = tmp_path / "tree"
    seen: list[str] = []
    running: list[int] = []
    free = Held()
    free.release()
    watcher = threading.Thread(target=interrupt, daemon=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "_say", seen.append)
        watcher.start()
        status = command.run(arguments("--dir", str(place), "--port", str(free.port)))
    watcher.join(LIMIT)
    assert status == 0
    assert len(running) == 17, "eight daemons, each a supervisor and a worker, and a relay"
    assert ours(place) == []
    assert f"fpdig @127.0.0.1 -p {free.port} +14155550123" in "".join(seen)
    assert json.loads((place / "demo.json").read_text())["resolver"] == f"127.0.0.1:{free.port}"
    assert capsys.readouterr().err == ""


def test_once_counts_what_is_wrong(small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert small is None
    seen: list[str] = []
    monkeypatch.setattr(command, "_say", seen.append)
    monkeypatch.setattr(checking, "mistake_in", lambda *_: "no good")
    assert command.run(arguments("--once")) == 1
    assert "  WRONG: no good" in seen[-1]
    (line,) = (line for line in seen if "everything is in" in line)
    assert not Path(line.split()[-1]).exists(), "the temporary directory is gone"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_the_beginning_ends_it_in_good_order(number: signal.Signals, tmp_path: Path) -> None:
    whole = started("--dir", str(tmp_path / "tree"))
    assert whole.stdout is not None
    for line in whole.stdout:
        if "signing" in line:
            break
    whole.send_signal(number)
    out, err = whole.communicate(timeout=LIMIT)
    assert (whole.returncode, err) == (0, ""), out + err
    assert ours(tmp_path) == []


@pytest.fixture
def broken_resolver(small: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The resolver dies at its start, and nothing is signed, since nobody needs it."""

    def instead(*words: str) -> list[str]:
        if words[0] == "sign":
            return [sys.executable, "-c", ""]
        if words[1].endswith("resolver.toml"):
            return [sys.executable, "-c", "raise SystemExit('cannot bind')"]
        return [
            sys.executable,
            "-c",
            f"import os, sys, time; os.write(int(sys.argv[-1]), b'x'); time.sleep({LIMIT})",
        ]

    assert small is None
    seen: list[str] = []
    monkeypatch.setattr(command, "_say", seen.append)
    monkeypatch.setattr(processes, "command", instead)
    return iter([seen])


def test_a_child_that_dies_at_its_start_ends_the_rest(broken_resolver: Iterator[list[str]], tmp_path: Path) -> None:
    assert command.run(arguments("--dir", str(tmp_path))) == 1
    seen = next(broken_resolver)
    assert seen[-1] == "fingerpost demo: resolver ended with status 1; its last words:\ncannot bind\n"


def test_a_failing_signing_ends_it(small: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert small is None
    seen: list[str] = []
    monkeypatch.setattr(command, "_say", seen.append)
    monkeypatch.setattr(processes, "command", lambda *_: [sys.executable, "-c", "raise SystemExit('a fault')"])
    assert command.run(arguments("--dir", str(tmp_path))) == 1
    assert seen[-1].startswith("fingerpost demo: sign-")
    assert seen[-1].endswith("its last words:\na fault\n")


def test_a_child_that_dies_later_is_said(small: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And a resolver that does not answer, which is what the daemons here are."""
    assert small is None
    die = "import os, sys, time; os.write(int(sys.argv[-1]), b'x'); time.sleep(1); sys.exit('gone')"
    seen: list[str] = []
    monkeypatch.setattr(command, "_say", seen.append)
    monkeypatch.setattr(
        processes, "command", lambda word, *_: [sys.executable, "-c", die if word in {"serve", "relay"} else ""]
    )
    assert command.run(arguments("--dir", str(tmp_path))) == 1
    assert any("+14155550123: 127.0.0.1#" in text for text in seen)
    assert seen[-1].endswith("ended with status 1; its last words:\ngone\n")


def test_a_directory_with_something_in_it_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "precious").touch()
    assert command.run(arguments("--dir", str(tmp_path))) == 1
    assert "is not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]
    assert command.run(arguments("--dir", str(tmp_path / "precious"))) == 1
    assert "File exists" in capsys.readouterr().err


def test_a_taken_port_is_said(small: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert small is None
    taken = Held()
    assert command.run(arguments("--dir", str(tmp_path), "--port", str(taken.port))) == 1
    taken.release()
    assert f"port {taken.port} of 127.0.0.1 is not free" in capsys.readouterr().err


def test_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    args = arguments()
    assert (args.dir, args.port, args.once, args.run) == (None, 0, False, command.run)
    for wrong in ("0", "65536", "x"):
        with pytest.raises(SystemExit):
            arguments("--port", wrong)
    assert "is no port number from 1 to 65535" in capsys.readouterr().err
    assert carriers.operators()
