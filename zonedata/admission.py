"""Taking in what was shown: open what answers a need, hold it, pass over the rest (steps 3 to 9).

The bounds on work stand here: whoever answers us can make us check a few signatures, not many.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from zonedata import identifiers, names
from zonedata.holdings import Said
from zonedata.kinds import Kind, Role
from zonedata.names import Name
from zonedata.opening import Claim, Opened, Refusal, Step, open_claim
from zonedata.path import BindingNeed, Grantee, Known, Need
from zonedata.person_statements import Assertion, Block, Denial
from zonedata.recipient_statements import Mapping, Revocation, Validation
from zonedata.statements import Statement
from zonedata.zone_statements import Authority, Delegation, Gap

MAX_FAILURES: Final = 2  # statements of one party that may fail before the rest of its answer is left unread
_TURNS: Final = {Kind.DENIAL: 0, Kind.VALIDATION: 1}  # of what is said about a person; the rest follows
# Statements of one authority about one owner that are opened. In all roles it says six at most, a mapping
# among them; what other validators showed of that recipient counts too, but for what is older than it knows.
MAX_OPENED: Final = 8


def admit_zone(
    need: Need, owner: Name, claims: Iterable[Claim], known: Known, keep: float | None = None
) -> list[Refusal]:
    """Open what of the claims answers a need of the path, and hold it.

    Claims that are about something else are passed over; what is held already is not verified again.

    Args:
        need: What was asked for, and of which zone.
        owner: The name that is looked for, or the one above it that the zone was asked about.
        claims: What was shown, by anybody.
        known: Where to hold what is opened.
        keep: As `open_claim`.
    """
    signer = need.zone.signer
    holdings = known.held.zone(signer.principal)
    refusals: list[Refusal] = []
    for claim in _answering(need, owner, list(claims)):
        if holdings.holds(claim, signer, known.now):
            continue
        opened = open_claim(claim, signer, known.trust.tree, known.now, keep, known.check)
        refusal: Refusal | None
        if isinstance(opened, Refusal):
            refusal = opened
        elif (why := known.barred(signer, claim.statement, known.now)) is not None:
            refusal = Refusal(Step.ORDER, claim.sealed.kind, signer.name, why)
        else:
            refusal = holdings.add(opened, signer, known.now)
        if refusal is not None:
            refusals.append(replace(refusal, octets=claim.sealed.to_wire()))
            if len(refusals) == MAX_FAILURES:
                break
        elif isinstance(opened, Opened):
            known.told(signer, opened, known.now)
    return refusals


def _answering(need: Need, owner: Name, claims: list[Claim]) -> list[Claim]:
    """Return the claims of the zone that was asked which are about what was asked.

    Delegations above the zone's node are among them: they count if the zone is granted higher up, too. Bindings
    come along unasked for those whom the delegations beside them grant, and for nobody else.
    """
    said = [claim for claim in claims if getattr(claim.statement, "zone", None) == need.zone.signer.name]
    wanted = owner
    bound = {need.authority} if isinstance(need, BindingNeed) else _granted(owner, said)
    if isinstance(need, BindingNeed):
        wanted = identifiers.authority_node(need.authority)

    def answers(statement: Statement) -> bool:
        match statement:
            case Delegation():
                return names.covers(statement.node, owner)
            case Gap():
                return statement.holds(wanted)
            case Authority():
                return statement.authority in bound
            case _:
                return False

    return [claim for claim in said if answers(claim.statement)]


def _granted(owner: Name, claims: list[Claim]) -> set[str]:
    return {
        grant.authority
        for claim in claims
        if isinstance(claim.statement, Delegation) and names.covers(claim.statement.node, owner)
        for grant in claim.statement.grants
    }


def admit_said(
    grantee: Grantee, owner: Name, claims: Iterable[Claim], known: Known, keep: float | None = None
) -> list[Refusal]:
    """Open what of the claims an authority said about the owner, and hold it.

    They are opened in the order in which they were shown, so that what somebody adds behind them leaves nothing of
    them unread; what was opened is held in an order of its own (`_turn`).

    Args:
        grantee: Who was asked.
        owner: The name asked about.
        claims: What was shown, by anybody.
        known: Where to hold what is opened.
        keep: As `open_claim`.
    """
    signer = grantee.signer
    said = known.held.about(signer.principal, owner)
    theirs = [claim for claim in claims if is_said_by(grantee, claim.statement)]
    opened, refusals = _open(grantee, owner, theirs, known, keep)
    if len(opened) > 1:
        if known.is_of_trees:
            opened.sort(key=_serial)
        opened.sort(key=_turn)
    for one in opened:
        if isinstance(one.statement, Mapping) and not _is_vouched_for(one.statement, said):
            continue
        refusal: Refusal | None
        if (why := known.barred(signer, one.statement, known.now)) is not None:
            refusal = Refusal(Step.ORDER, one.sealed.kind, signer.name, why)
        else:
            refusal = said.add(one, signer, known.now)
        if refusal is not None:
            refusals.append(replace(refusal, octets=one.sealed.to_wire()))
        else:
            known.told(signer, one, known.now)
    return refusals


def _open(
    grantee: Grantee, owner: Name, theirs: list[Claim], known: Known, keep: float | None
) -> tuple[list[Opened[Statement]], list[Refusal]]:
    """Take steps 3 to 8 on what an authority is said to have said, as far as the bounds let it be read."""
    signer = grantee.signer
    vouched = _vouched_for(theirs, known.held.about(signer.principal, owner))
    opened: list[Opened[Statement]] = []
    refusals: list[Refusal] = []
    for claim in theirs:
        if len(refusals) == MAX_FAILURES or len(refusals) + len(opened) == MAX_OPENED:
            break
        if isinstance(claim.statement, Mapping):
            least = vouched.get(claim.statement.recipient)
            if least is None or claim.statement.life.serial < least:
                continue
        read = open_claim(claim, signer, known.trust.tree, known.now, keep, known.check)
        if isinstance(read, Refusal):
            refusals.append(replace(read, octets=claim.sealed.to_wire()))
        elif (why := _beside(claim.statement, grantee, owner)) is not None:
            refusals.append(Refusal(Step.SCOPE, claim.sealed.kind, signer.name, why, claim.sealed.to_wire()))
        else:
            opened.append(read)
    return opened, refusals


def _serial(opened: Opened[Statement]) -> int:
    return opened.statement.life.serial


def _turn(opened: Opened[Statement]) -> int:
    """Return the place of a statement among those of one reply, so that their order in it does not matter.

    A denial shown beside what was said later comes before it, and no later word is held yet by which it would be an
    old one; and a validation before the mapping that it lets in.
    """
    return _TURNS.get(opened.sealed.kind, len(_TURNS))


def _vouched_for(claims: Iterable[Claim], said: Said) -> dict[bytes, int]:
    """Return the recipients whose mappings are worth a check, each with the least serial that is.

    They are those for whom the validator may vouch. None of its words is verified yet, so of several the one that
    knows of the earliest mapping counts: a forgery keeps nothing from being read.
    """
    shown = [claim.statement for claim in claims if isinstance(claim.statement, Validation)]
    if said.validation is not None:
        shown.append(said.validation.statement)
    vouched: dict[bytes, int] = {}
    for one in shown:
        vouched[one.recipient] = min(one.mapping, vouched.get(one.recipient, one.mapping))
    return vouched


def _is_vouched_for(mapping: Mapping, said: Said) -> bool:
    """Say whether the validator that shows a mapping vouches for its recipient; all others are passed over."""
    return said.validation is not None and said.validation.statement.recipient == mapping.recipient


def is_said_by(grantee: Grantee, statement: Statement) -> bool:
    """Say whether a statement claims to be this authority's, in a role that matters here.

    An authority that has more roles than it was granted denies in all of them; what was not asked is passed over.
    A MAPPING may be shown by any validator.
    """
    match statement:
        case Assertion() | Block():
            return statement.msp == grantee.signer.name
        case Denial():
            return statement.authority == grantee.signer.name and statement.role in grantee.roles
        case Validation():
            return statement.validator == grantee.signer.name and Role.VALIDATOR in grantee.roles
        case Revocation():
            return statement.csip == grantee.signer.name and Role.CSIP in grantee.roles
        case Mapping():
            return Role.VALIDATOR in grantee.roles
        case _:
            return False


def _beside(statement: Statement, grantee: Grantee, owner: Name) -> str | None:
    """Say why what an authority said is not about what it was asked, or nothing that it may say."""
    match statement:
        case Assertion() if statement.owner != owner:
            return "an assertion about another owner"
        case Denial() if statement.owner != owner:
            return "a denial about another owner"
        case Validation() | Mapping() if statement.owner != owner:
            return "about another owner"
        case Block() if not statement.speaks_for(owner):
            return "a block that does not speak for this number"
        case Revocation() if not statement.speaks_for(owner):
            return "a revocation that does not speak for this owner"
        case Assertion() | Block() if Role.MSP not in grantee.roles:
            return "an assertion by an authority that is no MSP here"
        case _:
            return None
