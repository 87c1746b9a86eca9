"""What a connection in HTTP/2 puts up with. Pure.

Times and slots of connections are those of all streams (`transport.slots.StreamLimits`): first octet, a request
from its first octet to its last, idle, and how long a response may wait for whoever is to read it.
"""

from dataclasses import dataclass, field

MAX_FRAME = 16_384  # octets of payload; no less may be allowed (RFC 9113 section 4.2), and nobody needs more here
MAX_CLOSED = 1_000  # streams of which it is remembered how they ended, some 100 octets each; late frames are rare
SEALED_QUEUED = 1_048_576  # octets; `Http2Limits.queued` where responses are sealed, so that 100 of 8 KiB can wait
MAX_TABLE = 4_096  # octets of our own HPACK table, whatever the other side would keep for us (RFC 7541 section 4.2)


@dataclass(frozen=True, slots=True)
class FrameLimits:
    """What is refused by the headers of frames alone, before anything is gathered or decoded.

    A frame is *spare* when it neither begins nor ends a request: PING, SETTINGS, PRIORITY, WINDOW_UPDATE,
    CONTINUATION, DATA that others follow, and what is unknown. Each request makes up for some.

    Attributes:
        block: Octets of HEADERS with its CONTINUATIONs, as sent. Requests have some 300, cookies of others
            included.
        settings: SETTINGS frames over a whole connection. One is usual, two where somebody changes his mind.
        settings_octets: Of one SETTINGS frame, 6 for each. Seven kinds are known; h2 remembers unknown ones for
            ever.
        spare: Spare frames at the beginning; browsers send five to ten.
        spare_for_one: Spare frames that each HEADERS makes up for: two WINDOW_UPDATEs for each DATA of a response.
        spare_at_most: As many may have been saved up.
    """

    block: int = 8_192
    settings: int = 16
    settings_octets: int = 192
    spare: int = 200
    spare_for_one: int = 10
    spare_at_most: int = 1_000


@dataclass(frozen=True, slots=True)
class Http2Limits:
    """What one connection of a server puts up with; times in seconds, sizes in octets.

    Attributes:
        frames: What the gate refuses.
        headers: Of one request, decoded, counted as RFC 9113 section 6.5.2 has it: 32 more for each field. One
            octet of HPACK can stand for 4,000.
        streams: At a time. One that was reset counts until its work has ended, since the work is what costs.
        streams_in_all: Then the client is told to go on over another connection. It bounds what a library may
            forget to forget; no lower, since dnsperf (2.10, Debian's) crashes when it is told so.
        resets: Streams reset by the client, or by us for what the client did, in `reset_seconds`; then it is over.
            Who asks for 100 at a time may give up twice on all.
        reset_seconds: See `resets`.
        queued: Responses that wait to be sent; at half of it no request is begun. A hundred answers of the size of
            a datagram can become ready at once, and one that finds no room is reset.
        linger: After the last word, for the client to close: closing first would take back what it has yet to read.
    """

    frames: FrameLimits = field(default_factory=FrameLimits)
    headers: int = 8_192
    streams: int = 100
    streams_in_all: int = 1_000_000
    resets: int = 200
    reset_seconds: float = 10.0
    queued: int = 131_072
    linger: float = 0.5


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """What a client puts up with; times in seconds, sizes in octets.

    Attributes:
        frames: What the gate refuses. Each request makes up for the frames of its response, however finely cut.
        headers: Of one response, decoded.
        streams: Requests at a time, or what the server allows if that is less; others wait for their turn.
        waiting: Requests that wait for their turn.
        window: For all responses together: at 100 ms there and back, 10 MB a second.
        connecting: Nobody waits longer for a whole look-up.
        quiet: Without an octet of a response, idle or not: servers close by then, or they are dead.
    """

    frames: FrameLimits = field(
        default_factory=lambda: FrameLimits(settings=100, spare=1_000, spare_for_one=200, spare_at_most=20_000)
    )
    headers: int = 8_192
    streams: int = 100
    waiting: int = 4_096
    window: int = 1_048_576
    connecting: float = 5.0
    quiet: float = 10.0
