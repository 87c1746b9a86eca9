"""A link over loopback without encryption, and in virtual time over streams in memory."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing
from trio.testing import MockClock, memory_stream_pair

from tests.transport.http2.serving import Listener, serving
from transport.errors import UnprovenError, UnreachableError
from transport.handler import Caller
from transport.http2.limits import Http2Limits
from transport.http2.messages import LaterResponse, Request, Response
from transport.http2.routes import Route, Routes
from transport.oblivious.http_link import PAUSE, SECONDS, HttpLink

HERE = "relay.example"
POST = Request("POST", "/echo", body=b"hello")
HELD = Request("POST", "/held", body=b"x")


def echo(request: Request, _caller: Caller, _now: float) -> Response:
    return Response(200, (), request.body)


ROUTES = Routes({"/echo": Route(echo, ("POST",), 100)})


@asynccontextmanager
async def linked(http: Http2Limits | None = None) -> AsyncGenerator[tuple[HttpLink, Listener]]:
    async with serving(ROUTES, http=http) as listener:

        async def connect() -> trio.abc.Stream:
            return await trio.open_tcp_stream(listener.endpoint.host, listener.endpoint.port)

        async with HttpLink(HERE, connect).running() as link:
            yield link, listener


async def test_all_who_ask_share_a_connection() -> None:
    with trio.fail_after(10):
        async with linked() as (link, listener), trio.open_nursery() as nursery:
            for _ in range(50):
                nursery.start_soon(link.request, POST)
        assert listener.service.counts.accepted == 1
        assert listener.service.counts.answered == 50


class Held:
    """A server whose answers are held back until somebody says so, and a link to it.

    Attributes:
        begun: Released with each request that is held.
        tries: Connections that were asked for.
        noticed: What was said of them.
    """

    def __init__(self, most: int) -> None:
        self.begun = trio.Semaphore(0)
        self.go_on = trio.Event()
        self.tries = 0
        self.noticed: list[str] = []
        self._most = most

    def _hold(self, _request: Request, _caller: Caller, _now: float) -> LaterResponse:
        async def work() -> Response:
            self.begun.release()
            await self.go_on.wait()
            return Response(200)

        return LaterResponse(work)

    @asynccontextmanager
    async def linked(self) -> AsyncGenerator[HttpLink]:
        """Open it: ten requests at a time on each connection; further ones than so many break."""
        routes = Routes({"/echo": Route(echo, ("POST",), 100), "/held": Route(self._hold, ("POST",), 100)})
        async with serving(routes, http=Http2Limits(streams=10)) as listener:

            async def connect() -> trio.abc.Stream:
                self.tries += 1
                if self.tries > self._most:
                    raise trio.BrokenResourceError
                return await trio.open_tcp_stream(listener.endpoint.host, listener.endpoint.port)

            async with HttpLink(HERE, connect, 3, self.noticed.append).running() as link:
                assert (await link.request(POST)).status == 200
                yield link


async def test_where_all_connections_are_full_there_is_another_up_to_a_bound() -> None:
    held = Held(4)
    with trio.fail_after(10):
        async with held.linked() as link, trio.open_nursery() as nursery:
            for count in range(1, 31):
                nursery.start_soon(link.request, HELD)
                await held.begun.acquire()
                assert held.tries == (count + 9) // 10
                if count < 30:
                    assert (await link.request(POST)).status == 200, "nobody waits for who waits"
            nursery.start_soon(link.request, POST)
            await trio.testing.wait_all_tasks_blocked()
            assert held.tries == 3
            held.go_on.set()


async def test_a_further_connection_that_cannot_be_had_is_done_without() -> None:
    held = Held(1)
    with trio.fail_after(10):
        async with held.linked() as link, trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(link.request, HELD)
                await held.begun.acquire()
            for _ in range(5):
                nursery.start_soon(link.request, POST)
                await trio.testing.wait_all_tasks_blocked()
            assert held.tries == 2, "and no third within a moment"
            assert held.noticed == [""], "somebody is there"
            held.go_on.set()


async def test_a_connection_that_is_over_is_followed_by_another() -> None:
    with trio.fail_after(10):
        async with linked(Http2Limits(streams_in_all=3)) as (link, listener):
            for _ in range(10):
                assert (await link.request(POST)).body == b"hello"
            assert 3 <= listener.service.counts.accepted <= 5


async def test_a_status_is_a_response() -> None:
    with trio.fail_after(10):
        async with linked() as (link, _):
            assert (await link.request(Request("GET", "/gone"))).status == 404


class Nobody:
    """Counts how often it was tried to connect."""

    def __init__(self, error: Exception) -> None:
        self.tries = 0
        self._error = error

    async def connect(self) -> trio.abc.Stream:
        self.tries += 1
        await trio.lowlevel.checkpoint()
        raise self._error


@pytest.mark.parametrize(
    "error",
    [OSError(111, "Connection refused"), UnprovenError(HERE, "has another key"), trio.BrokenResourceError()],
)
async def test_where_nobody_is_is_tried_once_a_moment(error: Exception, autojump_clock: MockClock) -> None:
    del autojump_clock
    nobody, noticed = Nobody(error), list[str]()
    async with HttpLink(HERE, nobody.connect, notice=noticed.append).running() as link:
        for _ in range(20):
            with pytest.raises(UnreachableError, match=r"cannot connect|nobody was there"):
                await link.request(POST)
        assert nobody.tries == 1
        await trio.sleep(PAUSE)
        with pytest.raises(UnreachableError):
            await link.request(POST)
        assert nobody.tries == len(noticed) == 2
    assert all(reason.startswith("cannot connect") for reason in noticed)


async def test_who_takes_and_says_nothing_is_waited_for_so_long(autojump_clock: MockClock) -> None:
    del autojump_clock
    kept: list[trio.abc.Stream] = []

    async def connect() -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        ours, theirs = memory_stream_pair()
        kept.append(theirs)
        return ours

    async with HttpLink(HERE, connect).running() as link:
        begun = trio.current_time()
        with pytest.raises(UnreachableError, match="in time"):
            await link.request(POST)
        assert trio.current_time() - begun == pytest.approx(SECONDS)
    assert len(kept) == 1, "what may have been looked at is not sent again"


async def test_a_link_that_is_not_open_reaches_nobody() -> None:
    link = HttpLink(HERE, Nobody(OSError()).connect)
    with pytest.raises(UnreachableError, match="not open"):
        await link.request(POST)
