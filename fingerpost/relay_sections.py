"""The section of a relay's configuration, key by key, and the typed value that it becomes."""

from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from fingerpost import readers
from fingerpost.definitions import Given, Key, Section, WrongError
from fingerpost.tls_sections import CERTIFICATE, KEY
from transport.clients import MAX_RATE, UNLIMITED, LimitSettings, NamedClient, Quota
from transport.endpoint import Endpoint
from transport.oblivious.places import RELAY as RELAY_PATH
from transport.oblivious.places import WELL_KNOWN
from transport.proof import Certified, Pinned, Proof
from zonedata.errors import MalformedError

DEFAULT_RATE: Final = (
    50  # requests a second of one address; a person's batch of contacts, and each costs the gateway
)
HTTPS_PORT: Final = 443
PIN_OCTETS: Final = 32  # SHA-256

_NO_PATH: Path | None = None
_NO_PIN: bytes | None = None
_NO_ADDRESS: Endpoint | None = None


def named_client(value: str) -> NamedClient:
    """Read `192.0.2.0/24 5000`: a network, or one address, and requests a second of each of its addresses."""
    network, _, rate = value.partition(" ")
    if not (rate.isascii() and rate.isdigit() and len(rate) <= len(str(MAX_RATE)) and 0 < int(rate) <= MAX_RATE):
        raise MalformedError(f"{value[:80]!r} is not NETWORK RATE, with a rate from 1 to {MAX_RATE} a second")
    try:
        return NamedClient(network, (ip_network(network),), rate=int(rate))
    except ValueError as error:
        raise MalformedError(f"{network[:80]!r} is no network such as 192.0.2.0/24: {error}") from error


_NO_CLIENTS: tuple[NamedClient, ...] = ()


@dataclass(frozen=True, slots=True)
class GatewayUrl:
    """Where the gateway is: the host as its certificate has it, and the path where it takes requests."""

    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """How it is named in requests (RFC 9113 section 8.3.1)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == HTTPS_PORT else f"{host}:{self.port}"


def gateway_url(text: str) -> GatewayUrl:
    """Read `https://resolver.example/.well-known/ohttp-gateway`; without a path, that one is meant.

    Raises:
        MalformedError: It is no such URL. Nothing but https will do (RFC 9458 section 6).
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise MalformedError(f"{text[:80]!r} is no URL: {error}") from error
    is_plain = text.isascii() and text.isprintable() and " " not in text
    if not host or not is_plain or parts.username is not None or parts.query or parts.fragment or port == 0:
        raise MalformedError(f"{text[:80]!r} is no URL such as https://resolver.example{WELL_KNOWN}")
    if parts.scheme != "https":
        raise MalformedError(f"{text[:80]!r} would be read on its way; expected https://")
    return GatewayUrl(host, port or HTTPS_PORT, parts.path if parts.path not in {"", "/"} else WELL_KNOWN)


def pin(text: str) -> bytes:
    """Read a pin: 64 hexadecimal digits."""
    try:
        octets = bytes.fromhex(text)
    except ValueError:
        octets = b""
    if len(octets) != PIN_OCTETS or octets.hex() != text:
        raise MalformedError(f"{text[:80]!r}, expected {2 * PIN_OCTETS} of the digits 0 to 9 and a to f")
    return octets


def path(text: str) -> str:
    """Read a path of ours."""
    if not text.startswith("/") or not text.isascii() or not text.isprintable() or set(text) & set(" ?#"):
        raise MalformedError(f"{text[:80]!r} is no path such as {RELAY_PATH}")
    return text


def look_at_authorities(file: Path | None) -> None:
    """Refuse a file without a certificate in PEM."""
    from transport.tls import client  # noqa: PLC0415 - takes long to import, and few files are a relay's

    assert file is not None, "only what the file names is looked at"
    try:
        client.look_at_authorities(file)
    except ValueError as error:
        raise WrongError.because(f"{file}: {error}") from error


LISTEN = Key(
    "listen",
    readers.list_of(readers.text_as(Endpoint.from_text)),
    "array of ADDRESS#PORT",
    "where clients post their sealed requests, in HTTP/2 over TLS",
)
GATEWAY = Key(
    "gateway",
    readers.text_as(gateway_url),
    "https URL",
    "the one gateway that requests are posted to; whatever a client says, they go nowhere else",
)
ADDRESS = Key(
    "address",
    readers.text_as(Endpoint.from_text),
    "ADDRESS#PORT",
    "where the gateway is; without it its host is looked up by the system",
    _NO_ADDRESS,
)
AUTHORITIES = Key(
    "authorities",
    readers.path,
    "path",
    "PEM file with the authorities whose certificates for the gateway are believed, in the place of the system's",
    _NO_PATH,
    look_at_authorities,
)
PIN = Key(
    "pin",
    readers.text_as(pin),
    "64 hexadecimal digits",
    "the gateway's key, in the place of authorities: SHA-256 of its SubjectPublicKeyInfo",
    _NO_PIN,
)
PATH = Key("path", readers.text_as(path), "path of a URL", "where clients post", RELAY_PATH)
RATE = Key(
    "rate",
    readers.number(1, MAX_RATE),
    "requests a second",
    "how many one client address may post; behind the relay nobody can tell clients apart, so nobody else can say",
    DEFAULT_RATE,
)
CLIENTS = Key(
    "clients",
    readers.list_of(readers.text_as(named_client)),
    'array of "NETWORK RATE"',
    "clients with a rate of their own for each of their addresses",
    _NO_CLIENTS,
)
LOG_CLIENTS = Key(
    "log_clients",
    readers.flag,
    "true or false",
    "whether each request is logged with its client's address, while an abuse is looked into; else none is",
    default=False,
)
RELAY = Section(
    "relay",
    "A relay, in a file of its own: posts sealed requests to one gateway, for 'fingerpost relay'; SIGHUP has the "
    "certificate and its key read again.",
    (LISTEN, CERTIFICATE, KEY, GATEWAY, ADDRESS, AUTHORITIES, PIN, PATH, RATE, CLIENTS, LOG_CLIENTS),
)


@dataclass(frozen=True, slots=True)
class RelayPart:
    """What a relay does, for whom, and how its gateway proves that it is the one."""

    listen: tuple[Endpoint, ...]
    certificate: Path
    key: Path
    gateway: GatewayUrl
    address: Endpoint | None
    proof: Proof
    path: str
    rates: LimitSettings
    logs_clients: bool


def relay_part(given: Given) -> RelayPart:
    """Return the value of a section that is whole."""
    gateway, known = given[GATEWAY], given[PIN]
    proof: Proof = Pinned(known) if known is not None else Certified(gateway.host, given[AUTHORITIES])
    return RelayPart(
        given[LISTEN],
        given[CERTIFICATE],
        given[KEY],
        gateway,
        given[ADDRESS],
        proof,
        given[PATH],
        LimitSettings(given[RATE], Quota(UNLIMITED, UNLIMITED), given[CLIENTS]),
        given[LOG_CLIENTS],
    )
