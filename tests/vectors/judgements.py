"""Vectors of whole proofs in which nothing is refused: what they yield once the rows are weighed."""

from collections.abc import Sequence
from typing import Any

from tests.zonedata.builders import (
    NOW,
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
from zonedata.kinds import Role
from zonedata.standing import Standing

Vector = dict[str, Any]
CSI = "+14155550123"
OWNER = number(CSI)
ALPHA, BETA, CHECK, OTHER, ISSUER = (f"{name}.example" for name in ("alpha", "beta", "check", "other", "issuer"))
PARTIES = (ALPHA, BETA, CHECK, OTHER, ISSUER)


def _world(*grants: str) -> list[bytes]:
    return World({".": ZoneSpec({"+1": list(grants)}, PARTIES)}).wires()


TWO = (f"{ALPHA} msp", f"{BETA} msp")
VOUCHED = (*TWO, f"{CHECK} validator")
ISSUED = (*VOUCHED, f"{ISSUER} csip")
RIVALS = (*VOUCHED, f"{OTHER} validator")
NOT_ISSUED = denial(OWNER, ISSUER, Role.CSIP)
ANNS = assertion(OWNER, ALPHA, whose="ann")
BARE = assertion(OWNER, BETA)


def _vector(  # noqa: PLR0917 - the columns of a table
    name: str,
    description: str,
    grants: Sequence[str],
    said: Sequence[bytes],
    outcome: str,
    rows: dict[str, str],
    found: dict[str, str],
    whose: str = "",
    zones: Sequence[bytes] = (),
) -> Vector:
    """Make one.

    Args:
        name: Of the vector.
        description: What it shows.
        grants: Of the root zone, at +1.
        said: By the authorities.
        outcome: In one word.
        rows: How each authority stands.
        found: Assurance by MSP, then the recipient's tags.
        whose: The standing recipient.
        zones: What zones say, if it is not a root zone with these grants.
    """
    return {
        "name": name,
        "description": description,
        "anchor": "main",
        "now": NOW,
        "csi": CSI,
        "records": [record.hex() for record in (*(zones or _world(*grants)), *said)],
        "yields": {
            "outcome": outcome,
            "complete": all(Standing(word).is_proven for word in rows.values()),
            "rows": {".": "referred", **rows},
            "found": found,
            "recipient": recipient(whose).hex() if whose else "",
        },
    }


def _vouched() -> list[Vector]:
    vouching = validation(OWNER, CHECK, "ann")
    return [
        _vector(
            "bare-words",
            "Nobody vouches for anybody: both MSPs are believed on their word.",
            TWO,
            [ANNS, BARE],
            "found",
            {ALPHA: "asserted", BETA: "asserted"},
            {ALPHA: "asserted", BETA: "asserted"},
        ),
        _vector(
            "validated",
            "A validator vouches for ann: who names her is validated, who names nobody stays asserted.",
            VOUCHED,
            [vouching, ANNS, BARE],
            "found",
            {ALPHA: "asserted", BETA: "asserted", CHECK: "validated"},
            {ALPHA: "validated", BETA: "asserted"},
            "ann",
        ),
        _vector(
            "names-another",
            "An MSP names somebody for whom nobody vouches, while a validator vouches for ann.",
            VOUCHED,
            [vouching, ANNS, assertion(OWNER, BETA, whose="eve")],
            "found",
            {ALPHA: "asserted", BETA: "contested", CHECK: "validated"},
            {ALPHA: "validated"},
            "ann",
        ),
        _vector(
            "demanded",
            "The delegation demands that the recipient authorised; nobody did.",
            (f"{ALPHA} msp authorized", f"{CHECK} validator"),
            [vouching, ANNS],
            "none",
            {ALPHA: "insufficient", CHECK: "validated"},
            {},
            "ann",
        ),
        _vector(
            "validator-silent",
            "The validator shows nothing: nothing is more than asserted, and the answer is incomplete.",
            VOUCHED,
            [ANNS, BARE],
            "found",
            {ALPHA: "asserted", BETA: "asserted", CHECK: "missing"},
            {ALPHA: "asserted", BETA: "asserted"},
        ),
    ]


def _mapped() -> list[Vector]:
    knowing = validation(OWNER, CHECK, "ann", mapping=7)
    listing = mapping(OWNER, "ann", f"{ALPHA} Default", serial=7)
    return [
        _vector(
            "authorized-and-withheld",
            "Ann's mapping lists one MSP, Default; the other is withheld.",
            VOUCHED,
            [knowing, listing, ANNS, BARE],
            "found",
            {ALPHA: "asserted", BETA: "withheld", CHECK: "validated"},
            {ALPHA: "authorized Default"},
            "ann",
        ),
        _vector(
            "listed-but-unnamed",
            "Listed, but the MSP names nobody: its bare word, with ann's tags.",
            VOUCHED,
            [knowing, mapping(OWNER, "ann", ALPHA, f"{BETA} Business,Open", serial=7), ANNS, BARE],
            "found",
            {ALPHA: "asserted", BETA: "asserted", CHECK: "validated"},
            {ALPHA: "authorized", BETA: "asserted Business Open"},
            "ann",
        ),
        _vector(
            "former-key",
            "The MSP names the key that ann had before; her mapping says so.",
            VOUCHED,
            [
                knowing,
                mapping(OWNER, "ann", ALPHA, serial=7, former=["old ann"]),
                assertion(OWNER, ALPHA, whose="old ann"),
                denial(OWNER, BETA),
            ],
            "found",
            {ALPHA: "asserted", BETA: "denied", CHECK: "validated"},
            {ALPHA: "authorized"},
            "ann",
        ),
        _vector(
            "opted-out",
            "Ann's mapping lists nobody.",
            VOUCHED,
            [knowing, mapping(OWNER, "ann", serial=7), ANNS, BARE],
            "opted-out",
            {ALPHA: "withheld", BETA: "withheld", CHECK: "validated"},
            {},
            "ann",
        ),
        _vector(
            "released",
            "Ann has given the number up: what names her is revoked, what names nobody counts.",
            VOUCHED,
            [knowing, mapping(OWNER, "ann", serial=7, is_released=True), ANNS, BARE],
            "found",
            {ALPHA: "revoked", BETA: "asserted", CHECK: "revoked"},
            {BETA: "asserted"},
        ),
        _vector(
            "released-after-another-key",
            "Ann has given the number up, the MSP names the key that she had before: revoked as well.",
            VOUCHED,
            [
                knowing,
                mapping(OWNER, "ann", serial=7, is_released=True, former=["old ann"]),
                assertion(OWNER, ALPHA, whose="old ann"),
                BARE,
            ],
            "found",
            {ALPHA: "revoked", BETA: "asserted", CHECK: "revoked"},
            {BETA: "asserted"},
        ),
        _vector(
            "mapping-left-out",
            "The validator knows a mapping of serial 7, and none is shown.",
            VOUCHED,
            [knowing, ANNS, BARE],
            "found",
            {ALPHA: "asserted", BETA: "asserted", CHECK: "missing"},
            {ALPHA: "asserted", BETA: "asserted"},
        ),
        _vector(
            "older-mapping-shown",
            "The validator knows a mapping of serial 7, and one of serial 6 is shown.",
            VOUCHED,
            [knowing, mapping(OWNER, "ann", BETA, serial=6), ANNS, BARE],
            "found",
            {ALPHA: "asserted", BETA: "asserted", CHECK: "missing"},
            {ALPHA: "asserted", BETA: "asserted"},
        ),
        _vector(
            "newer-mapping-shown",
            "A mapping newer than the one that the validator knew when it signed.",
            VOUCHED,
            [knowing, mapping(OWNER, "ann", BETA, serial=8), ANNS, BARE],
            "found",
            {ALPHA: "withheld", BETA: "asserted", CHECK: "validated"},
            {BETA: "asserted"},
            "ann",
        ),
        _vector(
            "mapping-of-nobody",
            "A mapping by eve, for whom nobody vouches, has no effect.",
            VOUCHED,
            [validation(OWNER, CHECK, "ann"), mapping(OWNER, "eve", BETA, serial=9), ANNS, BARE],
            "found",
            {ALPHA: "asserted", BETA: "asserted", CHECK: "validated"},
            {ALPHA: "validated", BETA: "asserted"},
            "ann",
        ),
    ]


def _rivals() -> list[Vector]:
    older = validation(OWNER, CHECK, "ann", since=-5_000, executed=-5_000, mapping=1)
    newer = validation(OWNER, OTHER, "eve", since=-900, executed=-900, mapping=1)
    eves = assertion(OWNER, BETA, whose="eve")
    both = [older, mapping(OWNER, "ann", ALPHA), newer, mapping(OWNER, "eve", BETA), ANNS, eves]
    return [
        _vector(
            "older-stands",
            "Two validators vouch for two people: who has held the number longer stands, the other shows.",
            RIVALS,
            both,
            "found",
            {ALPHA: "asserted", BETA: "withheld", CHECK: "validated", OTHER: "contested"},
            {ALPHA: "authorized"},
            "ann",
        ),
        _vector(
            "older-released",
            "The older one has given it up: the newer one stands.",
            RIVALS,
            [older, mapping(OWNER, "ann", serial=2, is_released=True), *both[2:]],
            "found",
            {ALPHA: "revoked", BETA: "asserted", CHECK: "revoked", OTHER: "validated"},
            {BETA: "authorized"},
            "eve",
        ),
        _vector(
            "released-with-a-strangers-key",
            "Eve gives the number up and says that ann's key was hers; somebody else vouches for ann: she stands.",
            RIVALS,
            [
                older,
                mapping(OWNER, "ann", ALPHA),
                newer,
                mapping(OWNER, "eve", former=["ann"], is_released=True),
                ANNS,
                eves,
            ],
            "found",
            {ALPHA: "asserted", BETA: "revoked", CHECK: "validated", OTHER: "revoked"},
            {ALPHA: "authorized"},
            "ann",
        ),
        _vector(
            "released-with-a-strangers-former-key",
            "The same with the key that ann had before, which her mapping names too.",
            RIVALS,
            [
                older,
                mapping(OWNER, "ann", ALPHA, former=["old ann"]),
                newer,
                mapping(OWNER, "eve", former=["old ann"], is_released=True),
                assertion(OWNER, ALPHA, whose="old ann"),
                eves,
            ],
            "found",
            {ALPHA: "asserted", BETA: "revoked", CHECK: "validated", OTHER: "revoked"},
            {ALPHA: "authorized"},
            "ann",
        ),
        _vector(
            "former-key-released",
            "Ann has given the number up with her own key; eve says that ann's key was hers: it stays given up.",
            RIVALS,
            [
                older,
                mapping(OWNER, "ann", serial=2, is_released=True),
                newer,
                mapping(OWNER, "eve", ALPHA, former=["ann"]),
                ANNS,
                eves,
            ],
            "none",
            {ALPHA: "revoked", BETA: "withheld", CHECK: "revoked", OTHER: "validated"},
            {},
            "eve",
        ),
        _vector(
            "equally-long",
            "Two validated in the same second: the lower digest stands, for everybody alike.",
            RIVALS,
            [validation(OWNER, CHECK, "ann"), validation(OWNER, OTHER, "eve"), ANNS, eves],
            "found",
            {
                min((ALPHA, "ann"), (BETA, "eve"), key=lambda pair: recipient(pair[1]))[0]: "asserted",
                max((ALPHA, "ann"), (BETA, "eve"), key=lambda pair: recipient(pair[1]))[0]: "contested",
                min((CHECK, "ann"), (OTHER, "eve"), key=lambda pair: recipient(pair[1]))[0]: "validated",
                max((CHECK, "ann"), (OTHER, "eve"), key=lambda pair: recipient(pair[1]))[0]: "contested",
            },
            {min((ALPHA, "ann"), (BETA, "eve"), key=lambda pair: recipient(pair[1]))[0]: "validated"},
            min("ann", "eve", key=recipient),
        ),
        _vector(
            "two-agree",
            "Two validators vouch for one person, the newer one knows a newer mapping: that one counts.",
            RIVALS,
            [
                older,
                mapping(OWNER, "ann", ALPHA),
                validation(OWNER, OTHER, "ann", since=-900, executed=-900, mapping=2),
                mapping(OWNER, "ann", BETA, serial=2),
                ANNS,
                BARE,
            ],
            "found",
            {ALPHA: "withheld", BETA: "asserted", CHECK: "validated", OTHER: "validated"},
            {BETA: "asserted"},
            "ann",
        ),
    ]


def _revoked() -> list[Vector]:
    ended = revocation(OWNER, ISSUER, before=-300)
    old = validation(OWNER, CHECK, "ann", executed=-500)
    fresh = validation(OWNER, CHECK, "bob", since=-250, executed=-250)
    bobs = assertion(OWNER, ALPHA, whose="bob", issued=-200)
    return [
        _vector(
            "not-revoked",
            "The CSIP denies: it has revoked nothing.",
            ISSUED,
            [NOT_ISSUED, old, ANNS, BARE],
            "found",
            {ALPHA: "asserted", BETA: "asserted", CHECK: "validated", ISSUER: "denied"},
            {ALPHA: "validated", BETA: "asserted"},
            "ann",
        ),
        _vector(
            "revoked",
            "The CSIP ends what was said before; validation and assertions are older.",
            ISSUED,
            [ended, old, ANNS, BARE],
            "none",
            {ALPHA: "revoked", BETA: "revoked", CHECK: "revoked", ISSUER: "revoked"},
            {},
        ),
        _vector(
            "bare-word-after-revocation",
            "An MSP asserts anew, on its bare word, where a validator could vouch: not enough.",
            ISSUED,
            [
                ended,
                denial(OWNER, CHECK, Role.VALIDATOR),
                denial(OWNER, ALPHA),
                assertion(OWNER, BETA, issued=-200),
            ],
            "none",
            {ALPHA: "denied", BETA: "revoked", CHECK: "denied", ISSUER: "revoked"},
            {},
        ),
        _vector(
            "no-validator-after-revocation",
            "The same where nobody can vouch: what is newer counts, what is older does not.",
            (*TWO, f"{ISSUER} csip"),
            [ended, ANNS, assertion(OWNER, BETA, issued=-200)],
            "found",
            {ALPHA: "revoked", BETA: "asserted", ISSUER: "revoked"},
            {BETA: "asserted"},
        ),
        _vector(
            "new-holder",
            "Bob proved possession after the revocation.",
            ISSUED,
            [ended, fresh, bobs, assertion(OWNER, BETA, issued=-200)],
            "found",
            {ALPHA: "asserted", BETA: "revoked", CHECK: "validated", ISSUER: "revoked"},
            {ALPHA: "validated"},
            "bob",
        ),
        _vector(
            "revoked-block",
            "The CSIP ends a whole range.",
            ISSUED,
            [revocation(number("+1415"), ISSUER, before=-300, is_block=True), old, ANNS, BARE],
            "none",
            {ALPHA: "revoked", BETA: "revoked", CHECK: "revoked", ISSUER: "revoked"},
            {},
        ),
        _vector(
            "latest-of-several",
            "A number and its range revoked at different instants: the later one counts.",
            (*TWO, f"{ISSUER} csip"),
            [
                revocation(OWNER, ISSUER, before=-3_000),
                revocation(number("+1415"), ISSUER, before=-300, is_block=True),
                assertion(OWNER, ALPHA, issued=-500),
                assertion(OWNER, BETA, issued=-200),
            ],
            "found",
            {ALPHA: "revoked", BETA: "asserted", ISSUER: "revoked"},
            {BETA: "asserted"},
        ),
    ]


def _denied() -> list[Vector]:
    listed = assertion(OWNER, ALPHA, issued=-500)
    other = denial(OWNER, BETA)
    ended = revocation(OWNER, ISSUER, before=-700, issued=-600)
    return [
        _vector(
            "removed",
            "A denial as of a signing after the assertion: the listing has been removed.",
            TWO,
            [listed, denial(OWNER, ALPHA, issued=-10, as_of=-400), other],
            "none",
            {ALPHA: "denied", BETA: "denied"},
            {},
        ),
        _vector(
            "denied-by-a-server-that-lags",
            "A denial issued after the assertion, as of a signing before it: the assertion stands.",
            TWO,
            [listed, denial(OWNER, ALPHA, issued=-10, as_of=-501), other],
            "found",
            {ALPHA: "asserted", BETA: "denied"},
            {ALPHA: "asserted"},
        ),
        _vector(
            "denied-as-of-the-same-second",
            "A denial as of the second in which the assertion was issued: the assertion stands.",
            TWO,
            [listed, denial(OWNER, ALPHA, issued=-10, as_of=-500), other],
            "found",
            {ALPHA: "asserted", BETA: "denied"},
            {ALPHA: "asserted"},
        ),
        _vector(
            "revoked-where-a-server-lags",
            "A server of the CSIP has not got the revocation yet: the revocation stands.",
            (*TWO, f"{ISSUER} csip"),
            [ended, denial(OWNER, ISSUER, Role.CSIP, issued=-10, as_of=-900), listed, other],
            "found",
            {ALPHA: "asserted", BETA: "denied", ISSUER: "revoked"},
            {ALPHA: "asserted"},
        ),
    ]


def vectors() -> list[Vector]:
    """Return every vector."""
    return [*_vouched(), *_mapped(), *_rivals(), *_revoked(), *_denied()]
