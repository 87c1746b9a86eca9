from contextlib import ExitStack
from pathlib import Path

import pytest

from bench import world
from bench.processes import FailedError
from bench.world import World


def test_what_names_other_ports_is_not_made_while_authorities_run(tmp_path: Path) -> None:
    tree = World(tmp_path, {})
    with ExitStack() as stack:
        tree.authorities(stack)
        with pytest.raises(FailedError, match="running already"):
            world.build(tmp_path, ["some.example"], 1)
        with ExitStack() as second, pytest.raises(FailedError, match="running already"):
            tree.authorities(second)
    with ExitStack() as stack:
        assert tree.authorities(stack) == []


def test_free_ports_are_free_and_different() -> None:
    assert len(set(world.free_ports(5))) == 5
