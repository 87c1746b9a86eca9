"""A world for every test that asks for one."""

from collections.abc import Iterator

import pytest

from tests.transport.oblivious.people import World


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.seen.close()
