"""Between the processes of a daemon: packets over pairs of sockets that the supervisor made before it forked.

Every process finds the ends that its predecessor had, so what was asked of one that died is answered by the next,
and whoever has given up waiting takes the number of the packet for nobody's. What is sent is ours on both sides.
"""

import json
import socket
from dataclasses import dataclass
from typing import Any, Final

MAX_PACKET: Final = 32_768  # octets; more is said in several packets, between which a worker answers questions

Packet = dict[str, Any]  # as JSON gives it; we wrote it ourselves


@dataclass(frozen=True, slots=True)
class Channels:
    """All pairs; of each, the first end is that of the desk.

    Attributes:
        supervisor: To the supervisor.
        workers: To each worker, by its number.
    """

    supervisor: tuple[socket.socket, socket.socket]
    workers: tuple[tuple[socket.socket, socket.socket], ...]

    @classmethod
    def made(cls, workers: int) -> "Channels":
        """Make them, for so many workers."""
        return cls(_pair(), tuple(_pair() for _ in range(workers)))

    def worker_end(self, number: int) -> socket.socket:
        """Return a worker's end, in its process; the others are closed there."""
        own = self.workers[number][1]
        self._close_but({own})
        return own

    def desk_ends(self) -> tuple[socket.socket, tuple[socket.socket, ...]]:
        """Return the desk's ends to supervisor and workers, in its process; the others are closed there."""
        ends = self.supervisor[0], tuple(mine for mine, _ in self.workers)
        self._close_but({ends[0], *ends[1]})
        return ends

    def close(self) -> None:
        """Close all of them."""
        self._close_but(set())

    def _close_but(self, kept: set[socket.socket]) -> None:
        for pair in (self.supervisor, *self.workers):
            for end in pair:
                if end not in kept:
                    end.close()


def packed(packet: Packet) -> bytes:
    """Return a packet as it is sent."""
    octets = json.dumps(packet, ensure_ascii=False).encode("utf-8", "backslashreplace")
    assert len(octets) <= MAX_PACKET, "who writes long things writes several packets"
    return octets


def unpacked(octets: bytes) -> Packet:
    """Return a packet that was sent."""
    packet: Packet = json.loads(octets)
    return packet


def _pair() -> tuple[socket.socket, socket.socket]:
    pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in pair:
        end.setblocking(False)
    return pair
