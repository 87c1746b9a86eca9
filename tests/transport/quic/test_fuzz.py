"""Datagrams that were changed on the way, and frames of clients that mean harm: nothing of it ends the server."""

import random
from typing import Any

import pytest
import trio

from tests.transport.quic.wires import HERE, Raw, Stage, serving
from tests.virtual import virtual
from transport.endpoint import Endpoint
from transport.framing import frame

QUERY = b"\0\0?"
FRAMES = [*range(0x20), 0x30, 0x31, 0x40, 0x3FFF]  # types of RFC 9000, of datagrams, and two that nobody knows


async def _is_served(stage: Stage, port: int) -> bool:
    client = Raw(stage.wire, Endpoint("203.0.113.1", port))
    await client.connect()
    stream = client.ask(QUERY)
    await client.settle()
    client.connection.close()
    await client.settle()
    return client.replies == {stream: frame(QUERY)}


def _changed(datagram: bytes, dice: random.Random) -> bytes:
    octets = bytearray(datagram)
    for _ in range(dice.randint(1, 4)):
        match dice.randrange(4):
            case 0:
                octets[dice.randrange(len(octets))] ^= 1 << dice.randrange(8)
            case 1:
                del octets[dice.randrange(1, len(octets) + 1) :]
            case 2:
                octets += dice.randbytes(dice.randrange(50))
            case _:
                at = dice.randrange(len(octets))
                octets[at : at + 8] = dice.randbytes(8)
        if not octets:
            break
    return bytes(octets)


@pytest.mark.parametrize("seed", range(4))
@virtual
async def test_changed_copies_of_every_datagram_disturb_nobody(seed: int) -> None:
    dice = random.Random(seed)
    async with serving() as stage:
        client = Raw(stage.wire)
        send = stage.wire.send_to_server

        def send_with_copies(datagram: bytes, source: Endpoint) -> None:
            for _ in range(3):
                send(_changed(datagram, dice), source)
            send(datagram, source)
            send(datagram, source)

        stage.wire.send_to_server = send_with_copies  # type: ignore[method-assign]  # somebody on the way
        await client.connect()
        for _ in range(20):
            client.ask(QUERY)
            await client.settle()
        assert len(client.ended) == 20
        assert stage.service.counts.failed == 0


@virtual
async def test_frames_of_any_kind_end_one_connection_at_most() -> None:
    dice = random.Random(9250)
    async with serving() as stage:
        for number, kind in enumerate(FRAMES * 4):
            client = Raw(stage.wire, Endpoint(HERE.host, 1_024 + number))
            await client.connect()
            content = dice.randbytes(dice.choice([0, 1, 2, 3, 8, 20, 100]))

            def write(
                builder: Any, *_: object, kind: int = kind, content: bytes = content, **_words: object
            ) -> None:
                builder.start_frame(kind, capacity=1 + len(content)).push_bytes(content)

            client.connection._write_ping_frame = write
            for _ in range(3):
                client.connection.send_ping(1)
                client.ask(QUERY)
                await client.settle()
            client.connection.close()
            await client.settle()
        assert await _is_served(stage, 1)
        assert stage.service.counts.failed == 0
        await trio.sleep(20)
        assert stage.is_bare()
