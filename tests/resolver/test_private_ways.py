"""By way of a relay, and paid for by tokens: over TLS on loopback, each of the three with what it came to know."""

import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import trio

from resolver import private_ways
from resolver.private_ways import (
    MAX_KEYS,
    EmptyWalletError,
    NoKeysError,
    ObliviousDialer,
    Payer,
    RelayWay,
    kept_keys,
)
from tests.certificates import write_certificate
from tests.transport.http2.serving import Listener, h2_context, serving
from tests.transport.oblivious.people import ANSWER, QUERY, RELAY, settled
from tests.transport.tokens.mint import CHALLENGE, NOON
from tests.transport.tokens.test_wallet import fill
from transport.clients import Clients, LimitSettings, Quota
from transport.clock import Clock
from transport.errors import CrowdedError, UnprovenError, UnreachableError
from transport.handler import Caller, Protocol
from transport.http2.doh import PATH, doh_route
from transport.http2.messages import Answer, LaterResponse, Request, Response
from transport.http2.routes import Route, Routes
from transport.oblivious import places
from transport.oblivious.gateway import Gateway
from transport.oblivious.key_chain import KeyChain, KeyRing
from transport.oblivious.relay import Relay
from transport.oblivious.seen import Seen
from transport.oblivious.sizes import SEALED_REQUEST
from transport.oblivious.target import sealed_target
from transport.proof import Certified, Pinned, Proof, Unproven
from transport.rates import BUCKETS, Rates
from transport.tokens.wallet import Wallet

REPLY = QUERY[:2] + ANSWER[2:]


@dataclass
class Ways:
    """A relay, a gateway behind it, and what they were asked."""

    clock: Clock
    relay: Listener
    gateway: Listener
    proof: Certified
    way: RelayWay
    keys: bytes
    callers: list[Caller] = field(default_factory=list)
    is_hanging: bool = False

    async def ask(
        self, dialer: ObliviousDialer, proof: Proof | None = None, deadline: float = math.inf
    ) -> bytes | None:
        return await dialer.exchange(
            self.gateway.endpoint, Protocol.HTTPS, QUERY, REPLY.__eq__, deadline, proof=proof or self.proof
        )


@asynccontextmanager
async def ways(place: Path) -> AsyncGenerator[Ways]:
    clock = Clock()
    made: list[tuple[Ways, Gateway, Relay]] = []
    files = {name: write_certificate(place, f"{name}.example", stem=name) for name in ("relay", "gateway")}

    def answer(message: bytes, caller: Caller, _now: float) -> bytes:
        made[0][0].callers.append(caller)
        return message[:2] + ANSWER[2:]

    def at_gateway(request: Request, caller: Caller, now: float) -> Answer:
        return made[0][1].handle(request, caller, now)

    async def ask_gateway(request: Request) -> Response:
        return await settled(at_gateway(request, Caller(RELAY, Protocol.HTTPS), clock.now()))

    def at_relay(request: Request, caller: Caller, now: float) -> Answer:
        async def work() -> Response:
            if made[0][0].is_hanging:
                await trio.sleep_forever()
            return await made[0][2].handle(request, caller.endpoint, now)

        return LaterResponse(work)

    there = Routes({places.WELL_KNOWN: Route(at_gateway, ("GET", "POST"), SEALED_REQUEST)})
    between = Routes({places.RELAY: Route(at_relay, ("POST",), SEALED_REQUEST)})
    with trio.fail_after(20):
        async with (
            serving(there, context=h2_context(files["gateway"])) as gateway,
            serving(between, context=h2_context(files["relay"])) as relay,
        ):
            ring = KeyRing(KeyChain.begun(bytes(32), clock.now()))
            target = sealed_target(Routes({PATH: doh_route(answer)}))
            opener = Gateway(f"gateway.example:{gateway.endpoint.port}", ring, Seen(1 << 8), target)
            table = memoryview(bytearray(8 * BUCKETS)).cast("Q")
            rates = Rates(Clients(LimitSettings(1_000, Quota(0, 0))), table)
            way = RelayWay(relay.endpoint, Certified("relay.example", files["relay"][0]))
            keys = await settled(
                opener.handle(Request("GET", places.WELL_KNOWN), Caller(RELAY, Protocol.HTTPS), clock.now())
            )
            proof = Certified("gateway.example", files["gateway"][0])
            all_of_it = Ways(clock, relay, gateway, proof, way, keys.body)
            made.append((all_of_it, opener, Relay(ask_gateway, places.WELL_KNOWN, rates)))
            yield all_of_it


async def test_questions_come_from_the_relay_and_all_share_two_connections(tmp_path: Path) -> None:
    async with ways(tmp_path) as here, ObliviousDialer(here.way, here.clock).running() as dialer:
        replies: list[bytes | None] = []

        async def ask() -> None:
            replies.append(await here.ask(dialer))

        async with trio.open_nursery() as nursery:  # none of them finds what the others make
            for _ in range(5):
                nursery.start_soon(ask)
        assert replies == [REPLY] * 5
        assert {caller.endpoint for caller in here.callers} == {RELAY}
        assert here.relay.service.counts.accepted == 1
        assert here.gateway.service.counts.accepted == 1, "for its keys"


async def test_with_keys_out_of_a_file_the_gateway_never_sees_who_asks(tmp_path: Path) -> None:
    async with ways(tmp_path) as here:
        (tmp_path / "keys").write_bytes(here.keys)
        way = replace(here.way, keys=kept_keys(tmp_path / "keys"))
        async with ObliviousDialer(way, here.clock).running() as dialer:
            (tmp_path / "keys").unlink()  # it has been read
            assert await here.ask(dialer) == REPLY
        assert here.gateway.service.counts.accepted == 0


async def test_keys_are_taken_from_nobody_who_does_not_prove_to_be_the_gateway(tmp_path: Path) -> None:
    async with ways(tmp_path) as here, ObliviousDialer(here.way, here.clock).running() as dialer:
        with pytest.raises(UnprovenError, match="before its keys are taken"):
            await here.ask(dialer, Unproven())
        assert here.gateway.service.counts.accepted == 0
        with pytest.raises(UnreachableError, match="has another key"):
            await here.ask(dialer, Pinned(bytes(32)))
        assert not here.callers
        assert here.relay.service.counts.answered == 0, "nothing was sealed"


async def test_a_relay_that_is_somebody_else_is_sent_nothing(tmp_path: Path) -> None:
    async with ways(tmp_path) as here:
        way = replace(here.way, proof=Pinned(bytes(32)))
        async with ObliviousDialer(way, here.clock).running() as dialer:
            with pytest.raises(UnreachableError, match="has another key"):
                await here.ask(dialer)
        assert not here.callers


async def test_the_deadline_holds_for_a_relay_that_hangs(tmp_path: Path) -> None:
    async with ways(tmp_path) as here, ObliviousDialer(here.way, here.clock).running() as dialer:
        assert await here.ask(dialer) == REPLY
        here.is_hanging = True
        assert await here.ask(dialer, deadline=trio.current_time() + 0.1) is None


async def test_what_is_no_reply_is_an_error(tmp_path: Path) -> None:
    async with ways(tmp_path) as here, ObliviousDialer(here.way, here.clock).running() as dialer:
        with pytest.raises(UnreachableError, match="something else than it was asked"):
            await dialer.exchange(here.gateway.endpoint, Protocol.HTTPS, QUERY, lambda _: False, proof=here.proof)


async def test_nothing_goes_another_way(tmp_path: Path) -> None:
    async with ways(tmp_path) as here, ObliviousDialer(here.way, here.clock).running() as dialer:
        for protocol, proof in ((Protocol.TLS, here.proof), (Protocol.UDP, None), (Protocol.HTTPS, None)):
            with pytest.raises(UnreachableError, match=f"by way of a relay, and not over {protocol}"):
                await dialer.exchange(here.gateway.endpoint, protocol, QUERY, lambda _: True, proof=proof)


async def test_gateways_are_bounded_and_a_closed_dialer_asks_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ways(tmp_path) as here:
        async with ObliviousDialer(here.way, here.clock).running() as dialer:
            monkeypatch.setattr(private_ways, "MAX_GATEWAYS", 1)
            assert await here.ask(dialer) == REPLY
            with pytest.raises(CrowdedError, match="1 gateways are asked already"):
                await here.ask(dialer, Certified("other.example"))
            assert await here.ask(dialer) == REPLY
        with pytest.raises(UnreachableError, match="not open"):
            await here.ask(ObliviousDialer(here.way, here.clock))


def test_a_file_of_keys_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    with pytest.raises(NoKeysError, match="keys: cannot be read: No such file"):
        kept_keys(path)
    for octets in (b"", b"no keys", bytes(MAX_KEYS + 1)):
        path.write_bytes(octets)
        with pytest.raises(NoKeysError, match=str(path)):
            kept_keys(path)


async def test_each_request_takes_a_token_until_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "wallet"
    wallet = Wallet.create(path, CHALLENGE)
    fill(wallet, 2)
    wallet.close()
    payer = Payer(path, Clock.starting_at(NOON))
    ((first, one),), ((second, other),) = payer.fields(), payer.fields()
    assert (first, second) == (b"authorization", b"authorization")
    assert one.startswith(b"PrivateToken token=")
    assert one != other
    with pytest.raises(UnreachableError, match="holds no token that counts; `fingerpost token fetch`"):
        payer.fields()


async def test_what_is_no_wallet_is_said_before_anybody_is_asked(tmp_path: Path) -> None:
    (tmp_path / "wallet").write_bytes(b"no wallet" * 100)
    with pytest.raises(EmptyWalletError, match="wallet"):
        Payer(tmp_path / "wallet", Clock.starting_at(NOON))
