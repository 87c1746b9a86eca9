"""Asking one party: its servers in order, UDP then TCP, a few tries, one deadline.

A shell. It knows which server to try next and when to stop; what a reply proves is not its business. What comes
back is a value: a reply that can be read, or why there is none.
"""

import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import trio

from resolver.allowance import MAX_OCTETS
from resolver.asked import Asked, Purpose
from resolver.servers import MAX_REMEMBERED, Door, Servers, doors_of
from transport.clock import Clock
from transport.dialer import Dialer
from transport.errors import UnreachableError
from transport.handler import Protocol
from zonedata import replies, wire
from zonedata.errors import MalformedError
from zonedata.names import Name
from zonedata.opening import Claim, Refusal
from zonedata.standing import Standing
from zonedata.zone_statements import Server

TRIES_A_DOOR: Final = 2  # tries of one server, where there are others
TRIES: Final = 3  # of the only server


@dataclass(frozen=True, slots=True)
class Silence:
    """Why a party gave nothing."""

    standing: Standing
    why: str


@dataclass(slots=True)  # one a look-up: decision 0016
class Question:
    """What to ask of whom.

    Attributes:
        party: The zone or authority, as a principal.
        servers: Where it answers.
        name: The name asked about.
        qtype: A `QType`.
        purpose: Why.
        seconds: For all tries.
        take: Takes a packet of the allowance; False when there is none.
        takes_in: Takes in what a reply says and returns what of it was refused, and whether it was what was needed.
    """

    party: tuple[str, ...]
    servers: tuple[Server, ...]
    name: Name
    qtype: wire.QType
    purpose: Purpose
    seconds: float
    take: Callable[[], bool]
    takes_in: Callable[[replies.Received], "TakenIn"]


@dataclass(slots=True)  # one a look-up: decision 0016
class TakenIn:
    """What became of a reply.

    Attributes:
        claims: Statements in it.
        refusals: Of these, what was refused.
        is_enough: Whether it has what was asked for; if not, another server may.
    """

    claims: tuple[Claim, ...]
    refusals: tuple[Refusal, ...]
    is_enough: bool


@dataclass(slots=True)  # one a look-up: decision 0016
class Got:
    """A reply with data, over what it came, and whether it has what was asked for."""

    reply: replies.Received
    protocol: Protocol
    is_enough: bool


@dataclass(frozen=True, slots=True)
class _Failed:
    """A try that gave nothing; `final` when trying this server again is pointless."""

    trouble: str
    final: bool


Watch = Callable[[Asked], None]
_NOTHING: Final = TakenIn((), (), is_enough=False)
_SPENT: Final = Silence(Standing.UNASKED, "the allowance of the question is spent")


class Upstream:
    """Asks parties on behalf of one resolver."""

    def __init__(self, dialer: Dialer, clock: Clock, apex: Name, *, lab_addresses: bool) -> None:
        self._dialer = dialer
        self._clock = clock
        self._apex = apex
        self._lab_addresses = lab_addresses
        self._doors: OrderedDict[tuple[str, ...], tuple[tuple[Server, ...], list[Door]]] = OrderedDict()
        self.servers = Servers()  # shared by every question: a server that is marked is marked for all

    async def ask(self, question: Question, watch: Watch | None = None) -> Got | Silence:
        """Ask until a server says what is needed, the tries are spent or the time is over.

        Args:
            question: What and whom.
            watch: Told of every exchange.

        Returns:
            The last reply with data, enough or not; else the last reason for having none.
        """
        deadline = trio.current_time() + question.seconds
        doors = self._doors_of(question)
        if not doors:
            return Silence(Standing.UNREACHABLE, "no server address that may be dialled")
        doors = self.servers.in_order(doors, self._clock.now())
        if not doors:
            return Silence(Standing.UNREACHABLE, "its servers were silent a moment ago and are left alone")
        tries = TRIES if len(doors) == 1 else TRIES_A_DOOR
        outcome: Got | Silence | None = None
        for door in doors:
            said = await self._knock(_Knock(door, question, deadline, watch), tries)
            if isinstance(said, Got) or not isinstance(outcome, Got):
                outcome = said
            is_spent = isinstance(said, Silence) and said.standing is Standing.UNASKED
            if is_spent or (isinstance(said, Got) and said.is_enough) or trio.current_time() >= deadline:
                break
        assert outcome is not None, "there was a door"
        return outcome

    def _doors_of(self, question: Question) -> list[Door]:
        """Return the doors of a party, from memory while its servers are the same."""
        known = self._doors.get(question.party)
        if known is not None and known[0] is question.servers:
            return known[1]
        doors = doors_of(question.party, question.servers, lab_addresses=self._lab_addresses)
        self._doors[question.party] = question.servers, doors
        if len(self._doors) > MAX_REMEMBERED:
            self._doors.popitem(last=False)
        return doors

    async def _knock(self, knock: "_Knock", tries: int) -> Got | Silence:
        """Try one server a few times, and remember how it behaved."""
        trouble = ""
        for _ in range(tries):
            if not knock.question.take():
                return _SPENT
            outcome, rcode = await self._try(knock)
            if isinstance(outcome, Got):
                if rcode == wire.Rcode.NOERROR:
                    return outcome
                return Silence(Standing.REFUSED, f"answered {_rcode_text(rcode)}")
            trouble = outcome.trouble
            if outcome.final or trio.current_time() >= knock.deadline:
                break
        self.servers.failed(knock.door, self._clock.now())
        return Silence(Standing.UNREACHABLE, trouble)

    async def _try(self, knock: "_Knock") -> tuple[Got | _Failed, int]:
        """Ask one server once: a datagram, and a stream where that is not enough."""
        door, question = knock.door, knock.question
        message_id = int.from_bytes(os.urandom(2))
        query = wire.query_wire(question.name, self._apex, question.qtype, message_id)
        most = MAX_OCTETS if question.purpose is Purpose.PERSON else wire.MAX_STREAM
        ear = _Ear(query, most, has_stream=door.tcp is not None)
        start = trio.current_time()
        trouble, final = "timed out", False
        try:
            protocol = await self._listen(knock, ear, start)
        except UnreachableError as error:
            protocol = Protocol.UDP if door.udp is not None else Protocol.TCP
            trouble, final = error.reason, True
        spent = trio.current_time() - start
        taken, reply = _NOTHING, ear.reply
        if reply is not None:
            self.servers.succeeded(door, spent, self._clock.now())
            if reply.rcode == wire.Rcode.NOERROR:
                taken = question.takes_in(reply)
        if knock.watch is not None:
            asked = Asked(
                question.party[-1] if question.party else ".",
                question.purpose,
                question.name,
                door.tcp if protocol is Protocol.TCP and door.tcp is not None else door.first,
                protocol,
                spent * 1000,
                reply.rcode if reply is not None else None,
                "" if reply is not None else trouble,
                taken.claims,
                taken.refusals,
            )
            knock.watch(asked)
        if reply is None:
            return _Failed(trouble, final), 0
        return Got(reply, protocol, taken.is_enough), reply.rcode

    async def _listen(self, knock: "_Knock", ear: "_Ear", start: float) -> Protocol:
        """Let the ear hear a reply over UDP; over TCP when it was cut short, or when somebody guesses our ids."""
        door = knock.door
        if door.udp is not None:
            until = min(start + self.servers.patience(door), knock.deadline)
            await self._dialer.exchange(door.udp, Protocol.UDP, ear.query, ear.hears, until)
            is_whole = ear.reply is not None and not ear.reply.is_truncated
            if is_whole or door.tcp is None or not (ear.reply or ear.heard_a_guess):
                return Protocol.UDP
        assert door.tcp is not None
        ear.reply = None
        await self._dialer.exchange(door.tcp, Protocol.TCP, ear.query, ear.hears_stream, knock.deadline)
        return Protocol.TCP


@dataclass(slots=True)  # one a look-up: decision 0016
class _Knock:
    """One server being asked.

    Attributes:
        door: The server.
        question: What and whom.
        deadline: On trio's clock, for all that is tried.
        watch: Told of every exchange.
    """

    door: Door
    question: Question
    deadline: float
    watch: Watch | None


class _Ear:
    """Tells the reply to one query from everything else that arrives.

    Attributes:
        query: What was asked.
        reply: The reply, once heard.
        heard_a_guess: Whether a datagram had everything right but the id: somebody is trying ids.
    """

    def __init__(self, query: bytes, most: int, *, has_stream: bool) -> None:
        self.query = query
        self._question_end = len(query) - len(wire.OPT)
        self.reply: replies.Received | None = None
        self.heard_a_guess = False
        self._most = most
        self._has_stream = has_stream

    def hears(self, message: bytes) -> bool:
        """Say whether to stop listening for datagrams."""
        if len(message) > wire.MAX_UDP:
            return False  # longer than we said we take: not from who we asked, and dear to read
        if self.hears_stream(message):
            return True
        if self._has_stream and message[:2] != self.query[:2]:
            self.heard_a_guess = replies.answers(self.query[:2] + message[2:], self.query, self._question_end)
        return self.heard_a_guess

    def hears_stream(self, message: bytes) -> bool:
        """Say whether this is the reply; what cannot be read is not, and listening goes on."""
        if not replies.answers(message, self.query, self._question_end) or len(message) > self._most:
            return False
        try:
            self.reply = replies.read_reply(message, self._question_end)
        except MalformedError:
            return False
        return True


def _rcode_text(rcode: int) -> str:
    return wire.Rcode(rcode).name if rcode in set(wire.Rcode) else f"rcode {rcode}"
