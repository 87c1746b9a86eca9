"""What an encrypted stream does at its end, and with what comes to nothing."""

import ssl
from pathlib import Path

import pytest
import trio
from trio.testing import MemoryReceiveStream, MemorySendStream, memory_stream_pair

from tests.transport.tls import keyupdates
from tests.transport.tls.keyupdates import APPLICATION_DATA, NOT_REQUESTED, REQUESTED, Writer
from tests.transport.tls.shaking import Shaken, credentials, shake, trusting
from transport.tls.server import ServerTls
from transport.tls.stream import CLOSING, MAX_FRUITLESS, READ_SIZE, TlsStream


async def _shaken(place: Path, context: ssl.SSLContext | None = None) -> Shaken:
    return await shake(ServerTls(credentials(place)), context or trusting("dot"))


@pytest.mark.parametrize("is_forced", [False, True])
async def test_closing_is_said(tmp_path: Path, is_forced: bool) -> None:
    shaken = await _shaken(tmp_path)
    await shaken.carry()
    with trio.CancelScope() as scope:
        if is_forced:
            scope.cancel()
        await shaken.secured.stream.aclose()
    assert await shaken.client.receive_some(10) == b""  # raises where it was not said
    with pytest.raises(trio.ClosedResourceError):
        await shaken.secured.stream.receive_some(10)
    with pytest.raises(trio.ClosedResourceError):
        await shaken.secured.stream.send_all(b"more")
    await shaken.secured.stream.aclose()


async def test_a_client_that_just_closes_has_ended_the_stream(tmp_path: Path) -> None:
    shaken = await _shaken(tmp_path)
    await shaken.client.send_all(b"last")
    await shaken.client.transport_stream.aclose()
    assert await shaken.secured.stream.receive_some(10) == b"last"
    assert await shaken.secured.stream.receive_some(10) == b""
    await shaken.secured.stream.aclose()


async def test_a_client_that_says_so_first_has_ended_it_too(tmp_path: Path) -> None:
    shaken = await _shaken(tmp_path)
    await shaken.client.aclose()
    assert await shaken.secured.stream.receive_some(10) == b""


async def test_what_was_altered_on_the_way_breaks_it(tmp_path: Path) -> None:
    shaken = await _shaken(tmp_path)
    await shaken.carry()
    await shaken.client.transport_stream.send_all(b"\x17\x03\x03\x00\x20" + bytes(32))
    with pytest.raises(trio.BrokenResourceError):
        await shaken.secured.stream.receive_some(10)


async def test_closing_waits_for_nobody(
    tmp_path: Path,
    autojump_clock: trio.testing.MockClock,  # noqa: ARG001 - virtual time by asking for it
) -> None:
    """The other side takes nothing any more."""
    shaken = await _shaken(tmp_path)
    await shaken.carry()

    async def stuck() -> None:
        await trio.sleep_forever()

    shaken.secured.stream._below = trio.StapledStream(MemorySendStream(send_all_hook=stuck), MemoryReceiveStream())
    begun = trio.current_time()
    await trio.aclose_forcefully(shaken.secured.stream)
    assert trio.current_time() - begun == pytest.approx(CLOSING)


async def test_a_write_is_one_piece(tmp_path: Path) -> None:
    shaken = await _shaken(tmp_path)
    stream, pieces = shaken.secured.stream, list[int]()
    assert isinstance(stream, TlsStream)
    below = stream._below

    async def note() -> None:
        await trio.lowlevel.checkpoint()
        pieces.append(1)

    stream._below = trio.StapledStream(MemorySendStream(send_all_hook=note), MemoryReceiveStream())
    await stream.send_all(b"x" * 40_000)  # three records
    stream._below = below
    assert pieces == [1]


async def test_a_read_is_as_much_as_has_come(tmp_path: Path) -> None:
    """Clients send a record for each question; a turn of the event loop for each would cost more than the rest."""
    shaken = await _shaken(tmp_path)
    for number in range(10):
        await shaken.client.send_all(b"%d" % number)
    assert await shaken.secured.stream.receive_some(7) == b"0123456"
    assert await shaken.secured.stream.receive_some(7) == b"789"


async def test_what_came_before_a_fault_is_given_first(tmp_path: Path) -> None:
    shaken = await _shaken(tmp_path)
    await shaken.client.send_all(b"sound")
    await shaken.client.transport_stream.send_all(b"\x17\x03\x03\x00\x20" + bytes(32))
    assert await shaken.secured.stream.receive_some(100) == b"sound"
    for _ in range(2):
        with pytest.raises(trio.BrokenResourceError):
            await shaken.secured.stream.receive_some(100)
    with pytest.raises(trio.BrokenResourceError):
        await shaken.secured.stream.send_all(b"reply")
    await shaken.secured.stream.aclose()


async def test_half_a_record_ends_what_can_be_sent(tmp_path: Path) -> None:
    shaken = await _shaken(tmp_path)

    async def stuck() -> None:
        await trio.sleep_forever()

    shaken.secured.stream._below = trio.StapledStream(MemorySendStream(send_all_hook=stuck), MemoryReceiveStream())
    with trio.move_on_after(0.01):
        await shaken.secured.stream.send_all(b"cut off")
    with pytest.raises(trio.BrokenResourceError, match="cut off while sending"):
        await shaken.secured.stream.send_all(b"more")


async def test_a_reader_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    shaken = await _shaken(tmp_path)
    stream = shaken.secured.stream
    begun, below = trio.Event(), stream._below

    async def stuck() -> None:
        begun.set()
        await trio.sleep_forever()

    assert isinstance(below, trio.StapledStream)
    stream._below = trio.StapledStream(MemorySendStream(send_all_hook=stuck), below.receive_stream)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.send_all, b"reply")
        await begun.wait()
        await shaken.client.send_all(b"question")
        with trio.fail_after(5):
            assert await stream.receive_some(100) == b"question"
        nursery.cancel_scope.cancel()


async def test_a_client_that_is_refused_is_told_why(tmp_path: Path) -> None:
    server, there = memory_stream_pair()
    client = trio.SSLStream(there, trusting(newest=ssl.TLSVersion.TLSv1_2))
    async with trio.open_nursery() as nursery:

        async def serve() -> None:
            with pytest.raises(trio.BrokenResourceError):
                await ServerTls(credentials(tmp_path)).handshake(server)

        nursery.start_soon(serve)
        with pytest.raises(trio.BrokenResourceError) as caught:
            await client.do_handshake()
    assert getattr(caught.value.__cause__, "reason", "") == "TLSV1_ALERT_PROTOCOL_VERSION"


# --- octets of which nothing comes -----------------------------------------------------------------------------


async def _client_by_hand(place: Path) -> tuple[Shaken, Writer]:
    context = trusting("dot")
    context.keylog_filename = str(place / "keys")
    shaken = await _shaken(place, context)
    cipher = shaken.client.cipher()
    assert cipher is not None
    assert cipher[0] == keyupdates.CIPHER
    return shaken, Writer(keyupdates.client_secret(place / "keys"))


@pytest.mark.parametrize("request_", [NOT_REQUESTED, REQUESTED])
async def test_a_key_may_be_updated(tmp_path: Path, request_: int) -> None:
    shaken, writer = await _client_by_hand(tmp_path)
    for number in range(50):
        update = writer.key_update(request_)
        await shaken.client.transport_stream.send_all(update + writer.record(APPLICATION_DATA, b"%d" % number))
        assert await shaken.secured.stream.receive_some(10) == b"%d" % number
        await shaken.secured.stream.send_all(b"reply")
        assert await shaken.client.receive_some(10) == b"reply"


@pytest.mark.parametrize("request_", [NOT_REQUESTED, REQUESTED])
async def test_a_flood_of_key_updates_is_broken_off(tmp_path: Path, request_: int) -> None:
    shaken, writer = await _client_by_hand(tmp_path)
    sent = 0
    while sent <= MAX_FRUITLESS + READ_SIZE:
        update = writer.key_update(request_)
        await shaken.client.transport_stream.send_all(update)
        sent += len(update)
    with trio.fail_after(10), pytest.raises(trio.BrokenResourceError, match="of which nothing came"):
        await shaken.secured.stream.receive_some(10)


async def test_a_slow_flood_is_no_better(tmp_path: Path) -> None:
    """Each octet by itself, each read cancelled: what counts is what has come of them."""
    shaken, writer = await _client_by_hand(tmp_path)
    with pytest.raises(trio.BrokenResourceError, match="of which nothing came"):  # noqa: PT012 - it ends in either place
        while True:
            await shaken.client.transport_stream.send_all(b"".join(writer.key_update(0) for _ in range(100)))
            with trio.move_on_after(0):
                await trio.lowlevel.checkpoint()
            with trio.CancelScope() as scope:
                scope.deadline = trio.current_time() + 0.001
                await shaken.secured.stream.receive_some(10)


async def test_large_messages_are_no_flood(tmp_path: Path) -> None:
    shaken = await _shaken(tmp_path)
    octets, came = b"x" * (4 * MAX_FRUITLESS), 0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(shaken.client.send_all, octets)
        while came < len(octets):
            came += len(await shaken.secured.stream.receive_some(4_096))
