"""`fingerpost verify` from its arguments to its exit status, with its exact output, about bundles of scenarios.

A file is a scenario, a line `===`, and command lines with what they print: see tests/resolver/fpdig.
"""

import shlex
import socket
from pathlib import Path
from typing import NoReturn

import pytest

from tests.fingerpost.household import Household, Outcome
from tests.fingerpost.verify.scenes import keep

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))


def told(line: str, outcome: Outcome) -> str:
    errors = "".join(f"! {error}\n" for error in outcome.err.splitlines())
    return f"{line}\n{outcome.out}{errors}= {outcome.status}\n"


def _no_network(*_: object, **__: object) -> NoReturn:
    raise AssertionError("a socket was asked for")


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(path: Path, house: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario, _, transcript = path.read_text().partition("\n===\n")
    keep(scenario).write(house.folder)
    scenes = [f"$ {scene}".strip() + "\n" for scene in transcript.split("$ ")[1:]]
    assert scenes
    monkeypatch.setattr(socket, "socket", _no_network)
    for scene in scenes:
        line = scene.splitlines()[0]
        assert told(line, house.run(*shlex.split(line)[2:])) == scene
        if "--json" not in line:
            assert max(len(said) for said in scene.splitlines()[1:] if said[:2] != "! ") <= 80


def test_every_exit_status_is_shown() -> None:
    shown = {line for path in TRANSCRIPTS for line in path.read_text().splitlines() if line.startswith("= ")}
    assert shown == {f"= {status}" for status in (0, 1, 2, 3, 4)}
