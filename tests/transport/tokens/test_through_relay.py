"""A token in a sealed request (Oblivious HTTP): it pays at the resolver, and the relay sees nothing of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.transport.oblivious.people import ANSWER, CLIENT, NOW, QUERY, RELAY, World
from tests.transport.tokens.mint import CHALLENGE, signing_key, token
from transport.errors import UnreachableError
from transport.handler import Caller, Protocol
from transport.oblivious.client import ObliviousExchange
from transport.tokens.authentication import authorization
from transport.tokens.paying import paid_route
from transport.tokens.redeeming import Redeemer
from transport.tokens.spent import MIN_CAPACITY, SpentTokens
from transport.tokens.tokens import Token


class PaidWorld(World):
    """A gateway before which tokens are taken."""

    def __init__(self, redeemer: Redeemer) -> None:
        super().__init__(before=lambda route: paid_route(route, redeemer))

    def paying(self, *tokens: Token) -> ObliviousExchange:
        return self.client(fields=tuple((b"authorization", authorization(one).encode()) for one in tokens))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PaidWorld]:
    spent = SpentTokens(tmp_path / "spent", MIN_CAPACITY)
    made = PaidWorld(Redeemer(CHALLENGE, lambda _: (signing_key().listed,), spent))
    yield made
    made.seen.close()
    spent.close()


async def test_it_pays_once_and_names_nobody(world: PaidWorld) -> None:
    one = token()
    assert await world.paying(one).exchange(QUERY, NOW) == ANSWER
    assert world.callers == [Caller(RELAY, Protocol.HTTPS, is_paid=True)]
    with pytest.raises(UnreachableError, match="401"):
        await world.paying(one).exchange(QUERY, NOW)
    assert await world.paying(token()).exchange(QUERY, NOW) == ANSWER
    assert await world.paying().exchange(QUERY, NOW) == ANSWER
    assert [caller.is_paid for caller in world.callers] == [True, True, False]
    assert CLIENT.host.encode() not in world.seen_by_gateway.whole


async def test_the_relay_sees_neither_the_token_nor_that_there_is_one(world: PaidWorld) -> None:
    one = token()
    await world.paying(one).exchange(QUERY, NOW)
    await world.paying().exchange(QUERY, NOW)
    by_relay = world.seen_by_relay.whole
    for piece in (one.nonce, one.authenticator[:32], authorization(one).encode(), b"PrivateToken"):
        assert piece not in by_relay
    assert len({len(request.body) for request in world.posted}) == 1
