from transport.errors import UnreachableError


def test_unreachable_says_who_and_why() -> None:
    error = UnreachableError("192.0.2.1#53", "connection refused")
    assert (error.endpoint, error.reason) == ("192.0.2.1#53", "connection refused")
    assert str(error) == "192.0.2.1#53: connection refused"
