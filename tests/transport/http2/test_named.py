"""Tokens before a route: whoever has one is named, whoever has another is told so, and others go on as before."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.transport.tokens.mint import CHALLENGE, NOON, signing_key, token
from transport.bearer import digest_of
from transport.endpoint import Endpoint
from transport.handler import Caller, Protocol
from transport.http2.messages import Answer, Request, Response
from transport.http2.named import NOBODY, named_route
from transport.http2.routes import Route
from transport.tokens.authentication import authorization
from transport.tokens.paying import paid_route
from transport.tokens.redeeming import Redeemer
from transport.tokens.spent import MIN_CAPACITY, SpentTokens

CALLER = Caller(Endpoint("192.0.2.1", 4000), Protocol.HTTPS)
HOLDERS = {digest_of("first"): "partner", digest_of("second"): "partner", digest_of("other"): "shop"}


class Desk:
    """A route that notes who came, with both kinds of tokens before it."""

    def __init__(self, redeemer: Redeemer) -> None:
        self.came: list[tuple[str, bool]] = []
        route = Route(self._answer, ("POST",), 1_024)
        self._paid = paid_route(route, redeemer)
        self.open = named_route(route, self._paid, HOLDERS)
        self.sealed = named_route(route, self._paid, NOBODY)

    def _answer(self, _request: Request, caller: Caller, _now: float) -> Answer:
        self.came.append((caller.identity, caller.is_paid))
        return Response(200)

    def ask(self, *fields: str, caller: Caller = CALLER, route: Route | None = None) -> Response:
        headers = tuple((b"authorization", field.encode()) for field in fields)
        answer = (route or self.open).handler(Request("POST", "/dns-query", headers=headers), caller, NOON)
        assert isinstance(answer, Response)
        return answer


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    spent = SpentTokens(tmp_path / "spent", MIN_CAPACITY)
    yield Desk(Redeemer(CHALLENGE, lambda _: (signing_key().listed,), spent))
    spent.close()


def test_a_token_names_its_client_and_a_second_one_while_it_changes(desk: Desk) -> None:
    assert {desk.ask(f"Bearer {one}").status for one in ("first", "second", "other")} == {200}
    assert desk.came == [("partner", False), ("partner", False), ("shop", False)]
    assert (desk.open.methods, desk.open.body) == (("POST",), 1_024)


def test_a_token_counts_more_than_a_certificate(desk: Desk) -> None:
    known = Caller(CALLER.endpoint, Protocol.HTTPS, "by certificate")
    desk.ask("Bearer other", caller=known)
    desk.ask(caller=known)
    assert desk.came == [("shop", False), ("by certificate", False)]


@pytest.mark.parametrize("field", ["Bearer wrong", "Bearer", "bearer ", "Bearer first first", "Bearer first, x"])
def test_a_token_that_nobody_has_is_refused_and_not_passed_over(desk: Desk, field: str) -> None:
    refused = desk.ask(field)
    assert (refused.status, refused.header(b"www-authenticate")) == (401, b'Bearer error="invalid_token"')
    assert desk.came == []
    assert b"first" not in refused.body


def test_tokens_that_pay_and_requests_without_one_go_on_as_before(desk: Desk) -> None:
    assert desk.ask().status == 200
    assert desk.ask(authorization(token())).status == 200
    assert desk.came == [("", False), ("", True)]
    refused = desk.ask("Basic YTpi")
    assert refused.status == 401
    assert refused.header(b"www-authenticate").startswith(b"PrivateToken")


@pytest.mark.parametrize("fields", [("Bearer first", "Bearer first"), ("Bearer first", "Basic x"), ("",)])
def test_who_is_meant_by_two_fields_nobody_can_say(desk: Desk, fields: tuple[str, ...]) -> None:
    assert desk.ask(*fields).status == 400
    assert desk.came == []


def test_what_is_sealed_gets_no_name(desk: Desk) -> None:
    assert desk.ask("Bearer first", route=desk.sealed).status == 401
    assert desk.ask(authorization(token()), route=desk.sealed).status == 200
    assert desk.came == [("", True)]
