"""Real daemons with limits, asked over loopback: by dig with cookies, by floods, by somebody who reads them out."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import dns.edns
import dns.message
import pytest

from fingerpost.main import main
from tests.fingerpost.daemons import APEX, PATIENCE, Running, running
from tests.fingerpost.household import Household
from zonedata import identifiers, names, replies, wire
from zonedata.wire import QType, Rcode

KNOWN = identifiers.parse("+14155550123").owner
NEEDS_DIG = pytest.mark.skipif(shutil.which("dig") is None, reason="dig is not installed")
CLIENT = "2464c4abcf10c957"


def msp(house: Household, *limits: str) -> None:
    house.msp()
    house.add("alpha.toml", "\n".join(["", "[process]", "workers = 2", "", "[limits]", *limits, ""]))
    house.sound("sign", "alpha.toml")


def question(number: int | None = None, cookie: bytes = b"", qtype: QType = QType.CSI) -> bytes:
    owner = KNOWN if number is None else identifiers.parse(f"+1415{number:07}").owner
    message = wire.query_wire(owner, APEX, qtype, 4_711, wire.FLAG_RD)
    option = b"\0\x0a" + len(cookie).to_bytes(2, "big") + cookie if cookie else b""
    return message[:-2] + len(option).to_bytes(2, "big") + option


OPEN: list[socket.socket] = []


@pytest.fixture(autouse=True)
def _sockets() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


class Client:
    """One socket, which the kernel leads to one worker; closed at the end of the test."""

    def __init__(self, daemon: Running, host: str = "127.0.0.1") -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        OPEN.append(self.socket)
        self.socket.bind((host, 0))
        self.socket.settimeout(PATIENCE)
        self.socket.connect(("127.0.0.1", daemon.doors.udp))

    def ask(self, message: bytes) -> bytes:
        self.socket.send(message)
        return self.socket.recv(4_096)

    def cookie(self) -> bytes:
        """Learn a server cookie."""
        (option,) = dns.message.from_wire(self.ask(question(None, bytes.fromhex(CLIENT)))).options
        assert isinstance(option, dns.edns.CookieOption)
        return option.client + option.server

    def flood(self, messages: list[bytes], rate: int) -> int:
        """Send at a pace, a second's hundredth at a time; return how many octets came back."""
        octets, start = 0, time.monotonic()
        for at in range(0, len(messages), rate // 100):
            for message in messages[at : at + rate // 100]:
                self.socket.send(message)
            octets += self._drained(0.0)
            time.sleep(max(0.0, start + at / rate - time.monotonic()))
        return octets + self._drained(0.5)  # all there is was sent by then, or the figure is on our side

    def _drained(self, patience: float) -> int:
        octets = 0
        self.socket.settimeout(patience)
        with suppress(TimeoutError, BlockingIOError):
            while True:
                octets += len(self.socket.recv(4_096))
        self.socket.settimeout(PATIENCE)
        return octets


def dig(port: int, *words: str) -> str:
    line = ["dig", "@127.0.0.1", "-p", str(port), "+time=5", "+tries=1", *words]
    return subprocess.run(line, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout


@NEEDS_DIG
def test_dig_learns_a_cookie_and_it_is_good_at_every_worker(house: Household) -> None:
    msp(house)
    name = ".".join(names.to_text(names.Name(APEX + KNOWN)).split(".")[:-1])
    with running("alpha.toml") as daemon:
        said = dig(daemon.doors.udp, f"+cookie={CLIENT}", name, "TYPE65280")
        (line,) = [line for line in said.splitlines() if line.startswith("; COOKIE: ")]
        cookie = line.split()[2]
        assert cookie.startswith(CLIENT)
        assert line.endswith("(good)"), "our client cookie came back"
        assert "status: NOERROR" in said
        for _ in range(8):  # from new ports, so sometimes to the other worker
            again = dig(daemon.doors.udp, f"+cookie={cookie}", name, "TYPE65280")
            assert f"; COOKIE: {cookie} (good)" in again
        tcp = dig(daemon.doors.tcp, f"+cookie={CLIENT}", "+tcp", name, "TYPE65280")
        assert "; COOKIE: " in tcp
        short = dig(daemon.doors.udp, "+ednsopt=10:00", "+nocookie", name, "TYPE65280")
        assert "status: FORMERR" in short
        alone = dig(daemon.doors.udp, f"+cookie={cookie}", "+header-only")
        assert f"; COOKIE: {cookie} (good)" in alone
        wrong = dig(
            daemon.doors.udp,
            f"+cookie={cookie[:-2]}{'00' if cookie[-2:] != '00' else '01'}",
            "+header-only",
            "+nobadcookie",
        )
        assert "status: BADCOOKIE" in wrong


def test_octets_that_go_back_from_a_real_socket(house: Household) -> None:
    """Above 20 a second three times as many at most; far above the rate half as many."""
    msp(house, "rate = 100")
    with running("alpha.toml") as daemon:
        moderate = [question(n % 50, qtype=QType.PROOF) for n in range(300)]
        client = Client(daemon)
        back = client.flood(moderate, 100)
        sent = sum(map(len, moderate))
        assert 0.2 < back / sent <= 3.0
        flood = [question(n % 50, qtype=QType.PROOF) for n in range(4_000)]
        assert client.flood(flood, 2_000) / sum(map(len, flood)) <= 0.5


def test_a_cookie_from_another_address_is_refused(house: Household) -> None:
    """127.0.1.1 shows the cookie of 127.0.0.1, once its network is so busy that it needs one."""
    msp(house)
    with running("alpha.toml") as daemon:
        one, other = Client(daemon), Client(daemon, "127.0.1.1")
        cookie = one.cookie()
        long = question(None, cookie, QType.PROOF)
        for _ in range(60):
            other.ask(question())
        assert len(other.ask(question(None, b"", QType.PROOF))) <= 3 * len(question())
        refused = other.ask(long)
        assert replies.read_reply(refused).rcode == Rcode.BADCOOKIE
        for _ in range(60):
            one.ask(question())
        whole = replies.read_reply(one.ask(long))
        assert whole.rcode == Rcode.NOERROR
        assert whole.records


def test_who_reads_a_directory_out_is_stopped_over_restarts_too(house: Household) -> None:
    msp(house, "distinct_day = 50", "distinct_ten_days = 100", 'table = "budgets"', "table_size = 1")
    for attempt in range(2):
        with running("alpha.toml") as daemon:
            got = 0
            reply: replies.Received | None = None
            with socket.create_connection(("127.0.0.1", daemon.doors.tcp), timeout=PATIENCE) as sock:
                stream = sock.makefile("rwb")
                for number in range(120):
                    message = question(number)
                    stream.write(len(message).to_bytes(2, "big") + message)
                    stream.flush()
                    reply = replies.read_reply(stream.read(int.from_bytes(stream.read(2), "big")))
                    got += reply.rcode == Rcode.NOERROR
            assert reply is not None
            ((code, text),) = reply.errors
            assert (reply.rcode, int(code)) == (Rcode.REFUSED, wire.Ede.PROHIBITED)
            assert "retry after" in text
            assert got == 50, "and after a restart those that were answered before, no others"
            status, log = daemon.end()
        assert status == 0
        assert "event=limited why=budget client=127.0.0.1" in log
        assert ("event=budgets-begun" in log) == (attempt == 0)
    assert Path("budgets").stat().st_size == 1 << 20


def test_secrets_are_read_anew_on_hup(house: Household) -> None:
    assert main(["cookie-secret", "cookies.txt", "add"]) == 0
    msp(house, 'cookie_secrets = "cookies.txt"')

    def is_taken(daemon: Running, cookie: bytes) -> bool:
        """Ask both workers for a cookie alone."""
        opt = question(None, cookie)[-len(cookie) - 15 :]
        message = b"\1\2\1\0\0\0\0\0\0\0\0\1" + opt
        codes = {replies_rcode(Client(daemon).ask(message)) for _ in range(16)}
        assert len(codes) == 1
        return codes == {0}

    with running("alpha.toml") as daemon:
        cookie = Client(daemon).cookie()
        assert is_taken(daemon, cookie)
        for count, (verb, taken) in enumerate((("add", True), ("activate", True), ("drop", False)), 1):
            assert main(["cookie-secret", "cookies.txt", verb]) == 0
            daemon.process.send_signal(1)
            daemon.wait_logged("event=cookie-secrets-read", 2 * count)
            assert is_taken(daemon, cookie) == taken
        Path("cookies.txt").write_text("nonsense\n")
        daemon.process.send_signal(1)
        daemon.wait_logged("event=cookie-secrets-not-read", 2)
        assert Client(daemon).cookie()


def replies_rcode(message: bytes) -> int:
    return int(dns.message.from_wire(message).rcode())


def test_statistics_have_every_verdict(house: Household) -> None:
    msp(house, "dry_run = true", "distinct_day = 1", "distinct_ten_days = 1", "rate = 1")
    with running("alpha.toml") as daemon:
        client = Client(daemon)
        for number in range(100):
            assert replies_rcode(client.ask(question(number))) in {0, 3}
        log = daemon.end()[1]
    lines = [line for line in log.splitlines() if "event=statistics assertions=" in line]
    counts = [dict(pair.split("=") for pair in line.split()[3:] if "=" in pair) for line in lines]
    total = {name: sum(int(one[name]) for one in counts) for name in counts[0] if name.startswith("over_")}
    assert total["over_rate"] > 80
    assert total["over_unproven_budget"] > 80
    assert set(total) == {
        f"over_{why}"
        for why in ("rate", "stream_rate", "handshake_rate", "long_reply", "unproven_budget", "budget", "waiting")
    }
    assert "dry_run=yes" in log
