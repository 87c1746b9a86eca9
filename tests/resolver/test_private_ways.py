"""What a dialer by way of a relay refuses; tests/fingerpost/test_private_ways.py has the whole way."""

import pytest

from resolver.private_ways import ObliviousDialer, RelayWay
from transport.clock import Clock
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.handler import Protocol
from transport.proof import Certified
from transport.resource import Resource

THERE = Endpoint("192.0.2.1", 443)


async def test_nobody_shows_a_name_by_way_of_a_relay() -> None:
    proof, named = Certified("dns.example"), Resource(bearer="secret")
    dialer = ObliviousDialer(RelayWay(THERE, proof), Clock())
    with pytest.raises(UnreachableError, match="is not to know who asks"):
        await dialer.exchange(THERE, Protocol.HTTPS, b"ID", lambda _: True, proof=proof, resource=named)
