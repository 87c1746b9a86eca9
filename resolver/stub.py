"""Asking a resolver: one question, tries and servers, UDP then TCP, and the proof judged here.

A shell: it sends, waits and hands what came to `answer` and `judgement`. Every question is for the PROOF, unless
the caller wants the bare CSI type, so that the answer says of every authority how it stands.
"""

import secrets
from dataclasses import dataclass

import trio

from resolver.answer import Answer, Via
from resolver.reading import Manner, from_reply
from resolver.settings import DEFAULT_APEX
from resolver.way import PLAIN, Way
from transport.clock import Clock
from transport.dialer import Dialer
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.handler import Protocol
from zonedata import replies, wire
from zonedata.errors import MalformedError
from zonedata.identifiers import Csi
from zonedata.kinds import Assurance
from zonedata.names import Name
from zonedata.trust import Trust
from zonedata.wire import QType


@dataclass(frozen=True, slots=True)
class Tries:
    """How long and how often to ask.

    Attributes:
        seconds: To wait for each try, as dig's +time.
        count: Tries in all, going round the servers, as dig's +tries.
    """

    seconds: float = 5.0
    count: int = 3


@dataclass(slots=True)
class Stub:
    """A client of resolvers.

    Attributes:
        servers: Whom to ask, the first first.
        dialer: How to reach them.
        clock: Whose time judges the proof.
        apex: Under which the resolvers answer.
        trust: The anchor to judge proofs by; None believes the resolver.
        tries: How long and how often.
        beside: Anchors of other trees; each is judged by itself.
        least: The assurance demanded of what is found, see `demand`.
        way: Over what the servers are asked, and how they prove who they are.
    """

    servers: list[Endpoint]
    dialer: Dialer
    clock: Clock
    apex: Name = DEFAULT_APEX
    trust: Trust | None = None
    tries: Tries = Tries()
    beside: tuple[Trust, ...] = ()
    least: Assurance = Assurance.ASSERTED
    way: Way = PLAIN

    async def lookup(self, csi: Csi, qtype: QType = QType.PROOF, flags: int = wire.FLAG_RD) -> Answer:
        """Ask about one identifier.

        Raises:
            UnreachableError: No server gave an answer that can be read, after every try.
        """
        via = await self.exchange(csi.owner, qtype, flags)
        manner = Manner(qtype, flags, self.apex, self.trust, self.beside, self.least)
        return from_reply(csi, via, manner, self.clock.now())

    async def exchange(self, name: Name, qtype: int, flags: int) -> Via:
        """Ask a question and return the first reply that can be read.

        Raises:
            UnreachableError: As `lookup`.
        """
        reasons = []
        for attempt in range(self.tries.count):
            endpoint = self.servers[attempt % len(self.servers)]
            query = wire.query_wire(name, self.apex, qtype, secrets.randbelow(65_536), flags)
            if self.way.protocol.is_encrypted:
                query = wire.padded_query(query)
            try:
                via = await self._ask(endpoint, query)
            except UnreachableError as error:
                reasons.append(f"{error.endpoint}: {error.reason}")
            else:
                if via is not None:
                    return via
                reasons.append(f"{endpoint.to_text()}: timed out")
        raise UnreachableError(self.servers[0].to_text(), "; ".join(dict.fromkeys(reasons)))

    async def _ask(self, endpoint: Endpoint, query: bytes) -> Via | None:
        """Ask one server once; None when it says nothing in time."""
        start = trio.current_time()
        way = self.way
        for protocol in (Protocol.UDP, Protocol.TCP) if way.protocol is Protocol.UDP else (way.protocol,):
            message = await self.dialer.exchange(
                endpoint,
                protocol,
                query,
                lambda reply: _is_readable(reply, query),
                start + self.tries.seconds,
                proof=way.proof,
                resource=way.resource,
            )
            if message is None:
                break
            reply = replies.read_reply(message)
            if protocol is not Protocol.UDP or not reply.is_truncated:
                spent = (trio.current_time() - start) * 1000
                message_id = int.from_bytes(message[:2], "big")
                return Via(endpoint.to_text(), protocol, spent, len(message), reply, message_id)
        return None


def _is_readable(message: bytes, query: bytes) -> bool:
    """Say whether a datagram is the reply: a forged or broken one is passed over, and waiting goes on."""
    if not replies.answers(message, query):
        return False
    try:
        replies.read_reply(message)
    except MalformedError:
        return False
    return True
