"""One QUIC connection to a server, shared by everybody who asks there (RFC 9250): a stream for each exchange.

Ids of messages are 0 on the way, since streams tell exchanges apart, and a reply gets the id of its message back.
Nothing is asked before the handshake is done and the other side has proved who it is. Who gives up on one exchange
disturbs no other: the other side is told that its reply is not wanted any more.

Left out: which endpoint has which link, and trying again (dialer). Deadlines of exchanges are the callers'.
Sessions are not resumed and nothing is sent in the first packet (0-RTT), which anybody could send again (RFC 9250
section 9.1).
"""

import hmac
import logging
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import trio
from aioquic.quic import events
from aioquic.quic.connection import QuicConnection

from transport.endpoint import Endpoint
from transport.errors import UnprovenError, UnreachableError
from transport.framing import Deframer, FramingError, frame
from transport.proof import Pinned, Proof
from transport.quic.bounds import Bounds
from transport.quic.doq import ALPN, ID, NO_ID, Code
from transport.quic.terms import REPLY_WINDOW, TICK, client_terms
from transport.quic.way import SocketWay, Way
from transport.stream_link import CONNECT_PATIENCE, MAX_IN_FLIGHT, MAX_REPLIES, Accept
from transport.tls.certificates import pin_of_key
from transport.tls.credentials import CredentialsError

MAX_HANDSHAKE = 65_536  # octets of a server's certificates, and of the tickets that it sends and nobody uses
CRYPTO_ERROR = 0x100  # and an alert of TLS (RFC 9001 section 4.8)
CERTIFICATE_ALERTS = range(42, 49)  # bad_certificate to unknown_ca (RFC 8446 section 6.2)

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Exchange:
    """One message and what comes back; `deliver` is closed when nothing more can."""

    framed: bytes
    deliver: trio.MemorySendChannel[bytes]
    replies: Deframer = field(default_factory=Deframer)
    stream_id: int = -1  # none yet
    reason: str = "the stream ended without a reply that is one"


class QuicLink:
    """A link that connects when it is run, and carries exchanges until it ends; never a second time.

    Attributes:
        connected: Whether it got as far as being connected, with somebody who proved to be who was meant.
        ended: Whether it is over; `exchange` then only raises.

    Args:
        endpoint: Who is there.
        proof: How they are to prove it.
        open_way: Makes the way there; raises OSError.

    Raises:
        UnprovenError: The certificates of authorities cannot be read.
    """

    def __init__(self, endpoint: Endpoint, proof: Proof, open_way: Callable[[Endpoint], Way] = SocketWay) -> None:
        self._endpoint = endpoint
        self._proof = proof
        self._open_way = open_way
        try:
            terms = client_terms(proof)
        except CredentialsError as error:
            raise UnprovenError(endpoint.to_text(), str(error)) from error
        self._connection = QuicConnection(configuration=terms)
        self._bounds = Bounds(self._connection, 0, REPLY_WINDOW, MAX_HANDSHAKE)
        self._outbox: dict[_Exchange, None] = {}  # without a stream yet; entries leave with their exchange
        self._streams: dict[int, _Exchange] = {}  # entries leave with their exchange, or when their stream ends
        self._given_up: list[int] = []  # streams whose replies nobody waits for any more
        self._asked = trio.lowlevel.ParkingLot()  # who sends waits here
        self._timer = math.inf  # when the connection wants to be seen to
        self._nap = trio.CancelScope()  # around waiting for that
        self._life = trio.CancelScope()
        self._reason = ""  # why it ended, once it has
        self._failure: type[UnreachableError] = UnreachableError
        self.connected = False
        self.ended = False

    async def exchange(self, message: bytes, accept: Accept) -> bytes:
        """Send a message and return the reply that is accepted.

        Raises:
            UnreachableError: The link or the stream ended first, or too many exchanges are in flight.
            UnprovenError: Whoever is there did not prove who they are.
        """
        assert len(message) >= ID, "a message starts with its id"
        if self.ended:
            raise self._failure(self._endpoint.to_text(), self._reason)
        if len(self._outbox) + len(self._streams) >= MAX_IN_FLIGHT:
            raise UnreachableError(self._endpoint.to_text(), f"{MAX_IN_FLIGHT} exchanges are in flight already")
        send, receive = trio.open_memory_channel[bytes](MAX_REPLIES)
        exchange = _Exchange(frame(NO_ID + message[ID:]), send)
        self._outbox[exchange] = None
        self._asked.unpark_all()
        try:
            async for reply_untrusted in receive:
                reply = message[:ID] + reply_untrusted[ID:]
                if accept(reply):
                    return reply
        finally:
            self._outbox.pop(exchange, None)
            if self._streams.pop(exchange.stream_id, None) is not None:
                self._given_up.append(exchange.stream_id)
                self._asked.unpark_all()
            send.close()
            receive.close()
        if self._reason:
            raise self._failure(self._endpoint.to_text(), self._reason)
        raise UnreachableError(self._endpoint.to_text(), exchange.reason)

    async def run(self) -> None:
        """Connect and carry messages until the link ends; whoever still waits is told why."""
        try:
            await self._connect_and_carry()
        finally:
            self.ended = True
            self._reason = self._reason or "the dialer was closed"
            for exchange in (*self._outbox, *self._streams.values()):
                exchange.deliver.close()

    async def _connect_and_carry(self) -> None:
        try:
            way = self._open_way(self._endpoint)
        except OSError as error:
            self._reason = f"cannot connect: {error}"
            return
        try:
            async with trio.open_nursery() as nursery:
                self._life = nursery.cancel_scope
                self._connection.connect(self._endpoint, trio.current_time())
                self._turn(way)
                nursery.start_soon(self._read, way)
                nursery.start_soon(self._keep_time, way)
                nursery.start_soon(self._send_asked, way)
                await trio.sleep(CONNECT_PATIENCE)
                if not self.connected:
                    self._end(f"no connection within {CONNECT_PATIENCE:.0f} s")
        finally:
            self._part(way)
            way.close()

    async def _read(self, way: Way) -> None:
        while True:
            try:
                datagram_untrusted = await way.receive()
            except OSError as error:
                if not self.connected:  # else anybody may have said so, and silence will tell
                    self._end(f"cannot connect: {error.strerror or error}")
                continue
            self._turn(way, datagram_untrusted)

    async def _keep_time(self, way: Way) -> None:
        while True:
            with trio.CancelScope(deadline=self._timer) as self._nap:
                await trio.sleep_forever()
            self._turn(way)

    async def _send_asked(self, way: Way) -> None:
        while True:
            await self._asked.park()
            self._turn(way)

    def _turn(self, way: Way, datagram_untrusted: bytes | None = None) -> None:
        """Take what has come, do what is due, send what there is to send."""
        now = trio.current_time()
        try:
            if datagram_untrusted is not None:
                self._connection.receive_datagram(datagram_untrusted, self._endpoint, now)
            if self._timer <= now:
                self._connection.handle_timer(now)
            if excess := self._bounds.excess():
                self._refuse(f"sends too much: {excess}", Code.EXCESSIVE_LOAD)
            self._follow_events()
            self._ask()
            self._bounds.open_window()
            datagrams = self._connection.datagrams_to_send(now)
            timer = self._connection.get_timer()
        except Exception as error:  # what aioquic trips over was sent by the other side
            log.debug("event=library-failed part=quic", exc_info=True)
            self._end(f"sends what cannot be taken ({type(error).__name__})")
            return
        for datagram, _ in datagrams:
            way.send(datagram)
        self._timer = self._nap.deadline = math.inf if timer is None else max(timer, now + TICK)
        ending = self._bounds.ending
        if ending is not None:
            if ending.error_code - CRYPTO_ERROR in CERTIFICATE_ALERTS:
                self._failure = UnprovenError
                self._end(f"its certificate is not taken: {ending.reason_phrase!a}")
            self._end(f"closed by the other side, or gone silent ({ending.reason_phrase!a}, {ending.error_code})")

    def _follow_events(self) -> None:
        while (event := self._connection.next_event()) is not None:
            match event:
                case events.HandshakeCompleted(alpn_protocol=protocol):
                    self._look_at_peer(protocol)
                case events.StreamDataReceived():
                    self._take_untrusted(event)
                case events.StreamReset(stream_id=stream_id, error_code=code):
                    self._end_stream(stream_id, f"the server has nothing to say to this ({code})")
                case _:
                    pass

    def _look_at_peer(self, protocol: str | None) -> None:
        if protocol != ALPN:
            self._refuse("speaks QUIC, but no DNS over it", Code.PROTOCOL_ERROR)
            return
        if isinstance(self._proof, Pinned):
            shown = self._bounds.peer_certificate()
            found = pin_of_key(shown.public_key()) if shown is not None else b""
            if not hmac.compare_digest(found, self._proof.pin):
                self._failure = UnprovenError
                self._refuse(f"has another key (pin {found.hex()}) than {self._proof.pin.hex()}", Code.NO_ERROR)
                return
        self.connected = True

    def _ask(self) -> None:
        """Open a stream for each exchange that waits for one, as far as the other side lets us."""
        if not self.connected:
            return
        for stream_id in self._given_up:
            if stream_id in self._bounds.live:
                self._connection.stop_stream(stream_id, Code.REQUEST_CANCELLED)
        self._given_up.clear()
        while self._outbox and self._bounds.may_open:
            exchange = next(iter(self._outbox))
            del self._outbox[exchange]
            exchange.stream_id = self._connection.get_next_available_stream_id()
            self._streams[exchange.stream_id] = exchange
            self._connection.send_stream_data(exchange.stream_id, exchange.framed, end_stream=True)

    def _take_untrusted(self, event: events.StreamDataReceived) -> None:
        exchange = self._streams.get(event.stream_id)
        if exchange is None:
            return  # whoever asked has given up
        exchange.replies.feed(event.data)
        try:
            for reply in exchange.replies:
                if reply[:ID] != NO_ID:
                    self._refuse("sent a reply whose id is not 0", Code.PROTOCOL_ERROR)
                    return
                with suppress(trio.WouldBlock):  # MAX_REPLIES says why
                    exchange.deliver.send_nowait(reply)
        except FramingError as error:
            self._refuse(str(error), Code.PROTOCOL_ERROR)
            return
        if event.end_stream:
            self._end_stream(event.stream_id, exchange.reason)

    def _end_stream(self, stream_id: int, reason: str) -> None:
        exchange = self._streams.pop(stream_id, None)
        if exchange is not None:
            exchange.reason = reason
            exchange.deliver.close()

    def _refuse(self, reason: str, code: Code) -> None:
        """End the connection, and tell the other side."""
        self._reason = self._reason or reason
        self._connection.close(error_code=code)

    def _end(self, reason: str) -> None:
        self._reason = self._reason or reason
        self._life.cancel()

    def _part(self, way: Way) -> None:
        """Tell the other side, if it has not been told, and leave nothing."""
        with suppress(Exception):  # it may have been what aioquic tripped over
            self._connection.close(error_code=Code.NO_ERROR)
            for datagram, _ in self._connection.datagrams_to_send(trio.current_time()):
                way.send(datagram)
        self._bounds.forget()
