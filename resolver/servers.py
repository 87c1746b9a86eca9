"""How servers have behaved: measured round-trip times, marks for the silent ones. Pure; owned by one resolver.

Remembered for each party apart: an authority that names somebody else's address as its own server spoils nothing
but its own standing with us.

The quickest unmarked server is asked first, unmeasured ones before it, so that each gets measured. A server that
was passed over grows a little quicker in our memory each time, so that none is forgotten because of one slow
moment. A server that fails is left alone for 5 s, doubling; one good reply clears the mark.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from transport.endpoint import Endpoint
from zonedata import addresses
from zonedata.zone_statements import Server

FIRST_BACKOFF: Final = 5.0  # seconds, RFC 9520 section 3.2
MOST_BACKOFF: Final = 300.0  # seconds
MOST_BACKOFF_IN_USE: Final = 30.0  # of a server that answered within the hour: it is to be back 30 s after healing
IN_USE: Final = 3_600.0  # seconds
FIRST_PATIENCE: Final = 0.3  # seconds to wait for a server nobody has measured: most of the planet
LEAST_PATIENCE: Final = 0.05  # seconds; below this a busy machine looks like a lost packet
MOST_PATIENCE: Final = 1.0
DECAY: Final = 0.98  # of the remembered time of a server that was passed over
MAX_REMEMBERED: Final = 20_000  # servers; about 4 MB


@dataclass(frozen=True, slots=True)
class Door:
    """One address of one server of one party.

    Attributes:
        party: Whose server, as a principal.
        udp: Where it takes datagrams, or None.
        tcp: Where it takes streams, or None.
        key: Party and address as text, whose hash is computed once.
    """

    party: tuple[str, ...]
    udp: Endpoint | None
    tcp: Endpoint | None
    key: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", "\0".join((*self.party, self.first.to_text())))

    @property
    def first(self) -> Endpoint:
        """Return where it is tried first."""
        end = self.udp or self.tcp
        assert end is not None
        return end


@dataclass(slots=True)
class _Memory:
    smoothed: float | None = None  # seconds
    failures: int = 0
    until: float = 0.0  # left alone until then
    last_good: float = 0.0


def doors_of(party: tuple[str, ...], servers: Iterable[Server], *, lab_addresses: bool) -> list[Door]:
    """Return the addresses that may be dialled."""
    doors = []
    for server in servers:
        ports = dict(server.ports)
        for address in server.addresses:
            ends = {
                name: Endpoint(address, ports[name])
                for name in ("udp", "tcp")
                if name in ports and (lab_addresses or addresses.refusal_of(address, ports[name]) is None)
            }
            if ends:
                doors.append(Door(party, ends.get("udp"), ends.get("tcp")))
    return doors


class Servers:
    """What is remembered about every server that was asked."""

    def __init__(self) -> None:
        self._memory: dict[str, _Memory] = {}  # by the doors' keys; oldest first

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

    def patience(self, door: Door) -> float:
        """Return how many seconds to wait for one try."""
        smoothed = self._recall(door).smoothed
        if smoothed is None:
            return FIRST_PATIENCE
        return min(max(3 * smoothed, LEAST_PATIENCE), MOST_PATIENCE)

    def succeeded(self, door: Door, seconds: float, now: float) -> None:
        """Note a reply and how long it took."""
        memory = self._recall(door)
        memory.smoothed = seconds if memory.smoothed is None else 0.7 * memory.smoothed + 0.3 * seconds
        memory.failures, memory.until, memory.last_good = 0, 0.0, now

    def failed(self, door: Door, now: float) -> None:
        """Note that a server gave nothing for all that was tried."""
        memory = self._recall(door)
        memory.failures += 1
        most = MOST_BACKOFF_IN_USE if now - memory.last_good < IN_USE else MOST_BACKOFF
        memory.until = now + min(FIRST_BACKOFF * 2 ** min(memory.failures - 1, 10), most)

    def _recall(self, door: Door) -> _Memory:
        memory = self._memory.get(door.key)
        if memory is None:
            if len(self._memory) >= MAX_REMEMBERED:
                del self._memory[next(iter(self._memory))]
            memory = self._memory[door.key] = _Memory()
        return memory
