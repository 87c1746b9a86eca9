from pathlib import Path

import pytest

from tests.resolver.fpdig.phonebook import write_anchors


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory to work in, with anchor.pem and other.pem, and a home without .fpdigrc."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    write_anchors(tmp_path)
    return tmp_path
