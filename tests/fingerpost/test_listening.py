"""Sockets that are really opened, on loopback and at ports of the kernel's choice."""

import socket
from pathlib import Path

import pytest

from fingerpost.configuration import read
from fingerpost.listening import Opened, opened_sockets
from tests.fingerpost.household import MSP, Household, replaced
from transport.handler import Protocol
from zonedata.errors import ConfigError

CLIENTS = 200  # from as many ports; that a worker of three gets none of them happens once in 10^35


def _config(house: Household, **changes: str) -> Path:
    house.msp()
    return house.write("c.toml", replaced(MSP, **changes))


def _received(opened: Opened) -> list[int]:
    """Return how many clients have come to each socket."""
    counts = []
    for sock in opened.socks:
        count = 0
        while True:
            try:
                if opened.protocol is Protocol.UDP:
                    sock.recv(10)
                else:
                    sock.accept()[0].close()
            except BlockingIOError:
                break
            count += 1
        counts.append(count)
    return counts


@pytest.mark.parametrize("workers", [1, 3])
def test_clients_are_spread_over_the_workers(house: Household, workers: int) -> None:
    with opened_sockets(read(_config(house)), workers) as sockets:
        assert [opened.protocol for opened in sockets] == [Protocol.UDP, Protocol.TCP]
        for opened in sockets:
            assert {sock.getsockname() for sock in opened.socks} == {("127.0.0.1", opened.endpoint.port)}
            kind = opened.socks[0].type
            for _ in range(CLIENTS):
                with socket.socket(socket.AF_INET, kind) as client:
                    client.connect(("127.0.0.1", opened.endpoint.port))
                    if opened.protocol is Protocol.UDP:
                        client.send(b"x")
            counts = _received(opened)
            assert len(counts) == workers
            assert sum(counts) == CLIENTS
            assert all(counts)


def test_ipv6_is_shared_too(house: Household) -> None:
    with opened_sockets(read(_config(house, udp='["::1#0", "127.0.0.1#0"]', tcp="[]")), 3) as sockets:
        assert [opened.endpoint.host for opened in sockets] == ["::1", "127.0.0.1"]
        assert {len(opened.socks) for opened in sockets} == {3}


def test_all_are_closed_at_the_end(house: Household) -> None:
    before = sorted(Path("/proc/self/fd").iterdir())
    with opened_sockets(read(_config(house)), 3):
        pass
    assert sorted(Path("/proc/self/fd").iterdir()) == before


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_an_address_that_somebody_shares_is_taken(house: Household, workers: int, kind: socket.SocketKind) -> None:
    """SO_REUSEPORT lets every program of the same user in, unless we ask first."""
    with socket.socket(socket.AF_INET, kind) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            other.listen()
        key = "udp" if kind is socket.SOCK_DGRAM else "tcp"
        configuration = read(_config(house, **{key: f'["127.0.0.1#{other.getsockname()[1]}"]'}))
        with pytest.raises(ConfigError, match="Address already in use"), opened_sockets(configuration, workers):
            pass


def test_what_is_not_shared_lets_nobody_beside_it(house: Household) -> None:
    with opened_sockets(read(_config(house)), 1) as sockets:
        for opened in sockets:
            with socket.socket(socket.AF_INET, opened.socks[0].type) as other:
                other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                with pytest.raises(OSError, match="in use"):
                    other.bind(("127.0.0.1", opened.endpoint.port))


def test_more_sockets_than_there_may_be_are_a_fault(house: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = 0

    def limited(*_: object) -> socket.socket:
        nonlocal opened
        opened += 1
        if opened > 4:
            raise OSError(24, "Too many open files")
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    monkeypatch.setattr("fingerpost.listening.open_udp", limited)
    with (
        pytest.raises(ConfigError, match=r"c\.toml:2: listen\.udp: .*Too many open files"),
        opened_sockets(read(_config(house)), 5),
    ):
        pass


def test_a_worker_keeps_its_own(house: Household) -> None:
    with opened_sockets(read(_config(house)), 3) as sockets:
        for opened in sockets:
            opened.leave_to(1)
            assert [sock.fileno() >= 0 for sock in opened.socks] == [False, True, False]
