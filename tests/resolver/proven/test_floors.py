"""Which floors a store raises, what they bar and for how long."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from resolver.proven.floors import MAX_MARKS, Mark, merged, subject_of
from resolver.proven.memory import MemoryProven
from resolver.proven.store import MAX_NEAR, MAX_TURNS, Proven
from tests.resolver.proven.barring import BOTH, OTHER, PHONE, is_barred, put, said
from tests.resolver.proven.making import (
    MEMORY,
    ROLLED,
    ROOT_ZONE,
    SHARED,
    A,
    assertion,
    authority,
    delegation,
    denial,
    gap,
    opened,
    party,
    store,
)
from tests.zonedata.builders import NOW, bound, key, number
from tests.zonedata.samples import TREE
from zonedata.kinds import DAY, Kind, Role, Use
from zonedata.life import Life
from zonedata.opening import Opened, Signer
from zonedata.recipient_statements import Mapping, Revocation, Validation, recipient_of
from zonedata.statements import Statement, seal


@pytest.fixture(params=[MEMORY, SHARED])
def proven(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Proven]:
    made = store(request.param, tmp_path)
    yield made
    made.close()


# --- which floors there are ----------------------------------------------------------------------------


def test_an_earlier_serial_is_barred_until_what_was_superseded_would_have_expired(proven: Proven) -> None:
    put(proven, BOTH, said(1, lives=100), said(5, lives=20))
    for serial, barred in ((1, True), (4, True), (5, False), (6, False)):
        assert is_barred(proven, BOTH, said(serial)) is barred
    assert is_barred(proven, BOTH, said(1), NOW + 99)
    assert not is_barred(proven, BOTH, said(1), NOW + 100)


def test_the_expiry_counts_and_not_the_end_of_the_chain_above(proven: Proven) -> None:
    put(proven, BOTH, said(1, lives=100, until=NOW + 10))
    put(proven, BOTH, said(5), now=NOW + 20)
    assert is_barred(proven, BOTH, said(1), NOW + 99)


def test_what_comes_too_late_to_be_kept_raises_the_floor_too(proven: Proven) -> None:
    put(proven, BOTH, said(5, lives=20), said(1, lives=100))
    assert is_barred(proven, BOTH, said(1), NOW + 99)


@pytest.mark.parametrize(
    "signer",
    [
        replace(A, keys=(bound("old", Use.ASSERT),)),
        replace(A, keys=(bound("old", Use.ASSERT), bound("new", Use.DENY))),
        replace(A, keys=(bound("new", Use.ASSERT, end=NOW),)),
    ],
    ids=["withdrawn", "bound for another use", "ended"],
)
def test_a_floor_counts_while_its_key_is_bound_for_that_use(proven: Proven, signer: Signer) -> None:
    put(proven, BOTH, said(1), said(5), said(9, by="new"))
    assert is_barred(proven, BOTH, said(8))
    assert not is_barred(proven, signer, said(8))
    assert is_barred(proven, signer, said(4)) is any(bound.public == key("old").public for bound in signer.keys)


def test_floors_are_of_one_party_and_one_name(proven: Proven) -> None:
    put(proven, BOTH, said(1), said(5))
    assert not is_barred(proven, BOTH, said(1, owner=OTHER))
    assert not is_barred(proven, replace(BOTH, principal=("r.example", "a.example")), said(1))
    assert not is_barred(proven, BOTH, opened(denial(PHONE, 1)))


def test_each_role_and_each_zone_statement_has_its_floor(proven: Proven) -> None:
    owners = [denial(PHONE, serial, role=role) for role in (Role.MSP, Role.CSIP) for serial in (1, 3)]
    put(proven, A, *map(opened, owners[:3]))
    assert is_barred(proven, A, opened(owners[0]))
    assert not is_barred(proven, A, opened(owners[2]))
    zones: list[list[Statement]] = [
        [delegation("+1", 1), delegation("+1", 3)],
        [authority("a.example", 1), authority("a.example", 3)],
        [gap("+44", "+5", serial=1), gap("+44", "+5", serial=3)],
    ]
    for old, later in zones:
        put(proven, ROOT_ZONE, opened(old), opened(later))
        assert is_barred(proven, ROOT_ZONE, opened(old))
        assert not is_barred(proven, ROOT_ZONE, opened(later))
        assert not is_barred(proven, ROLLED, opened(old))


def test_what_a_gap_displaced_does_not_come_back_with_its_serial(proven: Proven) -> None:
    put(proven, ROOT_ZONE, opened(delegation("+1", 3)), opened(authority("a.example", 3)))
    put(proven, ROOT_ZONE, opened(gap("", "+2", serial=4)))
    for serial, barred in ((3, True), (4, True), (5, False)):
        assert is_barred(proven, ROOT_ZONE, opened(delegation("+1", serial))) is barred
        assert is_barred(proven, ROOT_ZONE, opened(authority("a.example", serial))) is barred
    assert not is_barred(proven, ROOT_ZONE, opened(delegation("+2", 1)))


@pytest.mark.parametrize("count", [MAX_NEAR + 50, 10 * MAX_NEAR])
def test_of_many_names_that_are_withdrawn_at_once_none_comes_back(proven: Proven, count: int) -> None:
    nodes = [f"+1{n:05d}" for n in range(count)]
    for node in nodes:
        proven.put(ROOT_ZONE, opened(delegation(node, 3)), NOW)
    put(proven, ROOT_ZONE, opened(gap("", "+2", serial=4)))
    withdrawn = [opened(delegation(node, 3)) for node in nodes]
    assert all(is_barred(proven, ROOT_ZONE, one) for one in withdrawn)
    found = [proven.zone_for(ROOT_ZONE, number(node), NOW) for node in nodes]
    assert {one.statement.kind for said in found for one in said} == {Kind.GAP}
    assert proven.statistics().lost == proven.statistics().floors_lost == 0


@pytest.mark.parametrize("count", [MAX_NEAR * MAX_TURNS + 50])
def test_of_more_than_are_looked_at_those_that_were_do_not_come_back(proven: Proven, count: int) -> None:
    nodes = [f"+1{n:05d}" for n in range(count)]
    for node in nodes:
        proven.put(ROOT_ZONE, opened(delegation(node, 3)), NOW)
    proven.flush()
    put(proven, ROOT_ZONE, opened(gap("", "+2", serial=4)))
    barred = sum(is_barred(proven, ROOT_ZONE, opened(delegation(node, 3))) for node in nodes)
    assert MAX_NEAR * MAX_TURNS <= barred < count
    put(proven, ROOT_ZONE, opened(gap("", "+2", serial=4)))
    assert all(is_barred(proven, ROOT_ZONE, opened(delegation(node, 3))) for node in nodes)


def test_gaps_that_were_displaced_do_not_come_back(proven: Proven) -> None:
    put(proven, ROOT_ZONE, opened(gap("", "+2", serial=4)), opened(delegation("+1", 6)))
    assert is_barred(proven, ROOT_ZONE, opened(gap("", "+2", serial=5)))
    assert not is_barred(proven, ROOT_ZONE, opened(gap("", "+2", serial=6)))
    put(proven, ROOT_ZONE, opened(gap("+5", "+7", serial=4)), opened(gap("+4", "+6", serial=6)))
    assert is_barred(proven, ROOT_ZONE, opened(gap("+5", "+7", serial=5)))


def _validated(serial: int, issued: float = NOW) -> tuple[Opened[Statement], Opened[Statement]]:
    """A validation and a recipient's mapping."""
    mine, life = key("ann"), Life(60, serial, int(issued), int(issued) + DAY)
    word = Validation(life, PHONE, recipient_of(mine.public), "a.example", "sms", int(NOW), int(NOW), 0)
    mapping = Mapping(life, PHONE, mine.public, (), False, False)
    secret = key("a.example validate")
    return (
        Opened(word, seal(word, secret), secret.public.key_id, NOW + 50, NOW + 50),
        Opened(mapping, seal(mapping, mine), mine.public.key_id, NOW + 50, NOW + 50),
    )


VALIDATOR = replace(A, keys=(*A.keys, bound("a.example validate", Use.VALIDATE), bound("revoker", Use.REVOKE)))


def test_validations_mappings_and_revocations_have_floors(proven: Proven) -> None:
    for old, later in zip(_validated(1), _validated(3), strict=True):
        put(proven, VALIDATOR, old, later)
        assert is_barred(proven, VALIDATOR, old)
    life = Life(60, 3, int(NOW), int(NOW) + DAY)
    revocations = [Revocation(replace(life, serial=n), "a.example", PHONE, False, 5, "lost") for n in (1, 3)]
    secret = key("revoker")
    put(proven, VALIDATOR, *(Opened(r, seal(r, secret), secret.public.key_id, NOW + 9, NOW) for r in revocations))
    assert proven.barred(VALIDATOR, revocations[0], NOW) is not None


def test_another_recipients_mapping_is_no_later_one(proven: Proven) -> None:
    _, mine = _validated(1)
    theirs = Mapping(Life(60, 9, int(NOW), int(NOW) + DAY), PHONE, key("bob").public, (), False, False)
    sealed = seal(theirs, key("bob"))
    put(proven, VALIDATOR, mine, Opened(theirs, sealed, key("bob").public.key_id, NOW + 50, NOW + 50))
    assert not is_barred(proven, VALIDATOR, mine)


def test_a_denial_and_what_is_spoken_in_its_role_bar_each_other_by_issue(proven: Proven) -> None:
    old = opened(denial(PHONE, 1, role=Role.VALIDATOR))
    later, _ = _validated(1, old.statement.life.issued + 5)
    put(proven, VALIDATOR, old, later)
    assert is_barred(proven, VALIDATOR, old)
    word = opened(assertion(PHONE))
    gone = denial(PHONE, role=Role.MSP)
    put(proven, VALIDATOR, word)
    put(proven, VALIDATOR, opened(replace(gone, life=replace(gone.life, issued=word.statement.life.issued + 5))))
    assert is_barred(proven, VALIDATOR, word)
    again = replace(assertion(PHONE), life=replace(word.statement.life, issued=word.statement.life.issued + 5))
    assert not is_barred(proven, VALIDATOR, opened(again))


def test_a_denial_as_of_an_earlier_signing_bars_nothing_of_a_later_one(proven: Proven) -> None:
    word = opened(assertion(PHONE))
    signed = word.statement.life.issued
    late = denial(PHONE)
    late = replace(late, life=replace(late.life, issued=signed + 50))
    put(proven, A, word, opened(replace(late, as_of=signed - 1)))
    assert not is_barred(proven, A, word)
    put(proven, A, opened(replace(late, as_of=signed + 10)))
    assert is_barred(proven, A, word)
    for at, barred in ((signed + 9, True), (signed + 10, False)):
        again = replace(assertion(PHONE), life=replace(word.statement.life, issued=at))
        assert is_barred(proven, A, opened(again)) is barred


def test_a_denial_as_of_an_earlier_signing_does_not_come_back(proven: Proven) -> None:
    word, late = opened(assertion(PHONE)), denial(PHONE)
    signed = word.statement.life.issued
    late = replace(late, life=replace(late.life, issued=signed + 50))
    put(proven, A, opened(replace(late, as_of=signed - 9)), word)
    assert is_barred(proven, A, opened(replace(late, as_of=signed - 9)))
    assert not is_barred(proven, A, opened(late))


def test_a_denial_does_not_come_back_after_a_revocation(proven: Proven) -> None:
    old = opened(denial(PHONE, 1, role=Role.CSIP))
    issued = old.statement.life.issued + 5
    word = Revocation(Life(60, 1, issued, issued + DAY), "a.example", PHONE, False, 5, "lost")
    secret = key("revoker")
    put(proven, VALIDATOR, old, Opened(word, seal(word, secret), secret.public.key_id, NOW + 9, NOW + 9))
    assert is_barred(proven, VALIDATOR, old)


@pytest.mark.parametrize("is_block", [False, True])
def test_a_revocation_does_not_come_back_after_a_denial_but_one_of_a_block_does(
    proven: Proven, *, is_block: bool
) -> None:
    gone = opened(denial(PHONE, 1, role=Role.CSIP))
    issued = gone.statement.life.issued - 5
    word = Revocation(Life(60, 1, issued, issued + DAY), "a.example", PHONE, is_block, 5, "lost")
    secret = key("revoker")
    old = Opened(word, seal(word, secret), secret.public.key_id, NOW + 9, NOW + 9)
    put(proven, VALIDATOR, old, gone)
    assert is_barred(proven, VALIDATOR, old) is not is_block


# --- at one name ---------------------------------------------------------------------------------------


def mark(key_id: int, least: int = 5, ends: float = NOW + 50) -> Mark:
    return Mark(key_id.to_bytes(8, "big"), Kind.ASSERTION, False, least, int(ends))


def test_of_one_key_the_higher_and_the_longer_counts() -> None:
    assert merged([mark(1, 5, NOW + 90)], mark(1, 8, NOW + 50), NOW) == [mark(1, 8, NOW + 90)]
    assert merged([mark(1, ends=NOW)], mark(2), NOW) == [mark(2)]
    many = [mark(n, ends=NOW + n) for n in range(1, MAX_MARKS + 1)]
    assert len(merged(many, mark(99), NOW)) == MAX_MARKS
    assert mark(1) not in merged(many, mark(99), NOW)


def test_a_mark_is_read_as_it_was_written() -> None:
    for one in (mark(1), Mark(b"12345678", Kind.REVOCATION, True, 2**53, 2**40 - 1)):
        assert Mark.from_octets(one.to_octets()) == one


def test_a_subject_tells_names_kinds_and_roles_apart() -> None:
    denials = [denial(PHONE, role=role) for role in (Role.MSP, Role.CSIP)]
    said_of: list[Statement] = [assertion(PHONE), *denials, delegation("+1"), gap("+1", "+2")]
    assert len({subject_of(one) for one in said_of}) == 5
    assert subject_of(assertion(PHONE, 1)) == subject_of(assertion(PHONE, 2))
    assert party("a.example") == A
    assert MemoryProven(TREE).barred(A, assertion(PHONE), NOW) is None
