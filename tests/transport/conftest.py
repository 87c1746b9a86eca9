"""Real loopback sockets use port 0, the real clock and `fail_after`; all else runs in virtual time."""

import socket

import pytest
import trio
from trio.testing import MockClock

from transport import datagram_pool
from transport.endpoint import Endpoint


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


_NEEDS_IPV6 = pytest.mark.skipif(not _has_ipv6(), reason="this machine has no ::1")


@pytest.fixture(params=["127.0.0.1", pytest.param("::1", marks=_NEEDS_IPV6)])
def anywhere(request: pytest.FixtureRequest) -> Endpoint:
    """Any free port, once over IPv4 and once over IPv6."""
    return Endpoint(request.param, 0)


@pytest.fixture
def leaping_clock() -> MockClock:
    """Trio's clock at its usual pace, so that `fail_after` works, but it can be made to jump."""
    return MockClock(rate=1.0)


@pytest.fixture
def lookup_pause() -> trio.Event:
    """What the `Later` work of a test waits for."""
    return trio.Event()


@pytest.fixture
def one_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exchanges with one endpoint share a port from the first on."""
    monkeypatch.setattr(datagram_pool, "SPREAD", 1)
