"""Vectors of whole proofs that lack somebody, and a resolver's STATUS that says why."""

from tests.vectors.judgements import ALPHA, ANNS, BETA, CHECK, ISSUED, ISSUER, OTHER, OWNER, Vector, _vector
from tests.zonedata.builders import NOW
from zonedata import statements
from zonedata.kinds import Role
from zonedata.life import Life
from zonedata.person_statements import Rows, Status
from zonedata.standing import Standing

WHY: Rows = (
    (ALPHA, Role.MSP, Standing.ASSERTED),
    (BETA, Role.MSP, Standing.UNENCRYPTED),
    (CHECK, Role.VALIDATOR, Standing.UNAUTHENTICATED),
    (ISSUER, Role.CSIP, Standing.LIMITED),
    (OTHER, Role.VALIDATOR, Standing.UNREACHABLE),
)


def vectors() -> list[Vector]:
    """Return them."""
    status = Status(Life(0, NOW, NOW, NOW + 60), OWNER, tuple(sorted(WHY)))
    return [
        _vector(
            "hinted",
            "Of four grantees one has spoken; a STATUS says why the others have not, and of one that is none.",
            ISSUED,
            [ANNS, statements.seal(status).to_wire()],
            "found",
            {ALPHA: "asserted", BETA: "unencrypted", CHECK: "unauthenticated", ISSUER: "limited"},
            {ALPHA: "asserted"},
        ),
    ]
