"""The walk: from what is held to an answer, asking for what is missing, each need in a task of its own.

A shell around `zonedata.path` and `zonedata.judgement`, which decide; what one question has so far is a `Search`.
Each time something arrives the path is followed again from the root over all that is held (`routes` remembers what
that came to), and whatever it newly needs is asked for at once, so that one slow zone never holds back the
authorities that are already known.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Final

import trio

from resolver.allowance import AUTHORITY_SECONDS, MAX_AT_ONCE, TOTAL_SECONDS, ZONE_SECONDS
from resolver.answer import OUR_TYPES, read_claims
from resolver.asked import Purpose
from resolver.cache import SILENCE_KEPT, Cache, Found, Stores
from resolver.flights import Flights
from resolver.minimised import Minimised
from resolver.newest_keys import NewestKeys
from resolver.routes import Routes
from resolver.search import Search, key_of
from resolver.servers import Servers
from resolver.settings import Settings
from resolver.upstream import Got, Question, Silence, TakenIn, Upstream, Watch
from transport.clock import Clock
from transport.dialer import Dialer
from zonedata import replies, trust
from zonedata.admission import admit_said, admit_zone
from zonedata.findings import Finding, settle
from zonedata.holdings import Principal
from zonedata.identifiers import authority_node
from zonedata.judgement import conclude
from zonedata.names import Name
from zonedata.opening import Claim, Refusal, Step
from zonedata.packets import Packets
from zonedata.path import BindingNeed, Grantee, Known, Need, Path, Zone
from zonedata.sealed import Sealed
from zonedata.standing import Standing
from zonedata.trust import Trust
from zonedata.wire import QType

MAX_REFUSED: Final = 8  # envelopes kept with an answer, for clients that want what did not verify


@dataclass(slots=True)
class _Told:
    """What came of one question to a zone, for all searches that had it.

    Attributes:
        search: Which put it.
        standing: Why the zone gave nothing; MISSING when it gave anything.
        refusals: What of the last reply was refused.
        is_enough: Whether a server said what was asked for.
    """

    search: Search | None = None
    standing: Standing = Standing.MISSING
    refusals: list[Refusal] = field(default_factory=list)
    is_enough: bool = False


class Finder:
    """Finds out. One for each resolver; holds its cache, its anchor and what it knows of servers.

    Args:
        anchor: Whom to believe.
        dialer: Reaches servers.
        clock: Tells Unix seconds.
        settings: What an operator may set.
        stores: Where it keeps things; in this process if None.
    """

    def __init__(
        self,
        anchor: Trust,
        dialer: Dialer,
        clock: Clock,
        settings: Settings,
        stores: Stores | None = None,
    ) -> None:
        self.stores = stores or Stores.in_memory(anchor.tree)
        self.cache = Cache(settings, self.stores.proven)
        self._routes = Routes()
        self._clock = clock
        self._upstream = Upstream(dialer, clock, settings)
        self._flights: Flights[tuple[Principal, Name], _Told] = Flights()
        self._keys = NewestKeys(anchor, self.stores.rootkeys, self._upstream, self._moved_on)

    @property
    def trust(self) -> Trust:
        """Whom it believes now: the anchor, or the newest version of the root's keys that it stepped up to."""
        return self._keys.trust

    def _moved_on(self) -> None:
        """Forget what was laid out under an earlier version of the root's keys."""
        self.cache.forget_answers()
        self.stores.packets.clear()

    @property
    def servers(self) -> tuple[Servers, ...]:
        """How servers have behaved; one, as the finders of several trees have several."""
        return (self._upstream.servers,)

    @property
    def packets(self) -> Packets:
        """Replies ready to be sent, to be cleared when the anchor moves on."""
        return self.stores.packets

    @property
    def chain(self) -> tuple[Sealed, ...]:
        """Later versions of ROOTKEYS than the anchor's, oldest first."""
        return self.trust.chain

    def ready(self, owner: Name, now: float) -> Found | None:
        """Return what was found a moment ago, if it must not be sought again yet."""
        return self.cache.answer(owner, now)

    async def find(self, owner: Name, watch: Watch | None = None) -> Found:
        """Answer one question within its allowance, from what is held and what must be asked.

        Args:
            owner: The name asked about.
            watch: Told of every exchange.
        """
        deadline = trio.current_time() + TOTAL_SECONDS
        search = Search(owner, watch, self._clock.now(), self.cache.held.beside())
        if not await self._ask_the_only_one(search):
            with trio.move_on_at(deadline):
                if not trust.is_current(self.trust, search.now):
                    await self._keys.catch_up(search)
                await self._steer(search)
        found = self._finding(search)
        self.cache.put(owner, found, found.found)
        return found

    async def _ask_the_only_one(self, search: Search) -> bool:
        """Ask whoever is missing on a path that is whole, when it is one; say whether that was all there is to do.

        Nearly every search is this: no nursery, no task, no time limit but the authority's own is needed for it.
        """
        if not trust.is_current(self.trust, search.now):
            return False
        path = self._path(search)
        while search.recall(path, self.cache.proven, search.now):
            path = self._path(search)
        missing = [one for one in path.grantees.values() if not self._has_spoken(one, search)]
        if path.needs or len(missing) > 1:
            return False
        for grantee in missing:
            search.asked.add(key_of(grantee))
            search.under_way += 1
            await self._fetch_said(search, grantee)
        return True

    def _path(self, search: Search) -> Path:
        return self._routes.path(search.owner, self._known(search, search.now))

    def _known(self, search: Search, now: float) -> Known:
        proven = self.cache.proven
        return Known(self.trust, search.held, now, told=proven.put, barred=proven.barred)

    async def _steer(self, search: Search) -> None:
        """Follow the path over what is held, ask for what it newly needs, and again at each arrival."""
        search.gate = trio.CapacityLimiter(MAX_AT_ONCE)
        async with trio.open_nursery() as nursery:
            while trust.is_current(self.trust, search.now):
                path = self._path(search)
                while search.recall(path, self.cache.proven, self._clock.now()):
                    path = self._path(search)
                self._ask_for_needs(search, path, nursery)
                self._ask_grantees(search, path, nursery)
                if search.under_way == 0:
                    return
                await search.news.wait()  # several arrivals at once are one reason to follow again
                search.news = trio.Event()

    def _ask_for_needs(self, search: Search, path: Path, nursery: trio.Nursery) -> None:
        for need in path.needs:
            if need.key not in search.asked:
                search.asked.add(need.key)
                if self._may_ask(search, need):
                    search.under_way += 1
                    nursery.start_soon(self._fetch_zone, search, need)

    @staticmethod
    def _may_ask(search: Search, need: Need) -> bool:
        """Say whether the allowance is not spent yet; what will not be asked costs no task."""
        allowance = search.allowance
        if isinstance(need, BindingNeed) and not allowance.may_bind():
            search.reasons.setdefault(need.zone.signer.principal, Standing.UNASKED)
            return False
        return True

    def _ask_grantees(self, search: Search, path: Path, nursery: trio.Nursery) -> None:
        for grantee in path.grantees.values():
            key = key_of(grantee)
            if key not in search.asked and not self._has_spoken(grantee, search):
                search.asked.add(key)
                search.under_way += 1
                nursery.start_soon(self._fetch_said, search, grantee)

    @staticmethod
    def _has_spoken(grantee: Grantee, search: Search) -> bool:
        """Say whether an authority has said all it owes; then how it stands is settled, and kept for the answer."""
        principal = grantee.signer.principal
        said = search.held.about(principal, search.owner)
        rows = settle(grantee, said, search.owner, search.now, Standing.MISSING)
        for row in rows:
            if not row.standing.is_proven:
                return False
        search.spoken[principal] = grantee, rows
        return True

    async def _fetch_zone(self, search: Search, need: Need) -> None:
        """Ask a zone for what the path needs of it, with as few labels of the owner as tell it."""
        zone = need.zone
        principal = zone.signer.principal
        if isinstance(need, BindingNeed):
            told = await self._ask_zone(search, need, authority_node(need.authority))
        else:
            told = _Told()
            holdings = search.held.zone(principal)
            minimised = Minimised(search.owner, zone.node)
            while (name := minimised.next(holdings.nearest_gap(search.owner))) is not None:
                told = await self._ask_zone(search, need, name)
                if not told.is_enough or holdings.gap_for(search.owner, zone.signer, search.now) is not None:
                    break
        # A root that signs with a key which our version of ROOTKEYS does not name may have a newer version.
        refusals = told.refusals
        is_new_key = not zone.above and any(refusal.step is Step.KEY for refusal in refusals)
        if is_new_key and (self._has_newer_keys(zone) or await self._keys.catch_up(search)):
            search.acquit(principal, Step.KEY)  # it was our version that did not know the key
            refusals = []
            search.asked.discard(need.key)  # once more, with the new keys: versions only go up, so this ends
        if refusals:  # and no server had anything better to show
            search.reasons[principal] = Standing.BOGUS
        self._end(search)

    async def _ask_zone(self, search: Search, need: Need, name: Name) -> "_Told":
        """Put one question to a zone, or wait for what comes of the same one that another search has put."""
        principal = need.zone.signer.principal
        told = await self._flights.share((principal, name), lambda: self._put_to_zone(search, need, name))
        if told.search is search:
            return told
        if told.standing is Standing.UNASKED:  # it was the other's allowance that was spent
            return await self._put_to_zone(search, need, name)
        search.reasons[principal] = told.standing
        if told.refusals:
            search.note(principal, told.refusals)
        return told

    async def _put_to_zone(self, search: Search, need: Need, name: Name) -> "_Told":
        zone, allowance = need.zone, search.allowance
        principal = zone.signer.principal
        purpose, take, owner = Purpose.ZONE, allowance.take_walk, name
        if isinstance(need, BindingNeed):
            who = (need.authority, *principal)
            purpose, take, owner = Purpose.BINDING, partial(allowance.take_binding, who), search.owner
        told = _Told(search)

        def takes_in(reply: replies.Received) -> TakenIn:
            now = self._clock.now()
            claims, unread, keep = _read(reply, now)
            known = self._known(search, now)
            admitted = admit_zone(need, owner, claims, known, keep)
            told.refusals = [*unread, *admitted]
            if told.refusals:
                search.note(principal, told.refusals)
            return TakenIn(tuple(claims), tuple(told.refusals), bool(claims) and not told.refusals)

        question = Question(principal, zone.servers, name, QType.ZONE, purpose, ZONE_SECONDS, take, takes_in)
        got = await self._ask(search, question)
        told.standing = search.reasons[principal]
        told.is_enough = isinstance(got, Got) and got.is_enough
        return told

    def _has_newer_keys(self, root: Zone) -> bool:
        """Say whether another search has caught up since this zone was put on the path."""
        return self.trust.signer().keys != root.signer.keys

    async def _fetch_said(self, search: Search, grantee: Grantee) -> None:
        """Ask an authority about the owner."""
        principal = grantee.signer.principal
        refusals: list[Refusal] = []  # of the last reply

        def takes_in(reply: replies.Received) -> TakenIn:
            now = self._clock.now()
            claims, unread, keep = _read(reply, now)
            known = self._known(search, now)
            admitted = admit_said(grantee, search.owner, claims, known, keep)
            refusals[:] = [*unread, *admitted]
            if refusals:
                search.note(principal, refusals)
            return TakenIn(tuple(claims), tuple(refusals), self._has_spoken(grantee, search))

        question = Question(
            principal,
            grantee.servers,
            search.owner,
            QType.CSI,
            Purpose.PERSON,
            AUTHORITY_SECONDS,
            partial(search.allowance.take_authority, principal),
            takes_in,
        )
        if search.gate is None:
            await self._ask(search, question)
        else:
            async with search.gate:
                await self._ask(search, question)
        if refusals:  # and no server had anything better to show
            search.reasons[principal] = Standing.BOGUS
        self._end(search)

    @staticmethod
    def _end(search: Search) -> None:
        search.under_way -= 1
        search.news.set()

    async def _ask(self, search: Search, question: Question) -> Got | Silence:
        got = await self._upstream.ask(question, search.watch)
        # MISSING stands until what was said turns out to be enough.
        search.reasons[question.party] = got.standing if isinstance(got, Silence) else Standing.MISSING
        return got

    def _finding(self, search: Search) -> Found:
        """Merge what is held now into an answer."""
        path = self._path(search)
        reasons = {principal[-1] if principal else ".": word for principal, word in search.reasons.items()}
        judgement = conclude(path, self._settled(search, path), reasons)
        refused: list[Refusal] = []
        if search.refusals:
            refused = search.refused
            judgement.refusals += refused
        now = self._clock.now()
        keep = judgement.keep(now)
        if not judgement.complete:
            keep = min(keep, now + SILENCE_KEPT) if judgement.evidence else now + SILENCE_KEPT
        shown = dict.fromkeys([refusal.octets for refusal in refused if refusal.octets]) if refused else ()
        return Found(judgement, tuple(shown)[:MAX_REFUSED], keep, now)

    def _settled(self, search: Search, path: Path) -> list[Finding]:
        findings: list[Finding] = []
        for principal, grantee in path.grantees.items():
            spoken = search.spoken.get(principal)
            if spoken is not None and spoken[0] is grantee:
                findings += spoken[1]
                continue
            said = search.held.about(principal, search.owner)
            was_asked = key_of(grantee) in search.asked
            reason = search.reasons.get(principal, Standing.UNREACHABLE if was_asked else Standing.UNASKED)
            findings += settle(grantee, said, search.owner, search.now, reason)
        return findings


def _read(reply: replies.Received, now: float) -> tuple[list[Claim], list[Refusal], float]:
    """Return the statements of a reply, what of it cannot be read, and until when it may be kept."""
    claims, unread = read_claims(reply)
    ttl = min([record.ttl for record in reply.records if record.rtype in OUR_TYPES], default=0)
    return claims, unread, now + ttl
