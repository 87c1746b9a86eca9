"""Whose word counts about a CSI: what validators, CSIPs and the recipient let stand of what MSPs assert.

MSPs are not trusted to say the truth about whose number it is. So what each of them asserts (`findings`) is weighed
by what the others on the path said, in this order (docs/protocol.md section 11):

- A CSIP's REVOCATION ends what was validated or asserted before its instant. After one, where somebody can vouch,
  an MSP's bare word is not enough.
- Of several recipients that validators vouch for, the one who has held the CSI longest stands. Who is newer is
  reported, and takes nothing over: a swapped SIM card alone moves no number.
- The standing recipient's MAPPING withholds every MSP that it does not list.
- An assertion that names the standing recipient is `validated`, and `authorized` if the MAPPING lists its MSP.
- While a validator gave no proof, somebody may have held the CSI longer than who stands: an MSP that names another
  recipient is then not withheld and not contested, and stays `asserted`.
- If any CSIP or validator gave no proof, or could be hidden, nothing is more than `asserted`.

Pure; the rows come from `findings.settle`, and change nothing but their words.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from zonedata.findings import Finding, Ground
from zonedata.kinds import ASSURANCE_ORDER, Assurance, Role
from zonedata.opening import Opened
from zonedata.person_statements import Assertion
from zonedata.recipient_statements import Mapping, Revocation, Validation
from zonedata.standing import Standing

_VOUCHING: Final = frozenset({Role.CSIP, Role.VALIDATOR})


@dataclass(slots=True)
class Claimant:
    """A recipient whom at least one validator vouches for.

    Attributes:
        recipient: Digest of their key.
        since: Unix seconds from which they have held the CSI, by the word of who knows them longest.
        mapping: Their newest that anybody showed.
    """

    recipient: bytes
    since: int
    mapping: Opened[Mapping] | None = None

    def take(self, since: int, mapping: Opened[Mapping] | None) -> None:
        """Add what one more validator says."""
        self.since = min(self.since, since)
        if mapping is not None and (
            self.mapping is None or mapping.statement.life.serial > self.mapping.statement.life.serial
        ):
            self.mapping = mapping

    @property
    def is_released(self) -> bool:
        """Say whether they have given the CSI up."""
        return self.mapping is not None and self.mapping.statement.is_released


@dataclass(frozen=True, slots=True)
class Weighed:
    """What it comes to.

    Attributes:
        findings: The rows, as they stand now.
        recipient: Digest of the standing recipient's key, b"" where nobody is vouched for.
        mapping: Their MAPPING, or None.
    """

    findings: list[Finding]
    recipient: bytes = b""
    mapping: Opened[Mapping] | None = None


def weigh(findings: list[Finding], *, is_whole: bool = True) -> Weighed:
    """Weigh the rows of all grantees of one question against one another.

    Args:
        findings: The rows.
        is_whole: Whether everybody who could vouch or revoke has a row. Whoever is not known to be one, because
            a binding or a zone is not shown, must weigh as much as one who is silent.
    """
    vouching = [finding for finding in findings if finding.role in _VOUCHING]
    if not vouching:
        return Weighed([_accepted(finding, finding.assurance) for finding in findings])
    revoked_before = _revoked_before(vouching)
    claimants = _claimants(vouching, revoked_before)
    standing = _standing_of(claimants)
    case = _Case(
        revoked_before,
        not is_whole or any(finding.role is Role.VALIDATOR for finding in vouching),
        is_whole and all(finding.standing.is_proven for finding in vouching),
        is_whole and all(finding.standing.is_proven for finding in vouching if finding.role is Role.VALIDATOR),
        _given_up(claimants),
        standing,
    )
    weighed = [case.of_validator(f) if f.role is Role.VALIDATOR else case.of_msp(f) for f in findings]
    return Weighed(
        weighed,
        standing.recipient if standing is not None else b"",
        standing.mapping if standing is not None else None,
    )


def _revoked_before(findings: Iterable[Finding]) -> int:
    """Return the latest instant before which a CSIP says that nothing holds; 0 if none does."""
    said = [f.opened.statement for f in findings if f.role is Role.CSIP and f.opened is not None]
    return max([one.before for one in said if isinstance(one, Revocation)], default=0)


def _claimants(findings: Iterable[Finding], revoked_before: int) -> list[Claimant]:
    found: dict[bytes, Claimant] = {}
    for finding in findings:
        validation = _validation_of(finding)
        if validation is None or validation.executed < revoked_before:
            continue
        since = validation.since if validation.since >= revoked_before else validation.executed
        claimant = found.setdefault(validation.recipient, Claimant(validation.recipient, since))
        claimant.take(since, finding.mapping)
    return list(found.values())


def _validation_of(finding: Finding) -> Validation | None:
    if finding.standing is not Standing.VALIDATED or finding.opened is None:
        return None
    validation = finding.opened.statement
    return validation if isinstance(validation, Validation) else None


def _standing_of(claimants: Iterable[Claimant]) -> Claimant | None:
    """Return who has held the CSI longest and has not given it up; of two as long, the lower digest."""
    holding = [claimant for claimant in claimants if not claimant.is_released]
    return min(holding, key=lambda claimant: (claimant.since, claimant.recipient), default=None)


def _given_up(claimants: Iterable[Claimant]) -> set[bytes]:
    """Return the digests of keys for which the CSI was given up: of those who released it, and their former ones.

    A former key that is vouched for by itself, or that somebody who holds the CSI had before, is not among them:
    else whoever is vouched for anywhere could end what names a stranger's key, by a false `former` and a release.
    """
    released, former, held = set[bytes](), set[bytes](), set[bytes]()
    for one in claimants:
        before = one.mapping.statement.former if one.mapping is not None else ()
        if one.is_released:
            released.add(one.recipient)
            former.update(before)
        else:
            held.update((one.recipient, *before))
    return released | (former - held)


@dataclass(frozen=True, slots=True)
class _Case:
    """What the vouching rows come to.

    Attributes:
        revoked_before: What is older has been revoked; 0 for nothing.
        has_validator: Whether anybody on the path can vouch, or could.
        is_proven: Whether all who vouch or revoke are known and have spoken.
        is_settled: Whether all who vouch are, and have, so that nobody else can have held the CSI longer.
        released: Digests of the keys, former ones too, of recipients who gave the CSI up.
        standing: Whose word counts.
    """

    revoked_before: int
    has_validator: bool
    is_proven: bool
    is_settled: bool
    released: set[bytes]
    standing: Claimant | None

    def of_validator(self, finding: Finding) -> Finding:
        """Return a validator's row as it stands."""
        validation = _validation_of(finding)
        if validation is None:
            return finding
        if validation.executed < self.revoked_before:
            return replace(finding, standing=Standing.REVOKED, ground=Ground.SAID_BEFORE)
        if validation.recipient in self.released:
            return replace(finding, standing=Standing.REVOKED, ground=Ground.GIVEN_UP)
        assert self.standing is not None, "who is vouched for, and not revoked, is among the claimants"
        if validation.recipient != self.standing.recipient:
            return replace(finding, standing=Standing.CONTESTED, ground=Ground.OTHER_RECIPIENT)
        return finding

    def of_msp(self, finding: Finding) -> Finding:
        """Return an MSP's row as it stands; those of CSIPs stay as they are."""
        if finding.role is not Role.MSP or finding.standing is not Standing.ASSERTED or finding.opened is None:
            return finding
        said = finding.opened.statement
        named = said.recipient if isinstance(said, Assertion) else b""
        if said.life.issued < self.revoked_before:
            return replace(finding, standing=Standing.REVOKED, ground=Ground.SAID_BEFORE)
        if named in self.released:
            return replace(finding, standing=Standing.REVOKED, ground=Ground.GIVEN_UP)
        if self.standing is None:
            if self.revoked_before > 0 and self.has_validator:
                return replace(finding, standing=Standing.REVOKED, ground=Ground.NOBODY_SINCE)
            return _accepted(finding, Assurance.ASSERTED)
        return self._of_msp_under(self.standing, finding, named)

    def _of_msp_under(self, standing: Claimant, finding: Finding, named: bytes) -> Finding:
        mapping = standing.mapping.statement if standing.mapping is not None else None
        entry = mapping.entry_for(finding.authority) if mapping is not None else None
        is_theirs = named == standing.recipient or (mapping is not None and named in mapping.former)
        if named and not is_theirs and not self.is_settled and self.revoked_before == 0:
            return _accepted(finding, Assurance.ASSERTED)
        if mapping is not None and entry is None:
            return replace(finding, standing=Standing.WITHHELD, ground=Ground.NOT_LISTED)
        if named and not is_theirs:
            return replace(finding, standing=Standing.CONTESTED, ground=Ground.OTHER_RECIPIENT)
        if not named and self.revoked_before > 0:
            return replace(finding, standing=Standing.REVOKED, ground=Ground.BARE_WORD)
        tags = entry.tags if entry is not None else ()
        level = Assurance.ASSERTED
        if is_theirs and self.is_proven:
            level = Assurance.AUTHORIZED if entry is not None else Assurance.VALIDATED
        return _accepted(replace(finding, tags=tags), level)


def _accepted(finding: Finding, assurance: Assurance) -> Finding:
    """Return a row that stands, if it is as well vouched for as the delegations demand."""
    if finding.standing is not Standing.ASSERTED:
        return finding
    is_enough = ASSURANCE_ORDER[assurance] >= ASSURANCE_ORDER[finding.required]
    if is_enough and assurance is finding.assurance:
        return finding
    return replace(
        finding,
        standing=Standing.ASSERTED if is_enough else Standing.INSUFFICIENT,
        assurance=assurance,
        ground=None if is_enough else Ground.TOO_LITTLE,
    )
