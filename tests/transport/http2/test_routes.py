"""What is refused before a body has come."""

import pytest

from transport.endpoint import Endpoint
from transport.handler import Caller, Protocol
from transport.http2.messages import Request, Response
from transport.http2.routes import Route, Routes

CALLER = Caller(Endpoint("192.0.2.1", 1), Protocol.HTTPS)


def _named(name: str) -> Route:
    return Route(lambda *_: Response(200, (), name.encode()), ("GET", "POST"), 100)


ROUTES = Routes({"/a": _named("a"), "/b": Route(_named("b").handler, ("GET",))}, target=50)


def _status(request: Request) -> int:
    refused = ROUTES.admit(request)
    assert isinstance(refused, Response)
    return refused.status


def test_each_path_has_its_handler() -> None:
    for path in ("/a", "/b"):
        answer = ROUTES.handler(Request("GET", path))(Request("GET", path), CALLER, 0)
        assert answer == Response(200, (), path[1:].encode())


@pytest.mark.parametrize("path", ["", "/", "/c", "/a/", "//a", "/A", "/%61", "*"])
def test_what_is_not_in_the_table_is_not_found(path: str) -> None:
    assert _status(Request("GET", path)) == 404


def test_other_methods_are_refused_and_the_right_ones_named() -> None:
    refused = ROUTES.admit(Request("PUT", "/a"))
    assert isinstance(refused, Response)
    assert (refused.status, refused.header(b"allow")) == (405, b"GET, POST")
    assert _status(Request("get", "/a")) == 405


def test_a_target_may_be_so_long() -> None:
    assert ROUTES.admit(Request("GET", "/a", "x" * 48)) == 0
    assert _status(Request("GET", "/a", "x" * 49)) == 414


def test_a_body_may_be_so_long_and_only_where_it_means_something() -> None:
    assert ROUTES.admit(Request("POST", "/a")) == 100
    assert ROUTES.admit(Request("GET", "/a")) == 0


@pytest.mark.parametrize(("length", "is_taken"), [(b"100", True), (b"101", False), (b"9" * 5_000, False)])
def test_a_body_that_is_announced_as_too_long_is_refused(length: bytes, is_taken: bool) -> None:
    admitted = ROUTES.admit(Request("POST", "/a", "", ((b"content-length", length),)))
    assert admitted == 100 if is_taken else isinstance(admitted, Response) and admitted.status == 413
