"""What was spent: once, in whatever process, over kills and restarts; and files that are not to be believed."""

import errno
import fcntl
import os
import secrets
import select
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.fulldisk import full_disk
from transport.tokens import spent
from transport.tokens.spent import (
    DIGEST_OCTETS,
    HEADER,
    KEPT_AFTER,
    MIN_CAPACITY,
    PAGE,
    Spending,
    SpentError,
    SpentTokens,
)

KEY, OTHER, THIRD = bytes(32), b"\x01" * 32, b"\x02" * 32
UNTIL = 2_000
NOW = 1_000.0
PROJECT = Path(__file__).parents[3]
SPENDER = """\
import sys
from pathlib import Path
from transport.tokens.spent import SpentTokens

spent = SpentTokens(Path(sys.argv[1]), 1_000)
print("ready", flush=True)
for line in sys.stdin:
    nonce = bytes.fromhex(line)
    print(nonce.hex(), spent.spend(bytes(32), nonce, 2_000, 1_000.0).name, flush=True)
"""


def nonces(count: int) -> list[bytes]:
    return [secrets.token_bytes(32) for _ in range(count)]


def spender(folder: Path) -> subprocess.Popen[str]:
    """Another process with the same directory, which spends what it is told to."""
    process = subprocess.Popen(
        [sys.executable, "-c", SPENDER, str(folder)],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def told(process: subprocess.Popen[str], nonce: bytes) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(nonce.hex() + "\n")
    process.stdin.flush()
    return process.stdout.readline().split()[1]


def test_a_token_is_spent_once(tmp_path: Path) -> None:
    table = SpentTokens(tmp_path / "spent", MIN_CAPACITY)
    some = nonces(300)
    assert {table.spend(KEY, one, UNTIL, NOW) for one in some} == {Spending.NEW}
    assert {table.spend(KEY, one, UNTIL, NOW) for one in some} == {Spending.SPENT}
    assert {table.spend(OTHER, one, UNTIL, NOW) for one in some} == {Spending.NEW}, "each key for itself"
    assert table.held() == {KEY: (300, 1_000), OTHER: (300, 1_000)}
    table.close()


def test_it_is_remembered_over_a_restart(tmp_path: Path) -> None:
    some = nonces(50)
    for expected in (Spending.NEW, Spending.SPENT):
        table = SpentTokens(tmp_path / "spent", MIN_CAPACITY)
        assert {table.spend(KEY, one, UNTIL, NOW) for one in some} == {expected}
        table.sync()
        table.close()


def test_what_one_process_spends_another_refuses_also_after_a_kill(tmp_path: Path) -> None:
    here = SpentTokens(tmp_path / "spent", MIN_CAPACITY)
    some = nonces(100)
    with spender(tmp_path / "spent") as there:
        assert {told(there, one) for one in some} == {"NEW"}
        there.send_signal(signal.SIGKILL)
        there.wait()
    assert {here.spend(KEY, one, UNTIL, NOW) for one in some} == {Spending.SPENT}
    with spender(tmp_path / "spent") as again:
        assert {told(again, one) for one in some} == {"SPENT"}
        again.kill()
    here.close()


def test_of_two_that_spend_the_same_at_once_one_has_it(tmp_path: Path) -> None:
    some = nonces(400)
    lines = "".join(one.hex() + "\n" for one in some)
    with spender(tmp_path / "spent") as one, spender(tmp_path / "spent") as other:
        for process in (one, other):
            assert process.stdin is not None
            process.stdin.write(lines)
            process.stdin.close()
        said: Counter[tuple[str, ...]] = Counter()
        for process in (one, other):
            assert process.stdout is not None
            said.update(tuple(line.split()) for line in process.stdout)
    assert said == Counter({(nonce.hex(), word): 1 for nonce in some for word in ("NEW", "SPENT")})


def test_a_process_that_is_killed_in_the_midst_of_spending_leaves_it_whole(tmp_path: Path) -> None:
    here = SpentTokens(tmp_path / "spent", MIN_CAPACITY)
    before, after = nonces(20), nonces(20)
    for one in before:
        here.spend(KEY, one, UNTIL, NOW)
    with spender(tmp_path / "spent") as there:
        assert there.stdin is not None
        assert there.stdout is not None
        there.stdin.write("".join(one.hex() + "\n" for one in nonces(500)))
        there.stdin.flush()
        told_new = [there.stdout.readline().split() for _ in range(100)]
        there.kill()
        told_new += [words for line in there.stdout if len(words := line.split()) == 2]
    assert {word for _, word in told_new} == {"NEW"}
    assert {here.spend(KEY, bytes.fromhex(one), UNTIL, NOW) for one, _ in told_new} == {Spending.SPENT}
    assert {here.spend(KEY, one, UNTIL, NOW) for one in before} == {Spending.SPENT}
    assert {here.spend(KEY, one, UNTIL, NOW) for one in after} == {Spending.NEW}
    here.close()


def test_one_spends_at_a_time(tmp_path: Path) -> None:
    here = SpentTokens(tmp_path / "spent", MIN_CAPACITY)
    first, second = nonces(2)
    here.spend(KEY, first, UNTIL, NOW)
    with (tmp_path / "spent" / f"{KEY.hex()}.spent").open("rb") as held, spender(tmp_path / "spent") as there:
        assert told(there, first) == "SPENT"
        fcntl.flock(held, fcntl.LOCK_EX)
        assert there.stdin is not None
        assert there.stdout is not None
        there.stdin.write(second.hex() + "\n")
        there.stdin.flush()
        assert select.select([there.stdout], [], [], 0.2)[0] == [], "it waits for who has the lock"
        fcntl.flock(held, fcntl.LOCK_UN)
        assert there.stdout.readline().split() == [second.hex(), "NEW"]
        there.stdin.close()
    here.close()


def test_a_fork_has_locks_of_its_own(tmp_path: Path) -> None:
    table = SpentTokens(tmp_path / "spent", MIN_CAPACITY)
    first, second = nonces(2)
    assert table.spend(KEY, first, UNTIL, NOW) is Spending.NEW
    locked = table._tables[KEY]._descriptor
    fcntl.flock(locked, fcntl.LOCK_EX)
    child = os.fork()
    if child == 0:  # an assertion would end in the parent's test

        def waits(*_: object) -> None:
            raise TimeoutError

        signal.signal(signal.SIGALRM, waits)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        try:
            table.spend(KEY, second, UNTIL, NOW)
        except TimeoutError:
            os._exit(0)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0, "with the parent's lock it would not wait for the parent"
    fcntl.flock(locked, fcntl.LOCK_UN)
    assert table.spend(KEY, second, UNTIL, NOW) is Spending.NEW
    table.close()


def test_when_it_is_full_nothing_more_is_taken_and_what_was_spent_stays_so(tmp_path: Path) -> None:
    table = SpentTokens(tmp_path / "spent", MIN_CAPACITY)
    some = nonces(MIN_CAPACITY)
    assert {table.spend(KEY, one, UNTIL, NOW) for one in some} == {Spending.NEW}
    assert {table.spend(KEY, one, UNTIL, NOW) for one in nonces(50)} == {Spending.FULL}
    assert {table.spend(KEY, one, UNTIL, NOW) for one in some} == {Spending.SPENT}
    table.close()


def test_a_crowd_in_one_place_is_as_good_as_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spent, "MAX_PROBES", 1)
    table = SpentTokens(tmp_path / "spent", MIN_CAPACITY)
    assert {table.spend(KEY, one, UNTIL, NOW) for one in nonces(500)} == {Spending.NEW, Spending.FULL}
    table.close()


def test_files_of_keys_that_are_over_are_removed_a_day_later(tmp_path: Path) -> None:
    table = SpentTokens(tmp_path / "spent", MIN_CAPACITY)
    (nonce,) = nonces(1)
    table.spend(KEY, nonce, UNTIL, NOW)
    path = tmp_path / "spent" / f"{KEY.hex()}.spent"
    (tmp_path / "spent" / "zz.spent").write_text("somebody else's")
    (tmp_path / "spent" / f"{'ab' * 32}.spent").write_text("nor this")
    table.prepare(OTHER, UNTIL + 3 * KEPT_AFTER, UNTIL + KEPT_AFTER)  # another key's file looks round
    assert path.exists()
    table.prepare(THIRD, UNTIL + 3 * KEPT_AFTER, UNTIL + KEPT_AFTER + 1)
    assert not path.exists()
    assert len(list((tmp_path / "spent").iterdir())) == 4
    table.close()


def test_a_file_that_one_process_has_removed_is_let_go_by_the_others(tmp_path: Path) -> None:
    """The disk has its room again once the last of them has closed it."""
    one, other = (SpentTokens(tmp_path / "spent", MIN_CAPACITY) for _ in "12")
    first, second = nonces(2)
    for table in (one, other):
        table.spend(KEY, first, UNTIL, NOW)
    later = UNTIL + KEPT_AFTER + 1
    one.spend(OTHER, first, later, later)
    assert not (tmp_path / "spent" / f"{KEY.hex()}.spent").exists()
    assert other.spend(OTHER, second, later, later) is Spending.NEW
    assert set(one.held()) == set(other.held()) == {OTHER}
    mapped = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    assert f"{tmp_path}/spent/{KEY.hex()}" not in mapped
    one.close()
    other.close()


def test_a_key_that_is_given_more_time_is_remembered_until_then(tmp_path: Path) -> None:
    one, other = (SpentTokens(tmp_path / "spent", MIN_CAPACITY) for _ in "12")
    (nonce,) = nonces(1)
    one.spend(KEY, nonce, UNTIL, NOW)
    longer = UNTIL + 5 * KEPT_AFTER
    other.prepare(KEY, longer, NOW)
    other.spend(OTHER, nonce, longer, UNTIL + KEPT_AFTER + 1)
    assert one.spend(KEY, nonce, longer, UNTIL + KEPT_AFTER + 1) is Spending.SPENT
    other.prepare(KEY, UNTIL, NOW)
    other.prepare(THIRD, longer, longer)
    assert (tmp_path / "spent" / f"{KEY.hex()}.spent").exists(), "and what was said once is not taken back"
    one.close()
    other.close()


def test_another_process_s_file_is_removed_too(tmp_path: Path) -> None:
    table = SpentTokens(tmp_path / "spent", MIN_CAPACITY)
    table.prepare(KEY, UNTIL, NOW)
    table.close()
    other = SpentTokens(tmp_path / "spent", MIN_CAPACITY)
    other.prepare(OTHER, UNTIL + 2 * KEPT_AFTER, UNTIL + KEPT_AFTER + 1)
    assert [path.name for path in (tmp_path / "spent").iterdir()] == [f"{OTHER.hex()}.spent"]


def test_what_is_made_ready_is_not_kept_open(tmp_path: Path) -> None:
    table = SpentTokens(tmp_path / "spent", MIN_CAPACITY)
    table.prepare(KEY, UNTIL, NOW)
    assert table.held() == {}, "a thread did it, and what is open is the spender's"
    assert (tmp_path / "spent" / f"{KEY.hex()}.spent").stat().st_mode & 0o777 == 0o600


def test_a_kill_in_the_midst_of_making_a_file_leaves_nothing_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = SpentTokens(tmp_path / "spent", MIN_CAPACITY)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", lambda _descriptor: os.kill(os.getpid(), signal.SIGKILL))
        child = os.fork()
        if child == 0:
            table.prepare(KEY, UNTIL, NOW)
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert len(list((tmp_path / "spent").iterdir())) == 1
    (nonce,) = nonces(1)
    assert table.spend(OTHER, nonce, UNTIL, NOW) is Spending.NEW
    assert [path.name for path in (tmp_path / "spent").iterdir()] == [f"{OTHER.hex()}.spent"]
    table.close()


def test_a_file_keeps_the_room_that_it_was_made_with(tmp_path: Path) -> None:
    small = SpentTokens(tmp_path / "spent", MIN_CAPACITY)
    small.prepare(KEY, UNTIL, NOW)
    small.close()
    large = SpentTokens(tmp_path / "spent", 5_000)
    for key in (KEY, OTHER):
        large.spend(key, bytes(32), UNTIL, NOW)
    assert large.held() == {KEY: (1, 1_000), OTHER: (1, 5_000)}
    assert (tmp_path / "spent" / f"{OTHER.hex()}.spent").stat().st_size == PAGE + 16_384 * DIGEST_OCTETS
    large.close()


@pytest.mark.parametrize("spoil", ["cut", "longer", "mark", "key", "slots", "mode", "link", "empty"])
def test_a_file_that_is_not_to_be_believed_takes_no_token(tmp_path: Path, spoil: str) -> None:
    table = SpentTokens(tmp_path / "spent", MIN_CAPACITY)
    table.prepare(KEY, UNTIL, NOW)
    table.close()
    path = tmp_path / "spent" / f"{KEY.hex()}.spent"
    octets = bytearray(path.read_bytes())
    if spoil in {"cut", "empty"}:
        octets = octets[:-1] if spoil == "cut" else octets[:0]
    elif spoil == "longer":
        octets += b"\0"
    elif spoil in {"mark", "key"}:
        octets[0 if spoil == "mark" else 33] ^= 1
    elif spoil == "slots":
        octets[: HEADER.size] = HEADER.pack(spent.MARK, KEY, UNTIL, 2_047, 1_000, bytes(32))
    path.write_bytes(octets)
    if spoil == "mode":
        path.chmod(0o640)
    elif spoil == "link":
        path.rename(tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
    table = SpentTokens(tmp_path / "spent", MIN_CAPACITY)
    with pytest.raises(SpentError):
        table.spend(KEY, bytes(32), UNTIL, NOW)
    table.close()


def test_a_directory_of_others_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "file").write_text("")
    for name in ("open", "file", "no/where"):
        with pytest.raises(SpentError):
            SpentTokens(tmp_path / name)


def test_where_there_is_no_room_for_a_file_there_is_none(tmp_path: Path) -> None:
    table = SpentTokens(tmp_path / "spent", MIN_CAPACITY)
    with full_disk(), pytest.raises(SpentError):
        table.spend(KEY, bytes(32), UNTIL, NOW)
    assert list((tmp_path / "spent").iterdir()) == []
    assert table.spend(KEY, bytes(32), UNTIL, NOW) is Spending.NEW
    table.close()


def test_what_the_disk_does_not_take_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    table = SpentTokens(tmp_path / "spent", MIN_CAPACITY)
    (nonce,) = nonces(1)
    table.spend(KEY, nonce, UNTIL, NOW)
    table.sync()
    fdatasync = os.fdatasync

    def broken(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    for function, count in ((broken, 1), (broken, 1), (fdatasync, 1), (broken, 2)):
        monkeypatch.setattr(os, "fdatasync", function)
        table.sync()
        assert [record.message.split()[0] for record in caplog.records] == ["event=spent-not-synced"] * count
    assert table.spend(KEY, nonce, UNTIL, NOW) is Spending.SPENT
    table.close()


def test_a_file_that_is_closed_while_it_is_written_out_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    table = SpentTokens(tmp_path / "spent", MIN_CAPACITY)
    first, second = nonces(2)
    table.spend(KEY, first, UNTIL, NOW)
    fdatasync = os.fdatasync

    def late(descriptor: int) -> None:
        table.spend(OTHER, second, UNTIL + 2 * KEPT_AFTER, UNTIL + KEPT_AFTER + 1)
        fdatasync(descriptor)

    monkeypatch.setattr(os, "fdatasync", late)
    table.sync()
    assert caplog.records == []
    assert set(table.held()) == {OTHER}
    table.close()


def test_of_two_that_make_a_file_at_once_the_second_takes_the_first_one_s(tmp_path: Path) -> None:
    here = SpentTokens(tmp_path / "spent", MIN_CAPACITY)
    (nonce,) = nonces(1)
    folder = os.open(tmp_path / "spent", os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    with spender(tmp_path / "spent") as there:
        assert there.stdin is not None
        assert there.stdout is not None
        there.stdin.write(nonce.hex() + "\n")
        there.stdin.flush()
        assert select.select([there.stdout], [], [], 0.2)[0] == [], "it waits for who makes one"
        assert list((tmp_path / "spent").iterdir()) == []
        with ThreadPoolExecutor(1) as pool:
            spending = pool.submit(here.spend, KEY, nonce, UNTIL, NOW)
            os.close(folder)
            words = {there.stdout.readline().split()[1], spending.result().name}
        there.stdin.close()
    assert words == {"NEW", "SPENT"}
    assert len(list((tmp_path / "spent").iterdir())) == 1
    here.close()
