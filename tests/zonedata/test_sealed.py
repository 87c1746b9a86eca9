import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.zonedata.builders import key, rootkeys, seal_rootkeys
from tests.zonedata.samples import SAMPLES
from zonedata.errors import MalformedError
from zonedata.keys import ED25519
from zonedata.kinds import MAX_ROOT_SIGNATURES, MAX_SEALED, RULES, Kind
from zonedata.sealed import Sealed, Signature, seal_body, signed_octets
from zonedata.statements import STATUS_CAPS, read_untrusted, seal

signature = st.builds(Signature, st.integers(0, 255), st.binary(min_size=8, max_size=8), st.binary(max_size=70))


@given(st.sampled_from(Kind), st.lists(signature, min_size=1, max_size=33), st.binary(max_size=100))
def test_wire_round_trip_or_too_many_signatures(kind: Kind, signatures: list[Signature], body: bytes) -> None:
    most = RULES[kind].max_signatures if kind in RULES else 0
    sealed = Sealed(kind, tuple(signatures), body)
    if len(signatures) <= most:
        assert Sealed.from_wire(sealed.to_wire()) == sealed
    else:
        with pytest.raises(MalformedError, match="signatures"):
            Sealed.from_wire(sealed.to_wire())


@given(st.binary(max_size=120))
def test_any_octets_are_an_envelope_that_writes_itself_or_refused(wire: bytes) -> None:
    try:
        sealed = Sealed.from_wire(wire)
    except MalformedError:
        return
    assert sealed.to_wire() == wire


@pytest.mark.parametrize("kind", RULES)
def test_every_cut_is_refused_until_the_body_begins(kind: Kind) -> None:
    sealed = seal_body(kind, b"body", [key("a")])
    wire = sealed.to_wire()
    head = len(wire) - len(sealed.body)
    for length in range(head):
        with pytest.raises(MalformedError):
            Sealed.from_wire(wire[:length])
    assert Sealed.from_wire(wire[:head]).body == b""


@pytest.mark.parametrize("kind", RULES)
def test_a_body_may_be_as_long_as_its_kind_allows(kind: Kind) -> None:
    most = RULES[kind].caps.octets
    assert Sealed.from_wire(seal_body(kind, bytes(most), [key("a")]).to_wire())
    with pytest.raises(MalformedError, match=r"allows|none has more"):
        Sealed.from_wire(seal_body(kind, bytes(most + 1), [key("a")]).to_wire())


def test_no_envelope_is_longer_than_the_longest_kinds() -> None:
    longest = seal_body(Kind.DELEGATION, bytes(RULES[Kind.DELEGATION].caps.octets), [key("a")]).to_wire()
    assert len(longest) == MAX_SEALED
    assert Sealed.from_wire(longest)
    padded = Signature(ED25519, bytes(8), bytes(MAX_SEALED))  # a short body behind a signature without end
    with pytest.raises(MalformedError, match=f"none has more than {MAX_SEALED}"):
        Sealed.from_wire(Sealed(Kind.DENIAL, (padded,), b"\x80").to_wire())


@pytest.mark.parametrize("kind", RULES)
def test_every_kind_but_status_is_signed(kind: Kind) -> None:
    with pytest.raises(MalformedError, match="0 signatures"):
        Sealed.from_wire(bytes((kind, 0)) + b"\x80")


def test_status_is_not_signed_and_capped_when_it_is_read() -> None:
    sealed = seal(SAMPLES[Kind.STATUS])
    assert sealed.signatures == ()
    assert Sealed.from_wire(sealed.to_wire()) == sealed
    with pytest.raises(MalformedError, match="1 signatures"):
        Sealed.from_wire(seal_body(Kind.STATUS, sealed.body, [key("a")]).to_wire())
    with pytest.raises(MalformedError, match="octets"):
        read_untrusted(Sealed(Kind.STATUS, (), b"\x80" + bytes(STATUS_CAPS.octets)))


@pytest.mark.parametrize("number", sorted(set(range(256)) - set(Kind)))
def test_unknown_kinds_are_refused(number: int) -> None:
    with pytest.raises(MalformedError, match="unknown kind"):
        Sealed.from_wire(bytes((number, 0)))


def test_a_signature_covers_version_kind_and_body() -> None:
    assert signed_octets(Kind.ASSERTION, b"body") == b"fingerpost/1/assertion\0body"
    messages = {signed_octets(kind, b"body") for kind in Kind}
    assert len(messages) == len(Kind)


def test_statements_about_one_person_stay_under_a_kibibyte() -> None:
    for kind in (Kind.ASSERTION, Kind.BLOCK, Kind.DENIAL):
        longest = seal_body(kind, bytes(RULES[kind].caps.octets), [key("a")])
        assert len(longest.to_wire()) <= 1_024


def test_signatures_stand_in_order_of_key_ids_whoever_signed_first() -> None:
    sealed = seal_rootkeys(rootkeys(), "cab")
    ids = [signature.key_id for signature in sealed.signatures]
    assert ids == sorted(ids)
    assert sealed == seal_rootkeys(rootkeys(), "bca")
    assert {signature.algorithm for signature in sealed.signatures} == {ED25519}
    assert len(sealed.signatures) <= MAX_ROOT_SIGNATURES
