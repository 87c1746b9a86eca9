"""The walk: from what is held to an answer, asking for what is missing, each need in a task of its own.

A shell around `zonedata.path` and `zonedata.judgement`, which decide. Each time something arrives the path is
followed again from the root over all that is held, and whatever it newly needs is asked for at once, so that one
slow zone never holds back the authorities that are already known.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import trio

from resolver.allowance import AUTHORITY_SECONDS, MAX_AT_ONCE, TOTAL_SECONDS, ZONE_SECONDS, Allowance
from resolver.answer import read_claims
from resolver.asked import Asked, Purpose
from resolver.cache import SILENCE_KEPT, Cache, Found
from resolver.settings import Settings
from resolver.upstream import Question, Silence, Upstream
from transport.clock import Clock
from transport.dialer import Dialer
from zonedata import names, trust
from zonedata.errors import UntrustedError
from zonedata.holdings import Principal
from zonedata.identifiers import authority_node
from zonedata.judgement import Finding, admit_said, conclude, settle
from zonedata.kinds import Kind
from zonedata.names import Name
from zonedata.opening import Claim, Refusal, Step
from zonedata.path import BindingNeed, Grantee, Known, Need, Path, admit_zone, follow
from zonedata.sealed import Sealed
from zonedata.standing import Standing
from zonedata.trust import Trust
from zonedata.wire import QType

Watch = Callable[[Asked], None]


def _nobody(_: Asked) -> None:
    """Watch nothing."""


@dataclass(slots=True)
class _Search:
    """The state of one question. Owned by `Finder.find`; its tasks change it between their waits only.

    Attributes:
        owner: The name asked about.
        allowance: What is left to spend.
        watch: Told of every exchange.
        asked: Needs and authorities that are being asked for or were.
        reasons: Why an authority or a zone gave nothing.
        refusals: What was shown and not believed.
        refused: Its octets, for clients that want them all the same.
    """

    owner: Name
    watch: Watch
    allowance: Allowance = field(default_factory=Allowance)
    asked: set[object] = field(default_factory=set)
    reasons: dict[Principal, Standing] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    refused: list[Sealed] = field(default_factory=list)


class Finder:
    """Finds out. One for each resolver; holds its cache, its anchor and what it knows of servers."""

    def __init__(self, anchor: Trust, dialer: Dialer, clock: Clock, settings: Settings) -> None:
        self.trust = anchor  # trusted: whoever can set it chooses whom we believe
        self.cache = Cache(settings)
        self._clock = clock
        self._upstream = Upstream(dialer, clock, settings.apex, lab_addresses=settings.lab_addresses)
        self._gate = trio.CapacityLimiter(MAX_AT_ONCE)

    async def find(self, owner: Name, watch: Watch = _nobody) -> Found:
        """Answer one question within its allowance, from what is held and what must be asked."""
        search = _Search(owner, watch)
        if not trust.is_current(self.trust, self._clock.now()):
            await self._catch_up(search)
        with trio.move_on_after(TOTAL_SECONDS):
            async with trio.open_nursery() as nursery:
                self._go_on(search, nursery)
        found = self._finding(search)
        self.cache.put(owner, found, self._clock.now())
        return found

    def _known(self) -> Known:
        return Known(self.trust, self.cache.held, self._clock.now())

    def _go_on(self, search: _Search, nursery: trio.Nursery) -> None:
        """Follow the path over all that is held now, and start asking for what it newly needs."""
        known = self._known()
        if not trust.is_current(self.trust, known.now):
            return
        path = follow(search.owner, known)
        for need in path.needs:
            if need.key not in search.asked:
                search.asked.add(need.key)
                nursery.start_soon(self._fetch_zone, search, need, nursery)
        for principal, grantee in path.grantees.items():
            key = (principal, frozenset(grantee.roles))
            if key not in search.asked and not self._has_spoken(grantee, search.owner, known.now):
                search.asked.add(key)
                nursery.start_soon(self._fetch_said, search, grantee)

    def _has_spoken(self, grantee: Grantee, owner: Name, now: float) -> bool:
        said = self.cache.held.about(grantee.signer.principal, owner)
        return all(f.standing.is_proven for f in settle(grantee, said, owner, now, Standing.MISSING))

    async def _fetch_zone(self, search: _Search, need: Need, nursery: trio.Nursery) -> None:
        """Ask a zone for what the path needs of it, then go on."""
        claims, keep = await self._ask(search, self._zone_question(search, need), need.zone.signer.principal)
        refusals = admit_zone(need, search.owner, claims, self._known(), keep)
        # A root that signs with a key which our version of ROOTKEYS does not name may have a newer version.
        is_root_key = not need.zone.above and any(refusal.step is Step.KEY for refusal in refusals)
        if is_root_key and await self._catch_up(search):
            zone = replace(need.zone, signer=self.trust.signer())
            refusals = admit_zone(replace(need, zone=zone), search.owner, claims, self._known(), keep)
        self._note(search, need.zone.signer.principal, refusals, claims)
        self._go_on(search, nursery)

    def _zone_question(self, search: _Search, need: Need) -> Question:
        zone, allowance = need.zone, search.allowance
        if isinstance(need, BindingNeed):
            name, purpose = authority_node(need.authority), Purpose.BINDING
            authority = need.authority
            return Question(
                zone.signer.name,
                zone.servers,
                name,
                QType.ZONE,
                purpose,
                ZONE_SECONDS,
                lambda: allowance.take_authority(f"{authority} in {zone.signer.name}"),
            )
        return Question(
            zone.signer.name,
            zone.servers,
            search.owner,
            QType.ZONE,
            Purpose.ZONE,
            ZONE_SECONDS,
            allowance.take_walk,
        )

    async def _fetch_said(self, search: _Search, grantee: Grantee) -> None:
        """Ask an authority about the owner."""
        name = grantee.signer.name
        question = Question(
            name,
            grantee.servers,
            search.owner,
            QType.CSI,
            Purpose.PERSON,
            AUTHORITY_SECONDS,
            lambda: search.allowance.take_authority(name),
        )
        async with self._gate:
            claims, keep = await self._ask(search, question, grantee.signer.principal)
        refusals = admit_said(grantee, search.owner, claims, self._known(), keep)
        self._note(search, grantee.signer.principal, refusals, claims)

    async def _ask(self, search: _Search, question: Question, principal: Principal) -> tuple[list[Claim], float]:
        """Ask, and return what was said and until when it may be kept; nothing when there was no reply."""
        got = await self._upstream.ask(question, search.watch)
        now = self._clock.now()
        if isinstance(got, Silence):
            search.reasons[principal] = got.standing
            return [], now
        search.reasons.setdefault(principal, Standing.MISSING)  # until what it says turns out to be enough
        claims, unread = read_claims(got.reply)
        if unread:
            self._note(search, principal, unread, [])
        ttl = min((record.ttl for record in got.reply.records if record.rtype in set(QType)), default=0)
        return claims, now + ttl

    def _note(self, search: _Search, principal: Principal, refusals: list[Refusal], claims: list[Claim]) -> None:
        if refusals:
            search.reasons[principal] = Standing.BOGUS
            search.refusals += refusals
            kinds = {refusal.kind for refusal in refusals}
            search.refused += [claim.sealed for claim in claims if claim.sealed.kind in kinds]

    def _finding(self, search: _Search) -> Found:
        """Merge what is held now into an answer."""
        known = self._known()
        path = follow(search.owner, known)
        findings = self._settled(search, path, known.now)
        judgement = conclude(path, findings, {p[-1] if p else ".": word for p, word in search.reasons.items()})
        judgement.refusals += search.refusals
        keep = judgement.keep(known.now)
        if not judgement.complete:
            keep = min(keep, known.now + SILENCE_KEPT) if judgement.evidence else known.now + SILENCE_KEPT
        return Found(judgement, tuple(search.refused), keep)

    def _settled(self, search: _Search, path: Path, now: float) -> list[Finding]:
        findings: list[Finding] = []
        for principal, grantee in path.grantees.items():
            said = self.cache.held.about(principal, search.owner)
            was_asked = (principal, frozenset(grantee.roles)) in search.asked
            reason = search.reasons.get(principal, Standing.UNREACHABLE if was_asked else Standing.UNASKED)
            findings += settle(grantee, said, search.owner, now, reason)
        return findings

    async def _catch_up(self, search: _Search) -> bool:
        """Fetch the versions of ROOTKEYS after ours, one by one; say whether there was one."""
        started = self.trust.rootkeys.version
        for version in range(started + 1, started + 1 + trust.MAX_VERSIONS):
            question = Question(
                ".",
                self.trust.servers,
                names.from_text(f"{version}.rootkeys."),
                QType.ZONE,
                Purpose.ROOTKEYS,
                ZONE_SECONDS,
                lambda: True,  # bounded by MAX_VERSIONS; an old anchor may be many versions behind
            )
            got = await self._upstream.ask(question, search.watch)
            if isinstance(got, Silence):
                break
            claims = [c for c in read_claims(got.reply)[0] if c.sealed.kind is Kind.ROOTKEYS]
            if not claims:
                break
            try:
                self.trust = trust.advance(self.trust, claims[0])
            except UntrustedError as error:
                search.refusals.append(Refusal(Step.SIGNATURE, Kind.ROOTKEYS, ".", str(error)))
                break
        return self.trust.rootkeys.version > started
