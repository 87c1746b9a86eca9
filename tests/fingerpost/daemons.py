"""Daemons as real processes, and clients that ask them with plain sockets."""

import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from zonedata import names, replies, wire
from zonedata.names import Name
from zonedata.replies import Received
from zonedata.wire import QType

APEX = names.from_text("fingerpost.internal.")
PROJECT = Path(__file__).parents[2]
PATIENCE = 20.0  # seconds until a test gives up


@dataclass(frozen=True)
class Doors:
    """Where a daemon answers, from the line that it wrote when it was ready."""

    udp: int
    tcp: int
    tls: int = 0
    quic: int = 0
    https: int = 0

    @classmethod
    def from_line(cls, line: bytes) -> "Doors":
        ports = {name.decode(): int(port) for name, port in re.findall(rb" (\w+)=127\.0\.0\.1#(\d+)", line)}
        assert line.startswith(b"ready "), line
        assert {"udp", "tcp"} <= ports.keys(), line
        return cls(**ports)

    def ask(self, name: Name, qtype: int = QType.CSI, *, tcp: bool = False) -> Received:
        """Ask one question; over UDP a lost datagram is asked again."""
        query = wire.query_wire(name, APEX, qtype, 4711, wire.FLAG_RD)
        reply = _over_tcp(query, self.tcp) if tcp else _over_udp(query, self.udp)
        assert replies.answers(reply, query)
        return replies.read_reply(reply)


def _over_udp(query: bytes, port: int) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE)
        sock.connect(("127.0.0.1", port))
        sock.send(query)
        return sock.recv(65_535)


def _over_tcp(query: bytes, port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as sock, sock.makefile("rwb") as stream:
        stream.write(len(query).to_bytes(2, "big") + query)
        stream.flush()
        return stream.read(int.from_bytes(stream.read(2), "big"))


@dataclass(frozen=True)
class Running:
    """A daemon: a supervisor, and its workers."""

    process: subprocess.Popen[bytes]
    doors: Doors
    _log: Path

    @property
    def log(self) -> str:
        """What it has written so far."""
        return self._log.read_text()

    def wait_logged(self, text: str, times: int = 1) -> None:
        """Wait until a text has come so many times."""
        wait_until(lambda: self.log.count(text) >= times, lambda: self.log)

    def workers(self) -> list[int]:
        """Return the process of each worker that runs, by its number."""
        found = re.findall(r"event=worker-started worker=(\d+) pid=(\d+)", self.log)
        return [pid for _, pid in sorted({int(number): int(pid) for number, pid in found}.items())]

    def end(self, by: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal and return the status and the log."""
        self.process.send_signal(by)
        return self.process.wait(PATIENCE), self.log


def wait_until(happened: Callable[[], bool], what: Callable[[], str]) -> None:
    """Wait for something that no descriptor tells; what there is instead is said if it never comes."""
    give_up = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < give_up, what()
        time.sleep(0.005)


@contextmanager
def starting(config: str, command: str = "serve") -> Iterator[tuple[subprocess.Popen[bytes], BinaryIO, Path]]:
    """Start a daemon from the current folder, with its log and where it says that it is ready."""
    reading, writing = os.pipe()
    words = [sys.executable, "-m", "fingerpost", *command.split(), config, "--ready-fd", str(writing)]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    log = Path(f"{config}.{writing}.log")
    with log.open("wb") as out:
        process = subprocess.Popen(words, pass_fds=(writing,), env=environment, stderr=out)
    os.close(writing)
    try:
        with os.fdopen(reading, "rb") as ready:
            yield process, ready, log
    finally:
        process.kill()  # workers see it
        process.wait()


class WebDaemon:
    """A running daemon of one process that is asked in HTTP: a validator, an issuer or a relay."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}/"
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text()

    def wait_logged(self, text: str) -> None:
        """Wait until a text has come."""
        wait_until(lambda: text in self.log, lambda: self.log)

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(PATIENCE)


@contextmanager
def running_web(config: str, command: str) -> Iterator[WebDaemon]:
    """Run one from the current folder; it ends by itself when it is told to."""
    with starting(config, command) as (process, ready, log):
        line = ready.readline()
        assert line, log.read_text()
        assert select.select([ready], [], [], PATIENCE)[0], "somebody still holds it"
        found = re.fullmatch(rb"ready (?:tcp|https)=127\.0\.0\.1#(\d+)\n", line)
        assert found, line
        yield WebDaemon(process, int(found[1]), log)
        if process.poll() is None:
            process.terminate()
            assert process.wait(PATIENCE) == 0, log.read_text()


@contextmanager
def running(config: str) -> Iterator[Running]:
    """Run a daemon from the current folder; it is killed in the end if it is still there."""
    with starting(config) as (process, ready, log):
        line = ready.readline()
        assert line, log.read_text()
        assert select.select([ready], [], [], PATIENCE)[0], "somebody still holds it"
        assert ready.read() == b""
        yield Running(process, Doors.from_line(line), log)
