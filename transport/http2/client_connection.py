"""One connection of a client, without sockets: requests in, octets out; octets in, responses out. Pure.

The server is as little trusted as a client is: its frames pass the same gate, and what it sends is capped by
length.

Left out: connecting, waiting, and what a response means.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings

from transport.http2.frame_gate import FrameError, FrameGate
from transport.http2.limits import MAX_CLOSED, MAX_TABLE, ClientLimits
from transport.http2.messages import Headers, Request, Response
from transport.http2.outgoing import Outgoing

STATUS_DIGITS = 3
LAST_STREAM = (1 << 31) - 1  # that there can be (RFC 9113 section 5.1.1)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a request has no response.

    Attributes:
        reason: For people.
        is_untouched: Whether the server says that it has not looked at the request, which may be sent again.
    """

    reason: str
    is_untouched: bool = False


Outcome = tuple[int, Response | Failure]  # of a stream


@dataclass(slots=True)
class _Awaited:
    """A response that is coming."""

    most: int  # octets of body
    status: int = 0  # until its headers have come
    headers: Headers = ()
    body: bytearray = field(default_factory=bytearray)


class _Connection(H2Connection):
    MAX_CLOSED_STREAMS = MAX_CLOSED


class ClientConnection:
    """The state of one connection.

    Attributes:
        reason: Why it is over; "" while it is not.
        heard: How many octets of responses that are waited for have come.

    Args:
        authority: Who is asked, as it stands in URIs.
        limits: What is put up with.
    """

    def __init__(self, authority: str, limits: ClientLimits) -> None:
        self._authority = authority.encode("ascii")
        self._limits = limits
        self._gate = FrameGate(limits.frames, serves=False)
        self._h2 = _open(limits)
        self._out = Outgoing(self._h2)
        self._awaited: dict[int, _Awaited] = {}  # by stream; entries leave with their outcome
        self.reason = ""
        self.heard = 0
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(limits.window)
        self._out.collect()

    @property
    def is_leaving(self) -> bool:
        """Whether no more requests can be sent."""
        is_used_up = self._h2.highest_outbound_stream_id >= LAST_STREAM
        return is_used_up or bool(self.reason) or self._gate.last_stream is not None

    @property
    def is_busy(self) -> bool:
        """Whether a response is waited for."""
        return bool(self._awaited)

    @property
    def room(self) -> int:
        """How many more requests the server takes now; less than none where it takes fewer than it did."""
        return min(self._limits.streams, self._h2.remote_settings.max_concurrent_streams) - len(self._awaited)

    def send(self, request: Request, most: int) -> int:
        """Send a request, for which there is room, and return its stream.

        Args:
            request: What to ask.
            most: The most octets of body that the response may have.
        """
        stream_id = self._h2.get_next_available_stream_id()
        target = f"{request.path}?{request.query}" if request.query else request.path
        headers = [
            (b":method", request.method.encode("ascii")),
            (b":scheme", b"https"),
            (b":authority", self._authority),
            (b":path", target.encode("ascii")),
            *request.headers,
        ]
        if request.body:
            headers.append((b"content-length", b"%d" % len(request.body)))
        self._h2.send_headers(stream_id, headers, end_stream=not request.body)
        self._awaited[stream_id] = _Awaited(most)
        self._gate.make_up()
        if request.body:
            self._out.add(stream_id, request.body)
        self._out.collect()
        return stream_id

    def cancel(self, stream_id: int) -> None:
        """Nobody waits for this response any more."""
        if self._awaited.pop(stream_id, None) is not None:
            self._drop(stream_id)

    def receive(self, octets: bytes | bytearray) -> list[Outcome]:
        """Take what the server sent, and return what has come of requests."""
        try:
            events = self._h2.receive_data(self._gate.feed(octets))
        except (FrameError, ProtocolError) as error:
            return list(self.end(f"not HTTP/2 as it is spoken here: {error}"))
        outcomes = [outcome for event in events for outcome in self._follow(event)]
        if any(isinstance(event, WindowUpdated | RemoteSettingsChanged) for event in events):
            self._out.pump()
        self._out.collect()
        return outcomes + list(self._untouched())

    def take(self) -> bytes:
        """Return what is to be written next, in one piece; nothing when there is nothing."""
        return self._out.take()

    def end(self, reason: str) -> Iterator[Outcome]:
        """It is over: give up what is still waited for."""
        self.reason = self.reason or reason
        while self._awaited:
            yield self._awaited.popitem()[0], Failure(self.reason)

    def _follow(self, event: Event) -> Iterator[Outcome]:
        match event:
            case ResponseReceived():
                yield from self._begin(event.stream_id, event.headers)
            case DataReceived():
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                yield from self._gather(event.stream_id, event.data)
            case StreamEnded():
                awaited = self._awaited.pop(event.stream_id, None)
                if awaited is not None:
                    yield event.stream_id, Response(awaited.status, awaited.headers, bytes(awaited.body))
                    self._stop_sending(event.stream_id)
            case StreamReset():
                refused = event.remote_reset and event.error_code == ErrorCodes.REFUSED_STREAM
                yield from self._fail(event.stream_id, Failure(f"reset ({_name(event.error_code)})", refused))
            case RemoteSettingsChanged():
                self._h2.encoder.header_table_size = min(MAX_TABLE, self._h2.remote_settings.header_table_size)
            case _:
                pass

    def _begin(self, stream_id: int, headers: Iterable[tuple[bytes, bytes]]) -> Iterator[Outcome]:
        awaited = self._awaited.get(stream_id)
        if awaited is None:
            return
        status = b"".join(value for name, value in headers if name == b":status")
        if len(status) != STATUS_DIGITS or not status.isdigit():
            yield from self._fail(stream_id, Failure("no status"))
            return
        awaited.status = int(status)
        awaited.headers = tuple((name, value) for name, value in headers if not name.startswith(b":"))
        self.heard += 1

    def _gather(self, stream_id: int, data: bytes) -> Iterator[Outcome]:
        awaited = self._awaited.get(stream_id)
        if awaited is None:
            return
        self.heard += len(data)
        awaited.body += data
        if len(awaited.body) > awaited.most:
            yield from self._fail(stream_id, Failure(f"more than {awaited.most} octets"))

    def _fail(self, stream_id: int, failure: Failure) -> Iterator[Outcome]:
        if self._awaited.pop(stream_id, None) is not None:
            self._drop(stream_id)
            yield stream_id, failure

    def _untouched(self) -> Iterator[Outcome]:
        """The server said which streams it will not look at."""
        last = self._gate.last_stream
        if last is not None:
            for stream_id in [stream_id for stream_id in self._awaited if stream_id > last]:
                yield from self._fail(stream_id, Failure("going away", is_untouched=True))

    def _stop_sending(self, stream_id: int) -> None:
        """The response was there before all of the request was sent."""
        if self._out.holds(stream_id):
            self._drop(stream_id)

    def _drop(self, stream_id: int) -> None:
        self._out.drop(stream_id)
        with suppress(ProtocolError):  # it may be over
            self._h2.reset_stream(stream_id, ErrorCodes.CANCEL)
        self._out.collect()


def _name(code: ErrorCodes | int) -> str:
    return code.name if isinstance(code, ErrorCodes) else str(code)


def _open(limits: ClientLimits) -> H2Connection:
    h2 = _Connection(H2Configuration(client_side=True, header_encoding=None))
    announced = {
        SettingCodes.ENABLE_PUSH: 0,
        SettingCodes.MAX_HEADER_LIST_SIZE: limits.headers,
        SettingCodes.INITIAL_WINDOW_SIZE: limits.window,
    }
    h2.local_settings = Settings(client=True, initial_values=announced)
    h2.decoder.max_header_list_size = limits.headers
    return h2
