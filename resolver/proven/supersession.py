"""When a later statement takes the place of an earlier one, and which floor that raises."""

from typing import Final

from resolver.proven.floors import Mark, Rise, instant_of, subject_of
from zonedata.holdings import Principal
from zonedata.identifiers import authority_node
from zonedata.kinds import Kind, Role
from zonedata.names import Name
from zonedata.opening import Opened
from zonedata.person_statements import Assertion, Denial
from zonedata.recipient_statements import Revocation, Validation
from zonedata.statements import Statement
from zonedata.zone_statements import Authority, Delegation, Gap

SPOKEN: Final = {Role.MSP: Kind.ASSERTION, Role.VALIDATOR: Kind.VALIDATION, Role.CSIP: Kind.REVOCATION}


def rise_of(principal: Principal, old: Statement, later: Opened[Statement], now: float) -> Rise | None:
    """Return the floor that a later statement of the same party raises for an earlier one, if it does.

    Args:
        principal: The party.
        old: What gives way.
        later: What it gives way to.
        now: Unix seconds; what has expired comes back without a floor no more.
    """
    if old.life.expires <= now:
        return None
    new = later.statement
    by_issued, least = False, _least(old, new)
    if least is None:
        by_issued, least = True, _least_issued(old, new)
    if least is None:
        return None
    mark = Mark(later.key_id, new.kind, by_issued, least, old.life.expires)
    return Rise(principal, subject_of(old), mark)


def _least(old: Statement, new: Statement) -> int | None:
    """Return the least serial that counts at the place of the earlier one; None where its serial is no earlier."""
    serial = new.life.serial
    if new.kind is old.kind and subject_of(new) == subject_of(old):
        return serial if serial > old.life.serial else None
    node = _node_of(old)
    if isinstance(new, Gap) and node is not None:  # a gap as late says it is not there
        return serial + 1 if new.holds_inside(node) and serial >= old.life.serial else None
    if isinstance(old, Gap) and serial > old.life.serial:
        inside = _node_of(new)
        if inside is not None:
            return serial if old.holds_inside(inside) else None
        if isinstance(new, Gap) and _overlap(old, new):
            return serial
    return None


def _node_of(statement: Statement) -> Name | None:
    match statement:
        case Delegation():
            return statement.node
        case Authority():
            return authority_node(statement.authority)
        case _:
            return None


def _overlap(one: Gap, other: Gap) -> bool:
    return one.first == other.first or one.holds_inside(other.first) or other.holds_inside(one.first)


def _least_issued(old: Statement, new: Statement) -> int | None:
    """Return the least instant that counts, where a DENIAL and what is spoken in its role meet."""
    if isinstance(new, Denial) and isinstance(old, Revocation):
        is_same = new.role is Role.CSIP and not old.is_block and old.node == new.owner
    elif isinstance(new, Denial) and isinstance(old, Assertion | Validation):
        is_same = SPOKEN[new.role] is old.kind and old.owner == new.owner
    elif isinstance(old, Denial) and isinstance(new, Assertion | Validation | Revocation):
        about = new.speaks_for(old.owner) if isinstance(new, Revocation) else new.owner == old.owner
        is_same = SPOKEN[old.role] is new.kind and about
    else:
        return None
    return instant_of(new) if is_same and instant_of(old) < instant_of(new) else None


def meets(new: Statement, kind: int, role: Role | None) -> bool:
    """Say whether something of a kind, in a role if it is a DENIAL, may have been displaced by a statement.

    Asked before an entry is opened, which takes ten times as long.
    """
    if isinstance(new, Denial):
        return kind == SPOKEN[new.role]
    return role is not None and SPOKEN[role] is new.kind
