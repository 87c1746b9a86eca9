"""Every test here works in a folder of its own, which is the current one, so that paths are as typed."""

from pathlib import Path

import pytest

from tests.fingerpost.household import Household


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Household:
    monkeypatch.chdir(tmp_path)
    return Household(Path(), capsys)
