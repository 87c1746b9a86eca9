"""The client program of the benchmark, against a resolver that is played."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bench import many
from resolver.answer import Answer, Via
from resolver.client import MalformedError
from transport.handler import Protocol
from zonedata import identifiers
from zonedata.judgement import Outcome

CSI = identifiers.parse("+14155550123")


def answer(outcome: Outcome, *, verified: bool | None) -> Answer:
    return Answer(CSI, outcome, True, verified, (), (), (), (), Via("", Protocol.TCP, 1.0))


def test_only_what_was_found_and_not_refuted_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[dict[str, Any]] = []
    came = [
        answer(Outcome.FOUND, verified=None),
        answer(Outcome.FOUND, verified=True),
        answer(Outcome.FOUND, verified=False),
        answer(Outcome.NONE, verified=True),
        MalformedError("no number"),
    ]

    @asynccontextmanager
    async def lookup_many(lines: Any, **given: Any) -> AsyncIterator[AsyncIterator[tuple[str, Any]]]:
        async def answers() -> AsyncIterator[tuple[str, Any]]:
            for line, one in zip(lines, came, strict=True):
                yield line, one

        asked.append(given)
        yield answers()

    monkeypatch.setattr(many, "lookup_many", lookup_many)
    path = tmp_path / "numbers"
    path.write_text("+1-415-555-0123\n" * len(came))
    assert many.main([str(path), "127.0.0.1#5300", "--csi"]) == 0
    assert capsys.readouterr().out == "2\n"
    assert many.main([str(path), "127.0.0.1#5300", "--anchor", "some.pem"]) == 0
    given = {"server": "127.0.0.1#5300"}
    assert asked == [
        {**given, "anchor": None, "proof": False},
        {**given, "anchor": Path("some.pem"), "proof": True},
    ]
