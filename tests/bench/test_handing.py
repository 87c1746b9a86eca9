"""The program that hands verifications over, each way once."""

import json

import pytest

from bench import handing


@pytest.mark.parametrize("way", handing.WAYS)
@pytest.mark.parametrize("at_once", [1, 3])
def test_every_way_verifies(way: str, at_once: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert handing.main([way, "30", str(at_once)]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures.keys() == {"cpu_us", "waited_us", "qps"}
    assert all(value > 0 for value in figures.values())


@pytest.mark.parametrize("way", ["here", "trio", "own"])
def test_a_signature_that_is_wrong_is_seen_in_every_way(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zonedata.keys.PublicKey.verifies", lambda *_: False)
    with pytest.raises(AssertionError):
        handing.main([way, "30", "1"])
