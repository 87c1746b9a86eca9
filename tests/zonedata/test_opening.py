from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.zonedata.builders import (
    NOW,
    anchor,
    bound,
    changed,
    key,
    life,
    read,
    reseal,
    rootkeys,
    seal_rootkeys,
    signer,
)
from tests.zonedata.samples import OWNER, SAMPLES, SIGNERS, TREE, statement
from zonedata import trust
from zonedata.errors import MalformedError, UntrustedError
from zonedata.kinds import DAY, RULES, ZONE_SIGNED, Kind, Use
from zonedata.opening import Claim, Opened, Refusal, Signer, Step, open_claim, read_claim
from zonedata.sealed import Sealed, Signature, signed_octets
from zonedata.statements import Statement, seal, to_body
from zonedata.zone_statements import BINDABLE, BoundKey

ROOT = anchor().signer()
ALPHA = signer("alpha.example")
SAID: dict[Kind, tuple[Signer, str]] = {
    kind: (ROOT, "./zone") if kind in ZONE_SIGNED else (ALPHA, SIGNERS[kind])
    for kind in RULES
    if kind is not Kind.ROOTKEYS
}

BY_PARTIES = [kind for kind in SAID if kind is not Kind.MAPPING]


def opened(wire: bytes, party: Signer, now: float = NOW, keep: float | None = None) -> Opened[Statement] | Refusal:
    claim = read_claim(wire)
    return claim if isinstance(claim, Refusal) else open_claim(claim, party, TREE, now, keep)


def step_of(wire: bytes, party: Signer, now: float = NOW) -> Step | None:
    result = opened(wire, party, now)
    return result.step if isinstance(result, Refusal) else None


def good(kind: Kind) -> bytes:
    return reseal(SAMPLES[kind], SAID[kind][1])


@pytest.mark.parametrize("kind", SAID)
def test_every_kind_opens(kind: Kind) -> None:
    party, by = SAID[kind]
    result = opened(good(kind), party)
    assert isinstance(result, Opened)
    assert result.statement == SAMPLES[kind]
    assert result.sealed.to_wire() == good(kind)
    assert result.key_id == key(by).public.key_id


@pytest.mark.parametrize("kind", SAID)
def test_one_flipped_bit_anywhere_is_refused(kind: Kind) -> None:
    party, wire = SAID[kind][0], good(kind)
    for bit in range(8 * len(wire)):
        bad = bytearray(wire)
        bad[bit // 8] ^= 1 << bit % 8
        assert step_of(bytes(bad), party) is not None, f"bit {bit} of {kind.name}"


def test_one_flipped_bit_anywhere_in_an_anchor_is_refused() -> None:
    wire = seal_rootkeys(rootkeys(threshold=3)).to_wire()
    assert trust.from_sealed(Sealed.from_wire(wire))
    for bit in range(8 * len(wire)):
        bad = bytearray(wire)
        bad[bit // 8] ^= 1 << bit % 8
        with pytest.raises((MalformedError, UntrustedError)):
            trust.from_sealed(Sealed.from_wire(bytes(bad)))


def resigned(kind: Kind, by: str, as_kind: Kind) -> bytes:
    """Sign the body of one kind in the context of another."""
    body = to_body(SAMPLES[kind])
    private = key(by)
    signature = Signature(15, private.public.key_id, private.sign(signed_octets(as_kind, body)))
    return Sealed(kind, (signature,), body).to_wire()


@pytest.mark.parametrize("kind", SAID)
@pytest.mark.parametrize("other", Kind)
def test_a_signature_of_one_kind_never_verifies_as_another(kind: Kind, other: Kind) -> None:
    party, by = SAID[kind]
    assert step_of(resigned(kind, by, other), party) is (None if kind is other else Step.SIGNATURE)


@pytest.mark.parametrize("kind", BY_PARTIES)
@pytest.mark.parametrize("use", sorted(BINDABLE))
def test_a_key_signs_what_it_is_for_and_nothing_else(kind: Kind, use: Use) -> None:
    party = Signer(SAID[kind][0].name, (), (bound("k", use),), NOW + DAY)
    expected = None if RULES[kind].use is use else Step.KEY
    assert step_of(reseal(SAMPLES[kind], "k"), party) is expected


def test_root_keys_are_no_zone_keys_and_status_is_nobodys_word() -> None:
    assert step_of(reseal(SAMPLES[Kind.ROOTKEYS], "./zone"), ROOT) is Step.KEY
    assert step_of(seal(SAMPLES[Kind.STATUS]).to_wire(), ALPHA) is Step.SPEAKER
    assert step_of(seal(SAMPLES[Kind.STATUS]).to_wire(), replace(ALPHA, name="")) is Step.SPEAKER


def test_a_mapping_is_opened_by_the_key_in_it_whoever_shows_it() -> None:
    for party in (ALPHA, ROOT, replace(ALPHA, name="beta.example", keys=())):
        result = opened(good(Kind.MAPPING), party)
        assert isinstance(result, Opened)
        assert result.until == min(SAMPLES[Kind.MAPPING].life.expires, party.until)
    refused = opened(reseal(SAMPLES[Kind.MAPPING], "alpha.example/assert"), ALPHA)
    assert isinstance(refused, Refusal)
    assert refused.step is Step.KEY
    assert "not by the recipient's own" in refused.why


@pytest.mark.parametrize("kind", [Kind.DENIAL, Kind.MAPPING, Kind.VALIDATION, Kind.REVOCATION])
def test_what_must_show_soon_is_not_kept_for_long_whatever_its_ttl(kind: Kind) -> None:
    lasting = replace(SAMPLES[kind], life=replace(SAMPLES[kind].life, ttl=DAY))
    result = opened(reseal(lasting, SAID[kind][1]), SAID[kind][0], keep=NOW + DAY)
    assert isinstance(result, Opened)
    assert result.keep == NOW + 300


@pytest.mark.parametrize("kind", BY_PARTIES)
def test_only_the_party_that_was_asked_is_heard(kind: Kind) -> None:
    party = replace(SAID[kind][0], name="beta.example")
    assert step_of(good(kind), party) is Step.SPEAKER


@pytest.mark.parametrize("kind", ZONE_SIGNED)
def test_a_zone_speaks_in_one_tree(kind: Kind) -> None:
    claim = read_claim(good(kind))
    assert isinstance(claim, Claim)
    result = open_claim(claim, ROOT, bytes(16), NOW)
    assert isinstance(result, Refusal)
    assert result.step is Step.TREE


@pytest.mark.parametrize("kind", SAID)
def test_when_each_kind_counts(kind: Kind) -> None:
    party, by = SAID[kind]
    times = SAMPLES[kind].life
    assert step_of(good(kind), party, times.issued - times.skew) is None
    assert step_of(good(kind), party, times.issued - times.skew - 1) is Step.WINDOW
    assert step_of(good(kind), party, times.expires - 0.1) is None
    assert step_of(good(kind), party, times.expires) is Step.WINDOW
    for extra, expected in ((0, None), (1, Step.WINDOW)):
        longest = replace(times, issued=NOW - 1, expires=NOW - 1 + RULES[kind].max_life + extra)
        assert (
            step_of(reseal(replace(SAMPLES[kind], life=longest), by), replace(party, keys=forever(kind)))
            is expected
        )


def forever(kind: Kind) -> tuple[BoundKey, ...]:
    return (bound(SAID[kind][1], RULES[kind].use, start=0, end=NOW + 400 * DAY),)


@pytest.mark.parametrize(
    ("start", "end", "step"),
    [
        (NOW - 1, NOW + 1, None),
        (NOW, NOW + 1, None),
        (NOW + 60, NOW + 90, None),
        (NOW + 61, NOW + 90, Step.KEY),
        (NOW - 9, NOW, Step.KEY),
    ],
)
def test_a_key_counts_in_its_own_window(start: int, end: int, step: Step | None) -> None:
    party = Signer("alpha.example", (), (bound("k", Use.DENY, start=start, end=end),), NOW + DAY)
    assert step_of(reseal(SAMPLES[Kind.DENIAL], "k"), party) is step


@pytest.mark.parametrize(
    ("start", "end", "counts"),
    [(NOW, NOW + 1, True), (NOW + 60, NOW + 90, True), (NOW + 61, NOW + 90, False), (NOW - 9, NOW, False)],
)
def test_a_party_vouches_for_what_its_key_signed_while_the_key_counts(
    start: int, end: int, *, counts: bool
) -> None:
    held = opened(good(Kind.DENIAL), ALPHA)
    assert isinstance(held, Opened)
    deny = bound("alpha.example/deny", Use.DENY, start=start, end=end)
    assert replace(ALPHA, keys=(deny,)).vouches_for(held, NOW) is counts
    assert not replace(ALPHA, keys=(replace(deny, uses=(Use.ASSERT,)),)).vouches_for(held, NOW)
    assert not replace(ALPHA, keys=(bound("other", Use.DENY),)).vouches_for(held, NOW)
    assert not ALPHA.vouches_for(changed(held, sealed=seal(SAMPLES[Kind.STATUS])), NOW)


def test_keys_and_algorithms_that_nobody_bound() -> None:
    wire = good(Kind.ASSERTION)
    assert step_of(wire, replace(ALPHA, keys=())) is Step.KEY
    assert step_of(wire[:2] + b"\x10" + wire[3:], ALPHA) is Step.KEY
    claim = read_claim(wire)
    assert isinstance(claim, Claim)
    short = replace(claim.sealed.signatures[0], octets=claim.sealed.signatures[0].octets[:63])
    assert step_of(replace(claim.sealed, signatures=(short,)).to_wire(), ALPHA) is Step.SIGNATURE


def test_nothing_outlives_its_key_its_chain_or_itself() -> None:
    denial = SAMPLES[Kind.DENIAL]  # ttl 300, ends at NOW + 300
    for end, until, expected in ((NOW + 50, NOW + 70, NOW + 50), (NOW + 90, NOW + 70, NOW + 70)):
        party = Signer("alpha.example", (), (bound("k", Use.DENY, end=end),), until)
        result = opened(reseal(denial, "k"), party)
        assert isinstance(result, Opened)
        assert (result.until, result.keep) == (expected, expected)


@pytest.mark.parametrize(
    ("keep", "now", "expected"),
    [(NOW + 5, NOW, NOW + 5), (NOW + 999, NOW, NOW + 300), (NOW + 999, NOW - 60, NOW + 240)],
)
def test_it_is_kept_for_the_least_of_record_ttl_signed_ttl_and_expiry(
    keep: float, now: float, expected: float
) -> None:
    result = opened(good(Kind.DENIAL), ALPHA, now, keep)
    assert isinstance(result, Opened)
    assert (result.keep, result.until) == (expected, NOW + 300)


@given(statement, st.integers(-2 * DAY, 2 * DAY))
def test_nothing_opens_that_its_party_did_not_sign(one: Statement, later: int) -> None:
    party = Signer("alpha.example", (), ALPHA.keys, NOW + DAY)
    wire = reseal(replace(one, life=life(one.kind)), "somebody")
    assert isinstance(opened(wire, party, NOW + later), Refusal)


@given(st.binary(max_size=200), st.sampled_from(sorted(SAID)), st.integers(0, 80))
def test_any_octets_are_read_or_refused(noise: bytes, kind: Kind, at: int) -> None:
    for wire in (noise, good(kind)[:at] + noise, good(kind)[: 77 + at] + noise):
        result = opened(wire, SAID[kind][0])
        assert isinstance(result, Refusal) or wire == good(kind)


def test_a_refusal_says_which_step_and_why() -> None:
    result = read_claim(b"")
    assert isinstance(result, Refusal)
    assert result.to_text() == "step 1 (envelope) refused statement of unknown: envelope is cut short"
    for bad in (b"\x63\0", good(Kind.DENIAL) + b"\0"):
        unread = read_claim(bad)
        assert isinstance(unread, Refusal)
        assert unread.octets == bad
        assert repr(bad) not in repr(unread)
    late = opened(good(Kind.DENIAL), ALPHA, NOW + 310)
    assert isinstance(late, Refusal)
    assert late.to_text() == "step 5 (window) refused DENIAL of alpha.example: expired 10 s ago"
    assert [int(step) for step in Step] == list(range(1, 12))


def test_reading_keeps_the_octets() -> None:
    claim = read(seal(SAMPLES[Kind.ASSERTION], key("alpha.example/assert")))
    assert claim.sealed.to_wire() == good(Kind.ASSERTION)
    assert getattr(claim.statement, "owner", None) == OWNER
