"""Small builders: seeded keys, lives, whole signed trees from a compact description, what authorities say.

A tree is described as zones, each a map of nodes to grants and the names it binds:

    World({".": ZoneSpec({"+1": ["alpha.example msp"], "+1415!": ["reg.example registry"]}, ("alpha.example",))})

A node that ends in `!` is terminating. A grant is the authority, its roles joined by commas, then optionally
the required assurance and the word `deep`. Keys are made of names, so that the same description is the same
octets every time.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from zonedata import identifiers, names, statements, trust
from zonedata.identifiers import authority_node
from zonedata.keys import PrivateKey
from zonedata.kinds import DAY, Assurance, Kind, Role, Use
from zonedata.life import Life
from zonedata.names import ROOT, Name
from zonedata.opening import Claim, Opened, Refusal, Signer, read_claim
from zonedata.person_statements import Assertion, Block, Denial
from zonedata.recipient_statements import Mapping, MappingEntry, Revocation, Validation, recipient_of
from zonedata.sealed import Sealed
from zonedata.statements import Statement, seal
from zonedata.trust import Trust
from zonedata.zone_statements import Authority, BoundKey, Delegation, Gap, Grant, RootKeys, Server

NOW = 1_750_000_000
_LIVES = {  # seconds before and after NOW
    Kind.ROOTKEYS: (DAY, 180 * DAY),
    Kind.ASSERTION: (3_600, 7 * DAY),
    Kind.BLOCK: (3_600, DAY // 2),
    Kind.DENIAL: (10, 300),
}
_ZONE_LIFE = (3_600, DAY)
SERVERS = (Server("ns.example", ("192.0.2.1",), (("udp", 5300),)),)


@cache
def key(name: str) -> PrivateKey:
    """Return the key whose secret is the digest of its name: `alpha.example/assert`, `./zone`."""
    return PrivateKey.from_seed(hashlib.sha256(name.encode()).digest())


def life(kind: Kind, *, serial: int = 1, ttl: int = 300, issued: int = 0, expires: int = 0) -> Life:
    """Return a life that is current at NOW; `issued` and `expires` count seconds from NOW when given."""
    before, after = _LIVES.get(kind, _ZONE_LIFE)
    return Life(ttl, serial, NOW + (issued or -before), NOW + (expires or after))


def number(text: str) -> Name:
    """Return the owner name of a number, or a prefix, without asking a number plan."""
    return identifiers.node_from_text(text)


def bound(name: str, *uses: Use, start: int = NOW - DAY, end: int = NOW + 30 * DAY) -> BoundKey:
    """Bind a named key."""
    return BoundKey(key(name).public, uses, start, end)


def keys_of(authority: str) -> tuple[BoundKey, ...]:
    """Return the keys that every authority has here, one for each use, in the order an AUTHORITY demands."""
    uses = (Use.ZONE, Use.ASSERT, Use.DENY, Use.VALIDATE, Use.REVOKE)
    made = (bound(f"{authority}/{use}", use) for use in uses)
    return tuple(sorted(made, key=lambda one: one.public.key_id))


def signer(authority: str, *, until: float = NOW + 30 * DAY) -> Signer:
    """Return an authority as a party, bound by the root."""
    return Signer(authority, (authority,), keys_of(authority), until)


def rootkeys(version: int = 1, *, tree: bytes = b"", root: Iterable[str] = "abc", threshold: int = 2) -> RootKeys:
    """Return a version of the root's keys; `root` names the keys."""
    by_id = sorted((key(f"root {one}").public for one in root), key=lambda public: public.key_id)
    return RootKeys(
        life(Kind.ROOTKEYS, serial=version), version, tree, tuple(by_id), threshold, (key("./zone").public,)
    )


def seal_rootkeys(said: RootKeys, by: Iterable[str] = "abc") -> Sealed:
    """Sign a version of the root's keys with the named keys."""
    return seal(said, *(key(f"root {one}") for one in by))


@cache
def anchor() -> Trust:
    """Return the trust anchor that every tree here hangs from."""
    return trust.from_sealed(seal_rootkeys(rootkeys()))


def read(sealed: Sealed) -> Claim:
    """Read what was just sealed."""
    claim = read_claim(sealed.to_wire())
    assert not isinstance(claim, Refusal), claim.to_text()
    return claim


@dataclass(frozen=True)
class ZoneSpec:
    """What a zone delegates and whose names it binds."""

    nodes: dict[str, list[str]] = field(default_factory=dict)
    binds: tuple[str, ...] = ()


def grant_of(text: str) -> Grant:
    """Read the compact form of a grant."""
    authority, roles, *rest = text.split()
    required = next((Assurance(word) for word in rest if word != "deep"), Assurance.ASSERTED)
    return Grant(authority, tuple(Role(role) for role in sorted(roles.split(","))), required, "deep" in rest)


@dataclass(frozen=True)
class Zone:
    """One zone of a world, ready to be signed."""

    name: str
    spec: ZoneSpec
    serial: int = 1

    @property
    def tree(self) -> bytes:
        """The id of the anchor's tree."""
        return anchor().tree

    def seal(self, statement: Statement) -> Sealed:
        """Sign with this zone's key."""
        return seal(statement, key(f"{self.name}/zone"))

    def delegation(self, node: str) -> Delegation:
        """Return the delegation at a node of the description."""
        grants = sorted((grant_of(text) for text in self.spec.nodes[node]), key=lambda g: (g.authority, g.roles))
        at = identifiers.node_from_text(node.rstrip("!"))
        zone_life = life(Kind.DELEGATION, serial=self.serial)
        return Delegation(zone_life, self.tree, self.name, at, tuple(grants), node.endswith("!"))

    def authority(self, name: str) -> Authority:
        """Return the binding of a name."""
        return Authority(
            life(Kind.AUTHORITY, serial=self.serial), self.tree, self.name, name, keys_of(name), SERVERS
        )

    def gap(self, first: Name, following: Name, counts: Iterable[int]) -> Gap:
        """Return a gap."""
        gap_life = life(Kind.GAP, serial=self.serial)
        return Gap(gap_life, self.tree, self.name, first, following, tuple(counts))

    def gaps(self) -> list[Gap]:
        """Return the whole chain: over delegated nodes and authorities' names, from the root to the end."""
        nodes = {identifiers.node_from_text(text.rstrip("!")) for text in self.spec.nodes}
        stops = sorted(nodes | {ROOT} | {authority_node(name) for name in self.spec.binds})
        chain = []
        for first, following in zip(stops, [*stops[1:], ROOT], strict=True):
            counts = [names.depth(node) for node in names.ancestors(first) if node in nodes]
            chain.append(self.gap(first, following, counts))
        return chain

    def statements(self) -> list[Statement]:
        """Return all that the zone says, unsigned."""
        delegations = [self.delegation(node) for node in self.spec.nodes]
        return [*self.gaps(), *delegations, *(self.authority(name) for name in self.spec.binds)]

    def wires(self) -> list[bytes]:
        """Return all that the zone says, signed."""
        return [self.seal(statement).to_wire() for statement in self.statements()]


@dataclass(frozen=True)
class World:
    """A tree: the root and registries, by name."""

    zones: dict[str, ZoneSpec]
    serial: int = 1

    def zone(self, name: str) -> Zone:
        """Return one of the zones."""
        return Zone(name, self.zones[name], self.serial)

    def wires(self) -> list[bytes]:
        """Return all that all zones say, signed."""
        return [wire for name in self.zones for wire in self.zone(name).wires()]


def assertion(owner: Name, msp: str, *, serial: int = 1, issued: int = 0, ssi: str = "", whose: str = "") -> bytes:
    """Return an MSP's signed assertion; `whose` is the person whose key it names."""
    lived = life(Kind.ASSERTION, serial=serial, issued=issued)
    named = recipient(whose) if whose else b""
    said = Assertion(lived, owner, msp, ssi or f"mimi://{msp}/u/x", (), named)
    return seal(said, key(f"{msp}/assert")).to_wire()


def denial(
    owner: Name,
    authority: str,
    role: Role = Role.MSP,
    *,
    serial: int = 1,
    issued: int = 0,
    as_of: int | None = None,
) -> bytes:
    """Return an authority's signed denial; `issued` and `as_of` count seconds from NOW."""
    lived = life(Kind.DENIAL, serial=serial, issued=issued)
    said = Denial(lived, owner, authority, role, None if as_of is None else NOW + as_of)
    return seal(said, key(f"{authority}/deny")).to_wire()


def block(
    prefix: str, msp: str, *, serial: int = 1, lengths: Iterable[int] = (11,), exceptions: Iterable[str] = ()
) -> bytes:
    """Return an MSP's signed block."""
    said = Block(
        life(Kind.BLOCK, serial=serial),
        number(prefix),
        msp,
        f"mimi://{msp}/u/{{number}}",
        tuple(lengths),
        tuple(exceptions),
    )
    return seal(said, key(f"{msp}/assert")).to_wire()


def validation(
    owner: Name,
    validator: str,
    whose: str,
    *,
    serial: int = 1,
    since: int = -1_000,
    executed: int = -500,
    mapping: int = 0,
) -> bytes:
    """Return a validator's word for the recipient with the named key; times count seconds from NOW."""
    said = Validation(
        life(Kind.VALIDATION, serial=serial, issued=-10),
        owner,
        recipient(whose),
        validator,
        "sms",
        NOW + since,
        NOW + executed,
        mapping,
    )
    return seal(said, key(f"{validator}/validate")).to_wire()


def recipient(whose: str) -> bytes:
    """Return the digest of a named person's key."""
    return recipient_of(key(f"{whose}/recipient").public)


def mapping(
    owner: Name, whose: str, *entries: str, serial: int = 1, is_released: bool = False, former: Iterable[str] = ()
) -> bytes:
    """Return a named person's mapping; an entry is `MSP` or `MSP TAG,TAG`."""
    made = []
    for text in sorted(entries):
        msp, _, tags = text.partition(" ")
        made.append(MappingEntry(msp, tuple(sorted(tags.split(","))) if tags else ()))
    digests = tuple(sorted(map(recipient, former)))
    said = Mapping(
        life(Kind.MAPPING, serial=serial),
        owner,
        key(f"{whose}/recipient").public,
        tuple(made),
        is_released=is_released,
        former=digests,
    )
    return seal(said, key(f"{whose}/recipient")).to_wire()


def revocation(
    node: Name, csip: str, *, before: int = -100, is_block: bool = False, serial: int = 1, issued: int = -50
) -> bytes:
    """Return a CSIP's revocation; times count seconds from NOW."""
    lived = life(Kind.REVOCATION, serial=serial, issued=issued)
    said = Revocation(lived, csip, node, is_block, NOW + before, "reassigned")
    return seal(said, key(f"{csip}/revoke")).to_wire()


def reseal(statement: Statement, by: str) -> bytes:
    """Sign any statement with any key: for saying what must not be said."""
    return statements.seal(statement, key(by)).to_wire()


def forged(wire: bytes) -> bytes:
    """Return the same statement with a signature that its key did not make."""
    sealed = Sealed.from_wire(wire)
    signature = replace(sealed.signatures[0], octets=key("nobody").sign(sealed.body))
    return replace(sealed, signatures=(signature,)).to_wire()


def changed(
    opened: Opened[Any], statement: Statement | None = None, sealed: Sealed | None = None, key_id: bytes = b""
) -> Opened[Any]:
    """Return the like of what was opened, with something else in it."""
    return Opened(
        statement or opened.statement, sealed or opened.sealed, key_id or opened.key_id, opened.until, opened.keep
    )
