"""Statements for a store, sealed and said to be opened; nobody looks at their signatures any more."""

from dataclasses import replace
from pathlib import Path

from resolver.proven.memory import MemoryProven
from resolver.proven.shared import MIN_SIZE, SharedProven
from resolver.proven.store import Proven
from tests.zonedata.builders import NOW, SERVERS, bound, key, keys_of, life, number
from tests.zonedata.samples import TREE
from zonedata.kinds import RULES, Kind, Role, Use
from zonedata.names import ROOT, Name
from zonedata.opening import Opened, Signer
from zonedata.person_statements import Assertion, Block, Denial
from zonedata.statements import Statement, seal
from zonedata.zone_statements import Authority, Delegation, Gap, Grant

USES = (Use.ZONE, Use.ASSERT, Use.DENY)
MEMORY, SHARED = "memory", "shared"


def party(*principal: str) -> Signer:
    """A party with three keys that all parties of its name have."""
    name = principal[-1] if principal else "."
    return Signer(name, principal, tuple(bound(f"{name} {use}", use) for use in USES), float("inf"))


ROOT_ZONE, A, B = party(), party("a.example"), party("b.example")
ROLLED = replace(ROOT_ZONE, keys=tuple(bound(f". 2 {use}", use) for use in USES))


def opened(
    statement: Statement, *, keep: float = NOW + 60, until: float = NOW + 90, by: str = ""
) -> Opened[Statement]:
    speaker = next(
        getattr(statement, at)
        for at in ("zone", "msp", "authority")
        if isinstance(getattr(statement, at, None), str)
    )
    secret = key(f"{speaker} {by}{RULES[statement.kind].use}")
    return Opened(statement, seal(statement, secret), secret.public.key_id, until, keep)


def assertion(owner: Name, serial: int = 1, msp: str = "a.example", user: str = "u") -> Assertion:
    return Assertion(life(Kind.ASSERTION, serial=serial), owner, msp, f"mimi://{msp}/{user}")


def block(node: str, serial: int = 1, msp: str = "a.example", exceptions: tuple[str, ...] = ()) -> Block:
    at = life(Kind.BLOCK, serial=serial)
    return Block(at, number(node), msp, f"mimi://{msp}/{{number}}", (5, 11), exceptions)


def denial(owner: Name, serial: int = 1, authority: str = "a.example", role: Role = Role.MSP) -> Denial:
    return Denial(life(Kind.DENIAL, serial=serial), owner, authority, role)


def gap(first: str, following: str, *counts: int, serial: int = 1, zone: str = ".") -> Gap:
    ends = [number(text) if text else ROOT for text in (first, following)]
    return Gap(life(Kind.GAP, serial=serial), TREE, zone, ends[0], ends[1], counts)


def delegation(node: str, serial: int = 1, authority: str = "a.example", zone: str = ".") -> Delegation:
    at = number(node) if node else ROOT
    return Delegation(life(Kind.DELEGATION, serial=serial), TREE, zone, at, (Grant(authority, (Role.MSP,)),))


def authority(name: str, serial: int = 1, zone: str = ".") -> Authority:
    return Authority(life(Kind.AUTHORITY, serial=serial), TREE, zone, name, keys_of(name), SERVERS)


def store(sort: str, place: Path, size: int = MIN_SIZE) -> Proven:
    return MemoryProven(TREE, size) if sort == MEMORY else SharedProven.open(place / "proven", TREE, size)
