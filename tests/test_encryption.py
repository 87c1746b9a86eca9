"""The commands of docs/encryption.md, typed as printed into a shell."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.certificates import write_certificate
from tests.fingerpost.daemons import Doors, Running, starting
from tests.fingerpost.household import Household
from tests.test_readme import BIN, HERE
from tests.transport.quic.programs import kdig_speaks_quic

PAGE = (HERE / "docs" / "encryption.md").read_text()
SECONDS = 60


def blocks(language: str) -> list[str]:
    return [part.split("```")[0] for part in PAGE.split(f"```{language}\n")[1:]]


def commands() -> list[list[str]]:
    """The lines that begin with a prompt, block by block."""
    return [[line[2:] for line in block.splitlines() if line.startswith("$ ")] for block in blocks("console")]


OWN, KDIG, AUTHORITY, CLIENT, KNOWN, HTTPS, EXTRA, QUIC = commands()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder with the configuration that the page shows."""
    monkeypatch.chdir(tmp_path)
    house = Household(Path(), capsys)
    house.root("server . ns.root.example 127.0.0.1 udp=5300 tcp=5300")
    house.sound("sign", "root.toml")
    house.write("resolver.toml", blocks("toml")[0].replace("8853", "0") + "lab_addresses = true\n")
    return tmp_path


def typed(command: str, port: int = 0) -> str:
    """Run a command that must end well, and return what it said."""
    if command.startswith("kdig") and shutil.which("kdig") is None:
        pytest.skip("there is no kdig here")
    live = "/etc/letsencrypt/live/resolver.example/"
    words = command.replace("-p 8853", f"-p {port}").replace("-p 8443", f"-p {port}").replace(live, "")
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONPATH": str(HERE)}
    done = subprocess.run(
        ["sh", "-c", words], capture_output=True, text=True, timeout=SECONDS, check=False, env=environment
    )
    assert done.returncode == 0, command + done.stdout + done.stderr
    return done.stdout + done.stderr


@contextmanager
def served() -> Iterator[Running]:
    with starting("resolver.toml") as (process, ready, log):
        line = ready.readline()
        assert line.startswith(b"ready tls=127.0.0.1#"), log.read_text()
        yield Running(process, Doors(0, 0, int(line.split(b"#")[1])), log)


def _answers(command: str, port: int) -> None:
    out = typed(command, port)
    assert "status: NOERROR" in out, out
    assert "TLS session (TLS1.3)" in out
    assert "WARNING" not in out


def test_a_certificate_of_ones_own(place: Path) -> None:
    assert (place / "resolver.toml").exists()
    assert [command.split()[:2] for command in OWN] == [
        ["fingerpost", "keygen"],
        ["fingerpost", "check"],
        ["fingerpost", "serve"],
    ]
    assert typed(OWN[0]).startswith("tls.crt pin=")
    assert "tls.crt: pin=" in typed(OWN[1])
    with served() as daemon:  # as OWN[2] does
        assert OWN[2] == "fingerpost serve resolver.toml"
        for command in KDIG:
            _answers(command, daemon.doors.tls)
        assert daemon.end()[0] == 0


def test_a_certificate_of_an_authority(place: Path) -> None:
    typed(OWN[0])
    write_certificate(place, "resolver.example", stem="live")
    shutil.copy("live.key", "privkey.pem")
    shutil.copy("live.crt", "fullchain.pem")
    with served() as daemon:
        for command in AUTHORITY[:2]:
            typed(command)
        assert AUTHORITY[2] == "systemctl reload fingerpost"
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_logged("event=certificate-reloaded", 1 + len(daemon.workers()))
        _answers(KDIG[0], daemon.doors.tls)
        assert daemon.end()[0] == 0


def test_a_client_with_a_certificate(place: Path) -> None:
    typed(OWN[0])
    for command in CLIENT:
        typed(command)
    head, old, rest = (place / "resolver.toml").read_text().partition(blocks("toml")[0].split("\n\n")[1])
    assert old
    (place / "resolver.toml").write_text(head + blocks("toml")[1].rstrip() + rest)
    with served() as daemon:
        for command in (*KNOWN, *KDIG):
            _answers(command, daemon.doors.tls)
        status, log = daemon.end()
    assert status == 0
    assert " handshakes_failed=0 " in log


def test_over_https(place: Path) -> None:
    typed(OWN[0])
    text = (place / "resolver.toml").read_text()
    wanted = blocks("toml")[2].splitlines()[1]
    (place / "resolver.toml").write_text(text.replace('tls = ["127.0.0.1#0"]', wanted.replace("8443", "0")))
    with starting("resolver.toml") as (process, ready, log):
        line = ready.readline()
        assert line.startswith(b"ready https=127.0.0.1#"), log.read_text()
        (command,) = HTTPS
        out = typed(command, int(line.split(b"#")[1]))
        assert "status: NOERROR" in out
        assert "HTTP session (HTTP/2-POST)" in out
        process.terminate()
        process.wait()
    assert " streams_refused=0 flooded=0 faulty=0" in log.read_text()


@pytest.mark.skipif(not kdig_speaks_quic(), reason="this machine has no kdig with QUIC")
def test_over_quic(place: Path) -> None:
    assert EXTRA == ["pip install 'fingerpost[quic]'"]
    typed(OWN[0])
    text = (place / "resolver.toml").read_text()
    assert 'quic = ["127.0.0.1#8853"]' in blocks("toml")[-1]
    (place / "resolver.toml").write_text(text.replace('tls = ["127.0.0.1#0"]', 'quic = ["127.0.0.1#0"]'))
    with starting("resolver.toml") as (process, ready, log):
        line = ready.readline()
        assert line.startswith(b"ready quic=127.0.0.1#"), log.read_text()
        (command,) = QUIC
        assert "status: NOERROR" in typed(command, int(line.split(b"#")[1]))
        process.terminate()
        process.wait()


def test_what_the_log_says_is_on_the_page() -> None:
    source = (HERE / "fingerpost" / "served_tls.py").read_text()
    events = {part.split()[0] for part in source.split('"event=')[1:]}
    assert events == {"certificate-reloaded", "reload-not-needed", "reload-failed", "certificate-not-current"}
    assert all(f"`event={event} certificate=" in PAGE for event in events)
