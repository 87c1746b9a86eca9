"""What a relay passes on, and what it does not."""

import logging
from collections.abc import Awaitable, Callable

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.transport.oblivious.people import CLIENT, NOW, Record, relay_to, unreachable
from transport.endpoint import Endpoint
from transport.http2.messages import Request, Response, plain
from transport.oblivious import problems
from transport.oblivious.encapsulation import OVERHEAD, REQUEST_TYPE, RESPONSE_TYPE
from transport.oblivious.places import RELAY as PATH
from transport.oblivious.places import WELL_KNOWN
from transport.oblivious.sizes import MAX_SEALED_REQUEST, MAX_SEALED_RESPONSE
from transport.rates import BURST_SECONDS

KIND = (b"content-type", REQUEST_TYPE)
SEALED = bytes(range(200))
POST = Request("POST", PATH, "", (KIND,), SEALED)
ANSWER = Response(200, ((b"content-type", RESPONSE_TYPE),), b"sealed")
Gateway = Callable[[Request], Awaitable[Response]]


def answering(response: Response, seen: list[Request]) -> Gateway:
    async def ask(request: Request) -> Response:
        await trio.lowlevel.checkpoint()
        seen.append(request)
        return response

    return ask


async def test_octets_go_on_and_nothing_else_of_the_client() -> None:
    seen: list[Request] = []
    named = (
        (b"forwarded", b"for=203.0.113.77"),
        (b"x-forwarded-for", b"203.0.113.77"),
        (b"via", b"2 phone"),
        (b"user-agent", b"phone/1"),
        (b"cookie", b"a=b"),
        (b"authorization", b"Bearer x"),
        (b"accept-language", b"mi"),
        (b"date", b"Sun, 06 Nov 1994 08:49:37 GMT"),
    )
    one = relay_to(answering(ANSWER, seen))
    request = Request("POST", PATH, "", (*named, KIND), SEALED)
    assert await one.handle(request, CLIENT, NOW) == Response(
        200, ((b"content-type", RESPONSE_TYPE), (b"cache-control", b"no-store")), b"sealed"
    )
    assert seen == [Request("POST", WELL_KNOWN, "", (KIND,), SEALED)]
    assert one.statistics() == {
        "forwarded": 1,
        "answered": 1,
        **dict.fromkeys(("refused", "unreachable", "unusable", "dropped", "misdirected", "limited"), 0),
    }


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (Request("POST", "/", "", (KIND,), SEALED), 404),
        (Request("POST", WELL_KNOWN, "", (KIND,), SEALED), 404),
        (Request("POST", "https://elsewhere.example" + PATH, "", (KIND,), SEALED), 404),
        (Request("POST", PATH, "targethost=elsewhere.example", (KIND,), SEALED), 404),
        (Request("GET", PATH), 405),
        (Request("CONNECT", PATH, "", (KIND,), SEALED), 405),
        (Request("POST", PATH, "", (), SEALED), 415),
        (Request("POST", PATH, "", (KIND, KIND), SEALED), 415),
        (Request("POST", PATH, "", ((b"content-type", b"application/dns-message"),), SEALED), 415),
        (Request("POST", PATH, "", (KIND,), bytes(MAX_SEALED_REQUEST + 1)), 413),
        (Request("POST", PATH, "", (KIND,), bytes(OVERHEAD - 1)), 400),
    ],
)
async def test_what_is_for_nobody_here_goes_nowhere(request_: Request, status: int) -> None:
    seen: list[Request] = []
    one = relay_to(answering(ANSWER, seen))
    assert (await one.handle(request_, CLIENT, NOW)).status == status
    assert seen == []
    assert one.counts.misdirected == 1


KEY_PROBLEM = problems.said(422, problems.KEY, "key identifier unknown, of 203.0.113.77")


@pytest.mark.parametrize(
    ("came", "status", "count"),
    [
        (KEY_PROBLEM, 422, "refused"),
        (problems.said(400, problems.KEY, "x"), 400, "refused"),
        (problems.said(500, problems.KEY, "x"), 502, "unusable"),
        (problems.said(400, problems.DATE, "x"), 502, "unusable"),
        (plain(400, "x"), 502, "unusable"),
        (plain(200, "x"), 502, "unusable"),
        (plain(429, "x"), 503, "unusable"),
        (plain(503, "x"), 503, "unusable"),
        (Response(302, ((b"location", b"https://elsewhere.example/"),)), 502, "unusable"),
        (Response(204, ANSWER.headers, b"sealed"), 502, "unusable"),
        (Response(200, ANSWER.headers, bytes(MAX_SEALED_RESPONSE + 1)), 502, "unusable"),
        (Response(200, (*ANSWER.headers, (b"set-cookie", b"a=b")), b"sealed"), 200, "answered"),
    ],
)
async def test_what_comes_back_is_passed_on_in_two_forms_or_not_at_all(
    came: Response, status: int, count: str
) -> None:
    one = relay_to(answering(came, []))
    response = await one.handle(POST, CLIENT, NOW)
    assert response.status == status
    assert one.statistics()[count] == 1
    assert {name for name, _ in response.headers} <= {b"content-type", b"cache-control", b"retry-after"}
    assert b"203.0.113.77" not in response.body
    assert (problems.type_of(response) == problems.KEY) is (count == "refused")


async def test_a_gateway_that_is_gone_is_a_status_and_asked_once() -> None:
    one = relay_to(unreachable())
    assert (await one.handle(POST, CLIENT, NOW)).status == 504
    assert (one.counts.unreachable, one.counts.forwarded) == (1, 1)


async def test_a_bug_costs_one_request(caplog: pytest.LogCaptureFixture) -> None:
    async def failing(_request: Request) -> Response:
        raise ZeroDivisionError

    one = relay_to(failing)
    for _ in range(2):
        assert (await one.handle(POST, CLIENT, NOW)).status == 500
    assert "event=internal-error part=relay" in caplog.text


async def test_a_client_that_asks_too_often_is_told_and_others_go_on() -> None:
    one = relay_to(answering(ANSWER, []), rate=5)
    statuses = [(await one.handle(POST, CLIENT, NOW)).status for _ in range(20)]
    allowed = 5 * BURST_SECONDS + 1
    assert statuses == [200] * allowed + [429] * (20 - allowed)
    assert (await one.handle(POST, Endpoint("2001:db8::1%2", 5), NOW)).status == 200
    assert (await one.handle(POST, CLIENT, NOW + 1)).status == 200


async def test_what_is_given_up_for_something_newer_is_counted() -> None:
    async def slow(_request: Request) -> Response:
        await trio.sleep_forever()
        raise AssertionError

    one = relay_to(slow)
    with trio.move_on_after(0):
        await one.handle(POST, CLIENT, NOW)
    assert (one.counts.forwarded, one.counts.dropped) == (1, 1)


async def test_clients_are_named_in_the_log_only_if_that_is_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for gateway in (answering(ANSWER, []), unreachable(), answering(plain(500, "x"), [])):
            await relay_to(gateway).handle(POST, CLIENT, NOW)
        assert caplog.text == ""
        await relay_to(answering(ANSWER, []), names_clients=True).handle(POST, CLIENT, NOW)
    assert "event=relayed client=203.0.113.77 status=200" in caplog.text
    assert "40123" not in caplog.text


@given(
    st.sampled_from(["POST", "GET", "", "\0"]),
    st.sampled_from([PATH, "", "/\xff"]),
    st.lists(st.tuples(st.sampled_from([b"content-type", b"x"]), st.sampled_from([REQUEST_TYPE, b"\xff;", b""]))),
    st.binary(max_size=100),
    st.integers(100, 999),
    st.binary(max_size=100),
)
async def test_anything_has_a_response(  # noqa: PLR0917 - what hypothesis draws
    method: str, path: str, headers: list[tuple[bytes, bytes]], body: bytes, status: int, came: bytes
) -> None:
    for kind in (RESPONSE_TYPE, problems.MEDIA_TYPE, came):
        one = relay_to(answering(Response(status, ((b"content-type", kind),), came), []))
        response = await one.handle(Request(method, path, "", tuple(headers), body), CLIENT, NOW)
        assert 200 <= response.status <= 599


async def test_a_relay_holds_nothing_of_a_request_once_it_is_answered() -> None:
    one = relay_to(answering(ANSWER, []))
    await one.handle(POST, CLIENT, NOW)
    held = Record()
    held.note(*(getattr(one, name) for name in vars(one)), one.statistics())
    assert b"203.0.113" not in held.whole
    assert SEALED[:20] not in held.whole
