"""One-time codes and allowances, by themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from root.validator import codes
from root.validator.allowances import Allowance, Bound, client_of
from root.validator.codes import ATTEMPTS, CODE_SECONDS, Codes, Tried
from tests.root.validator.office import MAIL, NUMBER, digest

ANN, BOB = digest("ann"), digest("bob")
OWNER = NUMBER.owner


@given(st.lists(st.integers(0, 20), max_size=15), st.integers(0, 20))
def test_no_code_is_guessed_beyond_the_attempts(guesses: list[int], code: int) -> None:
    held = Codes(b"secret")
    held.begin(OWNER, ANN, str(code), 0)
    tried = []
    for guess in guesses:
        tried.append(held.try_(OWNER, ANN, str(guess), 1))
        if tried[-1] is Tried.RIGHT:
            held.spend(OWNER, ANN)
    assert tried.count(Tried.WRONG) <= ATTEMPTS
    assert tried.count(Tried.RIGHT) <= 1
    expected = code in guesses and guesses.index(code) < ATTEMPTS
    assert (Tried.RIGHT in tried) == expected
    counted = guesses.index(code) + 1 if expected else ATTEMPTS
    assert all(one is Tried.NONE for one in tried[counted:])


def test_a_code_is_for_one_key_and_one_identifier() -> None:
    held = Codes(b"secret")
    held.begin(OWNER, ANN, "12345678", 0)
    assert held.try_(OWNER, BOB, "12345678", 0) is Tried.NONE
    assert held.try_(MAIL.owner, ANN, "12345678", 0) is Tried.NONE
    assert held.try_(OWNER, ANN, "12345678", 0) is Tried.RIGHT


def test_a_right_code_counts_until_it_is_spent() -> None:
    held = Codes(b"secret")
    held.begin(OWNER, ANN, "12345678", 0)
    assert [held.try_(OWNER, ANN, "12345678", 0) for _ in range(2)] == [Tried.RIGHT, Tried.RIGHT]
    held.spend(OWNER, ANN)
    assert held.try_(OWNER, ANN, "12345678", 0) is Tried.NONE


def test_a_new_code_takes_the_place_of_the_old() -> None:
    held = Codes(b"secret")
    held.begin(OWNER, ANN, "11111111", 0)
    held.begin(OWNER, ANN, "22222222", 0)
    assert held.try_(OWNER, ANN, "11111111", 0) is Tried.WRONG
    assert held.try_(OWNER, ANN, "22222222", 0) is Tried.RIGHT


def test_codes_grow_old_and_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes, "MAX_OUTSTANDING", 2)
    held = Codes(b"secret")
    assert held.begin(OWNER, ANN, "1", 0)
    assert held.begin(OWNER, BOB, "2", 1)
    assert not held.begin(MAIL.owner, ANN, "3", 2)
    assert held.begin(OWNER, BOB, "2", 2), "in the place of its own"
    assert held.try_(OWNER, ANN, "1", CODE_SECONDS - 1) is Tried.RIGHT
    held.spend(OWNER, ANN)
    assert held.begin(OWNER, ANN, "1", 3)
    assert held.try_(OWNER, ANN, "1", CODE_SECONDS + 3) is Tried.NONE
    assert held.begin(MAIL.owner, ANN, "3", CODE_SECONDS + 3), "the old ones have made room"


def test_no_code_is_kept_as_it_is() -> None:
    held = Codes(b"secret")
    held.begin(OWNER, ANN, "12345678", 0)
    assert "12345678" not in repr(vars(held))


# --- allowances -----------------------------------------------------------------------------------------------


@given(st.lists(st.floats(0, 20), max_size=60), st.integers(1, 5), st.integers(1, 50))
def test_no_period_has_more_than_is_allowed(pauses: list[float], most: int, period: int) -> None:
    allowance = Allowance((Bound(most, period), Bound(10, 200)))
    now, taken = 0.0, list[float]()
    for pause in pauses:
        now += pause
        if allowance.wait(b"key", now) == 0:
            allowance.count(b"key", now)
            taken.append(now)
    for bound in (Bound(most, period), Bound(10, 200)):
        assert all(len([t for t in taken if start <= t < start + bound.period]) <= bound.most for start in taken)


def test_who_waits_as_told_may_ask() -> None:
    allowance = Allowance((Bound(2, 60),))
    allowance.count(b"key", 0)
    allowance.count(b"key", 10)
    assert allowance.wait(b"key", 15) == 45
    assert allowance.wait(b"other", 15) == 0
    assert allowance.wait(b"key", 60) == 0


def test_what_is_given_back_was_not_asked() -> None:
    allowance = Allowance((Bound(2, 60),))
    allowance.count(b"key", 0)
    allowance.count(b"key", 10)
    allowance.give_back(b"key", 0)
    allowance.give_back(b"key", 5)
    allowance.give_back(b"other", 0)
    assert allowance.wait(b"key", 15) == 0
    allowance.count(b"key", 15)
    assert allowance.wait(b"key", 15) == 55


def test_who_was_quiet_longest_is_forgotten() -> None:
    allowance = Allowance((Bound(1, 60),), max_keys=2)
    for n, who in enumerate((b"a", b"b", b"a", b"c")):
        allowance.count(who, n)
    assert [allowance.wait(who, 4) > 0 for who in (b"a", b"b", b"c")] == [True, False, True]


def test_an_ipv6_network_is_one_client() -> None:
    assert client_of("2001:db8::1") == client_of("2001:db8::2:3") != client_of("2001:db8:0:1::1")
    assert client_of("192.0.2.1") != client_of("192.0.2.2")
