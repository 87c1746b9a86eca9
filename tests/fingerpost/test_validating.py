"""The daemon when its disk fails: nobody is told that something was done, and it goes on."""

import logging
from dataclasses import replace
from functools import partial
from typing import Any, cast

import pytest
import trio

from fingerpost import validating
from fingerpost.validating import Office
from root.validator.desk import OK, UNAVAILABLE, Answer, Delivery
from transport.clock import Clock
from transport.endpoint import Endpoint
from transport.http_listener import HttpLimits, HttpReply, HttpRequest
from transport.tcp_listener import open_tcp
from zonedata import identifiers
from zonedata.validator_requests import Outcome, Reply


class FullDisk:
    """A desk and a register in one, on a disk that is full for so many sweeps."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.sweeps = 0
        self.tidied = trio.Event()

    def handle(self, *_: object) -> None:
        raise OSError("disk full")

    def sweep(self, _: float) -> int:
        self.sweeps += 1
        if self.sweeps <= self.failures:
            raise OSError("disk full")
        return 2 if self.sweeps == self.failures + 1 else 0

    def tidy(self) -> None:
        trio.from_thread.run_sync(self.tidied.set)


def office(disk: FullDisk) -> Office:
    return Office("vera.example", cast("Any", disk), cast("Any", disk), cast("Any", None), ())


async def test_a_request_that_could_not_be_written_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    request = HttpRequest("POST", "/", (), b"wire", "192.0.2.1")
    take = partial(validating._take, office(FullDisk()), Clock(), trio.CapacityLimiter(1))
    with caplog.at_level(logging.INFO):
        reply: HttpReply = await take(request)
    assert reply.status == UNAVAILABLE
    assert Reply.from_wire(reply.body).outcome is Outcome.REFUSED
    assert "event=register-failed" in caplog.text
    named = await take(HttpRequest("GET", "/", (), b"", "192.0.2.1"))
    assert (named.status, named.body) == (OK, b"vera.example\n")


async def test_a_sweep_that_failed_is_tried_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validating, "SWEEP_EVERY", 0.001)
    monkeypatch.setattr(validating, "TIDY_EVERY", 3)
    disk = FullDisk(failures=2)
    with caplog.at_level(logging.INFO), trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            await nursery.start(validating._sweep, office(disk), Clock(), trio.CapacityLimiter(1))
            await disk.tidied.wait()
            assert disk.sweeps >= 6, "two that failed, one of work and the look after it, two without"
            nursery.cancel_scope.cancel()
    assert caplog.text.count("event=sweep-failed") == 2
    assert caplog.text.count("event=renewed count=2") == 1


class Stuck:
    """A desk that sends a code, and a deliverer who does not come back, in one."""

    def begin(self) -> None:
        pass

    def sweep(self, _: float) -> int:
        return 0

    def handle(self, *_: object) -> Answer:
        return Answer(OK, Reply(Outcome.SENT), Delivery(identifiers.parse("+14155550123"), "12345678"))

    async def deliver(self, _: Delivery) -> bool:
        await trio.sleep_forever()
        raise AssertionError


async def test_a_recipient_understands_that_it_took_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = cast("Any", Stuck())
    monkeypatch.setattr(validating, "HttpLimits", partial(HttpLimits, answering=0.01))
    with open_tcp(Endpoint("127.0.0.1", 0)) as sock, trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            ready = trio.Event()
            vera = replace(office(stuck), deliverer=stuck)
            nursery.start_soon(validating.run, vera, [sock], ready.set)
            await ready.wait()
            async with await trio.open_tcp_stream(*sock.getsockname()) as stream:
                await stream.send_all(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\n\r\n")
                octets = b"".join([piece async for piece in stream])
            nursery.cancel_scope.cancel()
    head, _, body = octets.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 504 ")
    assert Reply.from_wire(body) == Reply(Outcome.REFUSED, "it took too long; try again later")
