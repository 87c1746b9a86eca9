"""The other side of a client, done by hand with h2."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import trio
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset
from h2.settings import SettingCodes
from trio.testing import memory_stream_pair

from transport.http2.client import Http2Client
from transport.http2.limits import ClientLimits

LIMITS = ClientLimits()


class Host:
    """A server: says what it was asked, and answers what a test likes."""

    def __init__(self, streams: int = 100) -> None:
        self.ours, self.stream = memory_stream_pair()
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        self.h2.local_settings[SettingCodes.MAX_CONCURRENT_STREAMS] = streams
        self.h2.local_settings.acknowledge()
        self.h2.initiate_connection()
        self.heads: dict[int, dict[bytes, bytes]] = {}
        self.bodies: dict[int, bytes] = {}
        self.resets: list[int] = []
        self.whole: list[int] = []

    async def connect(self) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        return self.ours

    async def flush(self) -> None:
        if octets := self.h2.data_to_send():
            await self.stream.send_all(octets)

    async def hear(self) -> None:
        """Take what the client sends next."""
        octets = await self.stream.receive_some(65_536)
        assert octets, "the client has gone"
        for event in self.h2.receive_data(bytes(octets)):
            match event:
                case RequestReceived():
                    self.heads[event.stream_id] = dict(event.headers)
                    self.bodies[event.stream_id] = b""
                case DataReceived():
                    self.bodies[event.stream_id] += event.data
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                case StreamEnded():
                    self.whole.append(event.stream_id)
                case StreamReset():
                    self.resets.append(event.stream_id)
                case _:
                    pass
        await self.flush()

    async def next_request(self) -> int:
        """Return the stream of the next request that is whole."""
        while not self.whole:
            await self.hear()
        return self.whole.pop(0)

    async def hear_reset(self) -> int:
        """Return the stream that the client resets next."""
        while not self.resets:
            await self.hear()
        return self.resets.pop(0)

    async def reply(self, stream: int, body: bytes = b"", status: int = 200, *more: tuple[bytes, bytes]) -> None:
        self.h2.send_headers(stream, [(b":status", b"%d" % status), *more], end_stream=not body)
        while body:
            while not (room := min(self.h2.local_flow_control_window(stream), 16_384)):
                await self.flush()
                await self.hear()
            self.h2.send_data(stream, body[:room], end_stream=room >= len(body))
            body = body[room:]
        await self.flush()

    async def say(self, octets: bytes) -> None:
        await self.flush()
        await self.stream.send_all(octets)


@asynccontextmanager
async def asking(host: Host, limits: ClientLimits = LIMITS) -> AsyncGenerator[tuple[Http2Client, trio.Nursery]]:
    """Run a client; the nursery is for those who ask over it."""
    client = Http2Client("192.0.2.1#443", "host.example", host.connect, limits)
    async with trio.open_nursery() as running:
        running.start_soon(client.run)
        async with trio.open_nursery() as nursery:
            yield client, nursery
        running.cancel_scope.cancel()
