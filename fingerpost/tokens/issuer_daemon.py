"""The daemon of an issuer: requests for tokens over HTTP, its directory, and tomorrow's keys.

Signing takes some milliseconds for each token and granting a write to disk, so both happen in one thread, a few
messages at a time: a client with a thousand does not keep one with a single token waiting.
"""

import logging
import secrets
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import trio

from fingerpost.logfmt import quoted
from fingerpost.tokens import issuer_keys
from fingerpost.tokens.issuer_clients import ClientsFile
from transport.clock import Clock
from transport.http_listener import HttpLimits, HttpReply, HttpRequest, serve_http
from transport.tokens import issuing
from transport.tokens.database import DatabaseError
from transport.tokens.directory import MEDIA_TYPE, WELL_KNOWN, Directory
from transport.tokens.grants import Grants
from transport.tokens.issuing import (
    BATCH_RESPONSE_TYPE,
    BATCH_TYPE,
    MAX_BATCH,
    MAX_BODY,
    REQUEST_PATH,
    REQUEST_TYPE,
    RESPONSE_TYPE,
    Batch,
    Refusal,
    SigningKey,
)
from transport.tokens.tokens import REQUEST_OCTETS
from zonedata.errors import ConfigError

AT_A_TIME = 8  # messages of one client that are signed before others have their turn; below 0.1 s
MAX_IN_HAND = 5_000  # messages of all clients: in turns, all are signed within some 40 s, well below `answering`
SWEEP_EVERY = 3_600.0  # seconds; keys are made days in advance
LIMITS = HttpLimits(body=MAX_BODY, receiving=30.0, answering=120.0, sending=30.0)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Office:
    """An issuer with everything it needs.

    Attributes:
        folder: Of its keys.
        ahead: Days for which they are made in advance.
        clients: Whom it knows.
        grants: What they have had.
        keys: As they were loaded last.
        busy: Clients whose request is in hand, and how many messages it has; each has one at a time.
    """

    folder: Path
    ahead: int
    clients: ClientsFile
    grants: Grants
    keys: tuple[SigningKey, ...] = ()
    busy: dict[str, int] = field(default_factory=dict)

    def sweep(self, now: float) -> None:
        """Make keys that will be needed, drop those that count no more, and forget what was granted of these.

        Raises:
            ConfigError: A key cannot be used.
            OSError: A file cannot be written.
            DatabaseError: The grants cannot be written.
        """
        for path in issuer_keys.drop(self.folder, now):
            log.info("event=key-dropped file=%s", quoted(path))
        for path in issuer_keys.make(self.folder, self.ahead, now):
            log.info("event=key-made file=%s", quoted(path))
        self.keys = issuer_keys.load(self.folder)
        self.grants.forget(now)

    def directory(self, now: float) -> Directory:
        """Return what the issuer says of itself."""
        return issuer_keys.directory_of(self.keys, now)


async def run(office: Office, sockets: list[socket.socket], is_ready: Callable[[], None]) -> None:
    """Work until SIGTERM or SIGINT; the office was swept once."""
    clock = Clock()
    one_at_a_time = trio.CapacityLimiter(1)
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:
            handler = partial(take, office, clock.now, one_at_a_time)
            for sock in sockets:
                await nursery.start(partial(serve_http, sock, handler, LIMITS))
            nursery.start_soon(sweep, office, clock, one_at_a_time)
            is_ready()
            async for number in signals:
                log.info("event=stopping signal=%s", signal.Signals(number).name)
                break
            nursery.cancel_scope.cancel()


async def sweep(office: Office, clock: Clock, limiter: trio.CapacityLimiter) -> None:
    """See to keys and grants each hour, for ever."""
    while True:
        await trio.sleep(SWEEP_EVERY)
        try:
            await trio.to_thread.run_sync(office.sweep, clock.now(), limiter=limiter)
        except (ConfigError, OSError, DatabaseError) as error:  # the keys at hand last for days
            log.error("event=sweep-failed reason=%s", quoted(error))  # noqa: TRY400 - what is wrong stands in the text


async def take(
    office: Office, now: Callable[[], float], limiter: trio.CapacityLimiter, request: HttpRequest
) -> HttpReply:
    """Answer one request."""
    if request.target == WELL_KNOWN:
        if request.method not in {"GET", "HEAD"}:
            return HttpReply(405, b"GET it\n", headers=(("Allow", "GET, HEAD"),))
        return HttpReply(200, office.directory(now()).to_json(), MEDIA_TYPE)
    if request.target != REQUEST_PATH:
        return HttpReply(404, f"there are {WELL_KNOWN} and {REQUEST_PATH}\n".encode())
    if request.method != "POST":
        return HttpReply(405, b"POST it\n", headers=(("Allow", "POST"),))
    return await _issue(office, now, limiter, request)


async def _issue(
    office: Office, now: Callable[[], float], limiter: trio.CapacityLimiter, request: HttpRequest
) -> HttpReply:
    client = issuing.client_of(request.header(b"authorization"), office.clients.clients())
    if client is None:
        refused = HttpReply(401, b"a client's secret is needed\n", headers=(("WWW-Authenticate", "Bearer"),))
        return _logged(refused, "", "why=client")
    kind = request.header(b"content-type").lower()
    most = {REQUEST_TYPE: 1, BATCH_TYPE: MAX_BATCH}.get(kind)
    if most is None:
        return _logged(
            HttpReply(415, f"expected {REQUEST_TYPE} or {BATCH_TYPE}\n".encode()), client.name, "why=type"
        )
    if client.name in office.busy:
        reply = HttpReply(503, b"one request at a time\n", headers=(("Retry-After", "5"),))
        return _logged(reply, client.name, "why=busy")
    count = len(request.body) // REQUEST_OCTETS
    if sum(office.busy.values()) + count > MAX_IN_HAND:  # to begin what nobody waits for at its end helps nobody
        reply = HttpReply(503, b"too many ask at this time\n", headers=(("Retry-After", "60"),))
        return _logged(reply, client.name, "why=crowded")
    office.busy[client.name] = count
    try:
        look = partial(issuing.admit, client, request.body, most, office.keys, office.grants, now())
        admitted = await trio.to_thread.run_sync(look, limiter=limiter)
        if isinstance(admitted, Refusal):
            reply = HttpReply(admitted.status, admitted.reason.encode() + b"\n")
            return _logged(reply, client.name, f"why={admitted.why}")
        signed = await _signed(admitted, limiter)
    except DatabaseError as error:
        log.error("event=grants-failed reason=%s", quoted(error))  # noqa: TRY400 - what is wrong stands in the text
        return _logged(HttpReply(503, b"nothing can be granted now\n"), client.name, "why=grants")
    finally:
        del office.busy[client.name]
    told = f"tokens={len(admitted.messages)} left={admitted.left}{'' if admitted.is_new else ' again=yes'}"
    return _logged(HttpReply(200, signed, RESPONSE_TYPE if most == 1 else BATCH_RESPONSE_TYPE), client.name, told)


async def _signed(batch: Batch, limiter: trio.CapacityLimiter) -> bytes:
    """Sign a batch, some messages at a time."""
    signed = []
    for at in range(0, len(batch.messages), AT_A_TIME):
        some = partial(issuing.sign, batch, batch.messages[at : at + AT_A_TIME], secrets.token_bytes)
        signed.append(await trio.to_thread.run_sync(some, limiter=limiter))
    return b"".join(signed)


def _logged(reply: HttpReply, client: str, told: str) -> HttpReply:
    log.info("event=request action=issue status=%d client=%s %s", reply.status, client or "unknown", told)
    return reply
