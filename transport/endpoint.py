"""An IP address and a port: text form, socket family.

Left out: host names and everything that would have to be looked up. Link-local scopes pass through as the
kernel spells them.
"""

import socket
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Self

MAX_PORT = 65_535  # 16 bits on the wire


@dataclass(slots=True, unsafe_hash=True, order=True)  # one a look-up: decision 0016
class Endpoint:
    """Where a socket is, or is to be.

    Attributes:
        host: An IP address in canonical text. `from_text` makes it so and the kernel spells its own so; it is
            not checked again here, since one of these is made for every datagram.
        port: 0 asks the kernel for a free one.
    """

    host: str
    port: int

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read `192.0.2.1#53`, `192.0.2.1:53`, `::1#53` or `[::1]:53`.

        Raises:
            ValueError: It is none of these, or the address is not an IP address in a form of its own.
        """
        if "#" in text:
            host, _, port = text.partition("#")
        elif text.startswith("["):
            host, separator, port = text[1:].partition("]:")
            if not separator:
                raise ValueError(f"endpoint {text[:80]!r} has no ']:' before its port")
        elif text.count(":") == 1:
            host, _, port = text.partition(":")
        else:
            raise ValueError(f"endpoint {text[:80]!r} is neither ADDRESS#PORT nor ADDRESS:PORT nor [IPV6]:PORT")
        return cls(_canonical(host), _port_number(port))

    def to_text(self) -> str:
        """Return `ADDRESS#PORT`, the manner of dig."""
        return f"{self.host}#{self.port}"

    @property
    def family(self) -> socket.AddressFamily:
        """The family of a socket for this address."""
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET

    @property
    def is_loopback(self) -> bool:
        """Whether what is sent there stays on this machine."""
        return ip_address(self.host).is_loopback


def _canonical(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError as error:
        raise ValueError(f"{host[:80]!r} is not an IP address (names are not looked up here)") from error
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        # Our IPv6 sockets carry IPv6 only, and 127.0.0.1 must not hide behind a second spelling.
        raise ValueError(f"{host!r} is an IPv4 address in IPv6 form, write {address.ipv4_mapped}")
    return str(address)


def _port_number(port: str) -> int:
    if not (port.isascii() and port.isdigit() and len(port) <= len(str(MAX_PORT)) and int(port) <= MAX_PORT):
        raise ValueError(f"port {port[:80]!r} is not a number from 0 to {MAX_PORT}")
    return int(port)
