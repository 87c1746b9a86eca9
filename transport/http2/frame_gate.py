"""Looks at the nine octets before each frame (RFC 9113 section 4.1) before h2 gets to see it. Pure.

h2 gathers a frame whole before it looks at its length, and up to 64 CONTINUATIONs before it decodes; here both are
refused by their announced lengths. It also ends a connection at the first GOAWAY, although streams that are open
may still be answered (section 6.8; https://github.com/python-hyper/h2/issues/1181): so that frame is kept from it,
and read here.

Left out: everything that takes knowing the state of a stream, which is h2's.
"""

from typing import Final

from h2.errors import ErrorCodes

from transport.http2.limits import MAX_FRAME, FrameLimits

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"  # RFC 9113 section 3.4; h2 compares it
HEAD: Final = 9  # octets before each frame

DATA: Final = 0
HEADERS: Final = 1
RST_STREAM: Final = 3
SETTINGS: Final = 4
PUSH_PROMISE: Final = 5
GOAWAY: Final = 7
CONTINUATION: Final = 9

END_STREAM: Final = 0x1
ACK: Final = 0x1
END_HEADERS: Final = 0x4

GOAWAY_OCTETS: Final = 8  # the last stream and the reason; what else it says is for people
STREAM_BITS: Final = 0x7FFF_FFFF


class FrameError(ValueError):
    """The other side broke a rule about frames; nothing more of it is read.

    Attributes:
        code: What to tell it.
    """

    def __init__(self, code: ErrorCodes, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class FrameGate:
    """Takes octets as they come, and gives those on that h2 may see.

    Attributes:
        resets: RST_STREAM frames so far.
        units: Frames so far that have come to their end; a header block in several frames is one.
        last_stream: Streams above this one will not be looked at, as the other side said in a GOAWAY; else None.

    Args:
        limits: When it is too much.
        serves: Whether it stands before a server, to which the preface comes first, and requests.
    """

    def __init__(self, limits: FrameLimits, *, serves: bool) -> None:
        self._limits = limits
        self._serves = serves
        self._preface = len(PREFACE) if serves else 0  # octets of it still to come
        self._begun = False
        self._head = bytearray()  # of the frame that is coming
        self._left = 0  # octets of its payload still to come
        self._kept: bytearray | None = None  # the beginning of its payload, if it is a GOAWAY
        self._block: int | None = None  # octets announced of a header block that is not over
        self._spare = limits.spare
        self._settings = 0
        self.resets = 0
        self.units = 0
        self.last_stream: int | None = None

    @property
    def partial(self) -> bool:
        """Whether something has begun to come that has not ended."""
        return bool(self._head or self._left or self._block is not None or (self._begun and self._preface))

    def make_up(self) -> None:
        """A request is made: it may take spare frames."""
        self._spare = min(self._spare + self._limits.spare_for_one, self._limits.spare_at_most)

    def feed(self, octets: bytes | bytearray) -> bytes:
        """Take the next octets of the stream, and return what of them goes on.

        Raises:
            FrameError: It is too much, or cannot be understood. Nothing of these octets goes on.
        """
        self._begun = True
        at, end = min(self._preface, len(octets)), len(octets)
        passed = bytearray(octets[:at])
        self._preface -= at
        while at < end:
            if self._left:
                piece = octets[at : at + self._left]
                at += len(piece)
                self._left -= len(piece)
                if self._kept is None:
                    passed += piece
                else:
                    self._kept += piece[: GOAWAY_OCTETS - len(self._kept)]
            else:
                missing = HEAD - len(self._head)
                self._head += octets[at : at + missing]
                at += missing
                if len(self._head) < HEAD:
                    break
                self._begin()
                if self._kept is None:
                    passed += self._head
                self._head.clear()
            if not self._left:
                self._end()
        return bytes(passed)

    def _begin(self) -> None:
        """The head of a frame is there."""
        self._left, kind, flags = int.from_bytes(self._head[:3]), self._head[3], self._head[4]
        if self._left > MAX_FRAME:
            raise FrameError(ErrorCodes.FRAME_SIZE_ERROR, f"a frame of {self._left} octets")
        if self._block is not None and kind != CONTINUATION:
            raise FrameError(ErrorCodes.PROTOCOL_ERROR, "another frame within a header block")
        if kind in {HEADERS, PUSH_PROMISE, CONTINUATION}:
            self._gather(flags)
        elif kind == SETTINGS and not flags & ACK:
            self._count_settings()
        elif kind == GOAWAY:
            self._kept = bytearray()
        if kind == RST_STREAM:
            self.resets += 1
        elif kind == HEADERS and self._serves:
            self.make_up()
        elif not (kind == DATA and flags & END_STREAM):
            self._spend()

    def _end(self) -> None:
        """All of a frame has been taken."""
        if self._block is None:
            self.units += 1
        if self._kept is not None:
            if len(self._kept) < GOAWAY_OCTETS:
                raise FrameError(ErrorCodes.FRAME_SIZE_ERROR, f"GOAWAY of {len(self._kept)} octets")
            last = int.from_bytes(self._kept[:4]) & STREAM_BITS
            self.last_stream = last if self.last_stream is None else min(last, self.last_stream)
            self._kept = None

    def _gather(self, flags: int) -> None:
        block = (self._block or 0) + self._left
        if block > self._limits.block:
            raise FrameError(ErrorCodes.ENHANCE_YOUR_CALM, f"a header block of {block} octets")
        self._block = None if flags & END_HEADERS else block

    def _count_settings(self) -> None:
        self._settings += 1
        if self._settings > self._limits.settings or self._left > self._limits.settings_octets:
            raise FrameError(ErrorCodes.ENHANCE_YOUR_CALM, f"{self._settings} times SETTINGS, {self._left} octets")

    def _spend(self) -> None:
        self._spare -= 1
        if self._spare < 0:
            raise FrameError(ErrorCodes.ENHANCE_YOUR_CALM, "too many frames that ask for nothing")


def goaway(last_stream: int, code: ErrorCodes) -> bytes:
    """Return a GOAWAY frame; h2 would send none without closing its side."""
    payload = last_stream.to_bytes(4) + code.to_bytes(4)
    return len(payload).to_bytes(3) + bytes([GOAWAY, 0]) + bytes(4) + payload


def resets_in(frames: bytes) -> int:
    """Return how many of these frames, all whole, are RST_STREAM."""
    at = found = 0
    while at < len(frames):
        found += frames[at + 3] == RST_STREAM
        at += HEAD + int.from_bytes(frames[at : at + 3])
    return found
