"""What a reply tells of a CSI when nothing in it is verified: the resolver's word, taken as it is. Pure."""

from dataclasses import dataclass, field, replace

from resolver.answer import Reach, Row, reach_of
from zonedata.kinds import Assurance, Role
from zonedata.names import Name
from zonedata.person_statements import Assertion, Block, Status
from zonedata.recipient_statements import Mapping, Validation
from zonedata.standing import Standing
from zonedata.statements import Statement


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose the CSI is said to be.

    Attributes:
        recipient: Digest of their key, b"" where nobody is vouched for.
        mapping: Theirs, or None.
    """

    recipient: bytes = b""
    mapping: Mapping | None = None

    def has(self, named: bytes) -> bool:
        """Say whether a digest is of their key, or of one they had before."""
        return named == self.recipient or (self.mapping is not None and named in self.mapping.former)


@dataclass(slots=True)
class Told:
    """What was told.

    Attributes:
        reaches: What MSPs assert.
        rows: How each authority stands, if the reply says it.
        validations: In order.
        mappings: In order.
    """

    reaches: list[Reach] = field(default_factory=list)
    rows: tuple[Row, ...] = ()
    validations: list[Validation] = field(default_factory=list)
    mappings: list[Mapping] = field(default_factory=list)

    def take(self, statement: Statement, owner: Name) -> None:
        """Add a statement, if it is about the owner."""
        match statement:
            case Assertion() if statement.owner == owner:
                self.reaches.append(reach_of(statement, statement.ssi, Assurance.ASSERTED, ()))
            case Block() if statement.speaks_for(owner):
                self.reaches.append(reach_of(statement, statement.ssi_for(owner), Assurance.ASSERTED, ()))
            case Status() if statement.owner == owner:
                self.rows = tuple(Row(*row) for row in statement.rows)
            case Validation() if statement.owner == owner:
                self.validations.append(statement)
            case Mapping() if statement.owner == owner:
                self.mappings.append(statement)
            case _:
                pass

    def holder(self) -> Holder:
        """Return for whom the validators vouch that stand; where no row says so, all of them."""
        standing = {row.authority for row in self.rows if row.standing is Standing.VALIDATED}
        for validation in self.validations:
            if validation.validator in standing or not self.rows:
                theirs = [one for one in self.mappings if one.recipient == validation.recipient]
                newest = max(theirs, key=lambda one: one.life.serial, default=None)
                return Holder(validation.recipient, newest)
        return Holder()

    def contested(self, holder: Holder) -> tuple[Row, ...]:
        """Return a row for each validator and MSP that speaks for somebody else; for replies that bring no rows."""
        if not holder.recipient:
            return ()
        msps = {one.msp for one in self.reaches if one.recipient and not holder.has(one.recipient)}
        validators = {one.validator for one in self.validations if one.recipient != holder.recipient}
        every = [(name, Role.MSP) for name in msps] + [(name, Role.VALIDATOR) for name in validators]
        return tuple(Row(name, role, Standing.CONTESTED) for name, role in sorted(every))

    def under(self, holder: Holder, reach: Reach) -> Reach:
        """Return a reach with what the holder's mapping says of it."""
        entry = holder.mapping.entry_for(reach.msp) if holder.mapping is not None else None
        level = Assurance.AUTHORIZED if entry is not None else Assurance.VALIDATED
        are_all_proven = all(row.standing.is_proven for row in self.rows)
        is_lifted = holder.has(reach.recipient) and are_all_proven
        tags = entry.tags if entry is not None else ()
        return replace(reach, assurance=level if is_lifted else reach.assurance, tags=tags)
