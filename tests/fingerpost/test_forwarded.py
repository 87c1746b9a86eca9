import pytest

from fingerpost import forwarded


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("203.0.113.9,  192.0.2.1 ", "192.0.2.1"),
        ("192.0.2.1:4711", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[::ffff:192.0.2.1]:4711", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:DB8::1]:4711", "2001:db8::1"),
    ],
)
def test_an_address_is_read_as_proxies_write_it(header: str, address: str) -> None:
    assert forwarded.address_of(header) == address


@pytest.mark.parametrize("header", ["", "unknown", "_hidden", "192.0.2.1,", "192.0.2.1:http", "[]:1", "[192.0.2.1"])
def test_what_names_nobody(header: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        forwarded.address_of(header)
