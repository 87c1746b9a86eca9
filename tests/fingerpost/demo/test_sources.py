import tomllib
from pathlib import Path

import pytest

from fingerpost import configuration
from fingerpost.demo import sources
from fingerpost.demo.people import Block, Person
from fingerpost.demo.plan import ALPHA, BETA, REGISTRY, ROOT, Grant, ZonePlan
from fingerpost.demo.sources import Doors, Party
from zonedata import listings
from zonedata.errors import Fault
from zonedata.identifiers import node_from_text
from zonedata.keys import PrivateKey
from zonedata.kinds import Role, Use
from zonedata.listings import BlockListing, Listing
from zonedata.zonefile import read_zone

KEY = PrivateKey.from_seed(b"a" * 32).public
OTHER = PrivateKey.from_seed(b"b" * 32).public
PEOPLE = (
    Person("+14155550123", f"mimi://{ALPHA}/u/1", ("e2ee", "video")),
    Person("a@example.com", f"mimi://{ALPHA}/u/2"),
)


def test_a_zone_source_says_what_the_plan_does(tmp_path: Path) -> None:
    zone = ZonePlan(
        REGISTRY,
        ("+44",),
        (Grant("+44", ALPHA), Grant("+447700", BETA), Grant("@a.example", ALPHA, deep=True)),
        frozenset({"+447700"}),
        (ALPHA,),
        (BETA,),
    )
    zone = ZonePlan(zone.name, (*zone.scope, "@a.example"), zone.grants, zone.terminating, zone.binds, zone.above)
    parties = {
        ALPHA: Party(ALPHA, (("assert", KEY.to_text()), ("deny", OTHER.to_text())), 5300, (8530, bytes(range(32))))
    }
    path = tmp_path / "zone"
    path.write_text(sources.zone_text(zone, parties, {ALPHA: "Alpha; or not", BETA: "Beta"}))
    read = read_zone(path)
    assert (read.zone, read.lab_addresses, read.above) == (REGISTRY, True, {BETA})
    assert read.scope == [node_from_text("+44"), node_from_text("@a.example")]
    assert {bound.uses for bound in read.bindings[ALPHA].keys.values()} == {(Use.ASSERT,), (Use.DENY,)}
    (server,) = read.bindings[ALPHA].servers.values()
    assert (server.addresses, dict(server.ports)) == (("127.0.0.1",), {"udp": 5300, "tcp": 5300, "tls": 8530})
    assert server.pin == bytes(range(32))
    assert {grant.roles for grant in read.nodes[node_from_text("+44")].grants.values()} == {(Role.MSP,)}
    assert read.nodes[node_from_text("+447700")].terminating
    assert (ALPHA, True) in read.nodes[node_from_text("@a.example")].grants


def test_a_zone_source_says_that_it_is_fiction_and_who_is_who() -> None:
    zone = ZonePlan(ROOT, (), (Grant("+1", ALPHA),), frozenset(), (ALPHA,))
    text = sources.zone_text(zone, {ALPHA: Party(ALPHA, (("assert", KEY.to_text()),), 1)}, {ALPHA: "Ålpha"})
    assert "fictitious" in text.splitlines()[0]
    assert f"key {ALPHA} assert {KEY.to_text()}  ; Ålpha\n" in text
    assert max(len(line) for line in sources.FICTION.splitlines()) <= 80


@pytest.mark.parametrize("suffix", ["csv", "ndjson"])
def test_people_are_read_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"people.{suffix}"
    block = Block("+4477009", f"mimi://{ALPHA}/n/{{number}}", (12,), ("1",))
    texts = sources.people_csv(PEOPLE) if suffix == "csv" else sources.people_ndjson(PEOPLE, [block])
    path.write_text("".join(texts))
    faults: list[Fault] = []
    read = list(listings.read_listings(path, ALPHA, faults.append))
    assert faults == []
    people = [one for one in read if isinstance(one, Listing)]
    assert [(one.ssi, one.features) for one in people] == [(person.ssi, person.features) for person in PEOPLE]
    blocks = [one for one in read if isinstance(one, BlockListing)]
    assert len(blocks) == (suffix == "ndjson")
    for one in blocks:
        assert (one.template, one.lengths, one.exceptions) == (block.template, block.lengths, block.exceptions)


def test_configurations_are_sound_toml() -> None:
    registry = tomllib.loads(sources.zone_config(REGISTRY, Doors(5301, 8531), "z.zone"))
    assert registry["authority"] == {"name": REGISTRY, "store": f"stores/{REGISTRY}", "roles": ["registry"]}
    root = tomllib.loads(sources.zone_config(ROOT, Doors(5300, 8530), "root.zone"))
    assert root["authority"] == {"name": ROOT, "store": "stores/root"}
    assert root["sign"] == {"key": "keys/root.zone.pem", "zone": "root.zone", "anchor": "anchor.pem"}
    msp = tomllib.loads(sources.msp_config(ALPHA, Doors(5302, 8532), "a.csv", ["+1", "@example.com"]))
    assert msp["sign"]["nodes"] == ["+1", "@example.com"]
    assert msp["listen"] == {"udp": ["127.0.0.1#5302"], "tcp": ["127.0.0.1#5302"], "tls": ["127.0.0.1#8532"]}
    assert msp["tls"] == {"certificate": "keys/alpha.example.tls.crt", "key": "keys/alpha.example.tls.key"}
    resolver = tomllib.loads(sources.resolver_config("resolver", Doors(5303, 8533, 8443)))
    assert resolver["listen"]["https"] == ["127.0.0.1#8443"]
    assert resolver["resolver"] == {"anchor": "anchor.pem", "lab_addresses": True}


def test_configurations_are_what_the_daemons_read(tmp_path: Path) -> None:
    for name, text in {
        "root": sources.zone_config(ROOT, Doors(5300, 8530), "root.zone"),
        "registry": sources.zone_config(REGISTRY, Doors(5301, 8531), "z.zone"),
        "msp": sources.msp_config(ALPHA, Doors(5302, 8532), "a.csv", ["+1", "@example.com"]),
        "resolver": sources.resolver_config("resolver", Doors(5303, 8533, 8443)),
    }.items():
        path = tmp_path / f"{name}.toml"
        path.write_text(text)
        assert configuration.read(path, inspect=()).listen.udp[0].is_loopback
        assert configuration.read(path, inspect=()).process.workers == 1
