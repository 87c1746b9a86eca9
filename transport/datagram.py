"""What every datagram socket of ours has in common, whether it listens or asks."""

import socket
import sys

MAX_DATAGRAM = 4_096  # octets; EDNS peers announce 1,232, old ones 4,096, and nothing sends more
READ_SIZE = MAX_DATAGRAM + 1  # one more, so that a datagram cut short is told from one that fits

# From linux/in.h and linux/in6.h; Python's socket module does not name them.
_IP_MTU_DISCOVER = 10
_IPV6_MTU_DISCOVER = 23
_PMTUDISC_OMIT = 5


def open_datagram_socket(family: socket.AddressFamily) -> socket.socket:
    """Return a non-blocking datagram socket on which no ICMP message changes what size goes out.

    Without this, forged "fragmentation needed" messages make the kernel cut answers into fragments, and the
    second fragment carries no port and no id that a forger would have to guess.
    """
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setblocking(False)
    if sys.platform == "linux":
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _PMTUDISC_OMIT)
        else:
            sock.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_OMIT)
    return sock
