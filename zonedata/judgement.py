"""What a look-up comes to: how each authority stands, what was found, whether it is complete.

`settle` decides for one authority, `conclude` for the whole question; the resolver merges with them what it
was told, and `judge` decides with the same two what a proof shows to somebody who trusts nothing but the
anchor.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from zonedata.holdings import Holdings, Said
from zonedata.kinds import ASSURANCE_ORDER, Assurance, Role
from zonedata.names import Name
from zonedata.opening import Claim, Opened, Refusal, Step, open_claim, read_claim
from zonedata.path import MAX_FAILURES, Grantee, Known, Path, admit_zone, follow
from zonedata.person_statements import Assertion, Block, Denial, Status
from zonedata.standing import Standing
from zonedata.statements import Statement
from zonedata.trust import Trust

MAX_OPENED = 8  # statements of one authority about one owner that are opened; three are enough


class Outcome(StrEnum):
    """The answer in one word."""

    FOUND = "found"
    NONE = "none"
    OPTED_OUT = "opted-out"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Finding:
    """How one authority stands in one role.

    Attributes:
        authority: Who.
        role: In which role it was asked.
        standing: The word for it.
        ssi: Where the person is reachable, when it asserted; else "".
        assurance: How well that is vouched for.
        opened: The statement that says so, or None.
    """

    authority: str
    role: Role
    standing: Standing
    ssi: str = ""
    assurance: Assurance = Assurance.ASSERTED
    opened: Opened[Statement] | None = None


@dataclass(slots=True)
class Judgement:
    """What a question comes to.

    Attributes:
        owner: The name asked about.
        outcome: The answer in one word.
        complete: Whether every authority on the path is proven to have spoken.
        findings: A row for each authority and role, zones first, in ascending order.
        refusals: What was not believed, with the step.
        evidence: Every statement it stands on, to be shown as proof.
    """

    owner: Name
    outcome: Outcome
    complete: bool
    findings: list[Finding]
    refusals: list[Refusal] = field(default_factory=list)
    evidence: list[Opened[Statement]] = field(default_factory=list)

    @property
    def found(self) -> list[Finding]:
        """Return the rows that say where the person is reachable."""
        return [finding for finding in self.findings if finding.standing is Standing.ASSERTED]

    def keep(self, now: float) -> float:
        """Return until when it may be used without asking again."""
        return min((opened.keep for opened in self.evidence), default=now)


def settle(grantee: Grantee, said: Said, owner: Name, now: float, reason: Standing) -> list[Finding]:
    """Decide how an authority stands, in each role in which it was granted.

    Args:
        grantee: The authority, as the path grants it.
        said: What it said about the owner.
        owner: The name asked about.
        now: Unix seconds.
        reason: Why it said nothing, for the roles in which it said nothing.
    """
    findings = []
    for role, required in sorted(grantee.roles.items()):
        denial = _current(grantee, said.denials.get(role), now)
        spoken: Opened[Statement] | None = None
        if role is Role.MSP:
            spoken = _current(grantee, said.assertion, now) or _speaking_block(grantee, said, owner, now)
        if spoken is not None and denial is not None:
            later = denial.statement.life.issued > spoken.statement.life.issued
            spoken, denial = (None, denial) if later else (spoken, None)
        name = grantee.signer.name
        if spoken is not None:
            accepted = ASSURANCE_ORDER[required] <= ASSURANCE_ORDER[Assurance.ASSERTED]
            standing = Standing.ASSERTED if accepted else Standing.INSUFFICIENT
            findings.append(Finding(name, role, standing, _ssi_of(spoken.statement, owner), opened=spoken))
        elif denial is not None:
            findings.append(Finding(name, role, Standing.DENIED, opened=denial))
        else:
            findings.append(Finding(name, role, reason))
    return findings


def _current(grantee: Grantee, opened: Opened[Statement] | None, now: float) -> Opened[Statement] | None:
    if opened is None or opened.keep <= now or grantee.signer.key_for(opened.key_id) is None:
        return None
    return opened


def _speaking_block(grantee: Grantee, said: Said, owner: Name, now: float) -> Opened[Statement] | None:
    block = _current(grantee, said.block, now)
    speaks = block is not None and isinstance(block.statement, Block) and block.statement.speaks_for(owner)
    return block if speaks else None


def _ssi_of(statement: Statement, owner: Name) -> str:
    if isinstance(statement, Block):
        return statement.ssi_for(owner)
    assert isinstance(statement, Assertion)
    return statement.ssi


def conclude(path: Path, findings: list[Finding], reasons: Mapping[str, Standing]) -> Judgement:
    """Put the rows together.

    Args:
        path: How the authorities were found.
        findings: The rows of all grantees.
        reasons: Why a zone showed nothing, by its name; only for zones that did not.
    """
    rows = {(zone.signer.name, Role.REGISTRY): Standing.REFERRED for zone in path.zones}
    for need in path.needs:
        name = need.zone.signer.name
        rows[name, Role.REGISTRY] = reasons.get(name, Standing.MISSING)
    zones = [Finding(name, role, standing) for (name, role), standing in sorted(rows.items())]
    zones += [Finding(name, role, Standing.BOGUS) for name, role in sorted(set(path.unbound))]
    every = [*zones, *sorted(findings, key=lambda finding: (finding.authority, finding.role))]
    complete = all(finding.standing.is_proven for finding in every)
    evidence = [*path.evidence.values(), *(f.opened for f in every if f.opened is not None)]
    if any(finding.standing is Standing.ASSERTED for finding in every):
        outcome = Outcome.FOUND
    else:
        outcome = Outcome.NONE if complete else Outcome.INCOMPLETE
    return Judgement(path.owner, outcome, complete, every, list(path.refusals), evidence)


def admit_said(
    grantee: Grantee, owner: Name, claims: Iterable[Claim], known: Known, keep: float | None = None
) -> list[Refusal]:
    """Open what of the claims this authority said about the owner, and hold it (steps 3 to 9).

    Args:
        grantee: Who was asked.
        owner: The name asked about.
        claims: What was shown, by anybody.
        known: Where to hold what is opened.
        keep: As `open_claim`.
    """
    said = known.held.about(grantee.signer.principal, owner)
    refusals: list[Refusal] = []
    opened_count = 0
    for claim in claims:
        if len(refusals) == MAX_FAILURES or opened_count == MAX_OPENED:
            break
        if not _is_said_by(grantee.signer.name, claim.statement):
            continue
        opened = open_claim(claim, grantee.signer, known.trust.tree, known.now, keep)
        opened_count += 1
        if isinstance(opened, Refusal):
            refusals.append(opened)
        elif (why := _beside(claim.statement, grantee, owner)) is not None:
            refusals.append(Refusal(Step.SCOPE, claim.sealed.kind, grantee.signer.name, why))
        elif (refusal := said.add(opened, known.now)) is not None:
            refusals.append(refusal)
    return refusals


def _is_said_by(authority: str, statement: Statement) -> bool:
    match statement:
        case Assertion() | Block():
            return statement.msp == authority
        case Denial():
            return statement.authority == authority
        case _:
            return False


def _beside(statement: Statement, grantee: Grantee, owner: Name) -> str | None:
    """Say why what an authority said is not about what it was asked, or nothing that it may say."""
    match statement:
        case Assertion() if statement.owner != owner:
            return "an assertion about another owner"
        case Denial() if statement.owner != owner:
            return "a denial about another owner"
        case Denial() if statement.role not in grantee.roles:
            return f"a denial in the role {statement.role}, which it was not granted"
        case Block() if not statement.speaks_for(owner):
            return "a block that does not speak for this number"
        case Assertion() | Block() if Role.MSP not in grantee.roles:
            return "an assertion by an authority that is no MSP here"
        case _:
            return None


def judge(owner: Name, trust: Trust, wires: Iterable[bytes], now: float) -> Judgement:
    """Judge a proof alone: what is proven, what is absent, what is unproven.

    Args:
        owner: The name that was asked about.
        trust: The anchor; its version must be current at `now`.
        wires: The data of every record shown, in any order, from anybody.
        now: Unix seconds.
    """
    claims, refusals, hints = _read(wires, owner)
    known = Known(trust, Holdings(), now)
    tried = set()
    path = follow(owner, known)
    while untried := [need for need in path.needs if need.key not in tried]:
        for need in untried:
            tried.add(need.key)
            refusals += admit_zone(need, owner, claims, known)
        path = follow(owner, known)
    findings = []
    for principal, grantee in path.grantees.items():
        refused = admit_said(grantee, owner, claims, known)
        refusals += refused
        name = grantee.signer.name
        reason = Standing.BOGUS if refused else hints.get(name, Standing.MISSING)
        findings += settle(grantee, known.held.about(principal, owner), owner, now, reason)
    judgement = conclude(path, findings, hints)
    judgement.refusals[:0] = refusals
    return judgement


def _read(wires: Iterable[bytes], owner: Name) -> tuple[list[Claim], list[Refusal], dict[str, Standing]]:
    claims: list[Claim] = []
    refusals: list[Refusal] = []
    hints: dict[str, Standing] = {}
    for wire in dict.fromkeys(wires):  # what is shown twice is said once
        read = read_claim(wire)
        if isinstance(read, Refusal):
            refusals.append(read)
        elif isinstance(read.statement, Status):
            if read.statement.owner == owner:
                for name, _, word in read.statement.rows:
                    if not word.is_proven:  # the first word of several, so that their order does not matter
                        hints[name] = min(word, hints.get(name, word))
        else:
            claims.append(read)
    return claims, refusals, hints
