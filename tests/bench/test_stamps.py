import json
import time
from pathlib import Path

import pytest

from bench import stamps
from bench.stamps import FRESH, made


class Thing:
    """Something that counts how often it was made."""

    def __init__(self, place: Path) -> None:
        self.path = place / "deep" / "thing"
        self.stamp = place / "deep" / "thing.stamp"
        self.times = 0
        self.fails = False

    def want(self, count: int = 1) -> int:
        """Have it made if need be, and return how often it was made so far."""
        assert made(self.path, {"count": count, "sizes": (1, 2)}, self._make) == self.path
        return self.times

    def _make(self) -> None:
        self.times += 1
        self.path.touch()
        if self.fails:
            raise OSError("disk full")


@pytest.fixture
def thing(tmp_path: Path) -> Thing:
    return Thing(tmp_path)


def test_what_was_made_from_the_same_is_used_again(thing: Thing) -> None:
    assert [thing.want(count) for count in (1, 1, 2, 2, 1)] == [1, 1, 2, 2, 3]


def test_what_is_gone_is_made_anew(thing: Thing) -> None:
    thing.want()
    thing.path.unlink()
    assert thing.want() == 2


def test_what_is_old_is_made_anew(thing: Thing) -> None:
    thing.want()
    said = json.loads(thing.stamp.read_text())
    thing.stamp.write_text(json.dumps({**said, "made": time.time() - FRESH - 1}))
    assert thing.want() == 2


def test_another_form_of_stores_is_another_thing(thing: Thing, monkeypatch: pytest.MonkeyPatch) -> None:
    thing.want()
    monkeypatch.setattr(stamps, "FORMAT", b"fingerpost-store-999")
    assert thing.want() == 2


def test_what_could_not_be_made_is_made_the_next_time(thing: Thing) -> None:
    thing.want(1)
    thing.fails = True
    with pytest.raises(OSError, match="disk full"):
        thing.want(2)
    thing.fails = False
    assert thing.want(1) == 3
