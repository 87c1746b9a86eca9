"""Asking in DNS over HTTPS, over streams in memory and in virtual time."""

# ruff: noqa: ARG001 - a test has virtual time by asking for `autojump_clock`, and needs no more of it

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import trio
from h2.errors import ErrorCodes
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.transport.http2.hosts import Host
from transport.endpoint import Endpoint
from transport.errors import UnprovenError, UnreachableError
from transport.http2.doh import MEDIA_TYPE
from transport.http2.doh_link import DohLink, authority_of
from transport.http2.frame_gate import goaway
from transport.proof import Certified, Pinned, Proof, Unproven
from transport.resource import Resource

THERE = Endpoint("192.0.2.1", 443)
QUESTION = b"ID" + bytes(10) + b"?"
TYPE = (b"content-type", MEDIA_TYPE)


@asynccontextmanager
async def linked(*hosts: Host) -> AsyncGenerator[tuple[DohLink, trio.Nursery]]:
    """Run a link that finds these hosts, one for each connection; the nursery is for those who ask over it."""
    left = list(hosts)

    async def connect() -> trio.abc.Stream:
        return await left.pop(0).connect()

    link = DohLink(THERE, connect, "host.example:8443", Resource("/q"))
    async with trio.open_nursery() as running:
        running.start_soon(link.run)
        async with trio.open_nursery() as nursery:
            yield link, nursery
        running.cancel_scope.cancel()


async def _ask(link: DohLink, replies: list[bytes], message: bytes = QUESTION) -> None:
    replies.append(await link.exchange(message, lambda _: True))


async def test_a_question_goes_without_its_id_and_the_reply_has_it(autojump_clock: MockClock) -> None:
    host, replies = Host(), list[bytes]()
    async with linked(host) as (link, nursery):
        nursery.start_soon(_ask, link, replies)
        stream = await host.next_request()
        assert host.bodies[stream] == bytes(2) + QUESTION[2:]
        head = host.heads[stream]
        assert (head[b":method"], head[b":path"], head[b":authority"]) == (b"POST", b"/q", b"host.example:8443")
        assert (head[b"content-type"], head[b"accept"]) == (MEDIA_TYPE, MEDIA_TYPE)
        await host.reply(stream, bytes(2) + b"reply", 200, TYPE)
        await wait_all_tasks_blocked()
        assert link.connected
    assert replies == [b"IDreply"]
    assert link.ended


async def test_a_token_goes_with_the_question_and_stands_in_no_text(autojump_clock: MockClock) -> None:
    host, replies, resource = Host(), list[bytes](), Resource(bearer="secret")
    link = DohLink(THERE, host.connect, "host.example", resource)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.run)
        nursery.start_soon(_ask, link, replies)
        stream = await host.next_request()
        assert host.heads[stream][b"authorization"] == b"Bearer secret"
        await host.reply(stream, bytes(2), 200, TYPE)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert replies == [b"ID"]
    assert "secret" not in repr(resource)


@pytest.mark.parametrize(
    ("status", "headers", "body", "reason"),
    [
        (503, (TYPE,), bytes(12), "HTTP status 503$"),
        (401, (TYPE,), bytes(12), "HTTP status 401: no token that counts here"),
        (200, ((b"content-type", b"text/html"),), bytes(12), "not application/dns-message"),
        (200, (TYPE,), b"ID" + bytes(10), "an id that was not sent"),
        (200, (TYPE,), bytes(2) + b"other", "something else"),
        (200, (TYPE,), bytes(70_000), "more than 65535 octets"),
    ],
)
async def test_what_is_no_reply_is_an_error(
    autojump_clock: MockClock, status: int, headers: tuple[tuple[bytes, bytes], ...], body: bytes, reason: str
) -> None:
    host = Host()
    async with linked(host) as (link, nursery):

        async def ask() -> None:
            with pytest.raises(UnreachableError, match=reason):
                await link.exchange(QUESTION, lambda reply: reply == b"IDreply")

        nursery.start_soon(ask)
        await host.reply(await host.next_request(), body, status, *headers)


async def test_a_server_that_goes_away_is_asked_over_a_new_connection(autojump_clock: MockClock) -> None:
    first, second, replies = Host(), Host(), list[bytes]()
    async with linked(first, second) as (link, nursery):
        nursery.start_soon(_ask, link, replies, b"1-" + QUESTION[2:])
        taken = await first.next_request()
        nursery.start_soon(_ask, link, replies, b"2-" + QUESTION[2:])
        await first.next_request()
        await first.say(goaway(taken, ErrorCodes.NO_ERROR))
        await second.reply(await second.next_request(), bytes(2), 200, TYPE)
        await wait_all_tasks_blocked()
        nursery.start_soon(_ask, link, replies, b"3-" + QUESTION[2:])
        await second.reply(await second.next_request(), bytes(2), 200, TYPE)
        await wait_all_tasks_blocked()
        assert replies == [b"2-", b"3-"]
        await first.reply(taken, bytes(2), 200, TYPE)
    assert replies == [b"2-", b"3-", b"1-"]


async def test_a_server_that_sends_everybody_away_is_not_asked_for_ever(autojump_clock: MockClock) -> None:
    hosts = [Host(), Host(), Host()]
    async with linked(*hosts) as (link, nursery):

        async def ask() -> None:
            with pytest.raises(UnreachableError, match="going away"):
                await link.exchange(QUESTION, lambda _: True)

        nursery.start_soon(ask)
        for host in hosts[:2]:
            await host.next_request()
            await host.say(goaway(0, ErrorCodes.NO_ERROR))


async def test_a_link_ends_with_its_last_connection(autojump_clock: MockClock) -> None:
    host = Host()
    async with linked(host) as (link, _nursery):
        await trio.sleep(11)
        assert link.ended
        with pytest.raises(UnreachableError, match="nothing heard for 10 s"):
            await link.exchange(QUESTION, lambda _: True)


@pytest.mark.parametrize(
    ("endpoint", "proof", "authority"),
    [
        (THERE, Certified("dns.example"), "dns.example"),
        (THERE, Unproven(), "192.0.2.1"),
        (Endpoint("192.0.2.1", 8_443), Certified("dns.example"), "dns.example:8443"),
        (Endpoint("2001:db8::1", 8_443), Pinned(bytes(32)), "[2001:db8::1]:8443"),
        (Endpoint("192.0.2.1", 443), Certified("2001:db8::1"), "[2001:db8::1]"),
    ],
)
def test_a_server_is_named_as_in_uris(endpoint: Endpoint, proof: Proof, authority: str) -> None:
    assert authority_of(endpoint, proof) == authority


class SomebodyElseError(UnreachableError):
    """Stands for one that encryption raises."""


async def test_what_kind_of_failure_connecting_was_is_kept(autojump_clock: MockClock) -> None:
    async def meet() -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        raise SomebodyElseError("192.0.2.1#443", "has another key")

    link = DohLink(THERE, meet, "host.example")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.run)
        with pytest.raises(SomebodyElseError, match="has another key"):
            await link.exchange(QUESTION, lambda _: True)
    with pytest.raises(SomebodyElseError):
        await link.exchange(QUESTION, lambda _: True)


async def test_a_link_that_cannot_connect_says_why(autojump_clock: MockClock) -> None:
    async def refuse() -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        raise ConnectionRefusedError(111, "Connection refused")

    link = DohLink(THERE, refuse, "host.example")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.run)
        with pytest.raises(UnreachableError, match="Connection refused"):
            await link.exchange(QUESTION, lambda _: True)
    assert (link.connected, link.ended) == (False, True)


async def test_who_does_not_prove_who_they_are_is_told_apart() -> None:
    async def refuse() -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        raise UnprovenError(THERE.to_text(), "has another key")

    link = DohLink(THERE, refuse, "host.example")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.run)
        with pytest.raises(UnprovenError, match="has another key"):
            await link.exchange(QUESTION, lambda _: True)
    assert link.ended
