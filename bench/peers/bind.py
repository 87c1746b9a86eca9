"""BIND: an authority and a resolver."""

from pathlib import Path

from bench.peers.peer import LOOPBACK, Peer, Stub, Zones

CACHE = "4g"  # by default nine tenths of the memory; said so that it is the same everywhere
WORDS = ["-f", "-n", "1", "-U", "1", "-c"]  # in the foreground, one worker, one listener


def _options(place: Path, port: int, *lines: str) -> str:
    more = "".join(f"    {line}\n" for line in lines)
    return f"""\
options {{
    directory "{place}";
    pid-file "{place}/named.pid";
    session-keyfile "{place}/session.key";
    listen-on port {port} {{ {LOOPBACK}; }};
    listen-on-v6 {{ none; }};
    notify no;
{more}}};
controls {{ }};
logging {{ category default {{ null; }}; }};
"""


def _authority(zones: Zones) -> tuple[Path, str, list[str]]:
    path = zones.place / "named.conf"
    zone = f'zone "{zones.name}" {{ type primary; file "{zones.file}"; }};\n'
    return path, _options(zones.place, zones.port, "recursion no;") + zone, [*WORDS, str(path)]


def _resolver(stub: Stub) -> tuple[Path, str, list[str]]:
    path = stub.place / "named.conf"
    lines = [f"max-cache-size {CACHE};", "empty-zones-enable no;"]
    # Above the zone there is no tree on this machine that could be validated from the root down.
    lines.append(f'validate-except {{ "{stub.zone}"; }};')
    zone = f"""\
zone "{stub.zone}" {{
    type forward;
    forward only;
    forwarders {{ {LOOPBACK} port {stub.upstream}; }};
}};
"""
    return path, _options(stub.place, stub.port, *lines) + zone, [*WORDS, str(path)]


BIND = Peer("BIND", "named", ("-v",), authority=_authority, resolver=_resolver)
