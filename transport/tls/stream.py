"""An encrypted stream that serves as any other, once its handshake is over (TLS 1.3, RFC 8446).

What trio's SSLStream leaves to its users is decided here: who just closes the connection has ended it, as with
plain TCP; we say that we close, if that costs no waiting; and what comes must come to something. TLS has messages
that only change keys (KeyUpdate), and octets of them without end would keep a core busy while whoever reads the
stream never sees one.
"""

import ssl
from collections.abc import Awaitable, Callable
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


class Metered(trio.abc.Stream):
    """Stands below the encryption and counts what comes.

    Attributes:
        fruitless: Octets that have come since whoever reads was given any.
    """

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self.fruitless = 0

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Read from the stream below; break off when too much has come of which nothing came."""
        del max_bytes  # SSLStream has no wish
        if self.fruitless > MAX_FRUITLESS:
            raise trio.BrokenResourceError(f"{self.fruitless} octets of which nothing came")
        data = await self._stream.receive_some(READ_SIZE)
        self.fruitless += len(data)
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send what is encrypted already."""
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """See `trio.abc.SendStream`."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the stream below."""
        await self._stream.aclose()


def let_go(encrypted: trio.SSLStream[Metered]) -> None:
    """Free what a stream holds that is closed, or whose handshake failed.

    An SSLStream refers to itself, so it would stay until the garbage collector comes, which waits for many objects
    and not for large ones: each of these has some tens of KB that it cannot see.
    """
    vars(encrypted).clear()


class TlsStream(trio.abc.Stream):
    """An encrypted stream whose handshake is over.

    Args:
        encrypted: Over a `Metered`.
    """

    def __init__(self, encrypted: trio.SSLStream[Metered]) -> None:
        self._open: trio.SSLStream[Metered] | None = encrypted  # None once it is closed
        self._meter = encrypted.transport_stream

    @property
    def _encrypted(self) -> trio.SSLStream[Metered]:
        if self._open is None:
            raise trio.ClosedResourceError
        return self._open

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Return what comes next, nothing once the other side has closed, be it with a word or without.

        A message that is cut short by whoever stands between us is seen by its length, which stands before it.
        """
        try:
            data = await self._encrypted.receive_some(max_bytes)
        except trio.BrokenResourceError as error:
            if isinstance(error.__cause__, ssl.SSLEOFError):
                return b""
            raise
        self._meter.fruitless = 0
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send octets, in one piece with whatever the handshake left to be sent."""
        await self._encrypted.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """See `trio.abc.SendStream`."""
        await self._encrypted.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Say that we close, also in a task that is cancelled already, and close."""
        encrypted, self._open = self._open, None
        if encrypted is None:
            await trio.lowlevel.checkpoint()
            return
        try:
            with trio.move_on_after(CLOSING, shield=True):
                await encrypted.aclose()
        finally:
            let_go(encrypted)


@dataclass(frozen=True, slots=True)
class Secured:
    """What a handshake came to, on the side of the server.

    Attributes:
        stream: What is spoken over from now on.
        identity: The name of the client, if it has shown a certificate that is known; else "".
        is_resumed: Whether an earlier handshake was taken up again (RFC 8446 section 2.2).
    """

    stream: trio.abc.Stream
    identity: str = ""
    is_resumed: bool = False


Secure = Callable[[trio.abc.Stream], Awaitable[Secured]]  # raises trio.BrokenResourceError; waits as it is let
