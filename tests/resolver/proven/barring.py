"""Statements of one authority with two keys, and whether a store bars them."""

from dataclasses import replace
from typing import Any

from resolver.proven.floors import Floors
from resolver.proven.store import Proven
from tests.resolver.proven.making import A
from tests.zonedata.builders import NOW, bound, key, number
from zonedata.kinds import Use
from zonedata.life import Life
from zonedata.names import Name
from zonedata.opening import Opened, Signer
from zonedata.person_statements import Assertion
from zonedata.statements import Statement, seal

PHONE, OTHER = number("+14155550123"), number("+14155550124")
BOTH = replace(A, keys=(bound("old", Use.ASSERT), bound("new", Use.ASSERT)))


def said(
    serial: int,
    lives: int = 100,
    *,
    at: float = NOW,
    owner: Name = PHONE,
    by: str = "old",
    until: float | None = None,
) -> Opened[Statement]:
    """An assertion by one of two keys."""
    issued = int(at)
    word = Assertion(Life(60, serial, issued, issued + lives), owner, "a.example", f"mimi://a.example/{serial}")
    secret = key(by)
    end = issued + lives if until is None else until
    return Opened(word, seal(word, secret), secret.public.key_id, end, end)


def is_barred(proven: Proven | Floors, signer: Signer, one: Opened[Any], now: float = NOW) -> bool:
    return proven.barred(signer, one.statement, now) is not None


def put(proven: Proven, signer: Signer, *many: Opened[Any], now: float = NOW) -> None:
    """Put and write one after the other."""
    for one in many:
        proven.put(signer, one, now)
        proven.flush()
