import pytest

from tests.builds import IS_COMPILED
from zonedata import keys


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Record the outcome of every signature check."""
    if IS_COMPILED:
        pytest.skip("compiled code does not look where the count is put")
    outcomes: list[bool] = []
    verifies = keys.PublicKey.verifies

    def counted(self: keys.PublicKey, signature: bytes, message: bytes) -> bool:
        outcomes.append(verifies(self, signature, message))
        return outcomes[-1]

    monkeypatch.setattr(keys.PublicKey, "verifies", counted)
    return outcomes
