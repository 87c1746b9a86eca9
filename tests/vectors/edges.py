"""Vectors of whole proofs at the edges of the weighing: who is not heard, equal instants, several of a kind."""

from collections.abc import Callable

from tests.vectors.judgements import (
    ALPHA,
    BETA,
    CHECK,
    ISSUED,
    ISSUER,
    OTHER,
    OWNER,
    PARTIES,
    Vector,
    _vector,
)
from tests.zonedata.builders import World, ZoneSpec, assertion, denial, mapping, revocation, validation
from zonedata.kinds import Kind
from zonedata.opening import Claim, read_claim
from zonedata.statements import Statement

REG = "reg.example"
VOUCHING = (
    validation(OWNER, CHECK, "ann", since=-9_000, executed=-8_000, mapping=1),
    mapping(OWNER, "ann", ALPHA),
    assertion(OWNER, ALPHA, whose="ann"),
    denial(OWNER, BETA),
)
OF_ANN = {ALPHA: "asserted", BETA: "denied", CHECK: "validated"}


def _zones(world: World, *, hides: Callable[[Statement], bool]) -> list[bytes]:
    """Return what the zones of a world say, but for what is hidden."""
    claims = {wire: read_claim(wire) for wire in world.wires()}
    return [wire for wire, read in claims.items() if isinstance(read, Claim) and not hides(read.statement)]


def _binds(name: str) -> Callable[[Statement], bool]:
    return lambda said: said.kind is Kind.AUTHORITY and getattr(said, "authority", None) == name


def _hidden() -> list[Vector]:
    issued = World({".": ZoneSpec({"+1": list(ISSUED)}, PARTIES)})
    demanding = World(
        {".": ZoneSpec({"+1": [f"{ALPHA} msp authorized", *ISSUED[1:]]}, PARTIES)},
    )
    below = World(
        {
            ".": ZoneSpec({"+1": [*ISSUED[:3], f"{REG} registry"]}, (*PARTIES, REG)),
            REG: ZoneSpec({"+1415": [f"{OTHER} validator"]}),
        }
    )
    return [
        _vector(
            "hidden-csip",
            "The AUTHORITY of the CSIP is left out, so it has no row: nothing is more than asserted.",
            (),
            VOUCHING,
            "found",
            {".": "missing", **OF_ANN},
            {ALPHA: "asserted"},
            "ann",
            _zones(issued, hides=_binds(ISSUER)),
        ),
        _vector(
            "hidden-csip-demanded",
            "The same where the delegation demands that the recipient authorised.",
            (),
            VOUCHING,
            "incomplete",
            {".": "missing", **OF_ANN, ALPHA: "insufficient"},
            {},
            "ann",
            _zones(demanding, hides=_binds(ISSUER)),
        ),
        _vector(
            "hidden-registry",
            "All that a registry says is left out; a validator could be below it.",
            (),
            VOUCHING,
            "found",
            {".": "referred", REG: "missing", **OF_ANN},
            {ALPHA: "asserted"},
            "ann",
            _zones(below, hides=lambda said: getattr(said, "zone", None) == REG),
        ),
        _vector(
            "hidden-validator-after-revocation",
            "The AUTHORITY of the validator is left out: a bare word after a revocation is not enough.",
            (),
            [
                revocation(OWNER, ISSUER, before=-300),
                assertion(OWNER, ALPHA, issued=-200),
                denial(OWNER, BETA),
            ],
            "incomplete",
            {".": "missing", ALPHA: "revoked", BETA: "denied", ISSUER: "revoked"},
            {},
            "",
            _zones(issued, hides=_binds(CHECK)),
        ),
    ]


def vectors() -> list[Vector]:
    """Return every vector."""
    return [*_hidden()]
