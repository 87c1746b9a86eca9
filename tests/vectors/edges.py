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
    TWO,
    Vector,
    _vector,
)
from tests.zonedata.builders import (
    World,
    ZoneSpec,
    assertion,
    denial,
    mapping,
    number,
    recipient,
    revocation,
    validation,
)
from zonedata.kinds import Kind, Role
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


def _instants() -> list[Vector]:
    ended = revocation(OWNER, ISSUER, before=-300)
    rivals = (*ISSUED, f"{OTHER} validator")
    eves = assertion(OWNER, BETA, whose="eve", issued=-200)
    lower, higher = sorted(("ann", "eve"), key=recipient)
    msp_of = {"ann": ALPHA, "eve": BETA}
    return [
        _vector(
            "since-before-revocation",
            "Ann proved possession anew after the revocation, eve before that: ann's years before it do not count.",
            rivals,
            [
                ended,
                validation(OWNER, CHECK, "ann", since=-5_000, executed=-200),
                validation(OWNER, OTHER, "eve", since=-250, executed=-250),
                assertion(OWNER, ALPHA, whose="ann", issued=-200),
                eves,
            ],
            "found",
            {ALPHA: "contested", BETA: "asserted", CHECK: "contested", ISSUER: "revoked", OTHER: "validated"},
            {BETA: "validated"},
            "eve",
        ),
        _vector(
            "at-the-very-second",
            "Proven, and asserted, in the second of the instant before which everything is revoked: not before it.",
            ISSUED,
            [
                ended,
                validation(OWNER, CHECK, "ann", since=-300, executed=-300),
                assertion(OWNER, ALPHA, whose="ann", issued=-300),
                denial(OWNER, BETA),
            ],
            "found",
            {ALPHA: "asserted", BETA: "denied", CHECK: "validated", ISSUER: "revoked"},
            {ALPHA: "validated"},
            "ann",
        ),
        _vector(
            "longest-known-counts",
            "Two validators vouch for ann, the second knows her longer than a third knows eve.",
            (*TWO, f"{CHECK} validator", f"{ISSUER} validator", f"{OTHER} validator"),
            [
                validation(OWNER, CHECK, "ann", since=-900, executed=-900),
                validation(OWNER, ISSUER, "ann", since=-5_000, executed=-5_000),
                validation(OWNER, OTHER, "eve", since=-2_000, executed=-2_000),
                assertion(OWNER, ALPHA, whose="ann"),
                eves,
            ],
            "found",
            {ALPHA: "asserted", BETA: "contested", CHECK: "validated", ISSUER: "validated", OTHER: "contested"},
            {ALPHA: "validated"},
            "ann",
        ),
        _vector(
            "equally-long-at-the-other",
            "Two validated in the same second, the lower digest by the validator named last: it stands.",
            (*TWO, f"{CHECK} validator", f"{OTHER} validator"),
            [
                validation(OWNER, CHECK, higher),
                validation(OWNER, OTHER, lower),
                assertion(OWNER, ALPHA, whose="ann"),
                eves,
            ],
            "found",
            {msp_of[lower]: "asserted", msp_of[higher]: "contested", CHECK: "contested", OTHER: "validated"},
            {msp_of[lower]: "validated"},
            lower,
        ),
    ]


def _taken_back() -> list[Vector]:
    return [
        _vector(
            "revoked-after-a-denial",
            "The CSIP took the revocation of the block back, then revoked the number, which counts alone.",
            (*TWO, f"{ISSUER} csip"),
            [
                revocation(number("+1415"), ISSUER, before=-150, issued=-100, is_block=True),
                denial(OWNER, ISSUER, Role.CSIP, issued=-70),
                revocation(OWNER, ISSUER, before=-200, issued=-40),
                assertion(OWNER, ALPHA, issued=-300),
                assertion(OWNER, BETA, issued=-180),
            ],
            "found",
            {ALPHA: "revoked", BETA: "asserted", ISSUER: "revoked"},
            {BETA: "asserted"},
        ),
        _vector(
            "revocation-taken-back",
            "The CSIP denies after it had revoked: nothing is revoked.",
            (*TWO, f"{ISSUER} csip"),
            [
                revocation(OWNER, ISSUER, before=-150, issued=-100),
                denial(OWNER, ISSUER, Role.CSIP, issued=-70),
                assertion(OWNER, ALPHA, issued=-300),
                denial(OWNER, BETA),
            ],
            "found",
            {ALPHA: "asserted", BETA: "denied", ISSUER: "denied"},
            {ALPHA: "asserted"},
        ),
    ]


def _silent() -> list[Vector]:
    rivals = (*TWO, f"{CHECK} validator", f"{OTHER} validator")
    eves = [
        validation(OWNER, OTHER, "eve", since=-50, executed=-50, mapping=1),
        mapping(OWNER, "eve", BETA),
        assertion(OWNER, BETA, whose="eve"),
    ]
    anns = assertion(OWNER, ALPHA, whose="ann")
    return [
        _vector(
            "older-validator-silent",
            "Ann's validator shows nothing, eve's is newer: eve's mapping does not withhold ann's MSP.",
            rivals,
            [*eves, anns],
            "found",
            {ALPHA: "asserted", BETA: "asserted", CHECK: "missing", OTHER: "validated"},
            {ALPHA: "asserted", BETA: "asserted"},
            "eve",
        ),
        _vector(
            "older-validator-silent-opted-out",
            "The same, and eve's mapping lists nobody: ann's MSP stays, one that names nobody is withheld.",
            rivals,
            [eves[0], mapping(OWNER, "eve"), assertion(OWNER, BETA), anns],
            "found",
            {ALPHA: "asserted", BETA: "withheld", CHECK: "missing", OTHER: "validated"},
            {ALPHA: "asserted"},
            "eve",
        ),
        _vector(
            "older-validator-silent-demanded",
            "The same where the delegation demands that somebody vouches for the recipient.",
            (f"{ALPHA} msp validated", *rivals[1:]),
            [*eves, anns],
            "found",
            {ALPHA: "insufficient", BETA: "asserted", CHECK: "missing", OTHER: "validated"},
            {BETA: "asserted"},
            "eve",
        ),
        _vector(
            "older-validator-hidden",
            "The same where the AUTHORITY of ann's validator is left out.",
            (),
            [*eves, anns],
            "found",
            {".": "missing", ALPHA: "asserted", BETA: "asserted", OTHER: "validated"},
            {ALPHA: "asserted", BETA: "asserted"},
            "eve",
            _zones(World({".": ZoneSpec({"+1": list(rivals)}, PARTIES)}), hides=_binds(CHECK)),
        ),
        _vector(
            "validator-silent-after-revocation",
            "After a revocation, whoever names somebody else than the standing recipient is contested as ever.",
            (*rivals, f"{ISSUER} csip"),
            [
                revocation(OWNER, ISSUER, before=-300),
                validation(OWNER, OTHER, "eve", since=-50, executed=-50),
                assertion(OWNER, ALPHA, whose="ann", issued=-200),
                denial(OWNER, BETA),
            ],
            "incomplete",
            {ALPHA: "contested", BETA: "denied", CHECK: "missing", ISSUER: "revoked", OTHER: "validated"},
            {},
            "eve",
        ),
        _vector(
            "csip-silent",
            "The CSIP shows nothing: nothing is more than asserted, and the mapping withholds.",
            ISSUED,
            [*VOUCHING[:3], assertion(OWNER, BETA, whose="eve")],
            "found",
            {ALPHA: "asserted", BETA: "withheld", CHECK: "validated", ISSUER: "missing"},
            {ALPHA: "asserted"},
            "ann",
        ),
    ]


def vectors() -> list[Vector]:
    """Return every vector."""
    return [*_hidden(), *_instants(), *_taken_back(), *_silent()]
