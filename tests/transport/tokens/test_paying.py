"""Tokens before a route: whoever pays is marked, whoever pays with nothing is told what is taken."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.transport.tokens.mint import CHALLENGE, NOON, signing_key, token
from transport.endpoint import Endpoint
from transport.handler import Caller, Protocol
from transport.http2.messages import Answer, Request, Response
from transport.http2.routes import Route
from transport.tokens.authentication import authorization, challenges_of
from transport.tokens.paying import paid_route
from transport.tokens.redeeming import Redeemer
from transport.tokens.spent import MIN_CAPACITY, SpentTokens

CALLER = Caller(Endpoint("192.0.2.1", 4000), Protocol.HTTPS)


class Desk:
    """A route that notes who came, with tokens before it."""

    def __init__(self, redeemer: Redeemer) -> None:
        self.paid: list[bool] = []
        self.route = paid_route(Route(self._answer, ("POST",), 1_024), redeemer)

    def _answer(self, _request: Request, caller: Caller, _now: float) -> Answer:
        self.paid.append(caller.is_paid)
        return Response(200)

    def ask(self, *fields: str) -> Response:
        headers = tuple((b"authorization", field.encode()) for field in fields)
        answer = self.route.handler(Request("POST", "/dns-query", headers=headers), CALLER, NOON)
        assert isinstance(answer, Response)
        return answer


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    spent = SpentTokens(tmp_path / "spent", MIN_CAPACITY)
    yield Desk(Redeemer(CHALLENGE, lambda _: (signing_key().listed,), spent))
    spent.close()


def test_whoever_brings_no_token_is_let_through_unpaid(desk: Desk) -> None:
    assert desk.ask().status == 200
    assert desk.paid == [False]
    assert (desk.route.methods, desk.route.body) == (("POST",), 1_024)


def test_a_token_pays_once_and_then_says_what_is_taken(desk: Desk) -> None:
    field = authorization(token())
    assert desk.ask(field).status == 200
    assert desk.paid == [True]
    refused = desk.ask(field)
    assert refused.status == 401
    assert desk.paid == [True], "nothing was asked"
    (challenge,) = challenges_of(refused.header(b"www-authenticate").decode())
    assert challenge.challenge == CHALLENGE
    assert challenge.token_key == signing_key().listed.spki


def test_another_authorization_is_no_token(desk: Desk) -> None:
    assert desk.ask("Bearer abc").status == 401
    assert desk.ask("").status == 401
    assert desk.paid == []


def test_of_two_tokens_none_counts_and_none_is_spent(desk: Desk) -> None:
    """Two readers might take two different ones; and whoever meant to pay is not to be asked to by a budget."""
    both = [authorization(token()) for _ in "12"]
    assert desk.ask(*both).status == 401
    assert desk.paid == []
    assert [desk.ask(one).status for one in both] == [200, 200]
