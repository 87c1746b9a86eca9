"""Links: what they ask, of whom, and when they end; in memory and virtual time."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from tests.transport.quic.wires import HERE, THERE, MemoryWay, Stage, credentials, echo, serving
from tests.virtual import virtual
from transport.endpoint import Endpoint
from transport.errors import UnprovenError, UnreachableError
from transport.handler import Caller, Verdict
from transport.proof import Certified, Pinned, Proof, Unproven
from transport.quic.limits import QuicLimits
from transport.quic.link import QuicLink
from transport.quic.way import Way

UNPROVEN = Unproven()


@asynccontextmanager
async def linked(
    stage: Stage, proof: Proof = UNPROVEN, open_way: Callable[[Endpoint], Way] | None = None
) -> AsyncGenerator[tuple[QuicLink, trio.Nursery]]:
    """Run a link; the nursery is for those who ask over it."""
    link = QuicLink(THERE, proof, open_way or stage.open_way)
    async with trio.open_nursery() as running:
        running.start_soon(link.run)
        async with trio.open_nursery() as asking:
            yield link, asking
        running.cancel_scope.cancel()


def _any(_reply: bytes) -> bool:
    return True


@virtual
async def test_ids_are_0_on_the_way_and_restored() -> None:
    seen, replies = list[bytes](), list[bytes]()

    def handler(message: bytes, caller: Caller, now: float) -> Verdict:
        seen.append(message)
        return echo(message, caller, now)

    async with serving(handler) as stage, linked(stage) as (link, asking):

        async def ask(number: int) -> None:
            replies.append(await link.exchange(b"%02d question" % number, _any))

        for number in range(20):
            asking.start_soon(ask, number)
    assert seen == [b"\0\0 question"] * 20
    assert sorted(replies) == [b"%02d question" % number for number in range(20)]


@virtual
async def test_many_are_in_flight_at_once_and_more_wait_for_a_stream() -> None:
    async with serving(jobs=1_000) as stage, linked(stage) as (link, asking):
        for _ in range(250):
            asking.start_soon(link.exchange, b"IDlater", _any)
        await trio.sleep(0.5)
        assert stage.server.connected == 1
        assert stage.service.counts.answered == 0
    assert stage.service.counts.answered == 250
    assert trio.current_time() < 6


@pytest.mark.parametrize("seed", range(5))
@virtual
async def test_all_are_answered_on_a_way_that_loses_and_reorders(seed: int) -> None:
    async with serving(delay=0.02, jitter=0.03, loss=0.1, limits=QuicLimits(whole_message=20)) as stage:
        stage.wire.dice.seed(seed)
        async with linked(stage) as (link, asking):
            replies = list[bytes]()

            async def ask(message: bytes) -> None:
                replies.append(await link.exchange(message, _any))

            for number in range(50):
                asking.start_soon(ask, b"ID%d" % number)
                await trio.sleep(0.01)
            asking.start_soon(ask, b"IDhuge")
        assert len(replies) == 51


@virtual
async def test_a_pin_is_compared_before_anything_is_asked() -> None:
    async with serving() as stage:
        async with linked(stage, Pinned(credentials().chain.pin)) as (link, _):
            assert await link.exchange(b"ID?", _any) == b"ID?"
        async with linked(stage, Pinned(bytes(32))) as (link, _):
            with pytest.raises(UnprovenError, match="has another key"):
                await link.exchange(b"ID?", _any)
            assert not link.connected
            with pytest.raises(UnprovenError):
                await link.exchange(b"ID?", _any)
        assert stage.service.counts.received == 1


@virtual
async def test_a_certificate_is_compared_with_host_and_authority(tmp_path: Path) -> None:
    authorities = tmp_path / "ca.pem"
    authorities.write_bytes(credentials().chain.pem)
    async with serving() as stage:
        for host in ("ns.example", "192.0.2.1"):
            async with linked(stage, Certified(host, authorities)) as (link, _):
                assert await link.exchange(b"ID?", _any) == b"ID?"
        for proof in (
            Certified("other.example", authorities),
            Certified("192.0.2.2", authorities),
            Certified("ns.example"),
        ):
            async with linked(stage, proof) as (link, _):
                with pytest.raises(UnprovenError, match="certificate is not taken"):
                    await link.exchange(b"ID?", _any)
        assert stage.service.counts.received == 2


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_authorities_that_cannot_be_read_are_nobody_else_s_fault(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "authorities.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UnprovenError, match=r"authorities\.pem: certificates of authorities cannot be read: "):
        QuicLink(THERE, Certified("ns.example", file))


@virtual
async def test_who_gives_up_disturbs_nobody_and_the_server_hears_of_it() -> None:
    async with serving() as stage, linked(stage) as (link, asking):
        replies = list[bytes]()

        async def ask() -> None:
            replies.append(await link.exchange(b"IDlater", _any))

        asking.start_soon(ask)
        with trio.move_on_after(0.5) as waiting:
            await link.exchange(b"IDlater?", _any)
        assert waiting.cancelled_caught
        await trio.sleep(2)
        assert replies == [b"IDlater"]
        assert stage.service.counts.cancelled == 1
        assert link._streams == {}


@virtual
async def test_who_gives_up_waiting_for_a_stream_has_asked_nothing() -> None:
    async with serving(jobs=1_000) as stage, linked(stage) as (link, asking):
        for _ in range(100):
            asking.start_soon(link.exchange, b"IDlater", _any)
        await trio.sleep(0.1)
        with trio.move_on_after(0.5):
            async with trio.open_nursery() as impatient:
                for _ in range(50):
                    impatient.start_soon(link.exchange, b"IDlater", _any)
        await trio.sleep(2)
        assert stage.service.counts.received == 100
        assert await link.exchange(b"ID?", _any) == b"ID?"


@virtual
async def test_a_reply_that_is_not_accepted_is_the_last_on_its_stream() -> None:
    async with serving() as stage, linked(stage) as (link, _):
        with pytest.raises(UnreachableError, match="without a reply that is one"):
            await link.exchange(b"ID?", lambda _reply: False)
        assert not link.ended


@virtual
async def test_silence_of_the_handler_is_told() -> None:
    async with serving() as stage, linked(stage) as (link, _):
        with pytest.raises(UnreachableError, match=r"nothing to say to this \(5\)"):
            await link.exchange(b"IDsilent", _any)
        assert await link.exchange(b"ID?", _any) == b"ID?"


@virtual
async def test_a_reply_with_an_id_ends_the_link() -> None:
    async with serving(lambda _message, _caller, _now: b"\0\1?") as stage, linked(stage) as (link, _):
        with pytest.raises(UnreachableError, match="id is not 0"):
            await link.exchange(b"ID?", _any)
        assert link.ended


@virtual
async def test_an_empty_reply_ends_the_link() -> None:
    async with serving() as stage, linked(stage) as (link, asking):
        asking.start_soon(_in_vain, link, "message of 0 octets")
        await trio.sleep(0.1)
        [session] = stage.server._sessions
        session._in_hand.clear()
        session._connection.send_stream_data(0, b"\0\0")
        stage.server.wake(session)
        await trio.sleep(0.1)
        assert link.ended


@virtual
async def test_what_the_library_trips_over_ends_the_link() -> None:
    async with serving() as stage, linked(stage) as (link, asking):
        asking.start_soon(_in_vain, link, "sends what cannot be taken")
        await trio.sleep(0.1)

        def trip(*_args: object) -> None:
            raise AssertionError("as for a frame that nobody expected")

        vars(link._connection)["receive_datagram"] = trip
        await trio.sleep(2)
        assert link.ended


@virtual
async def test_too_much_from_a_server_ends_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transport.quic.link.MAX_HANDSHAKE", 100)
    async with serving() as stage, linked(stage) as (link, _):
        await _in_vain(link, "sends too much: handshake messages")


async def _in_vain(link: QuicLink, reason: str) -> None:
    with pytest.raises(UnreachableError, match=reason):
        await link.exchange(b"IDlater", _any)


@virtual
async def test_nobody_there_is_known_after_a_while() -> None:
    async with serving(loss=1.0) as stage, linked(stage) as (link, _):
        with pytest.raises(UnreachableError, match="no connection within 5 s"):
            await link.exchange(b"ID?", _any)
        assert trio.current_time() < 5.1


@virtual
async def test_no_way_there_is_known_at_once() -> None:
    def no_way(_endpoint: Endpoint) -> Way:
        raise OSError("no route")

    async with serving() as stage, linked(stage, open_way=no_way) as (link, _):
        with pytest.raises(UnreachableError, match="cannot connect: no route"):
            await link.exchange(b"ID?", _any)


@virtual
async def test_a_server_that_goes_silent_is_given_up() -> None:
    async with serving() as stage, linked(stage) as (link, _):
        await link.exchange(b"ID?", _any)
        assert link.connected
        stage.wire.loss = 1.0
        with pytest.raises(UnreachableError, match="gone silent"):
            await link.exchange(b"ID?", _any)
        assert 9 < trio.current_time() < 12


@virtual
async def test_an_idle_link_ends_and_says_good_bye() -> None:
    async with serving() as stage, linked(stage) as (link, _):
        await link.exchange(b"ID?", _any)
        await trio.sleep(10.5)
        assert link.ended
        assert stage.server.connected == 0


@virtual
async def test_leaving_tells_the_server_and_those_who_wait() -> None:
    async with serving() as stage:
        way = MemoryWay(stage.wire)
        link = QuicLink(THERE, Unproven(), lambda _endpoint: way)
        async with trio.open_nursery() as asking:

            async def ask() -> None:
                with pytest.raises(UnreachableError, match="the dialer was closed"):
                    await link.exchange(b"IDlater", _any)

            async with trio.open_nursery() as running:
                running.start_soon(link.run)
                asking.start_soon(ask)
                await trio.sleep(0.5)
                running.cancel_scope.cancel()
        await trio.sleep(0.1)
        assert stage.server.connected == 0
        assert HERE not in stage.wire.clients


@virtual
async def test_garbage_from_the_server_is_passed_over() -> None:
    async with serving() as stage:
        way = MemoryWay(stage.wire)
        async with linked(stage, open_way=lambda _endpoint: way) as (link, _):
            await link.exchange(b"ID?", _any)
            for garbage in (
                b"",
                b"\0",
                b"\x40" + bytes(1_200),
                b"\xc0" + bytes(1_200),
                b"\xf0\0\0\0\1\0\0" + bytes(30),
            ):
                stage.wire.clients[HERE](garbage)
            assert await link.exchange(b"ID!", _any) == b"ID!"


@virtual
async def test_more_than_there_are_places_for_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transport.quic.link.MAX_IN_FLIGHT", 2)
    async with serving() as stage, linked(stage) as (link, asking):
        for _ in range(2):
            asking.start_soon(link.exchange, b"IDlater", _any)
        await trio.sleep(0.1)
        with pytest.raises(UnreachableError, match="2 exchanges are in flight"):
            await link.exchange(b"ID?", _any)
