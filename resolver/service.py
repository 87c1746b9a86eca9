"""A resolver's handler: what is ready is given at once, a miss becomes a search that equal questions share.

Three steps, each dearer than the one before: the packet cache, which datagrams meet in `front` already; answers
found a moment ago, laid out for another form of the question; the search.

The barrier for bugs of ours stands here, around the handler and around each search: what they raise is logged and
answered SERVFAIL, and the resolver lives on.
"""

import logging
from collections import Counter
from dataclasses import dataclass
from typing import Final

from resolver.cache import Found, Stores
from resolver.complaints import Complaints
from resolver.durations import Durations
from resolver.finder import Finder
from resolver.flights import Flights
from resolver.reply import reply_for, room_of
from resolver.servers import Servers
from resolver.settings import Settings
from resolver.trees import Trees
from transport.clock import Clock
from transport.dialer import Dialer
from transport.handler import Caller, Later, Protocol, Verdict
from zonedata import identifiers, names, padding, wire
from zonedata.judgement import Outcome
from zonedata.names import Name
from zonedata.packets import PADDED_MARK, STREAM_MARK
from zonedata.trust import Trust
from zonedata.wire import CLASS_IN, Ede, QType, Query, Rcode, Rejected, Reply

NEGATIVE_TTL: Final = 60  # seconds for "we have no such type"
SORTS: Final = {outcome: number for number, outcome in enumerate(Outcome)}  # of the packet cache, for statistics

log = logging.getLogger(__name__)


class ResolverService:
    """A recursive resolver without its sockets.

    Args:
        trust: Whom to believe: the anchor of the only tree, or several trees.
        dialer: Reaches servers of the only tree.
        clock: Tells Unix seconds.
        settings: What an operator may set.
        stores: Where the only tree keeps things; in this process if None.
    """

    def __init__(
        self,
        trust: Trust | Trees,
        dialer: Dialer,
        clock: Clock,
        settings: Settings | None = None,
        stores: Stores | None = None,
    ) -> None:
        self._settings = settings or Settings()
        self._clock = clock
        self._trees = trust if isinstance(trust, Trees) else None
        self._seeker = trust if isinstance(trust, Trees) else Finder(trust, dialer, clock, self._settings, stores)
        self.packets = self._seeker.packets
        self._flights: Flights[Name, Found | None] = Flights()
        self._complaints = Complaints()
        self.searched: Counter[str] = Counter()  # by outcome; "failed" where a bug of ours ended it
        self.durations = Durations()

    @property
    def finder(self) -> Finder:
        """The only tree's."""
        assert isinstance(self._seeker, Finder), "there are several trees"
        return self._seeker

    @property
    def servers(self) -> tuple[Servers, ...]:
        """How servers have behaved, tree by tree."""
        return self._seeker.servers

    def handle(self, message: bytes, caller: Caller, now: float) -> Verdict:
        """Answer one message, or return the work of finding out; never raises."""
        try:
            return self._handle(message, caller, now)
        except Exception:  # the barrier: a bug must cost one answer, not the resolver
            log.exception("event=bug-in-handler octets=%d", len(message))
            return wire.servfail(message)

    def _handle(self, message: bytes, caller: Caller, now: float) -> Verdict:
        in_datagram = caller.protocol is Protocol.UDP
        mark = b"" if in_datagram else STREAM_MARK if caller.protocol is Protocol.TCP else PADDED_MARK
        if not in_datagram:  # of datagrams `front` has looked at this already
            ready = self.packets.get(message[2:] + mark, now)
            if ready is not None:
                return message[:2] + ready[2:]
        query = wire.read_query(message)
        if isinstance(query, Rejected):
            return query.reply
        form = _Form(query.plain() + mark, query.room(in_datagram=in_datagram), mark == PADDED_MARK)
        ready = self.packets.get(form.key, now)
        if ready is not None:
            return query.addressed(ready)
        name = names.from_wire(query.labels, self._settings.apex)
        if name is None or query.qclass != CLASS_IN or self._is_nobodys(name):
            why = "not a name of this tree" if self._trees is None else "not a name of any tree here"
            return Reply(Rcode.REFUSED, errors=[(Ede.NOT_AUTHORITATIVE, why)]).to_wire(
                query, form.limit, form.block
            )
        if query.qtype not in {QType.CSI, QType.PROOF} or not identifiers.is_owner(name):
            empty = Reply(flags=wire.FLAG_RA)
            empty.authority.append(wire.soa_record(query, self._settings.apex, 1, NEGATIVE_TTL))
            return empty.to_wire(query, form.limit, form.block)
        found = self._seeker.ready(name, now)
        if found is not None:
            return self._lay_out(query, form, found, now)

        async def work() -> bytes:
            sought = await self._flights.share(name, lambda: self._search(name))
            if sought is None:
                failed = Reply(Rcode.SERVFAIL, wire.FLAG_RA, errors=[(Ede.OTHER, "internal error")])
                return failed.to_wire(query, form.limit, form.block)
            return self._lay_out(query, form, sought, self._clock.now())

        return Later(work)

    def _is_nobodys(self, name: Name) -> bool:
        """Say whether no tree speaks for a name that a person can have."""
        return self._trees is not None and identifiers.is_owner(name) and not self._trees.speaks_for(name)

    async def _search(self, name: Name) -> Found | None:
        began = self._clock.now()
        try:
            found = await self._seeker.find(name)
        except Exception:  # the barrier, as in `handle`
            log.exception("event=bug-in-search")
            self.searched["failed"] += 1
            return None
        self.durations.add(self._clock.now() - began)
        self.searched[found.judgement.outcome] += 1
        if found.judgement.refusals:
            for line in self._complaints.about(found.judgement.refusals, found.found):
                log.warning("%s", line)
        return found

    def _lay_out(self, query: Query, form: "_Form", found: Found, now: float) -> bytes:
        """Write the reply, and keep it ready."""
        laid_out = reply_for(query, found, self._seeker.chain, self._settings.apex, now)
        room = room_of(query.qtype, found, self._seeker.chain) if form.is_padded else 0
        octets = laid_out.reply.to_wire(query, form.limit, room)
        if found.keep > now:
            kept = query.unaddressed(octets)
            self.packets.put(form.key, kept, found.keep, laid_out.ages, SORTS[found.judgement.outcome])
        return octets


@dataclass(slots=True)  # one a look-up: decision 0016
class _Form:
    """What replies to one question have in common, whatever they say.

    Attributes:
        key: Under which one is kept ready.
        limit: Octets at most.
        is_padded: Whether nobody is to learn from the length what it says.
    """

    key: bytes
    limit: int
    is_padded: bool

    @property
    def block(self) -> int:
        """To what a reply is padded that tells nothing of a person."""
        return padding.BLOCK if self.is_padded else 0
