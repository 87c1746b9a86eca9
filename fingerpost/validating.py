"""The daemon of a validator: requests over HTTP to its desk, codes on their way, and what is due when it is due.

The desk writes through to the disk, so it works in a thread, one request after the other.
"""

import logging
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import trio

from fingerpost import forwarded
from fingerpost.delivery import Deliverer
from fingerpost.logfmt import quoted
from root.validator.desk import OK, UNAVAILABLE, Answer, Desk
from root.validator.store import RegisterWriter
from transport.clock import Clock
from transport.http_listener import HttpLimits, HttpReply, HttpRequest, serve_http
from zonedata.validator_requests import Outcome, Reply

SWEEP_EVERY = 5.0  # seconds between looks at what is due; no deadline needs to be met more exactly
TIDY_EVERY = 720  # sweeps, so once an hour
BAD_GATEWAY = 502
CONTENT_TYPE = "application/vnd.fingerpost.validator"
TOO_LATE = HttpReply(504, Reply(Outcome.REFUSED, "it took too long; try again later").to_wire(), CONTENT_TYPE)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Office:
    """A validator with everything it needs.

    Attributes:
        name: Its own.
        desk: What decides.
        register: Tidied now and then; changed by the desk.
        deliverer: How codes reach people.
        proxies: Addresses whose X-Forwarded-For is believed.
    """

    name: str
    desk: Desk
    register: RegisterWriter
    deliverer: Deliverer
    proxies: tuple[str, ...]


async def run(office: Office, sockets: list[socket.socket], is_ready: Callable[[], None]) -> None:
    """Work until SIGTERM or SIGINT."""
    clock = Clock()
    one_at_a_time = trio.CapacityLimiter(1)
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:
            handler = partial(_take, office, clock, one_at_a_time)
            await trio.to_thread.run_sync(office.desk.begin, limiter=one_at_a_time)
            await nursery.start(_sweep, office, clock, one_at_a_time)
            for sock in sockets:
                await nursery.start(partial(serve_http, sock, handler, HttpLimits(), too_late=TOO_LATE))
            is_ready()
            async for _ in signals:
                break
            nursery.cancel_scope.cancel()


async def _sweep(
    office: Office,
    clock: Clock,
    limiter: trio.CapacityLimiter,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Do what is due, the first time before anything else."""
    is_started, rounds = False, 0
    while True:
        done = total = 0
        try:
            while done := await trio.to_thread.run_sync(office.desk.sweep, clock.now(), limiter=limiter):
                total += done
            rounds += 1
            if rounds % TIDY_EVERY == 0:
                await trio.to_thread.run_sync(office.register.tidy, limiter=limiter)
        except OSError as error:
            log.error("event=sweep-failed reason=%s", quoted(error))  # noqa: TRY400 - it says where by itself
        if total:
            log.info("event=renewed count=%d", total)
        if not is_started:
            is_started = True
            task_status.started()
        await trio.sleep(SWEEP_EVERY)


async def _take(office: Office, clock: Clock, limiter: trio.CapacityLimiter, request: HttpRequest) -> HttpReply:
    """Answer one HTTP request."""
    if request.method == "GET":
        return HttpReply(OK, f"{office.name}\n".encode())
    if request.method != "POST":
        return HttpReply(405, b"POST a request, or GET the validator's name\n", headers=(("Allow", "GET, POST"),))
    host = _client(request, office.proxies)
    try:
        answer = await trio.to_thread.run_sync(office.desk.handle, request.body, host, clock.now(), limiter=limiter)
    except OSError as error:
        log.error("event=register-failed reason=%s", quoted(error))  # noqa: TRY400 - it says where by itself
        answer = Answer(UNAVAILABLE, Reply(Outcome.REFUSED, "the register cannot be written; try again later"))
    if answer.delivery is not None and not await office.deliverer.deliver(answer.delivery):
        reason = "the code could not be delivered; try again later"
        answer = Answer(BAD_GATEWAY, Reply(Outcome.REFUSED, reason), event="undelivered")
    log.info(
        "event=request action=%s status=%d outcome=%s", answer.event, answer.status, answer.reply.outcome.value
    )
    return HttpReply(answer.status, answer.reply.to_wire(), CONTENT_TYPE)


def _client(request: HttpRequest, proxies: tuple[str, ...]) -> str:
    """Return whose request it is: of a proxy of ours, the address that it added to those it was told."""
    if request.host not in proxies:
        return request.host
    try:
        return forwarded.address_of(request.header(b"x-forwarded-for"))
    except ValueError:
        forwarded.complain_of(request.host)
        return request.host
