"""A resolver as other programs ask it over what is encrypted: dig, kdig, curl, dnsperf, each with its own TLS."""

import base64
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.certificates import write_certificate
from tests.fingerpost.daemons import APEX, Doors, running
from tests.fingerpost.household import RESOLVER, Household
from zonedata import identifiers, names, replies, wire
from zonedata.names import Name
from zonedata.wire import QType, Rcode

ALICE = identifiers.parse("alice@example.com").owner
NAME = names.to_text(Name(APEX + ALICE))
LISTEN = 'tcp = ["127.0.0.1#0"]\ntls = ["127.0.0.1#0"]\nhttps = ["127.0.0.1#0"]'
SECTION = '\n[tls]\ncertificate = "tls.crt"\nkey = "tls.key"\n'
TYPE = f"TYPE{QType.CSI:d}"
SECONDS = 30


@pytest.fixture
def resolver(house: Household) -> Iterator[Doors]:
    """A resolver above a root and a provider, each a real program."""
    house.msp()
    house.sound("sign", "alpha.toml")
    write_certificate(house.folder)
    with running("alpha.toml") as msp:
        house.root(*house.delegation(msp.doors.udp, msp.doors.tcp))
        house.sound("sign", "root.toml")
        with running("root.toml") as root:
            text = RESOLVER.replace('tcp = ["127.0.0.1#0"]', LISTEN) + f'root = ["127.0.0.1#{root.doors.udp}"]\n'
            house.write("resolver.toml", text + SECTION)
            with running("resolver.toml") as daemon:
                yield daemon.doors
                assert daemon.end()[0] == 0


def _run(*words: str) -> str:
    if shutil.which(words[0]) is None:
        pytest.skip(f"there is no {words[0]} here")
    done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("way", ["+https", "+https-get", "+tls"])
def test_dig(resolver: Doors, way: str) -> None:
    port = str(resolver.tls if way == "+tls" else resolver.https)
    out = _run("dig", way, "@127.0.0.1", "-p", port, NAME, TYPE, "+tries=1")
    assert "status: NOERROR" in out
    assert f" IN TYPE{QType.CSI:d} \\# " in out.replace("\t", " ")
    assert "(TLS)" in out if way == "+tls" else "(HTTPS" in out


@pytest.mark.parametrize("way", ["+https", "+https-get", "+tls"])
def test_kdig_demands_the_certificate(resolver: Doors, way: str) -> None:
    port = str(resolver.tls if way == "+tls" else resolver.https)
    trusting = ("+tls-ca=tls.crt", "+tls-hostname=localhost")
    out = _run("kdig", way, *trusting, "@127.0.0.1", "-p", port, NAME, TYPE, "+retry=0")
    assert "status: NOERROR" in out
    assert "TLS session (TLS1.3)" in out
    assert "The certificate is trusted" in out or "WARNING" not in out


def test_curl_posts_and_gets(resolver: Doors) -> None:
    message = wire.query_wire(ALICE, APEX, QType.CSI, 0, wire.FLAG_RD)
    Path("query").write_bytes(message)
    url = f"https://localhost:{resolver.https}/dns-query"
    report = ("-s", "--cacert", "tls.crt", "-w", "%{http_version} %{http_code} %{content_type}")
    posting = ("-H", "content-type: application/dns-message", "--data-binary", "@query")
    parameter = base64.urlsafe_b64encode(message).rstrip(b"=").decode()
    for number, words in enumerate(((*posting, url), (f"{url}?dns={parameter}",))):
        out = _run("curl", *report, "-o", f"reply{number}", *words)
        assert out == "2 200 application/dns-message"
        reply = Path(f"reply{number}").read_bytes()
        assert replies.answers(reply, message)
        assert replies.read_reply(reply).rcode == Rcode.NOERROR
        assert b"mimi://alpha.example/u/alice" in reply


@pytest.mark.parametrize("way", ["dot", "doh"])
def test_dnsperf(resolver: Doors, way: str) -> None:
    Path("queries").write_text(f"{NAME} {TYPE}\n" * 10)
    port = str(resolver.tls if way == "dot" else resolver.https)
    more = ("-O", f"doh-uri=https://localhost:{port}/dns-query", "-O", "doh-method=GET") if way == "doh" else ()
    load = ("-d", "queries", "-n", "50", "-c", "2", "-T", "1", "-q", "20")
    out = _run("dnsperf", "-m", way, "-s", "127.0.0.1", "-p", port, *load, *more)
    assert re.search(r"Queries completed: +500 \(100\.00%\)", out), out
    assert re.search(r"Response codes: +NOERROR 500 \(100\.00%\)", out), out
