"""One connection of a server, without sockets: octets in, whole requests out; responses in, octets out. Pure.

What h2 does not limit is limited here and in the gate before it: what is open or still running, resets, what waits
to be sent, how long each may take. Times are seconds of any one clock; `patience` says how much of a usual time is
left at the present load.

Left out: reading and writing, running what answers (session), and which path is whose (routes).
"""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum, auto

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import Event, RemoteSettingsChanged, StreamReset, WindowUpdated
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings

from transport.http2.exchanges import Admit, Exchanges
from transport.http2.frame_gate import FrameError, FrameGate, goaway
from transport.http2.limits import MAX_CLOSED, MAX_TABLE, Http2Limits
from transport.http2.messages import Request, Response
from transport.http2.outgoing import Outgoing
from transport.http2.reset_meter import ResetMeter
from transport.slots import StreamLimits

Patience = Callable[[float], float]  # see `Slots.patience`


class Ending(Enum):
    """Why a connection is over."""

    PARTED = auto()  # as both sides wished
    IMPATIENT = auto()  # it kept us waiting: silent, slow or idle
    UNREAD = auto()  # responses were not read
    MISFRAMED = auto()  # not HTTP/2
    FLOODED = auto()  # too much of something
    FAULTY = auto()  # a bug of ours


class _Connection(H2Connection):
    MAX_CLOSED_STREAMS = MAX_CLOSED


class ServerConnection:
    """The state of one connection.

    Attributes:
        ending: Why it is over; None while it is not.

    Args:
        limits: Of HTTP/2.
        times: Of all streams; times alone count here.
        admit: What is let through.
        now: When it was accepted.
    """

    def __init__(self, limits: Http2Limits, times: StreamLimits, admit: Admit, now: float) -> None:
        self._limits = limits
        self._times = times
        self._gate = FrameGate(limits.frames, serves=True)
        self._h2 = _open(limits)
        self._out = Outgoing(self._h2)
        self._exchanges = Exchanges(self._h2, self._out, limits, admit, now)
        self._meter = ResetMeter(limits.resets, limits.reset_seconds)
        self._unit_since = now  # when what is coming now began to come
        self._has_spoken = False
        self._leaving: Ending | None = None  # what it will have been, once no more streams are taken
        self._leaving_since = now
        self.ending: Ending | None = None
        self._h2.initiate_connection()
        self._out.collect()

    @property
    def is_answering(self) -> bool:
        """Whether somebody is yet to have a response."""
        return self._exchanges.are_open

    @property
    def answered(self) -> int:
        """How many responses have gone into what is to be sent, whole."""
        return self._exchanges.answered

    @property
    def refused(self) -> int:
        """How many streams were refused, since too many were open or running, or since we are leaving."""
        return self._exchanges.refused

    @property
    def unsent(self) -> int:
        """Octets that `take` would give."""
        return self._out.unsent

    @property
    def has_room(self) -> bool:
        """Whether little enough waits to be sent for a request to be begun."""
        return self._out.queued < self._limits.queued // 2

    def receive(self, octets: bytes | bytearray, now: float) -> None:
        """Take what the client sent."""
        if self.ending is not None:
            return None
        self._has_spoken = True
        unit = self._gate.units if self._gate.partial else None
        try:
            events = self._h2.receive_data(self._gate.feed(octets))
        except FrameError as error:
            return self._end_for(error.code, is_said=False)
        except ProtocolError as error:  # h2 has its GOAWAY ready
            return self._end_for(error.error_code, is_said=True)
        if unit != self._gate.units:  # octets of one and the same unit win no time
            self._unit_since = now
        try:
            self._follow(events, now)
        except ProtocolError:
            return self.fail()
        self._out.collect()
        self._count_resets(now)
        if self._gate.last_stream is not None:
            self.leave(now)
        return None

    def next_request(self, now: float) -> tuple[int, Request] | None:
        """Return a request that is whole, and its stream; whoever takes it replies, whatever happens."""
        return self._exchanges.next_request(now)

    def reply(self, stream_id: int, response: Response, now: float) -> bool:
        """Send a response; return False where nobody is to have it any more, or it finds no room."""
        try:
            is_taken = self._exchanges.reply(stream_id, response, now)
        except ProtocolError:
            self.fail()
            return False
        self._count_resets(now)
        return is_taken

    def take(self) -> bytes:
        """Return what is to be written next, in one piece; nothing when there is nothing."""
        return self._out.take()

    def leave(self, now: float, why: Ending = Ending.PARTED) -> None:
        """Take no more streams; those that are open are answered (RFC 9113 section 6.8)."""
        if self._leaving is None and self.ending is None:
            self._leaving, self._leaving_since = why, now
            self._out.add_frame(goaway(self._exchanges.last, ErrorCodes.NO_ERROR))

    def close(self) -> None:
        """The client is gone."""
        self._end(self._leaving or Ending.PARTED, None)

    def fail(self) -> None:
        """Something went wrong that should not be able to."""
        self._end(Ending.FAULTY, ErrorCodes.INTERNAL_ERROR)

    def deadline(self, patience: Patience) -> float:
        """Return when the client, as things are, will have kept us waiting for too long."""
        if self.ending is not None:
            return -math.inf
        times, exchanges = self._times, self._exchanges
        whole = patience(times.whole_message)
        at = exchanges.deadline(whole, patience(times.stuck))
        if self._leaving is not None:
            quiet = max(self._leaving_since, exchanges.since) + patience(self._limits.linger)
            return at if exchanges.are_open else quiet
        if self._gate.partial:
            return min(at, self._unit_since + whole)
        if exchanges.count:
            return at
        return exchanges.since + patience(times.idle if self._has_spoken else times.first_octet)

    def expire(self, now: float, patience: Patience) -> None:
        """Do what follows where the deadline is over."""
        if self.ending is not None:
            return None
        times = self._times
        if self._exchanges.expire(now, patience(times.whole_message), patience(times.stuck)):
            return self._end(Ending.UNREAD, ErrorCodes.ENHANCE_YOUR_CALM)
        self._count_resets(now)
        if now < self.deadline(patience):
            return None
        if self._leaving is not None:
            self._end(self._leaving, None)
        elif self._gate.partial or not self._has_spoken:
            self._end(Ending.IMPATIENT, ErrorCodes.NO_ERROR)
        else:
            self.leave(now, Ending.IMPATIENT)
        return None

    def _follow(self, events: Sequence[Event], now: float) -> None:
        lost = {event.stream_id for event in events if isinstance(event, StreamReset)}
        has_windows = False
        for event in events:
            match event:
                case WindowUpdated():
                    has_windows = True
                case RemoteSettingsChanged():
                    has_windows = True
                    self._h2.encoder.header_table_size = min(MAX_TABLE, self._h2.remote_settings.header_table_size)
                case _:
                    is_lost = getattr(event, "stream_id", 0) in lost
                    self._exchanges.follow(event, now, is_lost=is_lost, takes=self._leaving is None)
                    if self._exchanges.begun >= self._limits.streams_in_all:
                        self.leave(now)
        if has_windows:
            self._exchanges.pump(now)

    def _count_resets(self, now: float) -> None:
        if self._meter.is_too_much(self._gate.resets + self._out.resets, now):
            self._end(Ending.FLOODED, ErrorCodes.ENHANCE_YOUR_CALM)

    def _end_for(self, code: ErrorCodes | int, *, is_said: bool) -> None:
        calm = code == ErrorCodes.ENHANCE_YOUR_CALM
        self._end(Ending.FLOODED if calm else Ending.MISFRAMED, None if is_said else ErrorCodes(code))

    def _end(self, ending: Ending, code: ErrorCodes | None) -> None:
        """It is over; the client is told why, unless it was already."""
        if self.ending is not None:
            return
        self.ending = ending
        if code is not None:
            with suppress(ProtocolError):
                self._h2.close_connection(code, last_stream_id=self._exchanges.last)
        self._out.collect()
        self._exchanges.clear()


def _open(limits: Http2Limits) -> H2Connection:
    h2 = _Connection(H2Configuration(client_side=False, header_encoding=None))
    announced = {
        SettingCodes.MAX_CONCURRENT_STREAMS: limits.streams,
        SettingCodes.MAX_HEADER_LIST_SIZE: limits.headers,
    }
    h2.local_settings = Settings(client=False, initial_values=announced)
    h2.decoder.max_header_list_size = limits.headers  # counts before the client has heard of it, too
    return h2
