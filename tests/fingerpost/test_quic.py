"""DNS over QUIC in configurations, and in daemons that are real processes."""

import base64
import re
import signal
import subprocess
from importlib import metadata
from pathlib import Path

import dns.asyncquery
import dns.message
import dns.rcode
import pytest
import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fingerpost.configuration import read
from tests.certificates import write_certificate
from tests.fingerpost.daemons import PATIENCE, running
from tests.fingerpost.encrypted import SECTION
from tests.fingerpost.household import MSP, RESOLVER, Household
from tests.transport.quic.programs import kdig_speaks_quic
from transport.endpoint import Endpoint
from transport.tls.certificates import self_signed
from transport.tls.credentials import read_chain
from zonedata import identifiers, names

APEX = "fingerpost.internal."
KNOWN = names.to_text(identifiers.parse("+14155550123").owner) + APEX


def _with_quic(text: str, workers: int = 1) -> str:
    listening = 'tcp = ["127.0.0.1#0"]\nquic = ["127.0.0.1#0"]'
    return text.replace('tcp = ["127.0.0.1#0"]', listening) + SECTION + f"\n[process]\nworkers = {workers}\n"


def _msp(house: Household, workers: int = 1) -> None:
    house.msp()
    write_certificate(house.folder)
    house.write("alpha.toml", _with_quic((house.folder / "alpha.toml").read_text(), workers))
    house.sound("sign", "alpha.toml")


def _ask(port: int, name: str = KNOWN, qtype: str = "TYPE65280", authority: str = "tls.crt") -> dns.message.Message:
    """Ask as dnspython does, which looks at the certificate."""
    query = dns.message.make_query(name, qtype, use_edns=0, payload=1232)

    async def ask() -> dns.message.Message:
        return await dns.asyncquery.quic(query, "127.0.0.1", PATIENCE, port, verify=authority, hostname="localhost")

    return trio.run(ask)


def test_the_key_is_read(house: Household) -> None:
    house.write("c.toml", _with_quic(MSP))
    assert read(Path("c.toml"), inspect=()).listen.quic == (Endpoint("127.0.0.1", 0),)


def test_a_certificate_is_needed(house: Household) -> None:
    house.msp()
    (found,) = house.check(_with_quic(MSP).partition("\n[tls]")[0])
    assert found == "c.toml:4: listen.quic: needs a [tls] that says with which certificate"


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        (None, "needs the library aioquic, which is not installed: pip install 'fingerpost[quic]'"),
        ("1.8.0", "needs the library aioquic 1.7.x, and 1.8.0 is installed: pip install 'fingerpost[quic]'"),
    ],
)
def test_what_is_missing_is_said(
    house: Household, monkeypatch: pytest.MonkeyPatch, version: str | None, reason: str
) -> None:
    house.msp()
    write_certificate(Path())

    def found(_name: str) -> str:
        if version is None:
            raise metadata.PackageNotFoundError
        return version

    monkeypatch.setattr(metadata, "version", found)
    assert house.check(_with_quic(MSP)) == [f"c.toml:4: listen.quic: {reason}"]
    assert house.check(MSP) == []


def test_a_key_that_the_library_does_not_know_is_said(house: Household) -> None:
    _msp(house)
    pem = Path("tls.crt").read_bytes()
    old = x509.load_pem_x509_certificate(pem)
    key = ec.generate_private_key(ec.SECP521R1())
    made = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(old.issuer)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(old.not_valid_before_utc)
        .not_valid_after(old.not_valid_after_utc)
        .sign(key, hashes.SHA256())
    )
    Path("tls.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    Path("tls.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    outcome = house.run("serve", "alpha.toml")
    assert outcome.status == 1
    assert "tls.key: cannot be served over QUIC: the key is neither RSA, nor ECDSA on P-256" in outcome.err


def test_an_authority_answers_over_quic(house: Household) -> None:
    _msp(house, workers=2)
    with running("alpha.toml") as daemon:
        for _ in range(6):
            reply = _ask(daemon.doors.quic)
            assert reply.rcode() == dns.rcode.NOERROR
            assert len(reply.answer) == 1
        status, log = daemon.end()
    assert status == 0
    assert re.search(r"event=listening protocol=quic address=127\.0\.0\.1#\d+", log)
    assert sum(map(int, re.findall(r"quic=\S+ .* received=(\d+) ", log))) == 6


def test_a_new_certificate_is_taken_over(house: Household) -> None:
    _msp(house)
    with running("alpha.toml") as daemon:
        assert _ask(daemon.doors.quic).rcode() == dns.rcode.NOERROR
        certificate, key = self_signed(("localhost",), 1_700_000_000.0)
        Path("tls.crt").write_bytes(certificate)
        Path("tls.key").write_bytes(key)
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_logged("event=certificate-reloaded", 2)
        assert _ask(daemon.doors.quic).rcode() == dns.rcode.NOERROR  # with the new one as authority
        assert daemon.end()[0] == 0


def test_a_resolver_answers_over_quic(house: Household) -> None:
    house.root()
    write_certificate(Path())
    house.write("resolver.toml", _with_quic(RESOLVER + 'root = ["127.0.0.1#5300"]\n'))
    with running("resolver.toml") as daemon:
        reply = _ask(daemon.doors.quic, APEX, "SOA")
        assert reply.rcode() == dns.rcode.NOERROR
        assert daemon.end()[0] == 0


@pytest.mark.skipif(not kdig_speaks_quic(), reason="this machine has no kdig with QUIC")
def test_kdig_asks_over_quic_and_over_tls_at_the_same_port(house: Household) -> None:
    _msp(house)
    with running("alpha.toml") as daemon:
        port = daemon.doors.quic
        daemon.end()
    both = f'quic = ["127.0.0.1#{port}"]\ntls = ["127.0.0.1#{port}"]'
    house.write("alpha.toml", Path("alpha.toml").read_text().replace('quic = ["127.0.0.1#0"]', both))
    pin = base64.b64encode(read_chain(Path("tls.crt")).pin).decode()
    with running("alpha.toml") as daemon:
        base = ("kdig", "@127.0.0.1", "-p", str(port), KNOWN, "TYPE65280", "+retry=0", "+timeout=10")
        for options, session in (  # what is last counts, of +quic and those of TLS
            (("+tls-ca=tls.crt", "+tls-hostname=localhost", "+quic"), "QUIC session (QUICv1)"),
            ((f"+tls-pin={pin}", "+quic"), "QUIC session (QUICv1)"),
            (("+tls-ca=tls.crt", "+tls-hostname=localhost"), "TLS session (TLS1.3)"),
        ):
            done = subprocess.run([*base, *options], capture_output=True, text=True, timeout=60, check=False)
            assert session in done.stdout, done.stdout + done.stderr
            assert "status: NOERROR" in done.stdout
        assert daemon.end()[0] == 0
