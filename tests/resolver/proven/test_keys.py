import pytest

from resolver.proven.keys import GAP, HASH, MAX_KNOWN, Keys
from resolver.proven.table import is_ordered
from tests.resolver.proven.making import (
    ROOT_ZONE,
    A,
    B,
    assertion,
    authority,
    block,
    delegation,
    denial,
    gap,
    party,
)
from tests.zonedata.builders import number
from tests.zonedata.samples import SAMPLES, TREE
from zonedata.kinds import Kind
from zonedata.names import Name
from zonedata.statements import Statement

KEYS = Keys(bytes(32), TREE)
PHONE = number("+14155550123")
ALL: list[Statement] = [
    assertion(PHONE), block("+1415"), delegation("+1415"), gap("+1415", "+2"), authority("a.example"),
    assertion(number("+14155550124")), block("+1"), delegation("+1"), gap("+1", "+12"), authority("b.example"),
]  # fmt: skip


def test_parties_secrets_trees_and_names_never_meet() -> None:
    parties = [(), ("a.example",), ("a.example", "b.example"), ("a.exampleb.example",), ("b.example", "a.example")]
    stores = [KEYS, Keys(b"s" * 32, TREE), Keys(bytes(32), bytes(16))]
    made = {keys.of(principal, one) for keys in stores for principal in parties for one in ALL}
    assert len(made) == len(stores) * len(parties) * len(ALL)


def test_words_about_one_owner_lie_together() -> None:
    assert KEYS.of(A.principal, assertion(PHONE)) == KEYS.of(A.principal, denial(PHONE))
    assert len(KEYS.about(A.principal, PHONE)) == HASH
    assert not is_ordered(KEYS.about(A.principal, PHONE))


def test_the_rest_is_in_the_order_of_names() -> None:
    names = [number(text) for text in ("+", "+1", "+11", "+12", "+2")]
    keys = [KEYS.tagged((), GAP, name) for name in [Name(b""), *names]]
    assert keys == sorted(keys)
    assert all(is_ordered(key) for key in keys)


def test_what_is_found_must_belong_there() -> None:
    for one in ALL[1:5]:
        signer = A if isinstance(one, type(ALL[1])) else ROOT_ZONE
        key = KEYS.of(signer.principal, one)
        assert KEYS.fits(signer, one, key, None)
        assert not KEYS.fits(signer, one, key + b"1\0", None)
        assert not KEYS.fits(B, one, key, None)
        assert not KEYS.fits(signer, one, key, PHONE)
    key = KEYS.about(A.principal, PHONE)
    assert KEYS.fits(A, assertion(PHONE), key, PHONE)
    assert not KEYS.fits(A, assertion(PHONE), key, number("+1")), "two owners whose hashes are the same"
    assert not KEYS.fits(B, assertion(PHONE), key, PHONE)
    assert not KEYS.fits(A, assertion(PHONE), key, None)
    other = Keys(bytes(32), bytes(16))
    assert not other.fits(ROOT_ZONE, delegation("+1"), other.of((), delegation("+1")), None), "of another tree"


def test_what_is_not_kept_has_no_key() -> None:
    for kind in (Kind.ROOTKEYS, Kind.ZONEDIGEST, Kind.STATUS):
        with pytest.raises(ValueError, match="not kept"):
            KEYS.of((), SAMPLES[kind])


def test_hashes_of_principals_do_not_pile_up() -> None:
    keys = Keys(bytes(32), TREE)
    first = keys.about(A.principal, PHONE)
    for number_of_party in range(2 * MAX_KNOWN):
        keys.about(
            party(f"p{number_of_party}.example").principal if number_of_party == 0 else (str(number_of_party),),
            PHONE,
        )
    assert len(keys._known) <= MAX_KNOWN
    assert keys.about(A.principal, PHONE) == first
