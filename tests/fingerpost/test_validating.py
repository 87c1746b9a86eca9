"""The daemon when its disk fails: nobody is told that something was done, and it goes on."""

import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
import trio
import trio.testing

from fingerpost import validating
from fingerpost.validating import Office
from root.validator.desk import Answer, Delivery
from root.validator.refusals import OK, UNAVAILABLE
from tests.fulldisk import full_disk
from tests.root.validator.office import Office as Desked
from tests.root.validator.office import office as desked
from tests.zonedata.builders import NOW
from transport.clock import Clock
from transport.endpoint import Endpoint
from transport.http_listener import HttpLimits, HttpReply, HttpRequest
from transport.tcp_listener import open_tcp
from zonedata import identifiers
from zonedata.validator_requests import Action, Outcome, Reply


class FullDisk:
    """A desk and a register in one, on a disk that is full for so many sweeps."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.sweeps = 0
        self.tidied = trio.Event()

    def sweep(self, _: float) -> int:
        self.sweeps += 1
        if self.sweeps <= self.failures:
            raise OSError("disk full")
        return 2 if self.sweeps == self.failures + 1 else 0

    def tidy(self) -> None:
        trio.from_thread.run_sync(self.tidied.set)


def office(disk: FullDisk) -> Office:
    return Office("vera.example", cast("Any", disk), cast("Any", disk), cast("Any", None), ())


class Failing:
    """A deliverer that fails, after a while."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    async def deliver(self, _: Delivery) -> bool:
        await trio.sleep(self.seconds)
        return False


def at_work(vera: Desked, seconds: float = 0) -> Callable[[bytes], Awaitable[HttpReply]]:
    """Return what answers requests: a desk on a disk, and a deliverer that fails after so many seconds of 30."""
    failing = cast("Any", Failing(seconds))
    made = Office("vera.example", vera.desk, vera.register, failing, (), {"e164": 30})
    take = partial(validating._take, made, Clock.starting_at(NOW), trio.CapacityLimiter(1))
    return lambda wire: take(HttpRequest("POST", "/", (), wire, "192.0.2.1"))


@pytest.fixture
def vera(tmp_path: Path) -> Iterator[Desked]:
    made = desked(tmp_path / "register")
    yield made
    made.register.close()


async def test_a_request_that_could_not_be_written_is_refused(
    vera: Desked, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), full_disk():
        reply = await at_work(vera)(vera.asker.wire(Action.KEEP, "ann", NOW))
    assert reply.status == UNAVAILABLE
    assert Reply.from_wire(reply.body).outcome is Outcome.REFUSED
    failed, logged = caplog.messages
    assert failed.startswith("event=register-failed reason=")
    assert logged == "event=request action=keep status=503 outcome=refused why=register"


async def test_what_is_refused_is_logged_with_what_it_was_and_why(
    vera: Desked, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        await at_work(vera)(b"rubbish")
        await at_work(vera)(vera.asker.wire(Action.CONFIRM, "ann", NOW, code="12345678"))
        await at_work(vera)(vera.asker.wire(Action.STATUS, "ann", NOW))
    assert caplog.messages == [
        "event=request action=none status=400 outcome=refused why=malformed",
        "event=request action=confirm status=403 outcome=refused why=no-code",
        "event=request action=status status=200 outcome=none",
    ]


@pytest.mark.parametrize(("seconds", "statuses"), [(29, [502] * 6), (30, [502] * 4 + [429] * 2)])
async def test_a_code_that_surely_reached_nobody_keeps_nobody_waiting(
    vera: Desked,
    seconds: float,
    statuses: list[int],
    autojump_clock: trio.testing.MockClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    del autojump_clock  # time passes at once
    take = at_work(vera, seconds)
    with caplog.at_level(logging.INFO):
        assert [(await take(vera.asker.wire(Action.CLAIM, "ann", NOW))).status for _ in range(6)] == statuses
    assert "event=request action=claim status=502 outcome=refused why=undelivered" in caplog.messages


async def test_a_name_is_told_without_asking_the_register() -> None:
    take = partial(validating._take, office(FullDisk()), Clock(), trio.CapacityLimiter(1))
    named = await take(HttpRequest("GET", "/", (), b"", "192.0.2.1"))
    assert (named.status, named.body) == (OK, b"vera.example\n")


async def test_the_first_requests_do_not_wait_for_all_that_is_due() -> None:
    class Busy:
        sweeps = 0

        def sweep(self, _: float) -> int:
            self.sweeps += 1
            return 500

    busy = Busy()
    made = Office("vera.example", cast("Any", busy), cast("Any", busy), cast("Any", None), ())
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            await nursery.start(validating._sweep, made, Clock(), trio.CapacityLimiter(1))
            nursery.cancel_scope.cancel()
    assert busy.sweeps


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
