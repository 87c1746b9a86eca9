from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.root.validator.office import Office, office


@pytest.fixture
def vera(tmp_path: Path) -> Iterator[Office]:
    """A validator with an empty register."""
    made = office(tmp_path / "register")
    yield made
    made.register.close()
