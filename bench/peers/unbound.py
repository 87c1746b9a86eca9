"""Unbound: a resolver that validates."""

from pathlib import Path

from bench.load import DOH_PATH
from bench.peers.peer import LOOPBACK, Doors, Peer, Stub

ENTRY = 2_048  # octets set aside in each cache for a name; it takes about half a kilobyte of each
LEAST_CACHE = 64 * 2**20


def _resolver(stub: Stub) -> tuple[Path, str, list[str]]:
    path = stub.place / "unbound.conf"
    size = max(LEAST_CACHE, stub.entries * ENTRY)
    anchor = f'    trust-anchor-file: "{stub.anchor}"\n' if stub.anchor else ""
    text = f"""\
server:
    interface: {LOOPBACK}@{stub.port}
{_encrypted(stub.doors) if stub.doors else ""}    port: {stub.port}
    num-threads: 1
    do-daemonize: no
    chroot: ""
    username: ""
    directory: "{stub.place}"
    pidfile: "{stub.place}/unbound.pid"
    verbosity: 0
    use-syslog: no
    # The authority is on this machine.
    do-not-query-localhost: no
    # By default 4 MB each: too little for any of the working sets.
    msg-cache-size: {size}
    rrset-cache-size: {size}
    qname-minimisation: {"yes" if stub.minimises else "no"}
{anchor}remote-control:
    control-enable: no
stub-zone:
    name: "{stub.zone}"
    stub-addr: {LOOPBACK}@{stub.upstream}
    stub-prime: no
"""
    return path, text, ["-d", "-c", str(path)]


def _encrypted(doors: Doors) -> str:
    return f"""\
    interface: {LOOPBACK}@{doors.dot}
    tls-port: {doors.dot}
    interface: {LOOPBACK}@{doors.doh}
    https-port: {doors.doh}
    http-endpoint: "{DOH_PATH}"
    tls-service-pem: "{doors.certificate}"
    tls-service-key: "{doors.key}"
"""


UNBOUND = Peer("Unbound", "unbound", ("-V",), resolver=_resolver)
