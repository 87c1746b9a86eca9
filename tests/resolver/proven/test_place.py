import os
from pathlib import Path

import pytest

from resolver.proven import place as module
from resolver.proven.place import Place
from resolver.proven.shared import MIN_SIZE, SharedProven
from resolver.proven.store import UnusableError
from tests.resolver.proven.making import A, assertion, opened
from tests.zonedata.builders import NOW, number
from tests.zonedata.samples import TREE

OWNER = number("+14155550123")


def opened_at(path: Path, size: int = MIN_SIZE) -> SharedProven:
    return SharedProven.open(path, TREE, size)


def begun(path: Path, *, is_closed: bool = True) -> None:
    """Leave a store with one statement in it, closed as it should be or as a killed process leaves it."""
    proven = opened_at(path)
    proven.put(A, opened(assertion(OWNER)), NOW)
    if is_closed:
        proven.close()
    else:
        proven.flush()
        proven._environment.close()
        os.close(proven._place._users)


def is_kept(path: Path, size: int = MIN_SIZE) -> bool:
    proven = opened_at(path, size)
    found = proven.said(A, OWNER, NOW)
    proven.close()
    return bool(found)


def change(path: Path, old: str, new: str) -> None:
    state = path / "state"
    text = state.read_text()
    assert old in text
    state.write_text(text.replace(old, new))


def boot() -> str:
    return module._boot_id()


def test_modes_are_ours_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        begun(tmp_path / "proven")
    finally:
        os.umask(before)
    assert (tmp_path / "proven").stat().st_mode & 0o777 == 0o700
    found = list((tmp_path / "proven").rglob("*"))
    assert {file.stat().st_mode & 0o777 for file in found if file.is_file()} == {0o600}
    assert {file.stat().st_mode & 0o777 for file in found if file.is_dir()} == {0o700}
    assert {file.name for file in (tmp_path / "proven").iterdir()} == {
        "floors", "lock", "users", "state", "data.mdb", "lock.mdb"
    }  # fmt: skip


@pytest.mark.parametrize("name", ["", "lock", "users", "state", "data.mdb", "lock.mdb"])
@pytest.mark.parametrize("extra", [0o020, 0o002])
def test_what_others_may_write_is_refused(tmp_path: Path, name: str, extra: int) -> None:
    begun(tmp_path / "proven")
    at = tmp_path / "proven" / name
    at.chmod(at.stat().st_mode | extra)
    with pytest.raises(UnusableError, match="others may have written"):
        opened_at(tmp_path / "proven")


@pytest.mark.parametrize("name", ["lock", "users", "state", "data.mdb", "lock.mdb"])
def test_links_are_refused(tmp_path: Path, name: str) -> None:
    begun(tmp_path / "proven")
    at = tmp_path / "proven" / name
    at.rename(tmp_path / "elsewhere")
    at.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnusableError, match="no plain file"):
        opened_at(tmp_path / "proven")


def test_another_users_place_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun(tmp_path / "proven")
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    with pytest.raises(UnusableError, match="belongs to user"):
        opened_at(tmp_path / "proven")


def test_a_place_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnusableError, match="Not a directory"):
        opened_at(tmp_path / "file" / "proven")
    with pytest.raises(UnusableError):
        opened_at(tmp_path / "file")


@pytest.mark.parametrize("is_closed", [True, False])
def test_it_is_kept_within_a_boot_however_it_ended(tmp_path: Path, is_closed: bool) -> None:
    begun(tmp_path / "proven", is_closed=is_closed)
    assert is_kept(tmp_path / "proven")


@pytest.mark.parametrize("is_closed", [True, False])
def test_after_another_boot_it_is_kept_only_if_it_was_closed(tmp_path: Path, is_closed: bool) -> None:
    begun(tmp_path / "proven", is_closed=is_closed)
    change(tmp_path / "proven", boot(), "11111111-2222-3333-4444-555555555555")
    assert is_kept(tmp_path / "proven") is is_closed


@pytest.mark.parametrize(("old", "new"), [("statements 2", "statements 1"), ("size", "sizes"), ("boot", "boot\n")])
def test_another_format_is_discarded(tmp_path: Path, old: str, new: str) -> None:
    begun(tmp_path / "proven")
    change(tmp_path / "proven", old, new)
    assert not is_kept(tmp_path / "proven")
    begun(tmp_path / "proven")
    assert is_kept(tmp_path / "proven"), "and begun anew"


def test_another_size_is_begun_anew(tmp_path: Path) -> None:
    begun(tmp_path / "proven")
    assert not is_kept(tmp_path / "proven", 2 * MIN_SIZE)
    assert (tmp_path / "proven" / "data.mdb").stat().st_size == 2 * MIN_SIZE


@pytest.mark.parametrize("octets", [b"", b"x" * 10_000, bytes(MIN_SIZE)])
def test_what_is_no_store_is_discarded(tmp_path: Path, octets: bytes) -> None:
    begun(tmp_path / "proven")
    (tmp_path / "proven" / "data.mdb").write_bytes(octets)
    assert not is_kept(tmp_path / "proven")


def test_a_state_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    begun(tmp_path / "proven")
    (tmp_path / "proven" / "state").write_bytes(b"\xff")
    assert not is_kept(tmp_path / "proven")


def test_only_the_last_to_leave_marks_it_closed(tmp_path: Path) -> None:
    begun(tmp_path / "proven")
    one, other = (Place(tmp_path / "proven", MIN_SIZE) for _ in range(2))
    for place in (one, other):
        with place.alone():
            place.enter()
    for place, word in ((one, "open"), (other, "closed")):
        with place.alone():
            place.leave(is_written_out=True)
        assert (tmp_path / "proven" / "state").read_text().endswith(f"\n{word}\n")


def test_who_has_a_discarded_store_leaves_the_new_one_alone(tmp_path: Path) -> None:
    begun(tmp_path / "proven")
    old = Place(tmp_path / "proven", MIN_SIZE)
    with (tmp_path / "proven" / "data.mdb").open("rb"):
        with old.alone():
            old.enter()
            old.discard()
        begun(tmp_path / "proven", is_closed=False)
        with old.alone():
            old.spoil()
            old.leave(is_written_out=True)
    assert (tmp_path / "proven" / "state").read_text().endswith("\nopen\n")


def test_without_a_boot_id_there_is_no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BOOT_ID", tmp_path / "none")
    with pytest.raises(UnusableError, match="cannot be read"):
        opened_at(tmp_path / "proven")
