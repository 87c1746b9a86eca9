"""Faults of files are told with the names that people gave them."""

import errno
import os
from pathlib import Path

import pytest

from fingerpost.files import write_whole
from tests.fingerpost.household import Household


def full(_: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_said_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state"
    path.write_text("before")
    monkeypatch.setattr("fingerpost.files.os.fsync", full)
    with pytest.raises(OSError, match="No space left") as raised:
        write_whole(path, "after")
    assert raised.value.filename == str(path)
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("state", "before")]


def test_a_folder_that_is_not_there_is_said_of_the_file(house: Household) -> None:
    house.key("root.pem")
    house.key("zone.pem")
    house.sound("keygen", "--anchor", "anchor.pem", "--root-key", "root.pem", "--zone-key", "zone.pem")
    outcome = house.run("rootkeys", "next", "anchor.pem", "nowhere/draft.pem")
    assert outcome.err == "fingerpost rootkeys: nowhere/draft.pem: No such file or directory\n"


def test_a_file_that_cannot_be_read_is_named(house: Household) -> None:
    outcome = house.run("verify", "ann.bundle", "--anchor", "gone.pem")
    assert (outcome.status, outcome.err) == (
        1,
        "gone.pem: trust anchor cannot be read: No such file or directory\n",
    )
    house.sound("recipient", "create", "ann.pem")
    house.sound("recipient", "create", "new.pem")
    Path("new.pem").chmod(0o644)
    for words in (("roll", "--key", "ann.pem", "new.pem"), ("show", "--key", "new.pem")):
        outcome = house.run("recipient", *words)
        assert outcome.err.startswith("new.pem: key file has mode 0644, so others may have read it: ")
