"""Whom a dialer by way of a relay asks nothing; nobody is connected to."""

import pytest

from resolver.private_ways import ObliviousDialer, RelayWay
from transport.clock import Clock
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.handler import Protocol
from transport.proof import Certified, Pinned, Proof, Unproven

RELAY = RelayWay((Endpoint("192.0.2.1", 443),), Certified("relay.example"))
RESOLVER = Endpoint("192.0.2.2", 443)


@pytest.mark.parametrize(
    ("protocol", "proof", "reason"),
    [
        (Protocol.HTTPS, Unproven(), "does not have to prove who it is"),
        (Protocol.HTTPS, None, "is asked by way of a relay"),
        (Protocol.TLS, Pinned(bytes(32)), "is asked by way of a relay, and not over tls"),
        (Protocol.UDP, None, "is asked by way of a relay, and not over udp"),
    ],
)
async def test_nobody_is_asked_who_could_be_anybody_or_would_see_who_asks(
    protocol: Protocol, proof: Proof | None, reason: str
) -> None:
    async with ObliviousDialer(RELAY, Clock()).running() as dialer:
        with pytest.raises(UnreachableError, match=reason):
            await dialer.exchange(RESOLVER, protocol, b"??", lambda _: True, proof=proof)
