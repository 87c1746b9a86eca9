"""A token goes to nobody but the resolver that it is for; a real wallet, and a dialer that only notes."""

import math
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from resolver.private_ways import EmptyWalletError, PaidDialer, Payer
from tests.transport.tokens.mint import CHALLENGE, signing_key
from tests.transport.tokens.test_wallet import signed
from transport.clock import Clock
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.handler import Protocol
from transport.http2.messages import Headers
from transport.proof import Certified, Pinned, Proof, Unproven
from transport.resource import USUAL, Resource
from transport.stream_link import Accept
from transport.tokens.authentication import token_of
from transport.tokens.keys import start_of_period
from transport.tokens.wallet import Wallet

HERE = Endpoint("192.0.2.1", 443)
OURS = Certified("Resolver.example")


class Paying:
    """A dialer that pays as soon as it is asked over HTTPS."""

    def __init__(self, payer: Payer) -> None:
        self._payer = payer
        self.paid: list[Headers] = []
        self.asked = 0

    async def exchange(
        self,
        endpoint: Endpoint,
        protocol: Protocol,
        message: bytes,
        accept: Accept,
        deadline: float = math.inf,
        *,
        proof: Proof | None = None,
        resource: Resource = USUAL,
    ) -> bytes | None:
        del endpoint, message, accept, deadline, proof, resource
        self.asked += 1
        if protocol is Protocol.HTTPS:
            self.paid.append(self._payer.fields())
        return b"reply"


@pytest.fixture
async def payer(tmp_path: Path) -> AsyncIterator[Payer]:
    """Two tokens for resolver.example."""
    now = Clock().now()
    key = signing_key(0, start_of_period(now))
    wallet = Wallet.create(tmp_path / "wallet", CHALLENGE)
    outstanding = wallet.ask(key.listed, 2, secrets.token_bytes)
    wallet.finish(outstanding, signed(outstanding, key))
    wallet.close()
    made = Payer(tmp_path / "wallet", Clock())
    yield made
    made.close()


async def ask(
    dialer: PaidDialer, proof: Proof, endpoint: Endpoint = HERE, over: Protocol = Protocol.HTTPS
) -> bytes | None:
    return await dialer.exchange(endpoint, over, b"ID", lambda _: True, proof=proof)


async def test_each_request_has_a_token_of_its_own_until_there_is_none(payer: Payer) -> None:
    inner = Paying(payer)
    dialer = PaidDialer(inner, payer)
    assert await ask(dialer, OURS) == b"reply"
    assert await ask(dialer, OURS, Endpoint("192.0.2.1", 8443)) == b"reply"
    names, values = zip(*(field for fields in inner.paid for field in fields), strict=True)
    assert set(names) == {b"authorization"}
    assert len({token_of(value.decode()).nonce for value in values}) == 2
    with pytest.raises(UnreachableError, match="holds no token that counts"):
        await ask(dialer, OURS)


@pytest.mark.parametrize("proof", [Certified("other.example"), Certified("192.0.2.1"), Unproven()])
async def test_nobody_else_is_given_one(payer: Payer, proof: Proof) -> None:
    inner = Paying(payer)
    with pytest.raises(UnreachableError, match=r"holds tokens for resolver\.example, and none for"):
        await ask(PaidDialer(inner, payer), proof)
    assert inner.asked == 0
    payer.fields()
    payer.fields()  # none has left the wallet


async def test_who_pins_a_key_says_whom_they_mean(payer: Payer) -> None:
    assert await ask(PaidDialer(Paying(payer), payer), Pinned(bytes(32))) == b"reply"


async def test_what_is_not_asked_over_https_is_not_paid_for(payer: Payer) -> None:
    """Authorities, for one, when a proof is completed from here."""
    inner = Paying(payer)
    assert await ask(PaidDialer(inner, payer), Pinned(bytes(32)), over=Protocol.TLS) == b"reply"
    assert (inner.asked, inner.paid) == (1, [])


async def test_what_is_no_wallet_pays_nothing(tmp_path: Path) -> None:
    with pytest.raises(EmptyWalletError, match="nowhere"):
        Payer(tmp_path / "nowhere", Clock())
