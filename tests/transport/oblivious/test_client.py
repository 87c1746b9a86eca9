"""What a client sends, and what it takes for an answer."""

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.transport.oblivious.people import ANSWER, AUTHORITY, CLIENT, NOW, QUERY, World, unreachable
from transport.errors import UnreachableError
from transport.http2.doh import MAX_QUERY
from transport.http2.messages import Request, Response, plain
from transport.oblivious import binary_http, dates, key_configs, problems
from transport.oblivious.encapsulation import RESPONSE_TYPE, open_request
from transport.oblivious.gateway_keys import PATIENCE, PAUSE, FetchedKeys, KeptKeys
from transport.oblivious.key_chain import MAX_KEPT, PERIOD, KeyChain
from transport.oblivious.key_configs import KeyConfigError
from transport.oblivious.sizes import SEALED_REQUEST


def opened(world: World, index: int = -1) -> binary_http.BinaryRequest:
    keys = KeyChain.begun(bytes(32), NOW).keys(world.now).accepted
    return binary_http.decode_request(open_request(world.posted[index].body, keys).request)


async def test_a_question_is_answered(world: World) -> None:
    assert await world.client().exchange(QUERY, world.now) == ANSWER


async def test_what_is_sealed_says_nothing_of_the_client(world: World) -> None:
    await world.client().exchange(QUERY, NOW)
    assert opened(world) == binary_http.BinaryRequest(
        b"POST",
        b"https",
        AUTHORITY.encode(),
        b"/dns-query",
        (
            (b"accept", b"application/dns-message"),
            (b"content-type", b"application/dns-message"),
            (b"date", dates.to_text(NOW)),
        ),
        bytes(2) + QUERY[2:],
    )


async def test_all_requests_are_as_long_and_each_is_new(world: World) -> None:
    client = world.client()
    longest = QUERY.ljust(MAX_QUERY, b"\0")
    for question in (QUERY[:17], QUERY, QUERY, longest):
        await client.exchange(question, NOW)
    token = (b"authorization", b"PrivateToken token=" + b"A" * 500)
    paying = world.client(fields=(token,), authority="r" * 250 + ".example")
    with pytest.raises(UnreachableError, match="421"):
        await paying.exchange(longest, NOW)
    assert {len(request.body) for request in world.posted} == {SEALED_REQUEST}
    assert len({request.body[7:39] for request in world.posted}) == 5
    with pytest.raises(ValueError, match="at most 1024"):
        await client.exchange(longest + b"\0", NOW)


async def test_fields_for_the_target_are_sealed_with_the_rest(world: World) -> None:
    token = (b"authorization", b"PrivateToken token=abc")
    await world.client(fields=(token,)).exchange(QUERY, NOW)
    assert token in opened(world).headers
    assert b"PrivateToken" not in world.seen_by_relay.whole


async def test_too_much_for_one_request_is_said(world: World) -> None:
    with pytest.raises(UnreachableError, match="filled up to"):
        await world.client(fields=((b"x", b"y" * 2_000),)).exchange(QUERY, NOW)
    assert world.posted == []


async def test_a_wrong_clock_is_corrected_for_one_request(world: World) -> None:
    client = world.client()
    wrong = NOW - 86_000
    assert await client.exchange(QUERY, wrong) == ANSWER
    assert [opened(world, index).headers[2][1] for index in (0, 1)] == [
        dates.to_text(dates.coarse(wrong)),
        dates.to_text(NOW),
    ]
    assert world.posted[0].body[7:39] != world.posted[1].body[7:39]
    assert await client.exchange(QUERY, wrong) == ANSWER
    assert opened(world, 2).headers[2][1] == dates.to_text(dates.coarse(wrong)), "it is not kept"


async def test_a_date_that_is_refused_again_is_not_tried_a_third_time(world: World) -> None:
    def later(request: Request) -> Request:
        world.now += 1_000
        return request

    world.between = later
    with pytest.raises(UnreachableError, match="the gateway answers with HTTP status 400"):
        await world.client().exchange(QUERY, NOW - 1_000)
    assert len(world.posted) == 2


async def test_keys_are_fetched_once_in_half_a_day(world: World) -> None:
    fetched: list[Request] = []

    async def ask(request: Request) -> Response:
        fetched.append(request)
        return await world.ask_for_keys(request)

    client = world.client(FetchedKeys(ask, AUTHORITY))
    for hours in (0, 1, 11, 13, 20):
        world.now = NOW + 3_600 * hours
        assert await client.exchange(QUERY, world.now) == ANSWER
    assert [request.method for request in fetched] == ["GET", "GET"]


async def test_keys_that_have_changed_are_fetched_anew_and_the_question_sealed_again(world: World) -> None:
    client = world.client()
    assert await client.exchange(QUERY, NOW) == ANSWER
    world.gateway._keys._chain = KeyChain.begun(b"\1" * 32, NOW)  # somebody has lost the file
    world.gateway._keys._keys = None
    world.now = NOW + PATIENCE
    assert await client.exchange(QUERY, world.now) == ANSWER
    assert len(world.posted) == 3


async def test_a_relay_that_says_that_keys_are_refused_has_us_fetch_once_an_hour(world: World) -> None:
    fetched: list[Request] = []

    async def ask(request: Request) -> Response:
        fetched.append(request)
        return await world.ask_for_keys(request)

    async def lying(_request: Request) -> Response:
        return problems.said(422, problems.KEY, "unknown")

    client = world.client(FetchedKeys(ask, AUTHORITY), relay=lying)
    for minute in range(180):
        with pytest.raises(UnreachableError, match="or so the relay says"):
            await client.exchange(QUERY, NOW + 60 * minute)
    assert len(fetched) == 3


async def test_keys_are_fetched_once_for_all_who_wait(world: World) -> None:
    fetched: list[Request] = []

    async def ask(request: Request) -> Response:
        fetched.append(request)
        await trio.lowlevel.checkpoint()
        return await world.ask_for_keys(request)

    client = world.client(FetchedKeys(ask, AUTHORITY))
    async with trio.open_nursery() as nursery:
        for _ in range(50):
            nursery.start_soon(client.exchange, QUERY, NOW)
    assert [(one.method, one.headers) for one in fetched] == [("GET", ((b"accept", key_configs.MEDIA_TYPE),))]


async def test_keys_that_cannot_be_had_are_asked_for_once_a_moment(world: World) -> None:
    fetched: list[Request] = []

    async def ask(request: Request) -> Response:
        fetched.append(request)
        await trio.lowlevel.checkpoint()
        return plain(404, "x")

    client = world.client(FetchedKeys(ask, AUTHORITY))

    async def ask_in_vain() -> None:
        with pytest.raises(UnreachableError, match="says 404 when asked for its keys"):
            await client.exchange(QUERY, NOW)

    async with trio.open_nursery() as nursery:
        for _ in range(50):
            nursery.start_soon(ask_in_vain)
    assert len(fetched) == 1
    with pytest.raises(UnreachableError):
        await client.exchange(QUERY, NOW + PAUSE)
    assert len(fetched) == 2


async def test_keys_in_a_file_are_used_until_they_end(world: World) -> None:
    octets = key_configs.to_wire(KeyChain.begun(bytes(32), NOW).keys(NOW).published)
    client = world.client(KeptKeys(octets))
    assert await client.exchange(QUERY, NOW) == ANSWER
    world.now = NOW + 2 * PERIOD
    with pytest.raises(UnreachableError, match="does not take the key"):
        await client.exchange(QUERY, world.now)
    with pytest.raises(KeyConfigError):
        KeptKeys(octets[:-1])


@pytest.mark.parametrize(
    "response",
    [
        plain(200, "x"),
        plain(404, "x"),
        Response(200, ((b"content-type", key_configs.MEDIA_TYPE),), b"\0\1x"),
        Response(200, ((b"content-type", key_configs.MEDIA_TYPE),), b""),
    ],
)
async def test_a_gateway_without_keys_is_not_asked(response: Response, world: World) -> None:
    async def ask(_request: Request) -> Response:
        return response

    with pytest.raises(UnreachableError, match=AUTHORITY):
        await world.client(FetchedKeys(ask, AUTHORITY)).exchange(QUERY, NOW)
    assert world.posted == []


@given(st.integers(200, 599), st.sampled_from([RESPONSE_TYPE, problems.MEDIA_TYPE, b"x"]), st.binary(max_size=200))
async def test_whatever_a_relay_makes_up_is_no_answer(status: int, kind: bytes, body: bytes) -> None:
    async def lying(_request: Request) -> Response:
        return Response(status, ((b"content-type", kind),), body)

    world = World()
    with world.seen, pytest.raises(UnreachableError):
        await world.client(relay=lying).exchange(QUERY, NOW)


async def test_a_relay_that_answers_with_another_answer_is_found_out(world: World) -> None:
    kept: list[Response] = []

    async def repeating(request: Request) -> Response:
        kept.append(await world.relay.handle(request, CLIENT, NOW))
        return kept[0]

    client = world.client(relay=repeating)
    assert await client.exchange(QUERY, NOW) == ANSWER
    with pytest.raises(UnreachableError, match="none to this request"):
        await client.exchange(QUERY, NOW)


async def test_an_answer_to_another_question_is_none() -> None:
    for answer in (b"\xff\xff" + ANSWER[2:], b"\0"):
        with pytest.raises(UnreachableError, match="an id that was not sent"):
            await World(lambda *_, answer=answer: answer).client().exchange(QUERY, NOW)


async def test_silence_of_the_target_and_of_the_relay_are_reasons(world: World) -> None:
    with pytest.raises(UnreachableError, match="the gateway answers with HTTP status 400"):
        await World(lambda *_: None).client().exchange(QUERY, NOW)
    with pytest.raises(UnreachableError, match="gone"):
        await world.client(relay=unreachable()).exchange(QUERY, NOW)


async def test_many_at_once_are_told_apart(world: World) -> None:
    client, found = world.client(), {}

    async def ask(number: int) -> None:
        question = number.to_bytes(2) + QUERY[2:]
        found[number] = await client.exchange(question, NOW)

    async with trio.open_nursery() as nursery:
        for number in range(100):
            nursery.start_soon(ask, number)
    assert found == {number: number.to_bytes(2) + ANSWER[2:] for number in range(100)}


def test_keys_are_kept_no_longer_than_they_are_accepted() -> None:
    assert MAX_KEPT < PERIOD
