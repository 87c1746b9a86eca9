"""One pipelined connection to a server, shared by everybody who asks there.

Each message gets an id of its own for the way, unpredictable and unique among those in flight, and its reply
gets the old one back. Replies come in any order; who gives up on one disturbs no other.

Left out: which endpoint has which link, and trying again (dialer). Deadlines of exchanges are the callers'.
"""

import secrets
from collections.abc import Awaitable, Callable

import trio

from transport.endpoint import Endpoint
from transport.errors import UnprovenError, UnreachableError, kind_of
from transport.framing import Deframer, FramingError, frame

ID = 2  # octets of id at the start of a message
IDS = 1 << 16
MAX_IN_FLIGHT = 4_096  # exchanges on one link; a sixteenth of all ids, so that a free one is found at once
MAX_REPLIES = 4  # replies held for one exchange that has yet to look at them; more from one server is noise
READ_SIZE = 65_536  # octets a read; replies may be large, and what reads them is ours
CONNECT_PATIENCE = 5.0  # seconds; nobody waits longer for a whole look-up
QUIET = 10.0  # seconds without an octet from there, idle or not: servers close by then, or they are dead

Accept = Callable[[bytes], bool]  # whether this is the reply; never raises


class StreamLink:
    """A link that connects when it is run, and carries exchanges until it ends; never a second time.

    Messages are sent by the link's own task, so a caller who is cancelled leaves no half message behind.

    Attributes:
        connected: Whether it got as far as being connected.
        ended: Whether it is over; `exchange` then only raises.

    Args:
        endpoint: Who is there, for errors.
        connect: Makes the stream; raises OSError, `trio.BrokenResourceError` or `UnprovenError`.
    """

    def __init__(self, endpoint: Endpoint, connect: Callable[[], Awaitable[trio.abc.Stream]]) -> None:
        self._endpoint = endpoint.to_text()
        self._connect = connect
        self._waiting: dict[int, trio.MemorySendChannel[bytes]] = {}  # entries leave with their exchange
        self._outbox: dict[int, bytes] = {}  # framed, not yet sent; entries leave with their exchange
        self._asked = trio.lowlevel.ParkingLot()  # the writer waits here
        self._expecting = False  # whether anything was asked since we last heard something
        self._since = trio.current_time()  # when we last heard something, or first asked after that
        self._patience = trio.CancelScope()  # around each read
        self._reason = "the dialer was closed"
        self._failure: type[UnreachableError] = (
            UnreachableError  # or the kind of it that says that somebody else is there
        )
        self.connected = False
        self.ended = False

    async def exchange(self, message: bytes, accept: Accept) -> bytes:
        """Send a message and return the reply that is accepted.

        Raises:
            UnreachableError: The link ended first, or has too many exchanges in flight.
            UnprovenError: Whoever is there did not prove who they are.
            CrowdedError: There is no descriptor left here for a connection.
        """
        assert len(message) >= ID, "a message starts with its id"
        if self.ended:
            raise self._failure(self._endpoint, self._reason)
        if len(self._waiting) >= MAX_IN_FLIGHT:
            raise UnreachableError(self._endpoint, f"{MAX_IN_FLIGHT} exchanges are in flight already")
        own = self._free_id()
        self._outbox[own] = frame(own.to_bytes(ID) + message[ID:])
        send, receive = trio.open_memory_channel[bytes](MAX_REPLIES)
        self._waiting[own] = send
        self._asked.unpark_all()
        self._expect()
        try:
            async for reply_untrusted in receive:
                reply = message[:ID] + reply_untrusted[ID:]
                if accept(reply):
                    return reply
        finally:
            del self._waiting[own]
            self._outbox.pop(own, None)
            send.close()
            receive.close()
        raise self._failure(self._endpoint, self._reason)

    async def run(self) -> None:
        """Connect and carry messages until the link ends; whoever still waits is told why."""
        try:
            self._reason = await self._connect_and_carry()
        finally:
            self.ended = True
            for channel in self._waiting.values():
                channel.close()

    async def _connect_and_carry(self) -> str:
        """Return why it ended."""
        try:
            with trio.fail_after(CONNECT_PATIENCE):
                stream = await self._connect()
        except trio.TooSlowError:
            return f"no connection within {CONNECT_PATIENCE:.0f} s"
        except UnprovenError as error:
            self._failure = UnprovenError
            return error.reason
        except (OSError, trio.BrokenResourceError) as error:
            if isinstance(error, OSError):
                self._failure = kind_of(error)
            return f"cannot connect: {error}"
        self.connected = True
        reason = "the link broke while sending"
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write_messages, stream, nursery.cancel_scope)
                reason = await self._read_replies(stream)
                nursery.cancel_scope.cancel()
        finally:
            await trio.aclose_forcefully(stream)
        return reason

    async def _write_messages(self, stream: trio.abc.Stream, link: trio.CancelScope) -> None:
        while True:
            while not self._outbox:
                await self._asked.park()
            octets = b"".join(self._outbox.values())
            self._outbox.clear()
            try:
                await stream.send_all(octets)
            except trio.BrokenResourceError:
                link.cancel()

    async def _read_replies(self, stream: trio.abc.Stream) -> str:
        """Return why there are no more."""
        deframer = Deframer()
        self._since = trio.current_time()
        while True:
            with trio.CancelScope(deadline=self._since + QUIET) as self._patience:
                try:
                    data = await stream.receive_some(READ_SIZE)
                except trio.BrokenResourceError:
                    return "the link broke"
                if not data:
                    return "closed by the other side"
                self._expecting = False
                if self._waiting:  # what nobody asked for keeps no link open
                    self._since = trio.current_time()
                deframer.feed(data)
                try:
                    self._deliver_untrusted(deframer)
                except FramingError as error:
                    return str(error)
                continue
            return f"nothing heard for {QUIET:.0f} s"

    def _deliver_untrusted(self, replies: Deframer) -> None:
        for reply in replies:
            channel = self._waiting.get(int.from_bytes(reply[:ID])) if len(reply) >= ID else None
            if channel is None:
                continue  # nobody asked, or whoever did has given up
            try:
                channel.send_nowait(reply)
            except trio.WouldBlock:
                continue  # MAX_REPLIES says why

    def _expect(self) -> None:
        """Something is asked: the other side has QUIET from now, unless it already owes us something."""
        if not self._expecting:
            self._expecting = True
            self._since = trio.current_time()
            self._patience.deadline = self._since + QUIET

    def _free_id(self) -> int:
        own = secrets.randbelow(IDS)
        while own in self._waiting:
            own = secrets.randbelow(IDS)
        return own


async def connect_stream(endpoint: Endpoint) -> trio.abc.Stream:
    """Connect over TCP.

    Raises:
        OSError: It is refused, or there is no way there.
    """
    sock = trio.socket.socket(endpoint.family, trio.socket.SOCK_STREAM)
    try:
        await sock.connect((endpoint.host, endpoint.port))
    except BaseException:
        sock.close()
        raise
    return trio.SocketStream(sock)
