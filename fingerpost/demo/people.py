"""Who is reachable where: people who do not exist, with numbers and addresses that are kept for fiction.

Pure and repeatable: whether a provider knows a person is read from a digest of both, so that no state and no
random generator is needed and every run has the same people.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from fingerpost.demo import fiction
from fingerpost.demo.plan import ALPHA, BETA, DELTA, EPSILON, GAMMA, Plan

SEED = "fingerpost demonstration 1"
SHARE = 205  # of 256: how many of the numbers in its reach a provider knows
MAIL_SHARE = 170  # of 256
FIRST_NAMES = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "mallory")
USERS = 240  # of each mail domain, beside the first names
SUBDOMAIN = "maths.school.example"  # below a domain that is granted deep


@dataclass(frozen=True, slots=True)
class Person:
    """One line of a provider's source."""

    csi: str
    ssi: str
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a provider's source; as `zonedata.listings` has it."""

    prefix: str
    template: str
    lengths: tuple[int, ...]
    exceptions: tuple[str, ...] = ()

    def covers(self, csi: str) -> bool:
        """Say whether a number lies below the prefix, an exception or not."""
        return csi.startswith(self.prefix)

    def speaks_for(self, csi: str) -> bool:
        """Say whether the block says where a number is reachable."""
        rest = csi[len(self.prefix) :]
        return self.covers(csi) and len(csi) - 1 in self.lengths and not rest.startswith(self.exceptions)


BLOCKS: dict[str, tuple[Block, ...]] = {
    ALPHA: (
        Block("+121255501", f"mimi://{ALPHA}/n/{{number}}", (11,), ("0",)),
        Block("+1212555015", f"mimi://{ALPHA}/desk/{{number}}", (11,), ("5",)),
    ),
    GAMMA: (Block("+442079460", f"mimi://{GAMMA}/n/{{number}}", (12,), ("148", "9")),),
    DELTA: (Block("+493023125", f"mimi://{DELTA}/n/{{number}}", (12,)),),
    EPSILON: (Block("+447700900", f"mimi://{EPSILON}/n/{{number}}", (12,), ("155", "5")),),
}
CERTAIN: dict[str, tuple[str, ...]] = {  # known there whatever the digest says
    ALPHA: ("+14155550123", "+12125550123", "alice@example.com"),
    BETA: ("+14155550123", "alice@example.com"),
    GAMMA: ("+14155550123", "+447700900155"),
    DELTA: ("+14155550190",),
    EPSILON: ("+442079460148",),
}


def people_of(plan: Plan, msp: str) -> Iterator[Person]:
    """Make the people of one provider: numbers, then addresses, each person once."""
    nodes = plan.nodes_of(msp)
    certain = CERTAIN[msp]
    numbers = partial(_knows_number, msp)
    for csi in _numbers(plan, tuple(node for node in nodes if node.startswith("+"))):
        if csi in certain or numbers(csi):
            yield _person(msp, csi)
    for domain in _domains([node[1:] for node in nodes if node.startswith("@")]):
        for local in locals_of():
            csi = f"{local}@{domain}"
            if csi in certain or _digit(msp, csi) < MAIL_SHARE:
                yield _person(msp, csi)


def locals_of() -> list[str]:
    """Return the local parts that every mail domain has."""
    return [*FIRST_NAMES, *(f"user{count:03}" for count in range(USERS))]


def _numbers(plan: Plan, nodes: tuple[str, ...]) -> Iterator[str]:
    for area in plan.areas:
        yield from (csi for csi in fiction.north_american(area) if csi.startswith(nodes))
    for stem in plan.stems:
        yield from (csi for csi in fiction.thousand(stem) if csi.startswith(nodes))


def _domains(granted: list[str]) -> list[str]:
    return [*granted, *([SUBDOMAIN] if "school.example" in granted else [])]


def _knows_number(msp: str, csi: str) -> bool:
    """Say whether the digest gives a number to a provider; its own blocks speak for the numbers below them."""
    return not any(block.covers(csi) for block in BLOCKS.get(msp, ())) and _digit(msp, csi) < SHARE


def _digit(msp: str, csi: str) -> int:
    return hashlib.sha256(f"{SEED}/{msp}/{csi}".encode()).digest()[0]


def _person(msp: str, csi: str) -> Person:
    digest = hashlib.sha256(f"{SEED}/{msp}/{csi}/ssi".encode()).digest()
    features = tuple(word for bit, word in ((1, "e2ee"), (2, "group"), (4, "video")) if digest[31] & bit)
    return Person(csi, f"mimi://{msp}/u/{digest[:8].hex()}", features)
