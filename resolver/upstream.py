"""Asking one party: its servers in order, over TLS, or UDP then TCP, a few tries, one deadline.

A shell. It knows which server to try next and when to stop; what a reply proves is not its business. What comes
back is a value: a reply that can be read, or why there is none.

What leaves holds a name, a type and an id drawn for it alone, and nothing that a client sent.
"""

import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import trio

from resolver.allowance import MAX_OCTETS
from resolver.asked import Asked, Purpose
from resolver.ear import Ear
from resolver.outbound import Outbound, Pace
from resolver.servers import FIRST_PATIENCE, MAX_REMEMBERED, Door, Doors, Servers, doors_of
from resolver.settings import Settings
from transport.clock import Clock
from transport.dialer import Dialer
from transport.endpoint import Endpoint
from transport.errors import CrowdedError, UnprovenError, UnreachableError
from transport.handler import Protocol
from zonedata import replies, wire
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
    standing: Standing = Standing.UNREACHABLE


@dataclass(slots=True)
class _Party:
    """What is remembered of a party: its servers as they were signed, which may be dialled, what it was asked."""

    servers: tuple[Server, ...]
    doors: Doors
    pace: Pace


Watch = Callable[[Asked], None]
_NOTHING: Final = TakenIn((), (), is_enough=False)
_SPENT: Final = Silence(Standing.UNASKED, "the allowance of the question is spent")
_LIMITED: Final = Silence(Standing.LIMITED, "as much is asked of it already as may be")
_NO_DOOR: Final = Silence(Standing.UNREACHABLE, "no server address that may be dialled")
_PLAIN: Final = Silence(Standing.UNENCRYPTED, "its servers take plain DNS alone, which is not allowed")
_LEFT_ALONE: Final = "its servers were silent a moment ago and are left alone"


class Upstream:
    """Asks parties on behalf of one resolver."""

    def __init__(self, dialer: Dialer, clock: Clock, settings: Settings) -> None:
        self._dialer = dialer
        self._clock = clock
        self._settings = settings
        self._apex = settings.apex
        self._parties: OrderedDict[tuple[str, ...], _Party] = OrderedDict()
        self.servers = Servers()  # shared by every question: a server that is marked is marked for all
        self._outbound = Outbound(self.servers, settings.upstream_rate)

    async def ask(self, question: Question, watch: Watch | None = None) -> Got | Silence:
        """Ask until a server says what is needed, the tries are spent or the time is over.

        Args:
            question: What and whom.
            watch: Told of every exchange.

        Returns:
            The last reply with data, enough or not; else the last reason for having none, or the gravest.
        """
        deadline = trio.current_time() + question.seconds
        party = self._party_of(question)
        doors = party.doors.open
        if not doors:
            return _PLAIN if party.doors.has_plain else _NO_DOOR
        doors = self.servers.in_order(doors, self._clock.now())
        if not doors:
            return Silence(self.servers.why_none(party.doors.open), _LEFT_ALONE)
        tries = TRIES if len(doors) == 1 else TRIES_A_DOOR
        outcome: Got | Silence | None = None
        for number, door in enumerate(doors):
            knock = _Knock(door, question, deadline, len(doors) - number, watch)
            said = await self._knock(knock, party.pace, tries)
            outcome = said if outcome is None else _graver(outcome, said)
            is_spent = isinstance(said, Silence) and said.standing is Standing.UNASKED
            if is_spent or (isinstance(said, Got) and said.is_enough) or trio.current_time() >= deadline:
                break
        assert outcome is not None, "there was a door"
        return outcome

    def _party_of(self, question: Question) -> _Party:
        """Return what is remembered of a party; its doors are made anew when its servers have changed."""
        known = self._parties.get(question.party)
        if known is not None and known.servers is question.servers:
            return known
        settings = self._settings
        doors = doors_of(
            question.party,
            question.servers,
            lab_addresses=settings.lab_addresses,
            allow_plain=settings.allow_plain_upstream,
        )
        pace = known.pace if known is not None else Pace()
        made = self._parties[question.party] = _Party(question.servers, doors, pace)
        if len(self._parties) > MAX_REMEMBERED:
            self._parties.popitem(last=False)
        return made

    async def _knock(self, knock: "_Knock", pace: Pace, tries: int) -> Got | Silence:
        """Try one server a few times, and remember how it behaved."""
        failed = _Failed("", final=False)
        door, outbound = knock.door, self._outbound
        began = now = self._clock.now()
        for _ in range(tries):
            if not knock.question.take():
                return _SPENT
            start = trio.current_time()
            if not outbound.at_once(door, pace, now, start) and not await outbound.turn(
                door, pace, now, knock.deadline
            ):
                return _LIMITED
            try:
                outcome, rcode = await self._try(knock)
            finally:
                outbound.leave(door, now)
            if isinstance(outcome, Got):
                if rcode == wire.Rcode.NOERROR:
                    return outcome
                return Silence(Standing.REFUSED, f"answered {_rcode_text(rcode)}")
            failed = outcome
            if failed.standing is Standing.LIMITED:
                return Silence(failed.standing, failed.trouble)  # for want of room here: it was not asked
            self.servers.silent(door)
            now = self._clock.now()
            if failed.final or trio.current_time() >= knock.deadline:
                break
        self.servers.failed(door, now, failed.standing, began)
        return Silence(failed.standing, failed.trouble)

    async def _try(self, knock: "_Knock") -> tuple[Got | _Failed, int]:
        """Ask one server once: over TLS; or with a datagram, and over a stream where that is not enough."""
        door, question = knock.door, knock.question
        message_id = int.from_bytes(os.urandom(2))
        query = wire.query_wire(question.name, self._apex, question.qtype, message_id)
        question_end = len(query) - len(wire.OPT)
        if door.tls is not None:
            query = wire.padded_query(query)
        most = MAX_OCTETS if question.purpose is Purpose.PERSON else wire.MAX_STREAM
        ear = Ear(query, question_end, most, has_stream=door.tcp is not None)
        start = trio.current_time()
        failed = _Failed("timed out", final=door.udp is None)  # a stream repeats by itself what was lost
        try:
            endpoint, protocol = await self._listen(knock, ear, start)
        except UnreachableError as error:
            endpoint, protocol = door.first, door.protocol
            failed = _Failed(error.reason, True, _standing_of(error))
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
                endpoint,
                protocol,
                spent * 1000,
                reply.rcode if reply is not None else None,
                "" if reply is not None else failed.trouble,
                taken.claims,
                taken.refusals,
            )
            knock.watch(asked)
        if reply is None:
            return failed, 0
        return Got(reply, protocol, taken.is_enough), reply.rcode

    async def _listen(self, knock: "_Knock", ear: Ear, start: float) -> tuple[Endpoint, Protocol]:
        """Let the ear hear a reply, and return whose it is and over what.

        Over TLS from whoever proves to have the key that is signed for the server, and else not at all. In plain
        over UDP; over TCP when it was cut short, or when somebody guesses our ids.
        """
        door = knock.door
        if door.tls is not None:
            await self._dialer.exchange(
                door.tls, Protocol.TLS, ear.query, ear.hears_stream, knock.share(), proof=door.pin
            )
            return door.tls, Protocol.TLS
        if door.udp is not None:
            until = min(start + self.servers.patience(door), knock.deadline)
            await self._dialer.exchange(door.udp, Protocol.UDP, ear.query, ear.hears, until)
            is_whole = ear.reply is not None and not ear.reply.is_truncated
            if is_whole or door.tcp is None or not (ear.reply or ear.heard_a_guess):
                return door.udp, Protocol.UDP
        assert door.tcp is not None
        ear.reply = None
        await self._dialer.exchange(door.tcp, Protocol.TCP, ear.query, ear.hears_stream, knock.share())
        return door.tcp, Protocol.TCP


@dataclass(slots=True)  # one a look-up: decision 0016
class _Knock:
    """One server being asked.

    Attributes:
        door: The server.
        question: What and whom.
        deadline: On trio's clock, for all that is tried.
        doors_left: How many servers are left to try, this one too.
        watch: Told of every exchange.
    """

    door: Door
    question: Question
    deadline: float
    doors_left: int
    watch: Watch | None

    def share(self) -> float:
        """Return until when a stream may take, on trio's clock: each server has an equal part of what is left."""
        now = trio.current_time()
        return min(now + max((self.deadline - now) / self.doors_left, FIRST_PATIENCE), self.deadline)


def _graver(before: Got | Silence, now: Got | Silence) -> Got | Silence:
    """Return what to tell of two servers: what was said, else that one is not who it is to be, else the later."""
    if isinstance(now, Got) or not isinstance(before, Silence):
        return now if isinstance(now, Got) else before
    return before if before.standing is Standing.UNAUTHENTICATED else now


def _standing_of(error: UnreachableError) -> Standing:
    if isinstance(error, UnprovenError):
        return Standing.UNAUTHENTICATED
    return Standing.LIMITED if isinstance(error, CrowdedError) else Standing.UNREACHABLE


def _rcode_text(rcode: int) -> str:
    return wire.Rcode(rcode).name if rcode in set(wire.Rcode) else f"rcode {rcode}"
