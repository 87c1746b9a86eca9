"""The sections of a configuration, key by key, and the typed values that they become."""

from dataclasses import dataclass
from pathlib import Path

from fingerpost import readers, upstream_sections
from fingerpost.control.sections import CONTROL
from fingerpost.definitions import Key, Section
from fingerpost.gateway_sections import OBLIVIOUS
from fingerpost.limit_sections import LIMITS
from fingerpost.tls_sections import ENCRYPTION
from fingerpost.tokens.sections import ISSUER, TOKENS
from fingerpost.validator_sections import MAIL, NUMBERS, VALIDATE
from resolver.proven.shared import DEFAULT_SIZE, MAX_SIZE, MIN_SIZE
from resolver.settings import UPSTREAM_RATE
from transport.endpoint import Endpoint
from zonedata import identifiers, names
from zonedata.fields import check_authority, check_host
from zonedata.kinds import Role
from zonedata.names import Name

DEFAULT_APEX = names.from_text("fingerpost.internal.")  # .internal is reserved for private use
DEFAULT_LOOKUPS = 1_000  # a look-up holds some 30 KB, so these are 30 MB; the average resolver has ten in hand
MAX_LOOKUPS = 100_000
DEFAULT_MEMORY = 64  # MiB; some 120,000 answers
MAX_MEMORY = 65_536
MAX_WORKERS = 256  # each has a socket at every address, and a process may have 1,024 descriptors where nobody asks

_ADDRESSES = readers.list_of(readers.text_as(Endpoint.from_text))
_PATHS = readers.list_of(readers.path)
_NO_ADDRESSES: tuple[Endpoint, ...] = ()
_NO_PATHS: tuple[Path, ...] = ()
_NO_PATH: Path | None = None
_NO_NUMBER: int | None = None
_NO_ROLES: tuple[Role, ...] = ()
_NO_NODES: tuple[Name, ...] = ()

# --- above all tables ------------------------------------------------------------------------------------------

APEX = Key(
    "apex",
    readers.text_as(readers.apex),
    "name ending in a dot",
    "the name under which everything hangs on the wire; the same for authorities and resolvers",
    DEFAULT_APEX,
)
TOP = Section("", "Above all tables.", (APEX,))

# --- [listen] --------------------------------------------------------------------------------------------------

UDP = Key("udp", _ADDRESSES, "array of ADDRESS#PORT", "where DNS over UDP is answered", _NO_ADDRESSES)
TCP = Key("tcp", _ADDRESSES, "array of ADDRESS#PORT", "where DNS over TCP is answered", _NO_ADDRESSES)
TLS = Key(
    "tls", _ADDRESSES, "array of ADDRESS#PORT", "where DNS over TLS is answered; usual is port 853", _NO_ADDRESSES
)
HTTPS = Key(
    "https",
    _ADDRESSES,
    "array of ADDRESS#PORT",
    "where DNS over HTTPS is answered, at the path /dns-query; usual is port 443",
    _NO_ADDRESSES,
)
QUIC = Key(
    "quic",
    _ADDRESSES,
    "array of ADDRESS#PORT",
    "where DNS over QUIC is answered; usual is port 853, beside TLS",
    _NO_ADDRESSES,
)
ALLOW_PLAIN = Key(
    "allow_plain",
    readers.flag,
    "true or false",
    "whether plain DNS may leave this machine; everything else that does is encrypted",
    default=False,
)
LISTEN = Section("listen", "Where questions are taken.", (UDP, TCP, TLS, HTTPS, QUIC, ALLOW_PLAIN))
PLAIN = (UDP, TCP)
ENCRYPTED = (TLS, HTTPS, QUIC)  # these need a [tls]


@dataclass(frozen=True, slots=True)
class Listen:
    """Where questions are taken."""

    udp: tuple[Endpoint, ...]
    tcp: tuple[Endpoint, ...]
    allow_plain: bool
    tls: tuple[Endpoint, ...] = ()
    https: tuple[Endpoint, ...] = ()
    quic: tuple[Endpoint, ...] = ()


NOWHERE = Listen((), (), allow_plain=False)

# --- [authority] -----------------------------------------------------------------------------------------------

NAME = Key(
    "name", readers.text_as(check_host), "domain name", "who answers, such as alpha.example; '.' is the root"
)
STORE = Key("store", readers.path, "path", "the store that 'fingerpost sign' makes and 'fingerpost serve' opens")
ROLES = Key(
    "roles",
    readers.list_of(readers.one_of(Role, Role)),
    f"array of {', '.join(Role)}",
    "as what it is delegated to; the root needs none",
    _NO_ROLES,
)
DENY_KEY = Key(
    "deny_key",
    readers.path,
    "path",
    "on-line key that signs denials, and nothing else; needed by whoever answers about people",
    _NO_PATH,
    readers.look_at_key,
)
SPEAKS_AS = Key(
    "speaks_as",
    readers.text_as(check_authority),
    "domain name",
    "of a root that speaks about people, too: the name under which its own zone grants it that",
    "",
)
REGISTER = Key(
    "register",
    readers.path,
    "path",
    "directory of whom a validator vouches for; 'fingerpost validate' changes it, 'fingerpost serve' shows it",
    _NO_PATH,
    readers.look_at_register,
)
AUTHORITY = Section(
    "authority",
    "Answering with authority: the root, a registry, a provider, a validator.",
    (NAME, STORE, ROLES, DENY_KEY, REGISTER, SPEAKS_AS),
)


@dataclass(frozen=True, slots=True)
class AuthorityPart:
    """Who answers, from which store, as what; `speaks_as` is "" but in a root that speaks about people, too."""

    name: str
    store: Path
    roles: tuple[Role, ...]
    deny_key: Path | None
    register: Path | None
    speaks_as: str = ""

    @property
    def speaker(self) -> str:
        """The name in what is said about people, and the owner of the store."""
        return self.speaks_as or self.name


# --- [sign] ----------------------------------------------------------------------------------------------------

KEY = Key(
    "key",
    readers.path,
    "path",
    "key that signs the zone or the assertions; best kept off-line",
    inspect=readers.look_at_key,
)
ZONE = Key(
    "zone", readers.path, "path", "source of the zone of a root or registry", _NO_PATH, readers.look_at_source
)
LISTINGS = Key(
    "listings",
    _PATHS,
    "array of paths",
    "sources of a provider, .csv or NDJSON",
    _NO_PATHS,
    readers.each(readers.look_at_source),
)
NODES = Key(
    "nodes",
    readers.list_of(readers.text_as(identifiers.node_from_text)),
    "array of +PREFIX and @DOMAIN",
    "where a provider is delegated to; every listing lies below one of them",
    _NO_NODES,
)
ANCHOR = Key(
    "anchor",
    readers.path,
    "path",
    "trust anchor of the tree that the zone belongs to",
    _NO_PATH,
    readers.look_at_anchor,
)
ROOTKEYS = Key(
    "rootkeys",
    _PATHS,
    "array of paths",
    "every version of the root's keys, oldest first, to be served by the root; without it, that of the anchor",
    _NO_PATHS,
    readers.each(readers.look_at_anchor),
)
REVOCATIONS = Key(
    "revocations",
    _PATHS,
    "array of paths",
    "sources of what a CSIP revokes, NDJSON",
    _NO_PATHS,
    readers.each(readers.look_at_source),
)
REVOKE_KEY = Key(
    "revoke_key",
    readers.path,
    "path",
    "key that signs the revocations; without it, 'key' signs them too",
    _NO_PATH,
    readers.look_at_key,
)
ZONE_KEY = Key(
    "zone_key",
    readers.path,
    "path",
    "key that signs the zone, where one store has a zone and listings; 'key' signs the listings then",
    _NO_PATH,
    readers.look_at_key,
)
SIGN = Section(
    "sign",
    "Signing: what 'fingerpost sign' reads.",
    (KEY, ZONE, LISTINGS, NODES, ANCHOR, ROOTKEYS, REVOCATIONS, REVOKE_KEY, ZONE_KEY),
)


@dataclass(frozen=True, slots=True)
class ZoneSigning:
    """How the zone of a root or registry is signed."""

    key: Path
    zone: Path
    anchor: Path
    rootkeys: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class ListingsSigning:
    """How the listings of a provider, and the revocations of a CSIP, are signed."""

    key: Path
    listings: tuple[Path, ...]
    nodes: tuple[Name, ...]
    revocations: tuple[Path, ...] = ()
    revoke_key: Path | None = None


@dataclass(frozen=True, slots=True)
class WholeSigning:
    """How one store is signed that has a zone and, for the same nodes, what is said about people."""

    zone: ZoneSigning
    listings: ListingsSigning


# --- [resolver] ------------------------------------------------------------------------------------------------

TRUST = Key(
    "anchor",
    readers.path,
    "path",
    "trust anchor: whose word is believed in the end",
    _NO_PATH,
    readers.look_at_anchor,
)
LAB_ADDRESSES = Key(
    "lab_addresses",
    readers.flag,
    "true or false",
    "whether delegated servers may have private addresses, for laboratories",
    default=False,
)
LOOKUPS = Key(
    "lookups",
    readers.number(1, MAX_LOOKUPS),
    "whole number",
    "look-ups that a worker has in hand at a time; questions beyond them are dropped, and asked again",
    DEFAULT_LOOKUPS,
)
MEMORY = Key(
    "memory",
    readers.number(1, MAX_MEMORY),
    "MiB",
    "what each worker keeps of replies ready to be sent; an answer takes half a KiB",
    DEFAULT_MEMORY,
)
CACHE = Key(
    "cache",
    readers.path,
    "path",
    "directory for what was proven, shared by all workers and kept over restarts; else each has its own",
    _NO_PATH,
)
CACHE_SIZE = Key(
    "cache_size",
    readers.number(MIN_SIZE >> 20, MAX_SIZE >> 20),
    "MiB",
    "what the cache takes on disk, all of it at once",
    DEFAULT_SIZE >> 20,
)
RESOLVER = Section(
    "resolver",
    "Finding out: walking the tree for clients.",
    (
        TRUST,
        LAB_ADDRESSES,
        upstream_sections.ALLOW_PLAIN_UPSTREAM,
        upstream_sections.ROOT,
        upstream_sections.RATE,
        LOOKUPS,
        MEMORY,
        CACHE,
        CACHE_SIZE,
    ),
)


@dataclass(frozen=True, slots=True)
class ResolverPart:
    """Whom a resolver believes and asks first; the anchor is None where there are several trees."""

    anchor: Path | None
    lab_addresses: bool
    root: tuple[upstream_sections.RootServer, ...]
    lookups: int
    memory: int
    cache: Path | None
    cache_size: int
    allow_plain_upstream: bool = False
    upstream_rate: int = UPSTREAM_RATE


# --- [process] -------------------------------------------------------------------------------------------------

WORKERS = Key(
    "workers",
    readers.number(1, MAX_WORKERS),
    "whole number",
    "processes that answer, each with memory of its own; without it, one for each core that may be used",
    _NO_NUMBER,
)
PROCESS = Section("process", "How the daemon is laid out on its machine.", (WORKERS,))


@dataclass(frozen=True, slots=True)
class ProcessPart:
    """How many processes answer; None for one a core."""

    workers: int | None


AS_THE_MACHINE = ProcessPart(None)

SECTIONS = (
    TOP, LISTEN, AUTHORITY, SIGN, RESOLVER, PROCESS, LIMITS, VALIDATE, MAIL, NUMBERS, ENCRYPTION, ISSUER, TOKENS,
    OBLIVIOUS, CONTROL,
)  # fmt: skip
