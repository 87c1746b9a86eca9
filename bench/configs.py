"""Our own configurations and zone sources: every text that our daemons are given in a benchmark. Pure.

They are the daemons that operators run, with what is on by default left on. What a benchmark needs beyond that, and
why, stands here and nowhere else.
"""

from collections.abc import Iterable
from pathlib import Path

from bench.dataset import PREFIX
from bench.peers.peer import Doors
from resolver.settings import MAX_UPSTREAM_RATE
from transport.clients import MAX_RATE

LOOPBACK = "127.0.0.1"
ROOT = "."
NODE = f"+{PREFIX}"
LEAST_MEMORY, LEAST_CACHE = 64, 256  # MiB, as by default; more only for larger working sets
ANSWER_OCTETS = 768  # set aside in memory for an answer; it takes some 550
PROVEN_OCTETS = 1_024  # set aside in the cache on disk for a statement; it takes some 490


def _daemon(port: int, workers: int = 1, doors: Doors | None = None) -> str:
    """Return what every daemon has: where it listens, its workers, and the limits.

    The limits stay on and are looked at for each question; the load generator's address is named in them, as an
    operator names a resolver that asks for many, so that they do not bite.
    """
    return f"""\
[listen]
udp = ["{LOOPBACK}#{port}"]
tcp = ["{LOOPBACK}#{port}"]
{_encrypted(doors) if doors else ""}
[process]
workers = {workers}

[[client]]
name = "load"
networks = ["{LOOPBACK}/32"]
rate = {MAX_RATE}
distinct_day = "none"
distinct_ten_days = "none"
"""


def _encrypted(doors: Doors) -> str:
    return f"""\
tls = ["{LOOPBACK}#{doors.dot}"]
https = ["{LOOPBACK}#{doors.doh}"]

[tls]
certificate = "{doors.certificate}"
key = "{doors.key}"
"""


def root(port: int) -> str:
    """Return the configuration of the root, all files beside it."""
    return f"""\
{_daemon(port)}
[authority]
name = "{ROOT}"
store = "root.store"

[sign]
key = "zone.pem"
zone = "root.zone"
anchor = "anchor.pem"
rootkeys = ["anchor.pem"]
"""


def root_zone(port: int, msps: Iterable[tuple[str, int, str, str]]) -> str:
    """Return the source of the root zone, which grants one node to all providers.

    Args:
        port: Of the root.
        msps: (name, port, assert key, deny key) of each.
    """
    lines = ["zone .", "lab-addresses yes", f"server . ns.root.example {LOOPBACK} udp={port} tcp={port}"]
    for name, at, assertions, denials in msps:
        lines += [
            f"key {name} assert {assertions}",
            f"key {name} deny {denials}",
            f"server {name} ns.{name} {LOOPBACK} udp={at} tcp={at}",
            f"delegate {NODE} {name} msp",
        ]
    return "\n".join(lines) + "\n"


def msp(name: str, port: int, store: str = "") -> str:
    """Return the configuration of a provider.

    Args:
        name: Whose files stand beside it.
        port: Where it answers.
        store: What it serves; its own if "".
    """
    return f"""\
{_daemon(port)}
[authority]
name = "{name}"
store = "{store or f"{name}.store"}"
roles = ["msp"]
deny_key = "{name}.deny.pem"

[sign]
key = "{name}.assert.pem"
listings = ["{name}.ndjson"]
nodes = ["{NODE}"]
"""


def cache_mib(entries: int) -> int:
    """Return how many MiB a cache on disk has for so many statements."""
    return max(LEAST_CACHE, entries * PROVEN_OCTETS >> 20)


def resolver(
    port: int, entries: int, cache: Path | None = None, workers: int = 1, doors: Doors | None = None
) -> str:
    """Return the configuration of the resolver; the authorities are here, and asked as fast as they answer.

    Args:
        port: Where it answers.
        entries: Answers that it must be able to keep.
        cache: What its processes share on disk; None is what it has by default.
        workers: Processes that answer.
        doors: Where it answers over what is encrypted, if it does.
    """
    shared = f'cache = "{cache}"\ncache_size = {cache_mib(entries)}\n' if cache else ""
    return f"""\
{_daemon(port, workers, doors)}
[resolver]
anchor = "anchor.pem"
lab_addresses = true
upstream_rate = {MAX_UPSTREAM_RATE}
memory = {max(LEAST_MEMORY, entries * ANSWER_OCTETS >> 20)}
{shared}"""
