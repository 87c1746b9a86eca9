"""What a gateway says to what comes, well-meant and not."""

import json
import logging
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transport.oblivious.people import ANSWER, AUTHORITY, NOW, QUERY, RELAY, World, settled
from transport.handler import Caller, Later, Protocol, Verdict
from transport.http2.messages import LaterResponse, Request, Response, plain
from transport.oblivious import binary_http, dates, key_configs, problems
from transport.oblivious.binary_http import BinaryRequest, BinaryResponse
from transport.oblivious.encapsulation import OVERHEAD, REQUEST_TYPE, RESPONSE_TYPE, SealedRequest, seal_request
from transport.oblivious.gateway import Gateway
from transport.oblivious.hpke import Aead, KeyPair
from transport.oblivious.key_chain import MAX_PERIODS, PERIOD, KeyChain, KeyRing
from transport.oblivious.places import WELL_KNOWN
from transport.oblivious.seen import ROW, WINDOW, Seen
from transport.oblivious.sizes import MAX_SEALED_REQUEST, REQUEST, RESPONSES

CALLER = Caller(RELAY, Protocol.HTTPS, "relay-1")
KIND = (b"content-type", REQUEST_TYPE)
ASKED = (b"content-type", b"application/dns-message")


def inner(*fields: tuple[bytes, bytes], authority: str = AUTHORITY, body: bytes = QUERY) -> BinaryRequest:
    return BinaryRequest(b"POST", b"https", authority.encode(), b"/dns-query", (ASKED, *fields), body)


def dated(now: float = NOW) -> tuple[bytes, bytes]:
    return b"date", dates.to_text(now)


def sealed(world: World, message: bytes, aead: Aead = Aead.AES_128_GCM) -> SealedRequest:
    config = KeyChain.begun(bytes(32), NOW).keys(world.now).published[0]
    return seal_request(config, aead, message, KeyPair.generate())


async def posted(world: World, body: bytes, kind: tuple[bytes, bytes] = KIND) -> Response:
    return await settled(world.gateway.handle(Request("POST", WELL_KNOWN, "", (kind,), body), CALLER, world.now))


async def asked(world: World, request: BinaryRequest, aead: Aead = Aead.AES_128_GCM) -> BinaryResponse:
    """Seal a request, and open what comes back."""
    one = sealed(world, binary_http.encode_request(request, REQUEST), aead)
    response = await posted(world, one.octets)
    assert (response.status, response.header(b"content-type")) == (200, RESPONSE_TYPE)
    return binary_http.decode_response(one.open_response(response.body))


@pytest.mark.parametrize("aead", Aead)
async def test_a_sealed_question_has_a_sealed_answer(world: World, aead: Aead) -> None:
    response = await asked(world, inner(dated()), aead)
    assert (response.status, response.content) == (200, ANSWER)
    assert response.headers[0] == (b"content-type", b"application/dns-message")
    assert world.callers == [CALLER], "what the target hears of is the relay"
    assert world.questions == [QUERY]


async def test_work_for_later_is_sealed_too() -> None:
    async def work() -> bytes:
        return ANSWER

    def later(*_: object) -> Verdict:
        return Later(work)

    assert (await asked(World(later), inner(dated()))).content == ANSWER


async def test_work_that_is_given_up_for_something_newer_is_told_sealed() -> None:
    async def work() -> bytes:
        raise AssertionError

    world = World(lambda *_: Later(work))
    one = sealed(world, binary_http.encode_request(inner(dated()), REQUEST))
    answer = world.gateway.handle(Request("POST", WELL_KNOWN, "", (KIND,), one.octets), CALLER, NOW)
    assert isinstance(answer, LaterResponse)
    response = answer.cut_short()
    assert (response.status, len(response.body)) == (200, 16 + RESPONSES[0] + 16)
    assert binary_http.decode_response(one.open_response(response.body)).status == 503


async def test_keys_are_given_to_who_asks_for_them(world: World) -> None:
    response = await settled(world.gateway.handle(Request("GET", WELL_KNOWN), CALLER, NOW))
    assert response.header(b"content-type") == b"application/ohttp-keys"
    assert response.header(b"cache-control") == b"public, max-age=43200"
    assert key_configs.from_wire(response.body) == KeyChain.begun(bytes(32), NOW).keys(NOW).published


async def test_what_is_wrong_before_opening_is_said_openly(world: World) -> None:
    good = sealed(world, binary_http.encode_request(inner(dated()), REQUEST)).octets
    put = await settled(world.gateway.handle(Request("PUT", WELL_KNOWN, "", (KIND,), good), CALLER, NOW))
    assert (put.status, put.header(b"allow")) == (405, b"GET, POST")
    for body, kind, status in (
        (good, (b"content-type", b"application/octet-stream"), 415),
        (good, (b"x", b"y"), 415),
        (good + bytes(MAX_SEALED_REQUEST), KIND, 413),
        (good[: OVERHEAD - 1], KIND, 400),
        (b"", KIND, 400),
    ):
        assert (await posted(world, body, kind)).status == status
    for body in (good[:-1], bytes([good[0] ^ 1]) + good[1:], good[:4] + b"\0\2" + good[6:]):
        refused = await posted(world, body)
        assert refused.status == 422
        assert problems.type_of(refused) == problems.KEY == json.loads(refused.body)["type"]
    assert world.questions == []
    assert (await posted(world, good, (b"content-type", b"Message/OHTTP-req; x=y"))).status == 200


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (inner(dated(), authority="other.example"), 421),
        (inner(dated(), authority=""), 421),
        (BinaryRequest(b"POST", b"http", AUTHORITY.encode(), b"/dns-query", (ASKED, dated()), QUERY), 421),
        (inner(dated(), (b"expect", b"100-continue")), 417),
        (inner(), 400),
        (inner((b"date", b"yesterday")), 400),
        (inner(dated(), (b"date", dates.to_text(NOW + 1))), 400),
        (BinaryRequest(b"PUT", b"https", AUTHORITY.encode(), b"/dns-query", (ASKED, dated()), QUERY), 405),
        (BinaryRequest(b"GET", b"https", AUTHORITY.encode(), b"/dns-query", (ASKED, dated())), 400),
        (BinaryRequest(b"POST", b"https", AUTHORITY.encode(), b"/", (ASKED, dated()), QUERY), 404),
        (BinaryRequest(b"POST", b"https", AUTHORITY.encode(), b"/dns-query", (dated(),), QUERY), 415),
        (inner(dated(), body=QUERY.ljust(1_025)), 413),
    ],
)
async def test_what_is_wrong_after_opening_is_sealed_and_as_long_as_an_answer(
    world: World, request_: BinaryRequest, status: int
) -> None:
    one = sealed(world, binary_http.encode_request(request_, REQUEST))
    response = await posted(world, one.octets)
    assert (response.status, response.header(b"content-type")) == (200, RESPONSE_TYPE)
    assert len(response.body) == 16 + RESPONSES[0] + 16
    assert binary_http.decode_response(one.open_response(response.body)).status == status
    assert world.questions == []


async def test_what_is_sealed_and_no_http_is_refused_sealed(world: World) -> None:
    one = sealed(world, b"\7" * 100)
    response = await posted(world, one.octets)
    assert binary_http.decode_response(one.open_response(response.body)).status == 400


async def test_the_origin_may_be_written_in_capitals(world: World) -> None:
    assert (await asked(world, inner(dated(), authority="Resolver.Example"))).status == 200


@pytest.mark.parametrize("wrong", [-WINDOW - 1, WINDOW + 1, 86_400])
async def test_a_date_out_of_the_window_is_refused_with_ours(world: World, wrong: float) -> None:
    assert (await asked(world, inner(dated(NOW - WINDOW)))).status == 200
    assert (await asked(world, inner(dated(NOW + WINDOW)))).status == 200
    refused = await asked(world, inner(dated(NOW + wrong)))
    assert refused.status == 400
    assert problems.type_of(Response(400, refused.headers, refused.content)) == problems.DATE
    assert binary_http.value_of(refused.headers, b"date") == dates.to_text(NOW)
    assert len(world.questions) == 2


async def test_a_repetition_is_refused_for_as_long_as_its_date_is_taken(world: World) -> None:
    one = sealed(world, binary_http.encode_request(inner(dated()), REQUEST))
    for after, status in ((0, 200), (0, 425), (WINDOW, 425), (WINDOW + 1, 400)):
        world.now = NOW + after
        response = await posted(world, one.octets)
        assert response.status == 200, "whoever repeats it learns nothing"
        assert binary_http.decode_response(one.open_response(response.body)).status == status
    assert world.questions == [QUERY]
    assert world.gateway.statistics()["oblivious_repeated"] == 2


@pytest.mark.parametrize("count", [2_000, pytest.param(100_000, marks=pytest.mark.soak)])
async def test_repetitions_reach_the_target_once_and_take_no_memory(world: World, count: int) -> None:
    octets = sealed(world, binary_http.encode_request(inner(dated()), REQUEST)).octets
    for _ in range(100):
        await posted(world, octets)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(count):
            await posted(world, octets)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 100_000
    assert world.gateway.counts.repeated == count + 99
    assert len(world.questions) == 1


async def test_a_gateway_that_cannot_remember_refuses() -> None:
    with Seen(1) as seen:
        target = lambda *_: plain(200, "taken")  # noqa: E731 - named for its one use
        gateway = Gateway(AUTHORITY, KeyRing(KeyChain.begun(bytes(32), NOW)), seen, target)
        world = World()
        world.gateway = gateway
        statuses = [(await asked(world, inner(dated()))).status for _ in range(ROW + 2)]
    assert statuses == [200] * ROW + [503] * 2
    assert gateway.counts.crowded == 2


async def test_keys_change_and_the_old_are_taken_for_a_day(world: World) -> None:
    octets_today = sealed(world, binary_http.encode_request(inner(), REQUEST)).octets
    for days, status in ((0, 200), (1, 200), (2, 422)):
        world.now = NOW + days * PERIOD
        assert (await posted(world, octets_today)).status == status


async def test_a_clock_beyond_all_keys_is_said(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.now = NOW + (MAX_PERIODS + 9) * PERIOD
    assert (await posted(world, bytes(100))).status == 503
    assert "event=no-oblivious-keys" in caplog.text


async def test_silence_and_bugs_of_the_target_are_statuses(caplog: pytest.LogCaptureFixture) -> None:
    def silent(*_: object) -> None:
        return None

    def failing(*_: object) -> Verdict:
        raise ZeroDivisionError

    async def broken() -> bytes:
        return bytes(70_000)

    assert (await asked(World(silent), inner(dated()))).status == 400
    world = World(failing)
    response = await posted(world, sealed(world, binary_http.encode_request(inner(dated()), REQUEST)).octets)
    assert response.status == 500
    assert "event=internal-error part=gateway" in caplog.text
    assert (await asked(World(lambda *_: Later(broken)), inner(dated()))).status == 502


@pytest.mark.parametrize(("octets", "size"), [(12, RESPONSES[0]), (8_000, RESPONSES[0]), (65_535, RESPONSES[1])])
async def test_answers_have_one_length_or_a_very_long_one(octets: int, size: int) -> None:
    world = World(lambda *_: ANSWER[:12].ljust(octets, b"\1"))
    one = sealed(world, binary_http.encode_request(inner(dated()), REQUEST))
    response = await posted(world, one.octets)
    assert len(response.body) == 16 + size + 16
    assert len(binary_http.decode_response(one.open_response(response.body)).content) == octets


@given(st.binary(max_size=300), st.binary(max_size=60))
async def test_any_octets_have_a_response(octets: bytes, more: bytes) -> None:
    world = World()
    with world.seen:
        good = sealed(world, octets).octets
        for body in (octets, good, good[:39] + octets, good[:-1] + more, good[:7] + more.ljust(32) + good[39:]):
            response = await posted(world, body)
            assert response.status in {200, 400, 422}
        assert world.gateway.counts.answered == 0


async def test_a_gateway_logs_nobody(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await asked(world, inner(dated()))
        await posted(world, b"x" * 100)
    assert caplog.text == ""
