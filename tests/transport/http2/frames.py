"""Frames done by hand, and h2 as the other side of a connection that needs no stream."""

from collections.abc import Callable, Iterator

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event, ResponseReceived, StreamEnded, StreamReset

from transport.http2.frame_gate import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    FrameGate,
)
from transport.http2.limits import ClientLimits, Http2Limits
from transport.http2.messages import Request, Response
from transport.http2.server_connection import ServerConnection
from transport.slots import StreamLimits

PING, PRIORITY, WINDOW_UPDATE = 6, 2, 8

POST = (b":method", b"POST"), (b":scheme", b"https"), (b":authority", b"here"), (b":path", b"/")
GET = (b":method", b"GET"), *POST[1:]


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    """Return any frame, sensible or not."""
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


def fields(*headers: tuple[bytes, bytes]) -> bytes:
    """Return a header block that needs no table and changes none (RFC 7541 section 6.2.2)."""
    return b"".join(b"\0" + _text(name) + _text(value) for name, value in headers)


def headers(stream: int, *more: tuple[bytes, bytes], flags: int = END_STREAM | END_HEADERS) -> bytes:
    """Return a GET for /, whole."""
    return frame(HEADERS, flags, stream, fields(*GET, *more))


def post(stream: int, flags: int = END_HEADERS) -> bytes:
    """Return the head of a POST whose body is to come."""
    return frame(HEADERS, flags, stream, fields(*POST))


def data(stream: int, payload: bytes, flags: int = END_STREAM) -> bytes:
    return frame(DATA, flags, stream, payload)


def continuation(stream: int, payload: bytes, flags: int = 0) -> bytes:
    return frame(CONTINUATION, flags, stream, payload)


def reset(stream: int, code: int = 8) -> bytes:
    return frame(RST_STREAM, 0, stream, code.to_bytes(4))


def settings(*pairs: tuple[int, int]) -> bytes:
    return frame(SETTINGS, 0, 0, b"".join(code.to_bytes(2) + value.to_bytes(4) for code, value in pairs))


def window(stream: int, octets: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream, octets.to_bytes(4))


def ping() -> bytes:
    return frame(PING, 0, 0, bytes(8))


def split(octets: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Return the kind, flags, stream and payload of each frame."""
    at = 0
    while at < len(octets):
        length = int.from_bytes(octets[at : at + 3])
        kind, flags, stream = octets[at + 3], octets[at + 4], int.from_bytes(octets[at + 5 : at + 9])
        yield kind, flags, stream, octets[at + 9 : at + 9 + length]
        at += 9 + length


def goaways(octets: bytes) -> list[tuple[int, int]]:
    """Return the last stream and the code of each GOAWAY."""
    found = [payload for kind, _, _, payload in split(octets) if kind == GOAWAY]
    return [(int.from_bytes(payload[:4]), int.from_bytes(payload[4:8])) for payload in found]


def resets(octets: bytes) -> list[tuple[int, int]]:
    """Return the stream and the code of each RST_STREAM."""
    return [(stream, int.from_bytes(payload)) for kind, _, stream, payload in split(octets) if kind == RST_STREAM]


HELLO = PREFACE + settings()

Admit = Callable[[Request], Response | int]


class Asker:
    """h2 as a client, and what it has heard."""

    def __init__(self) -> None:
        self.h2 = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        self.h2.initiate_connection()
        self.statuses: dict[int, int] = {}
        self.headers: dict[int, dict[bytes, bytes]] = {}
        self.bodies: dict[int, bytes] = {}
        self.done: set[int] = set()
        self.resets: dict[int, int] = {}
        self.gives_back = True
        self.gate = FrameGate(ClientLimits().frames, serves=False)  # h2 takes nothing after a GOAWAY

    def ask(
        self,
        body: bytes = b"",
        path: bytes = b"/",
        *more: tuple[bytes, bytes],
        method: bytes = b"",
        ends: bool = True,
    ) -> int:
        stream = self.h2.get_next_available_stream_id()
        method = method or (b"POST" if body or not ends else b"GET")
        pseudo = [(b":method", method), (b":scheme", b"https"), (b":authority", b"here"), (b":path", path)]
        self.h2.send_headers(stream, [*pseudo, *more], end_stream=ends and not body)
        if body:
            self.h2.send_data(stream, body, end_stream=ends)
        return stream

    def take(self) -> bytes:
        return self.h2.data_to_send()

    def receive(self, octets: bytes) -> list[Event]:
        self.gate.make_up()
        events = self.h2.receive_data(self.gate.feed(octets))
        for event in events:
            match event:
                case ResponseReceived():
                    named = dict(event.headers)
                    self.statuses[event.stream_id] = int(named.pop(b":status"))
                    self.headers[event.stream_id] = named
                    self.bodies[event.stream_id] = b""
                case DataReceived():
                    self.bodies[event.stream_id] += event.data
                    if self.gives_back:
                        self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                case StreamEnded():
                    self.done.add(event.stream_id)
                case StreamReset():
                    self.resets[event.stream_id] = int(event.error_code)
                case _:
                    pass
        return events


def anything(_head: Request) -> int:
    """Let everything in, with bodies of up to 4,096 octets."""
    return 4_096


class Served:
    """A `ServerConnection` and an asker, with time by hand."""

    def __init__(self, limits: Http2Limits | None = None, admit: Admit = anything) -> None:
        self.now = 0.0
        self.core = ServerConnection(limits or Http2Limits(), StreamLimits(), admit, self.now)
        self.asker = Asker()
        self.heard = bytearray()  # what the server has said

    def feed(self, octets: bytes) -> None:
        self.core.receive(octets, self.now)

    def move(self) -> None:
        """Carry octets to and fro until there are none."""
        while True:
            asked, said = self.asker.take(), self.core.take()
            self.heard += said
            if not asked and not said:
                return
            self.feed(asked)
            self.asker.receive(said)

    def requests(self) -> dict[int, Request]:
        """Return the requests that are whole by now."""
        found = {}
        while (arrived := self.core.next_request(self.now)) is not None:
            found[arrived[0]] = arrived[1]
        return found

    def reply(self, stream: int, body: bytes = b"reply", status: int = 200) -> bool:
        return self.core.reply(stream, Response(status, ((b"content-type", b"text/plain"),), body), self.now)

    def deadline(self) -> float:
        return self.core.deadline(lambda usual: usual)

    def expire(self) -> None:
        """Let time pass until the deadline, and do what follows."""
        self.now = self.deadline()
        self.core.expire(self.now, lambda usual: usual)

    def said(self) -> bytes:
        """Return what the server has said since last asked."""
        self.heard += self.core.take()
        said = bytes(self.heard)
        self.heard.clear()
        return said


def _text(text: bytes) -> bytes:
    assert len(text) < 0x7F, "longer ones take more than one octet of length"
    return bytes([len(text)]) + text
