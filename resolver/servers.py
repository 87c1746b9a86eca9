"""How servers have behaved: measured round-trip times, marks for the silent ones. Pure; owned by one resolver.

Remembered for each party apart: an authority that names somebody else's address as its own server spoils nothing
but its own standing with us.

The quickest unmarked server is asked first, unmeasured ones before it, so that each gets measured. A server that
was passed over grows a little quicker in our memory each time, so that none is forgotten because of one slow
moment. A server that fails is left alone for 5 s, doubling; one good reply clears the mark. When the time is over,
one question finds out for all.

A server that offers TLS is asked over TLS and nothing else, with the key that is signed for it.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Final

from transport.endpoint import Endpoint
from transport.handler import Protocol
from transport.proof import Pinned
from zonedata import addresses
from zonedata.standing import Standing
from zonedata.zone_statements import Server

FIRST_BACKOFF: Final = 5.0  # seconds, RFC 9520 section 3.2
MOST_BACKOFF: Final = 300.0  # seconds
MOST_BACKOFF_IN_USE: Final = 30.0  # of a server that answered within the hour: it is to be back 30 s after healing
IN_USE: Final = 3_600.0  # seconds
FINDING_OUT: Final = 2.0  # seconds for which a server is left to the one question that finds out: what a zone has
FIRST_PATIENCE: Final = 0.3  # seconds to wait for a server nobody has measured: most of the planet
LEAST_PATIENCE: Final = 0.05  # seconds; below this a busy machine looks like a lost packet
MOST_PATIENCE: Final = 1.0
DECAY: Final = 0.98  # of the remembered time of a server that was passed over
_BETWEEN: Final = "\0"  # the parts of a door's key
MAX_REMEMBERED: Final = 20_000  # servers; about 4 MB
MOST_IN_FLIGHT: Final = 64  # questions at one server at a time; 640 a second where one takes 100 ms
FIRST_IN_FLIGHT: Final = 16  # at a server nobody knows: 48 packets until it turns out to be silent
MOST_STRANGE: Final = 32  # tries in hand at one address, at servers there that have never answered
STRANGE_A_SECOND: Final = 1.0  # of these given back; 92 in the first minute, however many are named there


@dataclass(frozen=True, slots=True)
class Door:
    """One address of one server of one party.

    Attributes:
        party: Whose server, as a principal.
        udp: Where it takes datagrams, or None.
        tcp: Where it takes streams, or None.
        tls: Where it takes TLS, or None; then the other two are None: nothing is asked of it in plain.
        pin: What it proves over TLS to be.
        key: Party, address and pin as text, whose hash is computed once; with a new pin it is another server.
    """

    party: tuple[str, ...]
    udp: Endpoint | None
    tcp: Endpoint | None
    tls: Endpoint | None = None
    pin: Pinned | None = None
    key: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        parts = (*self.party, self.first.to_text(), self.pin.pin.hex() if self.pin is not None else "")
        object.__setattr__(self, "key", _BETWEEN.join(parts))

    @property
    def first(self) -> Endpoint:
        """Return where it is tried first."""
        end = self.tls or self.udp or self.tcp
        assert end is not None
        return end

    @property
    def protocol(self) -> Protocol:
        """Return over what it is tried first."""
        if self.tls is not None:
            return Protocol.TLS
        return Protocol.UDP if self.udp is not None else Protocol.TCP


@dataclass(slots=True)
class Doors:
    """The addresses of a party that may be dialled, and whether others are plain alone, which is not allowed."""

    open: list[Door]
    has_plain: bool


class Turn(Enum):
    """Whether a try may be made."""

    NOW = 1
    LATER = 2  # when another has ended
    NEVER = 3


@dataclass(slots=True)
class _Memory:
    smoothed: float | None = None  # seconds
    failures: int = 0
    until: float = 0.0  # left alone until then
    marked: float = 0.0  # when it was found silent last
    last_good: float = 0.0
    why: Standing = Standing.UNREACHABLE  # it is left alone
    in_flight: int = 0
    most: int = FIRST_IN_FLIGHT  # in flight: one more for each reply, half for each silence


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How one server has behaved, for people.

    Attributes:
        party: Whose server, as a principal.
        where: Its address and port.
        pin: What it proves to be, in hex; "" where it is asked in plain.
        seconds: Smoothed, to a reply; None when it was not measured.
        failures: In a row.
        left_alone: Seconds for which it is not asked; 0 when it is.
        why: It is left alone.
        in_flight: Tries under way.
        most: Tries that may be.
    """

    party: tuple[str, ...]
    where: str
    pin: str
    seconds: float | None
    failures: int
    left_alone: float
    why: Standing
    in_flight: int
    most: int


@dataclass(slots=True)
class _Strange:
    """Tries at one address, at servers that have never answered."""

    left: float
    since: float


def doors_of(
    party: tuple[str, ...], servers: Iterable[Server], *, lab_addresses: bool, allow_plain: bool = False
) -> Doors:
    """Return the addresses that may be dialled.

    Args:
        party: Whose servers.
        servers: As they are signed.
        lab_addresses: Whether private addresses are.
        allow_plain: Whether servers without TLS are, beyond this machine.
    """
    doors, has_plain = [], False
    for server in servers:
        ports = dict(server.ports)
        for address in server.addresses:
            ends = {
                name: Endpoint(address, port)
                for name, port in ports.items()
                if lab_addresses or addresses.refusal_of(address, port) is None
            }
            if "tls" in ports:
                if "tls" in ends:
                    doors.append(Door(party, None, None, ends["tls"], Pinned(server.pin)))
            elif ends and not (allow_plain or _is_loopback(address)):
                has_plain = True
            elif ends:
                doors.append(Door(party, ends.get("udp"), ends.get("tcp")))
    return Doors(doors, has_plain)


@lru_cache(maxsize=MAX_REMEMBERED)
def _is_loopback(address: str) -> bool:
    return Endpoint(address, 0).is_loopback


class Servers:
    """What is remembered about every server that was asked."""

    def __init__(self) -> None:
        self._memory: dict[str, _Memory] = {}  # by the doors' keys; oldest first
        self._strange: dict[tuple[str, ...], _Strange] = {}  # by `_strangers`

    def in_order(self, doors: list[Door], now: float) -> list[Door]:
        """Return the doors worth trying, best first; those left alone are not among them."""
        if len(doors) == 1:
            return doors if self._recall(doors[0]).until <= now else []
        open_doors = [door for door in doors if self._recall(door).until <= now]
        ordered = sorted(open_doors, key=lambda door: self._recall(door).smoothed or 0.0)
        for door in ordered[1:]:
            memory = self._recall(door)
            if memory.smoothed is not None:
                memory.smoothed *= DECAY
        return ordered

    def why_none(self, doors: list[Door]) -> Standing:
        """Return why all doors are left alone: the gravest of what came of them."""
        marks = [self._recall(door).why for door in doors]
        return Standing.UNAUTHENTICATED if Standing.UNAUTHENTICATED in marks else Standing.UNREACHABLE

    def take(self, door: Door, now: float) -> Turn:
        """Take a try at a server, if it is to be had; it is given back by `leave`.

        A server that was silent is left to whoever takes the first when it may be asked again.
        """
        memory = self._recall(door)
        if memory.in_flight >= memory.most:
            return Turn.LATER
        if not memory.last_good and not self._may_try_stranger(door, now):
            return Turn.NEVER
        memory.in_flight += 1
        if memory.failures:
            memory.until = now + FINDING_OUT
        return Turn.NOW

    def is_left_alone(self, door: Door, now: float) -> bool:
        """Say whether a server was silent and is not to be asked yet."""
        return self._recall(door).until > now

    def leave(self, door: Door) -> None:
        """A try has ended."""
        memory = self._recall(door)
        memory.in_flight = max(0, memory.in_flight - 1)  # it may have been forgotten meanwhile

    def _may_try_stranger(self, door: Door, now: float) -> bool:
        """Take of what may be tried at one address of servers that have never answered, whoever's they are.

        Counted for all that hangs below one authority of the root's: a registry that sends us at somebody keeps
        nobody else's servers from being tried for the first time. On this machine nobody is a victim.
        """
        host = door.first.host
        if _is_loopback(host):
            return True
        key = _strangers(door)
        strange = self._strange.get(key)
        if strange is None:
            if len(self._strange) >= MAX_REMEMBERED:
                del self._strange[next(iter(self._strange))]
            strange = self._strange[key] = _Strange(MOST_STRANGE, now)
        strange.left = min(strange.left + (now - strange.since) * STRANGE_A_SECOND, MOST_STRANGE)
        strange.since = now
        if strange.left < 1:
            return False
        strange.left -= 1
        return True

    def patience(self, door: Door) -> float:
        """Return how many seconds to wait for one datagram."""
        smoothed = self._recall(door).smoothed
        if smoothed is None:
            return FIRST_PATIENCE
        return min(max(3 * smoothed, LEAST_PATIENCE), MOST_PATIENCE)

    def succeeded(self, door: Door, seconds: float, now: float) -> None:
        """Note a reply and how long it took."""
        memory = self._recall(door)
        if memory.smoothed is None:
            memory.smoothed = seconds
            strange = self._strange.get(_strangers(door))
            if strange is not None:
                strange.left += 1
        else:
            memory.smoothed = 0.7 * memory.smoothed + 0.3 * seconds
        if memory.most < MOST_IN_FLIGHT:
            memory.most += 1
        memory.failures, memory.until, memory.last_good = 0, 0.0, now

    def silent(self, door: Door) -> None:
        """Note a try that gave nothing: fewer are made at a time."""
        memory = self._recall(door)
        memory.most = max(1, memory.most // 2)

    def failed(self, door: Door, now: float, why: Standing = Standing.UNREACHABLE, began: float = math.inf) -> None:
        """Note that a server gave nothing for all that was tried.

        Args:
            door: Which.
            now: Unix seconds.
            why: What came of it.
            began: When trying began. What began before the last mark is part of the same silence.
        """
        memory = self._recall(door)
        if began < memory.marked:
            return
        memory.marked = now
        memory.failures += 1
        memory.why = why
        most = MOST_BACKOFF_IN_USE if now - memory.last_good < IN_USE else MOST_BACKOFF
        memory.until = now + min(FIRST_BACKOFF * 2 ** min(memory.failures - 1, 10), most)

    def behaviours(self, now: float) -> Iterator[Behaviour]:
        """Yield how every server has behaved; those that nobody has asked yet are not among them."""
        for key, memory in list(self._memory.items()):
            *party, where, pin = key.split(_BETWEEN)
            yield Behaviour(
                tuple(party),
                where,
                pin,
                memory.smoothed,
                memory.failures,
                max(0.0, memory.until - now),
                memory.why,
                memory.in_flight,
                memory.most,
            )

    def forget(self, authority: str = "") -> int:
        """Forget marks and measurements of an authority's servers, or of all; return of how many.

        How many strangers may be tried at an address is not forgotten: that protects whoever is there.
        """
        keys = [key for key in self._memory if authority in {"", name_of(key.split(_BETWEEN)[:-2])}]
        for key in keys:
            del self._memory[key]
        return len(keys)

    def _recall(self, door: Door) -> _Memory:
        memory = self._memory.get(door.key)
        if memory is None:
            if len(self._memory) >= MAX_REMEMBERED:
                del self._memory[next(iter(self._memory))]
            memory = self._memory[door.key] = _Memory()
        return memory


def name_of(party: Sequence[str]) -> str:
    """Return what a principal is called; the root has no name."""
    return party[-1] if party else "."


def _strangers(door: Door) -> tuple[str, ...]:
    """Return under what tries at servers that have never answered are counted: whose subtree, and where."""
    return (*door.party[:-1][:1], door.first.host)
