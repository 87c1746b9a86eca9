from dataclasses import replace
from typing import Any

import pytest

from resolver.proven import entry as module
from resolver.proven.entry import KEPT, Entry, last_until, pack, slot_of, split
from tests.resolver.proven.making import assertion, denial, opened
from tests.zonedata.builders import NOW, changed, key, number
from tests.zonedata.samples import SAMPLES
from zonedata.errors import MalformedError
from zonedata.identifiers import parse
from zonedata.kinds import Kind, Role
from zonedata.opening import KEEP_PARTS, Opened
from zonedata.statements import seal

PHONE, MAIL = number("+14155550123"), parse("alice@example.com").owner


@pytest.mark.parametrize("kind", sorted(KEPT))
def test_every_kind_comes_back_octet_for_octet(kind: Kind) -> None:
    secret = key("x")
    one: Opened[Any] = Opened(
        SAMPLES[kind], seal(SAMPLES[kind], secret), secret.public.key_id, NOW + 9.0, NOW + 5.0
    )
    packed = pack(one)
    assert packed.open() == one
    assert split(packed.to_octets()) == [packed]


def test_an_assertion_is_shorter_than_its_envelope() -> None:
    for owner in (PHONE, MAIL):
        one = opened(assertion(owner, user="4155550123"))
        assert len(pack(one).to_octets()) < len(one.sealed.to_wire()) - 30


def test_a_list_is_its_entries_and_ends_with_the_last() -> None:
    lives = {Role.MSP: 5, Role.VALIDATOR: 9, Role.CSIP: 7}
    entries = [pack(opened(denial(PHONE, role=role), until=NOW + life)) for role, life in lives.items()]
    octets = b"".join(one.to_octets() for one in entries)
    assert split(octets) == entries
    assert len({one.slot for one in entries}) == 3
    assert last_until(octets) == last_until(b"s" + octets, 1) == NOW + 9
    assert slot_of(assertion(PHONE)) == Kind.ASSERTION


def test_keep_is_never_after_until() -> None:
    for until in (5.9, -1.0, 2.0**41, float("inf")):
        packed = pack(opened(assertion(PHONE), keep=until, until=until))
        assert packed.keep <= packed.until * KEEP_PARTS
        assert packed.until <= max(until, 0)


@pytest.mark.parametrize("rest", [b"", b"\x10", b"\x1f" + bytes(90), b"\x10" + bytes(72) + b"\xff\xff"])
def test_what_is_damaged_is_said_to_be(rest: bytes) -> None:
    with pytest.raises(MalformedError):
        Entry(NOW, NOW * 1000, rest).open()


def test_only_what_verification_lets_through_is_kept() -> None:
    one = opened(assertion(PHONE))
    (signature,) = one.sealed.signatures
    for wrong in (
        (),
        (signature, signature),
        (replace(signature, algorithm=16),),
        (replace(signature, octets=b"x"),),
    ):
        with pytest.raises(ValueError, match="not kept"):
            pack(changed(one, sealed=replace(one.sealed, signatures=wrong)))
    assert Kind.ROOTKEYS not in KEPT


def test_the_dictionary_is_part_of_the_format() -> None:
    packed = pack(opened(assertion(PHONE)))
    assert len(packed.rest) < 160, "the body is mostly found in the dictionary"
    assert len(module.DICTIONARY) <= 2**9 + 200
