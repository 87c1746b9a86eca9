"""What an authority has to say to a question: the decision, without a message around it.

Pure but for the store it reads and the deny key it signs with. `Engine.answer` returns a `Said` or says that the
name is not its own; `service` lays it into a reply.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from root.register import Register
from zonedata import codec, identifiers, names, statements
from zonedata.identifiers import authority_node
from zonedata.keys import PrivateKey
from zonedata.kinds import RULES, Kind, Role
from zonedata.life import Life
from zonedata.names import Name
from zonedata.person_statements import Block, Denial
from zonedata.recipient_statements import Revocation
from zonedata.sealed import Sealed
from zonedata.store.layout import Table, Tables, data_of, entry, expiry_of, split_block
from zonedata.wire import QType
from zonedata.zone_statements import Gap

DENIAL_TTL = 300  # seconds, as long as an assertion may be kept: what is new shows as soon as what is gone
DENIAL_LIFE = RULES[Kind.DENIAL].max_life
MAX_DENIALS = 20_000  # kept for asking again; about 6 MB
MAX_GRANTED = 2_000  # nodes whose grantees are remembered: reading 400 grants takes milliseconds
ROOTKEYS_NODE = names.from_text("rootkeys.")
DIGEST_NODE = names.from_text("zonedigest.")
AUTHORITY_NODE = names.from_text(identifiers.AUTHORITY_SUFFIX)


@dataclass(slots=True)
class Said:
    """Entries to be sent, in the form of `zonedata.store.layout`.

    Attributes:
        statements: What answers the question.
        denials: Signed denials.
        path: Delegations on the way and the gap: a referral.
        bindings: AUTHORITY entries that help on the way and may be left out.
        is_passing: Whether it may be otherwise a moment later, so that no reply made of it is to be kept.
    """

    statements: list[bytes] = field(default_factory=list)
    denials: list[bytes] = field(default_factory=list)
    path: list[bytes] = field(default_factory=list)
    bindings: list[bytes] = field(default_factory=list)
    is_passing: bool = False


class Engine:
    """One authority: its store, its deny key, its roles, and its register where it is a validator."""

    def __init__(
        self,
        tables: Tables,
        deny_key: PrivateKey | None = None,
        roles: tuple[Role, ...] = (Role.MSP,),
        register: Register | None = None,
    ) -> None:
        self._tables = tables
        self._register = register
        self._deny_key = deny_key  # on-line; can sign nothing but denials
        self.roles = tuple(role for role in roles if role is not Role.REGISTRY)  # nobody is denied as registry
        # Ordered: taking the oldest out of a plain dictionary walks over all that were taken out before.
        self._denials: OrderedDict[tuple[Name, Role], tuple[int, bytes]] = OrderedDict()  # (until, entry)
        self._granted: OrderedDict[Name, tuple[str, ...]] = OrderedDict()  # by node; the store never changes
        self.authority = (tables.get(Table.META, b"authority") or b"").decode()
        self.serial = int(tables.get(Table.META, b"serial") or b"0")
        scope = (tables.get(Table.META, b"nodes") or b"").decode().split("\n")
        self._scope = [names.from_text(text) for text in scope if text]
        self._has_zone = tables.at_or_before(Table.GAPS, b"\xff") is not None
        self._has_people = deny_key is not None

    @property
    def assertions(self) -> Tables | None:
        """The store, when an assertion in it is all there is to say to a question of type CSI about its owner."""
        is_msp_alone = self._has_people and not self._has_zone and set(self.roles) <= {Role.MSP}
        return self._tables if is_msp_alone else None

    def answer(self, name: Name, qtype: int, now: float) -> Said | None:
        """Say what there is; None when the name is not this authority's.

        Args:
            name: As it was asked, without the apex.
            qtype: A `QType`; of other types there is nothing, but the name may still be ours.
            now: Unix seconds.
        """
        if name == names.ROOT:
            return Said()
        if self._has_zone and names.covers(ROOTKEYS_NODE, name):
            return Said(self._rootkeys(name)) if qtype == QType.ZONE else Said()
        if self._has_zone and name == DIGEST_NODE:
            return Said(self._entries(Table.DIGEST, b"")) if qtype == QType.ZONE else Said()
        if self._has_zone and names.covers(AUTHORITY_NODE, name):
            return Said(self._binding(name)) if qtype == QType.ZONE else Said()
        if not any(names.covers(node, name) or names.covers(name, node) for node in self._scope):
            return None
        if qtype == QType.ZONE:
            return self._zone(name) if self._has_zone else Said()
        if qtype in {QType.CSI, QType.PROOF}:
            return self._person(name, now)
        return Said()

    def _entries(self, table: Table, key: bytes) -> list[bytes]:
        value = self._tables.get(table, key)
        return [value] if value is not None else []

    def _rootkeys(self, name: Name) -> list[bytes]:
        """Return the newest version, or the one whose number is the label below `rootkeys.`."""
        if name == ROOTKEYS_NODE:
            last = self._tables.at_or_before(Table.ROOTKEYS, b"\xff" * 4)
            return [last[1]] if last is not None else []
        label = names.labels_of(name)[1]
        if names.depth(name) != 2 or not label.isdigit() or len(label) > 9:
            return []
        return self._entries(Table.ROOTKEYS, int(label).to_bytes(4, "big"))

    def _binding(self, name: Name) -> list[bytes]:
        """Return the AUTHORITY at a name, or the gap that shows there is none."""
        found = self._entries(Table.AUTHORITIES, name)
        return found or self._gap(name)

    def _gap(self, name: Name) -> list[bytes]:
        found = self._tables.at_or_before(Table.GAPS, name)
        return [found[1]] if found is not None else []

    def _zone(self, name: Name) -> Said:
        """Return every delegation on the way to a name, the gap that holds it, and who is granted there."""
        path = self._gap(name)
        if not path:
            return Said()
        gap = statements.read_untrusted(Sealed.from_wire(data_of(path[0])))
        assert isinstance(gap, Gap)
        granted: set[str] = set()
        for node in gap.delegated_above(name):
            value = self._tables.get(Table.DELEGATIONS, node)
            assert value is not None, "the gap names what the store does not hold"
            path.append(value)
            granted.update(self._grantees(node, value))
        bindings = [self._tables.get(Table.AUTHORITIES, authority_node(authority)) for authority in sorted(granted)]
        return Said(path=path, bindings=[value for value in bindings if value is not None])

    def _grantees(self, node: Name, value: bytes) -> tuple[str, ...]:
        """Return who is granted at a node, whose entry is given."""
        held = self._granted.get(node)
        if held is None:
            # Our own store needs no checking field by field, which would double the time.
            body = codec.unpack(Sealed.from_wire(data_of(value)).body, RULES[Kind.DELEGATION].caps)
            held = tuple({authority for authority, *_ in body["grants"]})
            if len(self._granted) >= MAX_GRANTED:
                self._granted.popitem(last=False)
            self._granted[node] = held
        return held

    def _person(self, name: Name, now: float) -> Said:
        """Return what is said about a person; and, where a zone is served too, the way on."""
        said = self._zone(name) if self._has_zone else Said()
        if not self._has_people or not identifiers.is_owner(name):
            return said
        for role in self.roles:
            spoken = self._spoken(name, role, now)
            if spoken:
                said.statements += spoken
            else:
                said.denials.append(self._denial(name, role, now))
        said.is_passing = self._register is not None
        return said

    def _spoken(self, name: Name, role: Role, now: float) -> list[bytes]:
        """Return what there is to say about a person in a role, denials left out."""
        if role is Role.MSP:
            return self._entries(Table.ASSERTIONS, name) or self._block(name)
        if role is Role.CSIP:
            return self._revocation(name)
        shown = self._register.about(name) if self._register is not None else []
        return shown if all(expiry_of(value) > now for value in shown) else []  # nobody has renewed it

    def _block(self, name: Name) -> list[bytes]:
        """Return the longest block over a number, unless the number is an exception of it."""
        for value in self._over(Table.BLOCKS, name):
            said = statements.read_untrusted(Sealed.from_wire(data_of(value)))
            assert isinstance(said, Block)
            return [value] if said.speaks_for(name) else []
        return []

    def _over(self, table: Table, name: Name) -> Iterator[bytes]:
        """Yield the entries of a table of blocks at a name and above it, the longest node first."""
        found = self._tables.at_or_before(table, name)
        if found is None:
            return
        counts, value = split_block(found[1])
        for count in reversed(counts):
            node = names.ancestor(Name(found[0]), count)
            if not names.covers(node, name):
                continue
            if node != found[0]:
                above = self._tables.get(table, node)
                assert above is not None, "a block names one above it that the store does not hold"
                value = split_block(above)[1]
            yield value

    def _revocation(self, name: Name) -> list[bytes]:
        """Return of all revocations that speak for a CSI the one with the latest instant."""
        latest: list[bytes] = []
        before = -1
        for value in self._over(Table.REVOCATIONS, name):
            said = statements.read_untrusted(Sealed.from_wire(data_of(value)))
            assert isinstance(said, Revocation)
            if said.speaks_for(name) and said.before > before:
                latest, before = [value], said.before
        return latest

    def _denial(self, name: Name, role: Role, now: float) -> bytes:
        """Sign a denial, or return one that has more than half of its life before it."""
        assert self._deny_key is not None
        held = self._denials.get((name, role))
        if held is not None and held[0] > now:
            return held[1]
        if len(self._denials) >= MAX_DENIALS:
            self._denials.popitem(last=False)
        issued = int(now)
        life = Life(DENIAL_TTL, issued, issued, issued + DENIAL_LIFE)
        # A register is asked as it is now. A store may be older than that of another server of ours, which lists
        # what this one lacks: whoever has seen that is not to take our word for its end.
        is_of_store = role is not Role.VALIDATOR and self.serial < issued
        denial = Denial(life, name, self.authority, role, self.serial if is_of_store else None)
        value = entry(life, statements.seal(denial, self._deny_key))
        self._denials.pop((name, role), None)
        self._denials[name, role] = (issued + DENIAL_LIFE // 2, value)
        return value
