"""The commands of the README, typed as printed, and the look-up it shows."""

import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

HERE = Path(__file__).parent.parent
README = (HERE / "README.md").read_text()
BIN = Path(sys.executable).parent
KNOWN = (5300, 5301, 5302, 5303)  # the resolver, over TLS, over HTTPS, the relay


def commands() -> list[str]:
    """The lines that begin with a prompt."""
    return [line[2:] for line in README.splitlines() if line.startswith("$ ")]


def typed(command: str, cwd: Path, ports: tuple[int, ...] = ()) -> subprocess.CompletedProcess[str]:
    for known, port in zip(KNOWN, ports, strict=bool(ports)):
        command = command.replace(str(known), str(port))
    words = shlex.split(command)
    words[0] = str(BIN / Path(words[0]).name) if words[0].startswith(".venv/") else words[0]
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, tuple[int, ...]]]:
    """A demonstration that runs, where `make run` would have put it; and the ports of `KNOWN`."""
    place = tmp_path_factory.mktemp("checkout")
    command = [sys.executable, "-m", "fingerpost", "demo", "--dir", str(place / "build" / "demo")]
    ports: list[int] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            words = line.split()
            if words[:1] == ["resolver"]:
                ports += [int(words[1].split("#")[1]), int(words[3]), int(words[5])]
            if words[:1] == ["relay"]:
                ports.append(int(words[1].split("#")[1]))
            if line.startswith("Ctrl-C"):
                break
        yield place, tuple(ports)
        process.terminate()
        assert process.wait(20) == 0


def test_it_opens_with_the_two_commands_and_make_knows_them() -> None:
    head = README.split("## ")[0]
    assert "    make run " in head
    assert "    make test " in head
    targets = {line.split(":")[0] for line in (HERE / "Makefile").read_text().splitlines() if ":" in line}
    assert {"run", "test", "lint"} <= targets


def test_every_look_up_works_as_printed(demo: tuple[Path, tuple[int, ...]]) -> None:
    place, ports = demo
    look_ups = [
        command for command in commands() if any(word in command for word in ("fpdig", "dig @", " verify "))
    ]
    assert len(look_ups) == 9
    for command in look_ups:
        if command.startswith("dig") and shutil.which("dig") is None:
            continue
        done = typed(command, place, ports)
        # the one that walks to a provider that nobody runs is incomplete, and says so
        assert done.returncode == (2 if "+trace" in command else 0), command + done.stdout + done.stderr
        assert done.stdout
    assert (place / "answer.svg").read_text().startswith("<svg")


def test_a_pick_is_made_as_printed(demo: tuple[Path, tuple[int, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    place, ports = demo
    monkeypatch.chdir(place)
    blocks = [part.split("```")[0] for part in README.split("```python\n")[1:3]]
    known: dict[str, object] = {}
    lines = [line for text in blocks for line in text.splitlines()]
    body = "\n    ".join(line.replace("5300", str(ports[0])) for line in lines)
    exec(f"async def look():\n    {body.replace('choose(answer', 'return choose(answer')}\n", known)  # noqa: S102 - the README's own words
    look = known["look"]
    assert callable(look)
    assert trio.run(look).msp == "alpha.example"  # where the sender has an account, since nobody said otherwise


def test_the_look_up_shown_is_what_it_prints(demo: tuple[Path, tuple[int, ...]]) -> None:
    place, ports = demo
    shown = block("console").splitlines()
    printed = typed(shown[0][2:], place, ports).stdout.splitlines()
    assert lasting(printed) == lasting(shown[1:])
    assert len(lasting(printed)) > 20


def block(language: str) -> str:
    """The first block of that language."""
    return README.split(f"```{language}\n")[1].split("```")[0]


def lasting(lines: list[str]) -> list[str]:
    """What does not differ from run to run: no ids, times, serials, sizes and SSIs."""
    kept = []
    for line in lines:
        words = line.split()
        if "ASSERTION" in words:
            words = [words[0], words[-1].split("/u/")[0]]
        elif "expires" in words:
            words = words[:4]
        elif words and words[-1].endswith("...)"):
            words = []  # the tree's id
        elif words[:1] == [";;"]:
            words = words[:2]
        elif "<<>>" in words:
            words = words[:3]
        kept.append(" ".join(words))
    return [line for line in kept if line]


def test_running_your_own_works_as_printed(tmp_path: Path) -> None:
    (tmp_path / "root.toml").write_text(block("toml").replace("5300", "0"))
    (tmp_path / "root.zone").write_text(block("text"))
    own = [command for command in commands() if ".venv/bin/fingerpost" in command and " verify " not in command]
    assert [shlex.split(command)[1] for command in own] == ["keygen", "keygen", "check", "sign", "serve"]
    for command in own[:-1]:
        done = typed(command, tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    words = shlex.split(own[-1])
    with subprocess.Popen(
        [str(BIN / "fingerpost"), *words[1:]], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as it:
        assert it.stderr is not None
        assert any("event=ready" in line for line in it.stderr)
        it.terminate()
        assert it.wait(20) == 0
