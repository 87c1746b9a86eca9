"""TLS in configurations and on the command line, and in daemons that are real processes."""

import base64
import os
import re
import shutil
import signal
import ssl
import stat
import subprocess
from pathlib import Path

import pytest

from fingerpost.configuration import read
from tests.certificates import write_certificate
from tests.fingerpost.daemons import running, wait_until
from tests.fingerpost.encrypted import ask, encrypted, encrypted_msp, shown, trusting, with_tls
from tests.fingerpost.household import MSP, RESOLVER, Household, replaced
from transport.endpoint import Endpoint
from transport.tls.certificates import self_signed
from transport.tls.credentials import read_chain
from zonedata import identifiers, names, zoneline
from zonedata.names import Name
from zonedata.wire import QType, Rcode

KNOWN = identifiers.parse("+14155550123").owner
SECONDS = 60  # for a program of others


# --- configuration ---------------------------------------------------------------------------------------------


def test_the_section_is_read(house: Household) -> None:
    house.write("c.toml", with_tls(MSP, 'clients = ["ann clients/ann.crt", "bob bob.crt"]\n'))
    configuration = read(Path("c.toml"), inspect=())
    assert configuration.listen.tls == (Endpoint("127.0.0.1", 0),)
    assert configuration.tls is not None
    assert (configuration.tls.certificate, configuration.tls.key) == (Path("tls.crt"), Path("tls.key"))
    assert [(one.name, one.file) for one in configuration.tls.clients] == [
        ("ann", Path("clients/ann.crt")),
        ("bob", Path("bob.crt")),
    ]


def test_what_is_encrypted_may_leave_the_machine(house: Household) -> None:
    house.msp()
    write_certificate(Path())
    assert house.check(replaced(with_tls(MSP), tls='["192.0.2.1#853", "::#853"]')) == []


def test_nothing_plain_is_needed(house: Household) -> None:
    house.msp()
    write_certificate(Path())
    assert house.check(replaced(with_tls(MSP), udp=None, tcp=None)) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            with_tls(MSP).partition("\n[tls]")[0],
            "c.toml:4: listen.tls: needs a [tls] that says with which certificate",
        ),
        (
            replaced(with_tls(MSP), certificate=None),
            "c.toml:17: tls.certificate: missing; expected path: PEM file with the certificate ",
        ),
        (
            with_tls(MSP, 'clients = ["ann", "b b b.crt"]\n'),
            "c.toml:20: tls.clients: 'ann', expected NAME FILE, with a name of 1 to 64 of the characters A-Z, ",
        ),
        (with_tls(MSP, 'clients = ["ann ann.crt", "ann ann.crt"]\n'), "stands here twice"),
        (with_tls(MSP, "clients = [5]\n"), "c.toml:20: tls.clients: 5, expected text in quotes"),
        (with_tls(MSP, 'client = ["a b"]\n'), "c.toml:20: tls.client: unknown; did you mean 'clients'?"),
    ],
)
def test_a_mistake_has_its_line(house: Household, text: str, fault: str) -> None:
    house.msp()
    write_certificate(Path())
    (found,) = house.check(text)
    assert fault in found


def _spoil(what: str) -> None:
    """Make something of the files unusable."""
    match what:
        case "no certificate":
            Path("tls.crt").unlink()
        case "no key":
            Path("tls.key").unlink()
        case "open key":
            Path("tls.key").chmod(0o644)
        case "another key":
            write_certificate(Path(), stem="other")
            Path("other.key").rename("tls.key")
        case "cut short":
            Path("tls.crt").write_bytes(Path("tls.crt").read_bytes()[:300])
        case "no client":
            Path("ann.crt").unlink()
        case "same client":
            shutil.copy("ann.crt", "bob.crt")
        case _:
            raise AssertionError(what)


FAULTS = [
    ("no certificate", "c.toml:18: tls.certificate: tls.crt: cannot be read: No such file or directory"),
    ("no key", "c.toml:19: tls.key: tls.key: cannot be read: No such file or directory"),
    ("open key", "c.toml:19: tls.key: tls.key: key file has mode 0644, so others may have read it: "),
    ("another key", "c.toml:19: tls.key: tls.key: is not the key of the certificate"),
    ("cut short", "c.toml:18: tls.certificate: tls.crt: holds no certificate in PEM that can be read"),
    ("no client", "c.toml:20: tls.clients: ann.crt: cannot be read: No such file or directory"),
    ("same client", "c.toml:20: tls.clients: bob.crt: holds a certificate of ann, too"),
]


@pytest.mark.parametrize(("what", "fault"), FAULTS)
def test_files_are_looked_at_by_check_and_by_serve(house: Household, what: str, fault: str) -> None:
    house.msp()
    for stem in ("tls", "ann", "bob"):
        write_certificate(Path(), stem=stem)
    text = with_tls(MSP, 'clients = ["ann ann.crt", "bob bob.crt"]\n')
    assert house.check(text) == []
    house.sound("sign", "c.toml")
    _spoil(what)
    (found,) = house.check(text)
    assert found.startswith(fault)
    outcome = house.run("serve", "c.toml")
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.startswith(fault)


def test_check_says_the_pin_and_how_long_it_counts(house: Household) -> None:
    house.msp()
    write_certificate(Path())
    house.write("c.toml", with_tls(MSP))
    pin = read_chain(Path("tls.crt")).pin.hex()
    notes = house.sound("check", "c.toml").splitlines()
    assert any(re.fullmatch(rf"note: c\.toml: tls\.crt: pin={pin}, expires \S+Z", line) for line in notes)


def test_an_expired_certificate_is_no_fault_and_is_said(house: Household) -> None:
    encrypted_msp(house)
    certificate, key = self_signed(("localhost",), 1_000_000_000.0, 1)
    Path("tls.crt").write_bytes(certificate)
    Path("tls.key").write_bytes(key)
    expected = "expired 2001-09-10T01:46:40Z; clients that look at dates refuse it"
    assert expected in house.sound("check", "alpha.toml")
    with running("alpha.toml") as daemon:
        assert f'event=certificate-not-current certificate=tls.crt reason="{expected}"' in daemon.log
    certificate, key = self_signed(("localhost",), 2_000_000_000.0, 1)
    Path("tls.crt").write_bytes(certificate)
    Path("tls.key").write_bytes(key)
    assert "begins 2033-05-18T02:33:20Z; clients that look at dates refuse it until then" in house.sound(
        "check", "alpha.toml"
    )


# --- keygen ----------------------------------------------------------------------------------------------------


def test_a_certificate_is_made_for_its_names(house: Household) -> None:
    out = house.sound(
        "keygen",
        "--tls",
        "resolver.example",
        "192.0.2.1",
        "--certificate",
        "a.crt",
        "--key",
        "a.key",
        "--days",
        "30",
    )
    chain = read_chain(Path("a.crt"))
    assert out == f"a.crt pin={chain.pin.hex()} {base64.b64encode(chain.pin).decode()}\n"
    assert zoneline.pin(chain.pin.hex()) == chain.pin
    assert stat.S_IMODE(Path("a.key").stat().st_mode) == 0o600
    assert round((chain.ends - chain.begins) / 86_400) == 30
    assert house.sound("keygen", "--pin", "a.crt") == out
    write_certificate(Path(), stem="b")
    assert house.sound("keygen", "--pin", "a.crt", "b.crt").startswith(out)


def test_nothing_is_overwritten(house: Household) -> None:
    house.write("a.crt", "mine")
    words = ("keygen", "--tls", "a.example", "--certificate", "a.crt", "--key", "a.key")
    assert house.run(*words).err == "a.crt: is there already, and is not overwritten\n"
    assert not Path("a.key").exists()
    Path("a.crt").rename("a.key")
    assert house.run(*words).err == "a.key: is there already, and is not overwritten\n"
    assert house.run(*words[:-1], "a.crt").err == "a.crt: is named twice\n"
    assert not Path("a.crt").exists()


def test_half_of_it_is_not_left_behind(house: Household) -> None:
    outcome = house.run("keygen", "--tls", "a.example", "--certificate", "no/a.crt", "--key", "a.key")
    assert (outcome.status, outcome.err) == (1, "fingerpost keygen: no/a.crt: No such file or directory\n")
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--tls", "a.example"), "--tls takes NAME..., --certificate OUT and --key OUT, and no other file"),
        (("--certificate", "a.crt", "--key", "a.key"), "or --tls NAME... with --certificate and --key"),
        (("--pin",), "--pin FILE..."),
        (("--pin", "--public", "a.crt"), "--pin FILE..."),
        (("--pin", "no.crt"), "no.crt: cannot be read: No such file or directory"),
        (
            ("--tls", "a.example", "--certificate", "a.crt", "--key", "a.key", "--days", "0"),
            "--days 0, expected 1 to",
        ),
        (("--tls", "\N{SNOWMAN}", "--certificate", "a.crt", "--key", "a.key"), "cannot be made for \N{SNOWMAN}: "),
    ],
)
def test_what_makes_no_sense_is_said(house: Household, words: tuple[str, ...], reason: str) -> None:
    outcome = house.run("keygen", *words)
    assert outcome.status == 1
    assert reason in " ".join(outcome.err.split())
    assert list(Path().iterdir()) == []


# --- daemons ---------------------------------------------------------------------------------------------------


def test_an_authority_answers_over_tls(house: Household) -> None:
    encrypted_msp(house)
    with running("alpha.toml") as daemon, encrypted(daemon.doors.tls, trusting()) as sock:
        assert (sock.version(), sock.selected_alpn_protocol()) == ("TLSv1.3", "dot")
        for _ in range(3):
            assert ask(sock, KNOWN).rcode == Rcode.NOERROR
        status, log = daemon.end()
    assert status == 0
    assert re.search(r"event=listening protocol=tls address=127\.0\.0\.1#\d+", log)
    assert re.search(r"event=statistics tls=127\.0\.0\.1#\d+ connected=\d accepted=1 refused=0 handshakes=1 ", log)


def test_who_shakes_hands_too_often_is_turned_away_and_keeps_what_is_open(house: Household) -> None:
    """At one question a second a handshake is three seconds' worth, whichever worker is met."""
    encrypted_msp(house, "\n[limits]\nrate = 1\n", workers=2)
    with running("alpha.toml") as daemon, encrypted(daemon.doors.tls, trusting()) as sock:
        for _ in range(2):
            with pytest.raises((ssl.SSLError, ConnectionError)), encrypted(daemon.doors.tls, trusting()):
                pytest.fail("was let in")
        assert ask(sock, KNOWN).rcode == Rcode.NOERROR
        log = daemon.end()[1]
    assert "event=limited why=handshake_rate client=127.0.0.1 count=1" in log
    assert sum(map(int, re.findall(r" handshakes_refused=(\d+) ", log))) == 2
    assert sum(map(int, re.findall(r" over_handshake_rate=(\d+) ", log))) == 2


def test_whichever_worker_is_met_a_client_resumes(house: Household) -> None:
    """Sixty connections over three workers: that one of them gets none happens once in 10^10."""
    encrypted_msp(house, workers=3)
    context, resumed = trusting(), 0
    with running("alpha.toml") as daemon:
        session = None
        for _ in range(60):
            with encrypted(daemon.doors.tls, context, session) as sock:
                assert ask(sock, KNOWN).rcode == Rcode.NOERROR
                resumed += bool(sock.session_reused)
                session = sock.session
        log = daemon.end()[1]
    counts = re.findall(r"tls=\S+ .* handshakes=(\d+) resumed=(\d+) .* worker=(\d)", log)
    assert len(counts) == 3
    assert all(int(handshakes) for handshakes, _, _ in counts)
    assert sum(int(handshakes) for handshakes, _, _ in counts) == 60
    assert resumed == sum(int(count) for _, count, _ in counts) == 59


def _der(file: str) -> bytes:
    return read_chain(Path(file)).certificates[0]


def test_a_new_certificate_is_taken_over_and_ends_no_connection(house: Household) -> None:
    encrypted_msp(house, workers=2)
    old = _der("tls.crt")
    with running("alpha.toml") as daemon:
        port = daemon.doors.tls
        with encrypted(port, trusting()) as before:
            ask(before, KNOWN)
            session, context = before.session, before.context
            write_certificate(Path())
            new = _der("tls.crt")
            daemon.process.send_signal(signal.SIGHUP)
            daemon.wait_logged("event=certificate-reloaded", 3)  # two workers, and the supervisor
            assert {shown(port) for _ in range(10)} == {new}
            assert ask(before, KNOWN).rcode == Rcode.NOERROR
            assert before.getpeercert(binary_form=True) == old
            with encrypted(port, context, session) as resumed:
                assert resumed.session_reused
        for pid in daemon.workers():
            os.kill(pid, signal.SIGKILL)
        daemon.wait_logged("event=worker-started", 4)
        assert {shown(port) for _ in range(10)} == {new}, "a successor has the new one, too"
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_logged("event=reload-not-needed certificate=tls.crt", 3)
        assert daemon.end()[0] == 0
    assert f"pin={read_chain(Path('tls.crt')).pin.hex()} expires=" in daemon.log


@pytest.mark.parametrize(("what", "fault"), [fault for fault in FAULTS if "client" not in fault[0]])
def test_a_bad_certificate_leaves_the_old_one_serving(house: Household, what: str, fault: str) -> None:
    encrypted_msp(house)
    old = _der("tls.crt")
    with running("alpha.toml") as daemon:
        _spoil(what)
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_logged("event=reload-failed certificate=tls.crt reason=", 2)
        assert shown(daemon.doors.tls) == old
        assert fault.split(": ", 1)[1] in daemon.log
        write_certificate(Path())
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_logged("event=certificate-reloaded", 2)
        assert shown(daemon.doors.tls) == _der("tls.crt")
        assert daemon.end()[0] == 0


def test_a_resolver_answers_over_tls_and_reloads_too(house: Household) -> None:
    house.root()
    write_certificate(Path())
    house.write("resolver.toml", with_tls(RESOLVER + 'root = ["127.0.0.1#9"]\n'))
    with running("resolver.toml") as daemon:
        with encrypted(daemon.doors.tls, trusting()) as sock:
            assert ask(sock, names.from_text("."), QType.ZONE).rcode == Rcode.NOERROR
        write_certificate(Path())
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_logged("event=certificate-reloaded", 1 + len(daemon.workers()))
        assert shown(daemon.doors.tls) == _der("tls.crt")
        assert daemon.end()[0] == 0


def test_clients_are_known_or_nameless_or_refused(house: Household) -> None:
    for stem in ("ann", "eve"):
        write_certificate(Path(), f"{stem}.example", stem=stem)
    encrypted_msp(house, 'clients = ["ann ann.crt"]\n')
    with running("alpha.toml") as daemon:
        for client in ("", "ann"):
            with encrypted(daemon.doors.tls, trusting(client=client)) as sock:
                assert ask(sock, KNOWN).rcode == Rcode.NOERROR
        with (
            pytest.raises((ssl.SSLError, ConnectionError, AssertionError)),  # which, is up to timing
            encrypted(daemon.doors.tls, trusting(client="eve")) as sock,
        ):
            ask(sock, KNOWN)
        log = daemon.end()[1]
    assert " handshakes=2 resumed=0 handshakes_failed=1 " in log


# --- programs of others ----------------------------------------------------------------------------------------


def _run(*words: str, stdin: str = "") -> str:
    if shutil.which(words[0]) is None:
        pytest.skip(f"there is no {words[0]} here")
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def _name(owner: Name) -> str:
    return names.to_text(owner) + "fingerpost.internal."


def test_kdig_asks_over_tls(house: Household) -> None:
    encrypted_msp(house)
    pin = base64.b64encode(read_chain(Path("tls.crt")).pin).decode()
    with running("alpha.toml") as daemon:
        base = ("kdig", "@127.0.0.1", "-p", str(daemon.doors.tls), _name(KNOWN), "TYPE65280")
        for options in (
            ("+tls",),
            (f"+tls-pin={pin}",),
            ("+tls-ca=tls.crt", "+tls-hostname=localhost"),
            ("+tls", "+keepopen", "+padding=468"),
        ):
            out = _run(*base, *options)
            assert "TLS session (TLS1.3)" in out
            assert "status: NOERROR" in out
            assert "ANSWER: 1;" in out
            assert "WARNING" not in out
        wrong = base64.b64encode(bytes(32)).decode()
        refused = subprocess.run(
            [*base, f"+tls-pin={wrong}", "+retry=0", "+timeout=5"],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert "NOERROR" not in refused.stdout
        assert daemon.end()[0] == 0


def test_dnsperf_asks_over_tls(house: Household) -> None:
    encrypted_msp(house)
    house.write("queries", f"{_name(KNOWN)} TYPE65280\n" * 10)
    with running("alpha.toml") as daemon:
        out = _run(
            *("dnsperf", "-m", "dot", "-s", "127.0.0.1", "-p", str(daemon.doors.tls), "-d", "queries"),
            *("-n", "200", "-c", "4", "-T", "1", "-q", "40"),
        )
        assert re.search(r"Queries completed: +2000 \(100\.00%\)", out), out
        assert re.search(r"Response codes: +NOERROR 2000 \(100\.00%\)", out), out
        assert daemon.end()[0] == 0


def test_openssl_resumes(house: Household) -> None:
    encrypted_msp(house)
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl here")
    with running("alpha.toml") as daemon:
        base = [
            "openssl",
            "s_client",
            "-connect",
            f"127.0.0.1:{daemon.doors.tls}",
            "-alpn",
            "dot",
            "-CAfile",
            "tls.crt",
        ]
        first = _until_ticket(base, Path("first"))
        second = _until_ticket([*base, "-sess_in", "first"], Path("second"))
        assert "New, TLSv1.3" in first
        assert "Verify return code: 0 (ok)" in first
        assert "ALPN protocol: dot" in first
        assert "Reused, TLSv1.3" in second
        status, log = daemon.end()
    assert status == 0
    assert " resumed=1 " in log


def _until_ticket(command: list[str], ticket: Path) -> str:
    """Ask something with openssl, and end it once a ticket has come with the answer."""
    with subprocess.Popen(
        [*command, "-sess_out", str(ticket)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as client:
        assert client.stdin is not None
        client.stdin.write(b"\0\x0c" + bytes(12))  # no question: the answer is FORMERR
        client.stdin.flush()
        wait_until(lambda: ticket.exists() and "END" in ticket.read_text(), lambda: "no ticket")
        return client.communicate(timeout=SECONDS)[0].decode(errors="replace")
