import argparse
import logging
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from fingerpost import VERSION, keygen
from fingerpost.main import COMMANDS, load
from tests.fingerpost.household import Household
from zonedata.errors import MalformedError

PROJECT = Path(__file__).parents[2]


def test_the_version_is_the_distributions(house: Household) -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert house.sound("--version") == f"fingerpost {project['version']}\n"
    assert project["version"] == VERSION
    assert project["scripts"]["fingerpost"] == "fingerpost.main:main"


def test_help_documents_every_command_and_the_statuses(house: Household) -> None:
    text = house.sound("--help")
    assert {line.split()[0] for line in text.splitlines() if line.startswith("    ") and line[4:5].isalpha()} == {
        *COMMANDS
    }
    assert "exit status:\n  0   done" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_the_tree_says_of_a_command_what_it_says_of_itself(command: str) -> None:
    parser = argparse.ArgumentParser()
    load(command).add_parser(parser.add_subparsers())
    (line,) = [line for line in parser.format_help().splitlines() if line.startswith(f"    {command} ")]
    assert line.split(maxsplit=1)[1] == COMMANDS[command]


def test_help_imports_no_command() -> None:
    code = "import sys; from fingerpost.main import main; main(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code, "--help"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert "fingerpost.main" in imported
    assert imported.isdisjoint({"trio", "cryptography", "phonenumbers", "lmdb", "fingerpost.serve"})


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(house: Household, command: str) -> None:
    text = house.sound(command, "--help")
    assert f"examples:\n  fingerpost {command}" in text


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_a_terminal(house: Household, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = house.sound(*command.split(), "--help")
    assert [line for line in text.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("dance",),
        ("sign",),
        ("check",),
        ("serve", "c.toml", "--ready-fd", "x"),
        ("serve", "c.toml", "--ready-fd", "9999"),
        ("keygen",),
        ("keygen", "--public"),
        ("keygen", "a.pem", "--threshold", "1"),
        ("keygen", "--anchor", "a.pem", "--root-key", "r.pem"),
        ("keygen", "--anchor", "a.pem", "--root-key", "r.pem", "--zone-key", "z.pem", "b.pem"),
    ],
)
def test_a_wrong_command_line_is_status_1_with_the_usage(house: Household, words: tuple[str, ...]) -> None:
    outcome = house.run(*words)
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.startswith("usage: fingerpost")
    assert list(house.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "status", "expected"),
    [
        (MalformedError("no good"), 1, "fingerpost keygen: no good\n"),
        (OSError(28, "No space left on device"), 1, "fingerpost keygen: No space left on device\n"),
        (OSError("bare"), 1, "fingerpost keygen: bare\n"),
        (PermissionError(13, "Permission denied", "a.pem"), 1, "fingerpost keygen: a.pem: Permission denied\n"),
        (KeyboardInterrupt(), 1, "fingerpost keygen: interrupted\n"),
    ],
)
def test_what_stops_a_command_is_said(
    house: Household, monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int, expected: str
) -> None:
    def stop(_args: object) -> int:
        raise error

    monkeypatch.setattr(keygen, "run", stop)
    outcome = house.run("keygen", "a.pem")
    assert (outcome.status, outcome.err) == (status, expected)


def test_a_bug_of_ours_is_status_10_and_one_line(house: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_args: object) -> int:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(keygen, "run", fail)
    outcome = house.run("keygen", "a.pem")
    assert outcome.status == 10
    (line,) = outcome.err.splitlines()
    assert " level=error event=internal-error command=keygen trace=" in line
    assert "two\\\\nlines" in line or "two\\nlines" in line


def test_the_module_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fingerpost", "--version"], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"fingerpost {VERSION}\n"


@pytest.fixture(autouse=True)
def _level() -> None:
    logging.getLogger().setLevel(logging.WARNING)  # main sets its own; the next test begins as this one


def _as_process(words: str, stdout: int | None = None) -> tuple[int, str]:
    line = f"exec {sys.executable} -m fingerpost {words}"
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    ended = subprocess.run(
        ["sh", "-c", line],
        env=environment,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    return ended.returncode, ended.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("check --reference >/dev/full", "fingerpost check: standard output: No space left on device\n"),
        ("check --reference >&-", "fingerpost check: standard output: Bad file descriptor\n"),
        ("check --reference >&- 2>&-", ""),
        ("keygen --public /gone 2>/dev/full", ""),
        ("check /gone >&-", "fingerpost check: standard output: Bad file descriptor\n"),
    ],
)
def test_an_output_that_takes_nothing_is_no_bug_of_ours(words: str, told: str) -> None:
    assert _as_process(words) == (1, told)


def test_an_output_that_nobody_reads_ends_it_quietly() -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        assert _as_process("check --reference", write) == (141, "")
    finally:
        os.close(write)
