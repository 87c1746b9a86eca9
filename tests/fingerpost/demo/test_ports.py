import errno
import socket

import pytest

from fingerpost.demo import ports
from fingerpost.demo.ports import Held, TakenError

LOOPBACK = "127.0.0.1"


def test_each_has_a_number_of_its_own_and_gives_it_back() -> None:
    with ports.hold(("a", "b"), "nobody", {}) as held:
        numbers = {one.port for one in held.values()}
        assert set(held) == {"a", "b", "nobody"}
        assert len(numbers) == 3
    again = Held(next(iter(numbers)))
    again.release()


def test_a_fixed_number_is_the_one() -> None:
    free = Held()
    free.release()
    with ports.hold(("a", "b"), "nobody", {"b": free.port}) as held:
        assert held["b"].port == free.port


def test_what_is_wished_for_is_had_if_it_is_free() -> None:
    free, taken = Held(), Held()
    free.release()
    with ports.hold(("a", "b", "c"), "nobody", {}, {"c": free.port, "b": taken.port}) as held:
        assert held["c"].port == free.port
        assert held["b"].port not in {free.port, taken.port}
    taken.release()
    with ports.hold(("a",), "nobody", {}, {"a": 65_536}) as held:
        assert held["a"].port


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_taken_number_is_refused(kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind((LOOPBACK, 0))
        port = taken.getsockname()[1]
        with (
            pytest.raises(TakenError, match=f"port {port} of 127.0.0.1 is not free"),
            ports.hold(("a",), "n", {"a": port}),
        ):
            pytest.fail("held")


def test_it_gives_up_when_no_number_is_free_for_both(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_: object, __: object) -> None:
        raise OSError(errno.EADDRINUSE, "in use")

    class Socket(socket.socket):
        bind = never

    monkeypatch.setattr(socket, "socket", Socket)
    with pytest.raises(TakenError, match="no port"):
        Held()


def test_nobody_refuses_at_once() -> None:
    with ports.hold((), "nobody", {}) as held:
        port = held["nobody"].port
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(5)
            asking.connect((LOOPBACK, port))
            asking.send(b"hello")
            with pytest.raises(ConnectionRefusedError):
                asking.recv(100)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((LOOPBACK, port), timeout=5)
