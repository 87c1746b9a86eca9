import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transport.http2.messages import Response
from transport.oblivious import problems


def _response(body: bytes, kind: bytes = problems.MEDIA_TYPE) -> Response:
    return Response(400, ((b"content-type", kind),), body)


def test_a_problem_is_said_as_in_rfc_9458() -> None:
    said = problems.said(400, problems.KEY, "key identifier unknown", (b"x", b"y"))
    assert json.loads(said.body) == {
        "type": "https://iana.org/assignments/http-problem-types#ohttp-key",
        "title": "key identifier unknown",
    }
    assert said.header(b"content-type") == b"application/problem+json"
    assert said.header(b"x") == b"y"
    assert problems.type_of(said) == problems.KEY


@pytest.mark.parametrize(
    "response",
    [
        _response(b""),
        _response(b"[]"),
        _response(b'{"type": 5}'),
        _response(b'{"title": "x"}'),
        _response(b"[" * 1_000),
        _response(b"\xff"),
        _response(problems.said(400, problems.KEY, "x").body, b"application/json"),
        _response(problems.said(400, problems.KEY, "x" * problems.MAX_OCTETS).body),
    ],
)
def test_what_says_no_problem_has_no_type(response: Response) -> None:
    assert problems.type_of(response) == ""


@given(st.binary(max_size=100))
def test_any_octets_have_a_type_or_none(octets: bytes) -> None:
    problems.type_of(_response(octets))
