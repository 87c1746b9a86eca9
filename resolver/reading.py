"""Reading a resolver's reply as an answer: judged against an anchor, or believed where there is none. Pure.

Statements are decoded as far as the answer needs them: of ten thousands of answers a second nobody looks at every
denial.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Final, overload

from resolver.answer import OUR_TYPES, Answer, Reach, Via, from_judgement, read_claims
from resolver.demand import demanding
from resolver.federation import in_tree, merged, others_of
from resolver.hearsay import Told
from resolver.settings import DEFAULT_APEX
from zonedata import names
from zonedata.foreign import NO_TREES
from zonedata.glimpses import glimpse_assertion, glimpse_status
from zonedata.identifiers import Csi
from zonedata.judgement import Outcome, judge
from zonedata.kinds import Assurance, Kind, Role
from zonedata.names import Name
from zonedata.opening import Claim, read_claim
from zonedata.recall import Recall
from zonedata.replies import Received
from zonedata.standing import Standing
from zonedata.trust import Trust
from zonedata.wire import FLAG_RD, QType, Rcode

_KINDS: Final = (Kind.ASSERTION, Kind.BLOCK, Kind.STATUS, Kind.VALIDATION, Kind.MAPPING)
_TELLING: Final = frozenset(bytes((kind,)) for kind in _KINDS)  # first octets


class Shown(Sequence[Claim]):
    """Every statement of a reply that can be read, in order; decoded when somebody looks."""

    __slots__ = ("_claims", "_reply")

    def __init__(self, reply: Received) -> None:
        self._reply = reply
        self._claims: tuple[Claim, ...] | None = None

    def _read(self) -> tuple[Claim, ...]:
        if self._claims is None:
            self._claims = tuple(read_claims(self._reply)[0])
        return self._claims

    @overload
    def __getitem__(self, at: int) -> Claim: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Claim]: ...
    def __getitem__(self, at: int | slice) -> Claim | Sequence[Claim]:
        return self._read()[at]

    def __len__(self) -> int:
        return len(self._read())

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, Sequence) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._read())

    def __repr__(self) -> str:
        return repr(self._read())


@dataclass(frozen=True, slots=True)
class Manner:
    """How a question is asked and its answer judged.

    Attributes:
        qtype: What for.
        flags: RD and CD as wanted.
        apex: Under which the resolver answers.
        trust: The anchor to judge a proof by; None believes the resolver.
        beside: Anchors of other trees; each is judged by itself, and all must be proven.
        least: The assurance that the sender demands.
    """

    qtype: QType = QType.PROOF
    flags: int = FLAG_RD
    apex: Name = DEFAULT_APEX
    trust: Trust | None = None
    beside: tuple[Trust, ...] = ()
    least: Assurance = Assurance.ASSERTED


def from_reply(csi: Csi, via: Via, manner: Manner, now: float, recall: Recall | None = None) -> Answer:
    """Make the answer of a reply.

    Args:
        csi: What was asked about.
        via: How the reply came, and the reply.
        manner: How it was asked.
        now: Unix seconds.
        recall: What earlier judgements remembered.
    """
    answer = _from_reply(csi, via, manner, now, recall)
    return answer if manner.least is Assurance.ASSERTED else demanding(answer, manner.least)


def _from_reply(csi: Csi, via: Via, manner: Manner, now: float, recall: Recall | None) -> Answer:
    reply = via.reply
    assert reply is not None, "an answer is made of a reply"
    is_proof = manner.qtype is QType.PROOF
    if manner.trust is None or not is_proof:
        return _from_hearsay(csi, reply, via, is_proof=is_proof)
    if reply.rcode != Rcode.NOERROR:  # nothing shown beside an error can be a proof
        return Answer(csi, Outcome.INCOMPLETE, False, None, (), (), (), (), via)
    wires = [record.rdata for record in reply.records if record.rtype in OUR_TYPES]
    others = frozenset([trust.tree for trust in manner.beside]) if manner.beside else NO_TREES
    judgement = judge(csi.owner, manner.trust, wires, now, recall, others)
    answer = from_judgement(csi, judgement, Shown(reply), via)
    if not (manner.beside or judgement.trees):
        return answer
    answer = in_tree(answer, manner.trust.tree)
    every = others | {manner.trust.tree}
    for trust in manner.beside:
        judged = judge(csi.owner, trust, wires, now, recall, every)
        answer = merged(answer, in_tree(from_judgement(csi, judged, answer.claims, via), trust.tree))
    return replace(answer, unverified=others_of(judgement.trees, manner.trust, *manner.beside))


def _from_hearsay(csi: Csi, reply: Received, via: Via, *, is_proof: bool) -> Answer:
    """Make the answer of what a resolver says, when there is no anchor to check it against."""
    told = _told(csi, reply)
    if not told.trees:
        return _believed(csi, told, reply, via, is_proof=is_proof)
    several = [
        in_tree(_believed(csi, replace(told, rows=rows), reply, via, is_proof=is_proof), tree)
        for tree, rows in told.trees.items()
    ]
    return reduce(merged, several)


def _believed(csi: Csi, told: Told, reply: Received, via: Via, *, is_proof: bool) -> Answer:
    """Make the answer of what is told, about one tree.

    A reply to a PROOF question without a STATUS, one that was cut short or one with an error says nothing about
    absence.
    """
    rows, holder = told.rows, told.holder()
    said = [told.under(holder, reach) for reach in told.reaches] if holder.recipient else told.reaches
    if rows:
        accepted = {row.authority for row in rows if row.standing is Standing.ASSERTED}
        said = [reach for reach in said if reach.msp in accepted]
    elif not is_proof:
        rows = told.contested(holder)
        others = {row.authority for row in rows if row.role is Role.MSP}
        said = [reach for reach in said if reach.msp not in others]
    says_all = reply.rcode == Rcode.NOERROR and not reply.is_truncated
    complete = says_all and (bool(rows) or not is_proof) and all(row.standing.is_proven for row in rows)
    outcome = Outcome.FOUND
    if not said:
        opted_out = holder.mapping is not None and not holder.mapping.entries
        absent = Outcome.OPTED_OUT if opted_out else Outcome.NONE
        outcome = absent if complete else Outcome.INCOMPLETE
    return Answer(
        csi, outcome, complete, None, tuple(said), rows, (), Shown(reply), via, holder.recipient, holder.mapping
    )


def _told(csi: Csi, reply: Received) -> Told:
    """Read what a reply tells of a CSI, believing all of it."""
    asked = names.to_text(csi.owner)
    told = Told()
    for record in reply.records:
        if record.rtype not in OUR_TYPES or record.rdata[:1] not in _TELLING:
            continue
        glimpsed = glimpse_assertion(record.rdata)
        if glimpsed is not None and glimpsed.owner == asked:
            reach = Reach(glimpsed.msp, glimpsed.ssi, Assurance.ASSERTED, glimpsed.expires, glimpsed.features)
            told.reaches.append(reach)
            continue
        status = glimpse_status(record.rdata, asked)
        if status is not None:
            told.take_rows(*status)
            continue
        claim = read_claim(record.rdata)
        if isinstance(claim, Claim):
            told.take(claim.statement, csi.owner)
    return told
