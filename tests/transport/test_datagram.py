import socket
import sys

import pytest

from transport.datagram import open_datagram_socket
from transport.endpoint import Endpoint


@pytest.mark.skipif(sys.platform != "linux", reason="a Linux option")
def test_icmp_changes_no_size(anywhere: Endpoint) -> None:
    level, option = (0, 10) if anywhere.family == socket.AF_INET else (41, 23)
    with open_datagram_socket(anywhere.family) as sock:
        assert sock.getsockopt(level, option) == 5
        assert not sock.getblocking()


def test_other_systems_do_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "plan9")
    with open_datagram_socket(socket.AF_INET) as sock:
        assert not sock.getblocking()
