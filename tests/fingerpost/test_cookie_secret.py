"""The file of secrets for cookies, and the command that changes it."""

import io
from pathlib import Path

import pytest

from fingerpost import cookie_file
from fingerpost.cookie_file import CookieFile
from fingerpost.main import main
from zonedata.cookies import Cookies
from zonedata.errors import MalformedError, UntrustedError

ONE, TWO, THREE = (bytes([n]) * 16 for n in (1, 2, 3))
ALICE = bytes((192, 0, 2, 7))
NOW = 1_800_000_000.0


def change(*words: str) -> int:
    return main(["cookie-secret", *words])


def test_three_steps_change_a_secret_and_no_cookie_is_refused_meanwhile(tmp_path: Path) -> None:
    """On two servers, one always a step behind."""
    path = tmp_path / "cookies.txt"
    assert change(str(path), "add") == 0
    assert path.stat().st_mode & 0o777 == 0o600
    states = [cookie_file.read(path)]
    for verb in ("add", "activate", "drop"):
        assert change(str(path), verb) == 0
        states.append(cookie_file.read(path))
    first, added, activated, dropped = states
    assert (added.active, added.previous) == (first.active, None)
    assert (activated.active, activated.previous) == (added.staging, first.active)
    assert (dropped.active, dropped.staging, dropped.previous) == (added.staging, None, None)
    for ahead, behind in ((added, first), (activated, added)):
        one, other = Cookies(ahead.secrets()), Cookies(behind.secrets())
        for makes, reads in ((one, other), (other, one)):
            assert reads.read(makes.read(b"abcdefgh", ALICE, NOW)[1], ALICE, NOW)[0]


def test_no_secret_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cookies.txt"
    assert change(str(path), "add") == change(str(path), "add") == change(str(path), "show") == 0
    told = capsys.readouterr()
    secrets = cookie_file.read(path)
    assert told.out.splitlines()[-1].startswith("staging ")
    assert len(told.out.splitlines()) == 5
    for _, secret in secrets.named():
        assert secret.hex() not in told.out + told.err + repr(secrets)


def test_a_secret_of_another_program_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "cookies.txt")
    monkeypatch.setattr("sys.stdin", io.StringIO("e5e973e5a6b2a43f48e7dc849e37bfcf\n"))
    assert change(path, "add", "--stdin") == 0
    assert cookie_file.read(Path(path)).active == bytes.fromhex("e5e973e5a6b2a43f48e7dc849e37bfcf")
    monkeypatch.setattr("sys.stdin", io.StringIO("e5e973e5a6b2a43f48e7dc849e37bf\n"))
    assert change(path, "add", "--stdin") == 1
    assert "standard input: a secret is not 32 hexadecimal digits" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        change(path, "drop", "--stdin")


def test_steps_in_another_order_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "cookies.txt")
    for verb in ("activate", "drop", "show"):
        assert change(path, verb) == 1
    assert capsys.readouterr().err.count("cannot be read: No such file") == 3
    assert change(path, "add") == 0
    assert change(path, "activate") == change(path, "drop") == 1
    told = capsys.readouterr().err
    assert "has no staging secret" in told
    assert "has the active secret alone" in told
    assert change(path, "add") == 0
    assert change(path, "add") == 1
    assert change(path, "drop") == 0
    assert cookie_file.read(Path(path)).named()[1:] == []
    with pytest.raises(MalformedError):
        CookieFile(ONE, None, TWO).added(TWO)
    assert CookieFile(ONE, TWO, THREE).dropped() == CookieFile(ONE, TWO)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "active\n",
        "active 00\n",
        f"staging {ONE.hex()}\n",
        f"active {ONE.hex()}\nactive {TWO.hex()}\n",
        f"other {ONE.hex()}\n",
        f"active {ONE.hex()}x\n",
        "x" * 2_000,
        "\xff\n",
    ],
)
def test_what_is_no_file_of_secrets_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    path = tmp_path / "cookies.txt"
    path.write_text(text, "latin-1")
    path.chmod(0o600)
    with pytest.raises(MalformedError) as raised:
        cookie_file.read(path)
    assert ONE.hex() not in str(raised.value)


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cookies.txt"
    cookie_file.write(path, CookieFile(ONE))
    path.chmod(0o640)
    with pytest.raises(UntrustedError, match="mode 0640"):
        cookie_file.read(path)
