"""Daemons being served, in this process or as real ones, and clients that ask them with plain sockets."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fingerpost.main import main
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

    @classmethod
    def from_line(cls, line: bytes) -> "Doors":
        found = re.fullmatch(rb"ready udp=127\.0\.0\.1#(\d+) tcp=127\.0\.0\.1#(\d+)\n", line)
        assert found, line
        return cls(int(found[1]), int(found[2]))

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


def serve_here(config: str, client: Callable[[Doors], None], last: signal.Signals = signal.SIGTERM) -> int:
    """Serve in this process while a client runs in a thread; a signal ends it when the client is done."""
    reading, writing = os.pipe()
    errors: list[BaseException] = []

    def run_client() -> None:
        line = os.read(reading, 1_000)
        if not line:
            return  # it never became ready
        try:
            client(Doors.from_line(line))
        except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
            errors.append(error)
        os.kill(os.getpid(), last)

    thread = threading.Thread(target=run_client)
    thread.start()
    before = signal.signal(last, lambda *_: None)  # should the daemon end early, the test goes on and fails
    try:
        status = main(["serve", config, "--ready-fd", str(writing)])
    finally:
        _close_quietly(writing)
        thread.join()
        os.close(reading)
        signal.signal(last, before)
    if errors:
        raise errors[0]
    return status


def _close_quietly(descriptor: int) -> None:
    try:
        os.close(descriptor)
    except OSError:
        return


@dataclass(frozen=True)
class Running:
    """A daemon as a process of its own."""

    process: subprocess.Popen[str]
    doors: Doors

    def end(self, by: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal and return the status and the log."""
        self.process.send_signal(by)
        _, log = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, log


@contextmanager
def running(config: str) -> Iterator[Running]:
    """Run a daemon from the current folder; it is killed in the end if it is still there."""
    reading, writing = os.pipe()
    words = [sys.executable, "-m", "fingerpost", "serve", config, "--ready-fd", str(writing)]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    process = subprocess.Popen(words, pass_fds=(writing,), env=environment, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    try:
        with os.fdopen(reading, "rb") as ready:
            line = ready.readline()
        assert line, process.communicate()[1]
        yield Running(process, Doors.from_line(line))
    finally:
        process.kill()
        process.communicate()
