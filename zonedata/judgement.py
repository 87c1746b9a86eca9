"""What a look-up comes to: how each authority stands, what was found, whether it is complete.

`findings.settle` decides for one authority, `conclude` for the whole question; the resolver merges with them what
it was told, and `judge` decides with the same two what a proof shows to somebody who trusts nothing but the anchor.
"""

from collections import abc
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from zonedata.admission import MAX_FAILURES, admit_said, admit_zone
from zonedata.errors import UntrustedError
from zonedata.findings import Finding, settle
from zonedata.foreign import NO_TREES, set_aside
from zonedata.holdings import Holdings, Principal
from zonedata.kinds import Role
from zonedata.names import Name
from zonedata.opening import Claim, Opened, Refusal, Signer, read_claim, speaker_of, verifies
from zonedata.path import Known, Path, follow
from zonedata.person_statements import Status
from zonedata.recall import Recall
from zonedata.recipient_statements import Mapping
from zonedata.standing import Standing
from zonedata.statements import Statement
from zonedata.trust import Trust, advance
from zonedata.weighing import weigh
from zonedata.zone_statements import RootKeys

MAX_NEEDS: Final = 144  # looked for in a proof: the 16 zones and 128 bindings for which a resolver asks, too
MAX_HEARD: Final = 64  # authorities whose words in a proof are read: a resolver asks no more for one question
_NOBODY: abc.Mapping[str, set[bytes]] = {}
_UNHEARD: abc.Mapping[Principal, "Heard"] = {}


class Outcome(StrEnum):
    """The answer in one word."""

    FOUND = "found"
    NONE = "none"
    OPTED_OUT = "opted-out"
    INCOMPLETE = "incomplete"


@dataclass(slots=True)
class Judgement:
    """What a question comes to.

    Attributes:
        owner: The name asked about.
        outcome: The answer in one word.
        complete: Whether every authority on the path is proven to have spoken.
        findings: A row for each authority and role, zones first, in ascending order.
        refusals: What was not believed, with the step.
        evidence: Every statement it stands on, to be shown as proof.
        recipient: Digest of the key of whose the CSI is, b"" where nobody is vouched for.
        mapping: That recipient's MAPPING, or None.
        trees: Ids of the trees on which the STATUSes of a proof report, ascending; none where its resolver holds
            one tree.
    """

    owner: Name
    outcome: Outcome
    complete: bool
    findings: list[Finding]
    refusals: list[Refusal] = field(default_factory=list)
    evidence: list[Opened[Statement]] = field(default_factory=list)
    recipient: bytes = b""
    mapping: Opened[Mapping] | None = None
    trees: tuple[bytes, ...] = ()

    @property
    def found(self) -> list[Finding]:
        """Return the rows that say where the person is reachable."""
        return [finding for finding in self.findings if finding.standing is Standing.ASSERTED]

    def keep(self, now: float) -> float:
        """Return until when it may be used without asking again."""
        return min([opened.keep for opened in self.evidence], default=now)


def _by_authority_and_role(finding: Finding) -> tuple[str, Role]:
    return finding.authority, finding.role


def conclude(path: Path, findings: list[Finding], reasons: abc.Mapping[str, Standing]) -> Judgement:
    """Put the rows together.

    Args:
        path: How the authorities were found.
        findings: The rows of all grantees.
        reasons: Why a zone showed nothing, by its name; only for zones that did not.
    """
    rows = {zone.signer.name: Standing.REFERRED for zone in path.zones}
    for need in path.needs:
        name = need.zone.signer.name
        rows[name] = reasons.get(name, Standing.MISSING)
    every = [Finding(name, Role.REGISTRY, standing) for name, standing in sorted(rows.items())]
    every += [Finding(name, role, Standing.BOGUS) for name, role in sorted(set(path.unbound))]
    weighed = weigh(findings, is_whole=not _may_lack_a_voice(path))
    every += sorted(weighed.findings, key=_by_authority_and_role)
    evidence = list(path.evidence.values())
    complete, outcome = True, Outcome.NONE
    for finding in every:
        complete = complete and finding.standing.is_proven
        if finding.standing is Standing.ASSERTED:
            outcome = Outcome.FOUND
        if finding.opened is not None:
            evidence.append(finding.opened)
        if finding.mapping is not None and finding.mapping not in evidence:
            evidence.append(finding.mapping)
    mapping = weighed.mapping
    if outcome is Outcome.NONE and not complete:
        outcome = Outcome.INCOMPLETE
    elif outcome is Outcome.NONE and mapping is not None and not mapping.statement.entries:
        outcome = Outcome.OPTED_OUT
    return Judgement(
        path.owner, outcome, complete, every, list(path.refusals), evidence, weighed.recipient, mapping
    )


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of asking one authority oneself, beside what somebody showed.

    Attributes:
        replies: Of each reply by itself, the data of every record; in them it speaks for itself alone.
        silence: Why no reply came; None if one did.
    """

    replies: tuple[tuple[bytes, ...], ...] = ()
    silence: Standing | None = None


def _may_lack_a_voice(path: Path) -> bool:
    """Say whether somebody who can vouch or revoke may have no row, because what leads to them is not shown."""
    return bool(path.needs) or any(role is not Role.MSP for _, role in path.unbound)


@dataclass(slots=True)  # one a look-up: decision 0016
class Hearing:
    """A judgement, and what it was made of: for whoever explains it.

    Attributes:
        judgement: What it came to.
        path: How the authorities were found.
        known: The anchor, caught up; what was opened; the instant. With a recall, what zones said may be missing.
    """

    judgement: Judgement
    path: Path
    known: Known


def judge(  # noqa: PLR0913, PLR0917 - as `hear`
    owner: Name,
    trust: Trust,
    wires: Iterable[bytes],
    now: float,
    recall: Recall | None = None,
    others: frozenset[bytes] = NO_TREES,
    heard: abc.Mapping[Principal, Heard] = _UNHEARD,
) -> Judgement:
    """Judge a proof alone: what is proven, what is absent, what is unproven; as `hear`."""
    return hear(owner, trust, wires, now, recall, others, heard).judgement


def hear(  # noqa: PLR0913, PLR0917 - what a judge may look at is many things
    owner: Name,
    trust: Trust,
    wires: Iterable[bytes],
    now: float,
    recall: Recall | None = None,
    others: frozenset[bytes] = NO_TREES,
    heard: abc.Mapping[Principal, Heard] = _UNHEARD,
) -> Hearing:
    """Judge a proof alone, and keep what the judgement stands on.

    What authorities said when they were asked from here (`heard`) counts as their own word and nobody else's: zones
    are judged by what was shown, and each reply is taken in by itself, so that neither what was shown nor another
    reply can leave anything of it unread.

    Args:
        owner: The name that was asked about.
        trust: The anchor; its version must be current at `now`.
        wires: The data of every record shown, in any order, from anybody.
        now: Unix seconds.
        recall: Remembers for later judgements what was decoded and which signatures are sound. The verdict is the
            same with it and without it.
        others: Ids of other trees whose statements may be shown beside; those that the STATUSes name are added.
        heard: What came of asking authorities directly, by principal.
    """
    read, check = (recall.read, recall.verifies) if recall is not None else (read_claim, verifies)
    claims, refusals, statuses = _read(wires, owner, read)
    trees = tuple(sorted({status.tree for status in statuses if status.tree}))
    hints = _hints(statuses, trust.tree)
    elsewhere: dict[str, set[bytes]] = {}
    if trees or others:
        shown = set_aside(claims, others.union(trees) - {trust.tree})
        claims, elsewhere = shown.claims, shown.keys
    known = Known(_caught_up(trust, claims), Holdings(), now, check, is_of_trees=bool(trees or others))
    path = recall.paths.find(owner, trust, claims, now) if recall is not None else None
    if path is None:
        path, refused = _lead(owner, claims, known)
        refusals += refused
        if recall is not None and not refused:
            recall.paths.keep(path, trust, claims, now)
    findings = []
    parties = [grantee.signer for grantee in path.grantees.values()]
    speaking = {speaker_of(claim.statement) for claim in claims}
    left = MAX_HEARD
    for principal, grantee in path.grantees.items():
        reason = hints.get(grantee.signer.name, Standing.MISSING)
        if grantee.signer.name in speaking:
            left -= 1
            if left < 0:
                reason = hints.get(grantee.signer.name, Standing.UNASKED)
            else:
                theirs = _not_of_namesakes(grantee.signer, parties, claims, elsewhere)
                refused = admit_said(grantee, owner, theirs, known)
                refusals += refused
                reason = Standing.BOGUS if refused else reason
        if (word := heard.get(principal)) is not None:
            reason = word.silence or reason
            for reply in word.replies:
                spoken, refused, _ = _read(reply, owner, read)
                refused += admit_said(
                    grantee, owner, _not_of_namesakes(grantee.signer, parties, spoken, elsewhere), known
                )
                reason = Standing.BOGUS if refused else reason
                refusals += refused
        findings += settle(grantee, known.held.about(principal, owner), owner, now, reason)
    judgement = conclude(path, findings, hints)
    judgement.refusals[:0] = refusals
    judgement.trees = trees
    return Hearing(judgement, path, known)


def lead(owner: Name, trust: Trust, wires: Iterable[bytes], now: float) -> Path:
    """Return how far a proof leads from the anchor to the authorities for an owner; arguments as in `judge`."""
    claims, _, statuses = _read(wires, owner, read_claim)
    others = frozenset(status.tree for status in statuses if status.tree) - {trust.tree}
    claims = set_aside(claims, others).claims if others else claims
    path, _ = _lead(owner, claims, Known(_caught_up(trust, claims), Holdings(), now))
    return path


def _lead(owner: Name, claims: list[Claim], known: Known) -> tuple[Path, list[Refusal]]:
    """Follow what zones say as far as it is shown; return what of it was refused, too."""
    refusals: list[Refusal] = []
    tried: set[tuple[Principal, str]] = set()
    path = follow(owner, known)
    while untried := [need for need in path.needs if need.key not in tried][: MAX_NEEDS - len(tried)]:
        reached = (*path.zones, *(need.zone for need in path.needs))  # a zone once for each thing it is needed for
        zones = list({zone.signer.principal: zone.signer for zone in reached}.values())
        shown: dict[Principal, list[Claim]] = {}
        for need in untried:
            tried.add(need.key)
            signer = need.zone.signer
            theirs = shown.get(signer.principal)
            if theirs is None:
                theirs = shown[signer.principal] = _not_of_namesakes(signer, zones, claims)
            refusals += admit_zone(need, owner, theirs, known)
        path = follow(owner, known)
    return path, refusals


def _caught_up(trust: Trust, claims: list[Claim]) -> Trust:
    """Step through the later versions of ROOTKEYS that a proof shows, as far as they go."""
    failures = 0
    untried = [claim for claim in claims if isinstance(claim.statement, RootKeys)]
    while failures < MAX_FAILURES:
        wanted = trust.rootkeys.version + 1
        following = next((c for c in untried if getattr(c.statement, "version", None) == wanted), None)
        if following is None:
            break
        untried.remove(following)
        try:
            trust = advance(trust, following)
        except UntrustedError:
            failures += 1  # somebody else's; the true one may be shown beside it
    return trust


def _not_of_namesakes(
    signer: Signer,
    parties: Iterable[Signer],
    claims: list[Claim],
    elsewhere: abc.Mapping[str, set[bytes]] = _NOBODY,
) -> list[Claim]:
    """Leave out what other parties of the same name, bound by other zones, have signed with keys of their own.

    A key that two of them have stays in: a zone that binds somebody's name and key silences nobody. `elsewhere`
    has the keys that other trees bind to names, to which the same applies.
    """
    namesakes = [one for one in parties if one.name == signer.name]  # itself, too, and takes nothing out
    theirs = {
        bound.public.key_id for one in namesakes for bound in one.keys if not signer.key_for(bound.public.key_id)
    }
    theirs |= {key_id for key_id in elsewhere.get(signer.name, ()) if not signer.key_for(key_id)}
    if not theirs:
        return claims
    return [c for c in claims if not any(signature.key_id in theirs for signature in c.sealed.signatures)]


def _read(
    wires: Iterable[bytes], owner: Name, read_one: Callable[[bytes], Claim | Refusal]
) -> tuple[list[Claim], list[Refusal], list[Status]]:
    claims: list[Claim] = []
    refusals: list[Refusal] = []
    statuses: list[Status] = []
    for wire in dict.fromkeys(wires):  # what is shown twice is said once
        read = read_one(wire)
        if isinstance(read, Refusal):
            refusals.append(read)
        elif isinstance(read.statement, Status):
            if read.statement.owner == owner:
                statuses.append(read.statement)
        else:
            claims.append(read)
    return claims, refusals, statuses


def _hints(statuses: Iterable[Status], tree: bytes) -> dict[str, Standing]:
    """Return why authorities gave no proof, by the reports on this tree and on no tree in particular."""
    hints: dict[str, Standing] = {}
    for status in statuses:
        if status.tree in {b"", tree}:
            for name, _, word in status.rows:
                if not word.is_proven:  # the first word of several, so that their order does not matter
                    hints[name] = min(word, hints.get(name, word))
    return hints
