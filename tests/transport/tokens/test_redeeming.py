"""Redeeming: what is taken once, and what is refused and why."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transport.tokens.mint import CHALLENGE, MIDNIGHT, NOON, asked, signing_key, token
from transport.tokens.authentication import authorization, challenges_of
from transport.tokens.keys import DAY, SKEW
from transport.tokens.redeeming import MAX_REASONS, SOON, TELL_AGAIN, Redeemed, Redeemer, Refused, Why
from transport.tokens.spent import MIN_CAPACITY, SpentTokens
from transport.tokens.tokens import Token, TokenChallenge, to_base64url

LISTED = tuple(signing_key(number).listed for number in range(2))
_REUSED = token()


@pytest.fixture
def spent(tmp_path: Path) -> Iterator[SpentTokens]:
    table = SpentTokens(tmp_path / "spent", MIN_CAPACITY)
    yield table
    table.close()


@pytest.fixture
def redeemer(spent: SpentTokens) -> Redeemer:
    return Redeemer(CHALLENGE, lambda _: LISTED, spent)


def test_a_token_pays_for_one_look_up_once(redeemer: Redeemer) -> None:
    field = authorization(token())
    assert redeemer.redeem(field, NOON) == Redeemed(1)
    assert redeemer.redeem(field, NOON) == Refused(Why.SPENT)
    assert redeemer.redeem(authorization(token()), NOON) == Redeemed(1)
    assert redeemer.redeem("", NOON) == Refused(Why.MALFORMED)
    assert redeemer.counts == {"redeemed": 2, "spent": 1, "malformed": 1}


def test_another_spelling_of_a_spent_token_is_spent(redeemer: Redeemer) -> None:
    one = token()
    text = to_base64url(one.to_wire())
    assert redeemer.redeem(f"PrivateToken token={text}", NOON) == Redeemed()
    for field in (f'privatetoken other=1, token="{text}"', f'PrivateToken token="\\{text}"'):
        assert redeemer.redeem(field, NOON) == Refused(Why.SPENT)


def test_a_nonce_counts_once_however_often_it_was_signed(redeemer: Redeemer) -> None:
    """A client may have one nonce signed with several salts; it pays once."""
    one = token()
    key = signing_key()
    from transport.tokens import blind_rsa  # noqa: PLC0415 - this test alone signs by hand

    blinded = blind_rsa.blind(key.listed.public, one.signed, blind_rsa.PSS_DETERMINISTIC, lambda n: b"\x01" * n)
    signature = blind_rsa.blind_sign(key.private, blinded.message, lambda n: b"\x02" * n)
    other = blind_rsa.finalize(
        key.listed.public, one.signed, signature, blinded.inverse, blind_rsa.PSS_DETERMINISTIC
    )
    assert other != one.authenticator
    assert redeemer.redeem(authorization(one), NOON) == Redeemed()
    assert redeemer.redeem(authorization(replace(one, authenticator=other)), NOON) == Refused(Why.SPENT)


def test_two_workers_take_a_token_once(tmp_path: Path, redeemer: Redeemer) -> None:
    other = SpentTokens(tmp_path / "spent", MIN_CAPACITY)
    beside = Redeemer(CHALLENGE, lambda _: LISTED, other)
    field = authorization(token())
    assert (beside.redeem(field, NOON), redeemer.redeem(field, NOON)) == (Redeemed(), Refused(Why.SPENT))
    other.close()


@pytest.mark.parametrize(
    "challenge",
    [
        replace(CHALLENGE, origin_info="other.example"),
        replace(CHALLENGE, origin_info=""),
        replace(CHALLENGE, issuer_name="other.example"),
        replace(CHALLENGE, redemption_context=bytes(32)),
        replace(CHALLENGE, token_type=3),
    ],
)
def test_a_token_for_something_else_is_foreign(redeemer: Redeemer, challenge: TokenChallenge) -> None:
    assert redeemer.redeem(authorization(token(challenge=challenge)), NOON) == Refused(Why.FOREIGN)


def test_a_key_that_is_not_listed_counts_nothing(redeemer: Redeemer) -> None:
    assert redeemer.redeem(authorization(token(signing_key(2))), NOON) == Refused(Why.KEY)


def test_a_token_of_one_key_does_not_pass_for_another_s(redeemer: Redeemer) -> None:
    one = replace(token(signing_key(2)), key_id=LISTED[0].key_id)
    assert redeemer.redeem(authorization(one), NOON) == Refused(Why.SIGNATURE)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (MIDNIGHT - SKEW - 1, Refused(Why.EXPIRED)),
        (MIDNIGHT - SKEW, Redeemed()),
        (MIDNIGHT + 2 * DAY - 1, Redeemed()),
        (MIDNIGHT + 2 * DAY, Refused(Why.EXPIRED)),
    ],
)
def test_a_token_counts_as_long_as_its_key(redeemer: Redeemer, now: float, expected: object) -> None:
    assert redeemer.redeem(authorization(token()), now) == expected


@pytest.mark.parametrize("name", ["nonce", "authenticator"])
def test_a_token_that_was_changed_is_not_signed(redeemer: Redeemer, name: str) -> None:
    one = token()
    octets = bytearray(getattr(one, name))
    octets[5] ^= 1
    changed = Token(**{**{f: getattr(one, f) for f in Token.__slots__}, name: bytes(octets)})
    assert redeemer.redeem(authorization(changed), NOON) == Refused(Why.SIGNATURE)
    assert redeemer.redeem(authorization(one), NOON) == Redeemed(), "a wrong one takes no room and spoils nothing"


def test_inventions_fill_nothing(redeemer: Redeemer, spent: SpentTokens) -> None:
    for number in range(50):
        invented = Token(bytes([number]) * 32, CHALLENGE.digest, LISTED[0].key_id, bytes(256))
        assert redeemer.redeem(authorization(invented), NOON) == Refused(Why.SIGNATURE)
    assert spent.held() == {}


def test_what_cannot_be_remembered_is_not_taken(
    redeemer: Redeemer, spent: SpentTokens, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spent.prepare(LISTED[0].key_id, LISTED[0].not_after, NOON)
    path = tmp_path / "spent" / f"{LISTED[0].key_id.hex()}.spent"
    for number in range(MIN_CAPACITY):
        spent.spend(LISTED[0].key_id, number.to_bytes(32, "big"), LISTED[0].not_after, NOON)
    for _ in range(2):
        assert redeemer.redeem(authorization(token()), NOON) == Refused(Why.FULL)
    spent.close()
    path.chmod(0o644)
    for _ in range(2):
        assert redeemer.redeem(authorization(token()), NOON) == Refused(Why.FULL)
    told = [record.message for record in caplog.records]
    assert len(told) == 2, "each reason once"
    assert "no room for another token" in told[0]
    assert "mode 0644" in told[1]


def test_reasons_that_take_turns_do_not_fill_the_log_and_one_that_lasts_is_told_again(
    redeemer: Redeemer, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(10):
        redeemer.complain(f"reason {number % 2}", NOON + number)
    assert [record.message[-9:] for record in caplog.records] == ['reason 0"', 'reason 1"']
    redeemer.complain("reason 0", NOON + TELL_AGAIN)
    assert len(caplog.records) == 3
    for number in range(1_000):
        redeemer.complain(f"another {number}", NOON)
    assert len(redeemer._told) <= MAX_REASONS


def test_keys_are_due_an_hour_before_their_day_and_until_they_end(redeemer: Redeemer) -> None:
    first, second = LISTED
    begins = MIDNIGHT + DAY
    assert redeemer.due(begins - SOON - SKEW - 1) == (first,)
    assert redeemer.due(begins - SOON - SKEW) == (first, second)
    assert redeemer.due(begins + DAY - 1) == (first, second)
    assert redeemer.due(begins + DAY) == (second,)


def test_a_directory_without_a_key_for_today_is_complained_of(
    redeemer: Redeemer, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever forgets to fetch it would else hear of it from people."""
    last = MIDNIGHT + 2 * DAY - SOON
    redeemer.due(last - 1)
    assert caplog.records == []
    redeemer.due(last)
    redeemer.due(last + 60)
    assert [record.message.split()[0] for record in caplog.records] == ["event=tokens-not-taken"]
    assert "fingerpost token directory" in caplog.records[0].message


@given(st.text(max_size=80) | st.binary(max_size=360).map(lambda x: f"PrivateToken token={to_base64url(x)}"))
def test_no_text_is_more_than_malformed(text: str) -> None:
    redeemer = Redeemer(CHALLENGE, lambda _: LISTED, None)  # type: ignore[arg-type]  # it must not come so far
    assert isinstance(redeemer.redeem(text, NOON), Refused)


@given(st.integers(0, 353), st.integers(1, 255))
def test_whatever_octet_of_a_token_is_changed_it_is_refused(at: int, change: int) -> None:
    wire = bytearray(_REUSED.to_wire())
    wire[at] ^= change
    redeemer = Redeemer(CHALLENGE, lambda _: LISTED, None)  # type: ignore[arg-type]  # it must not come so far
    assert isinstance(redeemer.redeem(f"PrivateToken token={to_base64url(bytes(wire))}", NOON), Refused)


def test_who_needs_a_token_is_told_which(redeemer: Redeemer) -> None:
    (challenge,) = challenges_of(redeemer.challenge(NOON + DAY))
    assert (challenge.challenge, challenge.token_key) == (CHALLENGE, LISTED[1].spki)
    assert challenge.is_acceptable("resolver.example")
    (bare,) = challenges_of(redeemer.challenge(NOON + 9 * DAY))
    assert (bare.challenge, bare.token_key) == (CHALLENGE, b"")
    assert asked(LISTED[0]).message != asked(LISTED[0]).message
