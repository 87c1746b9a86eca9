"""The relay's shell, with listeners that are none."""

import logging
import os
import signal

import pytest
import trio
from trio.testing import MockClock

from fingerpost import relaying
from tests.transport.oblivious.people import ANSWER, CLIENT, NOW, QUERY, World
from transport.handler import Caller, Protocol
from transport.http2.messages import LaterResponse, Request, RequestHandler, Response


class InMemoryServer:
    """A listener without sockets: whoever has it can ask."""

    def __init__(self) -> None:
        self.handler: RequestHandler | None = None

    async def serve(
        self, handler: RequestHandler, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        self.handler = handler
        task_status.started()
        try:
            await trio.sleep_forever()
        finally:
            self.handler = None

    async def ask(self, request: Request) -> Response:
        assert self.handler is not None, "it is serving"
        answer = self.handler(request, Caller(CLIENT, Protocol.HTTPS), NOW)
        assert isinstance(answer, LaterResponse)
        return await answer.work()


async def test_a_relay_serves_until_it_is_told_to_end_and_says_how_many_there_were(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world, servers, ready, reloads = World(), [InMemoryServer(), InMemoryServer()], trio.Event(), list[int]()
    with caplog.at_level(logging.INFO), trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(
                relaying.run, world.relay, [one.serve for one in servers], ready.set, lambda: reloads.append(1)
            )
            await ready.wait()
            for one in servers:
                assert await world.client(relay=one.ask).exchange(QUERY, NOW) == ANSWER
            assert caplog.text == ""
            os.kill(os.getpid(), signal.SIGHUP)
            os.kill(os.getpid(), signal.SIGTERM)
    assert [one.handler for one in servers] == [None, None]
    assert reloads == [1], "and it went on after that"
    (line,) = caplog.messages
    assert line.startswith("event=statistics forwarded=2 answered=2 refused=0 ")
    assert CLIENT.host not in line


async def test_counts_are_told_each_hour(caplog: pytest.LogCaptureFixture, autojump_clock: MockClock) -> None:
    del autojump_clock
    with caplog.at_level(logging.INFO), trio.move_on_after(3.5 * relaying.COUNTS_EVERY):
        await relaying.run(World().relay, [], lambda: None, lambda: None)
    assert len(caplog.messages) == 3


def test_the_way_to_the_gateway_is_told_of_when_it_changes(caplog: pytest.LogCaptureFixture) -> None:
    watch = relaying.GatewayWatch()
    with caplog.at_level(logging.INFO):
        for reason in ("", "refused", "refused", "another key", "", ""):
            watch.notice(reason)
    assert caplog.messages == [
        "event=gateway-unreachable reason=refused",
        'event=gateway-unreachable reason="another key"',
        "event=gateway-reached",
    ]
