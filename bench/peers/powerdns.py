"""PowerDNS Recursor: a resolver with a cache of packets before its cache of records."""

from pathlib import Path

from bench.peers.peer import LOOPBACK, Peer, Stub


def _resolver(stub: Stub) -> tuple[Path, str, list[str]]:
    path = stub.place / "recursor.conf"
    text = f"""\
local-address={LOOPBACK}
local-port={stub.port}
socket-dir={stub.place}
daemon=no
threads=1
# One worker takes what comes by itself instead of having it dealt out by another thread.
pdns-distributes-queries=no
quiet=yes
loglevel=0
disable-syslog=yes
# The authority is on this machine.
dont-query=
forward-zones={stub.zone.rstrip(".")}={LOOPBACK}:{stub.upstream}
# By default 1,000,000 and 500,000.
max-cache-entries={max(1_000_000, 2 * stub.entries)}
max-packetcache-entries={max(500_000, 2 * stub.entries)}
"""
    return path, text, [f"--config-dir={stub.place}"]


POWERDNS = Peer("PowerDNS Recursor", "pdns_recursor", ("--version",), resolver=_resolver)
