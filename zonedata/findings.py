"""How one authority stands to a question, in each role in which it was granted, from what it said alone.

What others say that bears on it is weighed afterwards, in `weighing`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, cast

from zonedata.holdings import Said
from zonedata.kinds import Assurance, Role
from zonedata.names import Name
from zonedata.opening import Opened
from zonedata.path import Grantee
from zonedata.person_statements import Assertion, Block, Denial
from zonedata.recipient_statements import Mapping, Revocation, Validation
from zonedata.standing import Standing
from zonedata.statements import Statement


class Ground(StrEnum):
    """Why a row stands otherwise than its authority said (`weighing`)."""

    SAID_BEFORE = "said-before"  # older than the instant before which a CSIP lets nothing hold
    GIVEN_UP = "given-up"  # of a recipient who has given the CSI up
    NOBODY_SINCE = "nobody-since"  # revoked once, and no validator vouches for anybody since
    BARE_WORD = "bare-word"  # revoked once, and it names no recipient
    NOT_LISTED = "not-listed"  # the recipient's mapping does not list it
    OTHER_RECIPIENT = "other-recipient"  # of another recipient than the one who stands
    TOO_LITTLE = "too-little"  # less assurance than the delegation demands


_SILENT: Final = frozenset({Standing.UNREACHABLE, Standing.REFUSED, Standing.UNASKED, Standing.LIMITED})


@dataclass(slots=True)  # one a look-up: decision 0016
class Finding:
    """How one authority stands in one role.

    Attributes:
        authority: Who.
        role: In which role it was asked.
        standing: The word for it.
        ssi: Where the person is reachable, when it asserted; else "".
        assurance: How well that is vouched for.
        opened: The statement that says so, or None.
        required: The least assurance that the delegations demand.
        mapping: The recipient's, which a validator showed beside its word; or None.
        tags: The recipient's for this MSP.
        ground: Why it does not stand as its authority said, or None.
    """

    authority: str
    role: Role
    standing: Standing
    ssi: str = ""
    assurance: Assurance = Assurance.ASSERTED
    opened: Opened[Statement] | None = None
    required: Assurance = Assurance.ASSERTED
    mapping: Opened[Mapping] | None = None
    tags: tuple[str, ...] = ()
    ground: Ground | None = None


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
    name = grantee.signer.name
    for role, required in sorted(grantee.roles.items()) if len(grantee.roles) > 1 else grantee.roles.items():
        denial = _current(grantee, said.denials.get(role), now)
        spoken = (
            _revoking(grantee, said, denial, now) if role is Role.CSIP else _spoken(role, grantee, said, owner, now)
        )
        if spoken is not None and denial is not None:
            assert isinstance(denial.statement, Denial)
            later = denial.statement.ordered_at > spoken.statement.life.issued
            spoken, denial = (None, denial) if later else (spoken, None)
        if spoken is not None and role is Role.MSP:
            ssi = _ssi_of(spoken.statement, owner)
            findings.append(Finding(name, role, Standing.ASSERTED, ssi, opened=spoken, required=required))
        elif spoken is not None and role is Role.CSIP:
            findings.append(Finding(name, role, Standing.REVOKED, opened=spoken))
        elif spoken is not None:
            findings.append(_validated(name, spoken, _current(grantee, said.mapping, now)))
        elif denial is not None:
            findings.append(Finding(name, role, Standing.DENIED, opened=denial))
        else:
            is_stale = reason in _SILENT and _has_said(role, grantee, said, now)
            findings.append(Finding(name, role, Standing.STALE if is_stale else reason))
    return findings


def _has_said(role: Role, grantee: Grantee, said: Said, now: float) -> bool:
    """Say whether an authority said something in a role that has not expired, and is too old to be used unasked."""
    earlier: list[Opened[Statement] | None] = [said.denials.get(role)]
    if role is Role.MSP:
        earlier += [said.assertion, said.block]
    elif role is Role.VALIDATOR:
        earlier.append(said.validation)
    else:
        earlier += said.revocations.values()
    return any(one is not None and one.until > now and grantee.signer.vouches_for(one, now) for one in earlier)


def _spoken(role: Role, grantee: Grantee, said: Said, owner: Name, now: float) -> Opened[Statement] | None:
    """Return what an MSP or a validator said, other than that it has nothing to say."""
    if role is Role.MSP:
        return _current(grantee, said.assertion, now) or _speaking_block(grantee, said, owner, now)
    return _current(grantee, said.validation, now)


def _revoking(
    grantee: Grantee, said: Said, denial: Opened[Statement] | None, now: float
) -> Opened[Statement] | None:
    """Return of a CSIP's REVOCATIONs, less those that its DENIAL has taken back, the one with the latest instant.

    Of several with that instant the one at the longest node, so that the order in which they came does not matter.
    """
    latest: Opened[Revocation] | None = None
    taken_back = denial.statement.ordered_at if denial is not None and isinstance(denial.statement, Denial) else 0
    for revocation in said.revocations.values():
        statement = revocation.statement
        if taken_back > statement.life.issued:
            continue
        is_later = latest is None or (statement.before, len(statement.node)) > (
            latest.statement.before,
            len(latest.statement.node),
        )
        if is_later and _current(grantee, revocation, now) is not None:
            latest = revocation
    return cast("Opened[Statement] | None", latest)


def _current(grantee: Grantee, opened: Opened[Statement] | None, now: float) -> Opened[Statement] | None:
    if opened is None or opened.keep <= now or not grantee.signer.vouches_for(opened, now):
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


def _validated(name: str, spoken: Opened[Statement], shown: Opened[Statement] | None) -> Finding:
    """Say how a validator stands that vouches for somebody: it owes that recipient's MAPPING, if it knows one."""
    validation = spoken.statement
    assert isinstance(validation, Validation)
    mapping: Opened[Mapping] | None = None
    if shown is not None and isinstance(shown.statement, Mapping):
        is_theirs = shown.statement.recipient == validation.recipient
        mapping = cast("Opened[Mapping]", shown) if is_theirs else None
    serial = mapping.statement.life.serial if mapping is not None else 0
    standing = Standing.VALIDATED if serial >= validation.mapping else Standing.MISSING
    return Finding(name, Role.VALIDATOR, standing, opened=spoken, mapping=mapping)
