import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonedata.addresses import canonical, refusal_of
from zonedata.errors import MalformedError


@given(st.ip_addresses())
def test_canonical_is_its_own_canonical(address: object) -> None:
    assert canonical(canonical(str(address))) == canonical(str(address))


@pytest.mark.parametrize(
    ("text", "expected"), [("2001:DB8:0::1", "2001:db8::1"), ("192.0.2.1", "192.0.2.1"), ("::", "::")]
)
def test_spellings_become_one(text: str, expected: str) -> None:
    assert canonical(text) == expected


@pytest.mark.parametrize(
    "text", ["", "a.example", "192.0.2", "192.0.2.01", "1::2::3", "fe80::1%eth0", "2a00::1%\x1b["]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        canonical(text)


@pytest.mark.parametrize("address", ["8.8.8.8", "198.41.0.4", "2001:4860:4860::8888", "::ffff:8.8.8.8"])
@pytest.mark.parametrize("port", [53, 443, 853, 1024, 65_535])
def test_public_servers_are_dialled(address: str, port: int) -> None:
    assert refusal_of(address, port) is None


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104 - an address to refuse, not one to bind
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.1.1",
        "172.16.0.1",
        "192.168.1.1",
        "192.0.2.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:224.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::1",
        "2001:db8::1",
        "fc00::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ],
)
def test_addresses_that_point_inward_are_not(address: str) -> None:
    assert "address" in (refusal_of(address, 53) or "")


@pytest.mark.parametrize("port", [0, 1, 22, 25, 80, 1023])
def test_ports_of_other_services_are_not(port: int) -> None:
    assert "port" in (refusal_of("8.8.8.8", port) or "")
