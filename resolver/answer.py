"""What a look-up gives a caller, whether a resolver was asked or the walk was made here."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from transport.handler import Protocol
from zonedata import replies, wire
from zonedata.identifiers import Csi
from zonedata.judgement import Judgement, Outcome
from zonedata.kinds import Assurance, Role
from zonedata.opening import Claim, Refusal, read_claim
from zonedata.person_statements import Assertion, Block
from zonedata.recipient_statements import Mapping
from zonedata.standing import Standing
from zonedata.statements import Statement

OUR_TYPES: Final = frozenset(wire.QType)  # of records


class Case(StrEnum):
    """What there is, in the cases that a sender must be able to tell apart (requirement R5).

    A mapping is the recipient's own; where there is none, each MSP's claim is one by itself.
    """

    NO_MAPPING = "no-mapping"
    OPTED_OUT = "opted-out"  # a mapping that lists nobody
    ONE_MSP = "one-msp"  # one mapping, one MSP
    SEVERAL_MSPS = "several-msps"  # one mapping, several MSPs
    SEVERAL_MAPPINGS = "several-mappings"
    UNPROVEN = "unproven"  # nothing found, and not proven that there is nothing


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a person can be reached, by whose word.

    Attributes:
        msp: Who says so.
        ssi: The `mimi://` URI.
        assurance: How well it is vouched for.
        expires: Unix seconds at which the statement ends.
        features: Short words for the client.
        tags: What the recipient would have this MSP used for, `Default` or words that senders choose by.
        recipient: Digest of the recipient's key that the MSP names, or b"".
        tree: Id in hex of the tree in which it is said, where there are several; else "".
    """

    msp: str
    ssi: str
    assurance: Assurance
    expires: int
    features: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    recipient: bytes = b""
    tree: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """How one authority stands to the question; in which tree, where there are several."""

    authority: str
    role: Role
    standing: Standing
    tree: str = ""


@dataclass(frozen=True, slots=True)
class Via:
    """How an answer came.

    Attributes:
        server: Address and port in dig's form, or "" when the walk was made here.
        protocol: Over what.
        milliseconds: From asking to having the answer.
        octets: Length of the reply.
        reply: The reply as read, or None when the walk was made here.
        message_id: Of the reply.
    """

    server: str
    protocol: Protocol
    milliseconds: float
    octets: int = 0
    reply: replies.Received | None = None
    message_id: int = 0


@dataclass(frozen=True, slots=True)
class InTree:
    """What one of several trees came to.

    Attributes:
        tree: Its id in hex.
        outcome: In it alone.
        complete: Whether every authority on the path in it has spoken.
        recipient: As of an `Answer`.
        mapping: As of an `Answer`.
    """

    tree: str
    outcome: Outcome
    complete: bool
    recipient: bytes = b""
    mapping: Mapping | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known about one identifier.

    Attributes:
        csi: What was asked about.
        outcome: `found`, `none`, `opted-out` or `incomplete`.
        complete: Whether every authority on the path has spoken.
        verified: Whether everything shown was verified here against the trust anchor; None when no anchor was
            given, so that nothing was checked.
        reaches: Where the person can be reached.
        rows: How each authority stands, zones too.
        refusals: What was shown and not believed.
        claims: Every statement shown, in order; decoded when somebody looks.
        via: How it came.
        recipient: Digest of the key of whose the CSI is, b"" where nobody is vouched for.
        mapping: That recipient's, or None.
        trees: What each tree came to, where there are several, ascending; else empty. All of them are in the
            fields above; a recipient only if no two trees know another.
        unverified: Ids in hex of trees on which the resolver reports and of which no anchor was given; nothing of
            them is in this answer.
        left_out: What was found, and is vouched for less well than the sender demands.
        asked_directly: Authorities that the sender asked on its own, because the proof showed nothing of theirs.
        proof: If any were asked, all that was shown and that they said of themselves, encoded: in an order in which
            whoever judges it as one proof comes to the same.
    """

    csi: Csi
    outcome: Outcome
    complete: bool
    verified: bool | None
    reaches: tuple[Reach, ...]
    rows: tuple[Row, ...]
    refusals: tuple[Refusal, ...]
    claims: Sequence[Claim]
    via: Via
    recipient: bytes = b""
    mapping: Mapping | None = None
    trees: tuple[InTree, ...] = ()
    unverified: tuple[str, ...] = ()
    left_out: tuple[Reach, ...] = ()
    asked_directly: tuple[str, ...] = ()
    proof: tuple[bytes, ...] = ()

    @property
    def case(self) -> Case:
        """Return which of the cases of requirement R5 it is."""
        for row in self.rows:
            if row.standing is Standing.CONTESTED:  # beside a recipient who stands, reachable or not
                return Case.SEVERAL_MAPPINGS
        if self.trees:
            return self._case_of_trees()
        return self._case_of(len(self.reaches) if self.mapping is None else 1)

    def _case_of_trees(self) -> Case:
        """Return the case where there are several trees, in which one MSP may say the same more than once."""
        if len({word.recipient for word in self.trees if word.recipient}) > 1:
            return Case.SEVERAL_MAPPINGS
        return self._case_of(len({(reach.msp, reach.ssi) for reach in self.reaches}) if self.mapping is None else 1)

    def _case_of(self, count: int) -> Case:
        if count > 1:
            return Case.SEVERAL_MAPPINGS
        if count == 0:
            return Case.NO_MAPPING if self.complete else Case.UNPROVEN
        if self.mapping is None or len(self.mapping.entries) == 1:
            return Case.ONE_MSP
        if not self.mapping.entries and not self.complete:
            return Case.UNPROVEN
        return Case.SEVERAL_MSPS if self.mapping.entries else Case.OPTED_OUT

    @property
    def rcode(self) -> int:
        """Return the response code, 0 when the walk was made here."""
        return self.via.reply.rcode if self.via.reply is not None else 0

    @property
    def errors(self) -> tuple[tuple[int, str], ...]:
        """Return the extended errors (RFC 8914) with their texts."""
        return self.via.reply.errors if self.via.reply is not None else ()


def from_judgement(csi: Csi, judgement: Judgement, claims: Sequence[Claim], via: Via) -> Answer:
    """Make the answer of what was verified here."""
    reaches = tuple(
        reach_of(f.opened.statement, f.ssi, f.assurance, f.tags) for f in judgement.found if f.opened is not None
    )
    return Answer(
        csi,
        judgement.outcome,
        judgement.complete,
        not judgement.refusals,
        reaches,
        tuple(Row(f.authority, f.role, f.standing) for f in judgement.findings),
        tuple(judgement.refusals),
        claims,
        via,
        judgement.recipient,
        judgement.mapping.statement if judgement.mapping is not None else None,
    )


def reach_of(statement: Statement, ssi: str, assurance: Assurance, tags: tuple[str, ...]) -> Reach:
    """Make a reach of what an MSP said, an assertion or a block."""
    life = statement.life
    if isinstance(statement, Assertion):
        return Reach(statement.msp, ssi, assurance, life.expires, statement.features, tags, statement.recipient)
    assert isinstance(statement, Block)
    return Reach(statement.msp, ssi, assurance, life.expires, (), tags)


def read_claims(reply: replies.Received) -> tuple[list[Claim], list[Refusal]]:
    """Read every record of ours in a reply (steps 1 and 2); others are passed over."""
    claims: list[Claim] = []
    refusals: list[Refusal] = []
    for record in reply.records:
        if record.rtype in OUR_TYPES:
            read = read_claim(record.rdata)
            if isinstance(read, Refusal):
                refusals.append(read)
            else:
                claims.append(read)
    return claims, refusals
