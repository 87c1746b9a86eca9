"""A running daemon is asked, watched, and told to end; what it counted outlives a worker that is killed."""

import os
import re
import signal
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest

from fingerpost.control import messages
from tests.fingerpost.daemons import PATIENCE, Running, running, wait_until
from tests.fingerpost.household import Household
from zonedata import identifiers
from zonedata.wire import Rcode

KNOWN = identifiers.parse("+14155550123").owner
CONTROL = '\n[process]\nworkers = 2\n\n[control]\nsocket = "ctl"\nhttp = ["127.0.0.1#0"]\n'
RECEIVED = 'fingerpost_transport_received_total{protocol="udp"}'


def msp(house: Household, control: str = CONTROL) -> None:
    house.msp()
    house.add("alpha.toml", control)
    house.sound("sign", "alpha.toml")


@contextmanager
def watched(house: Household) -> Iterator[Running]:
    msp(house)
    with running("alpha.toml") as daemon:
        yield daemon


def fetch(daemon: Running, target: str, method: str = "GET") -> tuple[int, str]:
    found = re.search(r"event=listening protocol=http address=127\.0\.0\.1#(\d+)", daemon.log)
    assert found, daemon.log
    connection = HTTPConnection("127.0.0.1", int(found[1]), timeout=PATIENCE)
    try:
        connection.request(method, target)
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    finally:
        connection.close()


def send(sock: socket.socket, octets: bytes) -> None:
    """Send, and say that this was all; whoever has read enough does not wait for the rest."""
    with suppress(OSError):
        sock.sendall(octets)
        sock.shutdown(socket.SHUT_WR)


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop a process for a while; one that stays so would outlive the test."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def metric(daemon: Running, key: str) -> float:
    for line in fetch(daemon, "/metrics")[1].splitlines():
        if line.startswith(key + " "):
            return float(line.rpartition(" ")[2])
    return 0.0


def test_what_runs_is_told_and_what_does_not_is_status_3(house: Household) -> None:
    with watched(house) as daemon:
        lines = house.sound("ctl", "alpha.toml", "status").splitlines()
        assert lines[0].startswith("version: ")
        assert lines[1] == "daemon: authority alpha.example"
        assert re.fullmatch(r"running: \d+ s", lines[2])
        pids = daemon.workers()
        for number, name in enumerate(("worker 0", "worker 1", "desk")):
            assert re.fullmatch(rf"{name}: pid {pids[number]}, running \d+ s, 0 died before it", lines[3 + number])
        assert stat.S_IMODE((house.folder / "ctl").stat().st_mode) == 0o600
        assert daemon.end()[0] == 0
    assert not (house.folder / "ctl").exists()
    outcome = house.run("ctl", "alpha.toml", "status")
    assert outcome.status == 3
    assert "no daemon is running with alpha.toml" in outcome.err


def test_it_can_be_told_to_end(house: Household) -> None:
    with watched(house) as daemon:
        assert not house.sound("ctl", "alpha.toml", "stop")
        assert daemon.process.wait(PATIENCE) == 0


def test_counters_are_sums_that_a_killed_worker_takes_nothing_from(house: Household) -> None:
    with watched(house) as daemon:
        for _ in range(20):
            assert daemon.doors.ask(KNOWN).rcode == Rcode.NOERROR
        wait_until(lambda: metric(daemon, RECEIVED) == 20, lambda: fetch(daemon, "/metrics")[1])
        os.kill(daemon.workers()[0], signal.SIGKILL)
        daemon.wait_logged("event=worker-started worker=0", 2)
        wait_until(lambda: metric(daemon, RECEIVED) == 20, lambda: fetch(daemon, "/metrics")[1])
        assert daemon.doors.ask(KNOWN).rcode == Rcode.NOERROR
        wait_until(lambda: metric(daemon, RECEIVED) == 21, lambda: fetch(daemon, "/metrics")[1])
        assert "1 died before it" in house.sound("ctl", "alpha.toml", "status")
        assert RECEIVED + " 21" in house.sound("ctl", "alpha.toml", "statistics").splitlines()


def test_a_killed_desk_is_replaced_and_nobody_else_notices(house: Household) -> None:
    with watched(house) as daemon:
        assert daemon.doors.ask(KNOWN).rcode == Rcode.NOERROR
        wait_until(lambda: metric(daemon, RECEIVED) == 1, lambda: fetch(daemon, "/metrics")[1])
        os.kill(daemon.workers()[2], signal.SIGKILL)
        daemon.wait_logged("event=worker-started worker=2", 2)
        assert metric(daemon, RECEIVED) == 1
        assert "desk: pid" in house.sound("ctl", "alpha.toml", "status")
        assert daemon.end()[0] == 0


def test_watchers_are_told_that_it_lives_and_is_ready(house: Household) -> None:
    with watched(house) as daemon:
        assert fetch(daemon, "/health") == (200, "ok\n")
        assert fetch(daemon, "/ready") == (200, "ready\n")
        assert fetch(daemon, "/ready?full=1", "HEAD") == (200, "")
        assert fetch(daemon, "/metrics", "POST")[0] == 405
        assert fetch(daemon, "/")[0] == 404
        with stopped(daemon.workers()[1]):
            assert fetch(daemon, "/ready") == (200, "ready\n"), "who is slow is still there"


def test_readiness_survives_a_reload(house: Household) -> None:
    with watched(house) as daemon:
        assert not house.sound("ctl", "alpha.toml", "reload")
        assert fetch(daemon, "/ready")[0] == 200
        daemon.wait_logged("event=reload-not-needed", 2)


def test_the_level_of_the_log_is_shown_and_set(house: Household) -> None:
    with watched(house):
        assert house.sound("ctl", "alpha.toml", "log", "level") == "worker=0 level=info\nworker=1 level=info\n"
        house.sound("ctl", "alpha.toml", "log", "level", "debug")
        assert "worker=1 level=debug" in house.sound("ctl", "alpha.toml", "log", "level")
        outcome = house.run("ctl", "alpha.toml", "log", "level", "loud")
        assert (outcome.status, outcome.out) == (1, "")
        assert "'loud' is no level; there are debug, info, warning, error" in outcome.err


def test_the_store_that_is_served_is_shown_and_what_resolvers_have_is_refused(house: Household) -> None:
    with watched(house):
        lines = house.sound("ctl", "alpha.toml", "zone", "show").splitlines()
        assert len(lines) == 2
        assert re.fullmatch(r"worker=1 authority=alpha\.example serial=\d+ store=alpha\.store build=\S+", lines[1])
        outcome = house.run("ctl", "alpha.toml", "servers", "show")
        assert outcome.status == 1
        assert "'servers show' is of a daemon that is a resolver" in outcome.err


def test_what_there_is_not_is_refused_with_what_there_is(house: Household) -> None:
    with watched(house):
        outcome = house.run("ctl", "alpha.toml", "sttaus")
        assert outcome.status == 1
        assert "'sttaus' is unknown; there is log, reload" in outcome.err


def test_a_worker_that_is_stopped_is_said_not_to_answer(house: Household) -> None:
    with watched(house) as daemon:
        with stopped(daemon.workers()[0]):
            outcome = house.run("ctl", "alpha.toml", "log", "level")
        assert outcome.status == 1
        assert outcome.out == "worker=1 level=info\n"
        assert "worker 0 does not answer" in outcome.err


@pytest.mark.parametrize(
    "octets", [b"", b"\n", b"[]\n", b'["status"', b"GET / HTTP/1.1\r\n\r\n", b"x" * (messages.MAX_REQUEST + 1)]
)
def test_what_is_no_request_is_refused_and_the_desk_lives(house: Household, octets: bytes) -> None:
    with watched(house) as daemon:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(PATIENCE)
            sock.connect("ctl")
            sender = threading.Thread(target=send, args=[sock, octets])
            sender.start()
            if octets:
                assert messages.read(sock.makefile("rb").readline())[1]
            sender.join()
        assert house.sound("ctl", "alpha.toml", "status")
        assert "internal-error" not in daemon.log


def test_without_a_socket_nobody_can_ask(house: Household) -> None:
    msp(house, "")
    outcome = house.run("ctl", "alpha.toml", "status")
    assert outcome.status == 1
    assert "control.socket: missing; no daemon with this configuration can be asked" in outcome.err


def test_a_socket_that_somebody_listens_at_is_a_fault_and_one_left_behind_is_not(house: Household) -> None:
    msp(house)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind("ctl")
        other.listen()
        outcome = house.run("serve", "alpha.toml")
        assert outcome.status == 1
        assert "control.socket: ctl: a daemon listens there already" in outcome.err
    with running("alpha.toml"):
        assert house.sound("ctl", "alpha.toml", "status")


def test_a_file_in_the_place_of_the_socket_is_left_alone(house: Household) -> None:
    msp(house)
    house.write("ctl", "mine")
    assert "is there already, and is no socket" in house.run("serve", "alpha.toml").err
    assert Path("ctl").read_text() == "mine"


def test_disagreements_are_faults(house: Household) -> None:
    house.msp()
    text = (house.folder / "alpha.toml").read_text()
    assert house.check(text + '\n[control]\nhttp = ["192.0.2.1#9153"]\ngroup_may = true\n', "alpha.toml") == [
        "alpha.toml:17: control.http: 192.0.2.1#9153 is no loopback address; 'allow_remote = true' allows it",
        "alpha.toml:18: control.group_may: has no 'socket' beside it",
    ]
