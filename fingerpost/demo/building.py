"""Writing the tree down: keys, anchor, zone sources, people, a configuration a daemon.

A shell: it makes keys, reads the clock once and writes files; what they say comes from `plan`, `people` and
`sources`. Private keys of operators that do not run are forgotten at once.
"""

import os
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from fingerpost import oblivious_keys, quic_library
from fingerpost.demo import people, samples, sources
from fingerpost.demo.model import Model
from fingerpost.demo.plan import BETA, LIVE, REGISTRY, ROOT, Plan
from fingerpost.demo.samples import Sample
from fingerpost.demo.sources import APEX, LOOPBACK, Doors, Party
from transport.tls.certificates import pin_of, self_signed
from zonedata import statements, trust
from zonedata.keys import PrivateKey
from zonedata.kinds import DAY
from zonedata.life import Life
from zonedata.sealed import Sealed
from zonedata.zone_statements import Authority, RootKeys, Server

ROOT_KEYS = 3
THRESHOLD = 2  # of them sign ROOTKEYS: one may be lost, and one stolen
ANCHOR_LIFE = 180 * DAY
ZONES = (ROOT, REGISTRY)
RESOLVER = "resolver"
DAEMONS = (*ZONES, *LIVE, RESOLVER)
TLS = {daemon: f"{daemon} over TLS" for daemon in DAEMONS}  # the names of further ports
HTTPS = "resolver over HTTPS"
QUIC = "resolver over QUIC"
RELAY = "relay"
SHOWN = (*DAEMONS, RELAY)  # who shows a certificate
DOORS = (*DAEMONS, *TLS.values(), HTTPS, QUIC, RELAY)
NOBODY = "nobody"  # the port on which nobody listens
USES = {REGISTRY: ("zone",)}  # of a registry's keys; of everybody else's:
MSP_USES = ("assert", "deny")


@dataclass(frozen=True, slots=True)
class World:
    """What was built.

    Attributes:
        place: The directory.
        plan: Who is where.
        ports: By the names in `DOORS`, and `NOBODY`.
        counts: Lines in each provider's source.
        samples: To be tried.
    """

    place: Path
    plan: Plan
    ports: dict[str, int]
    counts: dict[str, int]
    samples: list[Sample]

    @property
    def certificate(self) -> Path:
        """The certificates that the resolver and the relay show, which they have signed themselves."""
        return self.place / "certificates.pem"

    @property
    def anchor(self) -> Path:
        """The trust anchor."""
        return self.place / "anchor.pem"

    def config(self, daemon: str) -> Path:
        """Return the configuration of a daemon."""
        return self.place / f"{sources.file_name(daemon)}.toml"


def build(place: Path, plan: Plan, ports: dict[str, int], say: Callable[[str], None]) -> World:
    """Write everything that a person would have to, from nothing.

    Args:
        place: An empty directory.
        plan: Who is where.
        ports: On the loopback address, by the names in `DOORS`, and `NOBODY`.
        say: Told what is being done.

    Raises:
        OSError: A file cannot be written.
    """
    say("keys: root, registry, five providers, and every operator")
    (place / "keys").mkdir(mode=0o700)
    (place / "logs").mkdir()
    pins = {name: _make_certificate(place, name) for name in SHOWN}
    shown = [(place / sources.tls_files(name)[0]).read_text() for name in (RESOLVER, RELAY)]
    _write(place / "certificates.pem", shown)
    oblivious_keys.make(place / sources.OBLIVIOUS_KEYS, os.urandom(oblivious_keys.SEED_OCTETS), time.time())
    parties = _parties(place / "keys", plan, ports, pins)
    _make_anchor(place, ports, pins[ROOT])
    say(f"root.zone: {len(plan.root.grants):,} grants from real carrier prefixes")
    _write(place / "root.zone", [sources.zone_text(plan.root, parties, plan.titles)])
    say(f"{REGISTRY}.zone: {len(plan.registry.grants):,} grants below +44")
    _write(place / f"{REGISTRY}.zone", [sources.zone_text(plan.registry, parties, plan.titles)])
    say("people who do not exist, with numbers kept for fiction")
    known = {msp: _write_people(place, plan, msp) for msp in LIVE}
    world = World(
        place, plan, ports, {msp: len(csis) for msp, csis in known.items()}, samples.choose(Model(plan, known))
    )
    _write_configs(world)
    facts = {
        "dot": f"{LOOPBACK}:{ports[TLS[RESOLVER]]}",
        "doh": f"{LOOPBACK}:{ports[HTTPS]}",
        **({"doq": f"{LOOPBACK}:{ports[QUIC]}"} if quic_library.is_there() else {}),
        "relay": f"{LOOPBACK}:{ports[RELAY]}",
        "certificate": str(world.certificate.resolve()),
        "anchor": str(world.anchor.resolve()),
        "apex": APEX,
    }
    _write(place / "demo.json", [samples.to_json(world.samples, ports, facts)])
    return world


def _make_certificate(place: Path, daemon: str) -> bytes:
    """Make a daemon's key for TLS and a certificate that it signs itself; return the key's pin."""
    certificate, key = self_signed(("localhost", LOOPBACK), time.time())
    files = [place / name for name in sources.tls_files(daemon)]
    files[0].write_bytes(certificate)
    files[1].touch(0o600)
    files[1].write_bytes(key)
    return pin_of(ssl.PEM_cert_to_DER_cert(certificate.decode("ascii")))


def _parties(keys: Path, plan: Plan, ports: dict[str, int], pins: dict[str, bytes]) -> dict[str, Party]:
    made = {}
    for name in (*plan.root.binds, *plan.registry.binds):
        lines = []
        for use in USES.get(name, MSP_USES):
            key = PrivateKey.generate()
            if name in ports:
                key.save(keys / f"{name}.{use}.pem")
            lines.append((use, key.public.to_text()))
        tls = (ports[TLS[name]], pins[name]) if name in ports else None
        made[name] = Party(name, tuple(lines), ports.get(name, ports[NOBODY]), tls)
    return made


def _make_anchor(place: Path, ports: dict[str, int], pin: bytes) -> None:
    """Make the root's keys and the anchor: version 1 of ROOTKEYS, and where the root's server is."""
    root_keys = [PrivateKey.generate() for _ in range(ROOT_KEYS)]
    zone_key = PrivateKey.generate()
    for number, key in enumerate(root_keys, 1):
        key.save(place / "keys" / f"root.{number}.pem")
    zone_key.save(place / "keys" / "root.zone.pem")
    now = int(time.time())
    public = sorted((key.public for key in root_keys), key=lambda key: key.key_id)
    said = RootKeys(Life(DAY, 1, now, now + ANCHOR_LIFE), 1, b"", tuple(public), THRESHOLD, (zone_key.public,))
    sealed = statements.seal(said, *root_keys)
    _write(
        place / "anchor.pem", [trust.to_pem(sealed), trust.to_pem(_root_servers(sealed, zone_key, ports, pin, now))]
    )


def _root_servers(rootkeys: Sealed, zone_key: PrivateKey, ports: dict[str, int], pin: bytes, now: int) -> Sealed:
    at = (("tcp", ports[ROOT]), ("tls", ports[TLS[ROOT]]), ("udp", ports[ROOT]))
    server = Server("ns.root.example", (LOOPBACK,), at, pin)
    life = Life(sources.TTL, now, now, now + 7 * DAY)
    return statements.seal(Authority(life, trust.tree_of(rootkeys), ROOT, ROOT, (), (server,)), zone_key)


def _source_of(msp: str) -> str:
    return f"{msp}.csv" if msp == BETA else f"{msp}.ndjson"  # one of each form; blocks need the second


def _write_people(place: Path, plan: Plan, msp: str) -> frozenset[str]:
    """Write a provider's source and return the identifiers that have a line of their own in it."""
    persons = list(people.people_of(plan, msp))
    source = _source_of(msp)
    if source.endswith(".csv"):
        _write(place / source, sources.people_csv(persons))
    else:
        _write(place / source, sources.people_ndjson(persons, people.BLOCKS.get(msp, ())))
    return frozenset(person.csi for person in persons)


def _write_configs(world: World) -> None:
    ports = world.ports
    doors = {name: Doors(ports[name], ports[TLS[name]]) for name in DAEMONS}
    quic = ports[QUIC] if quic_library.is_there() else None
    doors[RESOLVER] = Doors(ports[RESOLVER], ports[TLS[RESOLVER]], ports[HTTPS], quic)
    for name in ZONES:
        text = sources.zone_config(name, doors[name], f"{sources.file_name(name)}.zone")
        _write(world.config(name), [text])
    for name in LIVE:
        text = sources.msp_config(name, doors[name], _source_of(name), world.plan.nodes_of(name))
        _write(world.config(name), [text])
    _write(world.config(RESOLVER), [sources.resolver_config(RESOLVER, doors[RESOLVER])])
    relay = sources.relay_config(RELAY, ports[RELAY], ports[HTTPS], sources.tls_files(RESOLVER)[0])
    _write(world.config(RELAY), [relay])


def _write(path: Path, texts: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(texts)
