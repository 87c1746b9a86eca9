"""The exchanges of one connection of a server: what is open, what runs, what is to be sent back. Pure.

Left out: what ends the connection as a whole (server_connection).
"""

import math
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, Event, RequestReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError

from transport.http2.exchange import Exchange, Stage, head_of
from transport.http2.limits import Http2Limits
from transport.http2.messages import Request, Response, plain
from transport.http2.outgoing import Outgoing
from transport.http2.routes import too_long

INCOMING = {Stage.RECEIVING, Stage.DRAINING}  # the client is still sending
BODILESS = {204, 304}  # no length is said with these (RFC 9110 section 8.6)

Admit = Callable[[Request], Response | int]  # see `Routes.admit`


class Exchanges:
    """All exchanges of a connection.

    Attributes:
        begun: Streams taken so far.
        last: The last of them.
        since: When there last was an exchange, or when the connection was made.
        answered: Responses that have gone into what is to be sent, whole.
        refused: Streams that were not taken.

    Args:
        h2: The connection.
        out: What is to be sent on it.
        limits: How many, and how much may wait.
        admit: What is let through.
        now: When the connection was made, in seconds of any one clock.
    """

    def __init__(self, h2: H2Connection, out: Outgoing, limits: Http2Limits, admit: Admit, now: float) -> None:
        self._h2 = h2
        self._out = out
        self._limits = limits
        self._admit = admit
        self._open: dict[int, Exchange] = {}  # by stream; entries leave when it ends or is reset
        self._orphans: set[int] = set()  # streams that were reset while their work was running
        self._arrived: deque[int] = deque()  # WAITING, in order; and some that were reset since
        self.begun = 0
        self.last = 0
        self.since = now
        self.answered = 0
        self.refused = 0

    @property
    def are_open(self) -> bool:
        """Whether somebody is yet to have a response."""
        return bool(self._open)

    @property
    def count(self) -> int:
        """How many are open, or have work that is still running."""
        return len(self._open) + len(self._orphans)

    def follow(self, event: Event, now: float, *, is_lost: bool, takes: bool) -> None:
        """Do what an event of h2 asks for.

        Args:
            event: Of any kind.
            now: When it came.
            is_lost: Whether the stream was reset already, by what came with it.
            takes: Whether more streams are taken.

        Raises:
            ProtocolError: A response of ours cannot be sent; of our table of header fields nothing is known any
            more.
        """
        match event:
            case RequestReceived():
                if takes and self.count < self._limits.streams:
                    self._take(event, now, is_lost=is_lost)
                else:
                    self.refused += 1
                    self._say_reset(event.stream_id, ErrorCodes.REFUSED_STREAM)
            case DataReceived():
                self._gather(event, now, is_lost=is_lost)
            case StreamEnded():
                self._complete(event.stream_id, now)
            case StreamReset():
                self._lose(event.stream_id, now)
            case _:
                pass

    def pump(self, now: float) -> None:
        """The client's windows have opened: send what may go."""
        for stream_id in self._out.pump():
            self._part(stream_id, now)

    def next_request(self, now: float) -> tuple[int, Request] | None:
        """Return a request that is whole, and its stream; whoever takes it replies, whatever happens."""
        while self._arrived:
            stream_id = self._arrived.popleft()
            exchange = self._open.get(stream_id)
            if exchange is not None and exchange.stage is Stage.WAITING:
                request = replace(exchange.head, body=bytes(exchange.body))
                exchange.body.clear()
                exchange.stage, exchange.since = Stage.RUNNING, now
                return stream_id, request
        return None

    def reply(self, stream_id: int, response: Response, now: float) -> bool:
        """Send a response; return False where nobody is to have it any more, or it finds no room.

        Raises:
            ProtocolError: See `follow`.
        """
        if stream_id in self._orphans:
            self._orphans.remove(stream_id)
            self._rest(now)
        exchange = self._open.get(stream_id)
        if exchange is None:
            return False
        if self._out.queued >= self._limits.queued:
            exchange.stage = Stage.REPLYING  # its work is over
            self._say_reset(stream_id, ErrorCodes.ENHANCE_YOUR_CALM)
            self._lose(stream_id, now)
            return False
        self._respond(stream_id, exchange, response, now)
        return True

    def deadline(self, whole: float, stuck: float) -> float:
        """Return when one of them has taken too long, at so many seconds for a request and for a response."""
        at = math.inf
        for exchange in self._open.values():
            if exchange.stage in INCOMING:
                at = min(at, exchange.since + whole)
            elif exchange.stage is Stage.REPLYING:
                at = min(at, exchange.since + stuck)
        return at

    def expire(self, now: float, whole: float, stuck: float) -> bool:
        """Stop what has taken too long to come; return whether something has for too long not been read."""
        for stream_id, exchange in list(self._open.items()):
            if exchange.stage is Stage.REPLYING and now >= exchange.since + stuck:
                return True
            if exchange.stage in INCOMING and now >= exchange.since + whole:
                self._stop(stream_id, exchange, now)
        return False

    def clear(self) -> None:
        """Forget all; it is over."""
        for stream_id in self._open:
            self._out.drop(stream_id)
        self._open.clear()
        self._arrived.clear()
        self._orphans.clear()

    def _take(self, event: RequestReceived, now: float, *, is_lost: bool) -> None:
        self.last = event.stream_id
        self.begun += 1
        if is_lost:
            return
        exchange = Exchange(head_of(event.headers), now, has_ended=event.stream_ended is not None)
        self._open[event.stream_id] = exchange
        admitted = self._admit(exchange.head)
        if isinstance(admitted, Response):
            self._respond(event.stream_id, exchange, admitted, now)
        else:
            exchange.most = admitted

    def _gather(self, event: DataReceived, now: float, *, is_lost: bool) -> None:
        exchange = self._open.get(event.stream_id)
        if is_lost or exchange is None or exchange.stage is not Stage.RECEIVING:
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            return
        exchange.held += event.flow_controlled_length
        exchange.has_ended = event.stream_ended is not None
        exchange.body += event.data
        if len(exchange.body) > exchange.most:
            self._respond(event.stream_id, exchange, too_long(exchange.most), now)

    def _complete(self, stream_id: int, now: float) -> None:
        exchange = self._open.get(stream_id)
        if exchange is None:
            return
        exchange.has_ended = True
        if exchange.stage is Stage.RECEIVING:
            exchange.stage, exchange.since = Stage.WAITING, now
            self._give_back(stream_id, exchange)
            self._arrived.append(stream_id)
        elif exchange.stage is Stage.DRAINING:
            self._close(stream_id, now)

    def _lose(self, stream_id: int, now: float) -> None:
        """The stream is reset, by whomever."""
        exchange = self._open.get(stream_id)
        if exchange is None:
            return
        self._out.drop(stream_id)
        self._give_back(stream_id, exchange)
        if exchange.stage is Stage.RUNNING:
            self._orphans.add(stream_id)
        self._close(stream_id, now)

    def _respond(self, stream_id: int, exchange: Exchange, response: Response, now: float) -> None:
        """Begin to send a response, maybe before the request is whole."""
        exchange.body.clear()
        self._give_back(stream_id, exchange)
        exchange.stage, exchange.since = Stage.REPLYING, now
        headers = [(b":status", b"%d" % response.status), *response.headers]
        if response.status not in BODILESS:
            headers.append((b"content-length", b"%d" % len(response.body)))
        body = b"" if exchange.head.method == "HEAD" else response.body
        self._h2.send_headers(stream_id, headers, end_stream=not body)
        is_out = self._out.add(stream_id, body) if body else True
        self._out.collect()
        if is_out:
            self._part(stream_id, now)

    def _part(self, stream_id: int, now: float) -> None:
        """All of a response is on its way.

        It is written apart from others: of several in one TLS record dnsperf (2.10, Debian's) takes only the last.
        """
        self._out.break_off()
        exchange = self._open[stream_id]
        self.answered += 1
        if exchange.has_ended:
            self._close(stream_id, now)
        else:  # a reset at once would take the response away from some clients, curl among them
            exchange.stage, exchange.since = Stage.DRAINING, now

    def _stop(self, stream_id: int, exchange: Exchange, now: float) -> None:
        """The client has been sending for long enough."""
        if exchange.stage is Stage.RECEIVING:
            self._respond(stream_id, exchange, plain(408, "too slow"), now)
        else:  # RFC 9113 section 8.1
            self._say_reset(stream_id, ErrorCodes.NO_ERROR)
            self._lose(stream_id, now)

    def _close(self, stream_id: int, now: float) -> None:
        del self._open[stream_id]
        self._rest(now)

    def _rest(self, now: float) -> None:
        if not self._open:
            self.since = now

    def _say_reset(self, stream_id: int, code: ErrorCodes) -> None:
        with suppress(ProtocolError):  # the client may have been faster
            self._h2.reset_stream(stream_id, code)
        self._out.collect()

    def _give_back(self, stream_id: int, exchange: Exchange) -> None:
        """Let the client send as much again as it sent on this stream: its body is held no longer."""
        held, exchange.held = exchange.held, 0
        if held:
            self._h2.acknowledge_received_data(held, stream_id)
