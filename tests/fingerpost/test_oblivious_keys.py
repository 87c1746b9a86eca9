"""The file of a gateway's keys, over days and restarts."""

import logging
from pathlib import Path

import pytest

from fingerpost import oblivious_keys
from fingerpost.oblivious_keys import FileRing
from transport.oblivious.key_chain import PERIOD, KeyChain
from zonedata.errors import MalformedError, UntrustedError

NOW = 20_000.5 * PERIOD
SEED = bytes(range(32))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "oblivious.keys"
    oblivious_keys.make(path, SEED, NOW)
    return path


def test_a_new_file_is_nobody_elses_and_never_overwritten(file: Path) -> None:
    assert file.stat().st_mode & 0o777 == 0o600
    assert oblivious_keys.read(file) == KeyChain.begun(SEED, NOW)
    with pytest.raises(FileExistsError):
        oblivious_keys.make(file, bytes(32), NOW)
    assert oblivious_keys.read(file) == KeyChain.begun(SEED, NOW)


def test_what_is_over_leaves_the_file_and_what_clients_hold_stays(file: Path) -> None:
    ring = FileRing(file)
    for day in range(8):
        now = NOW + day * PERIOD
        published = ring.at(now).published
        restarted = FileRing(file)
        for held in range(0, PERIOD, PERIOD // 5):
            assert published[0].key_id in restarted.at(now + held).accepted
            assert restarted.at(now + held).accepted[published[0].key_id].config == published[0]
    kept = oblivious_keys.read(file)
    assert kept.period == int((NOW + 7.8 * PERIOD) // PERIOD) - 1
    assert SEED.hex() not in file.read_bytes().hex()
    assert file.stat().st_mode & 0o777 == 0o600


def test_workers_have_the_same_keys_and_write_the_same(file: Path) -> None:
    one, other = FileRing(file), FileRing(file)
    later = NOW + 3 * PERIOD
    assert one.at(later) == other.at(later)
    written = file.read_text()
    assert FileRing(file).at(later) == one.at(later)
    assert file.read_text() == written


def test_a_day_within_writes_nothing(file: Path) -> None:
    ring = FileRing(file)
    before = file.stat().st_ino
    for hour in range(12):
        ring.at(NOW + 3_600 * hour)
    assert file.stat().st_ino == before


def test_a_file_that_cannot_be_written_is_said_and_keys_change_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    file = place / "keys"
    oblivious_keys.make(file, SEED, NOW)
    ring = FileRing(file)
    file.unlink()
    place.rmdir()
    with caplog.at_level(logging.WARNING):
        keys = ring.at(NOW + 3 * PERIOD)
    assert keys == KeyChain.begun(SEED, NOW).keys(NOW + 3 * PERIOD)
    assert "event=oblivious-keys-not-written" in caplog.text
    assert KeyChain.begun(SEED, NOW).moved(NOW + 3 * PERIOD).to_text().split()[2] not in caplog.text


@pytest.mark.parametrize("put", ["another", "nothing", "open"])
def test_what_an_operator_has_put_in_its_place_is_not_written_over(
    file: Path, put: str, caplog: pytest.LogCaptureFixture
) -> None:
    ring = FileRing(file)
    before = file.read_text()
    file.unlink()
    if put == "another":  # after a theft, and before the restart
        oblivious_keys.make(file, bytes(32), NOW)
        before = file.read_text()
    elif put == "open":
        file.write_text(before)
        file.chmod(0o644)
    keys = ring.at(NOW + 3 * PERIOD)
    assert keys == KeyChain.begun(SEED, NOW).keys(NOW + 3 * PERIOD)
    assert (file.read_text() if file.exists() else "nothing") == (before if put != "nothing" else put)
    assert "event=oblivious-keys-not-written" in caplog.text


def test_what_another_has_written_is_not_written_again_nor_gone_back_to(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one, other, third = FileRing(file), FileRing(file), FileRing(file)
    one.at(NOW + 3 * PERIOD)
    written = file.stat().st_ino
    other.at(NOW + 3 * PERIOD)
    third.at(NOW + 2 * PERIOD)
    assert file.stat().st_ino == written
    assert caplog.text == ""


def test_keys_that_a_wrong_clock_has_moved_on_are_told_of(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    ring = FileRing(file)
    ring.at(NOW + PERIOD)
    assert caplog.text == ""
    published = ring.at(NOW + 1_000 * PERIOD).published
    for hour in range(20):
        assert ring.at(NOW + 2 * PERIOD + 3_600 * hour).published[0].key_id != published[0].key_id
    assert FileRing(file).at(NOW + 9 * PERIOD).published == ring.at(NOW + 2 * PERIOD).published, (
        "they stay the same"
    )
    assert 1 <= caplog.text.count(f"event=oblivious-keys-ahead file={file}") <= 5


@pytest.mark.parametrize("octets", [b"", b"x", b"ohttp-key-chain-1 1 \xff\n", b"ohttp-key-chain-1 1 AAAA\n"])
def test_what_is_no_such_file_is_refused_without_a_word_of_it(file: Path, octets: bytes) -> None:
    file.write_bytes(octets)
    with pytest.raises(MalformedError) as raised:
        FileRing(file)
    assert "AAAA" not in str(raised.value)


def test_a_file_that_others_may_read_is_refused(file: Path) -> None:
    file.chmod(0o640)
    with pytest.raises(UntrustedError, match="mode 0640"):
        FileRing(file)
    with pytest.raises(MalformedError, match="cannot be read: No such file"):
        FileRing(file.parent / "gone")
