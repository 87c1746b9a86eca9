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
        lengths: Datagram i has `lengths[i]` octets.
        out_lengths: The answer in slot i of the outbox has `out_lengths[i]` octets; written by whoever answers.
        sources: SLOTS socket addresses of ADDRESS octets.
        ips: `ips[n]` takes the IP addresses of the first n out of `sources`, all in one call.
    """

    inbox: memoryview
    outbox: memoryview
    lengths: memoryview
    out_lengths: memoryview
    sources: memoryview
    ips: list[struct.Struct]

    def receive(self) -> int:
        """Fill the inbox with what waits; return how many, 0 when nothing does.

        From then on slot i of the outbox is for whoever sent datagram i, unless it is addressed otherwise.

        Raises:
            OSError: The kernel reports something, such as an ICMP message.
        """
        ...

    def address(self, out: int, source: int) -> None:
        """Have slot `out` of the outbox go to whoever sent datagram `source`."""
        ...

    def address_to(self, out: int, endpoint: Endpoint) -> None:
        """Have slot `out` of the outbox go to an endpoint that `endpoint` gave."""
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
        self.lengths = memoryview(bytearray(SLOTS * 4)).cast("I")
        self.out_lengths = memoryview(bytearray(SLOTS * 4)).cast("I")
        self.sources = memoryview(bytearray(SLOTS * ADDRESS))
        self._ip_at, self._ip = _ip_in_address(sock)
        self.ips = _ips(self._ip_at, self._ip.size)
        self._addresses: list[tuple[str, int]] = [("", 0)] * SLOTS
        self._targets: dict[int, tuple[str, int]] = {}  # of slots of the outbox that were addressed

    def receive(self) -> int:
        """See `Batch.receive`."""
        self._targets.clear()
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
            self.lengths[slot] = length
            self._addresses[slot] = address
            packed = socket.inet_pton(self._sock.family, address[0].split("%")[0])
            self._ip.pack_into(self.sources, slot * ADDRESS + self._ip_at, packed)
        return SLOTS

    def address(self, out: int, source: int) -> None:
        """See `Batch.address`."""
        self._targets[out] = self._addresses[source]

    def address_to(self, out: int, endpoint: Endpoint) -> None:
        """See `Batch.address_to`."""
        self._targets[out] = endpoint.host, endpoint.port

    def send(self, count: int) -> int:
        """See `Batch.send`."""
        sent = 0
        for out in range(count):
            at = out * STRIDE
            try:
                address = self._targets.get(out, self._addresses[out])
                self._sock.sendto(self.outbox[at : at + self.out_lengths[out]], address)
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
        self._ip_at, self._ip = _ip_in_address(sock)
        self.ips = _ips(self._ip_at, self._ip.size)
        name_length = 16 if self._family == socket.AF_INET else ADDRESS
        octets = ctypes.c_char * (SLOTS * STRIDE)
        # Owned here and pointed to by the headers: these must live as long as the batch does.
        addresses = ctypes.c_char * (SLOTS * ADDRESS)
        self._buffers = octets(), octets(), addresses(), addresses()
        inbox, outbox, sources, targets = self._buffers
        self._in, self._in_vectors = _headers(inbox, sources, name_length)
        self._out, self._out_vectors = _headers(outbox, sources, name_length)
        self._in_at, self._out_at = ctypes.addressof(self._in), ctypes.addressof(self._out)
        self._targets_at = ctypes.addressof(targets)
        self._targets = memoryview(targets).cast("B")
        self.inbox, self.outbox = memoryview(inbox).cast("B"), memoryview(outbox).cast("B")
        self.sources = memoryview(sources).cast("B")
        self.lengths = memoryview(self._in).cast("B").cast("I")[LENGTH_WORD::HEADER_WORDS]
        self.out_lengths = memoryview(self._out_vectors).cast("B").cast("Q")[1::2]  # of pointer and length
        self._names = memoryview(self._out).cast("B").cast("Q")[:: HEADER_WORDS // 2]  # where each goes
        self._own_names = self._names.tolist()
        self._addressed = 0  # slots of the outbox up to which some may go elsewhere than to the same slot's source

    def receive(self) -> int:
        """See `Batch.receive`."""
        for out in range(self._addressed):
            self._names[out] = self._own_names[out]
        self._addressed = 0
        count: int = self._receive(self._fd, self._in_at, SLOTS, socket.MSG_DONTWAIT, None)
        if count >= 0:
            return count
        number = ctypes.get_errno()
        if number in {errno.EAGAIN, errno.EINTR}:
            return 0
        raise OSError(number, os.strerror(number))

    def address(self, out: int, source: int) -> None:
        """See `Batch.address`."""
        self._name(out, self._own_names[source])

    def address_to(self, out: int, endpoint: Endpoint) -> None:
        """See `Batch.address_to`."""
        at = out * ADDRESS
        host, _, scope = endpoint.host.partition("%")
        struct.pack_into("=H", self._targets, at, self._family)
        struct.pack_into(">H", self._targets, at + 2, endpoint.port)
        self._ip.pack_into(self._targets, at + self._ip_at, socket.inet_pton(self._family, host))
        if self._family == socket.AF_INET6:
            struct.pack_into("=I", self._targets, at + 24, int(scope or 0))
        self._name(out, self._targets_at + at)

    def _name(self, out: int, at: int) -> None:
        self._names[out] = at
        self._addressed = max(self._addressed, out + 1)

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
        host = socket.inet_ntop(self._family, self._ip.unpack_from(self.sources, at + self._ip_at)[0])
        if self._family == socket.AF_INET6:
            (scope,) = struct.unpack_from("=I", self.sources, at + 24)
            host += f"%{scope}" if scope else ""
        return Endpoint(host, port)


def _ip_in_address(sock: socket.socket) -> tuple[int, struct.Struct]:
    return (IPV4_AT, struct.Struct("4s")) if sock.family == socket.AF_INET else (IPV6_AT, struct.Struct("16s"))


def _ips(at: int, octets: int) -> list[struct.Struct]:
    """Return `Batch.ips` for IP addresses of so many octets that stand there in each socket address."""
    each = f"{at}x{octets}s{ADDRESS - at - octets}x"
    return [struct.Struct(each * count) for count in range(SLOTS + 1)]


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
