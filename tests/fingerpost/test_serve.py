"""Real sockets on loopback. Nothing waits for luck: a daemon says when it is ready, and answers say the rest."""

import os
import signal
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from fingerpost import serve
from tests.fingerpost.daemons import Doors, Running, running, serve_here
from tests.fingerpost.household import MSP, RESOLVER, Household, replaced
from zonedata import identifiers, trust, wire
from zonedata.judgement import Outcome, judge
from zonedata.kinds import Kind, Use
from zonedata.opening import Claim, Opened, Signer, open_claim, read_claim
from zonedata.person_statements import Assertion, Denial
from zonedata.replies import Received
from zonedata.standing import Standing
from zonedata.store.disk import build
from zonedata.store.layout import Table
from zonedata.wire import QType, Rcode, Section
from zonedata.zone_statements import BoundKey

KNOWN = identifiers.parse("+14155550123").owner
UNKNOWN = identifiers.parse("+14155550124").owner


def _opened(house: Household, reply: Received, section: Section) -> Any:
    """Return the one statement of a section, after its signature was verified."""
    (rdata,) = (
        record.rdata for record in reply.records if record.section is section and record.rtype != wire.TYPE_SOA
    )
    claim = read_claim(rdata)
    assert isinstance(claim, Claim), claim
    use = Use.ASSERT if claim.sealed.kind is Kind.ASSERTION else Use.DENY
    public = house.key(f"{use}.pem").public
    now = time.time()
    signer = Signer("alpha.example", ("alpha.example",), (BoundKey(public, (use,), 0, 2**40),), now + 900)
    opened = open_claim(claim, signer, b"", now)
    assert isinstance(opened, Opened), opened
    return opened.statement


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_an_msp_asserts_and_denies(house: Household, tcp: bool) -> None:
    house.msp()
    house.sound("sign", "alpha.toml")

    def client(doors: Doors) -> None:
        said = _opened(house, doors.ask(KNOWN, tcp=tcp), Section.ANSWER)
        assert isinstance(said, Assertion)
        assert (said.owner, said.ssi, said.features) == (KNOWN, "mimi://alpha.example/u/7f3a", ("e2ee",))
        denied = _opened(house, doors.ask(UNKNOWN, tcp=tcp), Section.AUTHORITY)
        assert isinstance(denied, Denial)
        assert (denied.owner, denied.authority) == (UNKNOWN, "alpha.example")
        assert doors.ask(identifiers.node_from_text("+44"), tcp=tcp).rcode == Rcode.REFUSED

    assert serve_here("alpha.toml", client) == 0


def test_a_root_refers(house: Household) -> None:
    house.root(*house.delegation(1, 1))
    house.sound("sign", "root.toml")

    def client(doors: Doors) -> None:
        reply = doors.ask(KNOWN)
        assert not reply.flags & wire.FLAG_AA
        kinds = {
            read.sealed.kind for record in reply.records if isinstance(read := read_claim(record.rdata), Claim)
        }
        assert {Kind.GAP, Kind.DELEGATION} <= kinds

    assert serve_here("root.toml", client) == 0


def test_a_new_store_is_taken_over_while_questions_are_asked(house: Household) -> None:
    house.msp()
    house.sound("sign", "alpha.toml")
    answered = []

    def client(doors: Doors) -> None:
        def ssi() -> str:
            said = _opened(house, doors.ask(KNOWN), Section.ANSWER)
            answered.append(said.ssi)
            return str(said.ssi)

        assert ssi() == "mimi://alpha.example/u/7f3a"
        text = Path("people.ndjson").read_text()
        house.write("people.ndjson", text.replace("7f3a", "new"))
        house.sound("sign", "alpha.toml")
        assert ssi() == "mimi://alpha.example/u/7f3a"  # until it is told
        os.kill(os.getpid(), signal.SIGHUP)
        give_up = time.monotonic() + 10
        while ssi() != "mimi://alpha.example/u/new":
            assert time.monotonic() < give_up
        os.kill(os.getpid(), signal.SIGHUP)  # nothing new
        assert ssi() == "mimi://alpha.example/u/new"

    assert serve_here("alpha.toml", client) == 0
    assert answered == sorted(answered)  # once over, never back


def _reload(house: Household, capsys: pytest.CaptureFixture[str], change: str) -> str:
    """Serve, bring about a change, send SIGHUP, and return the log; the old answer must stand."""
    house.msp()
    house.sound("sign", "alpha.toml")

    def client(doors: Doors) -> None:
        match change:
            case "gone":
                Path("alpha.store").unlink()
            case "file":
                Path("alpha.store").unlink()
                house.write("alpha.store", "not a folder")
            case "damaged":
                build(Path("alpha.store"), [(Table.META, b"serial", b"many")])
            case "foreign":
                build(Path("alpha.store"), [(Table.META, b"authority", b"beta.example")])
            case _:
                pass
        os.kill(os.getpid(), signal.SIGHUP)
        assert _opened(house, doors.ask(KNOWN), Section.ANSWER).owner == KNOWN

    assert serve_here("alpha.toml", client) == 0
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("none", "level=info event=reload-not-needed store=alpha.store serial="),
        ("gone", "alpha.toml:7: authority.store: alpha.store: there is no store; 'fingerpost sign' makes it"),
        ("file", "alpha.toml:7: authority.store: store "),
        ("damaged", "alpha.toml:7: authority.store: is damaged: invalid literal for int()"),
        ("foreign", "authority.store: holds the statements of beta.example, not of alpha.example"),
    ],
)
def test_a_reload_that_cannot_be_keeps_what_there_is(
    house: Household, capsys: pytest.CaptureFixture[str], change: str, expected: str
) -> None:
    log = _reload(house, capsys, change)
    assert expected in log
    assert ("event=reload-failed" in log) == (change != "none")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_status_0(
    house: Household, capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    house.msp()
    house.sound("sign", "alpha.toml")
    assert serve_here("alpha.toml", lambda _doors: None, number) == 0
    events = [line.partition(" event=")[2].split()[0] for line in capsys.readouterr().err.splitlines()]
    assert events == ["store-opened", "listening", "listening", "ready", "stopping", "stopped"]


def test_every_address_that_is_taken_is_reported_with_its_line(house: Household) -> None:
    house.msp()
    house.sound("sign", "alpha.toml")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.create_server(("127.0.0.1", 0)) as tcp:
        udp.bind(("127.0.0.1", 0))
        one, two = udp.getsockname()[1], tcp.getsockname()[1]
        text = replaced(MSP, udp=f'[\n"127.0.0.1#0",\n"127.0.0.1#{one}"]', tcp=f'["127.0.0.1#{two}"]')
        house.write("alpha.toml", text)
        outcome = house.run("serve", "alpha.toml")
    assert outcome.status == 1
    assert outcome.err == (
        f"alpha.toml:4: listen.udp: cannot listen on 127.0.0.1#{one} (udp): Address already in use\n"
        f"alpha.toml:5: listen.tcp: cannot listen on 127.0.0.1#{two} (tcp): Address already in use\n"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MSP, "alpha.toml:7: authority.store: alpha.store: there is no store; 'fingerpost sign' makes it\n"),
        (MSP.partition("\n\n")[2], "alpha.toml: listen: has no address; nothing would be heard\n"),
        (replaced(MSP, tcp="5"), "alpha.toml:3: listen.tcp: 5, expected an array: [...]\n"),
        (
            replaced(MSP, deny_key='"gone.pem"'),
            "alpha.toml:9: authority.deny_key: gone.pem: key file cannot be read",
        ),
    ],
)
def test_what_cannot_be_served_is_said(house: Household, text: str, expected: str) -> None:
    house.msp()
    house.write("alpha.toml", text)
    outcome = house.run("serve", "alpha.toml")
    assert outcome.status == 1
    assert outcome.err.startswith(expected)


def test_signing_keys_and_sources_are_not_needed_to_serve(house: Household) -> None:
    house.msp()
    house.sound("sign", "alpha.toml")
    Path("assert.pem").rename("elsewhere.pem")
    Path("people.ndjson").unlink()
    assert serve_here("alpha.toml", _is_answered) == 0


def _is_answered(doors: Doors) -> None:
    assert doors.ask(KNOWN).rcode == Rcode.NOERROR


def test_nobody_waiting_for_ready_ends_nothing(house: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    house.msp()
    house.sound("sign", "alpha.toml")
    reading, writing = os.pipe()
    os.close(reading)
    kept = serve._say_ready

    def say_and_end(*args: Any) -> None:
        kept(*args)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(serve, "_say_ready", say_and_end)
    outcome = house.run("serve", "alpha.toml", "--ready-fd", str(writing))
    assert outcome.status == 0
    assert "event=ready-not-told descriptor=" in outcome.err


def test_standard_streams_are_not_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    monkeypatch.setattr(os, "write", lambda *words: written.append(words))
    monkeypatch.setattr(os, "close", lambda descriptor: pytest.fail(f"closed {descriptor}"))
    serve._say_ready([], 1)
    serve._say_ready([], None)
    monkeypatch.undo()
    assert written == [(1, b"ready \n")]


# --- processes of their own ----------------------------------------------------------------------------------


def test_a_whole_tree_of_processes_finds_somebody(house: Household) -> None:
    """A root, an MSP and a resolver; the proof that comes back is judged against the anchor file alone."""
    house.msp()
    house.sound("sign", "alpha.toml")
    with running("alpha.toml") as msp:
        house.root(*house.delegation(msp.doors.udp, msp.doors.tcp))
        house.sound("sign", "root.toml")
        with running("root.toml") as root:
            house.write("resolver.toml", RESOLVER + f'root = ["127.0.0.1#{root.doors.udp}"]\n')
            with running("resolver.toml") as resolver:
                _check_proofs(resolver.doors)
                resolver.process.send_signal(signal.SIGHUP)
                _check_end(resolver, signal.SIGINT, "reload-not-needed")
            _check_end(root, signal.SIGTERM, "store-opened")
        _check_end(msp, signal.SIGTERM, "store-opened")


def _check_proofs(doors: Doors) -> None:
    anchor = trust.read_anchor(Path("anchor.pem"))
    for owner, outcome, standing in (
        (KNOWN, Outcome.FOUND, Standing.ASSERTED),
        (UNKNOWN, Outcome.NONE, Standing.DENIED),
    ):
        for tcp in (False, True):
            reply = doors.ask(owner, QType.PROOF, tcp=tcp or bool(doors.ask(owner, QType.PROOF).is_truncated))
            judgement = judge(owner, anchor, [record.rdata for record in reply.records], time.time())
            assert (judgement.outcome, judgement.complete) == (outcome, True)
            assert [f.standing for f in judgement.findings if f.authority == "alpha.example"] == [standing]


def _check_end(daemon: Running, number: signal.Signals, event: str) -> None:
    status, log = daemon.end(number)
    assert status == 0
    assert f" event={event}" in log
    assert log.splitlines()[-1].endswith(" event=stopped")
    assert "level=error" not in log


def test_packets_of_any_kind_end_nothing(house: Household) -> None:
    house.msp()
    house.sound("sign", "alpha.toml")
    with running("alpha.toml") as daemon:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(("127.0.0.1", daemon.doors.udp))
            for size in (*range(40), 512, 1_024, 5_000):
                sock.send(bytes((size * 37 + n * 11) % 256 for n in range(size)))
        with socket.create_connection(("127.0.0.1", daemon.doors.tcp)) as stream:
            stream.sendall(b"\xff" * 70_000)
        _is_answered(daemon.doors)
        assert daemon.end()[0] == 0
