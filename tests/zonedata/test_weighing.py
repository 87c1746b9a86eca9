"""What no single proof shows about the weighing: what validators showed at different times, and in any order."""

from itertools import permutations

from tests.zonedata.builders import NOW, anchor, assertion, mapping, number, revocation, signer, validation
from zonedata.admission import admit_said
from zonedata.findings import Finding, settle
from zonedata.holdings import Holdings
from zonedata.kinds import Assurance, Role
from zonedata.opening import Claim, read_claim
from zonedata.path import Grantee, Known
from zonedata.standing import Standing
from zonedata.weighing import weigh

OWNER = number("+14155550123")
ALPHA, BETA, CHECK, ISSUER, OTHER = (f"{name}.example" for name in ("alpha", "beta", "check", "issuer", "other"))


class Heard:
    """Who said what, one reply after another."""

    def __init__(self) -> None:
        self.known = Known(anchor(), Holdings(), NOW)
        self.grantees: dict[str, Grantee] = {}

    def hear(self, name: str, role: Role, *wires: bytes) -> "Heard":
        """Take in one reply."""
        grantee = self.grantees.setdefault(name, Grantee(signer(name), (), {role: Assurance.ASSERTED}))
        claims = [claim for claim in map(read_claim, wires) if isinstance(claim, Claim)]
        assert admit_said(grantee, OWNER, claims, self.known) == []
        return self

    def settled(self) -> list[Finding]:
        rows = []
        for grantee in self.grantees.values():
            said = self.known.held.about(grantee.signer.principal, OWNER)
            rows += settle(grantee, said, OWNER, NOW, Standing.MISSING)
        return rows

    def standings(self) -> dict[str, Standing]:
        return {finding.authority: finding.standing for finding in weigh(self.settled()).findings}


def test_of_two_mappings_of_one_recipient_the_newer_counts_whoever_showed_it() -> None:
    older = validation(OWNER, CHECK, "ann", mapping=1), mapping(OWNER, "ann", ALPHA)
    newer = validation(OWNER, OTHER, "ann", mapping=2), mapping(OWNER, "ann", BETA, serial=2)
    for first, second in (((CHECK, older), (OTHER, newer)), ((OTHER, newer), (CHECK, older))):
        heard = Heard().hear(first[0], Role.VALIDATOR, *first[1]).hear(second[0], Role.VALIDATOR, *second[1])
        heard.hear(ALPHA, Role.MSP, assertion(OWNER, ALPHA, whose="ann"))
        assert heard.standings() == {
            CHECK: Standing.VALIDATED,
            OTHER: Standing.VALIDATED,
            ALPHA: Standing.WITHHELD,
        }


def test_the_mapping_of_whom_a_validator_vouched_for_before_is_nobodys() -> None:
    heard = Heard().hear(
        CHECK, Role.VALIDATOR, validation(OWNER, CHECK, "ann"), mapping(OWNER, "ann", ALPHA, serial=9)
    )
    heard.hear(CHECK, Role.VALIDATOR, validation(OWNER, CHECK, "eve", serial=2))
    (row,) = heard.settled()
    assert (row.standing, row.mapping) == (Standing.VALIDATED, None)
    heard.hear(CHECK, Role.VALIDATOR, validation(OWNER, CHECK, "eve", serial=3, mapping=1))
    (row,) = heard.settled()
    assert row.standing is Standing.MISSING, "ann's mapping is not what eve's validator owes"


def test_a_mapping_of_another_key_is_not_the_older_one() -> None:
    heard = Heard().hear(
        CHECK, Role.VALIDATOR, validation(OWNER, CHECK, "ann"), mapping(OWNER, "ann", ALPHA, serial=9)
    )
    eves = validation(OWNER, CHECK, "eve", serial=2, mapping=1), mapping(OWNER, "eve", BETA)
    (row,) = heard.hear(CHECK, Role.VALIDATOR, *eves).settled()
    assert row.standing is Standing.VALIDATED
    assert row.mapping is not None
    assert [entry.msp for entry in row.mapping.statement.entries] == [BETA]


def test_of_two_revocations_of_one_instant_the_nearest_is_shown_whatever_came_first() -> None:
    said = [
        revocation(OWNER, ISSUER),
        revocation(number("+1415"), ISSUER, is_block=True),
        revocation(number("+1"), ISSUER, is_block=True),
    ]
    shown = set()
    for wires in permutations(said):
        (row,) = Heard().hear(ISSUER, Role.CSIP, *wires).settled()
        assert row.opened is not None
        shown.add(row.opened.sealed.to_wire())
    assert shown == {said[0]}
