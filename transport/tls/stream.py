"""An encrypted stream that serves as any other (TLS 1.3, RFC 8446); what is decided about its beginning and end.

The encryption is OpenSSL's, as `ssl` has it for whoever moves the octets himself. trio's SSLStream moves them, too:
one record at a time, each after a turn of all other tasks, where clients send a record for each question; and it
refers to itself, so that closed ones wait for the garbage collector, which cannot see how large they are (decision
0024).

Who just closes the connection has ended it, as with plain TCP; we say that we close, if that costs no waiting; and
what comes must come to something. TLS has messages that only change keys (KeyUpdate), and octets of them without
end would keep a core busy while whoever reads the stream never sees one.
"""

import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

import trio

READ_SIZE = 16_384  # octets a read, about one record (RFC 8446 section 5.2)
MAX_FRUITLESS = 65_536  # octets in a row of which nothing comes: a record and a read are half of that
CLOSING = 0.2  # seconds to say that we close; where the other side reads, it takes none


class Alpn(StrEnum):
    """What is spoken over an encrypted stream, as both sides agree on it in the handshake (RFC 7301)."""

    DOT = "dot"  # RFC 7858 section 3.1, as registered with IANA
    H2 = "h2"  # RFC 9113 section 3.2


class TlsStream(trio.abc.Stream):
    """An encrypted stream over another one, which it closes with itself. One task may read while another writes.

    Attributes:
        tls: Knows what was agreed on.
        at_end: Called once, when it closes.

    Args:
        below: Carries what is encrypted.
        tls: Made of the two buffers that come after it.
        incoming: Takes what comes from below.
        outgoing: Gives what is to go there.
    """

    def __init__(
        self, below: trio.abc.Stream, tls: ssl.SSLObject, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO
    ) -> None:
        self.tls = tls
        self.at_end: Callable[[], None] = lambda: None
        self._below = below
        self._incoming = incoming
        self._outgoing = outgoing
        self._turn = trio.Lock()  # of whoever sends: records go in the order in which they were made
        self._fruitless = 0  # octets that have come since whoever reads was given any
        self._is_agreed = False
        self._is_ended = False  # by the other side
        self._is_closed = False  # by us
        self._failure: Exception | None = None  # why nothing more can be done

    async def do_handshake(self) -> None:
        """Agree on keys, and on who is who.

        Raises:
            trio.BrokenResourceError: That failed; its cause says why, where TLS has a reason, and the other side
                was told.
        """
        while not self._is_agreed:
            self._check()
            try:
                self.tls.do_handshake()
                self._is_agreed = True
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                self._fail(error)
                with suppress(trio.BrokenResourceError):
                    await self._send_pending()
                self._check()
            await self._send_pending()
            if not self._is_agreed:
                await self._fetch()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return what comes next, nothing once the other side has closed, be it with a word or without.

        A message that is cut short by whoever stands between us is seen by its length, which stands before it.
        """
        await trio.lowlevel.checkpoint()
        while True:
            if found := self._read(max_bytes or READ_SIZE):
                self._fruitless = 0
                return found
            if self._is_ended:
                return b""
            self._check()
            await self._send_pending()  # a new key of ours, if the other side has asked for one
            await self._fetch()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send octets, in one piece."""
        self._check()
        if not data:
            await trio.lowlevel.checkpoint()
            return
        try:
            self.tls.write(data)
        except ssl.SSLError as error:
            self._fail(error)
            self._check()
        await self._send_pending()

    async def wait_send_all_might_not_block(self) -> None:
        """See `trio.abc.SendStream`."""
        self._check()
        await self._below.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Say that we close, also in a task that is cancelled already, and close."""
        if not self._is_closed:
            self.at_end()
        says_so = self._is_agreed and self._failure is None and not self._is_closed
        self._is_closed = True
        try:
            with trio.move_on_after(CLOSING, shield=says_so):
                if says_so:
                    with suppress(ssl.SSLError):  # that the other side has yet to say so, too
                        self.tls.unwrap()
                    with suppress(trio.BrokenResourceError):
                        await self._send_pending()
        finally:
            await self._below.aclose()

    def _read(self, most: int) -> bytes:
        """Return what is there of whole records; notes what stands behind it, be it the end or a fault."""
        if self._is_closed:
            raise trio.ClosedResourceError
        found = bytearray()
        while len(found) < most and not self._is_ended and self._failure is None:
            try:
                data = self.tls.read(most - len(found))
            except ssl.SSLWantReadError:
                break
            except ssl.SSLEOFError:
                self._is_ended = True
            except ssl.SSLError as error:
                self._fail(error)
            else:
                self._is_ended = not data
                found += data
        return bytes(found)

    async def _fetch(self) -> None:
        """Take what has come from below; wait until there is something."""
        if self._fruitless > MAX_FRUITLESS:
            self._fail(trio.BrokenResourceError(f"{self._fruitless} octets of which nothing came"))
            self._check()
        data = await self._below.receive_some(READ_SIZE)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        self._fruitless += len(data)

    async def _send_pending(self) -> None:
        """Send what is encrypted and has not been sent."""
        if not self._outgoing.pending:  # nobody who only reads waits for another who sends
            return
        async with self._turn:
            octets = self._outgoing.read()
            try:
                await self._below.send_all(octets)
            except BaseException:  # nobody knows how much of a record has gone
                self._failure = self._failure or trio.BrokenResourceError("cut off while sending")
                raise

    def _fail(self, error: Exception) -> None:
        error.__traceback__ = None  # it would lead back here, and to all that is held
        self._failure = error

    def _check(self) -> None:
        """Raise what stands in the way of going on."""
        if self._is_closed:
            raise trio.ClosedResourceError
        if self._failure is not None:
            raise trio.BrokenResourceError(str(self._failure)) from self._failure


def encrypt(
    below: trio.abc.Stream,
    context: ssl.SSLContext,
    *,
    server_side: bool = False,
    host: str | None = None,
    session: ssl.SSLSession | None = None,
) -> TlsStream:
    """Put an encrypted stream over another one; `TlsStream.do_handshake` comes next.

    Args:
        below: Carries what is encrypted.
        context: Says what is shown and demanded.
        server_side: Whether the other side begins.
        host: Whom the other side has to be; sent to it, if it is a name.
        session: What to take up again.

    Raises:
        ValueError: The host cannot be one, or the session is of another context.
    """
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        tls = context.wrap_bio(incoming, outgoing, server_side, host, session)
    except TypeError as error:  # of a host with a zero octet in it
        raise ValueError(str(error)) from error
    return TlsStream(below, tls, incoming, outgoing)


@dataclass(frozen=True, slots=True)
class Secured:
    """What a handshake came to, on the side of the server.

    Attributes:
        stream: What is spoken over from now on.
        identity: The name of the client, if it has shown a certificate that is known; else "".
        is_resumed: Whether an earlier handshake was taken up again (RFC 8446 section 2.2).
    """

    stream: TlsStream
    identity: str = ""
    is_resumed: bool = False


Secure = Callable[[trio.abc.Stream], Awaitable[Secured]]  # raises trio.BrokenResourceError; waits as it is let
