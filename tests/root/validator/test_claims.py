"""The state machine alone, under anything that people and time may do."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from root.validator import claims
from root.validator.claims import Claim, Deposit, Pending, Record, Refused, Terms
from tests.root.validator.office import NUMBER, digest, mapping
from tests.zonedata.builders import NOW, key
from zonedata.errors import MalformedError
from zonedata.kinds import DAY

TERMS = Terms()
PEOPLE = ("ann", "bob", "eve")
ACTS = ("prove", "keep", "map", "release", "roll")
steps = st.lists(
    st.tuples(st.sampled_from(ACTS), st.sampled_from(PEOPLE), st.integers(0, 10 * DAY)), min_size=1, max_size=30
)


def act(record: Record | None, what: str, who: str, now: float, serial: int) -> Record | Refused | None:
    """Do one thing; a roll goes to a key that is never used otherwise."""
    match what:
        case "prove":
            return claims.proven(record, digest(who), "sms", now, TERMS)
        case "keep":
            return claims.kept(record, digest(who))
        case "map":
            return claims.mapped(record, mapping(key(who), NUMBER, serial), b"envelope")
        case "release":
            gone = mapping(key(who), NUMBER, serial, entries=(), is_released=True)
            return claims.released(record, gone, b"envelope", now)
        case _:
            new = mapping(key(f"{who} {serial}"), NUMBER, serial, former=(digest(who),))
            return claims.rolled(record, digest(who), new, b"envelope")


@given(steps)
def test_nobody_is_displaced_before_the_deadline_but_by_their_own_word(made: list[tuple[str, str, int]]) -> None:
    record: Record | None = None
    now = NOW
    for serial, (what, who, later) in enumerate(made, 1):
        now += later
        before, record = record, claims.settled(record, now)
        if before is not None and (record is None or record.standing.recipient != before.standing.recipient):
            is_too_old = now >= before.standing.until
            assert is_too_old or (before.pending is not None and now >= before.pending.deadline)
        after = act(record, what, who, now, serial)
        if isinstance(after, Refused):
            continue
        if record is not None and after is not None and after.standing.recipient != record.standing.recipient:
            own_word = what in {"release", "roll"} and record.standing.recipient == digest(who)
            assert own_word or record.is_released
        if after is not None and after.pending is not None and (record is None or after.pending != record.pending):
            assert what == "prove"
            is_anew = record is None or record.pending is None or record.pending.claim.recipient != digest(who)
            assert after.pending.deadline == now + TERMS.reconfirm if is_anew else True
        record = after


@given(steps)
def test_whoever_stands_holds_it_since_their_first_proof(made: list[tuple[str, str, int]]) -> None:
    record: Record | None = None
    now, proofs = NOW, set[int]()
    for serial, (what, who, later) in enumerate(made, 1):
        now += later
        record = claims.settled(record, now)
        after = act(record, what, who, now, serial)
        if isinstance(after, Refused):
            continue
        if what == "prove":
            proofs.add(now)
        if record is not None and after is not None and what == "roll":
            assert after.standing.since == record.standing.since
        record = after
        if record is not None:
            for claim in [record.standing, *([record.pending.claim] if record.pending is not None else [])]:
                assert {claim.since, claim.executed} <= proofs
                assert claim.since <= claim.executed < claim.until


@given(steps)
def test_a_record_is_read_as_it_was_written(made: list[tuple[str, str, int]]) -> None:
    record: Record | None = None
    now = NOW
    for serial, (what, who, later) in enumerate(made, 1):
        now += later
        after = act(claims.settled(record, now), what, who, now, serial)
        record = record if isinstance(after, Refused) else after
        if record is not None:
            assert Record.from_octets(record.to_octets()) == record
            assert record.due <= record.standing.until


def test_what_is_due_first() -> None:
    claim = Claim(digest("ann"), "sms", NOW, NOW, NOW + 400)
    record = Record(claim, renew=NOW + 300)
    assert record.due == NOW + 300
    assert replace(record, pending=Pending(claim, NOW + 200)).due == NOW + 200
    assert replace(record, deposit=Deposit(1, NOW + 100, b"x")).due == NOW + 100
    assert replace(record, renew=NOW + 500).due == NOW + 400


def test_when_the_standing_proof_is_too_old_the_pending_one_stands() -> None:
    old = Claim(digest("ann"), "sms", NOW, NOW, NOW + 100)
    new = Claim(digest("bob"), "sms", NOW + 50, NOW + 50, NOW + 500)
    record = Record(old, Pending(new, NOW + 300), serial=7)
    assert claims.settled(record, NOW + 99) == record
    assert claims.settled(record, NOW + 100) == Record(new, serial=7)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\x80",
        b"\x81\xa3one\x01",
        Record(Claim(bytes(32), "sms", 1, 2, 3)).to_octets().replace(b"sms", b"S s"),
    ],
)
def test_what_is_no_record_is_refused(octets: bytes) -> None:
    with pytest.raises(MalformedError):
        Record.from_octets(octets)
