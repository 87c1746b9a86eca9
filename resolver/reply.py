"""Laying an answer out as a DNS message: what goes where for which question type. Pure.

Forwarders pass on the RRset that was asked for and little else, so what a client needs is in ANSWER, and the
variants are chosen by question type: CSI has what is accepted, PROOF has everything.
"""

from dataclasses import dataclass
from typing import Final, cast

from resolver.cache import Found
from zonedata import padding, statements, wire
from zonedata.judgement import Judgement, Outcome
from zonedata.kinds import ZONE_SIGNED, Kind, Role
from zonedata.life import MAX_TIME, Life
from zonedata.names import Name
from zonedata.opening import Opened
from zonedata.packets import Ages
from zonedata.person_statements import Status
from zonedata.sealed import Sealed
from zonedata.standing import Standing
from zonedata.statements import Statement
from zonedata.wire import RECORD_OCTETS, Ede, QType, Query, Rcode, Reply

INCOMPLETE_TTL: Final = 30  # seconds at most, so that nobody keeps silence as absence
MAX_CHAIN: Final = 4  # versions of ROOTKEYS in a proof; an anchor that is older still is to be replaced
STATUS_LIFE: Final = 60  # seconds, or as long as the answer is given; a report, not evidence
_NOT_SILENT: Final = frozenset({Standing.BOGUS, Standing.UNAUTHENTICATED})  # said in words of their own


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
    chain = _shown_chain(found, chain)
    to = min([opened.keep for opened in judgement.evidence], default=0.0)
    ages = Ages(to) if judgement.complete and to else Ages(to or MAX_TIME, INCOMPLETE_TTL)
    ttl = ages.ttl(now)
    checking_disabled = bool(query.flags & wire.FLAG_CD)
    is_spotless = judgement.complete and not judgement.refusals
    reply = Reply(flags=wire.FLAG_RA, errors=[] if is_spotless else _errors(found))
    if judgement.complete and not (checking_disabled and refused):
        reply.flags |= wire.FLAG_AD
    needs_status = query.qtype == QType.PROOF or not judgement.complete
    status = [wire.record(query.qtype, ttl, octets) for octets in _statuses(found)] if needs_status else []
    accepted = _accepted_of(found)
    shown = _records(accepted, query.qtype, ttl)
    unverified = [wire.record(query.qtype, ttl, octets) for octets in refused] if checking_disabled else []
    if query.qtype == QType.PROOF:
        versions = [wire.record(query.qtype, ttl, sealed.to_wire()) for sealed in chain]
        reply.answer = [*shown, *_rest(judgement, accepted, query.qtype, ttl), *status, *versions, *unverified]
    else:
        validators, msps = _contested(judgement)
        reply.answer = [*shown, *_records(validators, query.qtype, ttl), *unverified]
        reply.authority = _records([*msps, *_denials(judgement)], query.qtype, ttl)
        reply.additional += status
        if not reply.answer and judgement.outcome is Outcome.INCOMPLETE:
            reply.rcode = Rcode.SERVFAIL
        elif not reply.answer:
            reply.authority.append(wire.soa_record(query, apex, 1, ttl))
    if found.parts:  # what is said in several trees is shown once
        reply.answer = [*dict.fromkeys(reply.answer)]
        reply.authority = [*dict.fromkeys(reply.authority)]
    return LaidOut(reply, ages)


def room_of(qtype: int, found: Found, chain: tuple[Sealed, ...]) -> int:
    """Return to what a reply is padded where nobody is to learn from its length what it says (`zonedata.padding`).

    Args:
        qtype: CSI or PROOF.
        found: The answer.
        chain: As `reply_for`.
    """
    judgements = [part.found.judgement for part in found.parts] or [found.judgement]
    roles = [finding.role for judgement in judgements for finding in judgement.findings]
    if qtype != QType.PROOF:
        return padding.room_for(roles)
    zones = [opened.sealed for judgement in judgements for opened in judgement.evidence if _is_of_a_zone(opened)]
    octets = sum(RECORD_OCTETS + len(sealed.to_wire()) for sealed in (*zones, *_shown_chain(found, chain)))
    return padding.room_with_proof(roles, octets)


def _is_of_a_zone(opened: Opened[Statement]) -> bool:
    return opened.sealed.kind in ZONE_SIGNED


def _shown_chain(found: Found, chain: tuple[Sealed, ...]) -> tuple[Sealed, ...]:
    if not found.parts:
        return chain[-MAX_CHAIN:]
    return tuple(sealed for part in found.parts for sealed in part.chain[-MAX_CHAIN:])


def _accepted_of(found: Found) -> list[Opened[Statement]]:
    if not found.parts:
        return _accepted(found.judgement)
    return [opened for part in found.parts for opened in _accepted(part.found.judgement)]


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


def _rest(judgement: Judgement, accepted: list[Opened[Statement]], qtype: int, ttl: int) -> list[bytes]:
    """Return the proof but for what was accepted: denials, delegations, gaps, authorities."""
    shown = {id(opened) for opened in accepted}
    rest = [opened for opened in judgement.evidence if id(opened) not in shown]
    return _records(rest, qtype, ttl)


def _records(shown: list[Opened[Statement]], qtype: int, ttl: int) -> list[bytes]:
    return [wire.record(qtype, ttl, opened.sealed.to_wire()) for opened in shown]


def _statuses(found: Found) -> list[bytes]:
    """Return the report, or one on each of several trees."""
    return [_status(part.found, part.tree) for part in found.parts] if found.parts else [_status(found)]


def _status(found: Found, tree: bytes = b"") -> bytes:
    judgement = found.judgement
    # Two parties may have one name, bound by different zones; what is unproven must not hide behind the other.
    worst = sorted(judgement.findings, key=lambda finding: not finding.standing.is_proven)
    rows = sorted({(f.authority, f.role): f.standing for f in worst}.items())
    # For the same evidence the same octets, whenever it was put together.
    issued = max([opened.statement.life.issued for opened in judgement.evidence], default=0)
    if not judgement.complete or not issued:
        issued = int(found.found)
    life = Life(0, issued, issued, max(issued + STATUS_LIFE, int(found.keep) + 1))
    status = Status(life, judgement.owner, tuple((name, role, word) for (name, role), word in rows), tree)
    return statements.seal(status).to_wire()


def _errors(found: Found) -> list[tuple[Ede, str]]:
    """Say what was refused, and why an answer is incomplete, with the names of whose it is and of their tree.

    What was refused is said beside a complete answer too, which stands on what was not (RFC 8914: extended errors
    may accompany any response, and change nothing about how it is to be taken).
    """
    if not found.parts:
        return _errors_of(found.judgement)
    named = [(part.name, error) for part in found.parts for error in _errors_of(part.found.judgement)]
    return [(code, f"{name}: {text}") for name, (code, text) in named]


def _errors_of(judgement: Judgement) -> list[tuple[Ede, str]]:
    errors = []
    steps: dict[str, int] = {}  # by party, the first step at which something of it was refused
    for refusal in judgement.refusals:
        steps.setdefault(refusal.about, refusal.step)
    unproven = [finding for finding in judgement.findings if not finding.standing.is_proven]
    silent = [finding.authority for finding in unproven if finding.standing not in _NOT_SILENT]
    others = [finding.authority for finding in unproven if finding.standing is Standing.UNAUTHENTICATED]
    for finding in unproven:
        if finding.standing is Standing.BOGUS:
            steps.setdefault(finding.authority, 0)  # what was refused is another's: the grant to it
    if steps:
        errors.append((Ede.BOGUS, f"refused{';'.join(_refused_at(steps))}"))
    if silent:
        errors.append((Ede.NO_REACHABLE_AUTHORITY, f"no proof from: {' '.join(sorted(set(silent)))}"))
    if others:
        names = " ".join(sorted(set(others)))
        errors.append((Ede.NETWORK_ERROR, f"has not the key signed for its servers: {names}"))
    return errors


def _refused_at(steps: dict[str, int]) -> list[str]:
    """Name the parties of each step."""
    at: dict[int, list[str]] = {}
    for party, step in sorted(steps.items()):
        at.setdefault(step, []).append(party)
    return [f"{f' at step {step}' if step else ''}: {' '.join(parties)}" for step, parties in sorted(at.items())]
