"""What both services say to the same random questions, in short; and whether the hot paths are compiled.

`python -m tests.digests` prints it as JSON, so that one process can be held against another.
"""

import json
import sys

import fingerpost.gate
import resolver.finder
import resolver.front
import root.front
import transport.budgets
import transport.datagram_port
import transport.drain
import transport.rates
import zonedata.cookies
import zonedata.opening
import zonedata.packets
from tests.test_fast_paths import KINDS, authority_digest, resolver_digest

SEEDS = range(4)
COMPILED = (
    fingerpost.gate,
    resolver.finder,
    resolver.front,
    root.front,
    transport.budgets,
    transport.datagram_port,
    transport.drain,
    transport.rates,
    zonedata.cookies,
    zonedata.opening,
    zonedata.packets,
)


def digests() -> dict[str, object]:
    """Ask everything."""
    said = {f"{kind} {seed}": authority_digest(kind, seed) for kind in KINDS for seed in SEEDS}
    said |= {f"resolver {seed}": resolver_digest(seed) for seed in SEEDS}
    compiled = [not str(module.__file__).endswith(".py") for module in COMPILED]
    return {"compiled": compiled, "said": said}


if __name__ == "__main__":
    json.dump(digests(), sys.stdout)
