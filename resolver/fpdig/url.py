"""The server on the command line: an address, a name, or a URL that says over what too. Pure.

    192.0.2.1   192.0.2.1#53   dns.example   tls://dns.example   https://dns.example:8443/dns-query   quic://[::1]

Left out: finding the address of a name.
"""

from dataclasses import dataclass

from resolver.fpdig import flags
from transport.endpoint import Endpoint
from transport.handler import Protocol


@dataclass(frozen=True, slots=True)
class ServerText:
    """What the text says.

    Attributes:
        host: An IP address, or a name.
        port: None where it has none.
        protocol: None where it is no URL.
        path: Of an https URL; "" where it has none.
    """

    host: str
    port: int | None = None
    protocol: Protocol | None = None
    path: str = ""


def read_server(text: str) -> ServerText:
    """Read what stands behind the @.

    Raises:
        ValueError: It is none of these; says what is wrong.
    """
    scheme, separator, rest = text.partition("://")
    if not separator:
        host, mark, port = text.partition("#")
        return ServerText(_host(host), flags.port(port) if mark else None)
    if scheme not in set(Protocol):
        raise ValueError(f"a URL of {scheme[:20]!r}, expected one of {', '.join(f'{one}://' for one in Protocol)}")
    where, slash, path = rest.partition("/")
    if where.startswith("["):
        host, closing, port = where[1:].partition("]")
        if not closing or (port and not port.startswith(":")):
            raise ValueError("expected [ADDRESS] or [ADDRESS]:PORT")
        port = port[1:]
    else:
        host, _, port = where.partition(":")
    if slash and Protocol(scheme) is not Protocol.HTTPS:
        raise ValueError(f"a {scheme} URL has no path")
    way = flags.doh_path(slash + path) if slash and path else ""
    return ServerText(_host(host), flags.port(port) if port else None, Protocol(scheme), way)


def read_relay(text: str) -> ServerText:
    """Read the URL of a relay.

    Raises:
        ValueError: It is none.
    """
    relay = read_server(text)
    if relay.protocol is not Protocol.HTTPS:
        raise ValueError(f"{text[:80]!r}, expected the URL of a relay such as https://relay.example")
    return relay


def is_name(host: str) -> bool:
    """Say whether a host is a name, whose address has to be found."""
    try:
        Endpoint.from_text(f"{host}#0")
    except ValueError:
        return True
    return False


def _host(text: str) -> str:
    try:
        return Endpoint.from_text(f"{text}#0").host
    except ValueError as error:
        # Digits alone are an address with a mistake in it, and not the name of a host (RFC 3696 section 2).
        if ":" in text or not text.rpartition(".")[2].strip("0123456789"):
            raise
        try:
            return flags.host_name(text)
        except ValueError:
            raise error from None
