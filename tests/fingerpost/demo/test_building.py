import json
import ssl
import stat
from pathlib import Path

import pytest

from fingerpost import configuration, relay_configuration
from fingerpost.demo import building, sources
from fingerpost.demo.building import DAEMONS, DOORS, HTTPS, NOBODY, QUIC, RELAY, RESOLVER, SHOWN, TLS, World
from fingerpost.demo.plan import LIVE, REGISTRY, ROOT, VACANT, Plan
from transport.tls.certificates import pin_of
from zonedata import keys, listings, trust
from zonedata.errors import Fault
from zonedata.zonefile import read_zone

PORTS = {name: 5300 + at for at, name in enumerate((*DOORS, NOBODY))}


def pin(world: World, daemon: str) -> bytes:
    certificate = (world.place / sources.tls_files(daemon)[0]).read_text()
    return pin_of(ssl.PEM_cert_to_DER_cert(certificate))


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def world(small_plan: Plan, said: list[str], tmp_path_factory: pytest.TempPathFactory) -> World:
    return building.build(tmp_path_factory.mktemp("world"), small_plan, PORTS, said.append)


def test_the_anchor_is_sound_and_leads_to_the_root(world: World) -> None:
    anchor = trust.read_anchor(world.anchor)
    assert anchor.rootkeys.version == 1
    assert (len(anchor.rootkeys.root_keys), anchor.rootkeys.threshold) == (3, 2)
    assert dict(anchor.servers[0].ports) == {"udp": PORTS[ROOT], "tcp": PORTS[ROOT], "tls": PORTS[TLS[ROOT]]}
    assert anchor.servers[0].pin == pin(world, ROOT)
    zone_key = keys.load(world.place / "keys" / "root.zone.pem")
    assert anchor.rootkeys.zone_keys == (zone_key.public,)


def test_zone_sources_are_read_without_a_fault(world: World, small_plan: Plan) -> None:
    for plan, name in ((small_plan.root, "root.zone"), (small_plan.registry, f"{REGISTRY}.zone")):
        zone = read_zone(world.place / name)
        assert zone.zone == plan.name
        assert set(zone.bindings) == set(plan.binds)
        assert zone.above == set(plan.above)
        assert len(zone.nodes) == len({grant.node for grant in plan.grants} | plan.terminating)


def test_who_does_not_run_is_at_the_port_of_nobody(world: World) -> None:
    zone = read_zone(world.place / "root.zone")
    for name, binding in zone.bindings.items():
        (server,) = binding.servers.values()
        assert dict(server.ports)["udp"] == PORTS.get(name, PORTS[NOBODY])
        assert dict(server.ports).get("tls") == (PORTS[TLS[name]] if name in PORTS else None)
        assert server.pin == (pin(world, name) if name in PORTS else b"")
    assert VACANT in zone.bindings


def test_only_the_keys_of_who_runs_are_kept(world: World) -> None:
    held = {path.name for path in (world.place / "keys").iterdir()}
    wanted = {f"root.{word}.pem" for word in ("1", "2", "3", "zone")} | {f"{REGISTRY}.zone.pem"}
    wanted |= {f"{msp}.{use}.pem" for msp in LIVE for use in ("assert", "deny")}
    wanted |= {Path(file).name for name in SHOWN for file in sources.tls_files(name)} | {"oblivious.keys"}
    assert held == wanted
    for path in (world.place / "keys").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600 or path.suffix == ".crt"
    assert stat.S_IMODE((world.place / "keys").stat().st_mode) == 0o700


def test_zones_bind_the_keys_that_sign(world: World) -> None:
    zones = [read_zone(world.place / f"{name}.zone") for name in ("root", REGISTRY)]
    bound = {name: binding for zone in zones for name, binding in zone.bindings.items()}
    for msp in LIVE:
        for use in ("assert", "deny"):
            key = keys.load(world.place / "keys" / f"{msp}.{use}.pem").public
            assert bound[msp].keys[key.key_id].uses == (use,)


def test_people_are_read_without_a_fault(world: World) -> None:
    for msp in LIVE:
        faults: list[Fault] = []
        (source,) = (path for path in world.place.glob(f"{msp}.*") if path.suffix in {".csv", ".ndjson"})
        read = [
            one for one in listings.read_listings(source, msp, faults.append) if isinstance(one, listings.Listing)
        ]
        assert faults == []
        assert len(read) == world.counts[msp] > 0


def test_configurations_are_sound_with_all_their_files(world: World) -> None:
    for name in DAEMONS:
        read = configuration.read(world.config(name))
        assert read.listen.udp[0].port == PORTS[name]
        assert read.listen.tls[0].port == PORTS[TLS[name]]


def test_the_relays_configuration_is_sound(world: World) -> None:
    read = relay_configuration.read(world.config(RELAY))
    assert [one.port for one in read.relay.listen] == [PORTS[RELAY]]
    assert read.relay.gateway.port == PORTS[HTTPS]


def test_demo_json_says_what_to_try(world: World) -> None:
    whole = json.loads((world.place / "demo.json").read_text())
    assert whole["anchor"] == str(world.anchor.resolve())
    assert whole["apex"] == "fingerpost.internal."
    assert whole["dot"] == f"127.0.0.1:{PORTS[TLS[RESOLVER]]}"
    assert whole["doh"] == f"127.0.0.1:{PORTS[HTTPS]}"
    assert whole["doq"] == f"127.0.0.1:{PORTS[QUIC]}"
    assert whole["relay"] == f"127.0.0.1:{PORTS[RELAY]}"
    assert Path(whole["certificate"]).read_text().count("-----BEGIN CERTIFICATE-----") == 2
    assert len(whole["samples"]) == len(world.samples) >= 50


def test_it_says_what_it_does(world: World, said: list[str]) -> None:
    assert world.counts
    assert [line.split(":")[0].split(" ")[0] for line in said] == [
        "keys",
        "root.zone",
        f"{REGISTRY}.zone",
        "people",
    ]
