"""The longest of many networks, and what looking for it costs."""

import time
from ipaddress import ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from transport.networks import Network, Networks

small = st.integers(0, 255)


def _four(address: int, length: int) -> Network:
    return ip_network((address << 24 | address, length), strict=False)


def _six(address: int, length: int) -> Network:
    return ip_network((address << 120 | address, length), strict=False)


networks = st.lists(
    st.builds(_four, small, st.integers(0, 32)) | st.builds(_six, small, st.integers(0, 128)), max_size=30
)


@given(networks, st.lists(small, min_size=1, max_size=10))
def test_it_is_the_longest_that_has_the_address(some: list[Network], addresses: list[int]) -> None:
    found = Networks(some)
    for number in addresses:
        for source in ((number << 24 | number).to_bytes(4, "big"), (number << 120 | number).to_bytes(16, "big")):
            address = ip_address(source)
            having = [one for one in some if address in one]
            position = found.longest(source)
            if not having:
                assert position == -1
            else:
                assert some[position] == max(having, key=lambda one: one.prefixlen)


def test_ten_thousand_networks_cost_no_more_than_one() -> None:
    """To go over all of them would take seconds here, and a flood invents its addresses."""
    found = Networks([ip_network((0x0A000000 + (number << 8), 24)) for number in range(10_000)])
    begun = time.process_time()
    for number in range(2_000):
        assert found.longest((0x0A000007 + (number << 8)).to_bytes(4, "big")) == number
        assert found.longest(number.to_bytes(4, "big")) == -1
    assert time.process_time() - begun < 1
