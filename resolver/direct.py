"""Asking the authorities whose word a proof lacks, and judging again with what they say.

A shell. A resolver can leave out what an MSP said, or fail to reach it; it cannot hide that the MSP is on the path.
Its servers stand in its AUTHORITY, which the proof shows, so the sender can ask it without the resolver. That tells
the authority who asks about whom, so it is done on request only.

Left out: zones that showed nothing. Below them it is not known whom to ask; a walk asks for them (`client.Walker`).
"""

from dataclasses import dataclass, field, replace
from functools import partial

import trio

from resolver.allowance import AUTHORITY_SECONDS, MAX_AT_ONCE, TOTAL_SECONDS, Allowance
from resolver.answer import OUR_TYPES, Answer, from_judgement, read_claims
from resolver.asked import Purpose
from resolver.settings import Settings
from resolver.upstream import Question, Silence, TakenIn, Upstream
from transport.clock import Clock
from transport.dialer import Dialer
from zonedata import replies
from zonedata.admission import admit_said
from zonedata.findings import settle
from zonedata.holdings import Holdings
from zonedata.judgement import judge, lead
from zonedata.names import Name
from zonedata.opening import Claim
from zonedata.path import Grantee, Known
from zonedata.standing import Standing
from zonedata.trust import Trust
from zonedata.wire import QType


@dataclass(slots=True)
class _Heard:
    """What the authorities said themselves.

    Attributes:
        wires: Every statement, encoded.
        claims: Of these, what can be read.
        asked: Names of those whose servers were asked, answer or not.
        silent: Of these, why one said nothing.
    """

    wires: list[bytes] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    silent: dict[str, Standing] = field(default_factory=dict)


async def complete_directly(
    answer: Answer, trust: Trust, dialer: Dialer, clock: Clock, settings: Settings | None = None
) -> Answer:
    """Ask every authority on the path that is not proven to have spoken, and judge what was shown and said.

    It costs what one question may: 64 authorities, three packets to each, 5 s. A demand for more assurance
    (`demand`) is to be made of what comes back.

    Args:
        answer: Of a resolver to a question for the proof.
        trust: The anchor.
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
    unproven = {row.authority for row in answer.rows if not row.standing.is_proven}
    path = lead(owner, trust, shown, clock.now())
    missing = [grantee for grantee in path.grantees.values() if grantee.signer.name in unproven]
    if not missing:
        return answer
    usable = settings or Settings()
    upstream = Upstream(dialer, clock, usable.apex, lab_addresses=usable.lab_addresses)
    heard, allowance, gate = _Heard(), Allowance(), trio.CapacityLimiter(MAX_AT_ONCE)

    async def ask(grantee: Grantee) -> None:
        async with gate:
            known = Known(trust, Holdings(), clock.now())
            question = _question(grantee, owner, known, heard, allowance)
            got = await upstream.ask(question, lambda asked: heard.asked.add(asked.party))
            if isinstance(got, Silence):
                heard.silent[grantee.signer.name] = got.standing

    with trio.move_on_after(TOTAL_SECONDS):
        async with trio.open_nursery() as nursery:
            for grantee in missing:
                nursery.start_soon(ask, grantee)
    # What was said here comes first: whatever the resolver showed beside it, it is looked at.
    judgement = judge(owner, trust, [*heard.wires, *shown], clock.now())
    judged = from_judgement(answer.csi, judgement, [*answer.claims, *heard.claims], answer.via)
    silent = {name: standing for name, standing in heard.silent.items() if name in heard.asked}
    rows = tuple(
        row if row.standing.is_proven else replace(row, standing=silent.get(row.authority, row.standing))
        for row in judged.rows
    )
    return replace(judged, rows=rows, asked_directly=tuple(sorted(heard.asked)))


def _question(grantee: Grantee, owner: Name, known: Known, heard: _Heard, allowance: Allowance) -> Question:
    principal = grantee.signer.principal

    def takes_in(reply: replies.Received) -> TakenIn:
        claims, unread = read_claims(reply)
        refusals = admit_said(grantee, owner, claims, known)
        rows = settle(grantee, known.held.about(principal, owner), owner, known.now, Standing.MISSING)
        heard.wires += [record.rdata for record in reply.records if record.rtype in OUR_TYPES]
        heard.claims += claims
        is_enough = all(row.standing.is_proven for row in rows)
        return TakenIn(tuple(claims), (*unread, *refusals), is_enough)

    take = partial(allowance.take_authority, principal)
    return Question(principal, grantee.servers, owner, QType.CSI, Purpose.PERSON, AUTHORITY_SECONDS, take, takes_in)
