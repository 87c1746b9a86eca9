"""One sound statement of every kind, and strategies that draw more."""

from typing import Any

from hypothesis import strategies as st

from tests.zonedata.builders import (
    NOW,
    Zone,
    ZoneSpec,
    anchor,
    key,
    life,
    number,
    recipient,
    rootkeys,
)
from zonedata import names
from zonedata.kinds import DAY, MAX_TTL, Assurance, Kind, Role, Use
from zonedata.life import Life
from zonedata.names import ROOT
from zonedata.person_statements import Assertion, Block, Denial, Status
from zonedata.recipient_statements import Mapping, MappingEntry, Revocation, Validation
from zonedata.standing import Standing
from zonedata.statements import Statement
from zonedata.zone_statements import (
    BINDABLE,
    Authority,
    BoundKey,
    Delegation,
    Gap,
    Grant,
    RootKeys,
    Server,
    ZoneDigest,
)

OWNER = number("+14155550123")
TREE = anchor().tree
_ROOT = Zone(".", ZoneSpec({"+1": ["alpha.example msp", "reg.example csip,registry"]}, ("alpha.example",)))

SAMPLES: dict[Kind, Statement] = {
    Kind.ROOTKEYS: rootkeys(),
    Kind.ZONEDIGEST: ZoneDigest(life(Kind.ZONEDIGEST), TREE, ".", 3, bytes(32)),
    Kind.AUTHORITY: _ROOT.authority("alpha.example"),
    Kind.DELEGATION: _ROOT.delegation("+1"),
    Kind.GAP: _ROOT.gap(number("+1"), ROOT, (2,)),
    Kind.ASSERTION: Assertion(
        life(Kind.ASSERTION), OWNER, "alpha.example", "mimi://alpha.example/u/alice", ("mls", "rcs"), bytes(32)
    ),
    Kind.BLOCK: Block(
        life(Kind.BLOCK), number("+1415"), "alpha.example", "mimi://alpha.example/u/{number}", (11,), ("555",)
    ),
    Kind.DENIAL: Denial(life(Kind.DENIAL), OWNER, "alpha.example", Role.MSP),
    Kind.MAPPING: Mapping(
        life(Kind.MAPPING),
        OWNER,
        key("ann/recipient").public,
        (MappingEntry("alpha.example", ("Default",)), MappingEntry("beta.example", ("Business", "Open"))),
        former=(bytes(32),),
    ),
    Kind.VALIDATION: Validation(
        life(Kind.VALIDATION), OWNER, recipient("ann"), "alpha.example", "sms", NOW - DAY, NOW - 3_600, 1
    ),
    Kind.REVOCATION: Revocation(
        life(Kind.REVOCATION), "alpha.example", number("+1415"), True, NOW - DAY, "range returned"
    ),
    Kind.STATUS: Status(
        life(Kind.DENIAL),
        OWNER,
        (("alpha.example", Role.MSP, Standing.UNREACHABLE), ("b.example", Role.CSIP, Standing.BOGUS)),
    ),
}
SIGNERS = {
    Kind.ASSERTION: "alpha.example/assert",
    Kind.BLOCK: "alpha.example/assert",
    Kind.DENIAL: "alpha.example/deny",
    Kind.MAPPING: "ann/recipient",
    Kind.VALIDATION: "alpha.example/validate",
    Kind.REVOCATION: "alpha.example/revoke",
}


def fields_of(statement: Statement) -> dict[str, Any]:
    """Return the whole map of a body."""
    return {**statement.life.to_fields(), **statement.to_fields()}


# --- strategies --------------------------------------------------------------------------------------------

_word = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=8)
host = st.lists(_word, min_size=2, max_size=3).map(".".join)
zone = st.just(".") | host
name = st.lists(_word.map(str.encode), max_size=5).map(names.from_labels)
prefix = st.text("0123456789", max_size=15).map(lambda digits: number("+" + digits))
owner = st.text("0123456789", min_size=1, max_size=15).map(lambda digits: number("+" + digits))
tree = st.binary(min_size=16, max_size=16)
digest = st.binary(min_size=32, max_size=32)


@st.composite
def lives(draw: st.DrawFn) -> Life:
    issued = draw(st.integers(0, 2**39))
    return Life(
        draw(st.integers(0, MAX_TTL)), draw(st.integers(0, 2**53)), issued, issued + draw(st.integers(1, 2**39))
    )


def ascending(values: st.SearchStrategy[Any], most: int, least: int = 0) -> st.SearchStrategy[Any]:
    return st.lists(values, min_size=least, max_size=most, unique=True).map(sorted).map(tuple)


roles = ascending(st.sampled_from(Role), 4, 1)
grants = st.lists(
    st.builds(Grant, host, roles, st.sampled_from(Assurance), st.booleans()),
    max_size=5,
    unique_by=lambda grant: (grant.authority, grant.roles, grant.deep),
).map(lambda some: tuple(sorted(some, key=lambda grant: (grant.authority, grant.roles, grant.deep))))
_uses = st.just((Use.DENY,)) | ascending(st.sampled_from(sorted(BINDABLE - {Use.DENY})), 4, 1)
_bound = st.builds(
    lambda which, uses, start, length: BoundKey(key(which).public, uses, start, start + length),
    st.sampled_from("abcdefgh"),
    _uses,
    st.integers(0, 2**39),
    st.integers(1, 2**39),
)
bound_keys = st.lists(_bound, max_size=4, unique_by=lambda one: one.public.key_id).map(
    lambda some: tuple(sorted(some, key=lambda one: one.public.key_id))
)
_address = st.ip_addresses().map(str)
_port = st.integers(1, 65_535)
servers = st.lists(
    st.builds(
        Server,
        host,
        st.lists(_address, min_size=1, max_size=4).map(tuple),
        st.tuples(st.tuples(st.just("udp"), _port)),
    )
    | st.builds(Server, host, st.tuples(_address), st.tuples(st.tuples(st.just("tls"), _port)), digest),
    max_size=3,
).map(tuple)


@st.composite
def gaps(draw: st.DrawFn) -> Gap:
    first, following = sorted(draw(st.lists(name, min_size=2, max_size=2, unique=True)))
    counts = draw(ascending(st.integers(0, names.depth(first)), 6))
    return Gap(draw(lives()), draw(tree), draw(zone), first, draw(st.sampled_from([following, ROOT])), counts)


@st.composite
def versions(draw: st.DrawFn) -> RootKeys:
    root = draw(st.sets(st.sampled_from("abcdefgh"), min_size=1))
    version = draw(st.integers(1, 9))
    of_tree = b"" if version == 1 else draw(tree)
    return rootkeys(version, tree=of_tree, root=root, threshold=draw(st.integers(1, len(root))))


@st.composite
def assertions(draw: st.DrawFn) -> Assertion:
    msp = draw(host)
    features = draw(ascending(st.text("abc-._019", min_size=1, max_size=32), 5))
    ssi = f"mimi://{msp}/u/{draw(_word)}"
    return Assertion(draw(lives()), draw(owner), msp, ssi, features, draw(st.just(b"") | digest))


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    msp = draw(host)
    lengths = draw(ascending(st.integers(1, 15), 4, 1))
    exceptions = draw(ascending(st.text("0123456789", min_size=1, max_size=5), 5))
    return Block(draw(lives()), draw(prefix), msp, f"mimi://{msp}/n/{{number}}", lengths, exceptions)


_tags = st.just(("Default",)) | ascending(st.text("ABCxyz019-._", min_size=1, max_size=8), 3)


@st.composite
def mappings(draw: st.DrawFn) -> Mapping:
    entries = draw(st.lists(st.builds(MappingEntry, host, _tags), max_size=5, unique_by=lambda entry: entry.msp))
    defaults = [entry for entry in entries if entry.tags == ("Default",)][1:]
    made = tuple(sorted((entry for entry in entries if entry not in defaults), key=lambda entry: entry.msp))
    holder = key(draw(st.sampled_from("abcdefgh"))).public
    released = not made and draw(st.booleans())
    return Mapping(
        draw(lives()), draw(owner), holder, made, draw(st.booleans()), released, draw(ascending(digest, 3))
    )


@st.composite
def validations(draw: st.DrawFn) -> Validation:
    life = draw(lives())
    since, executed = sorted(draw(st.lists(st.integers(0, life.issued), min_size=2, max_size=2)))
    method = draw(st.text("abc-019", min_size=1, max_size=32))
    serial = draw(st.integers(0, 2**53))
    return Validation(life, draw(owner), draw(digest), draw(host), method, since, executed, serial)


@st.composite
def revocations(draw: st.DrawFn) -> Revocation:
    life = draw(lives())
    node, is_block = draw(st.tuples(owner, st.booleans()) | st.tuples(prefix, st.just(True)))
    before = draw(st.integers(0, life.issued))
    return Revocation(life, draw(host), node, is_block, before, draw(st.text("abc ", min_size=1, max_size=64)))


_asked = st.sampled_from([Role.MSP, Role.VALIDATOR, Role.CSIP])


@st.composite
def denials(draw: st.DrawFn) -> Denial:
    life = draw(lives())
    earlier = st.integers(0, life.issued - 1) if life.issued else st.none()
    return Denial(life, draw(owner), draw(host), draw(_asked), draw(st.none() | earlier))


_rows = st.lists(
    st.tuples(host, st.sampled_from(Role), st.sampled_from(Standing)), max_size=5, unique_by=lambda row: row[:2]
).map(lambda some: tuple(sorted(some)))

statement = st.one_of(
    versions(),
    st.builds(ZoneDigest, lives(), tree, zone, st.integers(0, 2**40), digest),
    st.builds(Authority, lives(), tree, st.just("."), zone, bound_keys, servers),
    st.builds(Authority, lives(), tree, zone, host, bound_keys, servers),
    st.builds(Delegation, lives(), tree, zone, name, grants, st.booleans()),
    gaps(),
    assertions(),
    blocks(),
    mappings(),
    validations(),
    revocations(),
    denials(),
    st.builds(Status, lives(), name, _rows),
)
