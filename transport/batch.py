"""A batch of datagrams on fixed buffers: received in one call, answered in place, sent in one call.

`open_batch` gives the kernel's own form, recvmmsg and sendmmsg through ctypes, where the platform has them with
the layout that is known here (64-bit Linux), and else one that loops over recvfrom and sendto. Both show the same
three views, so that what goes over a batch (`drain`) is written once.

A batch is made once a socket and used by one task. What is in the inbox counts until the next `receive`.
"""

import ctypes
import errno
import os
import socket
import struct
import sys
from typing import Protocol

from transport.datagram import MAX_DATAGRAM, READ_SIZE
from transport.endpoint import Endpoint

SLOTS = 64  # datagrams a call: the cost of a call is spread thin, and 64 answers take a fraction of a millisecond
STRIDE = 4_224  # octets a slot: more than READ_SIZE, and no power of two, so that slots do not share cache lines
ADDRESS = 28  # octets of a socket address: sockaddr_in6, and sockaddr_in fits in it
HEADER_WORDS = 16  # 32-bit words of a struct mmsghdr
LENGTH_WORD = 14  # of these, the one with the length received
IPV4_AT, IPV6_AT = 4, 8  # where the IP address stands in a socket address (netinet/in.h)

assert STRIDE > READ_SIZE > MAX_DATAGRAM


class Batch(Protocol):
    """What `drain` goes over.

    Attributes:
        inbox: SLOTS slots of STRIDE octets, each with a datagram.
        outbox: The same for answers.
        lengths: 32-bit words; datagram i has `lengths[HEADER_WORDS * i + LENGTH_WORD]` octets.
        sources: SLOTS socket addresses of ADDRESS octets.
        ip: Where in a socket address the IP address is, and its length.
    """

    inbox: memoryview
    outbox: memoryview
    lengths: memoryview
    sources: memoryview
    ip: tuple[int, int]

    def receive(self) -> int:
        """Fill the inbox with what waits; return how many, 0 when nothing does.

        Raises:
            OSError: The kernel reports something, such as an ICMP message.
        """
        ...

    def address(self, out: int, source: int, octets: int) -> None:
        """Say that slot `out` of the outbox has so many octets for whoever sent datagram `source`."""
        ...

    def address_to(self, out: int, endpoint: Endpoint, octets: int) -> None:
        """Say that slot `out` of the outbox has so many octets for an endpoint that `endpoint` gave."""
        ...

    def send(self, count: int) -> int:
        """Send the first slots of the outbox; return how many the kernel took."""
        ...

    def endpoint(self, source: int) -> Endpoint:
        """Return who sent a datagram."""
        ...


def open_batch(sock: socket.socket) -> Batch:
    """Make the batch that is quickest here."""
    return KernelBatch(sock) if HAS_KERNEL_BATCH else PortableBatch(sock)


class PortableBatch:
    """A batch by single calls, for platforms without recvmmsg."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.inbox = memoryview(bytearray(SLOTS * STRIDE))
        self.outbox = memoryview(bytearray(SLOTS * STRIDE))
        self.lengths = memoryview(bytearray(SLOTS * HEADER_WORDS * 4)).cast("I")
        self.sources = memoryview(bytearray(SLOTS * ADDRESS))
        self.ip = _ip_in_address(sock)
        self._addresses: list[tuple[str, int]] = [("", 0)] * SLOTS
        self._out: list[tuple[tuple[str, int], int]] = [(("", 0), 0)] * SLOTS

    def receive(self) -> int:
        """See `Batch.receive`."""
        for slot in range(SLOTS):
            at = slot * STRIDE
            try:
                length, address = self._sock.recvfrom_into(self.inbox[at : at + READ_SIZE])
            except BlockingIOError:
                return slot
            except OSError:
                if slot == 0:
                    raise
                return slot  # told once, so it is not seen again; the datagrams before it count more
            self.lengths[slot * HEADER_WORDS + LENGTH_WORD] = length
            self._addresses[slot] = address
            start = slot * ADDRESS + self.ip[0]
            self.sources[start : start + self.ip[1]] = socket.inet_pton(self._sock.family, address[0].split("%")[0])
        return SLOTS

    def address(self, out: int, source: int, octets: int) -> None:
        """See `Batch.address`."""
        self._out[out] = self._addresses[source], octets

    def address_to(self, out: int, endpoint: Endpoint, octets: int) -> None:
        """See `Batch.address_to`."""
        self._out[out] = (endpoint.host, endpoint.port), octets

    def send(self, count: int) -> int:
        """See `Batch.send`."""
        sent = 0
        for out in range(count):
            address, octets = self._out[out]
            at = out * STRIDE
            try:
                self._sock.sendto(self.outbox[at : at + octets], address)
            except OSError:  # no buffer, no route, a firewall, a source port of 0: the client asks again
                continue
            sent += 1
        return sent

    def endpoint(self, source: int) -> Endpoint:
        """See `Batch.endpoint`."""
        return Endpoint(*self._addresses[source][:2])


# --- recvmmsg and sendmmsg -----------------------------------------------------------------------------------


class _Iovec(ctypes.Structure):
    """The struct iovec of bits/types/struct_iovec.h."""

    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Msghdr(ctypes.Structure):
    """The struct msghdr of bits/socket.h."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint),
        ("vectors", ctypes.c_void_p),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Mmsghdr(ctypes.Structure):
    """The struct mmsghdr of bits/socket.h."""

    _fields_ = (("header", _Msghdr), ("length", ctypes.c_uint))


_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
HAS_KERNEL_BATCH = (
    _libc is not None
    and hasattr(_libc, "recvmmsg")
    and hasattr(_libc, "sendmmsg")
    and (ctypes.sizeof(_Mmsghdr), _Mmsghdr.length.offset) == (4 * HEADER_WORDS, 4 * LENGTH_WORD)
    and sys.byteorder == "little"  # nowhere else was it tried
)


class KernelBatch:
    """A batch by recvmmsg and sendmmsg."""

    def __init__(self, sock: socket.socket) -> None:
        assert _libc is not None, "HAS_KERNEL_BATCH says whether this can be had"
        self._fd = sock.fileno()
        self._family = sock.family
        self._receive, self._send = _libc.recvmmsg, _libc.sendmmsg
        # Descriptor, struct mmsghdr *, how many, flags, and for recvmmsg a struct timespec * (recvmmsg(2)).
        self._receive.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p)
        self._send.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)
        self.ip = _ip_in_address(sock)
        name_length = 16 if self._family == socket.AF_INET else ADDRESS
        octets = ctypes.c_char * (SLOTS * STRIDE)
        # Owned here and pointed to by the headers: these must live as long as the batch does.
        addresses = ctypes.c_char * (SLOTS * ADDRESS)
        self._buffers = octets(), octets(), addresses(), addresses()
        inbox, outbox, sources, targets = self._buffers
        self._in, self._in_vectors = _headers(inbox, sources, name_length)
        self._out, self._out_vectors = _headers(outbox, sources, name_length)
        self._in_at, self._out_at = ctypes.addressof(self._in), ctypes.addressof(self._out)
        self._sources_at, self._targets_at = ctypes.addressof(sources), ctypes.addressof(targets)
        self._targets = memoryview(targets).cast("B")
        self.inbox, self.outbox = memoryview(inbox).cast("B"), memoryview(outbox).cast("B")
        self.sources = memoryview(sources).cast("B")
        self.lengths = memoryview(self._in).cast("B").cast("I")
        self._out_headers = memoryview(self._out).cast("B").cast("Q")
        self._out_lengths = memoryview(self._out_vectors).cast("B").cast("Q")

    def receive(self) -> int:
        """See `Batch.receive`."""
        count: int = self._receive(self._fd, self._in_at, SLOTS, socket.MSG_DONTWAIT, None)
        if count >= 0:
            return count
        number = ctypes.get_errno()
        if number in {errno.EAGAIN, errno.EINTR}:
            return 0
        raise OSError(number, os.strerror(number))

    def address(self, out: int, source: int, octets: int) -> None:
        """See `Batch.address`."""
        # msg_name; a header has 8 words of 64 bits
        self._out_headers[out * 8] = self._sources_at + source * ADDRESS
        self._out_lengths[out * 2 + 1] = octets

    def address_to(self, out: int, endpoint: Endpoint, octets: int) -> None:
        """See `Batch.address_to`."""
        at = out * ADDRESS
        host, _, scope = endpoint.host.partition("%")
        struct.pack_into("=H", self._targets, at, self._family)
        struct.pack_into(">H", self._targets, at + 2, endpoint.port)
        self._targets[at + self.ip[0] : at + sum(self.ip)] = socket.inet_pton(self._family, host)
        if self._family == socket.AF_INET6:
            struct.pack_into("=I", self._targets, at + 24, int(scope or 0))
        self._out_headers[out * 8] = self._targets_at + at
        self._out_lengths[out * 2 + 1] = octets

    def send(self, count: int) -> int:
        """See `Batch.send`."""
        sent = at = 0
        while at < count:
            done: int = self._send(self._fd, self._out_at + at * 4 * HEADER_WORDS, count - at, socket.MSG_DONTWAIT)
            if done > 0:
                sent += done
                at += done
            else:
                at += 1  # the kernel will not take this one, and stops at it; the client asks again
        return sent

    def endpoint(self, source: int) -> Endpoint:
        """See `Batch.endpoint`."""
        at = source * ADDRESS
        (port,) = struct.unpack_from(">H", self.sources, at + 2)
        host = socket.inet_ntop(self._family, self.sources[at + self.ip[0] : at + sum(self.ip)])
        if self._family == socket.AF_INET6:
            (scope,) = struct.unpack_from("=I", self.sources, at + 24)
            host += f"%{scope}" if scope else ""
        return Endpoint(host, port)


def _ip_in_address(sock: socket.socket) -> tuple[int, int]:
    return (IPV4_AT, 4) if sock.family == socket.AF_INET else (IPV6_AT, 16)


def _headers(
    buffer: "ctypes.Array[ctypes.c_char]", sources: "ctypes.Array[ctypes.c_char]", name_length: int
) -> "tuple[ctypes.Array[_Mmsghdr], ctypes.Array[_Iovec]]":
    headers, vectors = (_Mmsghdr * SLOTS)(), (_Iovec * SLOTS)()
    for slot in range(SLOTS):
        vectors[slot].base = ctypes.addressof(buffer) + slot * STRIDE
        vectors[slot].length = READ_SIZE
        header = headers[slot].header
        header.name, header.name_length = ctypes.addressof(sources) + slot * ADDRESS, name_length
        header.vectors = ctypes.addressof(vectors) + slot * ctypes.sizeof(_Iovec)
        header.vector_count = 1
    return headers, vectors
