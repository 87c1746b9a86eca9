"""Command lines with their exact output and exit status, played in a world that begins anew for each.

In a transcript `$ ` begins a command, `! ` a line on standard error, `= ` the exit status. Message ids are N, the
version is VERSION, and of a traceback only its head is kept.
"""

import re
import shlex
from pathlib import Path

import pytest

from tests.resolver.fpdig.phonebook import Ran, fpdig

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))
QUESTIONS = """\
; a comment, then four questions, one of them none
+14155550123

alice@example.com +csi
+442079460123
elizabeth
"""


def told(line: str, ran: Ran) -> str:
    out = re.sub(r", id: \d+\n", ", id: N\n", ran.out)
    out = re.sub(r"<<>> fpdig .+? <<>>", "<<>> fpdig VERSION <<>>", out)
    err = re.sub(r"(?<=\(most recent call last\):\n)(?:(?!fpdig:).*\n)+", "", ran.err)
    errors = "".join(f"! {error}\n" for error in err.splitlines())
    return f"{line}\n{out}{errors}= {ran.status}\n"


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(path: Path, place: Path) -> None:
    (place / "questions.txt").write_text(QUESTIONS)
    scenes = [f"$ {scene}".strip() + "\n" for scene in path.read_text().split("$ ")[1:]]
    assert scenes
    for scene in scenes:
        line = scene.splitlines()[0]
        assert told(line, fpdig(*shlex.split(line)[2:])) == scene


def test_every_exit_status_is_shown() -> None:
    shown = {line for path in TRANSCRIPTS for line in path.read_text().splitlines() if line.startswith("= ")}
    assert shown == {f"= {status}" for status in (0, 1, 2, 3, 7, 8, 9, 10)}
