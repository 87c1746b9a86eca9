"""Laying an answer out as a DNS message: what goes where for which question type. Pure.

Forwarders pass on the RRset that was asked for and little else, so what a client needs is in ANSWER, and the
variants are chosen by question type: CSI has what is accepted, PROOF has everything.
"""

from dataclasses import dataclass
from typing import cast

from resolver.cache import Found
from zonedata import statements, wire
from zonedata.judgement import Judgement, Outcome
from zonedata.kinds import Kind, Role
from zonedata.life import MAX_TIME, Life
from zonedata.names import Name
from zonedata.opening import Opened
from zonedata.packets import Ages
from zonedata.person_statements import Status
from zonedata.sealed import Sealed
from zonedata.standing import Standing
from zonedata.statements import Statement
from zonedata.wire import Ede, QType, Query, Rcode, Reply

INCOMPLETE_TTL = 30  # seconds at most, so that nobody keeps silence as absence
MAX_CHAIN = 4  # versions of ROOTKEYS in a proof; an anchor that is older still is to be replaced
STATUS_LIFE = 60  # seconds, or as long as the answer is given; a report, not evidence


@dataclass(slots=True)  # one a look-up: decision 0016
class LaidOut:
    """A reply, and how the TTLs in it go down while it is kept."""

    reply: Reply
    ages: Ages


def reply_for(query: Query, found: Found, chain: tuple[Sealed, ...], apex: Name, now: float) -> LaidOut:
    """Lay out what a question came to.

    Args:
        query: The question, of type CSI or PROOF.
        found: The answer, and what did not verify, to be passed on to a client that set CD.
        chain: Later versions of ROOTKEYS than the anchor's, for clients whose anchor is as old.
        apex: Under which the question stood.
        now: Unix seconds.
    """
    judgement, refused = found.judgement, found.refused
    to = min([opened.keep for opened in judgement.evidence], default=0.0)
    ages = Ages(to) if judgement.complete and to else Ages(to or MAX_TIME, INCOMPLETE_TTL)
    ttl = ages.ttl(now)
    checking_disabled = bool(query.flags & wire.FLAG_CD)
    reply = Reply(flags=wire.FLAG_RA, errors=[] if judgement.complete else _errors(judgement))
    if judgement.complete and not (checking_disabled and refused):
        reply.flags |= wire.FLAG_AD
    needs_status = query.qtype == QType.PROOF or not judgement.complete
    status = [wire.record(query.qtype, ttl, _status(found))] if needs_status else []
    shown = _records(_accepted(judgement), query.qtype, ttl)
    unverified = [wire.record(query.qtype, ttl, octets) for octets in refused] if checking_disabled else []
    if query.qtype == QType.PROOF:
        versions = [wire.record(query.qtype, ttl, sealed.to_wire()) for sealed in chain[-MAX_CHAIN:]]
        reply.answer = [*shown, *_rest(judgement, query.qtype, ttl), *status, *versions, *unverified]
    else:
        validators, msps = _contested(judgement)
        reply.answer = [*shown, *_records(validators, query.qtype, ttl), *unverified]
        reply.authority = _records([*msps, *_denials(judgement)], query.qtype, ttl)
        reply.additional += status
        if not reply.answer and judgement.outcome is Outcome.INCOMPLETE:
            reply.rcode = Rcode.SERVFAIL
        elif not reply.answer:
            reply.authority.append(wire.soa_record(query, apex, 1, ttl))
    return LaidOut(reply, ages)


def _accepted(judgement: Judgement) -> list[Opened[Statement]]:
    """Return what says where the person is reachable; and whose the CSI is, with their mapping, where known."""
    if judgement.outcome is Outcome.INCOMPLETE:
        return []
    accepted = [f.opened for f in judgement.found if f.opened is not None]
    vouching = [finding.opened for finding in judgement.findings if finding.standing is Standing.VALIDATED]
    accepted += [opened for opened in vouching if opened is not None]
    if judgement.mapping is not None:
        accepted.append(cast("Opened[Statement]", judgement.mapping))
    return accepted


def _contested(judgement: Judgement) -> tuple[list[Opened[Statement]], list[Opened[Statement]]]:
    """Return what validators, and what MSPs, say of somebody else, so that whoever loses is seen.

    Validators stand in ANSWER after the one that counts; MSPs in AUTHORITY, so that none is taken for found.
    """
    validators: list[Opened[Statement]] = []
    msps: list[Opened[Statement]] = []
    if judgement.outcome is Outcome.INCOMPLETE:
        return validators, msps
    for finding in judgement.findings:
        if finding.standing is Standing.CONTESTED and finding.opened is not None:
            (validators if finding.role is Role.VALIDATOR else msps).append(finding.opened)
    return validators, msps


def _denials(judgement: Judgement) -> list[Opened[Statement]]:
    return [o for o in judgement.evidence if o.sealed.kind is Kind.DENIAL]


def _rest(judgement: Judgement, qtype: int, ttl: int) -> list[bytes]:
    """Return the proof but for what was accepted: denials, delegations, gaps, authorities."""
    accepted = {id(opened) for opened in _accepted(judgement)}
    rest = [opened for opened in judgement.evidence if id(opened) not in accepted]
    return _records(rest, qtype, ttl)


def _records(shown: list[Opened[Statement]], qtype: int, ttl: int) -> list[bytes]:
    return [wire.record(qtype, ttl, opened.sealed.to_wire()) for opened in shown]


def _status(found: Found) -> bytes:
    judgement = found.judgement
    # Two parties may have one name, bound by different zones; what is unproven must not hide behind the other.
    worst = sorted(judgement.findings, key=lambda finding: not finding.standing.is_proven)
    rows = sorted({(f.authority, f.role): f.standing for f in worst}.items())
    # For the same evidence the same octets, whenever it was put together.
    issued = max([opened.statement.life.issued for opened in judgement.evidence], default=0)
    if not judgement.complete or not issued:
        issued = int(found.found)
    life = Life(0, issued, issued, max(issued + STATUS_LIFE, int(found.keep) + 1))
    status = Status(life, judgement.owner, tuple((name, role, word) for (name, role), word in rows))
    return statements.seal(status).to_wire()


def _errors(judgement: Judgement) -> list[tuple[Ede, str]]:
    """Say why an answer is incomplete, with the names of who is missing (RFC 8914)."""
    errors = []
    unproven = [finding for finding in judgement.findings if not finding.standing.is_proven]
    bogus = [finding.authority for finding in unproven if finding.standing is Standing.BOGUS]
    silent = [finding.authority for finding in unproven if finding.standing is not Standing.BOGUS]
    if bogus:
        step = f" at step {judgement.refusals[0].step}" if judgement.refusals else ""
        errors.append((Ede.BOGUS, f"refused{step}: {' '.join(sorted(set(bogus)))}"))
    if silent:
        errors.append((Ede.NO_REACHABLE_AUTHORITY, f"no proof from: {' '.join(sorted(set(silent)))}"))
    return errors
