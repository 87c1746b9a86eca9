"""[issuer] and [tokens] in a configuration, and the file of clients, with every mistake at its line."""

import time
from pathlib import Path

import pytest

from fingerpost.configuration import read
from fingerpost.tokens import issuer_clients
from fingerpost.tokens.sections import IssuerPart, TokensPart
from tests.fingerpost.household import RESOLVER as UNROOTED
from tests.fingerpost.household import Household, replaced
from tests.fingerpost.tokens.issuers import ISSUER
from tests.transport.tokens.mint import signing_key
from transport.endpoint import Endpoint
from transport.tokens.directory import Directory
from transport.tokens.tokens import TokenChallenge
from zonedata.errors import ConfigError

TOKENS = """
[tokens]
issuer = "issuer.example"
origin = "resolver.example"
directory = "directory.json"
spent = "spent"
"""
DIGEST = "sha256:" + "0" * 64
RESOLVER = UNROOTED + 'root = ["127.0.0.1#5300"]\n'


@pytest.fixture
def sound(house: Household) -> Household:
    """Files that the configurations name."""
    house.write("clients", f"# ours\nalpha 10 {DIGEST}\n")
    Path("directory.json").write_bytes(Directory("/", (signing_key().listed,)).to_json())
    house.root()
    return house


def test_what_they_become(sound: Household) -> None:
    sound.write("i.toml", ISSUER)
    assert read(Path("i.toml")).issuer == IssuerPart(
        (Endpoint("127.0.0.1", 0),), Path("keys"), Path("clients"), Path("grants"), 1
    )
    sound.write("r.toml", RESOLVER + TOKENS)
    part = read(Path("r.toml")).tokens
    assert part == TokensPart(
        "issuer.example", "resolver.example", Path("directory.json"), Path("spent"), 1_000_000
    )
    assert part.challenge == TokenChallenge(2, "issuer.example", b"", "resolver.example")
    assert sound.run("check", "i.toml", "r.toml").status == 0
    assert "[issuer]" in sound.sound("check", "--reference")
    assert "[tokens]" in sound.sound("check", "--reference")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[listen]\nudp = []\n" + ISSUER, "issuer: stands beside [listen]; an issuer has a file of its own"),
        (TOKENS + ISSUER, "tokens: has no [resolver] beside it that would take tokens"),
        (replaced(ISSUER, http="[]"), "issuer.http: has no address; nobody could ask"),
        (
            replaced(ISSUER, http='["192.0.2.1#80"]'),
            (
                "issuer.http: 192.0.2.1#80 is no loopback address, and plain HTTP is not encrypted; "
                "'allow_plain = true' allows it"
            ),
        ),
        (replaced(ISSUER, ahead="0"), "issuer.ahead: 0, expected a whole number from 1 to 60"),
        (replaced(ISSUER, clients='"none"'), "issuer.clients: none: cannot be read: No such file or directory"),
        (
            RESOLVER + replaced(TOKENS, origin='"a,b"'),
            "tokens.origin: 'a,b' has a comma; expected one name, such as resolver.example",
        ),
        (RESOLVER + replaced(TOKENS, issuer='"a b"'), "tokens.issuer: name with characters beyond printable ASCII"),
        (RESOLVER + replaced(TOKENS, directory='"clients"'), "tokens.directory: clients: directory is no JSON"),
    ],
)
def test_every_mistake_has_its_line(sound: Household, text: str, fault: str) -> None:
    (line,) = sound.check(text)
    assert line.split(": ", 1)[1] == fault


def test_an_issuer_is_nothing_else(sound: Household) -> None:
    faults = sound.check(RESOLVER + ISSUER)
    assert [line.split("issuer: ")[1].split(";")[0] for line in faults] == [
        "stands beside [listen]",
        "stands beside [resolver]",
    ]
    sound.write("i.toml", ISSUER)
    refused = sound.run("serve", "i.toml")
    assert (refused.status, "has no address; nothing would be heard" in refused.err) == (1, True)


def test_a_plain_address_may_be_allowed(sound: Household) -> None:
    assert sound.check(replaced(ISSUER, http='["192.0.2.1#80"]') + "allow_plain = true\n") == []


def test_clients_are_read_a_line_each(house: Household) -> None:
    path = house.write(
        "clients", f"\n# alpha is known\nalpha 10 {DIGEST} # and may have ten\nb.e-t_a 1 {DIGEST[:-1]}1\n"
    )
    alpha, beta = issuer_clients.read(path)
    assert (alpha.name, alpha.quota, alpha.digest) == ("alpha", 10, bytes(32))
    assert (beta.name, beta.quota, beta.digest) == ("b.e-t_a", 1, bytes(31) + b"\1")
    assert issuer_clients.line_of(alpha) == f"alpha 10 {DIGEST}"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("alpha", "expected three words: NAME TOKENS-A-DAY sha256:DIGEST"),
        (f"Beta 1 {DIGEST}", "'Beta' is no name: 1 to 64 of the characters a-z, 0-9, '.', '_' and '-'"),
        (f"beta 0 {DIGEST}", "'0' is no number of tokens a day from 1 to 1000000"),
        (f"beta 1000001 {DIGEST}", "'1000001' is no number of tokens a day from 1 to 1000000"),
        (f"beta \N{SUPERSCRIPT TWO} {DIGEST}", "'\ufffd\ufffd' is no number of tokens a day from 1 to 1000000"),
        ("beta 1 secret", "expected sha256: and 64 digits, as 'fingerpost issuer client' prints it"),
        (f"alpha 1 {DIGEST[:-1]}1", "alpha stands here twice"),
        (f"beta 1 {DIGEST}", "this secret is another client's, too"),
    ],
)
def test_every_mistake_in_it_has_its_line(house: Household, line: str, reason: str) -> None:
    path = house.write("clients", f"alpha 10 {DIGEST}\n")
    path.write_text(path.read_text() + line + "\n", encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        issuer_clients.read(path)
    assert [fault.to_text() for fault in raised.value.faults] == [f"clients:2: {reason}"]


def test_as_many_clients_as_a_file_holds_are_read_at_once(house: Household) -> None:
    """Each line was compared with all before it: seconds, in which the daemon answered nobody."""
    lines = (f"c{number} 1 sha256:{number:064x}\n" for number in range(13_000))
    path = house.write("clients", "".join(lines))
    begun = time.perf_counter()
    assert len(issuer_clients.read(path)) == 13_000
    assert time.perf_counter() - begun < 1.0


def test_a_file_without_end_is_not_read(house: Household) -> None:
    path = house.write("clients", "#" * 1_048_577)
    with pytest.raises(ConfigError, match="longer than"):
        issuer_clients.read(path)
