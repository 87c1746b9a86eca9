"""Real sockets on loopback. Nothing waits for luck: a daemon says when it is ready, and answers say the rest."""

import os
import signal
import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from fingerpost import serve
from fingerpost.readiness import Readiness
from fingerpost.sections import MAX_WORKERS
from tests.fingerpost.daemons import APEX, PATIENCE, Doors, Running, running, starting, wait_until
from tests.fingerpost.household import MSP, RESOLVER, Household, replaced
from zonedata import identifiers, replies, trust, wire
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
ONE_WORKER = "\n[process]\nworkers = 1\n"
THREE_WORKERS = "\n[process]\nworkers = 3\n"
BACK_SECONDS = 3.0  # from a death to answers; it is some hundredths where nothing else runs


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
    with running("alpha.toml") as daemon:
        doors = daemon.doors
        said = _opened(house, doors.ask(KNOWN, tcp=tcp), Section.ANSWER)
        assert isinstance(said, Assertion)
        assert (said.owner, said.ssi, said.features) == (KNOWN, "mimi://alpha.example/u/7f3a", ("e2ee",))
        denied = _opened(house, doors.ask(UNKNOWN, tcp=tcp), Section.AUTHORITY)
        assert isinstance(denied, Denial)
        assert (denied.owner, denied.authority) == (UNKNOWN, "alpha.example")
        assert doors.ask(identifiers.node_from_text("+44"), tcp=tcp).rcode == Rcode.REFUSED
        assert daemon.end()[0] == 0


def test_a_root_refers(house: Household) -> None:
    house.root(*house.delegation(1, 1))
    house.sound("sign", "root.toml")
    with running("root.toml") as daemon:
        reply = daemon.doors.ask(KNOWN)
    assert not reply.flags & wire.FLAG_AA
    kinds = {read.sealed.kind for record in reply.records if isinstance(read := read_claim(record.rdata), Claim)}
    assert {Kind.GAP, Kind.DELEGATION} <= kinds


def test_a_new_store_is_taken_over_while_questions_are_asked(house: Household) -> None:
    house.msp()
    house.add("alpha.toml", ONE_WORKER)
    house.sound("sign", "alpha.toml")
    answered = []
    with running("alpha.toml") as daemon:

        def ssi() -> str:
            said = _opened(house, daemon.doors.ask(KNOWN), Section.ANSWER)
            answered.append(said.ssi)
            return str(said.ssi)

        assert ssi() == "mimi://alpha.example/u/7f3a"
        _sign_another(house)
        assert ssi() == "mimi://alpha.example/u/7f3a"  # until it is told
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: ssi() == "mimi://alpha.example/u/new", lambda: daemon.log)
        daemon.process.send_signal(signal.SIGHUP)  # nothing new
        daemon.wait_logged("event=reload-not-needed")
        assert ssi() == "mimi://alpha.example/u/new"
        assert daemon.end()[0] == 0
    assert answered == sorted(answered)  # once over, never back


def test_every_worker_takes_a_new_store_over(house: Household) -> None:
    house.msp()
    house.add("alpha.toml", THREE_WORKERS)
    house.sound("sign", "alpha.toml")
    with running("alpha.toml") as daemon:
        _sign_another(house)
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_logged("event=reloaded", 3)
        for number in range(3):
            assert f"worker={number}\n" in daemon.log.split("event=reloaded", 1)[1]
        for _ in range(12):
            said = _opened(house, daemon.doors.ask(KNOWN), Section.ANSWER)
            assert said.ssi == "mimi://alpha.example/u/new"
        assert daemon.end()[0] == 0


def _sign_another(house: Household) -> None:
    house.write("people.ndjson", Path("people.ndjson").read_text().replace("7f3a", "new"))
    house.sound("sign", "alpha.toml")


def _change(house: Household, change: str) -> None:
    match change:
        case "gone":
            Path("alpha.store").unlink()
        case "file":
            Path("alpha.store").unlink()
            house.write("alpha.store", "not a folder")
        case "damaged":
            build(Path("alpha.store"), [(Table.META, b"serial", b"many")])
        case "older":
            build(
                Path("alpha.store"), [(Table.META, b"authority", b"alpha.example"), (Table.META, b"serial", b"7")]
            )
        case "foreign":
            build(Path("alpha.store"), [(Table.META, b"authority", b"beta.example")])
        case _:
            pass


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("none", "level=info event=reload-not-needed store=alpha.store serial="),
        ("gone", "alpha.toml:7: authority.store: alpha.store: there is no store; 'fingerpost sign' makes it"),
        ("file", "alpha.toml:7: authority.store: store "),
        ("damaged", "alpha.toml:7: authority.store: is damaged: invalid literal for int()"),
        ("older", "alpha.toml:7: authority.store: alpha.store: serial 7, older than "),
        ("foreign", "authority.store: holds the statements of beta.example, not of alpha.example"),
    ],
)
def test_a_reload_that_cannot_be_keeps_what_there_is(house: Household, change: str, expected: str) -> None:
    house.msp()
    house.add("alpha.toml", ONE_WORKER)
    house.sound("sign", "alpha.toml")
    with running("alpha.toml") as daemon:
        _change(house, change)
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_logged("event=reload-")
        assert _opened(house, daemon.doors.ask(KNOWN), Section.ANSWER).owner == KNOWN
        status, log = daemon.end()
    assert status == 0
    assert expected in log
    assert ("event=reload-failed" in log) == (change != "none")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_status_0(house: Household, number: signal.Signals) -> None:
    house.msp()
    house.add("alpha.toml", ONE_WORKER)
    house.sound("sign", "alpha.toml")
    with running("alpha.toml") as daemon:
        status, log = daemon.end(number)
    assert status == 0
    events = [line.partition(" event=")[2].split()[0] for line in log.splitlines()]
    begun = ["store-opened", "worker-started", "listening", "listening", "ready", "stopping"]
    assert events == [*begun, "statistics", "statistics", "statistics", "stopped"]
    told = [line for line in log.splitlines() if "event=statistics" in line]
    assert " udp=127.0.0.1#" in told[0]
    assert " received=" in told[0]
    assert "event=statistics assertions=" in told[2]


def test_without_a_number_there_is_a_worker_for_each_core(house: Household) -> None:
    house.msp()
    house.sound("sign", "alpha.toml")
    with running("alpha.toml") as daemon:
        assert len(daemon.workers()) == serve.cores()


def test_where_nobody_knows_the_cores_we_may_use_all_count(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 1 <= serve.cores() <= MAX_WORKERS
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 1_000)
    assert serve.cores() == MAX_WORKERS
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert serve.cores() == 1


# --- what cannot be served ------------------------------------------------------------------------------------


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


def test_a_second_daemon_cannot_share_the_address_of_the_first(house: Household) -> None:
    """Both of the same user, both with several workers: nothing but us keeps the kernel from allowing it."""
    house.msp()
    house.add("alpha.toml", THREE_WORKERS)
    house.sound("sign", "alpha.toml")
    with running("alpha.toml") as first:
        udp, tcp = first.doors.udp, first.doors.tcp
        text = replaced(MSP, udp=f'["127.0.0.1#{udp}"]', tcp=f'["127.0.0.1#{tcp}"]')
        house.write("second.toml", text + THREE_WORKERS)
        outcome = house.run("serve", "second.toml")
        _is_answered(first.doors)
    assert outcome.status == 1
    assert outcome.err == (
        f"second.toml:2: listen.udp: cannot listen on 127.0.0.1#{udp} (udp): Address already in use\n"
        f"second.toml:3: listen.tcp: cannot listen on 127.0.0.1#{tcp} (tcp): Address already in use\n"
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
    with running("alpha.toml") as daemon:
        _is_answered(daemon.doors)
        assert daemon.end()[0] == 0


def _is_answered(doors: Doors) -> None:
    assert doors.ask(KNOWN).rcode == Rcode.NOERROR


def test_nobody_waiting_for_ready_ends_nothing(house: Household) -> None:
    house.msp()
    house.sound("sign", "alpha.toml")
    with starting("alpha.toml") as (process, ready, log):
        ready.close()
        wait_until(lambda: "event=ready-not-told descriptor=" in log.read_text(), log.read_text)
        process.terminate()
        assert process.wait(PATIENCE) == 0


def test_a_signal_during_the_start_ends_it_well(house: Household) -> None:
    """Whichever of its steps is hit, it ends: by the signal itself while there are no workers."""
    house.msp()
    house.sound("sign", "alpha.toml")
    with starting("alpha.toml") as (process, _, log):
        wait_until(lambda: log.stat().st_size > 0, lambda: "no log")  # a worker has opened its store
        process.terminate()
        assert process.wait(PATIENCE) == 0
        assert log.read_text().splitlines()[-1].endswith(" event=stopped")


def test_standard_streams_are_not_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    monkeypatch.setattr(os, "write", lambda *words: written.append(words))
    monkeypatch.setattr(os, "close", lambda descriptor: pytest.fail(f"closed {descriptor}"))
    readiness = Readiness((), 1)
    readiness.tell()
    readiness.close()
    Readiness((), None).tell()
    monkeypatch.undo()
    assert written == [(1, b"ready \n")]


# --- workers that die -----------------------------------------------------------------------------------------


def test_what_waits_for_a_worker_that_is_killed_is_answered_by_the_next(house: Household) -> None:
    """The workers are stopped, so that nothing is in hand and everything waits in the sockets; then killed."""
    house.msp()
    house.add("alpha.toml", THREE_WORKERS)
    house.sound("sign", "alpha.toml")
    query = wire.query_wire(KNOWN, APEX, QType.CSI, 4711, wire.FLAG_RD)
    with running("alpha.toml") as daemon, ExitStack() as stack:
        udp = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(60)]
        for pid in (before := daemon.workers()):
            os.kill(pid, signal.SIGSTOP)
        for sock in udp:
            sock.settimeout(PATIENCE)
            sock.connect(("127.0.0.1", daemon.doors.udp))
            sock.send(query)
        tcp = [
            stack.enter_context(socket.create_connection(("127.0.0.1", daemon.doors.tcp), timeout=PATIENCE))
            for _ in range(12)  # no worker turns an address away for that many
        ]
        for sock in tcp:
            sock.sendall(len(query).to_bytes(2, "big") + query)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        killed = time.monotonic()
        assert all(replies.answers(sock.recv(4_096), query) for sock in udp)
        took = time.monotonic() - killed
        assert all(sock.recv(4_096) for sock in tcp)
        daemon.wait_logged("event=worker-started", 6)
        assert not set(before) & set(daemon.workers())
        status, log = daemon.end()
    assert status == 0
    assert took < BACK_SECONDS
    for number, pid in enumerate(before):
        assert f"event=worker-died worker={number} pid={pid} reason=SIGKILL" in log
    assert log.count("event=ready") == 1


def test_while_one_worker_is_dead_the_others_go_on(house: Household) -> None:
    """A client asks again and again, from new ports; what the dead worker had in hand is one question at most."""
    house.msp()
    house.add("alpha.toml", THREE_WORKERS)
    house.sound("sign", "alpha.toml")
    with running("alpha.toml") as daemon:
        for pid in daemon.workers():
            os.kill(pid, signal.SIGKILL)
            for _ in range(20):
                _is_answered(daemon.doors)
        assert daemon.end()[0] == 0


def test_workers_do_not_outlive_their_supervisor(house: Household) -> None:
    house.msp()
    house.add("alpha.toml", THREE_WORKERS)
    house.sound("sign", "alpha.toml")
    with running("alpha.toml") as daemon:
        daemon.process.kill()
        daemon.process.wait(PATIENCE)
        daemon.wait_logged('event=stopping reason="the supervisor is gone" worker=', 3)
        ports = replaced(MSP, udp=f'["127.0.0.1#{daemon.doors.udp}"]', tcp=f'["127.0.0.1#{daemon.doors.tcp}"]')
        house.write("next.toml", ports + ONE_WORKER)
        wait_until(lambda: not any(map(_is_alive, daemon.workers())), lambda: daemon.log)
        with running("next.toml") as following:
            _is_answered(following.doors)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_reaches_all_ends_them_once(house: Household, number: signal.Signals) -> None:
    """Ctrl-C at a terminal does, and so do those who end a service."""
    house.msp()
    house.add("alpha.toml", THREE_WORKERS)
    house.sound("sign", "alpha.toml")
    with running("alpha.toml") as daemon:
        for pid in (daemon.process.pid, *daemon.workers()):
            with suppress(ProcessLookupError):  # a worker that was told by the supervisor, and has ended
                os.kill(pid, number)
        status = daemon.process.wait(PATIENCE)
        assert (status, daemon.log.count("level=error"), daemon.log.count("event=worker-killed")) == (0, 0, 0)


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
                resolver.wait_logged("event=reload-not-needed")
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
