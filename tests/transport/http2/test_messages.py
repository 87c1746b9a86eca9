"""Requests and responses as values."""

from transport.http2.messages import Request, Response, plain


def test_a_header_has_one_value_or_none() -> None:
    twice = ((b"a", b"1"), (b"b", b"2"), (b"b", b"3"))
    for message in (Request("GET", "/", "", twice), Response(200, twice)):
        assert (message.header(b"a"), message.header(b"b"), message.header(b"c")) == (b"1", b"", b"")


def test_a_line_of_text_is_kept_by_nobody() -> None:
    said = plain(405, "no", (b"allow", b"GET"))
    assert said.header(b"cache-control") == b"no-store"
    assert said.header(b"content-type").startswith(b"text/plain")
    assert (said.status, said.header(b"allow"), said.body) == (405, b"GET", b"no\n")
