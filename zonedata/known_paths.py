"""Paths found before, for judges of many proofs: owners that the same statements do not tell apart are led alike.

A path depends on the owner only in how the owner lies to the names in the statements shown: before, at or after a
node, the end of what hangs below it, or an end of a gap; and in which grants reach it. It depends on the time only
in which instants of the statements, and of the keys they bind, have passed. Where all of that is as it was,
following the path anew would only find it again. Paths with anything refused are not kept: what a refusal says
depends on more.

Left out: what authorities say about people, which is judged anew each time.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from zonedata import identifiers, names
from zonedata.kinds import ZONE_SIGNED, Kind
from zonedata.names import Name
from zonedata.opening import Claim
from zonedata.path import Path
from zonedata.trust import Trust
from zonedata.zone_statements import Authority, Delegation, Gap

MAX_PATHS = 5_000  # paths kept, at some 5 kB; a batch in the order of its numbers needs one at a time

_Cell = tuple[int, int, tuple[bool, ...]]  # where the owner and the time lie, and which grants reach


@dataclass(slots=True)
class _Shown:
    """The statements of zones in one proof, and the paths they were seen to lead.

    Attributes:
        trust: The anchor.
        claims: The statements; held here, so that their identities are nobody else's.
        bounds: Names at which something begins to hold, or ends, in ascending order.
        instants: Times at which something begins to count, or ends, in ascending order.
        reaches: Node and depth of grants.
        paths: By what is told apart.
    """

    trust: Trust
    claims: tuple[Claim, ...]
    bounds: list[bytes]
    instants: list[float]
    reaches: tuple[tuple[Name, bool], ...]
    paths: dict[_Cell, Path] = field(default_factory=dict)

    def cell(self, owner: Name, now: float) -> _Cell:
        """Say where an owner and a time lie."""
        reached = tuple([identifiers.reaches(node, owner, deep=deep) for node, deep in self.reaches])
        return bisect_right(self.bounds, owner), bisect_right(self.instants, now), reached


class KnownPaths:
    """Keeps paths; `find` first, and `keep` what was found otherwise."""

    __slots__ = ("_by_claims", "_count")

    def __init__(self) -> None:
        self._by_claims: dict[tuple[int, ...], _Shown] = {}  # by the identities of the anchor and the claims
        self._count = 0

    def find(self, owner: Name, trust: Trust, claims: Sequence[Claim], now: float) -> Path | None:
        """Return the path to an owner, if one like it was kept."""
        shown = self._by_claims.get(_identities(trust, claims))
        found = shown.paths.get(shown.cell(owner, now)) if shown is not None else None
        return found.for_owner(owner) if found is not None else None

    def keep(self, path: Path, trust: Trust, claims: Sequence[Claim], now: float) -> None:
        """Keep a path that was followed with nothing refused."""
        if path.refusals or any(claim.sealed.kind is Kind.ROOTKEYS for claim in claims):
            return  # a later version would be another anchor
        if self._count >= MAX_PATHS:
            self._by_claims.clear()
            self._count = 0
        key = _identities(trust, claims)
        shown = self._by_claims.get(key)
        if shown is None:
            shown = self._by_claims[key] = _told_apart(trust, _of_zones(claims))
        shown.paths[shown.cell(path.owner, now)] = path
        self._count += 1


def _of_zones(claims: Sequence[Claim]) -> tuple[Claim, ...]:
    return tuple([claim for claim in claims if claim.sealed.kind in ZONE_SIGNED])


def _identities(trust: Trust, claims: Sequence[Claim]) -> tuple[int, ...]:
    """Identify what the path depends on; with a ROOTKEYS in it, it is nothing that is kept."""
    kinds = (*ZONE_SIGNED, Kind.ROOTKEYS)
    return (id(trust), *[id(claim) for claim in claims if claim.sealed.kind in kinds])


def _told_apart(trust: Trust, claims: tuple[Claim, ...]) -> _Shown:
    bounds: set[bytes] = set()
    instants: set[float] = set()
    reaches: set[tuple[Name, bool]] = set()
    keys = {(bound.start, bound.end) for bound in trust.signer().keys}
    for claim in claims:
        match claim.statement:
            case Delegation() as said:
                bounds |= {said.node, names.end_of(said.node)}
                reaches |= {(said.node, grant.deep) for grant in said.grants}
            case Gap() as said:
                bounds |= {said.first, said.next}
                for node in names.ancestors(said.first):
                    bounds |= {node, names.end_of(node)}
            case Authority() as said:
                keys |= {(bound.start, bound.end) for bound in said.keys}
            case _:
                pass
    lives = [claim.statement.life for claim in claims]
    for life in lives:
        instants |= {life.issued - life.skew, life.expires}
    for skew in {life.skew for life in lives}:
        instants |= {start - skew for start, _ in keys}
    instants |= {end for _, end in keys} | {trust.rootkeys.life.expires}
    return _Shown(trust, claims, sorted(bounds), sorted(instants), tuple(sorted(reaches)))
