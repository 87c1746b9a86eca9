import pytest

from zonedata import keys


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Record the outcome of every signature check."""
    outcomes: list[bool] = []
    verifies = keys.PublicKey.verifies

    def counted(self: keys.PublicKey, signature: bytes, message: bytes) -> bool:
        outcomes.append(verifies(self, signature, message))
        return outcomes[-1]

    monkeypatch.setattr(keys.PublicKey, "verifies", counted)
    return outcomes
