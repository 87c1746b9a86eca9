"""The texts of configurations: the programs themselves say whether these are right, where they are installed."""

import shutil
import subprocess
from pathlib import Path

import pytest

from bench import configs, dataset
from bench.peers import PEERS
from bench.peers.bind import BIND
from bench.peers.knot import KNOT
from bench.peers.nsd import NSD
from bench.peers.peer import Peer, Stub, Zones
from bench.peers.powerdns import POWERDNS
from bench.peers.unbound import UNBOUND
from bench.processes import SYSTEM_PATHS
from fingerpost.configuration import read
from zonedata import zonefile
from zonedata.keys import PrivateKey

CHECKS = {  # how each program looks at a configuration without starting
    "nsd": ["nsd-checkconf", "{}"],
    "knotd": ["knotc", "-c", "{}", "conf-check"],
    "named": ["named-checkconf", "{}"],
    "unbound": ["unbound-checkconf", "{}"],
}


def written(peer: Peer, place: Path, *, as_authority: bool, minimises: bool = True) -> str:
    """Let a peer write its configuration, and return it."""
    zone = place / "some.zone"
    zone.write_text("".join(dataset.zone(3)))
    anchor = place / "anchor.key"
    anchor.write_text(f"{dataset.ZONE} IN DNSKEY 257 3 15 {'A' * 43}=\n")
    what = (
        Zones(place / "own", 5399, dataset.ZONE, zone)
        if as_authority
        else Stub(place / "own", 5399, dataset.ZONE, 5398, anchor, 1_000_000, minimises)
    )
    peer.prepare(what)
    (path,) = (place / "own").iterdir()
    check = CHECKS.get(peer.program)
    if check is not None and shutil.which(check[0], path=f"/usr/bin:{SYSTEM_PATHS}"):
        words = [word.format(path) for word in check]
        program = shutil.which(words[0], path=f"/usr/bin:{SYSTEM_PATHS}") or words[0]
        done = subprocess.run([program, *words[1:]], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return path.read_text()


@pytest.mark.parametrize("peer", [NSD, KNOT, BIND], ids=lambda peer: peer.name)
def test_authorities(peer: Peer, tmp_path: Path) -> None:
    text = written(peer, tmp_path, as_authority=True)
    assert "5399" in text
    assert "some.zone" in text


@pytest.mark.parametrize("peer", [UNBOUND, POWERDNS, BIND], ids=lambda peer: peer.name)
def test_resolvers(peer: Peer, tmp_path: Path) -> None:
    text = written(peer, tmp_path, as_authority=False)
    assert "5399" in text
    assert "5398" in text


def test_unbound_validates_and_minimises_as_told(tmp_path: Path) -> None:
    text = written(UNBOUND, tmp_path, as_authority=False, minimises=False)
    assert "trust-anchor-file:" in text
    assert "qname-minimisation: no" in text


def test_caches_are_large_enough(tmp_path: Path) -> None:
    assert "max-cache-entries=2000000" in written(POWERDNS, tmp_path, as_authority=False)


def test_nobody_is_two_peers() -> None:
    assert len({peer.name for peer in PEERS}) == len({peer.program for peer in PEERS}) == len(PEERS)


def test_our_zone_source_has_no_fault(tmp_path: Path) -> None:
    msps = [
        (name, port, PrivateKey.generate().public.to_text(), PrivateKey.generate().public.to_text())
        for name, port in (("a.example", 1001), ("b.example", 1002))
    ]
    path = tmp_path / "root.zone"
    path.write_text(configs.root_zone(1000, msps))
    source = zonefile.read_zone(path)
    assert set(source.bindings) >= {"a.example", "b.example"}


def test_a_shared_cache_is_named_only_where_there_is_one() -> None:
    large = configs.resolver(1, 2**20, Path("/some/where"))
    assert 'cache = "/some/where"\ncache_size = 1024\n' in large
    assert "memory = 768\n" in large
    assert "cache" not in configs.resolver(1, 10)
    assert "memory = 64\n" in configs.resolver(1, 10), "as by default"


@pytest.mark.parametrize("text", [configs.root(1), configs.msp("a.example", 1), configs.resolver(1, 10)])
def test_our_configurations_have_no_fault(text: str, tmp_path: Path) -> None:
    path = tmp_path / "some.toml"
    path.write_text(text)
    assert read(path, inspect=()) is not None
