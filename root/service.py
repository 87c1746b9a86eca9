"""An authority's handler: message in, reply out, at once.

Replies are kept ready until a TTL in them would be cut or a denial is to be signed anew; the store below never
changes, so they hold until then.

The barrier for bugs of ours stands here: whatever the engine raises is logged and answered SERVFAIL, and the
daemon lives on.
"""

import logging
from dataclasses import dataclass, field

from root.engine import Engine, Said
from transport.handler import Caller, Protocol, Verdict
from zonedata import names, padding, wire
from zonedata.names import Name
from zonedata.packets import PADDED_MARK, STREAM_MARK, TTLS_STAY, Packets
from zonedata.store.layout import record_of, whole_until
from zonedata.wire import CLASS_IN, TYPE_SOA, Ede, QType, Query, Rcode, Rejected, Reply

NEGATIVE_TTL = 60  # seconds for which "nothing here" may be kept by those who cannot read denials

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Service:
    """Answers under one apex for one engine.

    Attributes:
        engine: Decides.
        apex: Under which names hang.
        packets: Replies kept ready.
    """

    engine: Engine
    apex: Name
    packets: Packets = field(default_factory=Packets)

    def take_over(self, engine: Engine) -> None:
        """Answer for another engine from now on."""
        self.engine = engine
        self.packets.clear()

    def handle(self, message: bytes, caller: Caller, now: float) -> Verdict:
        """Answer one message; never raises, never waits."""
        try:
            return self._handle(message, caller, now)
        except Exception:  # the barrier: a bug must cost one answer, not the daemon
            log.exception("event=bug-in-handler authority=%s octets=%d", self.engine.authority, len(message))
            return wire.servfail(message)

    def _handle(self, message: bytes, caller: Caller, now: float) -> Verdict:
        query = wire.read_query(message)
        if isinstance(query, Rejected):
            return query.reply
        in_datagram = caller.protocol is Protocol.UDP
        is_padded = not in_datagram and caller.protocol is not Protocol.TCP
        key = query.plain()
        if not in_datagram:
            key += PADDED_MARK if is_padded else STREAM_MARK
        ready = self.packets.get(key, now)
        if ready is not None:
            return query.addressed(ready)
        reply, until = self._reply(query, now)
        if in_datagram and query.qtype == QType.ZONE:
            # Whole or TC: who is granted comes with the grants, so that a walk asks once or twice.
            reply.additional, reply.optional = reply.optional, []
        room = self._room(query.qtype) if is_padded else 0
        octets = reply.to_wire(query, query.room(in_datagram=in_datagram), room)
        if until > now:
            self.packets.put(key, query.unaddressed(octets), until, TTLS_STAY, reply.rcode & 7)
        return octets

    def _reply(self, query: Query, now: float) -> tuple[Reply, float]:
        """Return what to say, and until when (Unix seconds) it stays so."""
        name = names.from_wire(query.labels, self.apex)
        said = self.engine.answer(name, query.qtype, now) if name is not None else None
        if said is None or query.qclass != CLASS_IN:
            why = f"not in a zone of {self.engine.authority}"
            return Reply(Rcode.REFUSED, errors=[(Ede.NOT_AUTHORITATIVE, why)]), now
        if query.qtype == TYPE_SOA and name == names.ROOT:
            return Reply(flags=wire.FLAG_AA, answer=[self._soa(query)]), now
        every = (*said.statements, *said.denials, *said.path, *said.bindings)
        until = now if said.is_passing else min(map(whole_until, every), default=now)
        return self._lay_out(query, said, now), until

    def _lay_out(self, query: Query, said: Said, now: float) -> Reply:
        """Put each entry into its section (docs/protocol.md, "Sections").

        A question for zone statements gets them as its answer; a question about a person gets the person's
        statements, or a referral, or nothing and an SOA.
        """

        def records(entries: list[bytes], rtype: int) -> list[bytes]:
            made = (record_of(value, rtype, now) for value in entries)
            return [whole for whole in made if whole is not None]

        found, path = records(said.statements, query.qtype), records(said.path, QType.ZONE)
        if len(found) + len(path) < len(said.statements) + len(said.path):
            why = f"statements of {self.engine.authority} have expired and were not signed anew"
            return Reply(Rcode.SERVFAIL, errors=[(Ede.EXPIRED, why)])  # never to be taken for absence
        bindings = records(said.bindings, QType.ZONE)
        if query.qtype == QType.ZONE:
            reply = Reply(flags=wire.FLAG_AA, answer=found + path, optional=bindings)
        else:
            denials = records(said.denials, query.qtype)
            if query.qtype == QType.PROOF:
                found, denials = found + denials, []
            is_referral = bool(path) and not found and not denials
            reply = Reply(
                flags=0 if is_referral else wire.FLAG_AA,
                answer=found,
                authority=denials + path,
                optional=bindings,
            )
        if not reply.answer and not (reply.authority and not reply.flags):
            reply.authority.append(self._soa(query))
        return reply

    def _room(self, qtype: int) -> int:
        """Return to what an answer is padded: one about a person as for all that could be said in our roles."""
        return padding.BLOCK if qtype == QType.ZONE else padding.room_for(self.engine.roles)

    def _soa(self, query: Query) -> bytes:
        return wire.soa_record(query, self.apex, self.engine.serial, NEGATIVE_TTL)
