"""What zones and the root say: ROOTKEYS, ZONEDIGEST, AUTHORITY, DELEGATION, GAP.

Each class reads and writes the fields of its body; the shared fields (`Life`) and the bytes are done by
`statements`. All of these but ROOTKEYS carry `zone`, the authority whose zone it is ("." for the root), and
`tree`, the id of the trust anchor, so that nothing said in one tree counts in another.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from zonedata import addresses, keys, names
from zonedata.errors import MalformedError, UntrustedError
from zonedata.fields import Fields, check_authority, strictly_ascending
from zonedata.keys import PublicKey
from zonedata.kinds import Assurance, Kind, Role, Use
from zonedata.life import Life
from zonedata.names import Name

TREE_OCTETS = 16
DIGEST_OCTETS = 32
PIN_OCTETS = 32  # SHA-256 of a SubjectPublicKeyInfo, as RFC 7858 section 4.2
MAX_ROOT_KEYS = 16
MAX_ZONE_KEYS = 4  # an incoming, a current and an outgoing one, and one to spare
MAX_AUTHORITY_KEYS = 8  # four of each on-line and off-line use while they roll
MAX_SERVERS = 13  # as many as are considered; more are never asked
MAX_ADDRESSES = 4  # of one server
MAX_GRANTS = 400  # at one node; about 32 KiB
BINDABLE = frozenset({Use.ZONE, Use.ASSERT, Use.DENY, Use.VALIDATE, Use.REVOKE})  # by an AUTHORITY
TRANSPORTS = ("tcp", "tls", "udp")


@dataclass(frozen=True, slots=True)
class RootKeys:
    """One version of the root's keys; the trust anchor is one of these (section 6 of docs/protocol.md).

    Attributes:
        version: From 1, never back; also the serial.
        tree: Id of the tree: empty octets in version 1, whose digest is the id (see `trust`).
        root_keys: Keys that sign ROOTKEYS.
        threshold: How many of them must.
        zone_keys: Keys that sign the root zone.
    """

    kind: ClassVar[Kind] = Kind.ROOTKEYS
    life: Life
    version: int
    tree: bytes
    root_keys: tuple[PublicKey, ...]
    threshold: int
    zone_keys: tuple[PublicKey, ...]

    def to_fields(self) -> dict[str, Any]:
        """Return the fields of the body."""
        return {
            "version": self.version,
            "tree": self.tree,
            "root_keys": [key.raw for key in self.root_keys],
            "threshold": self.threshold,
            "zone_keys": [key.raw for key in self.zone_keys],
        }

    @classmethod
    def from_fields(cls, life: Life, fields: Fields) -> "RootKeys":
        """Read the fields of the body."""
        version = fields.number("version", 2**32)
        rootkeys = cls(
            life,
            version,
            fields.octets("tree", 0 if version == 1 else TREE_OCTETS),
            fields.list_of("root_keys", _key, MAX_ROOT_KEYS),
            fields.number("threshold", MAX_ROOT_KEYS),
            fields.list_of("zone_keys", _key, MAX_ZONE_KEYS),
        )
        if version == 0 or version != life.serial:
            raise MalformedError("ROOTKEYS version is 0 or differs from its serial")
        if not 1 <= rootkeys.threshold <= len(rootkeys.root_keys) or not rootkeys.zone_keys:
            raise MalformedError("ROOTKEYS threshold is 0 or above the number of root keys, or no zone key")
        for group in (rootkeys.root_keys, rootkeys.zone_keys):
            strictly_ascending(tuple(key.key_id for key in group), "keys by their ids")
        return rootkeys


@dataclass(frozen=True, slots=True)
class ZoneDigest:
    """How many statements a whole zone has, and their digest (as ZONEMD, RFC 8976)."""

    kind: ClassVar[Kind] = Kind.ZONEDIGEST
    life: Life
    tree: bytes
    zone: str
    count: int
    digest: bytes

    def to_fields(self) -> dict[str, Any]:
        """Return the fields of the body."""
        return {"tree": self.tree, "zone": self.zone, "count": self.count, "digest": self.digest}

    @classmethod
    def from_fields(cls, life: Life, fields: Fields) -> "ZoneDigest":
        """Read the fields of the body."""
        return cls(
            life,
            fields.octets("tree", TREE_OCTETS),
            fields.host("zone"),
            fields.number("count", 2**40),
            fields.octets("digest", DIGEST_OCTETS),
        )


@dataclass(frozen=True, slots=True)
class BoundKey:
    """A key of an authority, what it may sign and when.

    Attributes:
        start: Unix seconds from which it counts.
        end: Unix seconds from which it no longer does.
    """

    public: PublicKey
    uses: tuple[Use, ...]
    start: int
    end: int

    def to_value(self) -> dict[str, Any]:
        """Return the map that stands in the body."""
        return {"key": self.public.raw, "uses": list(self.uses), "from": self.start, "until": self.end}

    @classmethod
    def from_value(cls, value: Any) -> "BoundKey":
        """Read that map."""
        fields = Fields(value)
        bound = cls(
            _key(fields.octets("key", keys.PUBLIC_OCTETS)),
            fields.list_of("uses", lambda use: _word(Use, use), len(Use)),
            fields.number("from", 2**40),
            fields.number("until", 2**40),
        )
        fields.done()
        if not bound.uses or bound.start >= bound.end or not BINDABLE.issuperset(bound.uses):
            raise MalformedError("key without a use, with an empty window, or with a use that no zone grants")
        strictly_ascending(bound.uses, "uses")
        if Use.DENY in bound.uses and len(bound.uses) > 1:
            raise MalformedError("the deny key is on-line and can sign nothing else")
        return bound


@dataclass(frozen=True, slots=True)
class Server:
    """One name server of an authority.

    Attributes:
        name: Its host name, for people and for certificates.
        addresses: IP addresses in text; nobody needs to look them up.
        ports: Port by transport (`udp`, `tcp`, `tls`), in ascending order of transport.
        pin: SHA-256 of its TLS key, or b"" when it offers no TLS.
    """

    name: str
    addresses: tuple[str, ...]
    ports: tuple[tuple[str, int], ...]
    pin: bytes = b""

    def to_value(self) -> dict[str, Any]:
        """Return the map that stands in the body."""
        return {
            "name": self.name,
            "addresses": list(self.addresses),
            "ports": dict(self.ports),
            "pin": self.pin,
        }

    @classmethod
    def from_value(cls, value: Any) -> "Server":
        """Read that map."""
        fields = Fields(value)
        ports = fields.map("ports")
        offers_tls = ports.has("tls")
        server = cls(
            fields.host("name"),
            fields.list_of("addresses", _address, MAX_ADDRESSES),
            tuple((name, ports.number(name, 65_535)) for name in TRANSPORTS if ports.has(name)),
            fields.octets("pin", PIN_OCTETS if offers_tls else 0),
        )
        ports.done()
        fields.done()
        if not server.addresses or not server.ports or any(port == 0 for _, port in server.ports):
            raise MalformedError("server without an address, a transport or with port 0")
        return server


@dataclass(frozen=True, slots=True)
class Authority:
    """Who an authority is in one zone: its keys and its servers."""

    kind: ClassVar[Kind] = Kind.AUTHORITY
    life: Life
    tree: bytes
    zone: str
    authority: str
    keys: tuple[BoundKey, ...]
    servers: tuple[Server, ...]

    def to_fields(self) -> dict[str, Any]:
        """Return the fields of the body."""
        return {
            "tree": self.tree,
            "zone": self.zone,
            "authority": self.authority,
            "keys": [key.to_value() for key in self.keys],
            "servers": [server.to_value() for server in self.servers],
        }

    @classmethod
    def from_fields(cls, life: Life, fields: Fields) -> "Authority":
        """Read the fields of the body."""
        authority = cls(
            life,
            fields.octets("tree", TREE_OCTETS),
            fields.host("zone"),
            fields.host("authority"),
            fields.list_of("keys", BoundKey.from_value, MAX_AUTHORITY_KEYS),
            fields.list_of("servers", Server.from_value, MAX_SERVERS),
        )
        if authority.authority == "." != authority.zone:
            raise MalformedError(f"AUTHORITY of the root zone in the zone {authority.zone}")
        strictly_ascending(tuple(key.public.key_id for key in authority.keys), "keys by their ids")
        return authority


@dataclass(frozen=True, slots=True)
class Grant:
    """What one authority is given at one node.

    Attributes:
        authority: Who.
        roles: As what, in ascending order.
        required: The least assurance that is accepted of its assertions.
        deep: At a mail domain: whether it reaches subdomains too.
    """

    authority: str
    roles: tuple[Role, ...]
    required: Assurance = Assurance.ASSERTED
    deep: bool = False

    def to_value(self) -> list[Any]:
        """Return the list that stands in the body: short, since one node may have hundreds."""
        return [self.authority, list(self.roles), self.required, self.deep]

    @classmethod
    def from_value(cls, value: Any) -> "Grant":
        """Read that list."""
        if not isinstance(value, list) or len(value) != 4 or not isinstance(value[1], list):
            raise MalformedError("grant is not a list of authority, roles, assurance and deep")
        if not isinstance(value[0], str) or not isinstance(value[3], bool):
            raise MalformedError("grant has a field of the wrong type")
        roles = tuple(_word(Role, role) for role in value[1])
        if not roles:
            raise MalformedError("grant without a role")
        strictly_ascending(roles, "roles")
        return cls(check_authority(value[0]), roles, _word(Assurance, value[2]), value[3])


@dataclass(frozen=True, slots=True)
class Delegation:
    """Every grant of one zone at one node.

    Attributes:
        terminating: Drops this zone's grants at shorter nodes for everything at or below this one.
    """

    kind: ClassVar[Kind] = Kind.DELEGATION
    life: Life
    tree: bytes
    zone: str
    node: Name
    grants: tuple[Grant, ...]
    terminating: bool = False

    def to_fields(self) -> dict[str, Any]:
        """Return the fields of the body."""
        return {
            "tree": self.tree,
            "zone": self.zone,
            "node": names.to_text(self.node),
            "grants": [grant.to_value() for grant in self.grants],
            "terminating": self.terminating,
        }

    @classmethod
    def from_fields(cls, life: Life, fields: Fields) -> "Delegation":
        """Read the fields of the body."""
        delegation = cls(
            life,
            fields.octets("tree", TREE_OCTETS),
            fields.host("zone"),
            fields.name("node"),
            fields.list_of("grants", Grant.from_value, MAX_GRANTS),
            fields.flag("terminating"),
        )
        order = tuple((grant.authority, grant.roles, grant.deep) for grant in delegation.grants)
        strictly_ascending(order, "grants")
        return delegation


@dataclass(frozen=True, slots=True)
class Gap:
    """Between two names, in canonical order, this zone has neither a delegation nor an AUTHORITY.

    Attributes:
        first: The name before the gap: delegated, or an authority's, or the root of the tree where the
            zone's first gap begins.
        next: The name after it; the root of the tree stands for the end.
        counts: Label counts, ascending, of every ancestor-or-self of `first` that this zone delegates. They
            name each delegated prefix of any name in the gap, so that none can be left out.
    """

    kind: ClassVar[Kind] = Kind.GAP
    life: Life
    tree: bytes
    zone: str
    first: Name
    next: Name
    counts: tuple[int, ...]

    def to_fields(self) -> dict[str, Any]:
        """Return the fields of the body."""
        return {
            "tree": self.tree,
            "zone": self.zone,
            "first": names.to_text(self.first),
            "next": names.to_text(self.next),
            "counts": list(self.counts),
        }

    @classmethod
    def from_fields(cls, life: Life, fields: Fields) -> "Gap":
        """Read the fields of the body."""
        gap = cls(
            life,
            fields.octets("tree", TREE_OCTETS),
            fields.host("zone"),
            fields.name("first"),
            fields.name("next"),
            fields.list_of("counts", _count, names.MAX_NAME_LABELS + 1),
        )
        if gap.next and gap.first >= gap.next:
            raise MalformedError("GAP ends before it begins")
        strictly_ascending(gap.counts, "label counts")
        if gap.counts and gap.counts[-1] > names.depth(gap.first):
            raise MalformedError("GAP counts more labels than its first name has")
        return gap

    def holds(self, name: Name) -> bool:
        """Say whether the name is `first` or lies in the gap."""
        return self.first <= name and (not self.next or name < self.next)

    def holds_inside(self, name: Name) -> bool:
        """Say whether the name lies strictly in the gap, so that it does not exist in this zone."""
        return self.first != name and self.holds(name)

    def delegated_above(self, name: Name) -> list[Name]:
        """Return every node of this zone that is a prefix of a name which the gap holds, shortest first."""
        nodes = [names.ancestor(self.first, count) for count in self.counts]
        return [node for node in nodes if names.covers(node, name)]


def _key(raw: Any) -> PublicKey:
    if not isinstance(raw, bytes):
        raise MalformedError("public key is not octets")
    try:
        return keys.admit(raw)
    except UntrustedError as error:
        raise MalformedError(str(error)) from error


def _word(words: Any, value: Any) -> Any:
    try:
        return words(value)
    except ValueError as error:
        raise MalformedError(f"{str(value)[:40]!r} is none of {', '.join(words)}") from error


def _address(value: Any) -> str:
    if not isinstance(value, str) or addresses.canonical(value) != value:
        raise MalformedError(f"{str(value)[:60]!r} is no IP address in canonical form")
    return value


def _count(value: Any) -> int:
    if type(value) is not int:
        raise MalformedError("label count is no number")
    return value
