"""What a QUIC listener puts up with, and what it counts. Pure."""

from dataclasses import dataclass

from transport.slots import StreamLimits


@dataclass(frozen=True, slots=True)
class QuicLimits(StreamLimits):
    """What `StreamLimits` says of any stream, and what only QUIC has; times in seconds, sizes in octets.

    A message is one stream's here: `pipelined` is how many streams a client may have open. `first_octet` says
    nothing, and `queued` counts until a reply is acknowledged: no kernel holds anything for us.

    Attributes:
        window: What may have come of all streams while octets before it are missing.
        handshake_octets: Of a client's handshake; the longest have a key that withstands quantum computers.
        unproven: Connections begun within `handshake` whose client has yet to prove its address, over or not;
            more are sent a token first.
        unproven_per_address: The same of one address, in whose name anybody may begin connections.
        resets: Streams that a client may take back within `resets_within`; an honest one gives up on a few.
        resets_within: See `resets`.
    """

    queued: int = 262_144
    window: int = 65_536
    handshake_octets: int = 16_384
    unproven: int = 32
    unproven_per_address: int = 4
    resets: int = 200
    resets_within: float = 10.0


@dataclass(slots=True)
class QuicCounts:
    """Counters shared by the connections of one listener; `QuicStatistics` says what they mean."""

    accepted: int = 0
    refused: int = 0
    retried: int = 0
    ignored: int = 0
    strayed: int = 0
    received: int = 0
    answered: int = 0
    silent: int = 0
    unsendable: int = 0
    undelivered: int = 0
    cancelled: int = 0
    misframed: int = 0
    impatient: int = 0
    unread: int = 0
    excessive: int = 0
    failed: int = 0
    unpaid: int = 0
    receive_errors: int = 0
    send_errors: int = 0


@dataclass(frozen=True, slots=True)
class QuicStatistics:
    """What a listener has done so far.

    Attributes:
        connected: Connections there are now.
        accepted: Connections begun.
        refused: Connections not begun: all slots are taken, or their address has its share or begins too many.
        retried: Clients sent a token, to prove their address with.
        ignored: Datagrams that belong to no connection and begin none.
        strayed: Datagrams for a connection from elsewhere than where it began.
        received: Queries given to the handler.
        answered: Replies given to a stream.
        silent: Queries left without a reply by the handler, at once or later.
        unsendable: Replies dropped since no stream can carry them: empty, or over 65,535 octets.
        undelivered: Replies that became ready after their stream or connection had ended.
        cancelled: Streams that clients have taken back.
        misframed: Connections closed for what RFC 9250 calls a protocol error.
        impatient: Connections closed for keeping us waiting: in the handshake, within a query, or idle.
        unread: Connections closed because replies were not acknowledged.
        excessive: Connections closed for more of something than any honest client needs.
        failed: Connections dropped since their packets made the library fail.
        unpaid: Datagrams not sent, since an address that is not proven had had three times what came from it.
        receive_errors: Errors reported where one would read.
        send_errors: Datagrams the kernel would not take.
    """

    connected: int
    accepted: int
    refused: int
    retried: int
    ignored: int
    strayed: int
    received: int
    answered: int
    silent: int
    unsendable: int
    undelivered: int
    cancelled: int
    misframed: int
    impatient: int
    unread: int
    excessive: int
    failed: int
    unpaid: int
    receive_errors: int
    send_errors: int
