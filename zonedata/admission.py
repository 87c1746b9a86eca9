"""Taking in what was shown: open what answers a need, hold it, pass over the rest (steps 3 to 9).

The bounds on work stand here: whoever answers us can make us check a few signatures, not many.
"""

from collections.abc import Iterable
from dataclasses import replace

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

MAX_FAILURES = 2  # statements of one party that may fail before the rest of its answer is left unread
_TURNS = {Kind.DENIAL: 0, Kind.VALIDATION: 1}  # of what is said about a person; the rest follows
# Statements of one authority about one owner that are opened. In all roles it says six at most, a mapping
# among them; what other validators showed of that recipient counts too, but for what is older than it knows.
MAX_OPENED = 8


def admit_zone(
    need: Need, owner: Name, claims: Iterable[Claim], known: Known, keep: float | None = None
) -> list[Refusal]:
    """Open what of the claims answers a need of the path, and hold it.

    Claims that are about something else are passed over; what is held already is not verified again.

    Args:
        need: What was asked for, and of which zone.
        owner: The name that is looked for.
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

    Args:
        grantee: Who was asked.
        owner: The name asked about.
        claims: What was shown, by anybody.
        known: Where to hold what is opened.
        keep: As `open_claim`.
    """
    signer = grantee.signer
    said = known.held.about(signer.principal, owner)
    refusals: list[Refusal] = []
    opened_count = failures = 0
    theirs = [claim for claim in claims if _is_said_by(grantee, claim.statement)]
    theirs.sort(key=_turn)
    for claim in theirs:
        if failures == MAX_FAILURES or opened_count == MAX_OPENED:
            break
        if isinstance(claim.statement, Mapping) and not _is_vouched_for(claim.statement, said, known.now):
            continue
        opened = open_claim(claim, signer, known.trust.tree, known.now, keep, known.check)
        opened_count += 1
        refusal: Refusal | None
        is_overtaken = False
        if isinstance(opened, Refusal):
            refusal = opened
        elif (why := _beside(claim.statement, grantee, owner)) is not None:
            refusal = Refusal(Step.SCOPE, claim.sealed.kind, signer.name, why)
        elif (why := known.barred(signer, claim.statement, known.now)) is not None:
            refusal = Refusal(Step.ORDER, claim.sealed.kind, signer.name, why)
        else:
            refusal = said.add(opened, signer, known.now)
            is_overtaken = refusal is not None  # genuine, and older than what is held: it costs the rest nothing
        if refusal is not None and not is_overtaken:
            failures += 1
        if refusal is not None:
            refusals.append(replace(refusal, octets=claim.sealed.to_wire()))
        elif isinstance(opened, Opened):
            known.told(signer, opened, known.now)
    return refusals


def _turn(claim: Claim) -> int:
    """Return the place of a statement among those of one reply, so that their order in it does not matter.

    A denial shown beside what was said later comes before it, and no later word is held yet by which it would be an
    old one; and a validation before the mapping that it lets in.
    """
    return _TURNS.get(claim.sealed.kind, len(_TURNS))


def _is_vouched_for(mapping: Mapping, said: Said, now: float) -> bool:
    """Say whether the validator that shows a mapping vouches for its recipient, and knows none newer.

    All others are passed over, unopened: what other validators showed beside it must not use up what may be opened.
    """
    if said.validation is None or said.validation.statement.recipient != mapping.recipient:
        return False
    least = said.validation.statement.mapping
    held = said.mapping
    if held is not None and held.statement.key == mapping.key and held.until > now:
        least = max(least, held.statement.life.serial)
    return mapping.life.serial >= least


def _is_said_by(grantee: Grantee, statement: Statement) -> bool:
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
