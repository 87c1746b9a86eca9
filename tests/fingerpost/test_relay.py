"""A relay as a real program, between a client and a gateway in this process; all in TLS over loopback."""

import re
import signal
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
import trio

from fingerpost import oblivious_keys
from fingerpost.oblivious_keys import FileRing
from resolver.private_ways import ObliviousDialer, RelayWay
from tests.certificates import write_certificate
from tests.fingerpost.daemons import running_web
from tests.fingerpost.encrypted import shown
from tests.fingerpost.household import Household
from tests.fingerpost.obliviously import CLIENT, RELAY, client
from transport.clock import Clock
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.handler import Caller, Later, Protocol
from transport.http2.doh import PATH, doh_route
from transport.http2.listener import serve_https
from transport.http2.routes import Route, Routes
from transport.later import LaterPool
from transport.oblivious import places
from transport.oblivious.client import ObliviousExchange
from transport.oblivious.gateway import Gateway, GatewayCounts
from transport.oblivious.relay import MAX_OF_ONE
from transport.oblivious.seen import Seen
from transport.oblivious.sizes import MAX_SEALED_REQUEST
from transport.oblivious.target import sealed_target
from transport.proof import Certified
from transport.slots import StreamLimits
from transport.tcp_listener import open_tcp
from transport.tls.credentials import read_chain, read_key
from transport.tls.server import ServerTls
from transport.tls.stream import Alpn

QUERY = b"\x12\x34\1\0\0\1\0\0\0\0\0\0\x013\x012\x011\4e164\0\xff\1\0\1"
SLOW = QUERY[:-4] + b"\0\x10\0\1"  # what nobody ever answers


@dataclass
class RunningGateway:
    """A gateway in this process, and what its target was given.

    Attributes:
        held: Released with each question that is not answered.
    """

    port: int
    asked: list[tuple[bytes, Caller]] = field(default_factory=list)
    held: trio.Semaphore = field(default_factory=lambda: trio.Semaphore(0))
    counts: GatewayCounts = field(default_factory=GatewayCounts)

    @property
    def authority(self) -> str:
        return f"localhost:{self.port}"

    async def never(self) -> bytes | None:
        self.held.release()
        await trio.sleep_forever()
        return None


@asynccontextmanager
async def gateway() -> AsyncGenerator[RunningGateway]:
    """Serve one with real sockets, its keys in a file."""
    certificate, key = write_certificate(Path(), stem="gateway")
    file, clock = Path("oblivious.keys"), Clock()
    oblivious_keys.make(file, bytes(32), clock.now())
    tls = ServerTls(read_key(key, read_chain(certificate)))
    with open_tcp(Endpoint("127.0.0.1", 0)) as sock, Seen(64) as seen:
        port = sock.getsockname()[1]
        here = RunningGateway(port)

        def answer(message: bytes, caller: Caller, _now: float) -> bytes | Later:
            here.asked.append((message, caller))
            return Later(here.never) if message == bytes(2) + SLOW[2:] else message + b"answer"

        target = sealed_target(Routes({PATH: doh_route(answer)}))
        one = Gateway(here.authority, FileRing(file), seen, target)
        here.counts = one.counts
        routes = Routes({places.WELL_KNOWN: Route(one.handle, ("GET", "POST"), MAX_SEALED_REQUEST)})
        async with LaterPool(1_000, each=1_000).running() as later, trio.open_nursery() as nursery:
            secure = partial(tls.handshake, alpn=Alpn.H2)
            serve = partial(serve_https, limits=StreamLimits(), secure=secure)
            await nursery.start(serve, sock, routes, clock, later)
            yield here
            nursery.cancel_scope.cancel()


async def test_a_relay_hides_who_asks_and_sees_not_what(house: Household) -> None:
    write_certificate(house.folder, stem="relay")
    with trio.fail_after(30):
        async with gateway() as there:
            house.write("relay.toml", RELAY.format(port=there.port))
            with running_web("relay.toml", "relay") as relay:
                async with client(relay.port, there.port, there.authority) as one:
                    for number in range(5):
                        question = number.to_bytes(2) + QUERY[2:]
                        assert await one.exchange(question, Clock().now()) == question + b"answer"
                assert await trio.to_thread.run_sync(relay.end) == 0
                text = relay.log
    assert [message for message, _ in there.asked] == [bytes(2) + QUERY[2:]] * 5
    assert {caller.endpoint.host for _, caller in there.asked} == {"127.0.0.1"}, "the relay, and not the client"
    assert CLIENT not in text
    assert "event=statistics forwarded=5 answered=5 refused=0" in text
    assert len(re.findall("^time=", text, re.MULTILINE)) == text.count("\n") == 4


async def test_who_asks_what_takes_long_keeps_nobody_from_asking(house: Household) -> None:
    """Three clients, each within its rate, ask what is never answered; one of them is named, and may do more."""
    write_certificate(house.folder, stem="relay")

    async def ask_in_vain(one: ObliviousExchange) -> None:
        with suppress(UnreachableError):
            await one.exchange(SLOW, Clock().now())

    with trio.fail_after(30):
        async with gateway() as there:
            house.write("relay.toml", RELAY.format(port=there.port) + 'clients = ["127.0.0.80 1000"]\n')
            with running_web("relay.toml", "relay") as relay:
                ports = relay.port, there.port, there.authority
                async with (
                    client(*ports) as honest,
                    client(*ports, "127.0.0.78") as second,
                    client(*ports, "127.0.0.79") as third,
                    client(*ports, "127.0.0.80") as named,
                    trio.open_nursery() as nursery,
                ):
                    await honest.exchange(QUERY, Clock().now())
                    for one, count in ((second, 90), (third, 90), (named, 60)):
                        for _ in range(count):
                            nursery.start_soon(ask_in_vain, one)
                    for _ in range(2 * MAX_OF_ONE + 60):
                        await there.held.acquire()
                    with trio.fail_after(2):
                        await honest.exchange(QUERY, Clock().now())
                    assert len(there.asked) == 2 + 2 * MAX_OF_ONE + 60
                    nursery.cancel_scope.cancel()


async def test_many_first_questions_at_once_have_one_connection_and_one_set_of_keys(house: Household) -> None:
    write_certificate(house.folder, stem="relay")
    with trio.fail_after(30):
        async with gateway() as there:
            house.write("relay.toml", RELAY.format(port=there.port))
            with running_web("relay.toml", "relay") as relay:
                proofs = [Certified("localhost", Path(f"{stem}.crt")) for stem in ("relay", "gateway")]
                way = RelayWay((Endpoint("127.0.0.1", relay.port),), proofs[0])
                resolver = Endpoint("127.0.0.1", there.port), Protocol.HTTPS
                async with ObliviousDialer(way, Clock()).running() as dialer, trio.open_nursery() as nursery:
                    for _ in range(60):
                        ask = partial(dialer.exchange, *resolver, QUERY, lambda _: True, proof=proofs[1])
                        nursery.start_soon(ask)
    assert len(there.asked) == 60
    assert there.counts.keys_given == 1


async def test_a_gateway_that_does_not_prove_itself_is_given_nothing(house: Household) -> None:
    write_certificate(house.folder, stem="relay")
    with trio.fail_after(30):
        async with gateway() as there:
            text = RELAY.format(port=there.port).replace("gateway.crt", "relay.crt")
            house.write("relay.toml", text)
            with running_web("relay.toml", "relay") as relay:
                async with client(relay.port, there.port, there.authority) as one:
                    for _ in range(2):
                        with pytest.raises(UnreachableError, match="the relay says 504"):
                            await one.exchange(QUERY, Clock().now())
                await trio.to_thread.run_sync(relay.end)
    assert there.asked == []
    assert relay.log.count("event=gateway-unreachable") == 1
    assert 'reason="cannot connect: its certificate is not taken: ' in relay.log


def _shown(port: int) -> bytes:
    return shown(port, "h2")


def _certificate() -> bytes:
    return read_chain(Path("relay.crt")).certificates[0]


def test_a_relay_goes_over_to_a_new_certificate_and_a_bad_one_leaves_the_old(house: Household) -> None:
    write_certificate(house.folder, stem="relay")
    house.write("relay.toml", RELAY.format(port=443).replace('authorities = "gateway.crt"\n', ""))
    with running_web("relay.toml", "relay") as relay:
        assert _shown(relay.port) == _certificate()
        write_certificate(house.folder, stem="relay")
        relay.process.send_signal(signal.SIGHUP)
        relay.wait_logged("event=certificate-reloaded certificate=relay.crt pin=")
        taken = _certificate()
        assert _shown(relay.port) == taken
        relay.process.send_signal(signal.SIGHUP)
        relay.wait_logged("event=reload-not-needed certificate=relay.crt")
        Path("relay.key").chmod(0o644)
        relay.process.send_signal(signal.SIGHUP)
        relay.wait_logged('event=reload-failed certificate=relay.crt reason="relay.toml:4: relay.key: relay.key: ')
        write_certificate(house.folder, stem="relay")
        Path("relay.key").unlink()
        relay.process.send_signal(signal.SIGHUP)
        relay.wait_logged("relay.toml:4: relay.key: relay.key: cannot be read: No such file or directory")
        assert _shown(relay.port) == taken
        assert relay.end() == 0


async def test_a_new_certificate_ends_no_connection(house: Household) -> None:
    write_certificate(house.folder, stem="relay")
    with trio.fail_after(30):
        async with gateway() as there:
            house.write("relay.toml", RELAY.format(port=there.port))
            with running_web("relay.toml", "relay") as relay:
                async with client(relay.port, there.port, there.authority) as one:
                    await one.exchange(QUERY, Clock().now())
                    write_certificate(house.folder, stem="relay")
                    relay.process.send_signal(signal.SIGHUP)
                    await trio.to_thread.run_sync(relay.wait_logged, "event=certificate-reloaded")
                    # The client trusts the old certificate alone, so this is the connection from before.
                    assert await one.exchange(QUERY, Clock().now()) == QUERY + b"answer"


def test_who_shakes_hands_over_and_over_is_turned_away(house: Household) -> None:
    write_certificate(house.folder, stem="relay")
    house.write("relay.toml", RELAY.format(port=443).replace('authorities = "gateway.crt"\n', "") + "rate = 5\n")
    with running_web("relay.toml", "relay") as relay:
        taken = 0
        for _ in range(50):
            with suppress(OSError):
                taken += bool(_shown(relay.port))
        assert 0 < taken < 25, "one a second, and some at the beginning"


def test_what_keeps_a_relay_from_starting_is_said_where_it_stands(house: Household) -> None:
    house.write("relay.toml", RELAY.format(port=443).replace('authorities = "gateway.crt"\n', ""))
    assert house.run("relay", "relay.toml").err.splitlines() == [
        "relay.toml:3: relay.certificate: relay.crt: cannot be read: No such file or directory"
    ]
    write_certificate(house.folder, stem="relay")
    Path("relay.key").chmod(0o644)
    assert "relay.toml:4: relay.key: relay.key: key file has mode 0644" in house.run("relay", "relay.toml").err
    Path("relay.key").chmod(0o600)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = RELAY.format(port=443).replace('authorities = "gateway.crt"\n', "").replace("#0", f"#{port}")
        house.write("relay.toml", text)
        outcome = house.run("relay", "relay.toml")
        assert outcome.status == 1
        assert (
            outcome.err
            == f"relay.toml:2: relay.listen: cannot listen on 127.0.0.1#{port}: Address already in use\n"
        )


def test_a_relays_file_is_checked(house: Household) -> None:
    house.write("relay.toml", RELAY.format(port=443).replace('authorities = "gateway.crt"\n', ""))
    outcome = house.run("check", "relay.toml")
    assert outcome.out.splitlines() == [
        "relay.toml:3: relay.certificate: relay.crt: cannot be read: No such file or directory",
        "1 fault",
    ]
    write_certificate(house.folder, stem="relay")
    note, end = house.sound("check", "relay.toml").splitlines()
    pin = read_chain(Path("relay.crt")).pin.hex()
    assert re.fullmatch(rf"note: relay\.toml: relay\.crt: pin={pin}, expires \S+Z", note)
    assert end == "relay.toml: no faults"
