import errno
import io
import os
import socket
import subprocess
import sys
from contextlib import redirect_stdout
from importlib import metadata
from pathlib import Path

import pytest
import trio

from resolver.fpdig import main as module
from resolver.fpdig import usage
from resolver.fpdig.exits import Exit
from resolver.fpdig.main import main, prepare
from resolver.fpdig.options import Command
from resolver.fpdig.output import UnwrittenError
from resolver.fpdig.running import run, run_with_sockets
from resolver.fpdig.version import version
from tests.resolver.fpdig.phonebook import fpdig, make_world
from transport.clock import Clock
from transport.dialer import SocketDialer
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.later import LaterPool
from transport.slots import StreamLimits
from transport.stream_link import connect_stream
from transport.tcp_listener import open_tcp, serve_tcp
from transport.udp_listener import open_udp, serve_udp
from zonedata.errors import MalformedError

ALICE = "+14155550123"
ROOM = Path(__file__).parents[3]


def started(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["fpdig", *words])
    return main()


@pytest.mark.usefixtures("place")
def test_help_and_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert started(monkeypatch, "-h") == 0
    assert capsys.readouterr().out == usage.HELP
    assert started(monkeypatch, "-v") == 0
    assert capsys.readouterr().out.startswith("fpdig ")
    with redirect_stdout(io.StringIO()) as plain:  # a stream that cannot be told how to encode
        assert started(monkeypatch, "-h") == 0
    assert plain.getvalue() == usage.HELP


def test_version_of_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda name: f"7.0 of {name}")
    assert version() == "7.0 of fingerpost"


def test_version_of_what_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    assert version() == "(not installed)"


@pytest.mark.usefixtures("place")
def test_a_port_where_nobody_listens(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket(
        socket.AF_INET, socket.SOCK_DGRAM
    ) as taken:  # bound and not connected to: nobody else has it
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    assert started(monkeypatch, ALICE, "-p", str(port), "+tries=2", "+nocmd") == 9
    error = f";; communications error to 127.0.0.1#{port}: "
    first, second, last = capsys.readouterr().out.splitlines()
    assert first.startswith(error)
    assert second.startswith(error)
    assert last == ";; no servers could be reached"


async def test_real_sockets_from_question_to_answer(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = make_world()
    udp = open_udp(Endpoint("127.0.0.1", 0))
    port = udp.getsockname()[1]
    with udp, open_tcp(Endpoint("127.0.0.1", port)) as tcp, trio.fail_after(20):
        async with LaterPool(9).running() as later, trio.open_nursery() as nursery, SocketDialer() as dialer:
            world.start_resolver()
            assert world.resolver is not None
            handler = world.resolver.handle
            await nursery.start(serve_udp, udp, handler, world.clock, later)
            nursery.start_soon(lambda: serve_tcp(tcp, handler, world.clock, later, limits=StreamLimits()))
            words = ["@127.0.0.1", "-p", str(port), ALICE, "--anchor", str(place / "anchor.pem"), ALICE, "+csi"]
            command = prepare(words)
            assert isinstance(command, Command)
            assert await run(command, dialer, world.clock, connect_stream) == 0
            nursery.cancel_scope.cancel()
    out = capsys.readouterr().out
    assert f";; SERVER: 127.0.0.1#{port}(127.0.0.1) (TCP)\n" in out  # a proof does not fit a datagram
    assert f";; SERVER: 127.0.0.1#{port}(127.0.0.1) (UDP)\n" not in out.split(";; QUESTION SECTION:")[1]
    assert ";; ANSWER IS: found, complete, verified against" in out.replace("\n;;  ", "")


async def test_a_command_over_sockets_of_its_own(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "none").write_text("; nothing\n")
    command = prepare(["-f", "none"])
    assert isinstance(command, Command)
    assert await run_with_sockets(command) == 0
    assert capsys.readouterr() == ("", "")


class Silent:
    """A dialer that reaches nobody, and remembers whom it was to reach."""

    def __init__(self) -> None:
        self.endpoints: list[Endpoint] = []

    async def exchange(self, endpoint: Endpoint, *_: object, **__: object) -> bytes | None:
        self.endpoints.append(endpoint)
        raise UnreachableError(endpoint.to_text(), "silent")


@pytest.mark.usefixtures("place")
async def test_a_resolver_behind_a_relay_whose_keys_are_at_hand_is_not_looked_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def look_up(*_: object, **__: object) -> None:
        raise AssertionError("who listens here would learn which resolver is asked")

    monkeypatch.setattr(trio.socket, "getaddrinfo", look_up)
    words = ["@https://dns.example", "+oblivious=https://relay.example", "+oblivious-keys=k", "+tries=1", ALICE]
    command = prepare(words)
    assert isinstance(command, Command)
    dialer = Silent()
    assert await run(command, dialer, Clock(), connect_stream) == Exit.UNREACHED
    assert dialer.endpoints == [Endpoint("dns.example", 443)]


def test_rc_is_read_from_home_unless_r_says_no(place: Path) -> None:
    (place / "home" / ".fpdigrc").write_text("@10.9.9.9 +short ; not a comment here\n")
    assert fpdig(ALICE).status == 1
    (place / "home" / ".fpdigrc").write_text("# options\n@10.9.9.9 +short\n")
    assert fpdig(ALICE).out == "mimi://alpha.example/u/7f3a\n"
    assert fpdig("-r", ALICE, "@10.9.9.9").out.startswith("\n; <<>> fpdig")


def test_rc_that_cannot_be_read_is_told(place: Path) -> None:
    (place / "home" / ".fpdigrc").mkdir()
    ran = fpdig(ALICE, "@10.9.9.9")
    assert ran.status == 1
    assert ran.err.startswith("fpdig: .fpdigrc cannot be read (")
    assert fpdig("-r", ALICE, "@10.9.9.9", "+short").status == 0
    (place / "home" / ".fpdigrc").rmdir()
    (place / "home" / ".fpdigrc").write_bytes(b"\xff")
    assert "cannot be read" in fpdig(ALICE).err


@pytest.mark.usefixtures("place")
def test_without_a_home_there_is_no_rc(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless(_: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", homeless)
    assert fpdig(ALICE, "@10.9.9.9", "+short").status == 0


def test_several_questions_come_to_the_worst_status(place: Path) -> None:
    ran = fpdig("@10.9.9.9", "+short", ALICE, "+442079460123", "@10.9.9.9", ALICE)
    assert ran.status == 2
    assert ran.out.splitlines() == [f"mimi://alpha.example/u/{who}" for who in ("7f3a", "ann", "7f3a")]
    every = fpdig(
        ALICE, "--anchor", "x.pem", ALICE, "--anchor", "y.pem", ALICE, "--anchor", str(place / "anchor.pem")
    )
    assert every.status == 1
    assert [line for line in every.err.splitlines() if "cannot be read" in line] == [
        f"fpdig: {name}: trust anchor cannot be read: No such file or directory" for name in ("x.pem", "y.pem")
    ]


def test_an_anchor_for_a_batch_is_read_before_it(place: Path) -> None:
    (place / "questions").write_text(f"{ALICE}\n" * 3)
    ran = fpdig("-f", "questions", "--anchor", "x.pem")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.count("x.pem") == 1


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt, 130), (MalformedError, 10), (RuntimeError, 10)])
def test_how_it_ends(
    error: type[BaseException], status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: list[str]) -> Command:
        raise error

    monkeypatch.setattr(module, "prepare", fail)
    assert started(monkeypatch) == status
    assert ("Traceback" in capsys.readouterr().err) is (status == 10)


@pytest.mark.usefixtures("place")
def test_usage_is_told_on_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert started(monkeypatch) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith(usage.BRIEF)


@pytest.mark.usefixtures("place")
def test_what_a_terminal_cannot_show_does_not_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    octets = io.BytesIO()
    narrow = io.TextIOWrapper(octets, encoding="ascii")
    monkeypatch.setattr(sys, "stderr", narrow)
    assert started(monkeypatch, "zoë") == 1
    narrow.flush()
    assert b"fpdig: zo\\xeb: 'zo\\xeb' is neither" in octets.getvalue()


def test_the_program_as_a_process(place: Path) -> None:
    environment = {**os.environ, "HOME": str(place / "home"), "PYTHONPATH": str(ROOM)}
    words = [sys.executable, "-m", "resolver.fpdig.main"]
    bad = subprocess.run([*words, "bob"], env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert (bad.returncode, bad.stdout) == (1, "")
    read, write = os.pipe()
    os.close(read)
    unread = subprocess.run(
        [*words, "-h"], env=environment, stdout=write, stderr=subprocess.PIPE, check=False, timeout=60
    )
    os.close(write)
    assert (unread.returncode, unread.stderr) == (141, b"")


FULL = "fpdig: standard output: No space left on device\n"
CLOSED = "fpdig: standard output: Bad file descriptor\n"


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        ("-h >/dev/full", 7, FULL),
        ("-v >&-", 7, CLOSED),
        (f"{ALICE} -p 1 +tries=1 >/dev/full", 7, FULL),
        (f"{ALICE} -p 1 +tries=1 >&-", 7, CLOSED),
        (f"{ALICE} -p 1 +tries=1 >/dev/full 2>/dev/full", 7, ""),
        ("bob 2>/dev/full", 1, ""),
        ("bob 2>&-", 1, ""),
    ],
)
def test_a_stream_that_takes_nothing_is_no_bug_of_ours(place: Path, words: str, status: int, told: str) -> None:
    environment = {**os.environ, "HOME": str(place / "home"), "PYTHONPATH": str(ROOM)}
    line = f"exec {sys.executable} -m resolver.fpdig.main {words}"
    ended = subprocess.run(["sh", "-c", line], env=environment, capture_output=True, check=False, timeout=60)
    assert (ended.returncode, ended.stderr.decode()) == (status, told)


@pytest.mark.usefixtures("place")
def test_nobody_reads_the_steps_of_a_walk(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    unread = UnwrittenError("standard output", BrokenPipeError(errno.EPIPE, "Broken pipe"))

    def start(_: Command) -> Exit:
        raise ExceptionGroup("a nursery", [ExceptionGroup("another", [unread])])

    monkeypatch.setattr(module, "_start", start)
    assert started(monkeypatch, ALICE) == 141
    assert capsys.readouterr() == ("", "")
