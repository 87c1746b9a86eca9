"""Asking the authorities whose word a proof lacks, and judging again with what they say.

A shell. A resolver can leave out what an MSP said, or fail to reach it; it cannot hide that the MSP is on the path.
Its servers stand in its AUTHORITY, which the proof shows, so the sender can ask it without the resolver. That tells
the authority who asks about whom, so it is done on request only.

Nobody who is asked may speak for anybody else, and whatever the resolver shows, what they say is read
(`judgement.Heard`).

Left out: zones that showed nothing. Below them it is not known whom to ask; a walk asks for them (`client.Walker`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

import trio

from resolver.allowance import AUTHORITY_SECONDS, MAX_AT_ONCE, TOTAL_SECONDS, Allowance
from resolver.answer import OUR_TYPES, Answer, from_judgement, read_claims
from resolver.asked import Asked, Purpose
from resolver.federation import in_tree, others_of
from resolver.settings import Settings
from resolver.upstream import Question, Silence, TakenIn, Upstream
from transport.clock import Clock
from transport.dialer import Dialer
from zonedata import replies
from zonedata.admission import admit_said, is_said_by
from zonedata.findings import settle
from zonedata.holdings import Holdings, Principal
from zonedata.judgement import Heard, Judgement, judge, lead
from zonedata.kinds import ZONE_SIGNED
from zonedata.names import Name
from zonedata.opening import Claim, Refusal, read_claim
from zonedata.path import Grantee, Known
from zonedata.standing import Standing
from zonedata.trust import Trust
from zonedata.wire import QType


@dataclass(slots=True)
class _Word:
    """What came of asking one authority.

    Attributes:
        grantee: Whom.
        is_asked: Whether a packet was sent: not where no server of it may be dialled.
        replies: The data of every record, of each reply by itself.
        claims: Of these, what can be read.
        silence: Why there was no reply, or None.
    """

    grantee: Grantee
    is_asked: bool = False
    replies: list[tuple[bytes, ...]] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    silence: Standing | None = None

    def watch(self, _: Asked) -> None:
        """Take note that it was asked."""
        self.is_asked = True

    def own(self) -> Iterator[bytes]:
        """Return what it said of itself, and what nobody can read; what it says of others is no part of a proof."""
        for wire in [wire for reply in self.replies for wire in reply]:
            read = read_claim(wire)
            if isinstance(read, Refusal) or is_said_by(self.grantee, read.statement):
                yield wire


async def complete_directly(
    answer: Answer, trust: Trust, dialer: Dialer, clock: Clock, settings: Settings | None = None
) -> Answer:
    """Ask every authority on the path that is not proven to have spoken, and judge what was shown and said.

    It costs what one question may: 64 authorities, three packets to each, 5 s. A demand for more assurance
    (`demand`) is to be made of what comes back.

    Args:
        answer: Of a resolver to a question for the proof.
        trust: The anchor; of an answer of several trees its own alone is looked at again.
        dialer: Reaches servers; none at private addresses or low ports, unless `settings` allow it.
        clock: Whose time judges.
        settings: For the apex, and for servers in a laboratory.

    Returns:
        The answer as it is then, with `asked_directly`; the same one if there was nobody to ask.
    """
    owner = answer.csi.owner
    reply = answer.via.reply
    if reply is not None:
        shown = [record.rdata for record in reply.records if record.rtype in OUR_TYPES]
    else:
        shown = [claim.sealed.to_wire() for claim in answer.claims]
    path = lead(owner, trust, shown, clock.now())
    words = {who: _Word(path.grantees[who]) for who in _unproven(answer, trust, path.grantees)}
    if not words:
        return answer
    usable = settings or Settings()
    upstream = Upstream(dialer, clock, usable)
    allowance, gate = Allowance(), trio.CapacityLimiter(MAX_AT_ONCE)

    async def ask(word: _Word) -> None:
        async with gate:
            known = Known(trust, Holdings(), clock.now())
            got = await upstream.ask(_question(word, owner, known, allowance), word.watch)
            if isinstance(got, Silence):
                word.silence = got.standing

    with trio.move_on_after(TOTAL_SECONDS):
        async with trio.open_nursery() as nursery:
            for word in words.values():
                nursery.start_soon(ask, word)
    asked = {who: word for who, word in words.items() if word.is_asked}
    heard = {who: Heard(tuple(word.replies), word.silence) for who, word in asked.items()}
    judgement = judge(owner, trust, shown, clock.now(), heard=heard)
    claims = [*answer.claims, *(claim for word in asked.values() for claim in word.claims)]
    judged = from_judgement(answer.csi, judgement, claims, answer.via)
    if judgement.trees:
        judged = replace(in_tree(judged, trust.tree), unverified=others_of(judgement.trees, trust))
    names = tuple(sorted({word.grantee.signer.name for word in asked.values()}))
    return replace(judged, asked_directly=names, proof=_proof(judgement, shown, asked.values()))


def _unproven(answer: Answer, trust: Trust, grantees: dict[Principal, Grantee]) -> list[Principal]:
    """Return who is not proven to have spoken in a role in which the path grants it."""
    rows = {
        (row.authority, row.role)
        for row in answer.rows
        if not row.standing.is_proven and row.tree in {"", trust.tree.hex()}
    }
    return [who for who, one in grantees.items() if any((one.signer.name, role) in rows for role in one.roles)]


def _proof(judgement: Judgement, shown: Iterable[bytes], words: Iterable[_Word]) -> tuple[bytes, ...]:
    """Return all of it in the order in which one judge of all comes to the same.

    What counts about the person is in front, since two failures of a party end the reading of it.
    """
    counts = [one.sealed.to_wire() for one in judgement.evidence if one.sealed.kind not in ZONE_SIGNED]
    said = [wire for word in words for wire in word.own()]
    return tuple(dict.fromkeys([*counts, *shown, *said]))


def _question(word: _Word, owner: Name, known: Known, allowance: Allowance) -> Question:
    grantee = word.grantee
    principal = grantee.signer.principal

    def takes_in(reply: replies.Received) -> TakenIn:
        claims, unread = read_claims(reply)
        refusals = admit_said(grantee, owner, claims, known)
        rows = settle(grantee, known.held.about(principal, owner), owner, known.now, Standing.MISSING)
        word.replies.append(tuple([record.rdata for record in reply.records if record.rtype in OUR_TYPES]))
        word.claims += claims
        is_enough = all(row.standing.is_proven for row in rows)
        return TakenIn(tuple(claims), (*unread, *refusals), is_enough)

    take = partial(allowance.take_authority, principal)
    return Question(principal, grantee.servers, owner, QType.CSI, Purpose.PERSON, AUTHORITY_SECONDS, take, takes_in)
