"""The commands of docs/tokens.md, typed as printed and in their order, with its configuration and its Python."""

import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from fingerpost.configuration import read
from fingerpost.tokens.taking import redeemer_of
from tests.fingerpost.household import RESOLVER
from tests.fingerpost.tokens.issuers import issuing
from transport.errors import UnreachableError
from transport.tokens.redeeming import Redeemed, Why
from transport.tokens.spent import DIGEST_OCTETS

PAGE = (Path(__file__).parent.parent / "docs" / "tokens.md").read_text()
BIN = Path(sys.executable).parent


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def commands() -> list[str]:
    return [line[2:] for text in blocks("console") for line in text.splitlines()]


def typed(command: str, port: int) -> str:
    words = command.replace(".venv/bin/", f"{BIN}/").replace(":8787", f":{port}")
    done = subprocess.run(  # noqa: S602 - as a person types it, with >> and all
        words, shell=True, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, command + done.stdout + done.stderr
    return done.stdout


def test_every_command_works_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    issuer, tokens = blocks("toml")
    Path("issuer.toml").write_text(issuer.replace("8787", "0"))
    left = commands()
    assert [command.split()[1:3] for command in left] == [
        ["issuer", "client"],
        ["check", "issuer.toml"],
        ["issuer", "serve"],
        ["issuer", "directory"],
        ["issuer", "sign"],
        ["token", "create"],
        ["token", "fetch"],
        ["token", "show"],
        ["token", "request"],
        ["token", "finish"],
        ["token", "directory"],
    ]
    client, check, _, directory, sign, create, fetch, show, request, finish, refresh = left
    typed(client, 0)
    assert typed(check, 0) == "issuer.toml: no faults\n"
    with issuing() as izzy:
        for command in (create, fetch, show, directory, request, sign, finish, refresh):
            typed(command, izzy.port)
        assert "150 tokens, until" in typed(show, izzy.port)
        assert izzy.end() == 0
        assert "event=request action=issue status=200 client=alpha tokens=100 left=900\n" in izzy.log

    known: dict[str, object] = {}
    take, ask = blocks("python")
    exec(take, known)  # noqa: S102 - the page's own words
    with pytest.raises(ExceptionGroup) as raised:
        exec(ask.replace("192.0.2.1", "127.0.0.1").replace("443", "1"), known)  # noqa: S102 - as above; nobody is there
    assert raised.group_contains(UnreachableError, match="refused")
    Path("anchor.pem").touch()
    Path("resolver.toml").write_text(RESOLVER + tokens)
    part = read(Path("resolver.toml"), inspect=("tokens",)).tokens
    assert part is not None
    redeemer, spent = redeemer_of(part)
    field = known["field"]
    assert isinstance(field, str)
    now = time.time()
    assert redeemer.redeem(field, now) == Redeemed()
    (path,) = part.spent.iterdir()
    assert path.stat().st_size == 4_096 + (32 << 20), "as the page says"
    assert DIGEST_OCTETS * 2 * 1_048_576 == 32 << 20
    spent.close()


def test_it_names_every_reason_for_refusing() -> None:
    for why in Why:
        assert f"`{why}`" in PAGE


def test_its_tables_of_keys_are_sound() -> None:
    assert [set(tomllib.loads(text)) for text in blocks("toml")] == [{"issuer"}, {"tokens"}]
