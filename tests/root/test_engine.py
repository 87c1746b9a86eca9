"""What an authority says to a question, before there is a message around it."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from root import engine as engine_module
from root.engine import DENIAL_LIFE, DENIAL_TTL, Engine, Said
from tests.builds import NEEDS_SOURCES
from tests.root.builders import (
    NOW,
    SERIAL,
    binding,
    block,
    people_engine,
    people_entries,
    person,
    said,
    zone_engine,
    zone_entries,
)
from tests.zonedata.builders import bound, key
from zonedata import codec, identifiers, names, statements
from zonedata.identifiers import authority_node, node_from_text
from zonedata.keys import PrivateKey
from zonedata.kinds import Role, Use
from zonedata.names import ROOT, Name
from zonedata.opening import Claim, Refusal, Signer, open_claim, read_claim
from zonedata.person_statements import Assertion, Block, Denial
from zonedata.sealed import Sealed
from zonedata.store.layout import Table, data_of
from zonedata.store.memory import MemoryTables
from zonedata.wire import QType
from zonedata.zone_statements import Authority, Delegation, Gap, RootKeys, ZoneDigest

LINES = (
    "zone .\n"
    + binding("a.example")
    + binding("b.example")
    + binding("c.example")
    + "delegate +1 a.example msp\ndelegate +1415 b.example msp\ndelegate +1415 up.example registry\n"
    + "above up.example\ndelegate +44 c.example registry\nterminate +14155\ndelegate @example.com c.example msp\n"
)
NUMBER = node_from_text("+14155550123")


def answer(engine: Engine, name: Name, qtype: int = QType.CSI, now: float = NOW) -> Said:
    answered = engine.answer(name, qtype, now)
    assert answered is not None
    return answered


def path_of(found: Said) -> tuple[list[str], Gap]:
    """The delegated nodes shown, in order, and the gap that must name them all."""
    gap, *delegations = said(found.path)
    assert isinstance(gap, Gap)
    nodes = [one.node for one in delegations if isinstance(one, Delegation)]
    return [identifiers.node_to_text(node) for node in nodes], gap


# --- zones -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("qtype", [QType.ZONE, QType.CSI, QType.PROOF])
@pytest.mark.parametrize(
    ("asked", "nodes", "granted"),
    [
        ("+14155550123", ["+1", "+1415", "+14155"], "a.example b.example"),
        ("+14155", ["+1", "+1415", "+14155"], "a.example b.example"),
        ("+14160000000", ["+1"], "a.example"),
        ("+1", ["+1"], "a.example"),
        ("+4477", ["+44"], "c.example"),
        ("+33123", [], ""),
        ("@example.com", ["@example.com"], "c.example"),
        ("@sub.example.com", ["@example.com"], "c.example"),
        ("@example.org", [], ""),
    ],
)
def test_a_referral_shows_every_delegation_on_the_path_and_the_gap(
    qtype: QType, asked: str, nodes: list[str], granted: str
) -> None:
    name = node_from_text(asked)
    found = answer(zone_engine(LINES), name, qtype)
    shown, gap = path_of(found)
    assert shown == nodes
    assert gap.holds(name)
    assert gap.delegated_above(name) == [node_from_text(text) for text in nodes]
    bindings = [one.authority for one in said(found.bindings) if isinstance(one, Authority)]
    assert bindings == granted.split()
    assert (found.statements, found.denials) == ([], [])


_digits = st.text("12", min_size=1, max_size=5)


@given(st.sets(_digits, max_size=8), _digits)
def test_paths_of_any_zone_are_what_covers_the_name(nodes: set[str], asked: str) -> None:
    lines = "zone .\nabove a.example\n" + "".join(f"delegate +{one} a.example msp\n" for one in nodes)
    shown, gap = path_of(answer(zone_engine(lines), node_from_text("+" + asked), QType.ZONE))
    assert shown == sorted("+" + one for one in nodes if asked.startswith(one))
    assert gap.holds(node_from_text("+" + asked))


def test_asking_again_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "MAX_GRANTED", 2)
    engine = zone_engine(LINES)
    asked = [node_from_text(text) for text in ("+14155550123", "+4477", "@example.com", "+1", "+14155550123")]
    first = [answer(engine, name, QType.ZONE) for name in asked]
    assert [answer(engine, name, QType.ZONE) for name in asked] == first
    assert [answer(zone_engine(LINES), name, QType.ZONE) for name in asked] == first
    assert len(engine._granted) == 2


@NEEDS_SOURCES
def test_who_is_granted_is_read_once_a_node(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = zone_engine(LINES)
    answer(engine, NUMBER, QType.ZONE)
    bodies: list[int] = []
    unpack = codec.unpack

    def counted(data: bytes, caps: codec.Caps) -> dict[str, object]:
        bodies.append(len(data))
        return unpack(data, caps)

    monkeypatch.setattr(codec, "unpack", counted)
    answer(engine, NUMBER, QType.ZONE)
    answer(engine, node_from_text("+14155559999"), QType.CSI)
    assert len(bodies) == 2  # a gap each, and no delegation


def test_an_authority_is_found_by_its_name_or_shown_not_to_be() -> None:
    engine = zone_engine(LINES)
    [bound] = said(answer(engine, authority_node("b.example"), QType.ZONE).statements)
    assert isinstance(bound, Authority)
    assert bound.authority == "b.example"
    for text in ("bb.example", "example", "up.example", "x.b.example"):
        name = names.from_text(f"{text}.authority.")
        [gap] = said(answer(engine, name, QType.ZONE).statements)
        assert isinstance(gap, Gap)
        assert gap.holds_inside(name), text
    assert answer(engine, authority_node("b.example"), QType.CSI) == Said()
    assert answer(engine, authority_node("b.example"), QType.PROOF) == Said()


def test_versions_of_the_roots_keys_by_number() -> None:
    engine = zone_engine("zone .\n", versions=3)

    def version(text: str) -> list[int]:
        found = answer(engine, names.from_text(text), QType.ZONE)
        assert (found.path, found.bindings, found.denials) == ([], [], [])
        return [one.version for one in said(found.statements) if isinstance(one, RootKeys)]

    assert [version(f"{n}.rootkeys.") for n in (1, 2, 3)] == [[1], [2], [3]]
    assert version("rootkeys.") == [3]
    for text in ("0", "4", "999999999", "9999999999", "4294967297", "x", "1a", "-1", "1.1"):
        assert version(f"{text}.rootkeys.") == [], text
    assert answer(engine, names.from_text("1.rootkeys."), QType.CSI) == Said()
    assert answer(zone_engine("zone .\n"), names.from_text("rootkeys."), QType.ZONE) == Said()


def test_the_digest_verifies_over_the_store() -> None:
    entries = zone_entries(LINES, versions=2)
    engine = Engine(MemoryTables(entries))
    [digest] = said(answer(engine, names.from_text("zonedigest."), QType.ZONE).statements)
    assert isinstance(digest, ZoneDigest)
    tables, whole, count = MemoryTables(entries), hashlib.sha256(), 0
    for table in (Table.AUTHORITIES, Table.DELEGATIONS, Table.GAPS):
        for _, value in tables.scan(table):
            octets = data_of(value)
            whole.update(len(octets).to_bytes(4, "big") + octets)
            count += 1
    assert (digest.count, digest.digest, digest.zone) == (count, whole.digest(), ".")
    assert answer(engine, names.from_text("zonedigest."), QType.CSI) == Said()
    assert engine.answer(names.from_text("x.zonedigest."), QType.ZONE, NOW) is not None  # the root has it all


def test_a_registry_answers_at_and_around_its_nodes_only() -> None:
    engine = zone_engine(
        "zone r.example\nnode +44\nnode @example.com\nabove a.example\ndelegate +447 a.example msp\n"
    )
    assert (engine.authority, engine.serial) == ("r.example", SERIAL)
    for text in ("+44", "+447", "+4471234", "+4", "+", "@example.com", "@a.example.com", "@com", "@"):
        assert engine.answer(node_from_text(text), QType.ZONE, NOW) is not None, text
    for text in ("+45", "+1", "@example.org", "@xexample.com"):
        assert engine.answer(node_from_text(text), QType.ZONE, NOW) is None, text
    assert engine.answer(names.from_text("x."), QType.ZONE, NOW) is None
    assert engine.answer(ROOT, QType.ZONE, NOW) == Said()
    for text in ("rootkeys.", "zonedigest.", "a.example.authority."):
        assert engine.answer(names.from_text(text), QType.ZONE, NOW) is not None


@pytest.mark.parametrize("qtype", [1, 6, 28, 255])
def test_of_other_types_there_is_nothing(qtype: int) -> None:
    assert answer(zone_engine(LINES), NUMBER, qtype) == Said()
    assert answer(people_engine([person("+14155550123")]), NUMBER, qtype) == Said()


def test_an_empty_store_is_nobodys() -> None:
    engine = Engine(MemoryTables())
    assert (engine.authority, engine.serial) == ("", 0)
    assert engine.answer(NUMBER, QType.CSI, NOW) is None
    assert engine.answer(names.from_text("rootkeys."), QType.ZONE, NOW) is None


def test_a_zone_without_its_gaps_shows_no_path() -> None:
    entries = [one for one in zone_entries("zone .\n") if one[0] is not Table.GAPS or one[1] != b""]
    entries += [(t, k + b"x\0", v) for t, k, v in zone_entries("zone .\n") if t is Table.GAPS]
    assert answer(Engine(MemoryTables(entries)), NUMBER, QType.ZONE) == Said()


def test_a_store_that_lacks_what_its_gap_names_is_a_bug() -> None:
    entries = [one for one in zone_entries(LINES) if one[1] != node_from_text("+1415")]
    with pytest.raises(AssertionError, match="the gap names what the store does not hold"):
        answer(Engine(MemoryTables(entries)), NUMBER, QType.ZONE)
    entries = [e for e in people_entries([block("+1"), block("+12")]) if e[1] != node_from_text("+1")]
    with pytest.raises(AssertionError, match="a block names one above it"):
        answer(Engine(MemoryTables(entries), key("x")), node_from_text("+1999"))


# --- people ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("qtype", [QType.CSI, QType.PROOF])
def test_an_assertion_answers_alone(qtype: QType) -> None:
    found = answer(people_engine([person("+14155550123", "me"), block("+1", (11,))]), NUMBER, qtype)
    [one] = said(found.statements)
    assert isinstance(one, Assertion)
    assert (one.owner, one.ssi) == (NUMBER, "mimi://a.example/u/me")
    assert (found.denials, found.path, found.bindings) == ([], [], [])


def test_who_is_not_there_is_denied_in_every_role() -> None:
    engine = people_engine([person("+14155550123")], (Role.MSP, Role.CSIP, Role.VALIDATOR))
    [denial] = said(answer(engine, node_from_text("+14155550124")).denials)[:1]
    assert isinstance(denial, Denial)
    roles = [d.role for d in said(answer(engine, node_from_text("+14155550124")).denials) if isinstance(d, Denial)]
    assert roles == [Role.MSP, Role.CSIP, Role.VALIDATOR]
    found = answer(engine, NUMBER)  # who is there has no denial of the MSP, only of the other roles
    assert [d.role for d in said(found.denials) if isinstance(d, Denial)] == [Role.CSIP, Role.VALIDATOR]
    assert len(found.statements) == 1


def test_nobody_is_denied_as_a_registry() -> None:
    found = answer(people_engine((), (Role.REGISTRY, Role.CSIP)), NUMBER)
    assert [one.role for one in said(found.denials) if isinstance(one, Denial)] == [Role.CSIP]


def test_a_denial_is_signed_by_the_deny_key_for_ten_minutes() -> None:
    engine = people_engine()
    [value] = answer(engine, NUMBER, now=NOW + 0.9).denials
    claim = read_claim(data_of(value))
    assert isinstance(claim, Claim)
    signer = Signer("a.example", ("a.example",), (bound("a.example/deny", Use.DENY, end=2**40),), float("inf"))
    opened = open_claim(claim, signer, b"", NOW + 1)
    assert not isinstance(opened, Refusal)
    denial = claim.statement
    assert isinstance(denial, Denial)
    assert (denial.owner, denial.authority, denial.role) == (NUMBER, "a.example", Role.MSP)
    life = denial.life
    assert (life.ttl, life.issued, life.expires) == (DENIAL_TTL, NOW, NOW + DENIAL_LIFE)
    assert int.from_bytes(value[:8], "big") == NOW + DENIAL_LIFE


@pytest.mark.parametrize(
    ("role", "ago", "expected"),
    [(Role.MSP, 5, SERIAL), (Role.CSIP, 5, SERIAL), (Role.MSP, 0, None), (Role.VALIDATOR, 5, None)],
)
def test_a_denial_says_as_of_which_signing(role: Role, ago: int, expected: int | None) -> None:
    """A register is asked as it is; and a store that claims to be of the future is of now."""
    engine = Engine(MemoryTables(people_entries([])), key("a.example/deny"), (role,))
    [denial] = said(answer(engine, NUMBER, now=SERIAL + ago).denials)
    assert isinstance(denial, Denial)
    assert denial.as_of == expected
    assert denial.ordered_at == (expected or SERIAL + ago)


def test_a_denial_is_given_again_for_half_its_life() -> None:
    engine = people_engine()
    [first] = answer(engine, NUMBER).denials
    half = DENIAL_LIFE // 2
    assert answer(engine, NUMBER, now=NOW + half - 1).denials == [first]
    [second] = answer(engine, NUMBER, now=NOW + half).denials
    [denial] = said([second])
    assert denial.life.issued == NOW + half
    assert answer(engine, NUMBER, now=NOW + half + 1).denials == [second]
    assert answer(engine, node_from_text("+1415"), now=NOW).denials != [first]


def test_denials_are_bounded_and_the_oldest_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "MAX_DENIALS", 3)
    signed: list[Name] = []
    seal = statements.seal

    def counted(one: Denial, by: PrivateKey) -> Sealed:
        signed.append(one.owner)
        return seal(one, by)

    monkeypatch.setattr(statements, "seal", counted)
    engine = people_engine()
    asked = [node_from_text(f"+{n}") for n in range(1, 6)]
    for name in asked:
        answer(engine, name)
        assert len(engine._denials) <= 3
    for name in asked[::-1][:3]:
        answer(engine, name)
    assert signed == asked  # the three newest were kept
    answer(engine, asked[0])
    assert signed[-1] == asked[0]
    assert len(engine._denials) == 3


def test_what_no_person_can_be_named_is_not_denied() -> None:
    engine = people_engine()
    for text in ("@", "@example.com", "+"):
        assert answer(engine, node_from_text(text)) == Said()
    assert answer(people_engine(scope="+1"), node_from_text("+")) == Said()
    assert people_engine(scope="+1").answer(node_from_text("+2"), QType.CSI, NOW) is None


def test_without_a_deny_key_nothing_is_said_of_people() -> None:
    engine = Engine(MemoryTables(people_entries([person("+14155550123")])))
    assert answer(engine, NUMBER) == Said()


def test_an_msp_without_a_zone_says_nothing_of_zones() -> None:
    assert answer(people_engine([person("+14155550123")]), NUMBER, QType.ZONE) == Said()
    assert people_engine(scope="+1").answer(names.from_text("rootkeys."), QType.ZONE, NOW) is None


def test_one_server_may_be_a_zone_and_a_provider() -> None:
    lines = "zone a.example\nnode +\nnode @\nabove b.example\ndelegate +1 b.example msp\n"
    entries = [*people_entries([person("+14155550123")]), *zone_entries(lines)]
    engine = Engine(MemoryTables(entries), key("a.example/deny"))
    found = answer(engine, NUMBER)
    assert len(found.statements) == 1
    assert path_of(found)[0] == ["+1"]
    other = answer(engine, node_from_text("+14155550124"))
    assert (len(other.statements), len(other.denials), path_of(other)[0]) == (0, 1, ["+1"])


# --- blocks ------------------------------------------------------------------------------------------------


def _heard(engine: Engine, digits: str) -> str | None:
    """Whose word is heard about a number: `=`, the prefix of a block, or None when it is denied."""
    found = answer(engine, node_from_text("+" + digits))
    assert len(found.statements) + len(found.denials) == 1
    for one in said(found.statements):
        if isinstance(one, Assertion):
            return "="
        assert isinstance(one, Block)
        return identifiers.digits_of(one.node)
    return None


def test_the_longest_block_decides_even_where_it_says_nothing() -> None:
    engine = people_engine([block("+1"), block("+12", (4, 5), ("99",)), block("+12345", (6,)), person("+1299")])
    for digits, heard in (
        ("1999", "1"), ("1234", "12"), ("12345", None), ("12346", "12"), ("123456", "12345"), ("1298", "12"),
        ("1299", "="), ("12991", None), ("19999", None), ("2999", None), ("1", None), ("123", None),
    ):  # fmt: skip
        assert _heard(engine, digits) == heard, digits


_prefix = st.text("12", min_size=1, max_size=4)
_blocks = st.dictionaries(
    _prefix,
    st.tuples(st.sets(st.integers(1, 6), min_size=1), st.sets(st.text("12", min_size=1, max_size=2), max_size=2)),
    max_size=6,
)


@given(
    _blocks, st.sets(_prefix, max_size=4), st.lists(st.text("12", min_size=1, max_size=6), min_size=1, max_size=8)
)
def test_blocks_against_a_model(
    blocks: dict[str, tuple[set[int], set[str]]], people: set[str], asked: list[str]
) -> None:
    made = [
        block("+" + prefix, tuple(sorted(lengths)), tuple(sorted(without)))
        for prefix, (lengths, without) in blocks.items()
    ]
    engine = people_engine([*made, *(person("+" + one) for one in people)])
    for digits in asked:
        over = [prefix for prefix in blocks if digits.startswith(prefix)]
        expected = None
        if digits in people:
            expected = "="
        elif over:
            prefix = max(over, key=len)
            lengths, without = blocks[prefix]
            rest = digits[len(prefix) :]
            if len(digits) in lengths and not any(rest.startswith(one) for one in without):
                expected = prefix
        assert _heard(engine, digits) == expected
