"""A resolver of two workers as real processes: a token counts once, whichever is asked, over kills and restarts."""

import os
import secrets
import signal
import time
from pathlib import Path

import trio

from tests.certificates import write_certificate
from tests.fingerpost.daemons import running
from tests.fingerpost.household import RESOLVER, Household
from tests.transport.tokens.mint import CHALLENGE, signing_key, token
from transport.dialer import SocketDialer
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.handler import Protocol
from transport.proof import Certified
from transport.tokens.authentication import authorization
from transport.tokens.directory import Directory
from transport.tokens.keys import start_of_period
from transport.tokens.tokens import Token
from zonedata import names, wire
from zonedata.wire import QType

MORE = """
[process]
workers = 2

[tls]
certificate = "tls.crt"
key = "tls.key"

[tokens]
issuer = "issuer.example"
origin = "resolver.example"
directory = "directory.json"
spent = "spent"
capacity = 1024
"""
ELSEWHERE = names.from_text("example.")  # another apex than the resolver's, so it answers at once
CONNECTIONS = 12  # each goes to either worker


async def paid(port: int, one: Token) -> bool:
    """Ask over a connection of its own; return whether the token counted."""
    field = (b"authorization", authorization(one).encode())
    query = wire.query_wire(names.from_text("nobody."), ELSEWHERE, QType.CSI, secrets.randbelow(65_536), 0)
    with trio.fail_after(10):
        async with SocketDialer(lambda: (field,)) as dialer:
            proof = Certified("localhost", Path("tls.crt"))
            try:
                reply = await dialer.exchange(
                    Endpoint("127.0.0.1", port), Protocol.HTTPS, query, lambda _: True, proof=proof
                )
            except UnreachableError as error:
                assert "401" in error.reason, error  # noqa: PT017 - its other reasons are as good as any failure
                return False
    return reply is not None


async def counted(port: int, one: Token) -> int:
    """Show a token over many connections at once; return how often it counted."""
    outcomes: list[bool] = []

    async def show() -> None:
        outcomes.append(await paid(port, one))

    async with trio.open_nursery() as nursery:
        for _ in range(CONNECTIONS):
            nursery.start_soon(show)
    return sum(outcomes)


def test_a_token_counts_once_over_workers_kills_and_restarts(house: Household) -> None:
    key = signing_key(0, start_of_period(time.time()))
    house.root()
    write_certificate(house.folder)
    Path("directory.json").write_bytes(Directory("/", (key.listed,)).to_json())
    text = RESOLVER.replace("[resolver]", 'https = ["127.0.0.1#0"]\n\n[resolver]')
    house.write("resolver.toml", text + 'root = ["127.0.0.1#1"]\n' + MORE)
    one, other = (token(key, CHALLENGE) for _ in "12")
    with running("resolver.toml") as resolver:
        assert trio.run(counted, resolver.doors.https, one) == 1
        for worker in resolver.workers():
            os.kill(worker, signal.SIGKILL)
        resolver.wait_logged("event=worker-started", 4)
        assert trio.run(counted, resolver.doors.https, one) == 0
        for process in (resolver.process.pid, *resolver.workers()):
            os.kill(process, signal.SIGKILL)
    with running("resolver.toml") as again:
        assert trio.run(counted, again.doors.https, one) == 0
        assert trio.run(counted, again.doors.https, other) == 1
        status, log = again.end()
    assert status == 0
    assert "tokens_redeemed=1" in log
