"""A relay's file: what it says, and what is wrong with it."""

from pathlib import Path

import pytest

from fingerpost import relay_configuration
from fingerpost.relay_sections import GatewayUrl
from tests.certificates import write_certificate
from transport.clients import LimitSettings, Quota
from transport.endpoint import Endpoint
from transport.oblivious.places import RELAY as PATH
from transport.oblivious.places import WELL_KNOWN
from transport.proof import Certified, Pinned
from zonedata.errors import ConfigError

LEAST = """[relay]
listen = ["127.0.0.1#8443"]
certificate = "relay.crt"
key = "relay.key"
gateway = "https://resolver.example"
"""


def read(place: Path, text: str) -> relay_configuration.RelayConfiguration:
    path = place / "relay.toml"
    path.write_text(text)
    return relay_configuration.read(path)


def faults(place: Path, text: str) -> list[str]:
    write_certificate(place)
    with pytest.raises(ConfigError) as raised:
        read(place, text)
    return [fault.to_text().removeprefix(f"{place}/") for fault in raised.value.faults]


def test_the_least_that_a_relay_needs(tmp_path: Path) -> None:
    part = read(tmp_path, LEAST).relay
    assert part.listen == (Endpoint("127.0.0.1", 8443),)
    assert (part.certificate, part.key) == (tmp_path / "relay.crt", tmp_path / "relay.key")
    assert part.gateway == GatewayUrl("resolver.example", 443, WELL_KNOWN)
    assert part.proof == Certified("resolver.example")
    assert (part.address, part.path, part.logs_clients) == (None, PATH, False)
    assert part.rates == LimitSettings(50, Quota(0, 0))


def test_all_that_a_relay_may_be_told(tmp_path: Path) -> None:
    certificate, _ = write_certificate(tmp_path)
    certificate.rename(tmp_path / "authorities.pem")
    more = (
        'address = "192.0.2.53#8443"\nauthorities = "authorities.pem"\npath = "/r"\nrate = 7\nlog_clients = true\n'
    )
    part = read(
        tmp_path, LEAST.replace(".example", ".example:8443/o") + more + 'clients = ["10.0.0.0/8 9"]\n'
    ).relay
    assert part.gateway == GatewayUrl("resolver.example", 8443, "/o")
    assert part.address == Endpoint("192.0.2.53", 8443)
    assert part.proof == Certified("resolver.example", tmp_path / "authorities.pem")
    assert (part.path, part.logs_clients, part.rates.rate, len(part.rates.clients)) == ("/r", True, 7, 1)
    pinned = read(tmp_path, LEAST + f'pin = "{"ab" * 32}"\n').relay
    assert pinned.proof == Pinned(b"\xab" * 32)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("https://", "http://", "relay.toml:5: relay.gateway: 'http://resolver.example' would be read on its way"),
        ("https://", "", "relay.toml:5: relay.gateway: 'resolver.example' is no URL such as https://"),
        ("resolver.example", "a@b.example", "relay.gateway: 'https://a@b.example' is no URL"),
        ("resolver.example", "b.example/?x", "is no URL"),
        ("resolver.example", "b.example:0", "is no URL"),
        ("resolver.example", "b.example:99999", "is no URL"),
        ('["127.0.0.1#8443"]', "[]", "relay.toml:2: relay.listen: has no address; nobody could post"),
        ('key = "relay.key"\n', "", "relay.toml:1: relay.key: missing; expected path"),
        ("[relay]", "[relay]\npin = 'ABAB'", "relay.pin: 'ABAB', expected 64 of the digits"),
        ("[relay]", "[relay]\npath = 'relay'", "relay.path: 'relay' is no path such as /relay"),
        ("[relay]", "[relay]\npath = '/relay?x'", "is no path"),
        (
            "[relay]",
            "[relay]\nauthorities = 'gone.pem'",
            "gone.pem: certificates of authorities cannot be read: No such file",
        ),
        (
            "[relay]",
            "[relay]\nauthorities = 'relay.toml'",
            "relay.toml: certificates of authorities cannot be read: ",
        ),
        ("[relay]", "[relay]\nratio = 5", "relay.toml:2: relay.ratio: unknown; did you mean 'rate'?"),
        ("[relay]", "apex = 'x.'\n[relay]", "relay.toml:1: apex: has no place in a relay's file"),
        (
            "[relay]",
            f"[relay]\nauthorities = 'tls.crt'\npin = '{'ab' * 32}'",
            "relay.toml:3: relay.pin: stands beside 'authorities'",
        ),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(tmp_path: Path, old: str, new: str, fault: str) -> None:
    found = faults(tmp_path, LEAST.replace(old, new))
    assert len(found) == 1
    assert fault in found[0]


def test_all_faults_are_said_at_once(tmp_path: Path) -> None:
    assert len(faults(tmp_path, "[relay]\nlisten = 5\nrate = 0\n[listen]\n")) == 6


def test_a_file_without_a_relay_is_none(tmp_path: Path) -> None:
    assert "missing; expected a table: [relay]" in faults(tmp_path, "relay = 5\n")[0]
    path = tmp_path / "other.toml"
    for text, is_one in (("[listen]\n", False), ("[relay\n", False), ("[relay]\n", True)):
        path.write_text(text)
        assert relay_configuration.is_one(path) is is_one
    assert not relay_configuration.is_one(tmp_path / "gone.toml")
