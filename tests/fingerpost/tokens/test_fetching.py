"""Where a secret is sent, and how it is kept."""

from pathlib import Path

import pytest

from fingerpost.tokens import fetching, secret_files
from fingerpost.tokens.fetching import SilentError
from resolver import bearer_file
from transport.tokens.directory import Directory
from zonedata.errors import MalformedError, UntrustedError


@pytest.mark.parametrize(
    ("url", "named", "found"),
    [
        ("https://issuer.example/", "/token-request", "https://issuer.example/token-request"),
        ("https://issuer.example/a/b", "/token-request", "https://issuer.example/token-request"),
        ("https://issuer.example/", "request", "https://issuer.example/.well-known/request"),
        ("http://127.0.0.1:87/", "http://127.0.0.1:87/r", "http://127.0.0.1:87/r"),
        ("https://issuer.example/", "https://other.example/r", None),
        ("https://issuer.example/", "//other.example/r", None),
        ("https://issuer.example/", "https://issuer.example:444/r", None),
        ("https://issuer.example/", "https://issuer.example@other.example/r", None),
        ("https://issuer.example/", "http://issuer.example/r", None),
        ("https://issuer.example/", "file:///etc/passwd", None),
        ("https://issuer.example/", "javascript:x", None),
    ],
)
def test_a_secret_goes_to_the_issuer_alone(url: str, named: str, found: str | None) -> None:
    if found is not None:
        assert fetching.request_url(url, Directory(named, ())) == found
        return
    with pytest.raises(SilentError, match="would have the secret sent elsewhere"):
        fetching.request_url(url, Directory(named, ()))


def test_what_is_no_url_is_nowhere() -> None:
    with pytest.raises(SilentError, match="no URL"):
        fetching.request_url("https://issuer.example/", Directory("http://[", ()))


def test_a_secret_is_kept_from_others(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    secret_files.write(path, "word")
    assert (path.stat().st_mode & 0o777, bearer_file.read(path)) == (0o600, "word")
    with pytest.raises(FileExistsError):
        secret_files.write(path, "other")
    assert bearer_file.read(path) == "word"
    path.chmod(0o604)
    with pytest.raises(UntrustedError, match="mode 0604"):
        bearer_file.read(path)


@pytest.mark.parametrize("octets", [b"", b"two words", b"\xff", b"a\nb", b"x" * 129, b"\x07"])
def test_what_is_no_secret_is_refused(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "secret"
    path.touch(0o600)
    path.write_bytes(octets)
    with pytest.raises(MalformedError):
        bearer_file.read(path)
    with pytest.raises(MalformedError):
        bearer_file.read(tmp_path / "nowhere")
