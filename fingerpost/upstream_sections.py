"""The keys of [resolver] about how others are asked: the root's servers, plain DNS, and how fast.

Beside `sections`, which lists them, as [[tree]] does the first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fingerpost import readers
from fingerpost.definitions import Key
from resolver.settings import MAX_UPSTREAM_RATE, UPSTREAM_RATE
from transport.endpoint import Endpoint
from zonedata import addresses, zoneline
from zonedata.errors import MalformedError
from zonedata.zone_statements import Server
from zonedata.zoneline import LineError


@dataclass(frozen=True, slots=True)
class RootServer:
    """A server of the root, as an operator gives it.

    Attributes:
        endpoint: Where it answers.
        pin: SHA-256 of its key, and it is asked over TLS; b"" where it is asked in plain DNS.
    """

    endpoint: Endpoint
    pin: bytes = b""

    @classmethod
    def from_text(cls, text: str) -> "RootServer":
        """Read `192.0.2.1#53`, or `192.0.2.1#853 pin=HEX`.

        Raises:
            ValueError: It is neither.
        """
        where, _, option = text.partition(" ")
        endpoint = Endpoint.from_text(where)
        if not option:
            return cls(endpoint)
        name, _, value = option.partition("=")
        try:
            if name != "pin":
                raise MalformedError(f"{option[:80]!r} is not pin=HEX")
            return cls(endpoint, zoneline.pin(value))
        except LineError as error:
            raise MalformedError(f"{option[:80]!r}: {error}") from error

    def to_server(self, number: int) -> Server:
        """Return it as a zone names servers; `number` tells it from others in logs."""
        port = self.endpoint.port
        ports = (("tls", port),) if self.pin else (("tcp", port), ("udp", port))
        name = f"root-{number}.invalid"  # a name that can never be anybody's (RFC 6761)
        return Server(name, (self.endpoint.host,), ports, self.pin)


_NO_SERVERS: tuple[RootServer, ...] = ()

ROOT = Key(
    "root",
    readers.list_of(readers.text_as(RootServer.from_text)),
    'array of ADDRESS#PORT, or "ADDRESS#PORT pin=HEX" for TLS',
    "servers of the root, instead of those in the anchor file; the pin is the SHA-256 of a server's public key",
    _NO_SERVERS,
)
ALLOW_PLAIN_UPSTREAM = Key(
    "allow_plain_upstream",
    readers.flag,
    "true or false",
    "whether servers that offer no TLS are asked in plain DNS beyond this machine, where others read it",
    default=False,
)
RATE = Key(
    "upstream_rate",
    readers.number(1, MAX_UPSTREAM_RATE),
    "questions a second",
    "how many a worker asks one zone or authority, whoever wants to know; those beyond it wait, or go unanswered",
    UPSTREAM_RATE,
)


def undialled(
    servers: Sequence[RootServer], *, lab_addresses: bool, allow_plain: bool
) -> Iterator[tuple[int, str]]:
    """Say which of the root's servers would not be asked, by their numbers, and why."""
    for number, server in enumerate(servers):
        endpoint = server.endpoint
        reason = None if lab_addresses else addresses.refusal_of(endpoint.host, endpoint.port)
        if reason is not None:
            yield number, f"{reason}; 'lab_addresses = true' in [resolver] allows it"
        elif not (server.pin or allow_plain or endpoint.is_loopback):
            yield (
                number,
                (
                    f"{endpoint.to_text()} is no loopback address, and plain DNS is not encrypted; give its key "
                    f"as in '{endpoint.host}#853 pin=HEX', or 'allow_plain_upstream = true' in [resolver] allows it"
                ),
            )


def plain_alone(servers: Sequence[Server]) -> bool:
    """Say whether servers can be asked in plain DNS alone, and none of them on this machine."""
    return not any(
        "tls" in dict(server.ports) or Endpoint(address, 0).is_loopback
        for server in servers
        for address in server.addresses
    )
