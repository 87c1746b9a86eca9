import re
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transport.endpoint import Endpoint


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("192.0.2.1#53", "192.0.2.1", 53),
        ("192.0.2.1:53", "192.0.2.1", 53),
        ("::1#53", "::1", 53),
        ("[::1]:53", "::1", 53),
        ("2001:DB8:0:0::1#0", "2001:db8::1", 0),
        ("fe80::1%eth0#53", "fe80::1%eth0", 53),
        ("127.0.0.1#65535", "127.0.0.1", 65_535),
    ],
)
def test_each_manner_of_writing_is_read(text: str, host: str, port: int) -> None:
    endpoint = Endpoint.from_text(text)
    assert endpoint == Endpoint(host, port)
    assert endpoint.to_text() == f"{host}#{port}"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "neither"),
        ("192.0.2.1", "neither"),
        ("::1", "neither"),
        ("::1:53", "neither"),
        ("[::1]", "has no ']:'"),
        ("[::1]#53", "not an IP address"),
        ("localhost#53", "names are not looked up"),
        ("192.0.2.01#53", "not an IP address"),
        ("1#53", "not an IP address"),
        ("::ffff:127.0.0.1#53", "write 127.0.0.1"),
        ("192.0.2.1#", "port '' is not a number"),
        ("192.0.2.1#65536", "from 0 to 65535"),
        ("192.0.2.1#-1", "from 0 to 65535"),
        ("192.0.2.1#5 3", "from 0 to 65535"),
        ("192.0.2.1#\N{ARABIC-INDIC DIGIT FIVE}", "from 0 to 65535"),
        ("192.0.2.1#" + "1" * 5_000, "from 0 to 65535"),
        ("192.0.2.1#53#53", "from 0 to 65535"),
    ],
)
def test_anything_else_is_refused_with_its_reason(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        Endpoint.from_text(text)


@given(st.ip_addresses(), st.integers(0, 65_535))
def test_text_makes_the_round_trip(address: object, port: int) -> None:
    text = f"{address}#{port}"
    try:
        endpoint = Endpoint.from_text(text)
    except ValueError as error:
        assert "IPv4 address in IPv6 form" in str(error)  # noqa: PT017 - the other half of the property
    else:
        assert endpoint.to_text() == text
        assert Endpoint.from_text(endpoint.to_text()) == endpoint


@pytest.mark.parametrize(
    ("host", "family", "loopback"),
    [
        ("127.0.0.9", socket.AF_INET, True),
        ("0.0.0.0", socket.AF_INET, False),  # noqa: S104 - nothing is bound to it
        ("192.0.2.1", socket.AF_INET, False),
        ("::1", socket.AF_INET6, True),
        ("::", socket.AF_INET6, False),
        ("2001:db8::1", socket.AF_INET6, False),
    ],
)
def test_family_and_loopback(host: str, family: socket.AddressFamily, loopback: bool) -> None:
    assert Endpoint(host, 53).family == family
    assert Endpoint(host, 53).is_loopback == loopback


def test_endpoints_have_an_order() -> None:
    assert sorted([Endpoint("::1", 2), Endpoint("127.0.0.1", 9), Endpoint("::1", 1)]) == [
        Endpoint("127.0.0.1", 9),
        Endpoint("::1", 1),
        Endpoint("::1", 2),
    ]
