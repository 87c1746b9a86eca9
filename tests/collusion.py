"""Who can do what: every party alone and every two together, tried out move by move.

Ann holds +14155550123. She is at alpha.example, check.example vouches for her, her mapping lists alpha alone. Bob's
number +14155550124 was taken from him: issuer.example has revoked it; he was at beta.example. Nobody holds
+14155550125. Everybody is honest but the one or two whose keys or wires somebody else has; those make every move of
their menu, and whoever judges the proof trusts nothing but the anchor.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import product

from tests.zonedata.builders import (
    NOW,
    World,
    ZoneSpec,
    anchor,
    assertion,
    denial,
    mapping,
    number,
    revocation,
    validation,
)
from zonedata.judgement import Judgement, judge
from zonedata.kinds import ASSURANCE_ORDER, Assurance, Role
from zonedata.names import Name
from zonedata.recall import Recall

ANNS, BOBS, NOBODYS = (number(f"+1415555012{digit}") for digit in "345")
ALPHA, BETA, CHECK, ISSUER, REG = (f"{name}.example" for name in ("alpha", "beta", "check", "issuer", "reg"))
PUPPET, STOOGE = "puppet.example", "stooge.example"  # an MSP and a validator that only the registry binds
OUTSIDERS = {BETA, PUPPET}
Move = tuple[bytes, ...]


class Party(StrEnum):
    """Who may be dishonest."""

    MSP = "MSP"  # one that Ann does not use
    VALIDATOR = "validator"
    REGISTRY = "registry"
    CSIP = "CSIP"
    RECIPIENT = "recipient key"  # Ann's, stolen
    RESOLVER = "resolver"
    ON_PATH = "on-path"


ROOT = ZoneSpec(
    {
        "+1": [f"{ALPHA} msp", f"{BETA} msp", f"{CHECK} validator", f"{ISSUER} csip"],
        "+1415": [f"{REG} registry"],
    },
    (ALPHA, BETA, CHECK, ISSUER, REG),
)
REGISTRYS = ((), (f"{PUPPET} msp",), (f"{PUPPET} msp", f"{STOOGE} validator"), (f"{STOOGE} validator",))


@cache
def zones(*grants: str) -> Move:
    """The zones, with what the registry grants below its node."""
    binds = tuple(grant.split()[0] for grant in grants if grant.split()[0] in {PUPPET, STOOGE})
    return tuple(World({".": ROOT, REG: ZoneSpec({"+14155": list(grants)} if grants else {}, binds)}).wires())


@dataclass(frozen=True)
class Table:
    """What everybody may say about one number: by party, the honest word first."""

    owner: Name
    holder: str  # whose key an outsider's assertion would best name

    def alpha(self, *, replays: bool) -> list[Move]:
        if self.owner != ANNS:
            return [(denial(self.owner, ALPHA),)]
        words: list[Move] = [(assertion(ANNS, ALPHA, whose="ann", issued=-100),)]
        return [*words, (denial(ANNS, ALPHA, issued=-200),)] if replays else words  # from before she came

    def beta(self, *, is_free: bool) -> list[Move]:
        honest: list[Move] = [(denial(self.owner, BETA),)]
        if self.owner == BOBS:  # its list as it was before, and as it is signed anew every day
            honest = [(assertion(BOBS, BETA, whose="bob", issued=issued),) for issued in (-1_000, -5)]
        if not is_free:
            return honest
        named = [assertion(self.owner, BETA, whose=whose, issued=-5) for whose in ("", "eve", self.holder)]
        return [*honest, *((one,) for one in named)]

    def check(self, *, is_free: bool, has_ann: bool, replays: bool) -> list[Move]:
        honest: Move = (denial(self.owner, CHECK, Role.VALIDATOR),)
        if self.owner == ANNS:
            honest = self._anns(mapping(ANNS, "ann", f"{ALPHA} Default"))
        elif self.owner == BOBS:
            honest = (validation(BOBS, CHECK, "bob", since=-9_000, executed=-8_000),)
        moves = [honest]
        if self.owner == ANNS and has_ann:  # whatever she is made to sign, her validator takes in
            lists: list[tuple[str, ...]] = [(), (BETA,), (f"{ALPHA} Default", BETA)]
            moves += [self._anns(mapping(ANNS, "ann", *listed, serial=2), 2) for listed in lists]
            moves.append(self._anns(mapping(ANNS, "ann", serial=2, is_released=True), 2))
        if self.owner == ANNS and replays:
            moves += [(denial(ANNS, CHECK, Role.VALIDATOR, issued=-200),), (honest[0],)]
        if is_free:
            eves = mapping(self.owner, "eve", BETA)
            for since in (-99_000, -50):
                moves.append((validation(self.owner, CHECK, "eve", since=since, executed=-50, mapping=1), eves))
            moves += [(denial(self.owner, CHECK, Role.VALIDATOR),), (honest[0],)]
            moves.append((validation(self.owner, CHECK, self.holder, since=-99_000, executed=-50),))
        return moves

    @staticmethod
    def _anns(shown: bytes, serial: int = 1) -> Move:
        vouching = validation(ANNS, CHECK, "ann", since=-9_000, executed=-8_000, mapping=serial, serial=serial)
        return (vouching, shown)

    def issuer(self, *, is_free: bool, replays: bool) -> list[Move]:
        clean: Move = (denial(self.owner, ISSUER, Role.CSIP, issued=-200 if self.owner == BOBS else 0),)
        revoked: Move = (revocation(self.owner, ISSUER, before=-100, issued=-100),)
        honest, other = (revoked, clean) if self.owner == BOBS else (clean, revoked)
        return [honest, other] if is_free or (replays and self.owner == BOBS) else [honest]

    def registry(self, *, is_free: bool) -> list[Move]:
        moves = [zones()]
        if is_free:
            bare = (assertion(self.owner, PUPPET, issued=-5),)
            named = (assertion(self.owner, PUPPET, whose="eve", issued=-5),)
            backed = (
                validation(self.owner, STOOGE, "eve", since=-99_000, executed=-50, mapping=1),
                mapping(self.owner, "eve", PUPPET, BETA),
            )
            said = (bare, (*named, *backed), backed)
            moves += [(*zones(*grants), *words) for grants, words in zip(REGISTRYS[1:], said, strict=True)]
        return moves


def moves(table: Table, bad: frozenset[Party], *, replays: bool) -> Iterator[list[bytes]]:
    """Yield every proof that these parties can have shown about a number."""
    menus = [
        table.alpha(replays=replays),
        table.beta(is_free=Party.MSP in bad),
        table.check(is_free=Party.VALIDATOR in bad, has_ann=Party.RECIPIENT in bad, replays=replays),
        table.issuer(is_free=Party.CSIP in bad, replays=replays),
        table.registry(is_free=Party.REGISTRY in bad),
    ]
    if bad & {Party.RESOLVER, Party.ON_PATH}:
        for chosen in product(*menus):
            shown = [wire for move in chosen for wire in move]
            yield from ([wire for wire in shown if wire not in hidden] for hidden in ways())
        menus = [[*menu, ()] for menu in menus]  # anybody can be left out
    for chosen in product(*menus):
        yield [wire for move in chosen for wire in move]


@cache
def ways() -> list[frozenset[bytes]]:
    """What leads to somebody: one AUTHORITY, or one zone at its node; to be left out."""
    root = World({".": ROOT}).zone(".")
    bound = [frozenset({root.seal(root.authority(name)).to_wire()}) for name in ROOT.binds]
    everything = {wire for grants in REGISTRYS for wire in zones(*grants)}
    return [*bound, frozenset(everything.difference(root.wires()))]


@dataclass(frozen=True)
class Reached:
    """The most that was reached; "no" where nothing was.

    Attributes:
        claim: Assurance at which an outsider is found for a number that nobody holds.
        beside: The same for Ann's, while she is found too.
        instead: The same, while she is not.
        hide: Whether Ann is not found, and the answer complete; `600 s` where that takes an old denial.
        keep: Assurance at which an outsider, Bob's MSP among them, is found for the number that was taken from him.
    """

    claim: str
    beside: str
    instead: str
    hide: str
    keep: str


def reached(bad: Iterable[Party]) -> Reached:
    """Try every move."""
    parties = frozenset(bad)
    recall = Recall()

    def judged(owner: Name, holder: str, *, replays: bool = False) -> list[Judgement]:
        shown = moves(Table(owner, holder), parties, replays=replays)
        return [judge(owner, anchor(), wires, NOW, recall) for wires in shown]

    on_wire = bool(parties & {Party.RESOLVER, Party.ON_PATH})
    anns, later = judged(ANNS, "ann"), judged(ANNS, "ann", replays=True) if on_wire else []
    hidden = [any(one.complete and not one.found for one in some) for some in (anns, later)]
    kept, kept_later = _most(judged(BOBS, "bob")), _most(judged(BOBS, "bob", replays=True) if on_wire else [])
    return Reached(
        _most(judged(NOBODYS, "eve")),
        _most(one for one in anns if _is_at(one, ALPHA)),
        _most(one for one in anns if not _is_at(one, ALPHA)),
        "yes" if hidden[0] else "600 s" if hidden[1] else "no",
        kept if kept_later in {kept, "no"} else f"{kept_later} 600 s",
    )


def lifted(bad: Iterable[Party]) -> set[Assurance]:
    """Return what outsiders reach above their bare word where somebody is left out, and nowhere else."""
    parties, recall = frozenset(bad), Recall()
    gained: set[Assurance] = set()
    for owner, holder in ((ANNS, "ann"), (BOBS, "bob"), (NOBODYS, "eve")):
        shown = moves(Table(owner, holder), parties, replays=False)
        levels = _levels(judge(owner, anchor(), wires, NOW, recall) for wires in shown)
        gained |= levels[False] - levels[True]
    return gained - {Assurance.ASSERTED}


def _is_at(judgement: Judgement, msp: str) -> bool:
    return any(finding.authority == msp for finding in judgement.found)


def _most(judgements: Iterable[Judgement]) -> str:
    """Return the best assurance at which an outsider is found, in an answer that is complete before others."""
    for is_complete, some in _levels(judgements).items():
        if some:
            best = max(some, key=ASSURANCE_ORDER.__getitem__)
            return str(best) if is_complete else f"{best}, incomplete"
    return "no"


def _levels(judgements: Iterable[Judgement]) -> dict[bool, set[Assurance]]:
    """Return the assurances at which outsiders are found, in complete answers and in others."""
    levels: dict[bool, set[Assurance]] = {True: set(), False: set()}
    for judgement in judgements:
        for finding in judgement.found:
            if finding.authority in OUTSIDERS:
                levels[judgement.complete].add(finding.assurance)
    return levels
