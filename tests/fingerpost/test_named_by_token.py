"""A resolver knows its client by a token: fpdig and curl ask it over HTTPS; all real programs."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from resolver import bearer_file
from tests.certificates import write_certificate
from tests.fingerpost.daemons import APEX, Running, running
from tests.fingerpost.household import RESOLVER, Household
from tests.fingerpost.test_private_ways import fpdig
from zonedata import identifiers, replies, wire
from zonedata.wire import QType, Rcode

ALICE, BOB, CAROL = "alice@example.com", "bob@example.com", "carol@example.com"
LISTEN = 'tcp = ["127.0.0.1#0"]\nhttps = ["127.0.0.1#0"]'
MORE = """
[tls]
certificate = "tls.crt"
key = "tls.key"

[limits]
distinct_day = 1
distinct_ten_days = 1

[[client]]
name = "partner"
distinct_day = 100
distinct_ten_days = 100
{bearers}"""


@pytest.fixture
def resolver(house: Household) -> Iterator[Running]:
    """One that answers anybody about one person a day, and a partner about a hundred."""
    house.msp()
    house.sound("sign", "alpha.toml")
    write_certificate(house.folder)
    bearers = house.sound("keygen", "--bearer", "partner.token")
    with running("alpha.toml") as msp:
        house.root(*house.delegation(msp.doors.udp, msp.doors.tcp))
        house.sound("sign", "root.toml")
        with running("root.toml") as root:
            text = RESOLVER.replace('tcp = ["127.0.0.1#0"]', LISTEN) + f'root = ["127.0.0.1#{root.doors.udp}"]\n'
            house.write("resolver.toml", text + MORE.format(bearers=bearers))
            with running("resolver.toml") as daemon:
                yield daemon
                status, log = daemon.end()
                assert status == 0
                assert bearer_file.read(Path("partner.token")) not in log


def test_fpdig_asks_under_its_name(house: Household, resolver: Running) -> None:
    here = [f"@https://localhost:{resolver.doors.https}", "+tls-ca=tls.crt"]
    first = fpdig(*here, ALICE)
    assert (first.returncode, first.stdout) == (0, "mimi://alpha.example/u/alice\n"), first.stderr
    assert "retry after" in fpdig(*here, BOB).stderr
    for person in (BOB, CAROL):
        named = fpdig(*here, "+bearer=partner.token", person)
        assert named.returncode == 0, named
        assert "retry after" not in named.stderr
    house.sound("keygen", "--bearer", "other.token")
    wrong = fpdig(*here, "+bearer=other.token", ALICE)
    assert wrong.returncode == 9
    assert "HTTP status 401" in wrong.stderr
    for words, reason in (
        ([*here, "+bearer=none.token"], "none.token: cannot be read"),
        ([*here, "+bearer=tls.crt"], "tls.crt: has mode 0644"),
        ([here[0].replace("@https:", "@tls:"), here[1], "+bearer=partner.token"], "+bearer is for DNS over HTTPS"),
        (["@127.0.0.1", "+https", "+bearer=partner.token"], "+bearer is shown to nobody who has not proven"),
    ):
        refused = fpdig(*words, ALICE)
        assert refused.returncode == 1
        assert reason in refused.stderr


def test_curl_shows_a_token(house: Household, resolver: Running) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl here")
    url = f"https://localhost:{resolver.doors.https}/dns-query"
    house.write("unknown", "Authorization: Bearer nobodys")
    house.write("known", f"Authorization: Bearer {bearer_file.read(Path('partner.token'))}")

    def post(person: str, *words: str) -> tuple[str, bytes]:
        query = wire.query_wire(identifiers.parse(person).owner, APEX, QType.CSI, 0, wire.FLAG_RD)
        Path("query").write_bytes(query)
        posting = ("-H", "content-type: application/dns-message", "--data-binary", "@query", "-o", "reply")
        command = ["curl", "-s", "--cacert", "tls.crt", "-D", "head", "-w", "%{http_code}", *posting, *words, url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        return done.stdout, Path("reply").read_bytes()

    for words, rcode in (((), Rcode.REFUSED), (("-H", "@known"), Rcode.NOERROR)):
        post(ALICE, *words)
        status, reply = post("+14155550123", *words)
        assert status == "200"
        assert replies.read_reply(reply).rcode == rcode
    assert post(ALICE, "-H", "@unknown")[0] == "401"
    assert 'www-authenticate: Bearer error="invalid_token"' in Path("head").read_text()
