"""What a request is made of."""

from transport.http2.exchange import head_of
from transport.http2.messages import Request


def test_a_request_is_made_of_its_headers() -> None:
    pseudo = [(b":method", b"GET"), (b":path", b"/a?b=c?d"), (b":scheme", b"https"), (b":authority", b"here")]
    assert head_of([*pseudo, (b"x", b"y")]) == Request("GET", "/a", "b=c?d", ((b"x", b"y"),))
    assert head_of([(b":method", b"CONNECT"), (b":authority", b"there")]) == Request("CONNECT", "")
