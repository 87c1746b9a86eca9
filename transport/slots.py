"""Who may have a connection, and how patient we are with those that have one.

Pure. Left out: closing anything; the listener does what follows from this.
"""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

NETWORK = 8  # octets of an address that count as one client: all of IPv4, and the /64 that one IPv6 host owns
HALF = 0.5  # of the slots; up to here nobody is missing a place
MOST = 0.8  # of the slots; from here a flood fills the rest faster than patience runs out


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """What one listener for streams puts up with; times in seconds, sizes in octets.

    Attributes:
        message: The longest message taken. Queries are short, and long ones are slow to parse.
        handshake: From connecting to the end of the handshake, where there is one: two round trips, a lost packet.
        first_octet: From connecting, or the handshake, to the first octet. Who connects has something to say.
        whole_message: From the first octet of a message to its last: one packet, one retransmission.
        idle: With nothing in hand. RFC 7766 asks for "a few seconds"; clients reopen.
        idle_half: Replaces all patience that is longer when more than half of the slots are taken.
        idle_most: The same above four fifths: one round trip to most places.
        per_address: Connections from one IPv4 address or IPv6 /64; households and offices share addresses.
        connections: Slots in all; the process needs a limit on descriptors above this.
        pipelined: Messages of one connection in hand; then it is read no further.
        queued: Replies of one connection that wait while its client is not reading; then it is closed.
        stuck: How long one write may take, and how long replies in hand are waited for at the end.
    """

    message: int = 1_024
    handshake: float = 6.0
    first_octet: float = 3.0
    whole_message: float = 2.0
    idle: float = 10.0
    idle_half: float = 1.0
    idle_most: float = 0.2
    per_address: int = 20
    connections: int = 1_000
    pipelined: int = 100
    queued: int = 65_536
    stuck: float = 5.0


class Slots:
    """Counts connections, in all and for each client address."""

    def __init__(self, limits: StreamLimits) -> None:
        self._limits = limits
        self._taken = 0
        self._by_client: dict[bytes, int] = {}  # entries leave with the last connection

    @property
    def taken(self) -> int:
        """How many connections there are."""
        return self._taken

    @property
    def full(self) -> bool:
        """Whether nobody more can be admitted."""
        return self._taken >= self._limits.connections

    def try_take(self, host: str) -> bool:
        """Take a slot for this address, or return False when it has its share."""
        client = client_of(host)
        held = self._by_client.get(client, 0)
        if self.full or held >= self._limits.per_address:
            return False
        self._by_client[client] = held + 1
        self._taken += 1
        return True

    def give_back(self, host: str) -> None:
        """Return a slot taken for this address."""
        client = client_of(host)
        self._taken -= 1
        self._by_client[client] -= 1
        if not self._by_client[client]:
            del self._by_client[client]

    def patience(self, usual: float) -> float:
        """Return how long to wait at the present load for what one usually waits for `usual` seconds."""
        if self._taken > MOST * self._limits.connections:
            return min(usual, self._limits.idle_most)
        if self._taken > HALF * self._limits.connections:
            return min(usual, self._limits.idle_half)
        return usual


def client_of(host: str) -> bytes:
    """Return what of an address counts as one client."""
    address = ip_address(host)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).packed[:NETWORK]
