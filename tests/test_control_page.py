"""The commands of docs/control.md, typed as printed into a shell, and what they print."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from fingerpost.control.verbs import VERBS
from tests.fingerpost.daemons import PATIENCE, running
from tests.fingerpost.household import RESOLVER, Household
from tests.test_readme import BIN, HERE

PAGE = (HERE / "docs" / "control.md").read_text()
SECONDS = 60


def test_the_page_can_be_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    house = Household(Path(), capsys)
    house.root("server . ns.root.example 127.0.0.1 udp=5300 tcp=5300")
    house.sound("sign", "root.toml")
    control = PAGE.split("```toml\n")[1].split("```")[0].replace("9153", "0")
    house.write("resolver.toml", RESOLVER + "[process]\nworkers = 2\n\n" + control)
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONPATH": str(HERE)}
    with running("resolver.toml") as daemon:
        for shown in PAGE.split("```console\n")[1].split("```")[0].split("$ ")[1:]:
            command, _, expected = shown.partition("\n")
            done = subprocess.run(
                ["sh", "-c", command], capture_output=True, text=True, timeout=SECONDS, check=False, env=environment
            )
            assert done.returncode == 0, command + done.stderr
            assert expected in {"", _with_figures_of(expected, done.stdout)}
        assert daemon.process.wait(PATIENCE) == 0


def _with_figures_of(page: str, printed: str) -> str:
    """Return what was printed with the figures of the page where figures stand."""
    figures = iter(re.findall(r"(?:pid|running:?) (\d+)", page))
    return re.sub(r"(pid|running:?) (\d+)", lambda found: f"{found[1]} {next(figures)}", printed)


def test_every_verb_is_on_the_page() -> None:
    for verb in VERBS:
        assert f"ctl resolver.toml {verb.name}" in PAGE or f"`{verb.name}`" in PAGE
