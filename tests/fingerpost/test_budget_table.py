"""The table of budgets on disk: it outlives daemons and killed workers, and what does not fit is begun anew."""

import os
import signal
from pathlib import Path

import pytest

from fingerpost.budget_table import open_table
from tests.fulldisk import full_disk
from transport.budgets import DAY, Budgets, is_usable, octets_of
from transport.clients import Client, Quota

NOW = 1_800_000_000.0 // DAY * DAY
CLIENT = Client("", 200, Quota(10, 100))
ALICE = bytes((192, 0, 2, 7))


def ask(table: memoryview, what: int, now: float = NOW) -> int:
    return Budgets(table).charge(CLIENT, ALICE, b"%d" % what, now, is_proven=True)


def close(table: memoryview) -> None:
    held = table.obj
    table.release()
    held.close()  # type: ignore[attr-defined]  # a map


def spend(table: memoryview) -> None:
    assert not any(ask(table, what) for what in range(10))
    assert ask(table, 10) > 0


def test_it_outlives_a_daemon(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    path = tmp_path / "budgets"
    table = open_table(path, 1)
    assert path.stat().st_mode & 0o777 == 0o600
    spend(table)
    close(table)
    assert [record.message for record in caplog.records] == [f"event=budgets-begun path={path} reason=new"]
    table = open_table(path, 1)
    assert ask(table, 10) > 0
    assert ask(table, 9) == 0
    assert ask(table, 10, NOW + DAY) == 0
    assert len(caplog.records) == 1
    close(table)


@pytest.mark.parametrize("harm", ["size", "magic", "key", "short", "empty"])
def test_what_does_not_fit_is_begun_anew(tmp_path: Path, harm: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    path = tmp_path / "budgets"
    table = open_table(path, 1)
    spend(table)
    if harm == "magic":
        table[0] ^= 1
    if harm == "key":
        table[32:64] = bytes(32)
    close(table)
    if harm in {"short", "empty"}:
        os.truncate(path, 5_000 if harm == "short" else 0)
    table = open_table(path, 2 if harm == "size" else 1)
    assert is_usable(table)
    spend(table)
    reason = "new" if harm == "empty" else "does-not-fit"
    assert caplog.records[-1].message == f"event=budgets-begun path={path} reason={reason}"
    close(table)


@pytest.mark.parametrize("harm", ["mode", "link", "directory", "held", "nowhere"])
def test_a_place_that_is_not_ours_is_left_alone(
    tmp_path: Path, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "budgets"
    other = open_table(path, 1)
    spend(other)
    if harm != "held":
        close(other)
    if harm == "mode":
        path.chmod(0o644)
    elif harm == "link":
        path.rename(tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
    elif harm == "directory":
        path.unlink()
        path.mkdir()
    elif harm == "nowhere":
        path = tmp_path / "none" / "budgets"
    table = open_table(path, 1)
    assert is_usable(table)
    spend(table)
    assert caplog.records[-1].message.startswith(f"event=budgets-not-kept path={path} reason=")
    if harm == "held":
        close(other)


def test_workers_count_together_and_one_that_is_killed_costs_nothing_but_its_last_write(tmp_path: Path) -> None:
    """Two processes charge at once; one is killed in the midst of it, again and again."""
    table = open_table(tmp_path / "budgets", 1)
    client = Client("", 200, Quota(1_000_000, 1_000_000))
    for start in range(5):
        reading, writing = os.pipe()
        pid = os.fork()  # ends by itself, should nobody kill it
        if not pid:
            budgets, number = Budgets(table), 0
            while number < 500_000:
                budgets.charge(client, ALICE, b"child %d %d" % (start, number), NOW, is_proven=True)
                number += 1
                if number == 200:
                    os.write(writing, b"!")
            os._exit(0)
        budgets = Budgets(table)
        assert os.read(reading, 1) == b"!"
        for number in range(200):
            budgets.charge(client, ALICE, b"parent %d %d" % (start, number), NOW, is_proven=True)
        os.kill(pid, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
        os.close(reading)
        os.close(writing)
    budgets = Budgets(table)
    known = [
        budgets.charge(client, ALICE, b"parent %d %d" % (s, n), NOW, is_proven=True)
        for s in range(5)
        for n in range(200)
    ]
    assert not any(known)
    today = budgets.clients.counts(budgets._digest(ALICE), int(NOW) // DAY)[0]
    assert today >= 5 * 400 * 0.9, "a few counts that two wrote at once are lost"
    assert is_usable(table)


def test_a_full_disk_is_found_before_anything_is_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with full_disk():
        table = open_table(tmp_path / "budgets", 8)
    assert len(table) == octets_of(8)
    spend(table)
    assert "File too large" in caplog.records[-1].message
