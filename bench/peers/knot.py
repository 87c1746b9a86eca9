"""Knot DNS: an authority."""

from pathlib import Path

from bench.peers.peer import LOOPBACK, Peer, Zones


def _authority(zones: Zones) -> tuple[Path, str, list[str]]:
    path = zones.place / "knot.conf"
    text = f"""\
server:
    rundir: "{zones.place}"
    listen: {LOOPBACK}@{zones.port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: error
database:
    storage: "{zones.place}"
zone:
  - domain: {zones.name}
    file: "{zones.file}"
    # The file is only read.
    zonefile-sync: -1
    journal-content: none
"""
    return path, text, ["-c", str(path)]


KNOT = Peer("Knot DNS", "knotd", ("-V",), authority=_authority)
