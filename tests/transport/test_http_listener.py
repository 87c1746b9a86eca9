"""HTTP over loopback, one request a connection. Each test gives up after 10 s."""

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from transport.endpoint import Endpoint
from transport.http_listener import HttpHandler, HttpLimits, HttpReply, HttpRequest, serve_http
from transport.tcp_listener import open_tcp

LIMITS = HttpLimits()
POST = b"POST /path HTTP/1.1\r\nHost: here\r\nX-Word:  one \r\nContent-Length: 5\r\n\r\nhello"


async def echo(request: HttpRequest) -> HttpReply:
    await trio.lowlevel.checkpoint()
    words = f"{request.method} {request.target} {request.header(b'x-word')} {request.host} ".encode()
    return HttpReply(200, words + request.body)


@asynccontextmanager
async def serving(handler: HttpHandler = echo, limits: HttpLimits = LIMITS) -> AsyncGenerator[tuple[str, int]]:
    with trio.fail_after(10), open_tcp(Endpoint("127.0.0.1", 0)) as sock:
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(serve_http, sock, handler, limits))
            yield sock.getsockname()
            nursery.cancel_scope.cancel()


async def exchange(address: tuple[str, int], octets: bytes) -> bytes:
    """Send something and return all that comes until the server closes."""
    async with await trio.open_tcp_stream(*address) as stream:
        if octets:
            await stream.send_all(octets)
        reply = b""
        while data := await stream.receive_some(10_000):
            reply += data
        return reply


async def test_a_request_is_answered_and_the_connection_closed() -> None:
    async with serving() as address:
        head, _, body = (await exchange(address, POST)).partition(b"\r\n\r\n")
        assert body == b"POST /path one 127.0.0.1 hello"
        assert head.startswith(b"HTTP/1.1 200 ")
        assert b"Content-Length: 30" in head
        assert b"Connection: close" in head


async def test_a_request_may_come_octet_by_octet() -> None:
    async with serving() as address, await trio.open_tcp_stream(*address) as stream:
        for at in range(len(POST)):
            await stream.send_all(POST[at : at + 1])
        assert (await stream.receive_some(1_000)).startswith(b"HTTP/1.1 200 ")


async def test_chunks_are_put_together_and_continue_is_said() -> None:
    head = b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
    async with serving() as address, await trio.open_tcp_stream(*address) as stream:
        await stream.send_all(head)
        assert (await stream.receive_some(1_000)).startswith(b"HTTP/1.1 100 ")
        await stream.send_all(b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n")
        assert (await stream.receive_some(1_000)).endswith(b" hello")


async def test_who_asks_for_the_head_gets_it() -> None:
    async with serving() as address:
        reply = await exchange(address, b"HEAD / HTTP/1.1\r\nHost: here\r\n\r\n")
        assert reply.startswith(b"HTTP/1.1 200 ")
        assert reply.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),  # no Host
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 \r\n\r\n", 400),  # TLS
        (b"GET / HTTP/1.1\r\nHost: here\r\nX: " + b"x" * 2 * LIMITS.head + b"\r\n\r\n", 431),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4097\r\n\r\n" + bytes(4_097), 413),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999\r\nExpect: 100-continue\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    ],
)
async def test_what_is_not_taken_is_refused_with_a_status(octets: bytes, status: int) -> None:
    async with serving() as address:
        assert (await exchange(address, octets)).startswith(f"HTTP/1.1 {status} ".encode())
        assert (await exchange(address, POST)).endswith(b" hello"), "others are served"


@pytest.mark.parametrize("octets", [b"", b"GET / HTTP/1.1\r\nHost: here\r\n", POST[:-1]])
async def test_who_goes_in_the_middle_is_forgotten(octets: bytes) -> None:
    async with serving() as address:
        stream = await trio.open_tcp_stream(*address)
        await stream.send_all(octets or b"\r\n")
        await stream.aclose()
        assert (await exchange(address, POST)).endswith(b" hello")


async def test_a_bug_of_the_handler_ends_one_request() -> None:
    async def failing(request: HttpRequest) -> HttpReply:
        await trio.lowlevel.checkpoint()
        raise ZeroDivisionError(request.target)

    async with serving(failing) as address:
        for _ in range(2):
            reply = await exchange(address, POST)
            assert reply.startswith(b"HTTP/1.1 500 ")
            assert b"path" not in reply


@pytest.mark.parametrize("octets", [b"", POST[:-1], b"GET"])
async def test_nobody_keeps_a_connection_by_being_slow(octets: bytes) -> None:
    async with serving(limits=HttpLimits(receiving=0.05, sending=0.05)) as address:
        assert (await exchange(address, octets)).startswith(b"HTTP/1.1 408 ")


async def test_patience_is_short_when_most_connections_are_taken() -> None:
    async with serving(limits=HttpLimits(connections=5, per_address=5)) as address:
        held = [await trio.open_tcp_stream(*address) for _ in range(4)]
        begun = trio.current_time()
        assert (await exchange(address, b"GET")).startswith(b"HTTP/1.1 408 ")
        assert trio.current_time() - begun < LIMITS.receiving / 2
        for stream in held:
            await stream.aclose()


async def test_who_came_while_there_was_time_has_less_of_it_in_a_crowd() -> None:
    async with serving(limits=HttpLimits(connections=5, per_address=5)) as address:
        first = await trio.open_tcp_stream(*address)
        await first.send_all(b"GET")
        held = [await trio.open_tcp_stream(*address) for _ in range(4)]
        with trio.fail_after(LIMITS.receiving / 2):
            assert (await first.receive_some(100)).startswith(b"HTTP/1.1 408 ")
        for stream in (first, *held):
            await stream.aclose()


async def test_a_handler_that_takes_too_long_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    async def waiting(request: HttpRequest) -> HttpReply:
        del request
        await trio.sleep_forever()
        raise AssertionError

    async with serving(waiting, HttpLimits(answering=0.05)) as address:
        assert (await exchange(address, POST)).startswith(b"HTTP/1.1 504 ")
    assert "event=too-late part=http seconds=0.05" in caplog.text


async def test_connections_are_counted_in_all_and_for_each_address() -> None:
    held: list[trio.SocketStream] = []
    async with serving(limits=HttpLimits(connections=3, per_address=2)) as address:
        for source in ("127.0.0.1", "127.0.0.1", "127.0.0.2"):
            sock = trio.socket.socket()
            await sock.bind((source, 0))
            await sock.connect(address)
            held.append(trio.SocketStream(sock))
        third = trio.socket.socket()
        await third.connect(address)
        with trio.move_on_after(0.05) as waited:
            await third.recv(1)
        assert waited.cancelled_caught, "all places are taken; it waits in the kernel"
        await held.pop().aclose()
        assert await third.recv(1) == b"", "and then its address has its share"
        third.close()
        for stream in held:
            await stream.aclose()
        assert (await exchange(address, POST)).endswith(b" hello")


async def test_what_is_in_hand_is_answered_at_the_end() -> None:
    begun, may_end = trio.Event(), trio.Event()

    async def slow(request: HttpRequest) -> HttpReply:
        begun.set()
        await may_end.wait()
        return HttpReply(200, request.body)

    with trio.fail_after(10), open_tcp(Endpoint("127.0.0.1", 0)) as sock:
        replies: list[bytes] = []

        async def ask() -> None:
            replies.append(await exchange(sock.getsockname(), POST))

        async def end_soon() -> None:
            await wait_all_tasks_blocked()
            may_end.set()

        async with trio.open_nursery() as outer, trio.open_nursery() as nursery:
            await nursery.start(partial(serve_http, sock, slow, LIMITS))
            outer.start_soon(ask)
            await begun.wait()
            nursery.cancel_scope.cancel()
            outer.start_soon(end_soon)
        assert replies[0].endswith(b"hello")


async def test_a_failed_accept_is_tried_again(monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock) -> None:
    del autojump_clock
    failures = [OSError("no descriptors"), OSError("again")]

    class Failing:
        async def accept(self) -> object:
            await trio.lowlevel.checkpoint()
            if failures:
                raise failures.pop()
            await trio.sleep_forever()

    monkeypatch.setattr("transport.http_listener.trio.socket.from_stdlib_socket", lambda _: Failing())
    with socket.socket() as sock:
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(serve_http, sock, echo, LIMITS))
            await trio.sleep(1)
            await wait_all_tasks_blocked()
            assert failures == []
            nursery.cancel_scope.cancel()
