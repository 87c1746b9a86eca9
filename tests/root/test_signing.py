"""Signing: the chain of gaps, the digest of the whole, serials, blocks within blocks."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from root import signing
from root.signing import (
    ASSERTION_LIFE,
    BLOCK_LIFE,
    ZONE_LIFE,
    Entry,
    Signing,
    gaps_of,
    next_serial,
    rootkeys_entries,
    sign_listings,
    sign_zone,
)
from root.sorting import order_of
from tests.zonedata.builders import bound, key, rootkeys, seal_rootkeys
from zonedata import identifiers, names, statements
from zonedata.errors import MalformedError
from zonedata.identifiers import authority_node
from zonedata.kinds import RULES, ZONE_SIGNED, Kind, Use
from zonedata.life import Life
from zonedata.listings import BlockListing, Listing
from zonedata.names import ROOT, Name
from zonedata.opening import Claim, Refusal, Signer, open_claim, read_claim
from zonedata.person_statements import Assertion, Block
from zonedata.store.layout import Table, data_of, split_block
from zonedata.zone_statements import Authority, Delegation, Gap, ZoneDigest
from zonedata.zonefile import parse_zone

NOW = 1_800_000_000
TREE = b"t" * 16
LIFE = Life(60, 1, NOW, NOW + 60)
SIGNING = Signing(key("./zone"), NOW, 7)
ROOT_SIGNER = Signer(".", (), (bound("./zone", Use.ZONE, end=2**40),), float("inf"))
LINES = f"""zone .
ttl 900
key alpha.example assert,zone {key("alpha").public.to_text()}
server alpha.example ns2.alpha.example 8.8.8.8 udp=53
server alpha.example ns1.alpha.example 8.8.4.4 udp=53
key beta.example zone {key("beta").public.to_text()}
key beta.example deny {key("beta/deny").public.to_text()}
server beta.example ns.beta.example 8.8.8.8 tcp=53
above up.example
delegate +1415 alpha.example msp
delegate +1 beta.example registry
delegate +1 alpha.example msp deep
delegate +1 alpha.example csip
delegate @example.com up.example msp
terminate +1416
"""


def read(table: Table, value: bytes) -> statements.Statement:
    claim = read_claim(data_of(split_block(value)[1] if table is Table.BLOCKS else value))
    assert not isinstance(claim, Refusal), claim.to_text()
    return claim.statement


def signed_zone(lines: str = LINES) -> list[Entry]:
    return list(sign_zone(parse_zone(Path("x"), lines.encode().splitlines()), TREE, SIGNING))


# --- gaps --------------------------------------------------------------------------------------------------

_label = st.sampled_from([b"0", b"1", b"a", b"ab", b"-"])
_name = st.lists(_label, max_size=4).map(names.from_labels)


@given(st.sets(_name, max_size=8), st.sets(_name, max_size=3), st.lists(_name, max_size=10))
def test_every_name_is_held_by_one_gap_which_names_all_that_is_delegated_above(
    nodes: set[Name], bound_names: set[Name], asked: list[Name]
) -> None:
    gaps = list(gaps_of(".", TREE, LIFE, nodes, bound_names))
    assert [gap.first for gap in gaps] == sorted({ROOT, *nodes, *bound_names})
    for name in {*asked, *nodes, *bound_names, *(Name(node[:-2]) for node in nodes if node.endswith(b"\x001\0"))}:
        holding = [gap for gap in gaps if gap.holds(name)]
        assert len(holding) == 1
        above = sorted(node for node in nodes if names.covers(node, name))
        assert holding[0].delegated_above(name) == above
        assert holding[0].holds_inside(name) == (name not in {ROOT, *nodes, *bound_names})
    for gap in gaps:  # and each can be read back as it was made
        assert statements.read_untrusted(statements.seal(gap, key("./zone"))) == gap


def test_a_zone_of_nothing_has_one_gap_over_everything() -> None:
    [gap] = gaps_of(".", TREE, LIFE, [], [])
    assert (gap.first, gap.next, gap.counts) == (ROOT, ROOT, ())
    assert gap.holds(ROOT)
    assert gap.holds(names.from_text("x.y."))


def test_a_zone_that_delegates_the_whole_tree_counts_it() -> None:
    gaps = list(gaps_of(".", TREE, LIFE, [ROOT, names.from_text("a.")], []))
    assert [gap.counts for gap in gaps] == [(0,), (0, 1)]
    assert gaps[1].delegated_above(names.from_text("b.a.")) == [ROOT, names.from_text("a.")]


# --- zones -------------------------------------------------------------------------------------------------


def test_every_statement_of_a_zone_opens_under_its_key() -> None:
    kinds = []
    for table, _, value in signed_zone():
        if table is Table.META:
            continue
        claim = read_claim(data_of(value))
        assert isinstance(claim, Claim)
        opened = open_claim(claim, ROOT_SIGNER, TREE, NOW + 1)
        assert not isinstance(opened, Refusal), opened.to_text()
        kinds.append(claim.statement.kind)
        life = claim.statement.life
        assert (life.ttl, life.serial, life.issued, life.expires) == (900, 7, NOW, NOW + ZONE_LIFE)
        assert int.from_bytes(value[:8], "big") == life.expires
    assert set(kinds) == ZONE_SIGNED
    assert RULES[Kind.DELEGATION].max_life == ZONE_LIFE


def test_a_zone_says_what_its_source_says() -> None:
    entries = signed_zone()
    said = {
        table: {k: read(table, v) for t, k, v in entries if t is table}
        for table in Table
        if table is not Table.META
    }
    assert set(said[Table.AUTHORITIES]) == {authority_node("alpha.example"), authority_node("beta.example")}
    alpha = said[Table.AUTHORITIES][authority_node("alpha.example")]
    assert isinstance(alpha, Authority)
    assert (alpha.authority, [s.name for s in alpha.servers]) == (
        "alpha.example", ["ns1.alpha.example", "ns2.alpha.example"],
    )  # fmt: skip
    texts = {identifiers.node_to_text(Name(node)): one for node, one in said[Table.DELEGATIONS].items()}
    assert set(texts) == {"+1", "+1415", "+1416", "@example.com"}
    one = texts["+1"]
    assert isinstance(one, Delegation)
    assert [(g.authority, [*g.roles], g.deep) for g in one.grants] == [
        ("alpha.example", ["csip"], False), ("alpha.example", ["msp"], True), ("beta.example", ["registry"], False),
    ]  # fmt: skip
    last = texts["+1416"]
    assert isinstance(last, Delegation)
    assert (last.grants, last.terminating) == ((), True)
    firsts = [Name(node) for node in said[Table.GAPS]]
    assert firsts == sorted({ROOT, *map(Name, said[Table.DELEGATIONS]), *map(Name, said[Table.AUTHORITIES])})
    meta = {k: v for t, k, v in entries if t is Table.META}
    assert meta == {b"authority": b".", b"serial": b"7", b"nodes": b"."}


def test_where_a_registry_answers_is_in_its_store() -> None:
    entries = signed_zone("zone r.example\nnode +44\nnode @example.com\n")
    assert (Table.META, b"nodes", b"4.4.e164.\ncom.mail.") not in entries
    assert (Table.META, b"nodes", b"4.4.e164.\nexample.com.mail.") in entries
    assert (Table.META, b"authority", b"r.example") in entries


def test_each_table_is_in_ascending_order() -> None:
    entries = signed_zone() + list(rootkeys_entries([seal_rootkeys(rootkeys())]))
    for table in Table:
        ours = [k for t, k, _ in entries if t is table]
        if table is not Table.META:
            assert ours == sorted(set(ours)), table


def test_the_digest_is_that_of_all_statements_in_order() -> None:
    entries = signed_zone()
    sealed = [data_of(v) for t, _, v in entries if t in {Table.AUTHORITIES, Table.DELEGATIONS, Table.GAPS}]
    whole = hashlib.sha256(b"".join(len(one).to_bytes(4, "big") + one for one in sealed))
    [digest] = [read(t, v) for t, k, v in entries if t is Table.DIGEST and k == b""]
    assert isinstance(digest, ZoneDigest)
    assert (digest.zone, digest.count, digest.digest) == (".", len(sealed), whole.digest())
    assert digest.count == 2 + 4 + 7


def test_the_same_source_key_and_time_give_the_same_octets() -> None:
    shuffled = "\n".join(LINES.splitlines()[::-1])
    assert signed_zone(shuffled) == signed_zone()


def test_what_no_verifier_would_read_is_not_signed() -> None:
    grants = "".join(f"above {n:03}{'x' * 60}.{'y' * 60}.{'z' * 40}.example\n" for n in range(200))
    lines = grants + grants.replace("above", "delegate +1").replace("example\n", "example msp\n")
    with pytest.raises(MalformedError, match=r"DELEGATION of \d+ octets, at most 32768 are allowed"):
        signed_zone("zone .\n" + lines)


def test_a_path_that_no_answer_could_hold_is_not_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "zone .\nabove a.example\n" + "".join(f"delegate +{'1' * n} a.example msp\n" for n in range(1, 6))
    lines += "".join(f"delegate +2{n} a.example msp\n" for n in range(9))  # beside one another: no path
    at = [len(data_of(v)) for t, _, v in signed_zone(lines) if t is Table.DELEGATIONS][:5]
    monkeypatch.setattr(signing, "MAX_PATH", sum(at))
    assert signed_zone(lines)
    monkeypatch.setattr(signing, "MAX_PATH", sum(at) - 1)
    with pytest.raises(MalformedError, match=rf"^delegations at and above \+11111 of {sum(at)} octets; "):
        signed_zone(lines)


# --- serials -----------------------------------------------------------------------------------------------


@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_serials_go_up_whatever_the_clock_does(now: int, previous: int) -> None:
    serial = next_serial(now, previous)
    assert serial > previous
    assert serial >= now
    assert serial in {now, previous + 1}


# --- versions of the root's keys ---------------------------------------------------------------------------


def test_versions_are_kept_by_their_number() -> None:
    first, second = (seal_rootkeys(rootkeys(n, tree=b"" if n == 1 else TREE)) for n in (1, 300))
    entries = list(rootkeys_entries([first, second]))
    assert [(t, k, data_of(v)) for t, k, v in entries] == [
        (Table.ROOTKEYS, b"\0\0\0\1", first.to_wire()),
        (Table.ROOTKEYS, b"\0\0\1\x2c", second.to_wire()),
    ]
    gap = statements.seal(Gap(LIFE, TREE, ".", ROOT, ROOT, ()), key("x"))
    with pytest.raises(MalformedError, match="expected ROOTKEYS, found GAP"):
        list(rootkeys_entries([first, gap]))


# --- listings ----------------------------------------------------------------------------------------------


def _signed(listings: list[Listing | BlockListing]) -> list[Entry]:
    nodes = [identifiers.node_from_text(text) for text in ("+1", "@")]
    return list(sign_listings(sorted(listings, key=order_of), "alpha.example", nodes, SIGNING))


def block(digits: str, line: int = 1, exceptions: tuple[str, ...] = ()) -> BlockListing:
    node = identifiers.node_from_text("+" + digits)
    return BlockListing(line, node, "mimi://alpha.example/u/{number}", (11,), exceptions)


def test_people_and_blocks_are_signed_for_their_lives() -> None:
    owner = identifiers.parse("+14155550123").owner
    entries = _signed([Listing(1, owner, "mimi://alpha.example/u/1", ("mls",)), block("1415", 2, ("5",))])
    (_, node, value), (table, at, person), *meta = entries
    assert (table, at) == (Table.ASSERTIONS, owner)
    one, many = read(Table.ASSERTIONS, person), read(Table.BLOCKS, value)
    assert one == Assertion(
        Life(300, 7, NOW, NOW + ASSERTION_LIFE), owner, "alpha.example", "mimi://alpha.example/u/1", ("mls",)
    )
    assert many == Block(
        Life(300, 7, NOW, NOW + BLOCK_LIFE), Name(node), "alpha.example", "mimi://alpha.example/u/{number}",
        (11,), ("5",),
    )  # fmt: skip
    assert meta == [
        (Table.META, b"authority", b"alpha.example"), (Table.META, b"serial", b"7"),
        (Table.META, b"nodes", b"1.e164.\nmail."),
    ]  # fmt: skip
    assert RULES[Kind.ASSERTION].max_life >= ASSERTION_LIFE
    assert RULES[Kind.BLOCK].max_life >= BLOCK_LIFE


@given(st.sets(st.text("01", min_size=1, max_size=6), max_size=12))
def test_a_block_counts_every_block_above_it(prefixes: set[str]) -> None:
    entries = _signed([block(prefix) for prefix in prefixes])
    counts = {Name(k): list(split_block(v)[0]) for t, k, v in entries if t is Table.BLOCKS}
    assert counts == {
        identifiers.node_from_text("+" + one): sorted(1 + len(above) for above in prefixes if one.startswith(above))
        for one in prefixes
    }


def test_a_block_too_large_names_its_line() -> None:
    exceptions = tuple(f"{n:015}" for n in range(60))
    with pytest.raises(MalformedError, match=r"^line 9: BLOCK of \d+ octets, at most 900"):
        _signed([block("1", 9, exceptions)])
