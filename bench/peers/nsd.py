"""NSD: an authority that compiles its zones into memory."""

from pathlib import Path

from bench.peers.peer import LOOPBACK, Peer, Zones


def _authority(zones: Zones) -> tuple[Path, str, list[str]]:
    path = zones.place / "nsd.conf"
    text = f"""\
server:
    ip-address: {LOOPBACK}@{zones.port}
    server-count: 1
    username: ""
    chroot: ""
    zonesdir: "{zones.place}"
    database: ""
    zonelistfile: "{zones.place}/zone.list"
    xfrdfile: "{zones.place}/xfrd.state"
    xfrdir: "{zones.place}"
    pidfile: "{zones.place}/nsd.pid"
    verbosity: 0
    # By default one network gets 200 answers a second; the load comes from one address.
    rrl-ratelimit: 0
remote-control:
    control-enable: no
zone:
    name: {zones.name}
    zonefile: "{zones.file}"
"""
    return path, text, ["-d", "-c", str(path)]


NSD = Peer("NSD", "nsd", ("-v",), authority=_authority)
