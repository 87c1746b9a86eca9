"""The register on disk: what was acknowledged is there whatever happens, and readers see it at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from root.validator import place
from root.validator.claims import Claim, Pending, Record
from root.validator.store import RegisterReader, RegisterWriter
from tests.fulldisk import full_disk
from tests.root.validator.office import VERA, digest
from tests.zonedata.builders import NOW
from zonedata import names
from zonedata.errors import MalformedError
from zonedata.names import Name

PROJECT = Path(__file__).parents[3]
OWNER, OTHER = names.from_text("3.2.1.e164."), names.from_text("4.2.1.e164.")
RECORD = Record(Claim(digest("ann"), "sms", NOW, NOW, NOW + 500), renew=NOW + 100)

WRITER = """
import os, sys
from pathlib import Path
from root.validator.claims import Claim, Record
from root.validator.store import RegisterWriter
from zonedata import names
register = RegisterWriter(Path(sys.argv[1]), "vera.example")
for n in range(1, 1_000_000):
    with register.writing() as writing:
        owner = names.from_text(".".join(str(n).zfill(6)) + ".e164.")
        writing.put(owner, Record(Claim(bytes(32), "sms", n, n, n + 1), serial=n, renew=n), [b"entry %d" % n])
    os.write(1, b"%d\\n" % n)
    if n == int(sys.argv[2]):
        with register.writing() as writing:
            writing.put(owner, Record(Claim(bytes(32), "sms", n, n, n + 1), serial=0, renew=n), [b"half"])
            os._exit(7)
"""
READER = """
import sys
from pathlib import Path
from root.validator.store import RegisterReader
from zonedata import names
register = RegisterReader(Path(sys.argv[1]), "vera.example")
print("open", flush=True)
for line in sys.stdin:
    print(*(one.decode() for one in register.about(names.from_text(line.strip()))), flush=True)
"""


def python(program: str, *words: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-c", program, *words]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def name(n: int) -> Name:
    return names.from_text(".".join(str(n).zfill(6)) + ".e164.")


def test_what_was_acknowledged_survives_the_end_of_the_writer_and_half_a_change_does_not(tmp_path: Path) -> None:
    path = tmp_path / "register"
    with python(WRITER, str(path), "20") as process:
        assert process.stdout is not None
        assert process.stdout.read().split() == [str(n) for n in range(1, 21)]
    assert process.returncode == 7
    register = RegisterWriter(path, VERA)
    assert [register.about(name(n)) for n in range(1, 21)] == [[b"entry %d" % n] for n in range(1, 21)]
    with register.writing() as writing:
        assert writing.due(100, 100) == [name(n) for n in range(1, 21)]
    register.close()


def test_what_was_acknowledged_survives_a_kill_at_any_moment(tmp_path: Path) -> None:
    for n in range(3):
        path = tmp_path / f"register {n}"
        with python(WRITER, str(path), "0") as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(5 + n)]
            process.kill()
            lines += process.stdout.read().splitlines()
        acknowledged = len(lines)
        register = RegisterReader(path, VERA)
        assert all(register.about(name(m)) == [b"entry %d" % m] for m in range(1, acknowledged + 1))
        assert register.about(name(acknowledged + 2)) == []
        register.close()


def test_readers_of_other_processes_see_each_change_at_once(tmp_path: Path) -> None:
    register = RegisterWriter(tmp_path / "register", VERA)
    with python(READER, str(tmp_path / "register")) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "open\n"
        for n in range(20):
            with register.writing() as writing:
                writing.put(OWNER, RECORD, [b"one-%d" % n, b"two"])
            process.stdin.write("3.2.1.e164.\n")
            process.stdin.flush()
            assert process.stdout.readline() == f"one-{n} two\n"
        with register.writing() as writing:
            writing.drop(OWNER)
        process.stdin.write("3.2.1.e164.\n")
        process.stdin.flush()
        assert process.stdout.readline() == "\n"
        process.stdin.close()
    register.close()


def test_a_change_that_fails_changes_nothing(tmp_path: Path) -> None:
    register = RegisterWriter(tmp_path / "register", VERA)
    with register.writing() as writing:
        writing.put(OWNER, RECORD, [b"before"])
    with pytest.raises(AssertionError), register.writing() as writing:
        assert writing.put(OWNER, RECORD, [b"after"])  # type: ignore[func-returns-value]  # it returns None, and so fails
    assert register.about(OWNER) == [b"before"]
    register.close()


def test_a_full_register_is_an_error_of_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("root.validator.store.MAP_SIZE", 100_000)
    register = RegisterWriter(tmp_path / "register", VERA)
    with register.writing() as writing:
        writing.put(OWNER, RECORD, [b"before"])
    with pytest.raises(OSError, match="cannot be written"), register.writing() as writing:
        writing.put(OWNER, RECORD, [bytes(60_000), bytes(60_000)])
    assert register.about(OWNER) == [b"before"]
    register.close()


def test_what_is_due_comes_in_its_order(tmp_path: Path) -> None:
    register = RegisterWriter(tmp_path / "register", VERA)
    late = Record(RECORD.standing, Pending(RECORD.standing, NOW + 50), renew=NOW + 100)
    with register.writing() as writing:
        writing.put(OWNER, RECORD, [])
        writing.put(OTHER, late, [])
        assert writing.due(NOW + 49, 9) == []
        assert writing.due(NOW + 50, 9) == [OTHER]
        assert writing.due(NOW + 100, 9) == [OTHER, OWNER]
        assert writing.due(NOW + 100, 1) == [OTHER]
        writing.put(OTHER, RECORD, [])
        assert writing.due(NOW + 99, 9) == [], "it is due once"
        writing.drop(OWNER)
        assert writing.due(NOW + 100, 9) == [OTHER]
        assert writing.record(OTHER) == RECORD
        assert writing.record(OWNER) is None
    register.close()


def test_requests_are_remembered_for_their_time(tmp_path: Path) -> None:
    register = RegisterWriter(tmp_path / "register", VERA)
    with register.writing() as writing:
        assert writing.is_new(100, b"a", 50)
        assert not writing.is_new(100, b"a", 100)
        assert writing.is_new(100, b"b", 100)
        assert writing.is_new(101, b"a", 100)
        assert not writing.is_new(101, b"a", 101)
        assert writing.is_new(100, b"a", 102), "forgotten; whoever asks refuses it for its age"
    register.close()


def test_one_daemon_has_it_and_an_operator_beside_it(tmp_path: Path) -> None:
    register = RegisterWriter(tmp_path / "register", VERA)
    with pytest.raises(MalformedError, match="is another daemon's"):
        RegisterWriter(tmp_path / "register", VERA)
    code = (
        "import sys; from pathlib import Path; from root.validator.store import RegisterWriter;"
        "r = RegisterWriter(Path(sys.argv[1]), 'vera.example', is_daemon=False)\n"
        "with r.writing() as w: print(w.drop(bytes.fromhex(sys.argv[2])))"
    )
    with register.writing() as writing:
        writing.put(OWNER, RECORD, [b"shown"])
    with python(code, str(tmp_path / "register"), OWNER.hex()) as process:
        assert process.stdout is not None
        assert process.stdout.read() == "True\n"
    assert register.about(OWNER) == []
    register.close()
    RegisterWriter(tmp_path / "register", VERA).close()


# --- whose it is ----------------------------------------------------------------------------------------------


def test_it_is_for_nobody_else_to_read(tmp_path: Path) -> None:
    path = tmp_path / "register"
    RegisterWriter(path, VERA).close()
    assert path.stat().st_mode & 0o777 == 0o700
    assert {file.name: file.stat().st_mode & 0o777 for file in path.iterdir()} == {
        place.DATA: 0o600,
        place.LOCKS: 0o600,
        place.WRITER: 0o600,
    }


@pytest.mark.parametrize("file", ["", place.DATA, place.LOCKS, place.WRITER])
def test_it_is_refused_if_others_could_write_it(tmp_path: Path, file: str) -> None:
    path = tmp_path / "register"
    RegisterWriter(path, VERA).close()
    (path / file).chmod(0o720 if not file else 0o620)
    for open_it in (RegisterWriter, RegisterReader):
        with pytest.raises(MalformedError, match=r"has mode 0[67]20; others may have"):
            open_it(path, VERA)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "register"
    RegisterWriter(path, VERA).close()
    (path / place.DATA).rename(tmp_path / "elsewhere")
    (path / place.DATA).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(MalformedError, match="no plain file"):
        RegisterReader(path, VERA)
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(MalformedError, match="no plain file or directory"):
        RegisterReader(tmp_path / "link", VERA)


def test_a_reader_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(MalformedError, match="No such file"):
        RegisterReader(tmp_path / "register", VERA)
    (tmp_path / "register").mkdir(mode=0o700)
    with pytest.raises(MalformedError, match="cannot be opened"):
        RegisterReader(tmp_path / "register", VERA)


def test_a_reader_is_of_the_same_authority(tmp_path: Path) -> None:
    RegisterWriter(tmp_path / "register", VERA).close()
    with pytest.raises(MalformedError, match=r"is that of vera\.example, not of other\.example"):
        RegisterReader(tmp_path / "register", "other.example")


def test_what_is_no_register_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "register"
    path.mkdir(mode=0o700)
    (path / place.DATA).write_bytes(b"rubbish" * 10_000)
    (path / place.DATA).chmod(0o600)
    with pytest.raises(MalformedError, match="cannot be opened"):
        RegisterWriter(path, VERA)


# --- cut short ------------------------------------------------------------------------------------------------


def test_the_disk_holds_the_locks_before_they_are_mapped(tmp_path: Path) -> None:
    path = tmp_path / "register"
    RegisterWriter(path, VERA).close()
    locks = (path / place.LOCKS).stat()
    assert locks.st_blocks * 512 >= locks.st_size, "a hole would be filled when it is used, if there is room then"
    with full_disk(), pytest.raises(MalformedError, match="cannot be written: File too large"):
        RegisterWriter(tmp_path / "another", VERA)


def test_half_a_beginning_is_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as full:
        full.setattr("root.validator.store.MAP_SIZE", 16_384)
        with pytest.raises(MalformedError, match="cannot be opened"):
            RegisterWriter(tmp_path / "register", VERA)
    assert not place.is_there(tmp_path / "register")
    RegisterWriter(tmp_path / "register", VERA).close()


def test_a_register_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "register"
    register = RegisterWriter(path, VERA)
    for n in range(200):
        with register.writing() as writing:
            writing.put(name(n), RECORD, [bytes(500)])
    register.close()
    RegisterReader(path, VERA).close()
    os.truncate(path / place.DATA, (path / place.DATA).stat().st_size // 2)
    for open_it in (RegisterWriter, RegisterReader):
        with pytest.raises(MalformedError, match="is cut short: restore a whole copy"):
            open_it(path, VERA)
    os.truncate(path / place.DATA, 0)
    for open_it in (RegisterWriter, RegisterReader):
        with pytest.raises(MalformedError, match="is empty: restore a whole copy"):
            open_it(path, VERA)
