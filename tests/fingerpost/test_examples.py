"""The examples in deploy/ can be taken as they are, once the files that they name are there."""

from pathlib import Path

import pytest

from fingerpost import relay_configuration
from fingerpost.configuration import read
from fingerpost.sections import ListingsSigning, ZoneSigning

DEPLOY = Path(__file__).parents[2] / "deploy"
RELAY = DEPLOY / "relay.toml"  # a file of its own kind
OTHERS = sorted(set(DEPLOY.glob("*.toml")) - {RELAY})


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.name)
def test_an_example_is_sound(path: Path) -> None:
    configuration = read(path, inspect=())
    assert all(endpoint.is_loopback for endpoint in (*configuration.listen.udp, *configuration.listen.tcp))
    assert "#" in path.read_text()


def test_there_is_one_for_each_part() -> None:
    parts = {path.stem: read(path, inspect=()) for path in OTHERS}
    assert isinstance(parts["root"].sign, ZoneSigning)
    assert isinstance(parts["registry"].sign, ZoneSigning)
    assert isinstance(parts["msp"].sign, ListingsSigning)
    csip = parts["csip"].sign
    assert isinstance(csip, ListingsSigning)
    assert csip.revocations
    assert parts["resolver"].resolver is not None
    issuer = parts["issuer"].issuer
    assert issuer is not None
    assert all(endpoint.is_loopback for endpoint in issuer.http)
    validator = parts["validator"]
    assert validator.validate is not None
    assert validator.authority is not None
    assert validator.authority.register is not None
    assert all(endpoint.is_loopback for endpoint in validator.validate.http)
    assert None not in {validator.mail, validator.numbers}


def test_the_relays_is_sound() -> None:
    relay = relay_configuration.read(RELAY).relay
    assert all(endpoint.is_loopback for endpoint in relay.listen)
    assert not relay.logs_clients
