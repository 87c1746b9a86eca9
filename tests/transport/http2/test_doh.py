"""DNS messages as requests and responses, without any connection."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transport.endpoint import Endpoint
from transport.handler import Caller, Later, Protocol, Verdict
from transport.http2.doh import MAX_QUERY, MEDIA_TYPE, doh_route, message_of, reply_in, request_for, response_to
from transport.http2.messages import LaterResponse, Request, Response

CALLER = Caller(Endpoint("192.0.2.1", 1), Protocol.HTTPS)
TYPE = (b"content-type", MEDIA_TYPE)

# RFC 8484 section 4.1.1: www.example.com, then a name of 94 characters
WWW = "dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB"
LONG = (
    "dns=AAABAAABAAAAAAAAAWE-NjJjaGFyYWN0ZXJsYWJlbC1tYWtlcy1iYXNlNjR1cmwtZGlzdGluY3QtZnJvbS1zdGFuZGFyZC1iYXNl"
    "NjQHZXhhbXBsZQNjb20AAAEAAQ"
)
WWW_WIRE = bytes.fromhex("00000100000100000000000003777777076578616d706c6503636f6d0000010001")

messages = st.binary(min_size=1, max_size=MAX_QUERY)


def _refusal(request: Request) -> int:
    refused = message_of(request)
    assert isinstance(refused, Response)
    return refused.status


def test_the_examples_of_the_rfc_are_read_and_written() -> None:
    assert message_of(Request("GET", "/dns-query", WWW)) == WWW_WIRE
    assert request_for(b"ID" + WWW_WIRE[2:], method="GET").query == WWW
    long = message_of(Request("GET", "/dns-query", LONG))
    assert isinstance(long, bytes)
    assert b"62characterlabel-makes-base64url-distinct-from-standard-base64" in long
    assert request_for(WWW_WIRE).body == WWW_WIRE
    assert request_for(WWW_WIRE).header(b"content-type") == MEDIA_TYPE


@given(messages, st.sampled_from(["GET", "POST"]))
def test_a_message_comes_through_as_it_was_but_for_its_id(message: bytes, method: str) -> None:
    request = request_for(message, method=method)
    if len(message) >= 2:
        assert message_of(request) == bytes(2) + message[2:]
    assert request.header(b"accept") == MEDIA_TYPE


@given(st.text(st.characters(codec="latin-1"), max_size=40))
def test_a_query_that_is_taken_has_the_one_spelling(text: str) -> None:
    for query in (text, "dns=" + text):
        message = message_of(Request("GET", "/dns-query", query))
        if isinstance(message, bytes):
            anonymous = bytes(2) + message[2:]
            if message == anonymous:
                assert request_for(message, method="GET").query == query
            assert query.startswith("dns=")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "dns",
        "dns=",
        "DNS=AAAA",
        "dns=A",
        "dns=AAA=",  # padding
        "dns=AAB",  # bits that mean nothing are set
        "dns=AA+/",
        "dns=AA AA",
        "dns=AA%41A",
        "dns=AAAA\n",
        "dns=AAAÄ",
        "dns=AAAA&dns=AAAA",
        "dns=AAAA&x=1",
        "x=1&dns=AAAA",
        "ct=application/dns-message&dns=AAAA",
    ],
)
def test_other_spellings_are_refused(query: str) -> None:
    assert _refusal(Request("GET", "/dns-query", query)) == 400


def test_what_is_too_long_for_a_target_is_said_to_be() -> None:
    longest = request_for(bytes(MAX_QUERY), method="GET")
    assert message_of(longest) == bytes(MAX_QUERY)
    assert _refusal(request_for(bytes(MAX_QUERY + 1), method="GET")) == 414


def test_a_post_says_its_type_and_nothing_in_its_query() -> None:
    assert message_of(Request("POST", "/", "", (TYPE,), b"abc")) == b"abc"
    assert message_of(Request("POST", "/", "", ((b"content-type", b"Application/DNS-Message"),), b"abc")) == b"abc"
    assert _refusal(Request("POST", "/", "", (), b"abc")) == 415
    assert _refusal(Request("POST", "/", "", ((b"content-type", b"application/json"),), b"abc")) == 415
    assert _refusal(Request("POST", "/", "", (TYPE, TYPE), b"abc")) == 415
    assert _refusal(Request("POST", "/", "", (TYPE,), b"")) == 400
    assert _refusal(Request("POST", "/", "dns=AAAA", (TYPE,), b"abc")) == 400


@given(messages)
def test_a_reply_comes_back_with_the_id_of_the_message(reply: bytes) -> None:
    response = response_to(bytes(2) + reply)
    assert reply_in(response, b"ID?") == b"ID" + reply


@given(messages, messages)
def test_replies_of_one_length_have_the_same_fields(one: bytes, other: bytes) -> None:
    """What is encrypted shows its length: a TTL among the fields would tell answers apart that are padded alike."""
    assert response_to(one).headers == response_to(other).headers


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (Response(503, (TYPE,), bytes(12)), "HTTP status 503"),
        (Response(200, (), bytes(12)), "a body that is not application/dns-message"),
        (Response(200, (TYPE,), b"\0"), "an id that was not sent"),
        (Response(200, (TYPE,), b"ID" + bytes(10)), "an id that was not sent"),
    ],
)
def test_what_is_no_reply_is_named(response: Response, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        reply_in(response, b"ID?")


def _ask(verdict: Verdict, request: Request | None = None) -> Response | LaterResponse:
    seen: list[tuple[bytes, Caller, float]] = []

    def handle(message: bytes, caller: Caller, now: float) -> Verdict:
        seen.append((message, caller, now))
        return verdict

    route = doh_route(handle)
    answer = route.handler(request or request_for(WWW_WIRE), CALLER, 7.0)
    assert seen == ([] if request else [(WWW_WIRE, CALLER, 7.0)])
    return answer


def test_the_handler_is_the_one_of_every_listener() -> None:
    assert _ask(b"reply") == response_to(b"reply")
    silence = _ask(None)
    assert isinstance(silence, Response)
    assert silence.status == 400
    refused = _ask(b"reply", Request("POST", "/dns-query"))
    assert isinstance(refused, Response)
    assert refused.status == 415


@pytest.mark.parametrize("reply", [b"later", None])
async def test_what_takes_longer_is_done_later(reply: bytes | None) -> None:
    async def work() -> bytes | None:
        return reply

    answer = _ask(Later(work))
    assert isinstance(answer, LaterResponse)
    assert answer.caller == CALLER
    response = await answer.work()
    assert response.status == (200 if reply else 503)
    if reply:
        assert response == response_to(reply)


def test_nobody_is_to_keep_a_reply() -> None:
    answer = doh_route(lambda *_: b"reply").handler(request_for(WWW_WIRE), CALLER, 0)
    assert isinstance(answer, Response)
    assert answer.header(b"cache-control") == b"no-store"
