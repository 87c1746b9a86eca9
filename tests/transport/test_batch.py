"""Batches of datagrams, by single calls and by the kernel's own."""

import socket
from collections.abc import Callable, Iterator

import pytest

from transport import batch as module
from transport.batch import (
    ADDRESS,
    HAS_KERNEL_BATCH,
    SLOTS,
    STRIDE,
    Batch,
    KernelBatch,
    PortableBatch,
    open_batch,
)
from transport.endpoint import Endpoint
from transport.udp_listener import open_udp

NEEDS_KERNEL_BATCH = pytest.mark.skipif(not HAS_KERNEL_BATCH, reason="no recvmmsg here")
Kind = Callable[[socket.socket], Batch]


@pytest.fixture(params=[PortableBatch, pytest.param(KernelBatch, marks=NEEDS_KERNEL_BATCH)])
def kind(request: pytest.FixtureRequest) -> Kind:
    made: Kind = request.param
    return made


@pytest.fixture
def pair(anywhere: Endpoint) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A server's socket and a client's that is connected to it."""
    with open_udp(anywhere) as server, socket.socket(anywhere.family, socket.SOCK_DGRAM) as client:
        client.connect(server.getsockname())
        client.settimeout(10)
        yield server, client


def _messages(batch: Batch, count: int) -> list[bytes]:
    lengths: list[int] = batch.lengths[:count].tolist()
    return [bytes(batch.inbox[STRIDE * slot : STRIDE * slot + length]) for slot, length in enumerate(lengths)]


def test_what_waits_is_received_and_answered(pair: tuple[socket.socket, socket.socket], kind: Kind) -> None:
    server, client = pair
    batch = kind(server)
    assert batch.receive() == 0
    sent = [b"%d" % number * number for number in range(5)]
    for message in sent:
        client.send(message)
    count = batch.receive()
    assert _messages(batch, count) == sent
    assert batch.ips[count].unpack_from(batch.sources) == (
        (socket.inet_pton(server.family, client.getsockname()[0]),) * count
    )
    for slot in range(count):
        assert batch.endpoint(slot) == Endpoint(*client.getsockname()[:2])
    for out, slot in enumerate((1, 4)):  # not everything gets an answer
        reply = b"reply to %d" % slot
        batch.outbox[out * STRIDE : out * STRIDE + len(reply)] = reply
        batch.out_lengths[out] = len(reply)
        batch.address(out, slot)
    assert batch.send(2) == 2
    assert [client.recv(100) for _ in range(2)] == [b"reply to 1", b"reply to 4"]


def test_answers_go_to_whoever_asked(anywhere: Endpoint, kind: Kind) -> None:
    with open_udp(anywhere) as server:
        batch = kind(server)
        clients = [socket.socket(anywhere.family, socket.SOCK_DGRAM) for _ in range(3)]
        for number, client in enumerate(clients):
            client.settimeout(10)
            client.connect(server.getsockname())
            client.send(b"%d" % number)
        count = batch.receive()
        for slot in range(count):
            batch.outbox[slot * STRIDE : slot * STRIDE + 1] = batch.inbox[slot * STRIDE : slot * STRIDE + 1]
            batch.out_lengths[slot] = 1
        assert batch.send(count) == 3
        for number, client in enumerate(clients):
            with client:
                assert client.recv(10) == b"%d" % number


def test_answers_go_to_endpoints_kept_from_before(anywhere: Endpoint, kind: Kind) -> None:
    with open_udp(anywhere) as server:
        batch = kind(server)
        clients = [socket.socket(anywhere.family, socket.SOCK_DGRAM) for _ in range(3)]
        kept: list[Endpoint] = []
        for client in clients:
            client.settimeout(10)
            client.connect(server.getsockname())
            client.send(b"question")
            assert batch.receive() == 1
            kept.append(batch.endpoint(0))
        for out, endpoint in enumerate(reversed(kept)):
            batch.outbox[out * STRIDE : out * STRIDE + 1] = b"%d" % out
            batch.out_lengths[out] = 1
            batch.address_to(out, endpoint)
        assert batch.send(3) == 3
        for number, client in enumerate(reversed(clients)):
            assert client.recv(10) == b"%d" % number
        clients[1].send(b"again")
        assert batch.receive() == 1
        assert batch.send(1) == 1, "to whoever asked now, not to the endpoint of before"
        assert clients[1].recv(10) == b"0"
        for client in clients:
            client.close()


def test_more_than_a_batch_waits_for_the_next(pair: tuple[socket.socket, socket.socket], kind: Kind) -> None:
    server, client = pair
    batch = kind(server)
    for number in range(SLOTS + 3):
        client.send(b"%d" % number)
    assert batch.receive() == SLOTS
    assert _messages(batch, batch.receive()) == [b"%d" % (SLOTS + number) for number in range(3)]
    assert batch.receive() == 0


def test_what_cannot_be_sent_stops_nothing_else(pair: tuple[socket.socket, socket.socket], kind: Kind) -> None:
    server, client = pair
    batch = kind(server)
    for _ in range(3):
        client.send(b"question")
    count = batch.receive()
    for out in range(count):
        batch.outbox[out * STRIDE : out * STRIDE + 2] = b"%d" % (10 + out)
        batch.out_lengths[out] = 2
    if isinstance(batch, PortableBatch):
        batch.address_to(1, Endpoint(batch.endpoint(1).host, 0))
    else:
        batch.sources[ADDRESS + 2 : ADDRESS + 4] = b"\0\0"  # the port of the second: nothing can be sent there
    assert batch.send(count) == 2
    assert [client.recv(10) for _ in range(2)] == [b"10", b"12"]


def test_errors_of_the_kernel_are_raised(kind: Kind) -> None:
    with open_udp(Endpoint("127.0.0.1", 0)) as server:
        batch = kind(server)
    with pytest.raises(OSError, match="file descriptor"):
        batch.receive()


def test_the_kernels_is_taken_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_udp(Endpoint("127.0.0.1", 0)) as server:
        assert isinstance(open_batch(server), KernelBatch if HAS_KERNEL_BATCH else PortableBatch)
        monkeypatch.setattr(module, "HAS_KERNEL_BATCH", False)
        assert isinstance(open_batch(server), PortableBatch)
