"""Whether a first packet begins a connection, and what is said where it does not. Pure.

Nothing proves where a first packet comes from, and one costs us a millisecond. So a few connections may begin
without a proof, in all and in the name of one address; who comes after that proves its address first, by a token,
and nothing is kept for it meanwhile. A place among the few is given back by shaking hands, or by time, and not by
going away: else whoever invents addresses would have it back with the same datagram.

What an address has begun is counted once it is proven, so that nobody uses up what is another's.
"""

import os
from dataclasses import dataclass
from itertools import count

from aioquic.quic.packet import (
    QuicHeader,
    QuicPacketType,
    QuicProtocolVersion,
    encode_quic_retry,
    encode_quic_version_negotiation,
)

from transport.endpoint import Endpoint
from transport.handler import Admit
from transport.quic.retry import make_token, original_of
from transport.quic.session import QuicService
from transport.quic.terms import CID, VERSIONS
from transport.slots import Slots, StreamLimits

MIN_CID = 8  # octets of a connection id that a client makes up (RFC 9000 section 7.2)


@dataclass(frozen=True, slots=True)
class Entry:
    """A connection may begin; a slot is taken for it.

    Attributes:
        original: The id that the client made up before it was told to use another, with a token; else None.
        place: Its place among the unproven; None if it has shown a token.
    """

    original: bytes | None
    place: int | None


class Door:
    """Stands before the connections of one socket.

    Args:
        service: What connections share.
        admit: Who may begin one.
        key: Of tokens, 32 unpredictable octets.
    """

    def __init__(self, service: QuicService, admit: Admit, key: bytes) -> None:
        limits = service.limits
        self._service = service
        self._admit = admit
        self._key = key
        self._unproven = Slots(StreamLimits(connections=limits.unproven, per_address=limits.unproven_per_address))
        self._places: dict[int, tuple[str, float]] = {}  # of the unproven: whose, until when; the oldest first
        self._numbers = count()

    def decide(self, header: QuicHeader, source: Endpoint, now: float) -> Entry | bytes | None:
        """Return whether a connection may begin, or what is said instead, or None for silence.

        Args:
            header: Of a packet that belongs to no connection.
            source: Where it seems to come from.
            now: On trio's clock.
        """
        counts, ours = self._service.counts, header.destination_cid
        if header.version not in VERSIONS:
            return self._other_version(header)
        if header.packet_type != QuicPacketType.INITIAL or len(ours) < MIN_CID:
            counts.ignored += 1
            return None
        original, host = original_of(header.token, self._key, source, ours, now), source.host
        is_proven = original is not None
        may_begin = self._admit(host, self._service.clock.now(), is_proven=is_proven)
        self._free_places(now)
        if not is_proven and not (may_begin and self._unproven.try_take(host)):
            return self._retry(header, source, now)
        if may_begin and self._service.slots.try_take(host):
            return Entry(original, None if is_proven else self._place(host, now))
        counts.refused += 1
        if not is_proven:
            self._unproven.give_back(host)
        return None

    def prove(self, place: int, source: Endpoint) -> None:
        """Whoever has this place has shaken hands."""
        self._admit(source.host, self._service.clock.now())
        if self._places.pop(place, None) is not None:
            self._unproven.give_back(source.host)

    def _place(self, host: str, now: float) -> int:
        place = next(self._numbers)
        self._places[place] = host, now + self._service.limits.handshake
        return place

    def _free_places(self, now: float) -> None:
        """Give back what has been held for as long as a handshake may take."""
        while self._places:
            place, (host, until) = next(iter(self._places.items()))
            if now < until:
                return
            del self._places[place]
            self._unproven.give_back(host)

    def _other_version(self, header: QuicHeader) -> bytes | None:
        """Say which version is spoken here, but not to somebody who only says the same (RFC 9000 section 6.1)."""
        if header.version == QuicProtocolVersion.NEGOTIATION:
            self._service.counts.ignored += 1
            return None
        ours, theirs = header.destination_cid, header.source_cid
        versions: list[int] = list(VERSIONS)
        return encode_quic_version_negotiation(source_cid=ours, destination_cid=theirs, supported_versions=versions)

    def _retry(self, header: QuicHeader, source: Endpoint, now: float) -> bytes:
        """Send a token, and keep nothing (RFC 9000 section 8.1.2)."""
        self._service.counts.retried += 1
        chosen = os.urandom(CID)
        return encode_quic_retry(
            version=QuicProtocolVersion.VERSION_1,
            source_cid=chosen,
            destination_cid=header.source_cid,
            original_destination_cid=header.destination_cid,
            retry_token=make_token(self._key, source, header.destination_cid, chosen, now),
        )
